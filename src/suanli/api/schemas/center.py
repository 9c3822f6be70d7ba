"""Nodes, engines and queues as they are shown, and what may be asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict, Field

from suanli.api.schemas.fields import Body, Priority, Seconds, ShortText, Timestamp, cpus, timestamp
from suanli.api.schemas.problem import DESCRIBED
from suanli.model.devices import DeviceClass, Interconnect, Precision
from suanli.model.discovery import Health
from suanli.model.ids import QueueName
from suanli.model.partitions import still_fits
from suanli.model.power import MILLIWATTS
from suanli.model.quantities import BILLION, WHOLE_DEVICE
from suanli.model.resources import SIMULATED, Device, DeviceHold, NodeState, Queue
from suanli.ports.engine import (
    DeviceBinding,
    DiskBinding,
    Isolation,
    LimitEnforcement,
    NodeReadings,
    PartitionBinding,
    Placement,
)
from suanli.services.inventory import EngineView as Described
from suanli.services.inventory import NodeView as Standing

_DEFAULTS = Queue(name=QueueName("default"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionView:
    """A template by which a device may be parted."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """Its name, as work asks for it."""
    memory_bytes: int
    """Memory of one such partition."""
    share: float
    """What one counts for of the device, in (0, 1]."""
    most: int
    """How many of it the device can have."""
    free: int
    """How many more of it fit beside what is held of the device now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """One accelerator of a node."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    index: int
    """Counted from 0 within the node."""
    device_class: DeviceClass
    """Kind of accelerator."""
    model: str
    """Model name."""
    memory_bytes: int
    """Its memory."""
    precisions: list[Precision]
    """Arithmetic it does natively."""
    rates: dict[Precision, float]
    """Operations a second that it does at most, by precision; what is not in it is not known."""
    healthy: bool
    """Whether it may be given to work."""
    reason: str
    """What is wrong with it, if anything is."""
    free_share: float
    """How much of it may be had whole or as a share, in [0, 1]; nothing of one that is parted."""
    partitions: list[PartitionView]
    """By what it may be parted, and what of that still fits."""
    power_watts: float | None
    """What it draws at most (its board power); null where that is not known."""
    enforced: bool
    """Whether runs that do not hold it are kept from it; if not, variables tell programs which devices are theirs, and
    none that looks past them is stopped. Of a shared one no share is bounded."""
    shell: str
    """What an FPGA carries for good; empty where that is not known."""
    bitstream: str
    """By what an FPGA is configured now; empty where that is not known."""
    bitstreams: list[str]
    """By what an FPGA can be configured for work that asks for it, by name."""
    reconfigure_seconds: int | None
    """How long it takes to configure it; null where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One node and what is held of it."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """Its name."""
    engine: str
    """The engine it belongs to."""
    state: NodeState
    """Whether it takes work."""
    reason: str
    """Why it does not."""
    cpus: float
    """Processors it has."""
    memory_bytes: int
    """Memory it has."""
    disk_bytes: int
    """Local disk it offers."""
    allocated_cpus: float
    """Processors held."""
    allocated_memory_bytes: int
    """Memory held."""
    allocated_disk_bytes: int
    """Local disk held."""
    devices: list[DeviceView]
    """Its accelerators."""
    features: list[str]
    """What work may ask its nodes to have, by name."""
    links: dict[Interconnect, list[list[int]]]
    """Groups of its accelerators, by their indices, that are so near each other or nearer; empty where nobody tells."""
    switch: str
    """The switch that it is wired to; empty where that is not known."""
    cpu_power_watts: float | None
    """What one busy processor of it draws at most; null where that is not known."""
    simulated: bool
    """Whether it is made up, so that work placed there does nothing."""
    runs: list[str]
    """Runs that hold part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesView:
    """All nodes."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[NodeView]
    """By name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingView:
    """How one device is now. What its tool does not tell is null."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    index: int
    """Its number within the node."""
    health: Health
    """`ok`, `degraded` (still computes), `failed`, or `unknown`: nobody could tell."""
    reason: str
    """Why it is not `ok`."""
    temperature_celsius: float | None
    """How warm it is."""
    power_watts: float | None
    """What it draws."""
    busy: float | None
    """Of its time, the part in which it worked, in [0, 1]."""
    memory_used_bytes: int | None
    """Its memory in use, whoever uses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsView:
    """How the devices of one node are now, or were a few seconds ago."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    node: str
    """Its name."""
    taken_at: Timestamp
    """When they were looked at."""
    devices: list[ReadingView]
    """By number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineView:
    """One engine."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """Its name."""
    placement: Placement
    """Whether the center chooses nodes, or only the cluster."""
    limits: LimitEnforcement
    """How bounds on cpu, memory and processes are held."""
    isolation: Isolation
    """What separates runs."""
    devices: DeviceBinding
    """What keeps runs to the devices they hold; none bounds a share of one."""
    partitions: PartitionBinding
    """Whether runs are kept to the partition of a device that they hold, or it is only counted."""
    disk: DiskBinding
    """Whether runs are kept to the local disk they hold, or it is only counted."""
    abilities: list[str]
    """Optional abilities it has."""
    simulated: bool
    """Whether its nodes are made up and work that it runs does nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginesView:
    """All engines."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[EngineView]
    """By name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """One queue."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """Its name."""
    priority: int
    """Work in queues of higher priority goes first."""
    default_time_limit: int
    """Seconds given to jobs that name none."""
    max_time_limit: int
    """Most seconds that may be asked for; 0 sets no bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesView:
    """All queues."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[QueueView]
    """By name."""


class DrainBody(Body):
    """Why a node is to take no more work."""

    reason: ShortText = Field(examples=["new memory on Friday"])
    """Shown to everybody whom it keeps waiting."""


class QueueBody(Body):
    """A queue, whole."""

    priority: Priority = 0
    """Work in queues of higher priority goes first."""
    default_time_limit: Seconds = _DEFAULTS.default_time_limit_s
    """Given to jobs that name none."""
    max_time_limit: Seconds = 0
    """Most that may be asked for; 0 sets no bound."""


def node_view(standing: Standing) -> NodeView:
    """Show a node with what is held of it."""
    node, holds = standing.node, standing.holds
    held: dict[int, list[DeviceHold]] = {}
    for _, hold in holds:
        for one in hold.devices:
            held.setdefault(one.index, []).append(one)
    return NodeView(
        name=node.name,
        engine=node.engine,
        state=node.state,
        reason=node.reason,
        cpus=cpus(node.cpu_milli),
        memory_bytes=node.memory_bytes,
        disk_bytes=node.disk_bytes,
        allocated_cpus=cpus(sum(hold.cpu_milli for _, hold in holds)),
        allocated_memory_bytes=sum(hold.memory_bytes for _, hold in holds),
        allocated_disk_bytes=sum(hold.disk_bytes for _, hold in holds),
        devices=[_device_view(device, held.get(device.index, [])) for device in node.devices],
        features=sorted(node.features),
        links={word: [list(group) for group in groups] for word, groups in node.links.items()},
        switch=node.switch,
        cpu_power_watts=node.cpu_power_mw / MILLIWATTS or None,
        simulated=SIMULATED in node.features,
        runs=[run.id for run, _ in holds],
    )


def _device_view(device: Device, held: Sequence[DeviceHold]) -> DeviceView:
    taken = sum(one.slices for one in held)
    share = sum(one.share for one in held if not one.partition)
    fitting = still_fits(device.partitions, taken, is_shared=share > 0)
    return DeviceView(
        index=device.index,
        device_class=device.device_class,
        model=device.model,
        memory_bytes=device.memory_bytes,
        precisions=sorted(device.precisions),
        rates={precision: float(rate * BILLION) for precision, rate in sorted(device.rates.items())},
        healthy=device.healthy,
        reason=device.reason,
        free_share=0.0 if taken or device.is_parted else (WHOLE_DEVICE - share) / WHOLE_DEVICE,
        partitions=[
            PartitionView(
                name=one.name,
                memory_bytes=one.memory_bytes,
                share=one.thousandths / WHOLE_DEVICE,
                most=one.fitting(0),
                free=fitting[one.name],
            )
            for one in device.partitions
        ],
        power_watts=device.power_mw / MILLIWATTS or None,
        enforced=device.enforced,
        shell=device.shell,
        bitstream=device.bitstream,
        bitstreams=sorted(device.bitstreams),
        reconfigure_seconds=device.reconfigure_s or None,
    )


def readings_view(name: str, found: NodeReadings) -> ReadingsView:
    """Show how the devices of a node are."""
    return ReadingsView(
        node=name,
        taken_at=timestamp(found.taken_at),
        devices=[
            ReadingView(
                index=one.index,
                health=one.health,
                reason=one.reason,
                temperature_celsius=one.readings.temperature_c,
                power_watts=one.readings.power_w,
                busy=None if one.readings.utilization_percent is None else one.readings.utilization_percent / 100,
                memory_used_bytes=one.readings.memory_used_bytes,
            )
            for one in found.devices
        ],
    )


def engine_view(described: Described) -> EngineView:
    """Show an engine."""
    return EngineView(
        name=described.name,
        placement=described.description.placement,
        limits=described.description.limits,
        isolation=described.description.isolation,
        devices=described.description.devices,
        partitions=described.description.partitions,
        disk=described.description.disk,
        abilities=list(described.abilities),
        simulated=described.description.simulated,
    )


def queue_view(queue: Queue) -> QueueView:
    """Show a queue."""
    return QueueView(
        name=queue.name,
        priority=queue.priority,
        default_time_limit=queue.default_time_limit_s,
        max_time_limit=queue.max_time_limit_s,
    )
