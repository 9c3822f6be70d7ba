"""The center as the kernel knows it, kept up to date change by change; a change costs what changed, not the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from suanli.kernel.scheduling.columns import Coded, Columns
from suanli.kernel.scheduling.demand import Demand, demand_of
from suanli.kernel.scheduling.feasible import KIND, PRECISION_BIT, fit, impossible
from suanli.kernel.scheduling.plan import MICROSECONDS
from suanli.kernel.scheduling.snapshot import (
    NEVER,
    Arrays,
    Devices,
    Fit,
    Holds,
    Nodes,
    Room,
    Running,
    Snapshot,
    Waiting,
)
from suanli.model.errors import NotFoundError
from suanli.model.ids import EngineName, NodeName, QueueName, RunId, WorkloadId
from suanli.model.quantities import WHOLE_DEVICE, Instant
from suanli.model.resources import Device, Node, NodeHold, NodeState, Queue
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import Run, RunState, Workload

_NOTHING = Demand(0, 0, exclusive=False, cpu_milli=0, memory_bytes=0)
_WHAT_NODES_ARE = 5
_WHAT_DEVICES_ARE = len(fields(Devices))


def expected_end(run: Run) -> Instant:
    """When a run will have ended at the latest: its time limit after its start, or after its placement until then."""
    if not run.time_limit_s:
        return NEVER
    return Instant((run.started_at or run.placed_at) + run.time_limit_s * MICROSECONDS)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the rows of one run are."""

    run: int
    holds: tuple[int, ...]
    devices: tuple[int, ...]
    array: int
    nodes: tuple[int, ...]


