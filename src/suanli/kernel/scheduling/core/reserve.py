"""Step 5: the head that cannot start gets the earliest instant at which it can, and the rest must respect that (EASY).

EASY as in D. Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995: work behind the head may start only if it cannot
delay the head's reserved start, that is, if it ends before it, or leaves free what the head will take.

What running work leaves when is ``outlook``'s; here is what is kept for the head, and what may start beside it.
"""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.copying import copy, copy_devices
from suanli.kernel.scheduling.core.feasible import count, holdable, tasks_on, weight
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.outlook import due_by, look_again, look_ahead, look_until, matters, node_at
from suanli.kernel.scheduling.core.place import choose, choose_one, hold, least_of, shift, shift_node, unchain
from suanli.kernel.scheduling.core.power import powered_from
from suanli.kernel.scheduling.core.slots import meet_device, put
from suanli.kernel.scheduling.core.tables import Center, Devices, Ints
from suanli.kernel.scheduling.core.windows import is_crossed, next_opening, see_at


@compiled
def reserve(center: Center, job: int, now: int, soon: int) -> int:
    """Reserve for a waiting job, whose shape is up to date, and return the start.

    NEVER, and nothing reserved, where no start can be foreseen. Work past its expected end is taken to end at the
    instant ``soon``. A reservation for the same job stands while no node has changed. Nodes of which least is free now
    are kept first, so that most of what is free stays open to others.
    """
    jobs, running, size, sizes = center.jobs, center.lists[t.RUNNING], center.sizes[t.RUNNING_SIZE], center.sizes
    shape, need, is_late = jobs[job, t.SHAPE], jobs[job, t.NEED], size > 0 and jobs[running[0], t.END] <= now
    is_known = sizes[t.HEAD] == job and sizes[t.HEAD_SEEN] >= 0 and not is_late
    if is_known and sizes[t.HEAD_SEEN] == sizes[t.LOG_SIZE]:
        return int(sizes[t.HEAD_START])
    release(center)
    least = powered_from(center, job, now, soon, 0)
    if least > now or (is_known and sizes[t.HEAD_PAST]):
        start, sizes[t.HEAD_PAST] = _look_past(center, job, now, soon, least), 1
    else:
        start = look_again(center, shape, need) if is_known else t.NEVER
        if start == t.NEVER:
            start = look_ahead(center, shape, need, now, soon)
        sizes[t.HEAD_PAST] = is_crossed(center, shape, jobs[job, t.LIMIT], now, start)
        if sizes[t.HEAD_PAST]:
            start = _look_past(center, job, now, soon, least)
    if start != t.NEVER:
        busy = center.busy
        for node in range(busy.size):
            busy[node] = center.tasks[shape, node]
        _keep(center, job, choose(center, shape, need, center.row, busy), (start, now, soon))
    sizes[t.HEAD], sizes[t.HEAD_START] = job, start
    sizes[t.HEAD_SEEN] = t.NOBODY if is_late or start == t.NEVER else sizes[t.LOG_SIZE]
    return start


@compiled
def first_start(center: Center, job: int, now: int, soon: int, until: int) -> int:
    """When a job, as in :func:`reserve`, could start first, without a reservation; NEVER where not before an instant.

    ``both_nodes`` are worthless afterwards.
    """
    shape, limit = center.jobs[job, t.SHAPE], center.jobs[job, t.LIMIT]
    least = powered_from(center, job, now, soon, 0)
    if least >= until:
        return t.NEVER
    start = look_until(center, shape, center.jobs[job, t.NEED], (now, soon, until), False) if least == now else least
    if least > now or is_crossed(center, shape, limit, now, start):
        start = _look_past(center, job, now, soon, least)
    return start if start < until else t.NEVER


@compiled
def _look_past(center: Center, job: int, now: int, soon: int, least: int) -> int:
    """Find the first instant after the present at which a job fits beside running work and keeps off all windows.

    It is not before ``least``, an instant at which running work ends, and that is looked at whether it matters or not.
    NEVER where there is none. ``row`` has then what fits on each node at the instant.
    """
    jobs, running, size, shapes = center.jobs, center.lists[t.RUNNING], center.sizes[t.RUNNING_SIZE], center.shapes
    shape, limit, tasks = jobs[job, t.SHAPE], jobs[job, t.LIMIT], center.tasks[jobs[job, t.SHAPE]]
    kept_off, within, late = shapes[shape, t.KEPT_OFF], shapes[shape, t.WITHIN], due_by(jobs, running[:size], now)
    copy(center.row, tasks)
    copy(center.spare[0], center.total[shape])
    off, overdue, due, instant = 0, 0, late, now
    while True:
        instant = next_opening(center, shape, instant)
        if overdue < late:
            instant = min(instant, soon)
        if due < size:
            instant = min(instant, jobs[running[due], t.END])
        if instant >= t.NEVER:
            break
        while overdue < late and soon <= instant:
            off += lift_for(center, running[overdue], shape, off)
            overdue += 1
        while due < size and jobs[running[due], t.END] <= instant:
            off += lift_for(center, running[due], shape, off)
            due += 1
        see_at(center, shape, limit, instant)
        if instant >= least and holdable(center.total, shape, jobs[job, t.NEED]):
            break
    for place in range(off - 1, -1, -1):
        shift(center, center.nodes, center.devices, center.lists[t.LIFTED, place], -1)
    shapes[shape, t.KEPT_OFF], shapes[shape, t.WITHIN] = kept_off, within
    for node in range(tasks.size):
        tasks[node], center.row[node] = center.row[node], tasks[node]
    copy(center.total[shape], center.spare[0])
    return int(min(instant, t.NEVER))


