"""What ends of running work bring for the head: on which node, from when, how many of its tasks fit.

Each such gain is kept, in the order of time, up to the instant at which the head had enough. While the same head waits,
only nodes that changed are looked at anew, and nothing is taken off the center's own nodes for it: what a node will be
is worked out in ``both_nodes`` and ``both_devices``, which whoever keeps a reservation sets anew afterwards.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.copying import copy, copy_devices
from suanli.kernel.scheduling.core.feasible import may_gain, tasks_on, weight
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.place import shift
from suanli.kernel.scheduling.core.slots import put
from suanli.kernel.scheduling.core.tables import Center, Ints

_DEARER = 4
"""How much more it costs to look at a job among those that hold one node than among all, which are sorted by end."""


@compiled
def look_ahead(center: Center, shape: int, need: int, now: int, soon: int) -> int:
    """Find the first instant at which some engine's nodes can hold all of the need, NEVER if there is none.

    The shape must be up to date and have no room now. Work past its expected end is taken to end at the instant
    ``soon``. ``row`` has then what fits on each node at the instant, and what ends bring until then is kept.
    """
    center.sizes[t.GAINS] = 0
    return look_until(center, shape, need, (now, soon, t.NEVER), True)


@compiled
def look_until(center: Center, shape: int, need: int, times: tuple[int, int, int], is_kept: bool) -> int:
    """Find the same as :func:`look_ahead` if it lies before the third of the times, and keep what is found if asked."""
    now, soon, until = times
    jobs, running, size, sizes = center.jobs, center.lists[t.RUNNING], center.sizes[t.RUNNING_SIZE], center.sizes
    copy(center.row, center.tasks[shape])
    total = center.spare[0]
    copy(total, center.total[shape])
    overdue = 0
    sizes[t.LOOKS] += 1
    late = due_by(jobs, running[:size], now)
    due = late
    while overdue < late or due < size:
        instant = jobs[running[due], t.END] if due < size else t.NEVER
        if overdue < late and soon <= instant:
            instant = soon
            while overdue < late:
                _let_end(center, running[overdue], shape, total, (instant, is_kept))
                overdue += 1
        if instant >= until:
            break
        while due < size and jobs[running[due], t.END] == instant:
            _let_end(center, running[due], shape, total, (instant, is_kept))
            due += 1
        if suffices(total, need):
            sizes[t.ENDED] = due if is_kept else sizes[t.ENDED]
            return int(instant)
    return t.NEVER


@compiled
def look_again(center: Center, shape: int, need: int) -> int:
    """Find the same as :func:`look_ahead` by the gains that are kept, looking anew at nodes that changed.

    Nothing may be past its expected end. NEVER where what is kept does not tell, or looking would cost more.
    """
    nodes, log, gains, sizes = center.nodes, center.log, center.gains, center.sizes
    first, last, holders = sizes[t.HEAD_SEEN], sizes[t.LOG_SIZE], 0
    sizes[t.LOOKS] += 1
    for place in range(first, last):
        if nodes[log[place], t.LAST] == place:
            holders += nodes[log[place], t.HOLDERS]
            nodes[log[place], t.LOOKED_AT] = sizes[t.LOOKS]
    if _DEARER * holders > sizes[t.ENDED]:
        return t.NEVER
    kept = 0
    for place in range(sizes[t.GAINS]):
        if nodes[gains[place, t.GAIN_NODE], t.LOOKED_AT] != sizes[t.LOOKS]:
            copy(gains[kept], gains[place])
            kept += 1
    sizes[t.GAINS] = kept
    for place in range(first, last):
        if nodes[log[place], t.LAST] == place and may_gain(center.blocker[shape, log[place]]):
            _look_at(center, shape, log[place], sizes[t.HEAD_START])
    return _first_sufficient(center, shape, need)


@compiled
def due_by(jobs: Ints, running: Ints, instant: int) -> int:
    """How many of those that run are taken to end by an instant."""
    count = 0
    while count < running.size and jobs[running[count], t.END] <= instant:
        count += 1
    return count


@compiled
def node_at(center: Center, node: int, instant: int, now: int, soon: int) -> None:
    """Work out, in ``both_nodes`` and ``both_devices``, what is free of a node at an instant."""
    holds, row = center.holds, center.nodes[node, t.HELD]
    _begin(center, node)
    while row >= 0:
        end = center.jobs[holds[row, t.HELD_BY], t.END]
        if (soon if end <= now else end) <= instant:
            _free(center, row)
        row = holds[row, t.AFTER]


@compiled
def _begin(center: Center, node: int) -> None:
    copy(center.both_nodes[node], center.nodes[node])
    copy_devices(center.both_devices[node], center.devices[node])


@compiled
def _free(center: Center, row: int) -> None:
    """Let a running job hold nothing of one node any more."""
    nodes, holds, held, node = center.both_nodes, center.holds, center.device_holds, center.holds[row, t.HELD_NODE]
    nodes[node, t.FREE_CPU] += holds[row, t.HELD_CPU]
    nodes[node, t.FREE_MEMORY] += holds[row, t.HELD_MEMORY]
    nodes[node, t.HOLDERS] -= 1
    nodes[node, t.EXCLUSIVE] -= holds[row, t.HELD_ALONE]
    nodes[node, t.FREE_DISK] += holds[row, t.HELD_DISK]
    device = center.jobs[holds[row, t.HELD_BY], t.DEVICE_HOLD]
    while device >= 0:
        if held[device, t.DEVICE_NODE] == node:
            put(center.both_devices, held, device, 1)
        device = held[device, t.DEVICE_NEXT]


@compiled
def _let_end(center: Center, job: int, shape: int, total: Ints, at: tuple[int, bool]) -> None:
    """Let a running job end in ``both_nodes`` at an instant, and keep what that brings if asked."""
    instant, is_kept = at
    if not matters(center, job, shape):
        return
    holds, looks, first = center.holds, center.sizes[t.LOOKS], center.jobs[job, t.HOLD]
    row = first
    while row >= 0:
        node = holds[row, t.HELD_NODE]
        if center.nodes[node, t.LOOKED_AT] != looks:
            center.nodes[node, t.LOOKED_AT] = looks
            _begin(center, node)
        row = holds[row, t.NEXT]
    shift(center, center.both_nodes, center.both_devices, job, 1)
    row = first
    while row >= 0:
        node = holds[row, t.HELD_NODE]
        tasks, _ = tasks_on(center.both_nodes, center.both_devices, center.shapes, shape, node)
        if tasks != center.row[node]:
            if is_kept:
                _insert(center.gains, center.sizes, instant, node, tasks)
            _gain(center, shape, total, node, tasks)
        row = holds[row, t.NEXT]


@compiled
def matters(center: Center, job: int, shape: int) -> bool:
    """Tell whether a running job holds something of a node that could be of use to a shape, once it is free."""
    holds, row = center.holds, center.jobs[job, t.HOLD]
    while row >= 0:
        if may_gain(center.blocker[shape, holds[row, t.HELD_NODE]]):
            return True
        row = holds[row, t.NEXT]
    return False


@compiled
def _gain(center: Center, shape: int, total: Ints, node: int, tasks: int) -> None:
    former, shapes = center.row[node], center.shapes
    total[center.nodes[node, t.ENGINE]] += weight(shapes, shape, tasks) - weight(shapes, shape, former)
    center.row[node] = tasks


@compiled
def _insert(gains: Ints, sizes: Ints, instant: int, node: int, tasks: int) -> None:
    place = sizes[t.GAINS]
    while place > 0 and gains[place - 1, t.GAIN_AT] > instant:
        copy(gains[place], gains[place - 1])
        place -= 1
    gains[place, t.GAIN_AT], gains[place, t.GAIN_NODE], gains[place, t.GAIN_TASKS] = instant, node, tasks
    sizes[t.GAINS] += 1


@compiled
def _look_at(center: Center, shape: int, node: int, horizon: int) -> None:
    """Note what the ends of those that hold some of one node bring, up to a horizon."""
    holds, jobs, row, count = center.holds, center.jobs, center.nodes[node, t.HELD], 0
    rows = center.lists[t.LIFTED]
    while row >= 0:
        end = jobs[holds[row, t.HELD_BY], t.END]
        if end <= horizon:
            place = count
            while place > 0 and jobs[holds[rows[place - 1], t.HELD_BY], t.END] > end:
                rows[place] = rows[place - 1]
                place -= 1
            rows[place] = row
            count += 1
        row = holds[row, t.AFTER]
    _begin(center, node)
    before = center.tasks[shape, node]
    for place in range(count):
        _free(center, rows[place])
        end = jobs[holds[rows[place], t.HELD_BY], t.END]
        if place + 1 < count and jobs[holds[rows[place + 1], t.HELD_BY], t.END] == end:
            continue
        tasks, _ = tasks_on(center.both_nodes, center.both_devices, center.shapes, shape, node)
        if tasks != before:
            _insert(center.gains, center.sizes, end, node, tasks)
            before = tasks


@compiled
def _first_sufficient(center: Center, shape: int, need: int) -> int:
    gains, size, place = center.gains, center.sizes[t.GAINS], 0
    copy(center.row, center.tasks[shape])
    total = center.spare[0]
    copy(total, center.total[shape])
    while place < size:
        instant = gains[place, t.GAIN_AT]
        while place < size and gains[place, t.GAIN_AT] == instant:
            _gain(center, shape, total, gains[place, t.GAIN_NODE], gains[place, t.GAIN_TASKS])
            place += 1
        if suffices(total, need):
            return int(instant)
    return t.NEVER


@compiled
def suffices(total: Ints, need: int) -> bool:
    """Tell whether some engine's nodes have all of the need, by totals [E]."""
    for engine in range(total.size):
        if total[engine] >= need:
            return True
    return False