class ClusterState:
    """Nodes, queues, waiting workloads and running work, folded from changes; ``snapshot`` is what a turn sees.

    Not for use by several threads at once. The same changes in any order that keeps each workload's own order, and any
    number of times, give the same center; only row numbers differ.
    """

    def __init__(self) -> None:
        self._names: dict[NodeName, int] = {}
        self._engines: dict[EngineName, int] = {}
        self._models: dict[str, int] = {}
        self._nodes = Columns(_WHAT_NODES_ARE + 4)
        self._devices = np.zeros((_WHAT_DEVICES_ARE + 1, 0, 0), dtype=np.int64)
        self._positions: list[dict[int, int]] = []
        self._frozen: Nodes | None = None

        self._queues: dict[QueueName, int] = {}
        self._queue_priority: list[int] = []
        self._demands = Coded(_NOTHING)
        self._arrays = Coded(WorkloadId(0))
        self._array_counts = Columns(2)
        self._array_code(WorkloadId(0), 0)

        self._waiting = Columns(len(fields(Waiting)))
        self._waiting_rows: dict[WorkloadId, int] = {}
        self._waiting_demands: dict[WorkloadId, Demand] = {}
        self._running = Columns(len(fields(Running)))
        self._holds = Columns(6)
        self._device_holds = Columns(4)
        self._places: dict[RunId, _Place] = {}

        self._fits: dict[Demand, Fit] = {}
        self._touched: set[int] = set()
        self._impossible: dict[Demand, bool] = {}

    def set_node(self, node: Node) -> None:
        """A node is there, or is otherwise than before. What is held of it stays held."""
        row = self._names.get(node.name)
        if row is None:
            row = self._add_node(node.name)
        column = self._nodes.data[:, row]
        column[5:7] += (node.cpu_milli - column[2], node.memory_bytes - column[3])
        engine = self._engines.setdefault(node.engine, len(self._engines))
        ready = int(node.state is NodeState.READY)
        column[:_WHAT_NODES_ARE] = (engine, ready, node.cpu_milli, node.memory_bytes, node.generation)
        self._devices[0, row] = 0
        for device in node.devices:
            position = self._position(row, device.index)
            self._devices[:_WHAT_DEVICES_ARE, row, position] = self._device_columns(device)
        self._frozen = None
        self._impossible.clear()
        self._touched.add(row)

    def set_queue(self, queue: Queue) -> None:
        """A queue is there, or has another priority."""
        self._queue_priority[self._queue_row(queue.name)] = queue.priority

    def enqueue(self, workload: Workload, spec: WorkloadSpec) -> None:
        """A workload may start as soon as there is room: it is WAITING. Said again, the last word holds.

        Its time limit is the record's own. Until its queue is set, that queue has priority 0.
        """
        if workload.id in self._waiting_rows:
            self.dequeue(workload.id)
        row = (
            workload.id,
            self._demands.take(demand_of(spec)),
            self._queue_row(workload.queue),
            workload.priority,
            workload.eligible_at or workload.submitted_at,
            workload.time_limit_s,
            workload.generation,
            workload.preemptible,
            self._array_code(*_bounded_array(workload, spec)),
        )
        self._waiting_rows[workload.id] = self._waiting.add(row)
        self._waiting_demands[workload.id] = self._demands.keys[row[1]]

    def change(self, workload: Workload) -> None:
        """A waiting workload has another priority, time limit or generation.

        Raises:
            NotFoundError: it does not wait.
        """
        row = self._waiting_rows.get(workload.id)
        if row is None:
            raise NotFoundError("waiting workload", workload.id)
        columns = Waiting(*self._waiting.data)
        columns.priority[row] = workload.priority
        columns.time_limit_s[row] = workload.time_limit_s
        columns.generation[row] = workload.generation

    def dequeue(self, workload: WorkloadId) -> None:
        """A workload waits no longer: it was placed, held, or ended.

        Raises:
            NotFoundError: it does not wait.
        """
        if workload not in self._waiting_rows:
            raise NotFoundError("waiting workload", workload)
        row = self._waiting_rows.pop(workload)
        del self._waiting_demands[workload]
        columns = Waiting(*self._waiting.data)
        demand = int(columns.demand[row])
        key = self._demands.keys[demand]
        if self._demands.leave(demand):
            self._fits.pop(key, None)
            self._impossible.pop(key, None)
        self._arrays.leave(int(columns.array[row]))
        self._waiting.drop(row)

    def waits(self, workload: WorkloadId) -> bool:
        """Tell whether the workload is in the queue."""
        return workload in self._waiting_rows

    def demand(self, workload: WorkloadId) -> Demand:
        """The class of a waiting workload. Alone of all methods it may be asked while another thread makes changes.

        Raises:
            NotFoundError: it does not wait.
        """
        found = self._waiting_demands.get(workload)
        if found is None:
            raise NotFoundError("waiting workload", workload)
        return found

    def occupy(self, run: Run, workload: Workload, spec: WorkloadSpec, end: Instant) -> None:
        """A run that has not ended holds its allocation, presumably until ``end``. Said again, the last word holds.

        Raises:
            NotFoundError: its allocation names a node that was never set.
        """
        nodes = [self._node_row(hold.node) for hold in run.allocation.nodes]
        if run.id in self._places:
            self.vacate(run.id)
        stopping = int(run.state is RunState.STOPPING)
        started = run.started_at or run.placed_at
        queue = self._queue_row(workload.queue)
        row = self._running.add(
            (workload.id, run.attempt, queue, workload.priority, end, started, workload.preemptible, stopping)
        )
        holds, devices = [], []
        for node, hold in zip(nodes, run.allocation.nodes, strict=True):
            amounts = (row, node, 1, hold.cpu_milli, hold.memory_bytes, int(run.allocation.exclusive))
            holds.append(self._holds.add(amounts))
            devices += [self._device_holds.add(held) for held in self._held_devices(row, node, hold)]
        array = self._array_code(*_bounded_array(workload, spec))
        self._array_counts.data[0, array] += 1
        place = _Place(row, tuple(holds), tuple(devices), array, tuple(nodes))
        self._places[run.id] = place
        self._shift(place, -1)

    def vacate(self, run: RunId) -> None:
        """A run has ended and holds nothing.

        Raises:
            NotFoundError: it held nothing before.
        """
        place = self._places.pop(run, None)
        if place is None:
            raise NotFoundError("run with an allocation", run)
        self._shift(place, 1)
        self._running.drop(place.run)
        for row in place.holds:
            self._holds.drop(row)
        for row in place.devices:
            self._device_holds.drop(row)
        self._array_counts.data[0, place.array] -= 1
        self._arrays.leave(place.array)

    def holds(self, run: RunId) -> bool:
        """Tell whether the run holds an allocation."""
        return run in self._places

    def snapshot(self) -> Snapshot:
        """The center as it is now."""
        nodes, room = self._frozen_nodes(), self._room()
        self._refresh(nodes, room)
        counts = self._array_counts.data
        return Snapshot(
            nodes=nodes,
            room=room.copy(),
            waiting=Waiting(*self._waiting.data.copy()),
            running=Running(*self._running.data.copy()),
            holds=Holds(*self._holds.data.copy(), *self._device_holds.data.copy()),
            arrays=Arrays(np.array(self._arrays.keys, dtype=np.int64), *counts.copy()),
            demands=tuple(self._demands.keys),
            queues=dict(self._queues),
            queue_priority=np.array(self._queue_priority, dtype=np.int64),
            fits=dict(self._fits),
            impossible=frozenset(demand for demand, never in self._impossible.items() if never),
        )

    def _refresh(self, nodes: Nodes, room: Room) -> None:
        at = np.array(sorted(self._touched), dtype=np.int64)
        self._touched.clear()
        for demand in self._demands:
            known = self._fits.get(demand)
            if known is None or known.tasks.size < len(nodes.names):
                self._fits[demand] = fit(nodes, room, demand)
            elif at.size:
                tasks, blocker = known.tasks.copy(), known.blocker.copy()
                tasks[at], blocker[at] = fit(nodes, room, demand, at)
                self._fits[demand] = Fit(tasks, blocker)
            if demand not in self._impossible:
                self._impossible[demand] = impossible(nodes, demand)

    def _room(self) -> Room:
        cpu, memory, holders, exclusive = self._nodes.data[_WHAT_NODES_ARE:]
        return Room(cpu, memory, holders, exclusive, self._devices[_WHAT_DEVICES_ARE, : self._nodes.size])

    def _frozen_nodes(self) -> Nodes:
        if self._frozen is None:
            columns = self._nodes.data[:_WHAT_NODES_ARE].copy()
            devices = self._devices[:_WHAT_DEVICES_ARE, : self._nodes.size].copy()
            names, engines, models = tuple(self._names), tuple(self._engines), dict(self._models)
            engine, ready, cpu, memory, generation = columns
            kinds = Devices(*devices)
            self._frozen = Nodes(names, engines, models, engine, ready, cpu, memory, generation, kinds)
        return self._frozen

    def _shift(self, place: _Place, sign: int) -> None:
        holds = self._holds.data[:, list(place.holds)]
        devices = self._device_holds.data[:, list(place.devices)]
        self._room().shift(Holds(*holds, *devices), sign)
        self._touched.update(place.nodes)

    def _held_devices(self, run: int, node: int, hold: NodeHold) -> Iterable[tuple[int, int, int, int]]:
        return [(run, node, self._position(node, device.index), device.share) for device in hold.devices]

    def _node_row(self, name: NodeName) -> int:
        row = self._names.get(name)
        if row is None:
            raise NotFoundError("node", name)
        return row

    def _add_node(self, name: NodeName) -> int:
        row = self._nodes.add((0,) * (_WHAT_NODES_ARE + 4))
        self._names[name] = row
        self._positions.append({})
        self._widen(row + 1, 0)
        return row

    def _position(self, row: int, index: int) -> int:
        positions = self._positions[row]
        if index not in positions:
            positions[index] = len(positions)
            self._widen(0, len(positions))
            self._devices[_WHAT_DEVICES_ARE, row, positions[index]] = WHOLE_DEVICE
            self._frozen = None
        return positions[index]

    def _widen(self, nodes: int, positions: int) -> None:
        columns, rows, width = self._devices.shape
        if nodes <= rows and positions <= width:
            return
        wider = np.zeros((columns, max(rows, 2 * nodes), max(width, positions)), dtype=np.int64)
        wider[:, :rows, :width] = self._devices
        self._devices = wider

    def _device_columns(self, device: Device) -> tuple[int, ...]:
        model = self._models.setdefault(device.model, 1 + len(self._models))
        precision = sum(PRECISION_BIT[precision] for precision in device.precisions)
        kind, healthy = KIND[device.device_class], int(device.healthy)
        return kind, model, device.memory_bytes, precision, healthy, device.index

    def _queue_row(self, queue: QueueName) -> int:
        row = self._queues.setdefault(queue, len(self._queue_priority))
        if row == len(self._queue_priority):
            self._queue_priority.append(0)
        return row

    def _array_code(self, array: WorkloadId, max_running: int) -> int:
        code = self._arrays.take(array)
        if code == self._array_counts.size:
            self._array_counts.add((0, 0))
        self._array_counts.data[1, code] = max_running
        return code


def _bounded_array(workload: Workload, spec: WorkloadSpec) -> tuple[WorkloadId, int]:
    bound = 0 if spec.array is None else spec.array.max_running
    return (workload.array_id, bound) if bound else (WorkloadId(0), 0)