@compiled
def release(center: Center) -> None:
    """Keep nothing for anybody."""
    for place in range(center.sizes[t.KEPT_SIZE]):
        center.nodes[center.scratch[t.KEPT, place], t.IS_KEPT] = 0
    center.sizes[t.KEPT_SIZE] = 0
    unchain(center.holds, center.sizes, t.UNUSED, center.sizes, t.HEAD_HOLD)
    unchain(center.device_holds, center.sizes, t.DEVICE_UNUSED, center.sizes, t.HEAD_DEVICE_HOLD)


@compiled
def meet(center: Center, job: int, is_long: bool) -> None:
    """Work out anew what is free beside the reservation, both now and at its start, on kept nodes that a job holds.

    ``is_long`` where the job has started and still runs at that start.
    """
    nodes, devices, holds = (center.nodes, center.then_nodes, center.both_nodes), three_devices(center), center.holds
    row = center.jobs[job, t.DEVICE_HOLD] if is_long else t.NOBODY
    while row >= 0:
        if center.nodes[center.device_holds[row, t.DEVICE_NODE], t.IS_KEPT]:
            put(center.then_devices, center.device_holds, row, -1)
        row = center.device_holds[row, t.DEVICE_NEXT]
    row = center.jobs[job, t.HOLD]
    while row >= 0:
        if center.nodes[holds[row, t.HELD_NODE], t.IS_KEPT]:
            if is_long:
                shift_node(center.then_nodes, holds, row, -1)
            meet_node(nodes, devices, holds[row, t.HELD_NODE])
        row = holds[row, t.NEXT]


@compiled
def meet_kept(center: Center) -> None:
    """Work out anew what is free beside the reservation on all kept nodes."""
    nodes, devices = (center.nodes, center.then_nodes, center.both_nodes), three_devices(center)
    for place in range(center.sizes[t.KEPT_SIZE]):
        meet_node(nodes, devices, center.scratch[t.KEPT, place])


@compiled
def three_devices(center: Center) -> tuple[Devices, Devices, Devices]:
    """Devices as they are now, as they are at the reserved start, and what is free both then and now."""
    return center.devices, center.then_devices, center.both_devices


@compiled
def meet_node(nodes: tuple[Ints, Ints, Ints], devices: tuple[Devices, Devices, Devices], node: int) -> None:
    """Set the third of each to what is free in the first and in the second, on one node."""
    now, then, both = nodes
    copy(both[node], now[node])
    both[node, t.FREE_CPU] = min(now[node, t.FREE_CPU], then[node, t.FREE_CPU])
    both[node, t.FREE_MEMORY] = min(now[node, t.FREE_MEMORY], then[node, t.FREE_MEMORY])
    both[node, t.HOLDERS] = max(now[node, t.HOLDERS], then[node, t.HOLDERS])
    both[node, t.EXCLUSIVE] = max(now[node, t.EXCLUSIVE], then[node, t.EXCLUSIVE])
    both[node, t.FREE_DISK] = min(now[node, t.FREE_DISK], then[node, t.FREE_DISK])
    free_now, free_then, free_both = devices
    copy_devices(free_both[node], free_now[node])
    for position in range(free_both.shape[1]):
        then_free, then_slots = free_then[node, position, t.FREE], free_then[node, position, t.SLOTS]
        meet_device(free_both, node, position, then_free, then_slots)


