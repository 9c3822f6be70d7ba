"""Intel GPU: ``xpu-smi`` in JSON, tables and lists. Kunlunxin's program of the same name prints none of this."""

from __future__ import annotations

import csv
import re
from typing import Any

from suanli.adapters.devices.text import device_number, number, pci_address, records, rows, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Distance, Health, Readings

_TILE = re.compile(r"GPU ([0-9]{1,6})/[0-9]{1,6}", re.ASCII)
_KINDS = {
    "S": Distance.SELF,
    "MDF": Distance.SELF,
    "XL": Distance.LINK,
    "NODE": Distance.NODE,
    "SYS": Distance.SYSTEM,
}
"""Words of ``xpu-smi topology -m``; MDF is between two tiles of one card."""
_HEX = re.compile(r"(?:0x)?([0-9a-f]{1,4})", re.IGNORECASE | re.ASCII)


def parse_discovery(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``xpu-smi discovery -j``; nothing where the text is no JSON of this program."""
    listed = records(text, "device_list", "device_id")
    return tuple(_device(position, record) for position, record in enumerate(listed))


def parse_table(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``xpu-smi discovery`` without ``-j``, several lines each."""
    found: list[dict[str, str]] = []
    for cells in rows(text):
        if len(cells) != 2:
            continue
        if device_number(cells[0]) is not None:
            found.append({"device_id": cells[0]})
        name, colon, value = cells[1].partition(": ")
        if colon and found and cells[0] in {"", found[-1]["device_id"]}:
            found[-1][name.strip().lower().replace(" ", "_")] = value.strip()
    return tuple(_device(position, record) for position, record in enumerate(found))


def parse_list(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``xpu-smi discovery --dump ...``, whose header names the columns."""
    lines = [{name.lower().replace(" ", "_"): value for name, value in line.items()} for line in _lines(text)]
    return tuple(_device(at, record) for at, record in enumerate(lines) if "device_id" in record)


def parse_dump(text: str) -> dict[int, Readings]:
    """The last readings of each device that ``xpu-smi dump`` printed."""
    lines = [(number(fields.get("DeviceId")), fields) for fields in _lines(text)]
    return {int(index): _readings(fields) for index, fields in lines if index is not None and index >= 0}


def parse_stats(text: str) -> dict[int, Readings]:
    """Readings by device of ``xpu-smi stats``."""
    found: dict[int, Readings] = {}
    fields: dict[str, str] = {}
    for cells in [*rows(text), ["Device ID", ""]]:
        if len(cells) != 2:
            continue
        if cells[0] == "Device ID":
            index = number(fields.get("Device ID"))
            if index is not None and index >= 0:
                found[int(index)] = _readings(fields)
            fields = {}
        fields[cells[0]] = cells[1]
    return found


def parse_topology(text: str) -> dict[tuple[int, int], Distance]:
    """Distances by pair of cards of ``xpu-smi topology -m``, the nearest of their tiles."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    header = next((line for line in lines if len(line) > 1 and _TILE.fullmatch(line[0])), [])
    cards = [int(match[1]) for match in map(_TILE.fullmatch, header) if match is not None]
    found: dict[tuple[int, int], Distance] = {}
    for line in lines:
        tile = _TILE.fullmatch(line[0])
        if tile is None or line is header:
            continue
        for card, word in zip(cards, line[1:], strict=False):
            kind = _KINDS.get(word.rstrip("*0123456789"))
            pair = int(tile[1]), card
            if kind is not None:
                found[pair] = min(kind, found.get(pair, kind))
    return found


def _lines(text: str) -> list[dict[str, str]]:
    """The lines of a list with commas by the names in its first line."""
    try:
        table = [[cell.strip() for cell in line] for line in csv.reader(text.splitlines(), skipinitialspace=True)]
    except csv.Error:
        return []
    return [dict(zip(table[0], line, strict=False)) for line in table[1:]]


def _readings(fields: dict[str, str]) -> Readings:
    return Readings(
        temperature_c=number(fields.get("GPU Core Temperature (C)")),
        power_w=number(fields.get("GPU Power (W)")),
        utilization_percent=number(fields.get("GPU Utilization (%)")),
        memory_used_bytes=size(fields.get("GPU Memory Used (MiB)"), "MiB"),
    )


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
