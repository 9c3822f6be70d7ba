"""Every constraint of a demand on every node, as vectors: what explaining needs, and planning does not.

N nodes, D device positions, T device types. Planning judges the same constraints one node at a time
(``core.feasible``) and stops at the first that fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeAlias

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.tables import Devices, Flags, Ints
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.linking import groups_at
from suanli.kernel.scheduling.plan import Reason, ReasonCode
from suanli.model.device_names import are_meant
from suanli.model.devices import DeviceClass, Precision
from suanli.model.discovery import Distance
from suanli.model.partitions import MADE, MAX_SLICES, PartitionTemplate

Stage: TypeAlias = tuple[ReasonCode, Ints]

STATE_AND_HEALTH = frozenset({ReasonCode.NODE_STATE, ReasonCode.DEVICE_HEALTH})
"""What can mend without the center growing."""

_NONE: frozenset[ReasonCode] = frozenset()
_PLENTY = np.int64(2**40)
"""Tasks that a constraint allows which does not count them."""


class DeviceType(NamedTuple):
    """What devices have in common that requests can tell apart."""

    device_class: DeviceClass
    model: str
    memory_bytes: int
    precisions: frozenset[Precision]
    rates: tuple[tuple[Precision, int], ...] = ()
    """By precision, 10^9 operations a second."""
    power_mw: int = 0
    """What one draws at most; 0 where that is not known."""
    partitions: tuple[PartitionTemplate, ...] = ()
    is_parted: bool = False
    """Whether its parts are made already, and none of it goes whole, or as a share."""
    bitstream: str = ""
    """By what it is configured."""
    bitstreams: frozenset[str] = frozenset()
    """By what it can be."""
    reconfigure_s: int = 0
    """How long that takes; 0 where it is not known."""

    def template(self, name: str) -> PartitionTemplate | None:
        """By what it is parted under that name, if it can be."""
        return next((one for one in self.partitions if one.name == name), None)

    def configuring_s(self, bitstream: str) -> float:
        """Seconds until it is configured so: 0 where it is, infinite where nobody knows how long that takes."""
        return 0.0 if bitstream == self.bitstream else self.reconfigure_s or np.inf

    def rate(self, precision: Precision | None) -> int:
        """What a device does at a precision; 0 where that is not known."""
        return next((rate for one, rate in self.rates if one is precision), 0)


class Room(NamedTuple):
    """Rows of the tables: ``nodes`` [N, columns], ``devices`` [N, D, columns], each row for ``counts`` [N] nodes.

    ``draws`` [N, 1 + D] is what a cpu of each draws, and then each device, in milliwatts; 0 where that is not known.
    ``types`` [T] names the types of devices, ``features`` has the bits of those that waiting work names.
    """

    nodes: Ints
    devices: Devices
    counts: Ints
    types: Sequence[DeviceType]
    engines: int
    features: Mapping[str, int]
    draws: Ints

    def empty(self) -> Room:
        """The room there were if nobody held anything, equal nodes in one row."""
        of_devices = self.devices[:, :, [t.TYPE, t.HEALTHY, t.NEAR]].reshape(len(self.nodes), 3 * self.devices.shape[1])
        kept: list[Ints | Devices] = [
            self.nodes[:, [t.ENGINE, t.READY, t.CPU, t.MEMORY, t.HAS, t.DISK]],
            of_devices,
            self.draws,
        ]
        _, first, counts = np.unique(np.hstack(kept), axis=0, return_index=True, return_counts=True)
        nodes, devices = self.nodes[first], self.devices[first]
        nodes[:, [t.FREE_CPU, t.FREE_MEMORY, t.FREE_DISK]] = nodes[:, [t.CPU, t.MEMORY, t.DISK]]
        nodes[:, [t.HOLDERS, t.EXCLUSIVE]] = 0
        made = np.array([*(kind.is_parted for kind in self.types), False])[devices[:, :, t.TYPE]]
        devices[:, :, t.FREE], devices[:, :, t.SLOTS] = np.where(made, 0, t.WHOLE), made * MADE
        return self._replace(nodes=nodes, devices=devices, counts=counts.astype(np.int64), draws=self.draws[first])

    def having(self, features: Iterable[str]) -> Flags:
        """Which nodes have all of these features, each of which must have a bit [N]."""
        wanted = sum(self.features[name] for name in features)
        having: Flags = (wanted & ~self.nodes[:, t.HAS]) == 0
        return having


def narrowings(types: Sequence[DeviceType], demand: Demand) -> list[tuple[ReasonCode, Flags]]:
    """The constraints on types of devices that a demand sets, each with the types that meet it and the ones before.

    The flags [T + 1] have a place more, for where there is no device; it is the last, so that type -1 finds it.
    """
    tests: list[tuple[ReasonCode, list[bool]]] = []
    if demand.device_class is not None:
        tests.append((ReasonCode.DEVICE_CLASS, [_is_of(one.device_class, demand.device_class) for one in types]))
    if demand.device_model:
        tests.append((ReasonCode.DEVICE_MODEL, [are_meant(demand.device_model, one.model) for one in types]))
    if demand.device_partition:
        having = [one.template(demand.device_partition) is not None for one in types]
        tests.append((ReasonCode.DEVICE_PARTITION, having))
    if demand.device_memory_bytes:
        memory = [memory_of(one, demand) for one in types]
        tests.append((ReasonCode.DEVICE_MEMORY, [bytes_ >= demand.device_memory_bytes for bytes_ in memory]))
    if demand.device_precision is not None:
        tests.append((ReasonCode.DEVICE_PRECISION, [demand.device_precision in one.precisions for one in types]))
    if demand.device_rate:
        precision, least = demand.device_precision, demand.device_rate
        tests.append((ReasonCode.DEVICE_RATE, [one.rate(precision) >= least for one in types]))
    if demand.device_bitstream:
        can = [demand.device_bitstream in {one.bitstream, *one.bitstreams} for one in types]
        tests.append((ReasonCode.DEVICE_BITSTREAM, can))
    left = np.ones(len(types) + 1, dtype=np.bool_)
    found = []
    for code, meeting in tests:
        left = left & np.array([*meeting, False])
        found.append((code, left))
    return found


def memory_of(kind: DeviceType, demand: Demand) -> int:
    """The memory of what a demand asks for of a device: of the part, where it is one."""
    template = kind.template(demand.device_partition) if demand.device_partition else None
    return kind.memory_bytes if template is None else template.memory_bytes


_NARROWED = {
    ReasonCode.DEVICE_CLASS: t.OF_CLASS,
    ReasonCode.DEVICE_MODEL: t.OF_MODEL,
    ReasonCode.DEVICE_PARTITION: t.OF_PARTITION,
    ReasonCode.DEVICE_MEMORY: t.OF_MEMORY,
    ReasonCode.DEVICE_PRECISION: t.OF_PRECISION,
    ReasonCode.DEVICE_RATE: t.TYPES,
    # Who asks for a bitstream asks for no rate, so one column will do.
    ReasonCode.DEVICE_BITSTREAM: t.TYPES,
}


def type_masks(types: Sequence[DeviceType], demand: Demand) -> dict[int, int]:
    """By column of shapes, a bit for each type of devices that meets the constraint of the column and those before."""
    masks = dict.fromkeys(_NARROWED.values(), (1 << len(types)) - 1)
    for code, meeting in narrowings(types, demand):
        left = sum(1 << kind for kind in np.flatnonzero(meeting[:-1]).tolist())
        for later in list(_NARROWED)[list(_NARROWED).index(code) :]:
            masks[_NARROWED[later]] = left
    return masks


def _is_of(offered: DeviceClass, asked: DeviceClass) -> bool:
    return asked in {DeviceClass.ANY, offered}


def stages(room: Room, demand: Demand, ignoring: AbstractSet[ReasonCode] = _NONE) -> list[Stage]:
    """Tasks of the demand that each constraint alone allows on each node [N], in the order of ``ReasonCode``.

    Constraints on devices narrow: each counts what those before it left.
    """
    nodes, found = room.nodes, []
    if ReasonCode.NODE_STATE not in ignoring:
        found.append((ReasonCode.NODE_STATE, nodes[:, t.READY] * _PLENTY))
    if demand.kept_off:
        found.append((ReasonCode.RESERVED, ((nodes[:, t.RESERVED] & demand.kept_off) == 0) * _PLENTY))
    if demand.within:
        found.append((ReasonCode.RESERVATION, ((demand.within & ~nodes[:, t.RESERVED]) == 0) * _PLENTY))
    if demand.features:
        found.append((ReasonCode.FEATURE, room.having(demand.features) * _PLENTY))
    barred = nodes[:, t.HOLDERS] if demand.exclusive else nodes[:, t.EXCLUSIVE]
    found.append((ReasonCode.EXCLUSIVE, (barred == 0) * _PLENTY))
    if demand.device_class is not None:
        found += _device_stages(room, demand, ignoring)
    found.append((ReasonCode.CPU, nodes[:, t.FREE_CPU] // demand.cpu_milli))
    found.append((ReasonCode.MEMORY, nodes[:, t.FREE_MEMORY] // demand.memory_bytes))
    if demand.disk_bytes:
        found.append((ReasonCode.DISK, nodes[:, t.FREE_DISK] // demand.disk_bytes))
    if demand.max_tasks_per_node:
        # No node fails it: it only lets each count for less.
        found.append((ReasonCode.TASKS_COUNT, np.full(len(nodes), demand.max_tasks_per_node)))
    return found


def _device_stages(room: Room, demand: Demand, ignoring: AbstractSet[ReasonCode]) -> Iterable[Stage]:
    if demand.device_partition:
        yield from _part_stages(room, demand, ignoring)
        return
    parts, share = t.WHOLE // demand.device_share, demand.device_share
    # By position and then by node: sums over few positions of many nodes are then sums of whole rows.
    kinds, healthy, free = (
        np.ascontiguousarray(room.devices[:, :, column].T) for column in (t.TYPE, t.HEALTHY, t.FREE)
    )
    left = np.ones(kinds.shape, dtype=np.bool_)
    for code, meeting in narrowings(room.types, demand):
        left = meeting[kinds]
        yield code, left.sum(axis=0) * parts // demand.device_count
    if demand.device_interconnect is not None:
        groups = _groups(room, demand)
        well = (left & (healthy > 0)) if ReasonCode.DEVICE_HEALTH not in ignoring else left
        yield ReasonCode.DEVICE_INTERCONNECT, _in_groups(groups, left, demand.device_count)
        if ReasonCode.DEVICE_HEALTH not in ignoring:
            yield ReasonCode.DEVICE_HEALTH, _in_groups(groups, well, demand.device_count)
        yield ReasonCode.DEVICE_FREE, _in_groups(groups, well & (free >= share), demand.device_count)
        return
    if ReasonCode.DEVICE_HEALTH not in ignoring:
        left = left & (healthy > 0)
        yield ReasonCode.DEVICE_HEALTH, left.sum(axis=0) * parts // demand.device_count
    # Of most shares at most one part fits on a device; comparing takes a tenth of the time of dividing.
    usable = free >= share if share > t.WHOLE // 2 else np.maximum(free // share, 0)
    yield ReasonCode.DEVICE_FREE, (usable * left).sum(axis=0) // demand.device_count


def _part_stages(room: Room, demand: Demand, ignoring: AbstractSet[ReasonCode]) -> Iterable[Stage]:
    """How many parts a device could have is known where it has the template; before, each counts for the most."""
    kinds, healthy, free, slots = (room.devices[:, :, column] for column in (t.TYPE, t.HEALTHY, t.FREE, t.SLOTS))
    left, most = np.ones(kinds.shape, dtype=np.bool_), parts_of(room.types, demand)[kinds]
    for code, meeting in narrowings(room.types, demand):
        left, is_known = meeting[kinds], code not in {ReasonCode.DEVICE_CLASS, ReasonCode.DEVICE_MODEL}
        yield code, (left * (most if is_known else MAX_SLICES)).sum(axis=1) // demand.device_count
    if ReasonCode.DEVICE_HEALTH not in ignoring:
        left = left & (healthy > 0)
        yield ReasonCode.DEVICE_HEALTH, (left * most).sum(axis=1) // demand.device_count
    fitting = np.zeros(kinds.shape, dtype=np.int64)
    states, which = np.unique(np.stack([kinds, slots], axis=-1)[left].reshape(-1, 2), axis=0, return_inverse=True)
    templates = [room.types[kind].template(demand.device_partition) for kind, _ in states.tolist()]
    found = [
        0 if one is None else one.fitting(taken) for one, (_, taken) in zip(templates, states.tolist(), strict=True)
    ]
    fitting[left] = np.array(found, dtype=np.int64)[which.ravel()]
    is_open = free >= np.where(slots != 0, 0, t.WHOLE)
    yield ReasonCode.DEVICE_FREE, (fitting * is_open).sum(axis=1) // demand.device_count


def parts_of(types: Sequence[DeviceType], demand: Demand) -> Ints:
    """How many parts as a demand asks for a device of each type could have [T + 1]; 0 without the template."""
    templates = [one.template(demand.device_partition) for one in types]
    return np.array([*(0 if one is None else one.fitting(0) for one in templates), 0], dtype=np.int64)


def _in_groups(groups: Ints, flags: Flags, count: int) -> Ints:
    """How many times so many of the devices that are flagged [D, N] lie in one group of a node [N]."""
    in_groups: Ints = (_sizes(groups, flags) // count).sum(axis=1)
    return in_groups


def _sizes(groups: Ints, flags: Flags) -> Ints:
    """How many of the devices that are flagged [D, N] are of each group of a node [N, D]."""
    placed = groups + groups.shape[1] * np.arange(len(groups))[:, None]
    return np.bincount(placed[flags.T], minlength=groups.size).reshape(groups.shape).astype(np.int64)


def largest_group(room: Room, demand: Demand, *, free: bool) -> int:
    """The most devices that would do for a demand, of those in one group as it asks for it; perhaps of ``free`` ones.

    Those that are not free count whether they are in health or not.
    """
    kinds = room.devices[:, :, t.TYPE]
    left = narrowings(room.types, demand)[-1][1][kinds]
    if free:
        left = left & (room.devices[:, :, t.HEALTHY] > 0) & (room.devices[:, :, t.FREE] >= t.WHOLE)
    return int(_sizes(_groups(room, demand), left.T).max(initial=0))


def _groups(room: Room, demand: Demand) -> Ints:
    """The group of each device [N, D] at the distance within which a demand asks for those of a task."""
    distance = Distance.SELF if demand.device_interconnect is None else Distance[demand.device_interconnect.name]
    return groups_at(room.devices[:, :, t.NEAR], distance)


def tasks_fitting(found: Sequence[Stage]) -> Ints:
    """Tasks that all constraints together allow on each node [N]."""
    fitting: Ints = np.maximum(np.stack([tasks for _, tasks in found]).min(axis=0), 0)
    return fitting


def totals(room: Room, tasks: Ints, demand: Demand) -> Ints:
    """By engine, what its nodes can hold: tasks, or nodes with room for their part where nodes are asked for."""
    weight = (tasks >= demand.tasks_a_node).astype(np.int64) if demand.nodes else tasks
    return np.bincount(room.nodes[:, t.ENGINE], weight * room.counts, minlength=max(1, room.engines)).astype(np.int64)


def suffices(room: Room, found: Sequence[Stage], demand: Demand) -> bool:
    """Tell whether the nodes of one engine can hold all of the demand: an allocation never spans engines."""
    together = totals(room, tasks_fitting(found), demand)
    return bool(together.max() >= demand.need)


def holds(room: Room, demand: Demand, ignoring: AbstractSet[ReasonCode] = _NONE) -> bool:
    """Tell whether the room can hold all of the demand."""
    return suffices(room, stages(room, demand, ignoring), demand)


def shortfall(together: Ints, demand: Demand) -> Reason:
    """Why nodes that hold some of the demand do not hold it together, given what each engine's hold."""
    needed, code = demand.need, ReasonCode.NODES_COUNT if demand.nodes else ReasonCode.TASKS_COUNT
    if together.sum() >= needed:
        code = ReasonCode.ENGINE
    return Reason(code=code, needed=needed, available=int(together.max(initial=0)))
