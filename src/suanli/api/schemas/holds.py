"""What is held of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from suanli.api.schemas.fields import cpus
from suanli.api.schemas.problem import DESCRIBED
from suanli.model.partitions import held_slices
from suanli.model.quantities import WHOLE_DEVICE
from suanli.model.resources import DeviceHold, NodeHold


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceShareView:
    """A device and a part of it."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    index: int
    """Its index within the node."""
    share: float
    """How much of it, in (0, 1]."""
    partition: str
    """By what template it is parted; empty where it is not."""
    slices: list[int]
    """Which slices of the device the partition takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """What a run holds on one node, all its tasks there together."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    node: str
    """The node."""
    tasks: int
    """Tasks on it."""
    cpus: float
    """Processors held."""
    memory_bytes: int
    """Memory held."""
    disk_bytes: int
    """Local disk held."""
    devices: list[DeviceShareView]
    """Devices held."""


def _device_view(held: DeviceHold) -> DeviceShareView:
    return DeviceShareView(
        index=held.index,
        share=held.share / WHOLE_DEVICE,
        partition=held.partition,
        slices=held_slices(held.slices),
    )


def hold_view(hold: NodeHold) -> HoldView:
    """Show what is held on one node."""
    return HoldView(
        node=hold.node,
        tasks=hold.tasks,
        cpus=cpus(hold.cpu_milli),
        memory_bytes=hold.memory_bytes,
        disk_bytes=hold.disk_bytes,
        devices=[_device_view(device) for device in hold.devices],
    )
