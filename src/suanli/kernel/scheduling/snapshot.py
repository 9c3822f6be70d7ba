"""What a turn sees: arrays. Row n of every node array is one node; a row of zeros in a table is a place not in use.

All arrays are int64. Instants are microseconds since the epoch, ``NEVER`` for what has no expected end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.scheduling.demand import Demand
from suanli.model.ids import EngineName, NodeName, QueueName, WorkloadId
from suanli.model.quantities import WHOLE_DEVICE, Instant

Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = Ints | slice

NEVER = Instant(2**62)
"""The expected end of work without a time limit."""


@dataclass(frozen=True, slots=True)
class Devices:
    """Accelerators as [node, position]; a device keeps its position as long as its node is known.

    ``kind`` is 0 where there is no device, else the code of its class in ``feasible.KIND``; ``model`` is the code
    of its name in ``Nodes.models``; ``precision`` has bit p set for the p-th member of ``Precision``.
    """

    kind: Ints
    model: Ints
    memory_bytes: Ints
    precision: Ints
    healthy: Ints
    index: Ints


@dataclass(frozen=True, slots=True)
class Nodes:
    """What nodes are, by row: the place of the engine in ``engines``, 1 where READY, whole amounts, generation."""

    names: tuple[NodeName, ...]
    engines: tuple[EngineName, ...]
    models: Mapping[str, int]
    engine: Ints
    ready: Ints
    cpu_milli: Ints
    memory_bytes: Ints
    generation: Ints
    devices: Devices


@dataclass(frozen=True, slots=True)
class Holds:
    """Amounts held, a row for each run and node, and a row for each run and device. ``run`` is a row of ``Running``."""

    run: Ints
    node: Ints
    holders: Ints
    cpu_milli: Ints
    memory_bytes: Ints
    exclusive: Ints
    device_run: Ints
    device_node: Ints
    device_position: Ints
    device_share: Ints

    def of(self, runs: Flags) -> Holds:
        """What those runs hold, given one flag for each run."""
        rows, devices = runs[self.run], runs[self.device_run]
        columns = [getattr(self, field.name) for field in fields(self)]
        return Holds(*(c[rows] for c in columns[:6]), *(c[devices] for c in columns[6:]))


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on each node, in how many parts the rest is held, and how many hold it exclusively.

    ``device`` is the free share of each device as [node, position], in thousandths. Amounts are negative where a node
    came back with less than is held of it.
    """

    cpu_milli: Ints
    memory_bytes: Ints
    holders: Ints
    exclusive: Ints
    device: Ints

    def copy(self) -> Room:
        """The same amounts, changed apart from these."""
        return Room(*(getattr(self, field.name).copy() for field in fields(self)))

    def shift(self, holds: Holds, sign: int) -> None:
        """Give back (``sign`` 1) or take (-1) what is held, in place."""
        np.add.at(self.cpu_milli, holds.node, sign * holds.cpu_milli)
        np.add.at(self.memory_bytes, holds.node, sign * holds.memory_bytes)
        np.subtract.at(self.holders, holds.node, sign * holds.holders)
        np.subtract.at(self.exclusive, holds.node, sign * holds.exclusive)
        np.add.at(self.device, (holds.device_node, holds.device_position), sign * holds.device_share)

    def meet(self, one: Room, other: Room, rows: Rows) -> None:
        """Set these rows to what is free in both rooms, in place."""
        self.cpu_milli[rows] = np.minimum(one.cpu_milli[rows], other.cpu_milli[rows])
        self.memory_bytes[rows] = np.minimum(one.memory_bytes[rows], other.memory_bytes[rows])
        self.holders[rows] = np.maximum(one.holders[rows], other.holders[rows])
        self.exclusive[rows] = np.maximum(one.exclusive[rows], other.exclusive[rows])
        self.device[rows] = np.minimum(one.device[rows], other.device[rows])


def empty_room(nodes: Nodes) -> Room:
    """The room there were if nobody held anything."""
    nothing = np.zeros_like(nodes.engine)
    whole = np.full_like(nodes.devices.kind, WHOLE_DEVICE)
    return Room(nodes.cpu_milli.copy(), nodes.memory_bytes.copy(), nothing, nothing.copy(), whole)


class Fit(NamedTuple):
    """For one demand and by node: how many of its tasks fit, and which of its constraints fails first (-1: none)."""

    tasks: Ints
    blocker: Ints


@dataclass(frozen=True, slots=True)
class Waiting:
    """Workloads that may start, by row; ``id`` is 0 in rows not in use.

    ``demand`` and ``array`` are rows of ``Snapshot.demands`` and ``Arrays``, ``queue`` of ``queue_priority``; ``since``
    is the instant it became eligible.
    """

    id: Ints
    demand: Ints
    queue: Ints
    priority: Ints
    since: Ints
    time_limit_s: Ints
    generation: Ints
    preemptible: Ints
    array: Ints


@dataclass(frozen=True, slots=True)
class Running:
    """Runs that hold an allocation, by row; ``workload`` is 0 in rows not in use. ``stopping`` is 1 if asked to end."""

    workload: Ints
    attempt: Ints
    queue: Ints
    priority: Ints
    expected_end: Ints
    started_at: Ints
    preemptible: Ints
    stopping: Ints


@dataclass(frozen=True, slots=True)
class Arrays:
    """Arrays with a bound, by row: id, elements running, bound. Row 0 stands for work without one (bound 0)."""

    id: Ints
    active: Ints
    max_running: Ints


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One instant of the center. Changing the state afterwards does not change it."""

    nodes: Nodes
    room: Room
    waiting: Waiting
    running: Running
    holds: Holds
    arrays: Arrays
    demands: Sequence[Demand]
    queues: Mapping[QueueName, int]
    """Row of each queue in ``queue_priority``."""
    queue_priority: Ints
    fits: Mapping[Demand, Fit]
    """Known already, for this room."""
    impossible: frozenset[Demand]

    def row(self, workload: WorkloadId) -> int:
        """Row of a waiting workload, -1 if it does not wait."""
        found = np.flatnonzero(self.waiting.id == workload)
        return int(found[0]) if found.size else -1
