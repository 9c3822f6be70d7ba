"""Step 3: which of the nodes that can hold it. A policy gives a score by node; the lowest is taken, then the first."""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.criteria import (
    Request,
    Typical,
    Worth,
    apart,
    clustered,
    free_of,
    graded,
    kind_of,
    left_over,
    packed,
    product,
    take_tightest,
    usable,
    value,
)
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.merits import goes_by_nearness, near_together, ranks_types, worst_taken
from suanli.kernel.scheduling.core.nearness import LINK, SYSTEM, around, extent, is_linked, number_of
from suanli.kernel.scheduling.core.slots import opened
from suanli.kernel.scheduling.core.tables import Center, Devices, Ints

FIRST_FIT, BEST_FIT, WORST_FIT, WEIGHED = range(4)
"""Of the first three a node has one score for all shapes."""
_KILOWATT = 1_000_000
"""Milliwatts, as draws are kept in."""
_STEP = 4096.0
"""Between the ranks of types: the center's score, which counts among nodes of one rank, is cut to half of it. So it is
told to a hundredth at least, as float32 has it."""
_NOW, _THEN, _TYPE = range(3)
"""Rows of trial: what devices have free, what they will have, and their types."""


@compiled
def score(center: Center, policy: int, shape: int, node: int) -> float:
    """The score of a node that can hold a unit of a shape: by the rank of its devices, where the shape ranks them."""
    found = _of_center(center, policy, shape, node)
    if shape < 0 or not ranks_types(center, shape):
        return found
    rank = worst_taken(center, center.devices[node], shape, center.shapes[shape, t.UNIT], t.RANK)
    return float(rank * _STEP + max(min(found, _STEP / 2 - 1), 1 - _STEP / 2))


@compiled
def _of_center(center: Center, policy: int, shape: int, node: int) -> float:
    if policy == FIRST_FIT:
        return 0.0
    if policy == BEST_FIT:
        return left(center.nodes, center.devices, center.sizes, node)
    if policy == WORST_FIT:
        return -left(center.nodes, center.devices, center.sizes, node)
    return _weighed(center, shape, node)


@compiled
def left(nodes: Ints, devices: Devices, sizes: Ints, node: int) -> float:
    """What is free: cpus and memory in parts of the largest node, plus free devices.

    Fuller nodes go first, so that large requests find whole nodes; a free device weighs more than all cpus and memory
    of a node without one, so that work without devices keeps off nodes that have some.
    """
    free = 0
    for position in range(devices.shape[1]):
        if devices[node, position, t.TYPE] >= 0:
            free += int(devices[node, position, t.FREE])
    cpu = nodes[node, t.FREE_CPU] / max(sizes[t.LARGEST_CPU], 1)
    memory = nodes[node, t.FREE_MEMORY] / max(sizes[t.LARGEST_MEMORY], 1)
    return float(cpu + memory + 2.0 * free / t.WHOLE)


@compiled
def _weighed(center: Center, shape: int, node: int) -> float:
    """The weighted sum of all criteria, in hundredths each."""
    weights, shapes, positions = center.weights, center.shapes, center.devices.shape[1]
    unit, total = shapes[shape, t.UNIT], 0.0
    cpu, memory, types = unit * shapes[shape, t.TASK_CPU], unit * shapes[shape, t.TASK_MEMORY], shapes[shape, t.TYPES]
    asked = request = Request(cpu, memory, unit * shapes[shape, t.DEVICES], shapes[shape, t.SHARE], types)
    if shapes[shape, t.PARTED]:
        # What criteria know of devices are shares: of these it takes the whole devices that are parted for it.
        request = Request(cpu, memory, opened(center, node, shape, asked.number), t.WHOLE, types)
    _try_for(center, node, shape, request)
    if weights[t.FULL] != 0.0:
        most = 2.0 + 2.0 * positions
        total += weights[t.FULL] * 100.0 * left(center.nodes, center.devices, center.sizes, node) / most
    if weights[t.PRODUCT] != 0.0:
        total += weights[t.PRODUCT] * _product(center, node, request)
    if asked.number > 0:
        if weights[t.PACKED] != 0.0:
            total += weights[t.PACKED] * packed(center.trial[_NOW], center.trial[_THEN], center.trial[_TYPE])
        if weights[t.CLUSTERED] != 0.0:
            total += weights[t.CLUSTERED] * _clustered(center, node, asked)
    if weights[t.FRAGMENTS] != 0.0:
        total += weights[t.FRAGMENTS] * _fragments(center, node, request)
    if weights[t.VALUE] != 0.0:
        total += weights[t.VALUE] * _loss(center, node, request)
    if weights[t.TOPOLOGY] != 0.0:
        total += weights[t.TOPOLOGY] * _apart(center, center.devices[node])
    if weights[t.POWER] != 0.0:
        total += weights[t.POWER] * _drawn(center, node, request)
    if shapes[shape, t.PURSUES]:
        total += _by_merit(center, shape, node)
    return total


@compiled
def _try_for(center: Center, node: int, shape: int, request: Request) -> None:
    """Write down what the devices of a node have free now, and would have with a request of a shape."""
    _try(center, node, request)
    if goes_by_nearness(center, center.devices[node], shape):
        _try_near(center, node, near_together(center, center.devices[node], shape, center.shapes[shape, t.UNIT]))


@compiled
def _by_merit(center: Center, shape: int, node: int) -> float:
    """The weighted sum of the criteria that know what devices are worth to work."""
    weights, devices, unit, total = center.weights, center.devices[node], center.shapes[shape, t.UNIT], 0.0
    if weights[t.TIME] != 0.0:
        total += weights[t.TIME] * worst_taken(center, devices, shape, unit, t.SLOWER)
    if weights[t.ENERGY] != 0.0:
        total += weights[t.ENERGY] * worst_taken(center, devices, shape, unit, t.HUNGRIER)
    if weights[t.COST] != 0.0:
        total += weights[t.COST] * worst_taken(center, devices, shape, unit, t.DEARER)
    return total


