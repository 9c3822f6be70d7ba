"""NVIDIA: NVML by its library, ``nvidia-smi -q -x`` of every schema since v10, ``--query-gpu`` and ``topo -m``."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

from suanli.adapters.devices.text import distances, number, pci_address, records, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Distance, Health, Partition, Readings

QUERY = (
    "index",
    "name",
    "uuid",
    "pci.bus_id",
    "memory.total",
    "memory.used",
    "temperature.gpu",
    "power.draw",
    "utilization.gpu",
)
"""The fields that the fallback asks for, by the names of ``nvidia-smi --help-query-gpu``."""

_GPU = re.compile(r'<gpu\s+id="([^"]*)"\s*>')
_PCI_ID = re.compile("(?:0x)?([0-9a-f]{4})([0-9a-f]{4})", re.IGNORECASE | re.ASCII)
_LOST = ("unknown error", "gpu is lost", "err!", "requires reset")
_PENDING = "{}: memory is repaired at the next reset"
_POWER = (
    "gpu_power_readings/instant_power_draw",
    "gpu_power_readings/power_draw",
    "gpu_power_readings/average_power_draw",
    "power_readings/power_draw",
)
_DISTANCES = {
    "NV": Distance.LINK,
    "PIX": Distance.SWITCH,
    "PXB": Distance.BRIDGE,
    "PHB": Distance.HOST,
    "NODE": Distance.NODE,
    "SYS": Distance.SYSTEM,
}


def parse_xml(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``nvidia-smi -q -x``. Each card is read by itself, so that a broken one spoils no other."""
    starts = list(_GPU.finditer(text))
    found = []
    for index, start in enumerate(starts):
        end = text.find("</gpu>", start.end(), starts[index + 1].start() if index + 1 < len(starts) else len(text))
        body = text[start.start() : end + len("</gpu>")] if end >= 0 else ""
        found.append(_from_xml(index, start[1], body))
    return tuple(found)


def parse_query(text: str, fields: Sequence[str] = QUERY) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``nvidia-smi --query-gpu=... --format=csv,noheader``, with units or without."""
    return tuple(
        _from_line(position, line, fields)
        for position, line in enumerate(line for line in text.splitlines() if line.strip())
    )


def parse_nvml(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices that ``ask_nvml`` prints as JSON."""
    return tuple(_from_nvml(position, one) for position, one in enumerate(records(text, "gpus", "index")))


def parse_topology(text: str) -> dict[tuple[int, int], Distance]:
    """Distances between the devices of ``nvidia-smi topo -m`` by pair of indices; network cards are left out."""
    return distances(text, _DISTANCES)


def _from_line(position: int, line: str, fields: Sequence[str]) -> DiscoveredDevice:
    try:
        cells = next(csv.reader([line], skipinitialspace=True))
    except csv.Error as error:
        return _unknown(position, "", f"nvidia-smi printed no row: {error}")
    if len(cells) != len(fields):
        reason = f"{len(cells)} fields where {len(fields)} were asked for: {line[:100]}"
        return _unknown(position, "", reason)
    return _from_query(position, dict(zip(fields, map(str.strip, cells), strict=True)))


def _unknown(index: int, address: str, reason: str) -> DiscoveredDevice:
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.GPU,
        vendor="nvidia",
        pci_address=pci_address(address),
        health=Health.UNKNOWN,
        reason=reason,
    )


def _from_xml(index: int, address: str, body: str) -> DiscoveredDevice:
    try:
        gpu = ET.fromstring(body)  # noqa: S314  printed by the driver of this machine
    except (ET.ParseError, ValueError) as error:
        return _unknown(index, address, f"nvidia-smi printed no whole record: {error}")
    model = told(gpu.findtext("product_name"))
    if not model:
        return _unknown(index, address, "nvidia-smi printed no product name")
    health, reason = _health(gpu)
    pci = _PCI_ID.fullmatch(told(gpu.findtext("pci/pci_device_id")))
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.GPU,
        vendor="nvidia",
        model=model,
        uuid=told(gpu.findtext("uuid")),
        pci_address=pci_address(address),
        pci_id=f"{pci[2]}:{pci[1]}".lower() if pci else "",
        memory_bytes=size(gpu.findtext("fb_memory_usage/total")),
        partitions=tuple(map(_partition, gpu.findall("mig_devices/mig_device"))),
        health=health,
        reason=reason,
        readings=Readings(
            temperature_c=number(gpu.findtext("temperature/gpu_temp")),
            power_w=next((watts for path in _POWER if (watts := number(gpu.findtext(path))) is not None), None),
            utilization_percent=number(gpu.findtext("utilization/gpu_util")),
            memory_used_bytes=size(gpu.findtext("fb_memory_usage/used")),
        ),
    )


