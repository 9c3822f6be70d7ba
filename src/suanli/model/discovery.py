"""What a look at a machine finds: its processors and devices in one normal form, whoever made them.

A number that the machine did not tell is None, never zero. Sizes that vendors' tools print as ``MB`` are powers of
1024 on every tool read here, so memory is bytes of those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from suanli.model.devices import DeviceClass, Interconnect, Precision
from suanli.model.partitions import MAX_SLICES, THOUSANDTHS, PartitionTemplate
from suanli.model.power import MILLIWATTS
from suanli.model.resources import Device


def milliwatts(watts: float | None) -> int:
    """What a record says of what is drawn; 0 where that is not known."""
    return 0 if watts is None else round(watts * MILLIWATTS)


class Health(StrEnum):
    """OK: its tool answers and complains of nothing. DEGRADED still computes. UNKNOWN: nobody could tell."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Distance(IntEnum):
    """How far two devices of one machine are, nearest first; only the order means something."""

    SELF = 0
    LINK = 1
    SWITCH = 2
    BRIDGE = 3
    HOST = 4
    NODE = 5
    SYSTEM = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What changes while a device works: degrees Celsius, watts, percent of its time, bytes."""

    temperature_c: float | None = None
    power_w: float | None = None
    utilization_percent: float | None = None
    memory_used_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A part that the hardware itself keeps apart (a MIG instance, a vNPU), by its vendor's own profile name."""

    uuid: str = ""
    profile: str = ""
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveredDevice:
    """One accelerator as found. ``index`` is its number in its vendor's own order, by which it is made visible."""

    index: int
    device_class: DeviceClass
    vendor: str
    model: str = ""
    uuid: str = ""
    pci_address: str = ""
    """``domain:bus:device.function`` in lower case with a domain of four digits, as the kernel of Linux writes it."""
    pci_id: str = ""
    """``vendor:device`` in lower case hexadecimal, as ``lspci -n`` writes it: what the catalogue knows a model by."""
    pci_subsystem: str = ""
    """The same of its board, where the kernel tells: boards of several makers may carry one device."""
    near_cpus: frozenset[int] = frozenset()
    """Processors at the same memory as its slot on the bus, by the kernel's numbers; empty where nobody tells."""
    files: tuple[str, ...] = ()
    """The device files, absolute, by which programs reach it and nothing else; empty where nobody tells."""
    memory_bytes: int | None = None
    partitions: tuple[Partition, ...] = ()
    shell: str = ""
    """What an FPGA carries for good: its vendor's static region or partial reconfiguration interface."""
    bitstream: str = ""
    """What an FPGA is configured with, where its tool tells."""
    known_as: str = ""
    """Maker and name of its model in the catalogue, or of what its identity on the bus names there; else empty."""
    precisions: frozenset[Precision] = frozenset()
    """What it computes natively as its model's row of the catalogue says, which no machine tells."""
    rates: Mapping[Precision, int] = field(default_factory=dict)
    """10^9 operations a second at most, by precision, as that row says."""
    board_power_w: float | None = None
    """Watts that it draws at most, as that row says."""
    distances: Mapping[int, Distance] = field(default_factory=dict)
    """How far the same vendor's other devices are, by their indices, where its tool tells."""
    health: Health = Health.OK
    reason: str = ""
    """Why it is not OK; empty if it is."""
    readings: Readings = Readings()

    @property
    def parts(self) -> tuple[Partition, ...]:
        """The partitions that may be given to work, those of one profile together: the place of each is its slice."""
        usable = [one for one in self.partitions if one.profile in THOUSANDTHS and one.memory_bytes and one.uuid]
        return tuple(sorted(usable, key=lambda one: one.profile)[: MAX_SLICES - 1])

    def record(self, index: int) -> Device:
        """What the planner's node record says of it; ``index`` is its place among all devices of its node."""
        return Device(
            index=index,
            device_class=self.device_class,
            model=self.known_as or self.model,
            memory_bytes=self.memory_bytes or 0,
            precisions=self.precisions,
            rates=dict(self.rates),
            healthy=self.health in {Health.OK, Health.DEGRADED},
            reason=self.reason,
            power_mw=milliwatts(self.board_power_w),
            partitions=_templates(self.parts),
            is_parted=bool(self.partitions),
            shell=self.shell,
            bitstream=self.bitstream,
        )


