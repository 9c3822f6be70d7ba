"""Step 2: which nodes can hold which demand. Kept by class of demand and touched only where a node changed."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

import numpy as np

from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.plan import Reason, ReasonCode
from suanli.kernel.scheduling.snapshot import Fit, Flags, Ints, Nodes, Room, Rows, empty_room
from suanli.model.quantities import WHOLE_DEVICE
from suanli.model.spec import DeviceClass, Precision

KIND = {DeviceClass.GPU: 1, DeviceClass.NPU: 2, DeviceClass.FPGA: 3}
PRECISION_BIT = {precision: 1 << place for place, precision in enumerate(Precision)}

_ALL = slice(None)
_PLENTY = np.int64(2**40)
"""Tasks that a constraint allows which does not count them."""

STATE_AND_HEALTH = frozenset({ReasonCode.NODE_STATE, ReasonCode.DEVICE_HEALTH})
"""What can mend without the center growing."""

_NONE: frozenset[ReasonCode] = frozenset()

Stage = tuple[ReasonCode, Ints]


def stages(
    nodes: Nodes, room: Room, demand: Demand, at: Rows = _ALL, ignoring: AbstractSet[ReasonCode] = _NONE
) -> list[Stage]:
    """Tasks of the demand that each constraint alone allows on each node, in the order of ``ReasonCode``.

    Constraints on devices narrow: each counts what those before it left.
    """
    found: list[Stage] = []
    if ReasonCode.NODE_STATE not in ignoring:
        found.append((ReasonCode.NODE_STATE, nodes.ready[at] * _PLENTY))
    barred = room.holders[at] if demand.exclusive else room.exclusive[at]
    found.append((ReasonCode.EXCLUSIVE, (barred == 0) * _PLENTY))
    if demand.device_class is not None:
        found += _device_stages(nodes, room, demand, at, ignoring)
    found.append((ReasonCode.CPU, room.cpu_milli[at] // demand.cpu_milli))
    found.append((ReasonCode.MEMORY, room.memory_bytes[at] // demand.memory_bytes))
    return found


def narrowings(nodes: Nodes, demand: Demand, at: Rows = _ALL) -> list[tuple[ReasonCode, Flags]]:
    """The constraints on devices that the demand sets, each with the devices [node, position] that meet it."""
    devices = nodes.devices
    kind = devices.kind[at]
    of_class = kind == KIND[demand.device_class] if demand.device_class in KIND else kind > 0
    found = [(ReasonCode.DEVICE_CLASS, of_class)]
    if demand.device_model:
        model = nodes.models.get(demand.device_model, -1)
        found.append((ReasonCode.DEVICE_MODEL, devices.model[at] == model))
    if demand.device_memory_bytes:
        found.append((ReasonCode.DEVICE_MEMORY, devices.memory_bytes[at] >= demand.device_memory_bytes))
    if demand.device_precision is not None:
        bit = PRECISION_BIT[demand.device_precision]
        found.append((ReasonCode.DEVICE_PRECISION, (devices.precision[at] & bit) > 0))
    found.append((ReasonCode.DEVICE_HEALTH, devices.healthy[at] > 0))
    return found


def _device_stages(
    nodes: Nodes, room: Room, demand: Demand, at: Rows, ignoring: AbstractSet[ReasonCode]
) -> Iterable[Stage]:
    left = np.ones_like(nodes.devices.kind[at], dtype=np.bool_)
    parts = WHOLE_DEVICE // demand.device_share
    for code, meeting in narrowings(nodes, demand, at):
        if code not in ignoring:
            left &= meeting
            yield code, left.sum(axis=1) * parts // demand.device_count
    free = np.where(left, room.device[at] // demand.device_share, 0)
    yield ReasonCode.DEVICE_FREE, np.maximum(free, 0).sum(axis=1) // demand.device_count


def fit(nodes: Nodes, room: Room, demand: Demand, at: Rows = _ALL, ignoring: AbstractSet[ReasonCode] = _NONE) -> Fit:
    """How many tasks each node can hold, and the place in ``stages`` of the first constraint it fails (-1: none).

    A node fails where fewer tasks fit than it must hold to be of use (``Demand.tasks_a_node``).
    """
    allowed = np.stack([tasks for _, tasks in stages(nodes, room, demand, at, ignoring)])
    tasks = np.maximum(allowed.min(axis=0), 0)
    failing = allowed < demand.tasks_a_node
    blocker = np.where(tasks < demand.tasks_a_node, failing.argmax(axis=0), -1)
    return Fit(tasks, blocker)


def engines_holding(nodes: Nodes, tasks: Ints, demand: Demand) -> Ints:
    """Engines (by their place) that can hold all of the demand, given the tasks that fit on each node.

    An allocation never spans engines: with ``nodes`` given, that many nodes of one engine must each hold their part;
    otherwise the nodes of one engine must hold all tasks together.
    """
    weight = (tasks >= demand.tasks_a_node).astype(np.int64) if demand.nodes else tasks
    totals = np.zeros(len(nodes.engines), dtype=np.int64)
    np.add.at(totals, nodes.engine, weight)
    return np.flatnonzero(totals >= (demand.nodes or demand.tasks))


def holds(nodes: Nodes, room: Room, demand: Demand, ignoring: AbstractSet[ReasonCode] = _NONE) -> bool:
    """Tell whether the room can hold all of the demand."""
    return engines_holding(nodes, fit(nodes, room, demand, ignoring=ignoring).tasks, demand).size > 0


def impossible(nodes: Nodes, demand: Demand) -> bool:
    """Tell whether no nodes could hold the demand, even empty, in service, and with every device in health."""
    return not holds(nodes, empty_room(nodes), demand, STATE_AND_HEALTH)


class Fits:
    """The fit of each demand asked for, in one room: computed once, then only on the nodes that were touched since.

    Arrays handed out are never changed afterwards.
    """

    def __init__(self, nodes: Nodes, room: Room, known: dict[Demand, Fit]) -> None:
        self._nodes = nodes
        self._room = room
        self._known = known
        self._touched: list[Ints] = []
        self._seen = dict.fromkeys(known, 0)

    def touch(self, rows: Ints) -> None:
        """Say that the room changed on these nodes."""
        self._touched.append(rows)

    def of(self, demand: Demand) -> Fit:
        """The fit of the demand in the room as it is now."""
        known = self._known.get(demand)
        if known is None:
            known = fit(self._nodes, self._room, demand)
        elif self._seen[demand] < len(self._touched):
            at = np.unique(np.concatenate(self._touched[self._seen[demand] :]))
            changed = fit(self._nodes, self._room, demand, at)
            known = Fit(known.tasks.copy(), known.blocker.copy())
            known.tasks[at], known.blocker[at] = changed
        self._known[demand] = known
        self._seen[demand] = len(self._touched)
        return known

    def startable(self, demand: Demand) -> bool:
        """Tell whether all of the demand can be held now."""
        return engines_holding(self._nodes, self.of(demand).tasks, demand).size > 0


def shortfall(nodes: Nodes, tasks: Ints, demand: Demand) -> Reason:
    """Why nodes that hold some of the demand do not hold it together."""
    weight = (tasks >= demand.tasks_a_node).astype(np.int64) if demand.nodes else tasks
    totals = np.zeros(max(1, len(nodes.engines)), dtype=np.int64)
    np.add.at(totals, nodes.engine, weight)
    needed, code = (demand.nodes, ReasonCode.NODES_COUNT) if demand.nodes else (demand.tasks, ReasonCode.TASKS_COUNT)
    if totals.sum() >= needed:
        code = ReasonCode.ENGINE
    return Reason(code=code, needed=needed, available=int(totals.max()))


def refusal(nodes: Nodes, demand: Demand, found: Fit) -> Reason:
    """The constraint that most nodes fail first, or what is missing together where some nodes would do."""
    total = int(found.tasks.size)
    failing = found.blocker[found.blocker >= 0]
    if failing.size < total or not total:
        return shortfall(nodes, found.tasks, demand)
    counts = np.bincount(failing)
    most = int(counts.argmax())
    first = int(counts[most])
    return Reason(code=codes(demand)[most], nodes_failing=first, nodes_failing_first=first, nodes_total=total)


def codes(demand: Demand) -> tuple[ReasonCode, ...]:
    """The constraints that the demand is judged by on a node, in the order of ``stages``."""
    asked = {
        ReasonCode.DEVICE_CLASS: demand.device_class is not None,
        ReasonCode.DEVICE_MODEL: bool(demand.device_model),
        ReasonCode.DEVICE_MEMORY: demand.device_memory_bytes > 0,
        ReasonCode.DEVICE_PRECISION: demand.device_precision is not None,
        ReasonCode.DEVICE_HEALTH: demand.device_class is not None,
        ReasonCode.DEVICE_FREE: demand.device_class is not None,
    }
    alone = (*(code for code, is_asked in asked.items() if is_asked), ReasonCode.CPU, ReasonCode.MEMORY)
    return (ReasonCode.NODE_STATE, ReasonCode.EXCLUSIVE, *alone)
