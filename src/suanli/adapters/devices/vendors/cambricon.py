"""Cambricon MLU: the table of ``cnmon``, versions 4 and 5."""

from __future__ import annotations

import re

from suanli.adapters.devices.text import number, pci_address, rows
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings

_CARD = re.compile(r"([0-9]{1,6})\s+(?:/|[0-9]+)\s+(MLU\S*)(?:\s+\S+)?", re.ASCII)
_STATE = re.compile(r"(?:\S+%|N/A)?\s*(\S+)\s*C\s+(\S+)\s*W\s*/.*", re.ASCII)
_USE = re.compile(r"([0-9]{1,15})\s*MiB\s*/\s*([0-9]{1,15})\s*MiB", re.ASCII)
_PERCENT = re.compile(r"([0-9.]+)\s*%", re.ASCII)


def parse_table(text: str) -> tuple[DiscoveredDevice, ...]:
    """The cards of ``cnmon``, two lines each; a second line that cannot be read makes an UNKNOWN device."""
    lines = list(rows(text))
    found = []
    for at, cells in enumerate(lines):
        card = _CARD.fullmatch(cells[0])
        if card is not None and len(cells) == 3:
            found.append(_device(card, cells, lines[at + 1] if at + 1 < len(lines) else []))
    return tuple(found)


def _device(card: re.Match[str], upper: list[str], lower: list[str]) -> DiscoveredDevice:
    memory = _USE.match(lower[1]) if len(lower) == 3 else None
    state = _STATE.match(lower[0]) if memory else None
    busy = _PERCENT.match(upper[2])
    return DiscoveredDevice(
        index=int(card[1]),
        device_class=DeviceClass.NPU,
        vendor="cambricon",
        model=card[2],
        pci_address=pci_address(upper[1]),
        memory_bytes=int(memory[2]) << 20 if memory else None,
        health=Health.OK if memory else Health.UNKNOWN,
        reason="" if memory else "cnmon printed no readable second line for this card",
        readings=Readings(
            temperature_c=number(state[1]) if state else None,
            power_w=number(state[2]) if state else None,
            utilization_percent=number(busy[1]) if busy else None,
            memory_used_bytes=int(memory[1]) << 20 if memory else None,
        ),
    )
