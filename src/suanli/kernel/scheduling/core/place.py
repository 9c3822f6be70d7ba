"""Step 4: all tasks of a job onto nodes, or none (gang); what a job holds, laid onto the nodes or lifted off them."""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.copying import copy
from suanli.kernel.scheduling.core.feasible import touch
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.lists import sort_by
from suanli.kernel.scheduling.core.merits import goes_by_nearness, near_together, next_device, ranks_types
from suanli.kernel.scheduling.core.slots import next_part, put
from suanli.kernel.scheduling.core.tables import Center, Devices, Floats, Ints, Scores, Tasks


@compiled
def choose(center: Center, shape: int, need: int, tasks: Tasks, scores: Scores) -> int:
    """Choose nodes of one engine for all of the need, given tasks that fit and score by node; some engine must do.

    Where whole nodes are asked for, exactly that many, the lowest scores first. Otherwise as few as possible: the best
    scored of those that hold all, else the roomiest first, and the best scored that holds the rest. What takes more
    than one node gets nodes of one switch, the tightest that holds all, else of as few as possible. Of engines the one
    that needs the fewest nodes is taken, then the first. Writes nodes and tasks into scratch, returns how many nodes.
    """
    engines = center.total.shape[1]
    if engines == 1:
        return _choose_of(center, shape, need, tasks, scores, 0)
    best, chosen = 2**62, t.NOBODY
    for engine in range(engines):
        count = _choose_of(center, shape, need, tasks, scores, engine)
        if 0 < count < best:
            best, chosen = count, engine
    return _choose_of(center, shape, need, tasks, scores, chosen)


@compiled
def choose_now(center: Center, shape: int, need: int) -> int:
    """Choose by what is remembered of the shape."""
    if need > 1:
        return choose(center, shape, need, center.tasks[shape], center.score[shape])
    lowest, scores, best, block = center.lowest[shape], center.score[shape], np.float32(np.inf), 0
    for place in range(lowest.size):
        least = least_of(lowest, scores, place)
        if least < best:
            best, block = least, place
    node = block * t.BLOCK
    while scores[node] != best:
        node += 1
    return choose_one(center, shape, node)


@compiled
def choose_one(center: Center, shape: int, node: int) -> int:
    """Choose one node for all of a need of 1."""
    center.scratch[t.CHOSEN, 0] = node
    center.scratch[t.TASKS, 0] = center.shapes[shape, t.UNIT] if center.shapes[shape, t.BY_NODES] else 1
    return 1


@compiled
def least_of(lowest: Scores, scores: Scores, block: int) -> np.float32:
    """The least score of a block of nodes, looked up where it is not remembered."""
    if lowest[block] == -np.inf:
        least = np.float32(np.inf)
        for node in range(block * t.BLOCK, min(block * t.BLOCK + t.BLOCK, scores.size)):
            least = min(least, scores[node])
        lowest[block] = least
    return np.float32(lowest[block])


@compiled
def _choose_of(center: Center, shape: int, need: int, tasks: Tasks, scores: Scores, engine: int) -> int:
    """Choose among the nodes of one engine; 0 where they cannot hold it."""
    unit, candidate = center.shapes[shape, t.UNIT], center.scratch[t.CANDIDATE]
    count = total = most = 0
    least, is_only = 2**30, center.total.shape[1] == 1
    for node in range(tasks.size):
        # Of an only engine are all: the nodes' own rows, far apart, need not be read.
        if tasks[node] >= unit and (is_only or center.nodes[node, t.ENGINE] == engine):
            candidate[count] = node
            count += 1
            total += tasks[node]
            most = max(most, tasks[node])
            least = min(least, tasks[node])
    by_nodes = center.shapes[shape, t.BY_NODES]
    if (count if by_nodes else total) < need:
        return 0
    if center.sizes[t.SWITCHES] > 1 and (1 if by_nodes else most) < need:
        return _choose_near(center, shape, need, tasks, scores, count)
    return _choose_among(center, shape, need, tasks, scores, (count, most, least))


@compiled
def _choose_among(
    center: Center, shape: int, need: int, tasks: Tasks, scores: Scores, found: tuple[int, int, int]
) -> int:
    """Choose among the candidates, which hold the need: how many, and the most and least tasks on one of them."""
    candidate, (count, most, least) = center.scratch[t.CANDIDATE], found
    if center.shapes[shape, t.BY_NODES]:
        _sort(center.node_keys[:count], scores, candidate[:count], tasks, (False, need))
        copy(center.scratch[t.CHOSEN], candidate[:need])
        center.scratch[t.TASKS, :need] = center.shapes[shape, t.UNIT]
        return need
    if most < need:
        by_room = most > least and not ranks_types(center, shape)
        _sort(center.node_keys[:count], scores, candidate[:count], tasks, (by_room, need))
    return _fewest(center.scratch, need, tasks, scores, count, most)


