"""The table that the tools of several makers print alike: two lines a card, and below them what runs on it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from suanli.adapters.devices.text import number, pci_address, rows
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings

_CARD = re.compile(r"([0-9]{1,6})\s+(\S.*?)\s+(?:N/A|On|Off|Enabled|Disabled)", re.ASCII)
_STATE = re.compile(r"\S+\s+(\S+)\s*C\s+\S+\s+(\S+?)W?\s*/.*", re.ASCII)
_USE = re.compile(r"([0-9]{1,15})\s*MiB\s*/\s*([0-9]{1,15})\s*MiB", re.ASCII | re.IGNORECASE)
_BUSY = re.compile(r"([0-9.]+)\s*%.*", re.ASCII)


def table(text: str, *, vendor: str, device_class: DeviceClass, tool: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of a table; a second line that cannot be read makes an UNKNOWN device."""
    lines = list(rows(text))
    found = []
    for at, cells in enumerate(lines):
        card = _CARD.fullmatch(cells[0])
        if card is None or len(cells) != 3 or not pci_address(cells[1]):
            continue
        lower = lines[at + 1] if at + 1 < len(lines) else []
        memory, readings = second_line(lower)
        found.append(
            DiscoveredDevice(
                index=int(card[1]),
                device_class=device_class,
                vendor=vendor,
                model=card[2],
                pci_address=pci_address(cells[1]),
                memory_bytes=memory,
                health=Health.UNKNOWN if memory is None else Health.OK,
                reason="" if memory is not None else f"{tool} printed no readable second line for this device",
                readings=readings,
            )
        )
    return tuple(found)


def second_line(cells: Sequence[str]) -> tuple[int | None, Readings]:
    """The bytes that a card has, None where the line cannot be read, and how it is now."""
    memory = _USE.match(cells[1]) if len(cells) >= 3 else None
    if memory is None:
        return None, Readings()
    state, busy = _STATE.match(cells[0]), _BUSY.match(cells[2])
    return int(memory[2]) << 20, Readings(
        temperature_c=number(state[1]) if state else None,
        power_w=number(state[2]) if state else None,
        utilization_percent=number(busy[1]) if busy else None,
        memory_used_bytes=int(memory[1]) << 20,
    )
