"""What every turn asks of a waiting job, and how one begins to run, whatever is kept for others."""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import holdable, is_dear, refresh
from suanli.kernel.scheduling.core.index import read_changes
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.patience import expect
from suanli.kernel.scheduling.core.place import hold, lay
from suanli.kernel.scheduling.core.power import lacks, most_more, take, weigh
from suanli.kernel.scheduling.core.score import WEIGHED
from suanli.kernel.scheduling.core.seek import seek
from suanli.kernel.scheduling.core.tables import Center, Ints


@compiled
def is_full(center: Center, job: int) -> bool:
    """Tell whether a bound on what may be asked for at once leaves too little for a job."""
    association, asks, bounds = center.jobs[job, t.ASSOCIATION], center.jobs[job, t.ASKS], center.bounds
    for place in range(center.associations.shape[1]):
        bound = center.associations[association, place]
        if bound < 0:
            return False
        for amount in range(t.AMOUNTS):
            if bounds[bound, t.ACTIVE, amount] + center.asks[asks, amount] > bounds[bound, t.MOST, amount]:
                return True
    return False


@compiled
def tally(center: Center, job: int, sign: int) -> None:
    """Count what a job asks of bounds and licenses, and what it draws, as taken (1) or as given back (-1)."""
    association, asks = center.jobs[job, t.ASSOCIATION], center.jobs[job, t.ASKS]
    shape, given = center.jobs[job, t.SHAPE], center.jobs[job, t.GIVEN]
    for place in range(center.associations.shape[1]):
        bound = center.associations[association, place]
        if bound < 0:
            break
        for amount in range(t.AMOUNTS):
            asked = center.asks[asks, amount] + given * _each(center, shape, amount)
            center.bounds[bound, t.ACTIVE, amount] += sign * asked
    for row in range(center.licenses.shape[0]):
        center.licenses[row, t.IN_USE] += sign * center.asks[asks, t.AMOUNTS + row]
    center.sizes[t.POWER_IN_USE] += sign * center.jobs[job, t.DRAW]


@compiled
def _each(center: Center, shape: int, amount: int) -> int:
    """How much of an amount that bounds know each task more asks for, or each node where nodes are counted."""
    shapes, unit = center.shapes, center.shapes[shape, t.UNIT] if center.shapes[shape, t.BY_NODES] else 1
    if amount == t.CPU_ASKED:
        return int(unit * shapes[shape, t.TASK_CPU])
    if amount == t.MEMORY_ASKED:
        return int(unit * shapes[shape, t.TASK_MEMORY])
    return int(unit * shapes[shape, t.DEVICES] * shapes[shape, t.SHARE]) if amount == t.SHARES_ASKED else 0


@compiled
def widen(center: Center, job: int, total: Ints, beside: bool) -> int:
    """Give a job that can start as many tasks (or nodes) as it may have, as bounds leave it, and as there is room for.

    ``total`` [E] is what there is room for by engine, ``beside`` where that is beside what is kept for the head.
    Returns how many it has then.
    """
    need, given, shape = center.jobs[job, t.NEED], center.jobs[job, t.MORE], center.jobs[job, t.SHAPE]
    if given == 0:
        return int(need)
    most = 0
    for engine in range(total.size):
        most = max(most, total[engine])
    given = min(given, most - need, most_more(center, job, beside))
    association, asks, bounds = center.jobs[job, t.ASSOCIATION], center.jobs[job, t.ASKS], center.bounds
    for place in range(center.associations.shape[1]):
        bound = center.associations[association, place]
        if bound < 0:
            break
        for amount in range(t.CPU_ASKED, t.AMOUNTS):
            each = _each(center, shape, amount)
            if each > 0:
                left = bounds[bound, t.MOST, amount] - bounds[bound, t.ACTIVE, amount] - center.asks[asks, amount]
                given = min(given, left // each)
    center.jobs[job, t.GIVEN] = given
    return int(need + given)


@compiled
def fits(center: Center, job: int, policy: int) -> bool:
    """Tell whether there is room for all of a job now."""
    shape = center.jobs[job, t.SHAPE]
    if center.shapes[shape, t.SEEN] != center.sizes[t.LOG_SIZE]:
        refresh(center, shape, policy)
    return holdable(center.total, shape, center.jobs[job, t.NEED])


BY_SHAPE = -1
"""The answer of :func:`find` where nodes are to be chosen by what is remembered of the shape."""
_FEW = 16
"""So much of a need may be looked for one after the other."""


@compiled
def find(center: Center, job: int, policy: int) -> int:
    """Tell whether there is room and power for all of a job now.

    0 if not, else how many nodes are chosen, or ``BY_SHAPE``.
    """
    if lacks(center, job):
        return 0
    shape, need = center.jobs[job, t.SHAPE], center.jobs[job, t.NEED]
    # The index does not know which nodes are near each other.
    is_anywhere = need == 1 or center.sizes[t.SWITCHES] <= 1
    is_few = need <= _FEW and center.jobs[job, t.MORE] == 0
    # Nor does it know scores that differ by shape.
    if (
        policy != WEIGHED
        and center.shapes[shape, t.PURSUES] < t.BY_RANK
        and is_anywhere
        and is_few
        and center.total.shape[1] == 1
        and is_dear(center, shape)
    ):
        read_changes(center, policy)
        return seek(center, shape, need, False)
    return BY_SHAPE if fits(center, job, policy) else 0


@compiled
def begin(center: Center, job: int, now: int, chosen: int, beside: bool) -> None:
    """Let a job run on the chosen nodes; ``beside`` where only what is not kept of them may be taken.

    It is not yet among those that run (``lists``).
    """
    jobs = center.jobs
    hold(center, job, chosen, beside)
    lay(center, job)
    jobs[job, t.END] = min(now + jobs[job, t.LIMIT], t.NEVER)
    expect(center, job, now)
    weigh(center, job)
    take(center, job, now)
    tally(center, job, 1)
