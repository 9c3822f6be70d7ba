"""One turn over all that waits, in order. Its cost is a glance at each waiting job, and work for what can start.

Room only shrinks within a turn, so a kind that cannot start once cannot start later in it. The first job that cannot
start becomes the head and gets the reservation that everything after it must respect, the only one: ``conserve`` has
the turn where there are more.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import licensing, lists, power
from suanli.kernel.scheduling.core.admit import BY_SHAPE, begin, find, fits, is_full, widen
from suanli.kernel.scheduling.core.feasible import read_ahead
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.place import choose_now, shift
from suanli.kernel.scheduling.core.preempt import preempt
from suanli.kernel.scheduling.core.ranks import behind, close_ranks
from suanli.kernel.scheduling.core.reserve import choose_beside, meet, reserve, startable_beside
from suanli.kernel.scheduling.core.rules import NO_BACKFILL, Decided, Rules
from suanli.kernel.scheduling.core.seek import seek
from suanli.kernel.scheduling.core.tables import (
    BARRED,
    BLOCKED,
    KEPT_SIZE,
    KINDS,
    LEAVING_SIZE,
    LEFT,
    LIMIT,
    LONG,
    NEED,
    NEVER,
    NOBODY,
    SHAPE,
    TURN,
    WAITING_SIZE,
    Center,
    Ints,
)


@compiled
def turn(center: Center, now: int, soon: int, rules: Rules, started: Ints) -> Decided:
    """Start what can start; write those jobs into ``started``, in the order in which they were decided.

    Work past its expected end is taken to end at the instant ``soon``.
    """
    sizes, jobs, kinds = center.sizes, center.jobs, center.kinds
    sizes[TURN] += 1
    sizes[LEAVING_SIZE] = 0
    read_ahead(center)
    power.keep_none(center)
    size, this = sizes[WAITING_SIZE], sizes[TURN]
    queue, kind_of = lists.waiting(center)
    place, count, noted, blocked = 0, 0, 0, sizes[BARRED]
    head, head_start, complete = NOBODY, NEVER, True
    while place < size and blocked < sizes[KINDS]:
        job, kind = queue[place], kind_of[place]
        place += 1
        if kinds[kind, BLOCKED] == this or is_full(center, job) or licensing.must_wait(center, job, now, soon):
            place = _next_open(kinds, kind_of[:size], place, this)
            continue
        long = head != NOBODY and now + jobs[job, LIMIT] > head_start
        if long and kinds[kind, LONG] == this:
            continue
        if count == rules.most:
            complete = False
            break
        chosen = find(center, job, rules.score)
        if chosen != 0:
            if _try(center, job, now, long, chosen):
                started[count] = job
                center.lists[LEFT, count] = place - 1
                count += 1
                if center.licenses.shape[0] > 0:
                    # Who waits for a license looks at the ends of all that runs.
                    lists.start_all(center, started[noted:count])
                    noted = count
            else:
                kinds[kind, LONG] = this
            continue
        if rules.reservations == NO_BACKFILL:
            head = job
            break
        kinds[kind, BLOCKED] = this
        blocked += 1
        if head == NOBODY:
            lists.start_all(center, started[noted:count])
            noted = count
            head_start = _reserve(center, job, now, soon, rules)
            if head_start != NEVER:
                head = job
                licensing.keep(center, job, head_start, (now, soon))
                queue, kind_of = behind(center, place) if rules.shortest_first else (queue, kind_of)
    lists.start_all(center, started[noted:count])
    if count:
        close_ranks(center, count, rules.shortest_first)
    return Decided(count, head, head_start, complete)


@compiled
def _next_open(kinds: Ints, kind_of: Ints, place: int, this: int) -> int:
    """The first place from this one on of a kind that is not blocked; the length where there is none.

    By itself, because one that comes last in a long queue costs little more than a look at each of the others.
    """
    while place < kind_of.size and kinds[kind_of[place], BLOCKED] == this:
        place += 1
    return place


@compiled
def _reserve(center: Center, job: int, now: int, soon: int, rules: Rules) -> int:
    """Let the first that cannot start take its right, and reserve for it; the start, NEVER where none is foreseen.

    Nobody gives way to who lacks power.
    """
    fits(center, job, rules.score)
    if rules.preempt and not power.lacks(center, job):
        preempt(center, job)
    start = reserve(center, job, now, soon)
    if start != NEVER:
        power.keep(center, job, start, (now, soon))
    return start


@compiled
def _try(center: Center, job: int, now: int, long: bool, chosen: int) -> bool:
    """Start a job that there is room for, unless it would run into the head's reservation (``long``) and delay it.

    What it would take is nodes, or power.

    ``chosen`` is how many nodes are chosen where it is not long, or ``BY_SHAPE``.
    """
    shape, need = center.jobs[job, SHAPE], center.jobs[job, NEED]
    if long and power.would_take(center, job, now):
        return False
    if chosen != BY_SHAPE:
        chosen = seek(center, shape, need, True) if long else chosen
    elif not long:
        chosen = choose_now(center, shape, widen(center, job, center.total[shape], False))
    elif startable_beside(center, shape, need):
        chosen = choose_beside(center, shape, widen(center, job, center.beside[shape], True))
    else:
        chosen = 0
    if chosen == 0:
        return False
    _start(center, job, now, chosen, long)
    return True


@compiled
def _start(center: Center, job: int, now: int, chosen: int, long: bool) -> None:
    licensing.take(center, job, now)
    begin(center, job, now, chosen, long)
    if center.sizes[KEPT_SIZE] == 0:
        return
    if long:
        shift(center, center.then_nodes, center.then_devices, job, -1)
    meet(center, job)