@compiled
def _choose_near(center: Center, shape: int, need: int, tasks: Tasks, scores: Scores, count: int) -> int:
    """Choose among the candidates, which hold the need and none of them alone, those of as few switches as possible.

    The roomiest switches are filled while more is left than one holds, then the tightest that holds the rest is chosen
    from as if there were no other.
    """
    nodes, scratch, by_nodes = center.nodes, center.scratch, center.shapes[shape, t.BY_NODES]
    candidate, room, rest = scratch[t.CANDIDATE], scratch[t.ROOM], need
    for place in range(count):
        room[nodes[candidate[place], t.SWITCH]] = 0
    for place in range(count):
        room[nodes[candidate[place], t.SWITCH]] += 1 if by_nodes else tasks[candidate[place]]
    switch, filled, kept, most, least = _switch_for(nodes, scratch, count, rest), 0, 0, 0, 2**30
    while room[switch] < rest:
        rest -= room[switch]
        room[switch] = t.NOBODY
        filled += 1
        switch = _switch_for(nodes, scratch, count, rest)
    for place in range(count):
        node = candidate[place]
        if nodes[node, t.SWITCH] == switch:
            # Those of the switches that are filled change places with these, and so stay among the candidates.
            candidate[place], candidate[kept] = candidate[kept], node
            kept += 1
            most = max(most, tasks[node])
            least = min(least, tasks[node])
    chosen = _choose_among(center, shape, rest, tasks, scores, (kept, most, least))
    for place in range(kept, count if filled else kept):
        node = candidate[place]
        if room[nodes[node, t.SWITCH]] == t.NOBODY:
            scratch[t.CHOSEN, chosen] = node
            scratch[t.TASKS, chosen] = center.shapes[shape, t.UNIT] if by_nodes else tasks[node]
            chosen += 1
    return chosen


@compiled
def _switch_for(nodes: Ints, scratch: Ints, count: int, rest: int) -> int:
    """The switch that holds the rest most tightly, else the roomiest; of equal ones that of the first candidate."""
    room, best = scratch[t.ROOM], nodes[scratch[t.CANDIDATE, 0], t.SWITCH]
    for place in range(1, count):
        switch = nodes[scratch[t.CANDIDATE, place], t.SWITCH]
        if room[switch] >= rest:
            is_better = room[best] < rest or room[switch] < room[best]
        else:
            is_better = room[switch] > room[best]
        if is_better:
            best = switch
    return int(best)


@compiled
def _sort(keys: Floats, scores: Scores, candidate: Ints, tasks: Tasks, asked: tuple[bool, int]) -> None:
    """Sort candidates by score, then by node, the roomiest first before that where asked; how many must be right."""
    by_room, need = asked
    for place in range(candidate.size):
        keys[place] = scores[candidate[place]]
    sort_by(candidate, keys, candidate.size if by_room else min(need, candidate.size))
    if by_room:
        for place in range(candidate.size):
            keys[place] = -tasks[candidate[place]]
        sort_by(candidate, keys, min(need, candidate.size))


@compiled
def _fewest(scratch: Ints, need: int, tasks: Tasks, scores: Scores, count: int, most: int) -> int:
    """Full nodes in the order of the candidates while more is needed than one holds, then the best for the rest.

    ``most`` is what the roomiest of them holds; if that is all, no order is needed.
    """
    candidate, rest, full = scratch[t.CANDIDATE], need, 0
    while most < need and full < count - 1 and tasks[candidate[full]] < rest:
        node = candidate[full]
        scratch[t.CHOSEN, full] = node
        scratch[t.TASKS, full] = tasks[node]
        rest -= tasks[node]
        full += 1
    best = candidate[full]
    for place in range(full + 1, count):
        node = candidate[place]
        if tasks[node] >= rest and (
            tasks[best] < rest or scores[node] < scores[best] or (scores[node] == scores[best] and node < best)
        ):
            best = node
    scratch[t.CHOSEN, full] = best
    scratch[t.TASKS, full] = rest
    return full + 1