@compiled
def _try(center: Center, node: int, request: Request) -> None:
    """Write down what the devices of a node have free now, and would have with a request; only healthy ones count."""
    devices, trial = center.devices, center.trial
    for position in range(devices.shape[1]):
        counts = devices[node, position, t.TYPE] >= 0 and devices[node, position, t.HEALTHY] != 0
        trial[_TYPE, position] = devices[node, position, t.TYPE] if counts else t.NOBODY
        trial[_NOW, position] = trial[_THEN, position] = max(devices[node, position, t.FREE], 0) if counts else 0
    take_tightest(trial[_THEN], trial[_TYPE], request)


@compiled
def _try_near(center: Center, node: int, taken: int) -> None:
    """Write down what the devices of a node would have if these, which are whole, were taken."""
    trial = center.trial
    for position in range(trial.shape[1]):
        trial[_THEN, position] = trial[_NOW, position] - t.WHOLE * ((taken >> position) & 1)


@compiled
def _product(center: Center, node: int, request: Request) -> float:
    cpus, most = max(center.sizes[t.LARGEST_CPU], 1), max(center.devices.shape[1], 1) * t.WHOLE
    free = free_of(center.trial[_NOW]) / most
    return product(
        (center.nodes[node, t.FREE_CPU] / cpus, request.cpu / cpus), (free, request.number * request.share / most)
    )


@compiled
def _clustered(center: Center, node: int, request: Request) -> float:
    """By the kinds of device demand of what runs on the node."""
    present, row = 0, center.nodes[node, t.HELD]
    while row >= 0:
        present |= 1 << _kind_held(center, node, center.holds[row, t.HELD_BY])
        row = center.holds[row, t.AFTER]
    present >>= 1
    is_there, kinds = present >> kind_of(request) & 1 != 0, 0
    while present:
        kinds += present & 1
        present >>= 1
    most = max(center.devices.shape[1], 1) * t.WHOLE
    return clustered(is_there, kinds, (most - free_of(center.trial[_NOW])) / most)


@compiled
def _kind_held(center: Center, node: int, job: int) -> int:
    """The kind of device demand of what a job holds on a node, counted from 1; 0 where it holds no device there."""
    held, count, share, row = center.device_holds, 0, 0, center.jobs[job, t.DEVICE_HOLD]
    while row >= 0:
        if held[row, t.DEVICE_NODE] == node:
            count, share = count + 1, held[row, t.HELD_SHARE]
        row = held[row, t.DEVICE_NEXT]
    return 0 if count == 0 else 1 + kind_of(Request(0, 0, count, share, 0))


@compiled
def _typical(center: Center) -> Typical:
    buckets, requests = center.sizes[t.BUCKETS], center.sizes[t.TYPICAL]
    known = center.typical_demands
    return Typical(
        known[t.NUMBER, :buckets],
        known[t.OF_SHARE, :buckets],
        known[t.OF_TYPES, :buckets],
        known[t.BEGINS, : buckets + 1],
        center.typical_cpu[:requests],
        center.typical_weight[:requests],
    )


@compiled
def _fragments(center: Center, node: int, request: Request) -> float:
    """The growth of fragmentation, if the tightest devices are taken, graded."""
    known, cpu = _typical(center), center.nodes[node, t.FREE_CPU]
    before = usable(cpu, center.trial[_NOW], center.trial[_TYPE], known) - request.number * request.share
    return graded(before - usable(cpu - request.cpu, center.trial[_THEN], center.trial[_TYPE], known))


@compiled
def _loss(center: Center, node: int, request: Request) -> float:
    """The loss of value, if the tightest devices are taken, in hundredths of a device."""
    cpu, trial = center.nodes[node, t.FREE_CPU], center.trial
    known = Worth(center.fill, center.worth[: center.fill.shape[0]], center.worth[-2], center.worth[-1])
    before = value(cpu, trial[_NOW], trial[_TYPE], known)
    after = value(cpu - request.cpu, trial[_THEN], trial[_TYPE], known)
    return 100.0 * (before - after + left_over(cpu, trial[_NOW]))


@compiled
def _drawn(center: Center, node: int, request: Request) -> float:
    """What is expected to be drawn, in hundredths of a kilowatt; of a device of which it is not known, as much as that.

    Unknown must not look like nothing, or what nobody has measured would go first.
    """
    draws, trial, drawn = center.draws, center.trial, request.cpu * center.draws[node, 0]
    for position in range(trial.shape[1]):
        taken = trial[_NOW, position] - trial[_THEN, position]
        draw = draws[node, 1 + position]
        drawn += taken * (draw if draw > 0 else _KILOWATT)
    return float(drawn * 100.0 / (t.WHOLE * _KILOWATT))


@compiled
def _apart(center: Center, devices: Devices) -> float:
    """By the whole devices that are taken, or begun: of one that is shared already nobody is near another.

    Of one device alone counts the group within the shortest distance from another.
    """
    taken = whole = 0
    for position in range(center.trial.shape[1]):
        if center.trial[_NOW, position] >= t.WHOLE:
            whole |= 1 << position
            taken |= int(center.trial[_THEN, position] < t.WHOLE) << position
    if taken == 0:
        return 0.0
    if not is_linked(devices):
        return 0.0 if number_of(taken) == 1 else apart(SYSTEM, number_of(taken), number_of(whole))
    distance, place = extent(devices, taken)
    return apart(distance, number_of(taken), number_of(around(devices, place, whole, max(distance, LINK))))