def _templates(parts: Sequence[Partition]) -> tuple[PartitionTemplate, ...]:
    """Parts that are there already as templates of one slice each."""
    places: dict[str, list[int]] = {}
    for place, part in enumerate(parts):
        places.setdefault(part.profile, []).append(place)
    return tuple(
        PartitionTemplate(
            name=profile,
            memory_bytes=min(parts[place].memory_bytes or 0 for place in starts),
            size=1,
            starts=tuple(starts),
        )
        for profile, starts in places.items()
    )


@dataclass(frozen=True, slots=True)
class Cache:
    """Equal caches of a machine's processors: so many of a level, of ``data``, ``instruction`` or ``unified``."""

    level: int
    kind: str
    size_bytes: int
    """Of each."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Processors:
    """The processors of one machine; ``cores`` and ``threads`` count all sockets together."""

    architecture: str
    """As ``uname -m`` writes it."""
    vendor: str = ""
    models: tuple[str, ...] = ()
    """Several where a machine mixes kinds of core, in the order of their first appearance."""
    sockets: int | None = None
    cores: int | None = None
    threads: int | None = None
    numa_nodes: int | None = None
    thread_power_w: float | None = None
    """Watts that one thread draws at most, as the catalogue says of the model: its part of what a socket draws."""
    features: frozenset[str] = frozenset()
    """Instruction set extensions by the names that Linux gives them."""
    simd: tuple[str, ...] = ()
    """Vector extensions by the names of the catalogue, in its order."""
    matrix: tuple[str, ...] = ()
    """Matrix extensions likewise."""
    node_features: frozenset[str] = frozenset()
    """The same by the names under which work may ask for them."""
    caches: tuple[Cache, ...] = ()
    """Nearest first; empty where the kernel shows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A bitstream of the center that a device can be given."""

    name: str
    told_as: str
    """What the device's tool calls it once it is there."""
    file: str
    words: tuple[str, ...]
    """The command that gives it to the device, with its program's absolute path."""


class Outcome(StrEnum):
    """How a look for one vendor's devices ended. ABSENT: no sign of any, so no tool was asked."""

    FOUND = "found"
    ABSENT = "absent"
    NO_TOOL = "no_tool"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    NOTHING_READ = "nothing_read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One thing that was looked at: a vendor's signs on this machine, or one of its tools by its command line."""

    vendor: str
    place: str
    outcome: Outcome
    found: int = 0
    detail: str = ""
    """What a tool that failed said of it, first line only; what is on the bus, by identity and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All that one look at a machine found, and where it looked."""

    processors: Processors
    devices: tuple[DiscoveredDevice, ...] = ()
    looked: tuple[Looked, ...] = ()


def links_of(devices: Mapping[int, DiscoveredDevice]) -> dict[Interconnect, tuple[tuple[int, ...], ...]]:
    """What the planner's node record says of which devices are near each other, given them by their places there.

    Near is who is near one of those that are: groups of one distance grow by what is told at the next. A distance that
    joins nobody anew is left out.
    """
    places = {(device.vendor, device.index): place for place, device in devices.items()}
    groups, found = [{place} for place in sorted(devices)], {}
    for word in Interconnect:
        before = len(groups)
        for place, device in devices.items():
            for index, distance in device.distances.items():
                other = places.get((device.vendor, index))
                if other is not None and distance <= Distance[word.name]:
                    joined = set().union(*(group for group in groups if place in group or other in group))
                    groups = [*(group for group in groups if group.isdisjoint(joined)), joined]
        if len(groups) < before:
            found[word] = tuple(sorted(tuple(sorted(group)) for group in groups if len(group) > 1))
    return found
