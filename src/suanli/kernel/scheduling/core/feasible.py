"""Step 2: which nodes can hold which shape. Remembered by shape, and judged anew only where a node changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.nearness import STEP, SYSTEM, is_linked
from suanli.kernel.scheduling.core.score import score
from suanli.kernel.scheduling.core.slots import PARTS_MOST, fitting, fitting_on
from suanli.kernel.scheduling.core.tables import (
    ALONE,
    APART,
    BLOCK,
    BY_NODES,
    CANDIDATE,
    CHANGES,
    DEVICES,
    ENGINE,
    EXCLUSIVE,
    FAILS_CLASS,
    FAILS_CPU,
    FAILS_DEVICE_MEMORY,
    FAILS_DISK,
    FAILS_EXCLUSIVE,
    FAILS_FEATURE,
    FAILS_FREE,
    FAILS_HEALTH,
    FAILS_MEMORY,
    FAILS_MODEL,
    FAILS_NEAR,
    FAILS_OUTSIDE,
    FAILS_PARTITION,
    FAILS_PRECISION,
    FAILS_RATE,
    FAILS_RESERVED,
    FAILS_STATE,
    FREE,
    FREE_CPU,
    FREE_DISK,
    FREE_MEMORY,
    HAS,
    HEAD_SEEN,
    HEALTHY,
    HOLDERS,
    INDEX_SEEN,
    KEPT_OFF,
    KINDS,
    LAST,
    LOG_SIZE,
    MOST_TASKS,
    MUST_HAVE,
    NEAR,
    NOBODY,
    OF_CLASS,
    OF_MEMORY,
    OF_MODEL,
    OF_PARTITION,
    OF_PRECISION,
    PARTED,
    PARTS_OF,
    READY,
    RESERVED,
    SEEN,
    SHARE,
    TASK_CPU,
    TASK_DISK,
    TASK_MEMORY,
    TYPE,
    TYPES,
    UNIT,
    WHOLE,
    WITHIN,
    Center,
    Devices,
    Ints,
    Scores,
    Tasks,
)

_PLENTY = 2**30
"""Tasks where no constraint counts them."""
_NEAR = 16
"""Entries of the log that are worth reading ahead for; of more, the first would be forgotten before they are needed."""
_MANY = 32
"""Kinds that must wait for it to be worth the look at every shape."""


@compiled
def tasks_on(nodes: Ints, devices: Devices, shapes: Ints, shape: int, node: int) -> tuple[int, int]:
    """How many tasks of a shape fit on a node, and what it fails first (-1: it is of use)."""
    if not nodes[node, READY]:
        return 0, FAILS_STATE
    if nodes[node, RESERVED] & shapes[shape, KEPT_OFF]:
        return 0, FAILS_RESERVED
    if shapes[shape, WITHIN] & ~nodes[node, RESERVED]:
        return 0, FAILS_OUTSIDE
    if shapes[shape, MUST_HAVE] & ~nodes[node, HAS]:
        return 0, FAILS_FEATURE
    if nodes[node, HOLDERS if shapes[shape, ALONE] else EXCLUSIVE]:
        return 0, FAILS_EXCLUSIVE
    unit, tasks, blocker = shapes[shape, UNIT], _PLENTY, NOBODY
    if shapes[shape, DEVICES]:
        if shapes[shape, PARTED] | shapes[shape, APART]:
            tasks, blocker = _tasks_by_few(devices, shapes, shape, node)
        else:
            tasks, blocker = _tasks_by_devices(devices, shapes, shape, node)
    cpu, memory, disk = shapes[shape, TASK_CPU], shapes[shape, TASK_MEMORY], shapes[shape, TASK_DISK]
    if cpu:
        tasks, blocker = _at_most(max(nodes[node, FREE_CPU], 0) // cpu, unit, (tasks, blocker), FAILS_CPU)
    if memory:
        tasks, blocker = _at_most(max(nodes[node, FREE_MEMORY], 0) // memory, unit, (tasks, blocker), FAILS_MEMORY)
    if disk:
        tasks, blocker = _at_most(max(nodes[node, FREE_DISK], 0) // disk, unit, (tasks, blocker), FAILS_DISK)
    if shapes[shape, MOST_TASKS]:
        tasks = min(tasks, shapes[shape, MOST_TASKS])
    return tasks, blocker


@compiled
def _at_most(most: int, unit: int, found: tuple[int, int], fails: int) -> tuple[int, int]:
    """Tasks and the first failure so far, beside an amount that allows so many tasks: a failure where too few."""
    tasks, blocker = found
    return min(tasks, most), fails if most < unit and blocker == NOBODY else blocker


@compiled
def _tasks_by_devices(devices: Devices, shapes: Ints, shape: int, node: int) -> tuple[int, int]:
    count, share, types = shapes[shape, DEVICES], shapes[shape, SHARE], shapes[shape, TYPES]
    is_whole, parts, wanted, there, well, free = share == WHOLE, WHOLE // share, count * shapes[shape, UNIT], 0, 0, 0
    for position in range(devices.shape[1]):
        kind = devices[node, position, TYPE]
        if kind >= 0 and (types >> kind) & 1:
            there += parts
            if devices[node, position, HEALTHY]:
                well += parts
                # A device in parts is counted by a division, which costs more than all else here.
                amount = devices[node, position, FREE]
                free += int(amount >= WHOLE) if is_whole else max(amount, 0) // share
    tasks = free // count
    if free >= wanted:
        return tasks, NOBODY
    if there < wanted:
        return tasks, _lacking(devices, shapes, shape, node)
    return tasks, FAILS_HEALTH if well < wanted else FAILS_FREE


@compiled
def _tasks_by_few(devices: Devices, shapes: Ints, shape: int, node: int) -> tuple[int, int]:
    """The same for what few ask: parts of devices, or devices that are near each other."""
    if shapes[shape, PARTED]:
        return _tasks_by_parts(devices, shapes, shape, node)
    return _tasks_by_groups(devices, shapes, shape, node)


@compiled
def _tasks_by_parts(devices: Devices, shapes: Ints, shape: int, node: int) -> tuple[int, int]:
    """The same where each device is a part of one."""
    count, types, there, well, free = shapes[shape, DEVICES], shapes[shape, TYPES], 0, 0, 0
    for position in range(devices.shape[1]):
        kind = devices[node, position, TYPE]
        if kind >= 0 and (types >> kind) & 1:
            code = shapes[shape, PARTS_OF + kind]
            there += fitting(code, 0)
            if devices[node, position, HEALTHY]:
                well += fitting(code, 0)
                free += fitting_on(devices, node, position, code)
    wanted = count * shapes[shape, UNIT]
    if free >= wanted:
        return free // count, NOBODY
    if there < wanted:
        return free // count, _lacking(devices, shapes, shape, node)
    return free // count, FAILS_HEALTH if well < wanted else FAILS_FREE


@compiled
def _tasks_by_groups(devices: Devices, shapes: Ints, shape: int, node: int) -> tuple[int, int]:
    """The same where the whole devices of each task must lie in one group at some distance, which a node tells last."""
    count, types, farthest = shapes[shape, DEVICES], shapes[shape, TYPES], shapes[shape, APART]
    unit, are_near = shapes[shape, UNIT], is_linked(devices[node])
    there = near = well = free = in_near = in_well = in_free = 0
    for place in range(devices.shape[1]):
        row = devices[node, place, NEAR] if are_near else SYSTEM * STEP + place
        if row == 0:
            break
        if row // STEP > farthest:
            near, well, free = near + in_near // count, well + in_well // count, free + in_free // count
            in_near = in_well = in_free = 0
        kind = devices[node, row % STEP, TYPE]
        if kind >= 0 and (types >> kind) & 1:
            there, in_near = there + 1, in_near + 1
            if devices[node, row % STEP, HEALTHY]:
                in_well += 1
                in_free += int(devices[node, row % STEP, FREE] >= WHOLE)
    near, well, free = near + in_near // count, well + in_well // count, free + in_free // count
    if free >= unit:
        return free, NOBODY
    if there < count * unit:
        return free, _lacking(devices, shapes, shape, node)
    if near < unit:
        return free, FAILS_NEAR
    return free, FAILS_HEALTH if well < unit else FAILS_FREE


@compiled
def _lacking(devices: Devices, shapes: Ints, shape: int, node: int) -> int:
    """The first constraint on types of devices that leaves a node too few, given that all of them together do."""
    parts, wanted = WHOLE // shapes[shape, SHARE], shapes[shape, DEVICES] * shapes[shape, UNIT]
    of_class = of_model = of_partition = of_memory = of_precision = 0
    is_parted = shapes[shape, PARTED]
    if is_parted:
        parts = PARTS_MOST
    for position in range(devices.shape[1]):
        kind = devices[node, position, TYPE]
        if kind >= 0:
            of_class += parts * ((shapes[shape, OF_CLASS] >> kind) & 1)
            of_model += parts * ((shapes[shape, OF_MODEL] >> kind) & 1)
            if is_parted:
                # How many parts it can have is known of devices that have the template; of others only that it is few.
                parts = fitting(shapes[shape, PARTS_OF + kind], 0)
                of_partition += parts * ((shapes[shape, OF_PARTITION] >> kind) & 1)
            of_memory += parts * ((shapes[shape, OF_MEMORY] >> kind) & 1)
            of_precision += parts * ((shapes[shape, OF_PRECISION] >> kind) & 1)
            parts = PARTS_MOST if is_parted else parts
    if of_class < wanted:
        return FAILS_CLASS
    if of_model < wanted:
        return FAILS_MODEL
    if is_parted and of_partition < wanted:
        return FAILS_PARTITION
    if of_memory < wanted:
        return FAILS_DEVICE_MEMORY
    return FAILS_PRECISION if of_precision < wanted else FAILS_RATE


@compiled
def weight(shapes: Ints, shape: int, tasks: int) -> int:
    """What a node with room for so many tasks counts: tasks, or 1 where whole nodes are counted."""
    if tasks < shapes[shape, UNIT]:
        return 0
    return 1 if shapes[shape, BY_NODES] else tasks


@compiled
def touch(nodes: Ints, shapes: Ints, log: Ints, sizes: Ints, node: int) -> None:
    """Note that a node changed; every shape will judge it anew when it is asked for."""
    if sizes[LOG_SIZE] == log.size:
        _shorten(nodes, shapes, log, sizes)
    log[sizes[LOG_SIZE]] = node
    nodes[node, LAST] = sizes[LOG_SIZE]
    sizes[LOG_SIZE] += 1
    sizes[CHANGES] += 1


@compiled
def _shorten(nodes: Ints, shapes: Ints, log: Ints, sizes: Ints) -> None:
    """Leave of the log the newest entry of each node, so that who has read part of it goes on where they were."""
    size, kept = sizes[LOG_SIZE], 0
    for place in range(size):
        node = log[place]
        log[place] = kept
        if nodes[node, LAST] == place:
            nodes[node, LAST] = kept
            kept += 1
    for shape in range(shapes.shape[0]):
        if shapes[shape, SEEN] >= 0:
            shapes[shape, SEEN] = log[shapes[shape, SEEN]] if shapes[shape, SEEN] < size else kept
    for reader in (HEAD_SEEN, INDEX_SEEN):
        if sizes[reader] >= 0:
            sizes[reader] = log[sizes[reader]] if sizes[reader] < size else kept
    for node in range(nodes.shape[0]):
        if nodes[node, LAST] >= 0:
            log[nodes[node, LAST]] = node
    sizes[LOG_SIZE] = kept


@compiled
def is_dear(center: Center, shape: int) -> bool:
    """Tell whether it costs more to judge a shape anew, as all others that ask, than to look without remembering."""
    seen, size = center.shapes[shape, SEEN], center.sizes[LOG_SIZE]
    return bool(center.sizes[KINDS] >= _MANY and (seen < 0 or size - seen > _NEAR))


@compiled
def read_ahead(center: Center) -> None:
    """Read what shapes remember of nodes that changed just now, for all of the shapes at once.

    Each lies elsewhere in memory. Read here one is waited for while others come; in ``refresh``, after which much is
    decided before the next shape is asked for, each would be waited for alone, half of the time of a small turn.
    """
    shapes, log, size, read = center.shapes, center.log, center.sizes[LOG_SIZE], 0
    if center.sizes[KINDS] < _MANY:
        return
    for shape in range(shapes.shape[0]):
        seen = shapes[shape, SEEN]
        if seen >= 0 and size - seen <= _NEAR:
            for place in range(seen, size):
                read += int(center.blocker[shape, log[place]])
    # Nobody asks for it; but what is of no effect, the compiler leaves out.
    center.scratch[CANDIDATE, 0] = read


@compiled
def refresh(center: Center, shape: int, policy: int) -> None:
    """Judge a shape anew on the nodes that changed since it was last asked for."""
    seen, size, nodes = center.shapes[shape, SEEN], center.sizes[LOG_SIZE], center.nodes
    if seen == size:
        return
    if seen < 0:
        center.tasks[shape] = 0
        center.blocker[shape] = NOBODY
        center.failing[shape] = 0
        center.total[shape] = 0
        center.score[shape] = np.inf
        center.lowest[shape] = np.inf
    devices, shapes, tasks, total = center.devices, center.shapes, center.tasks[shape], center.total[shape]
    blockers, failing, is_single = center.blocker[shape], center.failing[shape], shapes[shape, UNIT] == 1
    scores, lowest = center.score[shape], center.lowest[shape]
    for place in range(max(seen, 0), size if seen >= 0 else nodes.shape[0]):
        node = center.log[place] if seen >= 0 else place
        if seen >= 0 and nodes[node, LAST] != place:
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
    center.shapes[shape, SEEN] = size


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
        total[nodes[node, ENGINE]] += weight(shapes, shape, fit) - weight(shapes, shape, tasks[node])
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
    old, block = scores[node], node // BLOCK
    scores[node] = new
    if new < lowest[block]:
        lowest[block] = new
    elif old == lowest[block]:
        lowest[block] = -np.inf


@compiled
def may_gain(blocker: int) -> bool:
    """Tell whether a node that fails this could be of use once what is held of it is free, or a window is past."""
    of_node = blocker == FAILS_STATE or blocker == FAILS_FEATURE  # noqa: PLR1714  a set would be an array made here
    return not of_node and (blocker < FAILS_CLASS or blocker >= FAILS_FREE)


@compiled
def holdable(total: Ints, shape: int, need: int) -> bool:
    """Tell whether some engine's nodes can hold all of the need, given the totals [S, E], which must be up to date."""
    for engine in range(total.shape[1]):
        if total[shape, engine] >= need:
            return True
    return False