@compiled
def startable_beside(center: Center, shape: int, need: int) -> bool:
    """Tell whether some engine's nodes can hold all of the need beside the reservation, for however long."""
    shapes, sizes, beside = center.shapes, center.sizes, center.beside
    if shapes[shape, t.BESIDE_TURN] != sizes[t.TURN] or shapes[shape, t.BESIDE_SEEN] != sizes[t.CHANGES]:
        shapes[shape, t.BESIDE_TURN] = sizes[t.TURN]
        shapes[shape, t.BESIDE_SEEN] = sizes[t.CHANGES]
        copy(beside[shape], center.total[shape])
        both_nodes, both_devices, now = center.both_nodes, center.both_devices, center.tasks[shape]
        for place in range(sizes[t.KEPT_SIZE]):
            node = center.scratch[t.KEPT, place]
            tasks, _ = tasks_on(both_nodes, both_devices, shapes, shape, node)
            beside[shape, both_nodes[node, t.ENGINE]] -= weight(shapes, shape, now[node]) - weight(shapes, shape, tasks)
    return holdable(beside, shape, need)


@compiled
def choose_beside(center: Center, shape: int, need: int) -> int:
    """Choose nodes for all of the need beside the reservation, as ``choose`` does."""
    if need == 1 and center.total.shape[1] == 1:
        return _choose_one_beside(center, shape)
    row, both_nodes, both_devices, shapes = center.row, center.both_nodes, center.both_devices, center.shapes
    copy(row, center.tasks[shape])
    for place in range(center.sizes[t.KEPT_SIZE]):
        node = center.scratch[t.KEPT, place]
        row[node], _ = tasks_on(both_nodes, both_devices, shapes, shape, node)
    return choose(center, shape, need, row, center.score[shape])


@compiled
def _choose_one_beside(center: Center, shape: int) -> int:
    """Choose the best scored node, looking only into blocks that may have a better one than was found before."""
    lowest, scores, best, chosen = center.lowest[shape], center.score[shape], np.float32(np.inf), t.NOBODY
    for block in range(lowest.size):
        if least_of(lowest, scores, block) < best:
            for node in range(block * t.BLOCK, min(block * t.BLOCK + t.BLOCK, scores.size)):
                if scores[node] < best and _is_of_use_beside(center, shape, node):
                    best, chosen = scores[node], node
    return choose_one(center, shape, chosen)


@compiled
def _is_of_use_beside(center: Center, shape: int, node: int) -> bool:
    """Tell whether a node that is of use to a shape now is so beside the reservation too."""
    if center.nodes[node, t.IS_KEPT] == 0:
        return True
    tasks, _ = tasks_on(center.both_nodes, center.both_devices, center.shapes, shape, node)
    return bool(tasks >= center.shapes[shape, t.UNIT])


@compiled
def _keep(center: Center, job: int, count: int, times: tuple[int, int, int]) -> None:
    """Remember what is free on the chosen nodes at the start beside what the job will hold of them.

    ``times`` are the start, the present, and when work past its end is taken to end.
    """
    nodes, devices = (center.nodes, center.then_nodes, center.both_nodes), three_devices(center)
    for place in range(count):
        node = center.scratch[t.CHOSEN, place]
        center.scratch[t.KEPT, place] = node
        node_at(center, node, times[0], times[1], times[2])
        copy(center.then_nodes[node], center.both_nodes[node])
        copy_devices(center.then_devices[node], center.both_devices[node])
        center.nodes[node, t.IS_KEPT] = 1
    center.sizes[t.KEPT_SIZE] = count
    hold(center, job, count, True)
    shift(center, center.then_nodes, center.then_devices, job, -1)
    # It holds nothing yet, but what it will hold stays known.
    jobs, sizes = center.jobs, center.sizes
    sizes[t.HEAD_HOLD], sizes[t.HEAD_DEVICE_HOLD] = jobs[job, t.HOLD], jobs[job, t.DEVICE_HOLD]
    jobs[job, t.HOLD] = jobs[job, t.DEVICE_HOLD] = t.NOBODY
    for place in range(count):
        meet_node(nodes, devices, center.scratch[t.KEPT, place])


@compiled
def lift_for(center: Center, job: int, shape: int, off: int) -> int:
    """Take a running job off its nodes for a trial, as the one numbered ``off``; 0 where that is of no use."""
    if not matters(center, job, shape):
        return 0
    center.lists[t.LIFTED, off] = job
    move(center, job, 1, shape)
    return 1


@compiled
def move(center: Center, job: int, sign: int, shape: int) -> None:
    """Take a running job off the nodes (1) or put it back (-1), under the eyes of one shape alone."""
    nodes, devices, shapes, holds = center.nodes, center.devices, center.shapes, center.holds
    tasks, total = center.tasks[shape], center.total[shape]
    shift(center, nodes, devices, job, sign)
    row = center.jobs[job, t.HOLD]
    while row >= 0:
        count(nodes, devices, shapes, tasks, total, shape, holds[row, t.HELD_NODE])
        row = holds[row, t.NEXT]
