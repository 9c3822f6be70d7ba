"""Intel GPU: ``xpu-smi discovery -j``. Kunlunxin's program of the same name prints none of this."""

from __future__ import annotations

import json
import re
from typing import Any

from suanli.adapters.devices.text import number, pci_address, size, told
from suanli.model.discovery import DiscoveredDevice, Health
from suanli.model.spec import DeviceClass

_HEX = re.compile(r"(?:0x)?([0-9a-f]{1,4})", re.IGNORECASE | re.ASCII)


def parse_discovery(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``xpu-smi discovery -j``; nothing where the text is no JSON of this program."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    records = whole.get("device_list") if isinstance(whole, dict) else None
    if not isinstance(records, list):
        return ()
    return tuple(_device(position, record) for position, record in enumerate(records))


def _device(position: int, record: Any) -> DiscoveredDevice:
    fields = record if isinstance(record, dict) else {}
    index, model = number(fields.get("device_id")), told(fields.get("device_name"))
    state = told(fields.get("device_state"))
    healthy = state.lower() in {"", "normal"}
    reason = "xpu-smi printed no device name" if not model else "" if healthy else f"xpu-smi says {state}"
    pci = _HEX.fullmatch(told(fields.get("pci_device_id")))
    return DiscoveredDevice(
        index=position if index is None else int(index),
        device_class=DeviceClass.GPU,
        vendor="intel",
        model=model,
        uuid=told(fields.get("uuid")),
        pci_address=pci_address(fields.get("pci_bdf_address", "")),
        pci_id=f"8086:{pci[1].lower():0>4}" if pci else "",
        memory_bytes=size(fields.get("memory_physical_size_byte")),
        health=Health.UNKNOWN if not model else Health.OK if healthy else Health.DEGRADED,
        reason=reason,
    )
