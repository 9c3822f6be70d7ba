"""MetaX: the table of ``mx-smi``, ``mx-smi --show-temperature`` and ``mx-smi topo -m``."""

from __future__ import annotations

import re

from suanli.adapters.devices.text import distances, number, outline, pci_address, rows, sections
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Distance, Health, Readings

_CARD = re.compile(r"([0-9]{1,6})\s+(\S*MX\S*|MetaX\s+\S+)(?:\s.*)?", re.ASCII)
_SECTION = re.compile(r"GPU#([0-9]{1,6})\s+(\S+)\s+(\S+)\s*", re.ASCII)
_STATE = re.compile(r"(\S+)\s*C\s+(\S+?)\s*W?\s*/.*", re.ASCII)
_USE = re.compile(r"([0-9]{1,15})\s*/\s*([0-9]{1,15})\s*MiB", re.ASCII)
_KINDS = {
    "MX": Distance.LINK,
    "PIX": Distance.SWITCH,
    "PXB": Distance.BRIDGE,
    "PHB": Distance.HOST,
    "NODE": Distance.NODE,
    "SYS": Distance.SYSTEM,
}


def parse_table(text: str) -> tuple[DiscoveredDevice, ...]:
    """The cards of ``mx-smi``, two lines each; a second line that cannot be read makes an UNKNOWN device."""
    lines = list(rows(text))
    found = []
    for at, cells in enumerate(lines):
        card = _CARD.fullmatch(cells[0])
        if card is not None and len(cells) >= 3:
            found.append(_device(card, cells, lines[at + 1] if at + 1 < len(lines) else []))
    return tuple(found)


def parse_temperatures(text: str) -> tuple[DiscoveredDevice, ...]:
    """The cards of ``mx-smi --show-temperature``, with the hottest of their chip's sensors."""
    return tuple(
        DiscoveredDevice(
            index=int(match[1]),
            device_class=DeviceClass.GPU,
            vendor="metax",
            model=match[2],
            pci_address=pci_address(match[3]),
            readings=Readings(temperature_c=_hottest(outline(lines))),
        )
        for match, lines in sections(text, _SECTION)
    )


def parse_topology(text: str) -> dict[tuple[int, int], Distance]:
    """Distances between the cards of ``mx-smi topo -m`` by pair of indices."""
    return distances(text, _KINDS)


def _device(card: re.Match[str], upper: list[str], lower: list[str]) -> DiscoveredDevice:
    memory = _USE.match(lower[1]) if len(lower) >= 3 else None
    state = _STATE.match(lower[0]) if memory else None
    said = lower[2] if memory else ""
    available = said in {"Available", ""}
    reason = "" if available else f"mx-smi says {said}"
    return DiscoveredDevice(
        index=int(card[1]),
        device_class=DeviceClass.GPU,
        vendor="metax",
        model=card[2],
        pci_address=pci_address(upper[1]),
        memory_bytes=int(memory[2]) << 20 if memory else None,
        health=Health.UNKNOWN if memory is None else Health.OK if available else Health.FAILED,
        reason=reason if memory else "mx-smi printed no readable second line for this card",
        readings=Readings(
            temperature_c=number(state[1]) if state else None,
            power_w=number(state[2]) if state else None,
            utilization_percent=number(upper[2].removesuffix("%")),
            memory_used_bytes=int(memory[1]) << 20 if memory else None,
        ),
    )


def _hottest(fields: dict[str, str]) -> float | None:
    told = [number(value) for name, value in fields.items() if name.startswith("Chip Temperature/")]
    return max((degrees for degrees in told if degrees is not None), default=None)