@compiled
def hold(center: Center, job: int, count: int, long: bool) -> None:
    """Let a job hold the chosen nodes and their tightest devices; nothing is laid yet.

    A ``long`` job takes of kept nodes only what is free beside the reservation.
    """
    shapes, nodes, jobs, shape = center.shapes, center.nodes, center.jobs, center.jobs[job, t.SHAPE]
    holds, sizes, alone = center.holds, center.sizes, center.shapes[shape, t.ALONE]
    for place in range(count - 1, -1, -1):
        node, tasks = center.scratch[t.CHOSEN, place], center.scratch[t.TASKS, place]
        cpu, memory = tasks * shapes[shape, t.TASK_CPU], tasks * shapes[shape, t.TASK_MEMORY]
        disk = tasks * shapes[shape, t.TASK_DISK]
        if alone:
            cpu, memory, disk = nodes[node, t.CPU], nodes[node, t.MEMORY], nodes[node, t.DISK]
        hold_node(holds, jobs, sizes, job, (node, tasks, cpu, memory, alone, disk))
        if alone:
            _hold_all_devices(center, job, node)
        elif shapes[shape, t.DEVICES] > 0:
            free = center.both_devices if long and nodes[node, t.IS_KEPT] else center.devices
            _hold_devices(center, free[node], job, node, tasks)


@compiled
def _hold_all_devices(center: Center, job: int, node: int) -> None:
    for position in range(center.devices.shape[1]):
        if center.devices[node, position, t.TYPE] >= 0 and center.devices[node, position, t.HEALTHY]:
            hold_device(center.device_holds, center.jobs, center.sizes, job, (node, position, t.WHOLE, 0))


@compiled
def _hold_parts(center: Center, devices: Devices, job: int, node: int, parts: int) -> None:
    """So many parts of devices, which must fit, one after the other (``slots``)."""
    laid, shape = center.trial[0], center.jobs[job, t.SHAPE]
    laid[:] = 0
    for _ in range(parts):
        position, slots = next_part(center, devices, shape, laid)
        laid[position] |= slots
        held = (node, position, center.shapes[shape, t.SHARE], slots)
        hold_device(center.device_holds, center.jobs, center.sizes, job, held)


