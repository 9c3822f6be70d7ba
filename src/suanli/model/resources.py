"""What a center has (nodes, devices) and what a run holds of it (allocation)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from suanli.model.devices import DeviceClass, Interconnect, Precision
from suanli.model.ids import EngineName, NodeName, QueueName
from suanli.model.partitions import PartitionTemplate
from suanli.model.quantities import WHOLE_DEVICE

SIMULATED = "simulated"
"""The feature of nodes that are made up: work placed there does nothing."""


class NodeState(StrEnum):
    """READY takes work; DRAINING finishes what it has and takes none; DOWN has lost contact."""

    READY = "ready"
    DRAINING = "draining"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One accelerator of a node; ``index`` counts from 0 within the node, in the engine's own order."""

    index: int
    device_class: DeviceClass
    model: str
    memory_bytes: int = 0
    precisions: frozenset[Precision] = frozenset()
    healthy: bool = True
    reason: str = ""
    """What is wrong with it, if anything is."""
    rates: dict[Precision, int] = field(default_factory=dict)
    """10^9 operations a second of each precision that it does natively, at most; what is not in it is not known."""
    power_mw: int = 0
    """Milliwatts that it draws at most, as its maker says of the model (board power); 0: not known."""
    enforced: bool = False
    """Whether runs that do not hold it are kept from it; else nothing but variables tells them which are theirs."""
    partitions: tuple[PartitionTemplate, ...] = ()
    """By what templates its engine can part it."""
    is_parted: bool = False
    """Whether its parts are made already: then it is given to nobody whole, or as a share."""
    shell: str = ""
    """What an FPGA carries for good, by its tool's name; empty where nobody tells."""
    bitstream: str = ""
    """By what an FPGA is configured now: the name that the center has for it, else its tool's; empty: not known."""
    bitstreams: frozenset[str] = frozenset()
    """By what its engine can configure it, by name."""
    reconfigure_s: int = 0
    """Seconds that it takes to configure it, as the center says; 0: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One machine as its engine describes it. ``generation`` grows with every change of this record."""

    name: NodeName
    engine: EngineName
    cpu_milli: int
    memory_bytes: int
    disk_bytes: int = 0
    """Local disk that work may ask for; 0: none is offered."""
    devices: tuple[Device, ...] = ()
    state: NodeState = NodeState.READY
    reason: str = ""
    features: frozenset[str] = frozenset()
    """Names of what it has that work may ask for: its architecture, its network."""
    switch: str = ""
    """The switch that it is wired to; empty where its engine does not say."""
    cpu_power_mw: int = 0
    """Milliwatts that one busy cpu of it draws at most; 0: not known."""
    links: dict[Interconnect, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    """Groups of its devices, by their indices, that are so near each other or nearer; what stands in none is nobody's
    neighbour, or nobody told."""
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A door to the center's nodes; lines in a queue of higher ``priority`` go first.

    ``default_time_limit_s`` is given to work that names none, ``max_time_limit_s`` 0 sets no bound.
    """

    name: QueueName
    priority: int = 0
    default_time_limit_s: int = 24 * 3600
    max_time_limit_s: int = 0
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceHold:
    """A held device: its index on the node and the thousandths held of it; of a part also its template and slices."""

    index: int
    share: int = WHOLE_DEVICE
    partition: str = ""
    slices: int = 0
    """A bit for each slice of the device that the part takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeHold:
    """What a run holds on one node, all its tasks there together."""

    node: NodeName
    tasks: int
    cpu_milli: int
    memory_bytes: int
    disk_bytes: int = 0
    devices: tuple[DeviceHold, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What a run holds, node by node; ``exclusive`` keeps everybody else off these nodes."""

    engine: EngineName
    nodes: tuple[NodeHold, ...] = field(default=())
    exclusive: bool = False

    @property
    def tasks(self) -> int:
        """Tasks on all nodes together."""
        return sum(hold.tasks for hold in self.nodes)

    @property
    def cpu_milli(self) -> int:
        """Milli-cpus on all nodes together."""
        return sum(hold.cpu_milli for hold in self.nodes)

    @property
    def memory_bytes(self) -> int:
        """Memory on all nodes together."""
        return sum(hold.memory_bytes for hold in self.nodes)

    @property
    def disk_bytes(self) -> int:
        """Local disk on all nodes together."""
        return sum(hold.disk_bytes for hold in self.nodes)

    @property
    def device_share(self) -> int:
        """Thousandths of devices on all nodes together."""
        return sum(device.share for hold in self.nodes for device in hold.devices)
