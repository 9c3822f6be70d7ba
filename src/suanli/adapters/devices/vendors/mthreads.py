"""Moore Threads: ``mthreads-gmi -q --json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suanli.adapters.devices.text import number, pci_address, records, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings


def parse_query(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``mthreads-gmi -q --json``. Names of fields may carry blanks at their end."""
    return tuple(_device(at, record) for at, record in enumerate(records(text, "GPU", "Index")))


def _field(record: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(record, Mapping):
            return None
        record = next((value for key, value in record.items() if key.strip() == name), None)
    return record


def _device(position: int, record: Any) -> DiscoveredDevice:
    index, model = number(_field(record, "Index")), told(_field(record, "Product Name"))
    return DiscoveredDevice(
        index=position if index is None else int(index),
        device_class=DeviceClass.GPU,
        vendor="mthreads",
        model=model,
        uuid=told(_field(record, "GPU UUID")),
        pci_address=pci_address(_field(record, "PCI", "PCI/Bus ID")),
        memory_bytes=size(_field(record, "FB Memory Usage", "Total"), "MiB"),
        health=Health.OK if model else Health.UNKNOWN,
        reason="" if model else "mthreads-gmi printed no product name",
        readings=Readings(
            temperature_c=number(_field(record, "Temperature", "GPU Current Temp")),
            power_w=number(_field(record, "Power Readings", "Power Draw")),
            utilization_percent=number(_field(record, "Utilization", "Gpu")),
            memory_used_bytes=size(_field(record, "FB Memory Usage", "Used"), "MiB"),
        ),
    )
