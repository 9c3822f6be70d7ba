"""T-Head (Alibaba) PPU: ``ppu-smi --query-ppu``, and the table of ``ppu-smi``."""

from __future__ import annotations

import csv
import re

from suanli.adapters.devices.text import number, pci_address, rows, size, told
from suanli.model.discovery import DiscoveredDevice, Health, Readings
from suanli.model.spec import DeviceClass

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
_CARD = re.compile(r"([0-9]{1,6})\s+(\S.*?)\s+(?:N/A|On|Off|Enabled|Disabled)", re.ASCII)
_STATE = re.compile(r"\S+\s+(\S+)\s*C\s+\S+\s+(\S+?)W?\s*/.*", re.ASCII)
_USE = re.compile(r"([0-9]{1,15})\s*MiB\s*/\s*([0-9]{1,15})\s*MiB", re.ASCII)
_BUSY = re.compile(r"([0-9.]+)\s*%.*", re.ASCII)


def parse_query(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``ppu-smi --query-ppu=... --format=csv,noheader``; a line cut short makes an UNKNOWN device."""
    found = []
    for line in text.splitlines():
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True), [])]
        except csv.Error:
            continue
        if len(cells) > 1 and cells[0].isascii() and cells[0].isdigit() and len(cells[0]) < 7:
            found.append(_device(dict(zip(_FIELDS, cells, strict=False))))
    return tuple(found)


def parse_table(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``ppu-smi``, whose second line that cannot be read makes an UNKNOWN device."""
    lines = list(rows(text))
    found = []
    for at, cells in enumerate(lines):
        card = _CARD.fullmatch(cells[0])
        if card is not None and len(cells) == 3 and pci_address(cells[1]):
            found.append(_listed(card, cells[1], lines[at + 1] if at + 1 < len(lines) else []))
    return tuple(found)


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


def _listed(card: re.Match[str], address: str, lower: list[str]) -> DiscoveredDevice:
    memory = _USE.fullmatch(lower[1]) if len(lower) == 3 else None
    state = _STATE.fullmatch(lower[0]) if memory else None
    busy = _BUSY.fullmatch(lower[2]) if memory else None
    return DiscoveredDevice(
        index=int(card[1]),
        device_class=DeviceClass.NPU,
        vendor="thead",
        model=card[2],
        pci_address=pci_address(address),
        memory_bytes=int(memory[2]) << 20 if memory else None,
        health=Health.OK if memory else Health.UNKNOWN,
        reason="" if memory else "ppu-smi printed no readable second line for this device",
        readings=Readings(
            temperature_c=number(state[1]) if state else None,
            power_w=number(state[2]) if state else None,
            utilization_percent=number(busy[1]) if busy else None,
            memory_used_bytes=int(memory[1]) << 20 if memory else None,
        ),
    )
