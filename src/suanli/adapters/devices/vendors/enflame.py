"""Enflame: ``efsmi -q``, the table of ``efsmi``, and ``efsmi dmon``."""

from __future__ import annotations

import re

from suanli.adapters.devices.text import device_number, number, outline, pci_address, rows, sections, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings

_SECTION = re.compile(r"DEV ID ([0-9]{1,6})\s*", re.ASCII)
_CARD = re.compile(r"([0-9]{1,6})\s+(\S.*)", re.ASCII)
_STATE = re.compile(r"(\S+)\s*C\s+\S+\s+(\S+?)W?\s+\S+", re.ASCII)
_MEMORY = re.compile(r"([0-9]{1,15})\s*MiB(?:\s.*)?", re.ASCII)
_BUSY = re.compile(r"([0-9.]+)\s*%.*", re.ASCII)
_ID = re.compile(r"[0-9a-f]{4}", re.IGNORECASE | re.ASCII)


def parse_query(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``efsmi -q``. Drivers before 1.2 print fewer fields, and say ``Mem Size`` for ``Total Size``."""
    return tuple(_device(int(match[1]), outline(lines)) for match, lines in sections(text, _SECTION))


def parse_table(text: str) -> tuple[DiscoveredDevice, ...]:
    """The cards of ``efsmi``, two lines each; a second line that cannot be read makes an UNKNOWN device."""
    lines = list(rows(text))
    found = []
    for at, cells in enumerate(lines):
        card = _CARD.fullmatch(cells[0])
        if card is not None and len(cells) == 3 and pci_address(cells[2]):
            found.append(_listed(card, cells, lines[at + 1] if at + 1 < len(lines) else []))
    return tuple(found)


def parse_columns(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``efsmi dmon``, which prints their readings and not what they are."""
    header: list[str] = []
    found = []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["*Dev"]:
            header = words[1:]
        elif header and len(words) == len(header) + 1 and device_number(words[0]) is not None:
            found.append(_measured(int(words[0]), dict(zip(header, words[1:], strict=True))))
    return tuple(found)


def _device(index: int, fields: dict[str, str]) -> DiscoveredDevice:
    model, healthy = told(fields.get("Device Info/Dev Name")), fields.get("Device Info/Health", "True") == "True"
    place = ":".join(fields.get(f"PCIe Info/{name}", "") for name in ("Domain", "Bus", "Dev"))
    vendor, device = (fields.get(f"PCIe Info/{name} ID", "") for name in ("Vendor", "Device"))
    used = fields.get("Device Mem Info/Used Size") or fields.get("Device Mem Info/Mem Usage")
    health = Health.OK if healthy else Health.FAILED
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.NPU,
        vendor="enflame",
        model=model,
        uuid=told(fields.get("Device Info/Dev UUID")),
        pci_address=pci_address(f"{place}.{fields.get('PCIe Info/Func', '')}"),
        pci_id=f"{vendor}:{device}".lower() if _ID.fullmatch(vendor) and _ID.fullmatch(device) else "",
        memory_bytes=size(fields.get("Device Mem Info/Total Size") or fields.get("Device Mem Info/Mem Size")),
        health=health if model else Health.UNKNOWN,
        reason="" if model and healthy else "efsmi says it is not healthy" if model else "efsmi printed no name",
        readings=Readings(
            temperature_c=number(fields.get("Temperature Info/GCU Temp")),
            power_w=number(fields.get("Power Info/Cur Power")),
            utilization_percent=number(fields.get("Device Usage Info/GCU Usage")),
            memory_used_bytes=size(used),
        ),
    )


def _listed(card: re.Match[str], upper: list[str], lower: list[str]) -> DiscoveredDevice:
    memory = _MEMORY.fullmatch(lower[1]) if len(lower) == 3 else None
    state = _STATE.fullmatch(lower[0]) if memory else None
    busy = _BUSY.fullmatch(lower[2]) if memory else None
    return DiscoveredDevice(
        index=int(card[1]),
        device_class=DeviceClass.NPU,
        vendor="enflame",
        model=card[2].strip(),
        pci_address=pci_address(upper[2]),
        memory_bytes=int(memory[1]) << 20 if memory else None,
        health=Health.OK if memory else Health.UNKNOWN,
        reason="" if memory else "efsmi printed no readable second line for this card",
        readings=Readings(
            temperature_c=number(state[1]) if state else None,
            power_w=number(state[2]) if state else None,
            utilization_percent=number(busy[1]) if busy else None,
        ),
    )


def _measured(index: int, fields: dict[str, str]) -> DiscoveredDevice:
    memory, share = size(fields.get("Mem"), "MiB"), number(fields.get("MUsed"))
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.NPU,
        vendor="enflame",
        memory_bytes=memory,
        health=Health.UNKNOWN,
        reason="efsmi dmon prints no names",
        readings=Readings(
            temperature_c=number(fields.get("DTemp")),
            power_w=number(fields.get("Pwr")),
            utilization_percent=number(fields.get("DUsed")),
            memory_used_bytes=None if memory is None or share is None else int(memory * share / 100),
        ),
    )
