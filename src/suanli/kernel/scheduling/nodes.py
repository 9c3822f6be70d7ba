"""The nodes of a live center and their devices, as rows of the tables; and the tables, which grow with what is told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suanli.kernel.scheduling.codes import Codes
from suanli.kernel.scheduling.constraints import DeviceType, Room
from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.grow import grown, sizes_of
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.features import Features
from suanli.kernel.scheduling.linking import order_of
from suanli.kernel.scheduling.merits import Known, write_merits
from suanli.kernel.scheduling.prices import Prices
from suanli.kernel.scheduling.shapes import write_templates, write_types
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.ids import EngineName, NodeName
from suanli.model.partitions import MADE
from suanli.model.quantities import Instant
from suanli.model.rates import JobClass, LearnedRate
from suanli.model.resources import Device, Node, NodeHold, NodeState
from suanli.model.tariff import Tariff

_SPARE_SHAPES = 256
"""Shapes that nobody waits with and that are remembered all the same: judging every node for one takes milliseconds."""


class Nodes:
    """Nodes by name and by row; what waits and runs on them is :class:`state.ClusterState`'s."""

    def __init__(self) -> None:
        one = t.Sizes(nodes=1, devices=0, engines=1, shapes=1, kinds=1, jobs=1, holds=1, device_holds=1, keys=4)
        self.tables = t.make_center(one)
        self.types: list[DeviceType] = []
        self.engines: dict[EngineName, int] = {}
        self.names: list[NodeName] = []
        self.generations: list[int] = []
        self.indices: list[list[int]] = []
        """By node, the index of the device at each position."""
        self.nodes: dict[NodeName, int] = {}
        """Rows by name."""
        self.rates: dict[tuple[JobClass, str], LearnedRate] = {}
        """What work was measured to reach, by job class and device model."""
        self.prices = Prices()
        self._shapes: Codes[Demand] = Codes(_SPARE_SHAPES)
        self._features = Features()
        self._switches: Codes[str] = Codes()
        self._empty: Room | None = None
        self._are_kinds_stale = False
        """Whether kinds must be measured anew, because of what nodes are now."""

    @property
    def known(self) -> Known:
        """What merits of devices are made of."""
        return Known(self.types, self.rates, self.prices)

    @property
    def room(self) -> Room:
        """What is there and free, as views of the tables."""
        count = len(self.names)
        nodes, devices, draws = self.tables.nodes[:count], self.tables.devices[:count], self.tables.draws[:count]
        ones = np.ones(count, dtype=np.int64)
        return Room(nodes, devices, ones, self.types, len(self.engines), self._features.bits, draws)

    @property
    def empty_room(self) -> Room:
        """What there is when nobody holds anything; equal nodes lie in one row."""
        if self._empty is None:
            self._empty = self.room.empty()
        return self._empty

    def _write_node(self, node: Node, windows: int) -> None:
        """Let a node be as it is said to be, in advance reservations of these bits. What is held of it stays held.

        Raises:
            InvalidRequestError: it has more devices, or the center more types of them, than the tables can tell apart.
        """
        row = self.nodes.get(node.name)
        if row is None:
            row = self._add_node(node.name)
        engine = self.engines.setdefault(node.engine, len(self.engines))
        self._reach(engines=len(self.engines))
        # Positions go by memory, so that of equally free devices the smallest is taken.
        devices = sorted(node.devices, key=lambda device: (device.memory_bytes, device.index))
        for device in devices:
            self._position(row, device.index)
        self._arrange(row, [device.index for device in devices])
        given = list[int]()
        for device in devices:
            given.append(self._type(device, given))
        places = [
            (self._position(row, device.index), kind, device.healthy)
            for device, kind in zip(devices, given, strict=True)
        ]
        self._let_be_made(row, -1)
        self.tables.devices[row, :, [t.TYPE, t.HEALTHY]] = np.array([[t.NOBODY], [0]])
        for position, kind, healthy in places:
            self.tables.devices[row, position, [t.TYPE, t.HEALTHY]] = (kind, healthy)
        self._let_be_made(row, 1)
        width, known = self.tables.devices.shape[1], [device.index for device in devices]
        self.tables.devices[row, :, t.NEAR] = order_of(node.links, known, width)
        if self.tables.nodes[row, t.ENGINE] != engine:
            t.judge_anew(self.tables)
        ready, features = int(node.state is NodeState.READY), self._features.set_node(row, node.features)
        self._switches.leave(int(self.tables.nodes[row, t.SWITCH]))
        switch, _ = self._switches.take(node.switch)
        self.tables.sizes[t.SWITCHES] = len(self._switches)
        amounts = (engine, ready, node.cpu_milli, node.memory_bytes, windows, features, switch, node.disk_bytes)
        changes.set_node(self.tables, row, amounts)
        self.generations[row] = node.generation
        self._write_draws(row, node)
        self._measure()
        self._empty, self._are_kinds_stale = None, True

    def _let_be_made(self, row: int, sign: int) -> None:
        """Keep devices of a node whose parts are made already from being given whole (1), or no longer (-1)."""
        are_made = np.array([*(kind.is_parted for kind in self.types), False])
        devices = self.tables.devices[row]
        made = are_made[devices[:, t.TYPE]]
        was_parted = devices[:, t.SLOTS] != 0
        devices[made, t.SLOTS] += sign * MADE
        devices[:, t.FREE] += t.WHOLE * (was_parted.astype(np.int16) - (devices[:, t.SLOTS] != 0))

    def _write_draws(self, row: int, node: Node) -> None:
        """Let it be known what a node's cpus and devices draw; what is drawn now is then counted anew."""
        draws = np.zeros(self.tables.draws.shape[1], dtype=np.int64)
        draws[0] = node.cpu_power_mw
        for device in node.devices:
            draws[1 + self._position(row, device.index)] = device.power_mw
        if (self.tables.draws[row] != draws).any():
            self.tables.draws[row] = draws
            changes.cap_power(self.tables, int(self.tables.sizes[t.POWER_CAP]))

    def _measure(self) -> None:
        """Scores are in parts of the largest nodes."""
        largest = self.tables.nodes[:, [t.CPU, t.MEMORY]].max(axis=0)
        if (largest != self.tables.sizes[[t.LARGEST_CPU, t.LARGEST_MEMORY]]).any():
            self.tables.sizes[[t.LARGEST_CPU, t.LARGEST_MEMORY]] = largest
            t.judge_anew(self.tables)

    def _add_node(self, name: NodeName) -> int:
        row = self.nodes[name] = len(self.names)
        self._reach(nodes=row + 1)
        self.tables.nodes[row, t.SWITCH], _ = self._switches.take("")
        self.names.append(name)
        self.generations.append(0)
        self.indices.append([])
        return row

    def _node_row(self, name: NodeName) -> int:
        row = self.nodes.get(name)
        if row is None:
            raise NotFoundError("node", name)
        return row

    def _position(self, row: int, index: int) -> int:
        indices = self.indices[row]
        if index not in indices:
            if len(indices) == t.DEVICE_TYPES - 1:
                raise InvalidRequestError("devices", f"node {self.names[row]} has too many devices to tell apart")
            indices.append(index)
            self._reach(devices=len(indices))
            self._are_kinds_stale = True
            self.tables.devices[row, len(indices) - 1] = (t.NOBODY, 0, t.WHOLE, 0, 0)
        return indices.index(index)

    def _arrange(self, row: int, first: list[int]) -> None:
        """Let the positions of a node begin with these devices, whatever order they were met in."""
        before = self.indices[row]
        after = first + [index for index in before if index not in set(first)]
        if after == before:
            return
        self.indices[row] = after
        devices, held = self.tables.devices[row], self.tables.device_holds
        devices[: len(after)] = devices[[before.index(index) for index in after]]
        here = held[:, t.DEVICE_NODE] == row
        places = np.arange(devices.shape[0])
        places[: len(before)] = [after.index(index) for index in before]
        held[here, t.POSITION] = places[held[here, t.POSITION]]
        self.tables.sizes[t.HEAD_SEEN] = t.NOBODY

    def _type(self, device: Device, given: Sequence[int]) -> int:
        """The place of a device's type; those ``given`` are about to be some devices'."""
        rates = tuple(sorted(device.rates.items()))
        kind = DeviceType(
            device.device_class,
            device.model,
            device.memory_bytes,
            device.precisions,
            rates,
            device.power_mw,
            device.partitions,
            device.is_parted,
            device.bitstream,
            device.bitstreams,
            device.reconfigure_s,
        )
        if kind not in self.types:
            place = self._place_for_type(device, given)
            self.types[place : place + 1] = [kind]
            if kind.partitions:
                self._reach(parted_types=t.DEVICE_TYPES)
            write_templates(self.tables.templates[place], kind.partitions)
            for shape in self._shapes.codes():
                write_types(self.tables.shapes[shape], self._shapes.key(shape), self.types)
                write_merits(self.tables, shape, self._shapes.key(shape), self.known)
            t.judge_anew(self.tables)
        return self.types.index(kind)

    def _place_for_type(self, device: Device, given: Sequence[int]) -> int:
        """Where a new type may stand: behind the others, and with no room there in the place of one that nothing is of.

        What FPGAs are configured by changes, so types come and go.
        """
        if len(self.types) < t.DEVICE_TYPES:
            return len(self.types)
        left = set(range(t.DEVICE_TYPES)) - set(given) - set(np.unique(self.room.devices[:, :, t.TYPE]).tolist())
        if not left:
            raise InvalidRequestError("devices", f"{device.model} is one type of devices too many to tell apart")
        return min(left)

    def set_rate(self, rate: LearnedRate) -> None:
        """A rate was learned, or is another one."""
        self.rates[rate.job_class, rate.model] = rate
        for shape in self._shapes.codes():
            demand = self._shapes.key(shape)
            if demand.pursuit is not None and demand.pursuit.job_class == rate.job_class:
                write_merits(self.tables, shape, demand, self.known)
                self.tables.shapes[shape, t.SEEN] = t.NOBODY

    def set_tariff(self, tariff: Tariff) -> None:
        """A tariff is there, which counts from its instant on: see :meth:`price`."""
        self.prices = self.prices.told(tariff)

    def price(self, now: Instant) -> None:
        """Let it be now for tariffs; every turn says so. It costs nothing until another one counts."""
        if now < self.prices.until:
            return
        before, self.prices = self.prices.current, self.prices.at(now)
        if self.prices.current == before:
            return
        for shape in self._shapes.codes():
            demand = self._shapes.key(shape)
            if demand.pursuit is not None:
                write_merits(self.tables, shape, demand, self.known)
                self.tables.shapes[shape, t.SEEN] = t.NOBODY

    def _devices(self, node: int, hold: NodeHold) -> list[tuple[int, int, int, int]]:
        return [(node, self._position(node, one.index), one.share, one.slices) for one in hold.devices]

    def _reach(self, **rows: int) -> None:
        """Let the tables have at least so many rows; they double when they grow."""
        sizes = sizes_of(self.tables)
        short = {name: count for name, count in rows.items() if count > getattr(sizes, name)}
        if short:
            larger = {name: max(count, 2 * getattr(sizes, name), 16) for name, count in short.items()}
            for exact in larger.keys() & {"devices", "engines", "licenses", "parted_types"}:
                larger[exact] = short[exact]
            self.tables = grown(self.tables, sizes._replace(**larger))
