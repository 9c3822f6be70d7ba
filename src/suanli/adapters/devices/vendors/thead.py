"""T-Head (Alibaba) PPU: ``ppu-smi --query-ppu``, and the table of ``ppu-smi``."""

from __future__ import annotations

from suanli.adapters.devices.smi_table import table
from suanli.adapters.devices.text import number, pci_address, queried, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings

_FIELDS = (
    "index",
    "name",
    "uuid",
    "pci.bus_id",
    "memory.total",
    "memory.used",
    "temperature.ppu",
    "power.draw",
    "utilization.ppu",
)
"""The columns asked for, in their order; a tool that knows the first six only is read too."""


def parse_query(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``ppu-smi --query-ppu=... --format=csv,noheader``; a line cut short makes an UNKNOWN device."""
    return tuple(map(_device, queried(text, _FIELDS)))


def parse_table(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``ppu-smi``, whose second line that cannot be read makes an UNKNOWN device."""
    return table(text, vendor="thead", device_class=DeviceClass.NPU, tool="ppu-smi")


def _device(fields: dict[str, str]) -> DiscoveredDevice:
    model, memory = told(fields["name"]), size(fields.get("memory.total"), "MiB")
    is_whole = bool(model) and memory is not None
    return DiscoveredDevice(
        index=int(fields["index"]),
        device_class=DeviceClass.NPU,
        vendor="thead",
        model=model,
        uuid=told(fields.get("uuid")),
        pci_address=pci_address(fields.get("pci.bus_id", "")),
        memory_bytes=memory,
        health=Health.OK if is_whole else Health.UNKNOWN,
        reason="" if is_whole else "ppu-smi printed no name or no memory",
        readings=Readings(
            temperature_c=number(fields.get("temperature.ppu")),
            power_w=number(fields.get("power.draw")),
            utilization_percent=number(fields.get("utilization.ppu")),
            memory_used_bytes=size(fields.get("memory.used"), "MiB"),
        ),
    )
