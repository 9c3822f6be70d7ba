"""Intel Gaudi: the comma-separated answer of ``hl-smi`` to the query that the catalogue asks, and its table."""

from __future__ import annotations

from suanli.adapters.devices.smi_table import table
from suanli.adapters.devices.text import number, pci_address, queried, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings

_FIELDS = (
    "index",
    "uuid",
    "name",
    "driver_version",
    "memory.total",
    "memory.used",
    "memory.free",
    "power.draw",
    "power.max",
    "temperature.aip",
    "utilization.aip",
    "bus_id",
)
"""The columns asked for, in their order; without the last the answer is read too."""


def parse_query(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``hl-smi -Q ... -f csv,noheader``, one line each; a line cut short makes an UNKNOWN device."""
    return tuple(map(_device, queried(text, _FIELDS)))


def parse_table(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``hl-smi``, two lines each, which names no serial numbers."""
    return table(text, vendor="gaudi", device_class=DeviceClass.NPU, tool="hl-smi")


def _device(fields: dict[str, str]) -> DiscoveredDevice:
    model, memory = told(fields.get("name")), size(fields.get("memory.total"), "MiB")
    is_whole = bool(model) and memory is not None
    return DiscoveredDevice(
        index=int(fields["index"]),
        device_class=DeviceClass.NPU,
        vendor="gaudi",
        model=model,
        uuid=told(fields["uuid"]),
        pci_address=pci_address(fields.get("bus_id", "")),
        memory_bytes=memory,
        health=Health.OK if is_whole else Health.UNKNOWN,
        reason="" if is_whole else "hl-smi printed no name or no memory",
        readings=Readings(
            temperature_c=number(fields.get("temperature.aip")),
            power_w=number(fields.get("power.draw")),
            utilization_percent=number(fields.get("utilization.aip")),
            memory_used_bytes=size(fields.get("memory.used"), "MiB"),
        ),
    )
