"""Step 2: which nodes can hold which shape. Remembered by shape, and judged anew only where a node changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.nearness import STEP, SYSTEM, is_linked
from suanli.kernel.scheduling.core.score import score
from suanli.kernel.scheduling.core.slots import PARTS_MOST, fitting, fitting_on
from suanli.kernel.scheduling.core.tables import Center, Devices, Ints, Scores, Tasks

_PLENTY = 2**30
"""Tasks where no constraint counts them."""
_NEAR = 16
"""Entries of the log that are worth reading ahead for; of more, the first would be forgotten before they are needed."""
_MANY = 32
"""Kinds that must wait for it to be worth the look at every shape."""


@compiled
def tasks_on(nodes: Ints, devices: Devices, shapes: Ints, shape: int, node: int) -> tuple[int, int]:
    """How many tasks of a shape fit on a node, and what it fails first (-1: it is of use)."""
    if not nodes[node, t.READY]:
        return 0, t.FAILS_STATE
    if nodes[node, t.RESERVED] & shapes[shape, t.KEPT_OFF]:
        return 0, t.FAILS_RESERVED
    if shapes[shape, t.WITHIN] & ~nodes[node, t.RESERVED]:
        return 0, t.FAILS_OUTSIDE
    if shapes[shape, t.MUST_HAVE] & ~nodes[node, t.HAS]:
        return 0, t.FAILS_FEATURE
    if nodes[node, t.HOLDERS if shapes[shape, t.ALONE] else t.EXCLUSIVE]:
        return 0, t.FAILS_EXCLUSIVE
    unit, tasks, blocker = shapes[shape, t.UNIT], _PLENTY, t.NOBODY
    if shapes[shape, t.DEVICES]:
        if shapes[shape, t.PARTED] | shapes[shape, t.APART]:
            tasks, blocker = _tasks_by_few(devices, shapes, shape, node)
        else:
            tasks, blocker = _tasks_by_devices(devices, shapes, shape, node)
    cpu, memory, disk = shapes[shape, t.TASK_CPU], shapes[shape, t.TASK_MEMORY], shapes[shape, t.TASK_DISK]
    if cpu:
        tasks, blocker = _at_most(max(nodes[node, t.FREE_CPU], 0) // cpu, unit, (tasks, blocker), t.FAILS_CPU)
    if memory:
        tasks, blocker = _at_most(max(nodes[node, t.FREE_MEMORY], 0) // memory, unit, (tasks, blocker), t.FAILS_MEMORY)
    if disk:
        tasks, blocker = _at_most(max(nodes[node, t.FREE_DISK], 0) // disk, unit, (tasks, blocker), t.FAILS_DISK)
    if shapes[shape, t.MOST_TASKS]:
        tasks = min(tasks, shapes[shape, t.MOST_TASKS])
    return tasks, blocker


@compiled
def _at_most(most: int, unit: int, found: tuple[int, int], fails: int) -> tuple[int, int]:
    """Tasks and the first failure so far, beside an amount that allows so many tasks: a failure where too few."""
    tasks, blocker = found
    return min(tasks, most), fails if most < unit and blocker == t.NOBODY else blocker


@compiled
def _tasks_by_devices(devices: Devices, shapes: Ints, shape: int, node: int) -> tuple[int, int]:
    count, share, types = shapes[shape, t.DEVICES], shapes[shape, t.SHARE], shapes[shape, t.TYPES]
    is_whole, parts, wanted = share == t.WHOLE, t.WHOLE // share, count * shapes[shape, t.UNIT]
    there = well = free = 0
    for position in range(devices.shape[1]):
        kind = devices[node, position, t.TYPE]
        if kind >= 0 and (types >> kind) & 1:
            there += parts
            if devices[node, position, t.HEALTHY]:
                well += parts
                # A device in parts is counted by a division, which costs more than all else here.
                amount = devices[node, position, t.FREE]
                free += int(amount >= t.WHOLE) if is_whole else max(amount, 0) // share
    tasks = free // count
    if free >= wanted:
        return tasks, t.NOBODY
    if there < wanted:
        return tasks, _lacking(devices, shapes, shape, node)
    return tasks, t.FAILS_HEALTH if well < wanted else t.FAILS_FREE


@compiled
def _tasks_by_few(devices: Devices, shapes: Ints, shape: int, node: int) -> tuple[int, int]:
    """The same for what few ask: parts of devices, or devices that are near each other."""
    if shapes[shape, t.PARTED]:
        return _tasks_by_parts(devices, shapes, shape, node)
    return _tasks_by_groups(devices, shapes, shape, node)


@compiled
def _tasks_by_parts(devices: Devices, shapes: Ints, shape: int, node: int) -> tuple[int, int]:
    """The same where each device is a part of one."""
    count, types, there, well, free = shapes[shape, t.DEVICES], shapes[shape, t.TYPES], 0, 0, 0
    for position in range(devices.shape[1]):
        kind = devices[node, position, t.TYPE]
        if kind >= 0 and (types >> kind) & 1:
            code = shapes[shape, t.PARTS_OF + kind]
            there += fitting(code, 0)
            if devices[node, position, t.HEALTHY]:
                well += fitting(code, 0)
                free += fitting_on(devices, node, position, code)
    wanted = count * shapes[shape, t.UNIT]
    if free >= wanted:
        return free // count, t.NOBODY
    if there < wanted:
        return free // count, _lacking(devices, shapes, shape, node)
    return free // count, t.FAILS_HEALTH if well < wanted else t.FAILS_FREE


@compiled
def _tasks_by_groups(devices: Devices, shapes: Ints, shape: int, node: int) -> tuple[int, int]:
    """The same where the whole devices of each task must lie in one group at some distance, which a node tells last."""
    count, types, farthest = shapes[shape, t.DEVICES], shapes[shape, t.TYPES], shapes[shape, t.APART]
    unit, are_near = shapes[shape, t.UNIT], is_linked(devices[node])
    there = near = well = free = in_near = in_well = in_free = 0
    for place in range(devices.shape[1]):
        row = devices[node, place, t.NEAR] if are_near else SYSTEM * STEP + place
        if row == 0:
            break
        if row // STEP > farthest:
            near, well, free = near + in_near // count, well + in_well // count, free + in_free // count
            in_near = in_well = in_free = 0
        kind = devices[node, row % STEP, t.TYPE]
        if kind >= 0 and (types >> kind) & 1:
            there, in_near = there + 1, in_near + 1
            if devices[node, row % STEP, t.HEALTHY]:
                in_well += 1
                in_free += int(devices[node, row % STEP, t.FREE] >= t.WHOLE)
    near, well, free = near + in_near // count, well + in_well // count, free + in_free // count
    if free >= unit:
        return free, t.NOBODY
    if there < count * unit:
        return free, _lacking(devices, shapes, shape, node)
    if near < unit:
        return free, t.FAILS_NEAR
    return free, t.FAILS_HEALTH if well < unit else t.FAILS_FREE


@compiled
def _lacking(devices: Devices, shapes: Ints, shape: int, node: int) -> int:
    """The first constraint on types of devices that leaves a node too few, given that all of them together do."""
    parts, wanted = t.WHOLE // shapes[shape, t.SHARE], shapes[shape, t.DEVICES] * shapes[shape, t.UNIT]
    of_class = of_model = of_partition = of_memory = of_precision = 0
    is_parted = shapes[shape, t.PARTED]
    if is_parted:
        parts = PARTS_MOST
    for position in range(devices.shape[1]):
        kind = devices[node, position, t.TYPE]
        if kind >= 0:
            of_class += parts * ((shapes[shape, t.OF_CLASS] >> kind) & 1)
            of_model += parts * ((shapes[shape, t.OF_MODEL] >> kind) & 1)
            if is_parted:
                # How many parts it can have is known of devices that have the template; of others only that it is few.
                parts = fitting(shapes[shape, t.PARTS_OF + kind], 0)
                of_partition += parts * ((shapes[shape, t.OF_PARTITION] >> kind) & 1)
            of_memory += parts * ((shapes[shape, t.OF_MEMORY] >> kind) & 1)
            of_precision += parts * ((shapes[shape, t.OF_PRECISION] >> kind) & 1)
            parts = PARTS_MOST if is_parted else parts
    if of_class < wanted:
        return t.FAILS_CLASS
    if of_model < wanted:
        return t.FAILS_MODEL
    if is_parted and of_partition < wanted:
        return t.FAILS_PARTITION
    if of_memory < wanted:
        return t.FAILS_DEVICE_MEMORY
    return t.FAILS_PRECISION if of_precision < wanted else t.FAILS_RATE


@compiled
def weight(shapes: Ints, shape: int, tasks: int) -> int:
    """What a node with room for so many tasks counts: tasks, or 1 where whole nodes are counted."""
    if tasks < shapes[shape, t.UNIT]:
        return 0
    return 1 if shapes[shape, t.BY_NODES] else tasks


@compiled
def touch(nodes: Ints, shapes: Ints, log: Ints, sizes: Ints, node: int) -> None:
    """Note that a node changed; every shape will judge it anew when it is asked for."""
    if sizes[t.LOG_SIZE] == log.size:
        _shorten(nodes, shapes, log, sizes)
    log[sizes[t.LOG_SIZE]] = node
    nodes[node, t.LAST] = sizes[t.LOG_SIZE]
    sizes[t.LOG_SIZE] += 1
    sizes[t.CHANGES] += 1


@compiled
def _shorten(nodes: Ints, shapes: Ints, log: Ints, sizes: Ints) -> None:
    """Leave of the log the newest entry of each node, so that who has read part of it goes on where they were."""
    size, kept = sizes[t.LOG_SIZE], 0
    for place in range(size):
        node = log[place]
        log[place] = kept
        if nodes[node, t.LAST] == place:
            nodes[node, t.LAST] = kept
            kept += 1
    for shape in range(shapes.shape[0]):
        if shapes[shape, t.SEEN] >= 0:
            shapes[shape, t.SEEN] = log[shapes[shape, t.SEEN]] if shapes[shape, t.SEEN] < size else kept
    for reader in (t.HEAD_SEEN, t.INDEX_SEEN):
        if sizes[reader] >= 0:
            sizes[reader] = log[sizes[reader]] if sizes[reader] < size else kept
    for node in range(nodes.shape[0]):
        if nodes[node, t.LAST] >= 0:
            log[nodes[node, t.LAST]] = node
    sizes[t.LOG_SIZE] = kept


@compiled
def is_dear(center: Center, shape: int) -> bool:
    """Tell whether it costs more to judge a shape anew, as all others that ask, than to look without remembering."""
    seen, size = center.shapes[shape, t.SEEN], center.sizes[t.LOG_SIZE]
    return bool(center.sizes[t.KINDS] >= _MANY and (seen < 0 or size - seen > _NEAR))


@compiled
def read_ahead(center: Center) -> None:
    """Read what shapes remember of nodes that changed just now, for all of the shapes at once.

    Each lies elsewhere in memory. Read here one is waited for while others come; in ``refresh``, after which much is
    decided before the next shape is asked for, each would be waited for alone, half of the time of a small turn.
    """
    shapes, log, size, read = center.shapes, center.log, center.sizes[t.LOG_SIZE], 0
    if center.sizes[t.KINDS] < _MANY:
        return
    for shape in range(shapes.shape[0]):
        seen = shapes[shape, t.SEEN]
        if seen >= 0 and size - seen <= _NEAR:
            for place in range(seen, size):
                read += int(center.blocker[shape, log[place]])
    # Nobody asks for it; but what is of no effect, the compiler leaves out.
    center.scratch[t.CANDIDATE, 0] = read


@compiled
def refresh(center: Center, shape: int, policy: int) -> None:
    """Judge a shape anew on the nodes that changed since it was last asked for."""
    seen, size, nodes = center.shapes[shape, t.SEEN], center.sizes[t.LOG_SIZE], center.nodes
    if seen == size:
        return
    if seen < 0:
        center.tasks[shape] = 0
        center.blocker[shape] = t.NOBODY
        center.failing[shape] = 0
        center.total[shape] = 0
        center.score[shape] = np.inf
        center.lowest[shape] = np.inf
    devices, shapes, tasks, total = center.devices, center.shapes, center.tasks[shape], center.total[shape]
    blockers, failing, is_single = center.blocker[shape], center.failing[shape], shapes[shape, t.UNIT] == 1
    scores, lowest = center.score[shape], center.lowest[shape]
    for place in range(max(seen, 0), size if seen >= 0 else nodes.shape[0]):
        node = center.log[place] if seen >= 0 else place
        if seen >= 0 and nodes[node, t.LAST] != place:
            continue
        fit, blocker = tasks_on(nodes, devices, shapes, shape, node)
        former = _remember_blocker(blockers, failing, node, blocker)
        if is_single and former >= 0 and blocker >= 0:
            # No task fitted and none does, as is mostly so; each table that is left alone saves a wait for memory.
            continue
        _remember_tasks(nodes, shapes, tasks, total, (shape, node, fit))
        new = np.float32(score(center, policy, shape, node)) if blocker < 0 else np.float32(np.inf)
        if new != scores[node]:
            _remember_score(scores, lowest, node, new)
    center.shapes[shape, t.SEEN] = size


@compiled
def count(nodes: Ints, devices: Devices, shapes: Ints, tasks: Tasks, total: Ints, shape: int, node: int) -> int:
    """Remember how many tasks fit on one node now, and return what it fails first (-1: it is of use)."""
    fit, blocker = tasks_on(nodes, devices, shapes, shape, node)
    _remember_tasks(nodes, shapes, tasks, total, (shape, node, fit))
    return blocker


@compiled
def _remember_tasks(nodes: Ints, shapes: Ints, tasks: Tasks, total: Ints, found: tuple[int, int, int]) -> None:
    """Remember of a shape, on a node, that so many tasks fit."""
    shape, node, fit = found
    if fit != tasks[node]:
        total[nodes[node, t.ENGINE]] += weight(shapes, shape, fit) - weight(shapes, shape, tasks[node])
        tasks[node] = fit


@compiled
def _remember_blocker(blockers: NDArray[np.int8], failing: Ints, node: int, blocker: int) -> int:
    """Remember what a node fails first, and return what that was before."""
    former = blockers[node]
    if former != blocker:
        if former >= 0:
            failing[former] -= 1
        if blocker >= 0:
            failing[blocker] += 1
        blockers[node] = blocker
    return int(former)


@compiled
def _remember_score(scores: Scores, lowest: Scores, node: int, new: np.float32) -> None:
    old, block = scores[node], node // t.BLOCK
    scores[node] = new
    if new < lowest[block]:
        lowest[block] = new
    elif old == lowest[block]:
        lowest[block] = -np.inf


@compiled
def may_gain(blocker: int) -> bool:
    """Tell whether a node that fails this could be of use once what is held of it is free, or a window is past."""
    of_node = blocker == t.FAILS_STATE or blocker == t.FAILS_FEATURE  # noqa: PLR1714  a set would be an array made here
    return not of_node and (blocker < t.FAILS_CLASS or blocker >= t.FAILS_FREE)


@compiled
def holdable(total: Ints, shape: int, need: int) -> bool:
    """Tell whether some engine's nodes can hold all of the need, given the totals [S, E], which must be up to date."""
    for engine in range(total.shape[1]):
        if total[shape, engine] >= need:
            return True
    return False
