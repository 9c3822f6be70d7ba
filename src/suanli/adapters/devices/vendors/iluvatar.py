"""Iluvatar CoreX: the table of ``ixsmi``, and its answer to the query that the catalogue asks."""

from __future__ import annotations

import re

from suanli.adapters.devices.smi_table import second_line
from suanli.adapters.devices.text import number, pci_address, rows, size
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings

_CARD = re.compile(r"([0-9]{1,6})\s+(Iluvatar\s+\S.*)", re.ASCII)


def parse_table(text: str) -> tuple[DiscoveredDevice, ...]:
    """The cards of ``ixsmi``, two lines each; a second line that cannot be read makes an UNKNOWN device."""
    lines = list(rows(text))
    found = []
    for at, cells in enumerate(lines):
        card = _CARD.fullmatch(cells[0])
        if card is not None and len(cells) >= 3:
            found.append(_device(card, cells, lines[at + 1] if at + 1 < len(lines) else []))
    return tuple(found)


def parse_query(text: str) -> tuple[DiscoveredDevice, ...]:
    """The cards of ``ixsmi --query-gpu=...``, one line each; one whose memory cannot be read is UNKNOWN."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        card = _CARD.fullmatch(" ".join(cells[:2]))
        if card is not None:
            found.append(_queried(card, [*cells[2:], "", "", "", ""]))
    return tuple(found)


def _queried(card: re.Match[str], cells: list[str]) -> DiscoveredDevice:
    memory = size(cells[0])
    return DiscoveredDevice(
        index=int(card[1]),
        device_class=DeviceClass.GPU,
        vendor="iluvatar",
        model=card[2].strip(),
        memory_bytes=memory,
        health=Health.UNKNOWN if memory is None else Health.OK,
        reason="ixsmi printed no readable memory for this card" if memory is None else "",
        readings=Readings(
            temperature_c=number(cells[3]), utilization_percent=number(cells[2]), memory_used_bytes=size(cells[1])
        ),
    )


def _device(card: re.Match[str], upper: list[str], lower: list[str]) -> DiscoveredDevice:
    memory, readings = second_line(lower)
    return DiscoveredDevice(
        index=int(card[1]),
        device_class=DeviceClass.GPU,
        vendor="iluvatar",
        model=card[2].strip(),
        pci_address=pci_address(upper[1]),
        memory_bytes=memory,
        health=Health.UNKNOWN if memory is None else Health.OK,
        reason="ixsmi printed no readable second line for this card" if memory is None else "",
        readings=readings,
    )