@compiled
def _hold_devices(center: Center, devices: Devices, job: int, node: int, tasks: int) -> None:
    """The devices that come first, or are near together (``merits``), each as full as it goes."""
    shapes, shape = center.shapes, center.jobs[job, t.SHAPE]
    share, types, wanted = shapes[shape, t.SHARE], shapes[shape, t.TYPES], shapes[shape, t.DEVICES] * tasks
    taken = 0
    if shapes[shape, t.PARTED]:
        _hold_parts(center, devices, job, node, wanted)
        return
    if goes_by_nearness(center, devices, shape):
        taken = near_together(center, devices, shape, tasks)
        for position in range(devices.shape[0]):
            if (taken >> position) & 1:
                hold_device(center.device_holds, center.jobs, center.sizes, job, (node, position, t.WHOLE, 0))
        return
    if share == t.WHOLE and not ranks_types(center, shape):
        # Of devices that are wholly free none is tighter than another.
        for position in range(devices.shape[0]):
            kind = devices[position, t.TYPE]
            is_free = kind >= 0 and devices[position, t.FREE] >= t.WHOLE and devices[position, t.HEALTHY] != 0
            if wanted > 0 and is_free and (types >> kind) & 1:
                wanted -= 1
                hold_device(center.device_holds, center.jobs, center.sizes, job, (node, position, t.WHOLE, 0))
        return
    while wanted > 0:
        best = next_device(center, devices, shape, taken)
        parts = min(wanted, devices[best, t.FREE] // share)
        taken |= 1 << best
        wanted -= parts
        hold_device(center.device_holds, center.jobs, center.sizes, job, (node, best, parts * share, 0))


@compiled
def hold_node(holds: Ints, jobs: Ints, sizes: Ints, job: int, amounts: tuple[int, int, int, int, int, int]) -> None:
    """Add to what a job holds: node, tasks, milli-cpus, bytes, 1 if exclusively, bytes of disk. Nothing is laid yet.

    There must be a row left.
    """
    row = _chain(holds, sizes, t.UNUSED, jobs[job], t.HOLD)
    for column in range(t.HELD_BY):
        holds[row, column] = amounts[column]
    holds[row, t.HELD_BY] = job


@compiled
def hold_device(held: Ints, jobs: Ints, sizes: Ints, job: int, amounts: tuple[int, int, int, int]) -> None:
    """Add to what a job holds: node, position of the device, thousandths, slices of a part. Nothing is laid yet.

    There must be a row left.
    """
    row = _chain(held, sizes, t.DEVICE_UNUSED, jobs[job], t.DEVICE_HOLD)
    for column in range(t.DEVICE_NEXT):
        held[row, column] = amounts[column]


@compiled
def _chain(table: Ints, sizes: Ints, unused: int, held: Ints, first: int) -> int:
    """Move a row from those not in use to the front of a job's chain; the last column leads on."""
    row, following = sizes[unused], table.shape[1] - 1
    sizes[unused] = table[row, following]
    table[row, following] = held[first]
    held[first] = row
    return int(row)


@compiled
def unchain(table: Ints, sizes: Ints, unused: int, held: Ints, first: int) -> None:
    """Move all rows of the chain that begins at ``held[first]`` to those not in use."""
    row, following = held[first], table.shape[1] - 1
    while row >= 0:
        after = table[row, following]
        table[row, following] = sizes[unused]
        sizes[unused] = row
        row = after
    held[first] = t.NOBODY


@compiled
def shift(center: Center, nodes: Ints, devices: Devices, job: int, sign: int) -> None:
    """Give back (1) or take (-1), in these nodes and devices, what a job holds."""
    shift_chains(center, nodes, devices, (center.jobs[job, t.HOLD], center.jobs[job, t.DEVICE_HOLD]), sign)


@compiled
def shift_chains(center: Center, nodes: Ints, devices: Devices, first: tuple[int, int], sign: int) -> None:
    """Give back (1) or take (-1) what two chains hold, given the first row of each: of nodes and of devices."""
    holds, held = center.holds, center.device_holds
    row = first[0]
    while row >= 0:
        shift_node(nodes, holds, row, sign)
        row = holds[row, t.NEXT]
    row = first[1]
    while row >= 0:
        put(devices, held, row, sign)
        row = held[row, t.DEVICE_NEXT]


@compiled
def shift_node(nodes: Ints, holds: Ints, row: int, sign: int) -> None:
    """Give back (1) or take (-1), in these nodes, what a row of holds says of one."""
    node = holds[row, t.HELD_NODE]
    nodes[node, t.FREE_CPU] += sign * holds[row, t.HELD_CPU]
    nodes[node, t.FREE_MEMORY] += sign * holds[row, t.HELD_MEMORY]
    nodes[node, t.HOLDERS] -= sign
    nodes[node, t.EXCLUSIVE] -= sign * holds[row, t.HELD_ALONE]
    if holds[row, t.HELD_DISK]:
        nodes[node, t.FREE_DISK] += sign * holds[row, t.HELD_DISK]


@compiled
def lay(center: Center, job: int) -> None:
    """Take what a job holds."""
    shift(center, center.nodes, center.devices, job, -1)
    _touch_held(center, job)
    nodes, holds, row = center.nodes, center.holds, center.jobs[job, t.HOLD]
    while row >= 0:
        first = nodes[holds[row, t.HELD_NODE], t.HELD]
        holds[row, t.BEFORE], holds[row, t.AFTER] = t.NOBODY, first
        if first >= 0:
            holds[first, t.BEFORE] = row
        nodes[holds[row, t.HELD_NODE], t.HELD] = row
        row = holds[row, t.NEXT]


@compiled
def lift(center: Center, job: int) -> None:
    """Give back what a job holds, and let it hold nothing any more."""
    shift(center, center.nodes, center.devices, job, 1)
    _touch_held(center, job)
    nodes, holds, row = center.nodes, center.holds, center.jobs[job, t.HOLD]
    while row >= 0:
        before, after = holds[row, t.BEFORE], holds[row, t.AFTER]
        if before >= 0:
            holds[before, t.AFTER] = after
        else:
            nodes[holds[row, t.HELD_NODE], t.HELD] = after
        if after >= 0:
            holds[after, t.BEFORE] = before
        row = holds[row, t.NEXT]
    unchain(center.holds, center.sizes, t.UNUSED, center.jobs[job], t.HOLD)
    unchain(center.device_holds, center.sizes, t.DEVICE_UNUSED, center.jobs[job], t.DEVICE_HOLD)


@compiled
def _touch_held(center: Center, job: int) -> None:
    nodes, shapes, log, sizes, holds = center.nodes, center.shapes, center.log, center.sizes, center.holds
    row = center.jobs[job, t.HOLD]
    while row >= 0:
        touch(nodes, shapes, log, sizes, holds[row, t.HELD_NODE])
        row = holds[row, t.NEXT]
