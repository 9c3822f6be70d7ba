"""A made-up center of many mixed nodes, all labelled as simulated: twenty models of GPUs, NPUs and FPGAs.

Five hundred of its nodes have 3,000 devices. Everything follows from a seed: which cards are broken, and how. Which
cards are near each other is made up, too; the templates by which some may be parted are the catalogue's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from suanli.model.devices import Interconnect
from suanli.model.discovery import DiscoveredDevice
from suanli.model.ids import EngineName, NodeName
from suanli.model.partitions import PartitionTemplate
from suanli.model.quantities import WHOLE_CPU
from suanli.model.resources import SIMULATED, Node
from suanli.testing.fake_devices import Card, FakeDevices, Fault, card

ENGINE = EngineName(SIMULATED)

_GIB = 1 << 30
_NODES_A_SWITCH = 25
_FAULTS = {Fault.DEGRADED: 8, Fault.FAILED: 6, Fault.GARBLED: 3, Fault.LOST: 3}
"""Of a thousand cards how many have each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of node: its cards are all of one model of the catalogue, empty for none.

    Of its cards ``linked`` neighbours each have links of their own to each other, ``near`` each one host bridge.
    """

    model: str
    cards: int
    cpus: int
    gib: int
    architecture: str = "x86_64"
    linked: int = 0
    near: int = 0


KINDS = (
    Kind(model="NVIDIA V100 SXM2 32GB", cards=8, cpus=80, gib=512, linked=4, near=4),
    Kind(model="NVIDIA A100 SXM4 80GB", cards=8, cpus=128, gib=1024, linked=8),
    Kind(model="NVIDIA H100 SXM5 80GB", cards=8, cpus=192, gib=2048, linked=8),
    Kind(model="NVIDIA H20 96GB", cards=8, cpus=192, gib=2048, linked=8),
    Kind(model="AMD Instinct MI250X", cards=8, cpus=128, gib=1024, linked=8),
    Kind(model="AMD Instinct MI300X", cards=8, cpus=192, gib=2048, linked=8),
    Kind(model="Hygon DCU K100_AI", cards=8, cpus=128, gib=512, near=4),
    Kind(model="Moore Threads MTT S4000", cards=8, cpus=96, gib=512, near=4),
    Kind(model="MetaX MXC500", cards=8, cpus=128, gib=1024, linked=4, near=4),
    Kind(model="Iluvatar BI-V100", cards=8, cpus=64, gib=256, near=4),
    Kind(model="Huawei Ascend 910B (generic)", cards=8, cpus=192, gib=1024, architecture="aarch64", linked=8),
    Kind(model="Intel Gaudi2", cards=8, cpus=160, gib=1024, linked=8),
    Kind(model="NVIDIA L40S", cards=4, cpus=64, gib=512, near=2),
    Kind(model="NVIDIA T4", cards=4, cpus=48, gib=192, near=2),
    Kind(model="NVIDIA A30", cards=4, cpus=64, gib=256, linked=2, near=4),
    Kind(model="Intel Data Center GPU Max 1550", cards=4, cpus=112, gib=512, linked=4),
    Kind(model="Cambricon MLU370-X8", cards=4, cpus=96, gib=512, near=2),
    Kind(model="AMD Xilinx Alveo U50", cards=3, cpus=32, gib=128),
    Kind(model="AMD Xilinx Alveo U280", cards=3, cpus=32, gib=128),
    Kind(model="AMD Xilinx Alveo U55C", cards=3, cpus=64, gib=256),
)
BARE = Kind(model="", cards=0, cpus=128, gib=512, architecture="aarch64")
_ROUND = (*KINDS * 6, *[BARE] * 5)
"""Kinds of the nodes in their order, over and over: of 125 nodes each kind has six, and five have no device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedNode:
    """A node that is made up, and its cards, whose loads and faults may be set."""

    name: NodeName
    kind: Kind
    switch: str
    devices: FakeDevices
    partitions: tuple[PartitionTemplate, ...]
    """By what its cards may be parted."""

    def record(self) -> Node:
        """The node as an engine describes it, by a look at its cards."""
        found = self.devices.survey().devices
        return Node(
            name=self.name,
            engine=ENGINE,
            cpu_milli=self.kind.cpus * WHOLE_CPU,
            memory_bytes=self.kind.gib * _GIB,
            devices=tuple(
                replace(device.record(index), partitions=self.partitions) for index, device in enumerate(found)
            ),
            links={
                word: tuple(tuple(range(first, min(first + size, len(found)))) for first in range(0, len(found), size))
                for word, size in ((Interconnect.LINK, self.kind.linked), (Interconnect.HOST, self.kind.near))
                if size
            },
            features=frozenset({self.kind.architecture, SIMULATED}),
            switch=self.switch,
        )


def simulated_nodes(
    count: int,
    catalogued: Callable[[DiscoveredDevice], DiscoveredDevice],
    templates_of: Callable[[str], tuple[PartitionTemplate, ...]],
    *,
    seed: int = 1,
) -> Sequence[SimulatedNode]:
    """So many nodes of all kinds; ``catalogued`` adds what the catalogue knows of a device's model.

    ``templates_of`` tells by what a model may be parted.
    """
    chance = Random(seed)  # noqa: S311 - the same center again is the point
    made = []
    for number in range(count):
        kind = _ROUND[number % len(_ROUND)]
        cards = [_card(kind.model, chance) for _ in range(kind.cards)]
        made.append(
            SimulatedNode(
                name=NodeName(f"{SIMULATED}-{number:04}"),
                kind=kind,
                switch=f"{SIMULATED}-leaf-{number // _NODES_A_SWITCH}",
                devices=FakeDevices(cards=cards, catalogued=catalogued, serial=f"{number:04}"),
                partitions=templates_of(kind.model) if kind.model else (),
            )
        )
    return made


def _card(model: str, chance: Random) -> Card:
    one = card(model)
    weights = [1000 - sum(_FAULTS.values()), *_FAULTS.values()]
    [one.fault] = chance.choices([Fault.NONE, *_FAULTS], weights)
    return one