def _from_nvml(position: int, told_of: Any) -> DiscoveredDevice:
    if not isinstance(told_of, dict):
        return _unknown(position, "", "NVML's answer was cut")
    at = _whole(told_of.get("index"))
    index, address, error = position if at is None else at, told(told_of.get("bus_id")), told(told_of.get("error"))
    model = told(told_of.get("name"))
    if error or not model:
        unknown = _unknown(index, address, f"NVML: {error or 'no product name'}")
        lost = any(word in error.lower() for word in _LOST)
        return replace(unknown, health=Health.FAILED) if lost else unknown
    pci, milliwatts = _whole(told_of.get("pci_device_id")), _whole(told_of.get("milliwatts"))
    health, reason = _rows_health(told_of.get("remapped_rows"))
    partitions = told_of.get("mig")
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.GPU,
        vendor="nvidia",
        model=model,
        uuid=told(told_of.get("uuid")),
        pci_address=pci_address(address),
        pci_id="" if pci is None else f"{pci & 0xFFFF:04x}:{pci >> 16 & 0xFFFF:04x}",
        memory_bytes=_whole(told_of.get("memory_total")),
        partitions=tuple(
            Partition(
                uuid=told(part.get("uuid")),
                profile=told(part.get("name")).rpartition("MIG ")[2],
                memory_bytes=_whole(part.get("memory_total")),
            )
            for part in (partitions if isinstance(partitions, list) else ())
            if isinstance(part, dict)
        ),
        health=health,
        reason=reason,
        readings=Readings(
            temperature_c=_whole(told_of.get("celsius")),
            power_w=None if milliwatts is None else milliwatts / 1000,
            utilization_percent=_whole(told_of.get("busy_percent")),
            memory_used_bytes=_whole(told_of.get("memory_used")),
        ),
    )


def _whole(value: Any) -> int | None:
    """A count that NVML told; it has no negative ones and none of more than 64 bits."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64 else None


def _rows_health(rows: Any) -> tuple[Health, str]:
    """By the counts of ``nvmlDeviceGetRemappedRows``: corrected, uncorrected, one that waits for a reset, a failure."""
    pending, failed = map(_whole, rows[2:4]) if isinstance(rows, list) and len(rows) == 4 else (0, 0)
    if failed:
        return Health.FAILED, "a row of memory could not be remapped"
    return (Health.DEGRADED, _PENDING.format("remapped_row_pending")) if pending else (Health.OK, "")


def _health(gpu: ET.Element) -> tuple[Health, str]:
    for element in gpu.iter():
        if element.text is not None and any(word in element.text.lower() for word in _LOST):
            return Health.FAILED, f"{element.tag}: {element.text.strip()}"
    if told(gpu.findtext("remapped_rows/remapped_row_failure")).lower() == "yes":
        return Health.FAILED, "a row of memory could not be remapped"
    for path in ("remapped_rows/remapped_row_pending", "retired_pages/pending_retirement"):
        if told(gpu.findtext(path)).lower() == "yes":
            return Health.DEGRADED, _PENDING.format(path.partition("/")[2])
    return Health.OK, ""


def _partition(mig: ET.Element) -> Partition:
    return Partition(
        uuid=told(mig.findtext("uuid")),
        profile=told(mig.findtext("profile") or mig.findtext("device_attributes/shared/profile")).removeprefix("MIG "),
        memory_bytes=size(mig.findtext("fb_memory_usage/total")),
    )


def _from_query(position: int, row: dict[str, str]) -> DiscoveredDevice:
    index = number(row.get("index"))
    place = position if index is None else int(index)
    lost = next((cell for cell in row.values() if any(word in cell.lower() for word in _LOST)), "")
    if not told(row.get("name")):
        return _unknown(place, row.get("pci.bus_id", ""), lost or "nvidia-smi printed no product name")
    return DiscoveredDevice(
        index=place,
        device_class=DeviceClass.GPU,
        vendor="nvidia",
        model=told(row["name"]),
        uuid=told(row.get("uuid")),
        pci_address=pci_address(row.get("pci.bus_id", "")),
        memory_bytes=size(row.get("memory.total"), "MiB"),
        health=Health.FAILED if lost else Health.OK,
        reason=lost,
        readings=Readings(
            temperature_c=number(row.get("temperature.gpu")),
            power_w=number(row.get("power.draw")),
            utilization_percent=number(row.get("utilization.gpu")),
            memory_used_bytes=size(row.get("memory.used"), "MiB"),
        ),
    )
