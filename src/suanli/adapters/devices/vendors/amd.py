"""AMD: ``amd-smi static`` and ``metric`` in JSON of ROCm 6 (a list) and later (wrapped), ``rocm-smi``, ``rocminfo``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suanli.adapters.devices.rocm import agent_device, agents, card_device, cards, is_hygon
from suanli.adapters.devices.text import number, part, pci_address, records, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings


def parse_static(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``amd-smi static --json``; lines that the tool prints before its JSON are passed over."""
    found = records(text, "gpu_data", "asic")
    if not found and "{" not in text and text.strip(" \n[]"):
        return (_unknown(0, "amd-smi printed no JSON"),)
    return tuple(_from_static(position, record) for position, record in enumerate(found))


def parse_metric(text: str) -> dict[int, Readings]:
    """The readings by device of ``amd-smi metric --json``. A section that a card does not have is ``N/A``."""
    found: dict[int, Readings] = {}
    for record in records(text, "gpu_data", "gpu"):
        index = number(record.get("gpu")) if isinstance(record, dict) else None
        if index is not None and index >= 0:
            found[int(index)] = _readings(record)
    return found


def parse_rocm_smi(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``rocm-smi ... --json``, without those of Hygon, which answer it too."""
    return tuple(
        card_device(index, fields, vendor="amd", pci_vendor="1002", whole=whole)
        for index, fields, whole in cards(text)
        if not is_hygon(fields.get("card vendor", ""))
    )


def parse_rocminfo(text: str) -> tuple[DiscoveredDevice, ...]:
    """The GPU agents of ``rocminfo``, numbered in its order."""
    found = [
        fields
        for fields in agents(text)
        if fields.get("Device Type") == "GPU" and not is_hygon(fields.get("Vendor Name", ""))
    ]
    return tuple(agent_device(index, fields, "amd") for index, fields in enumerate(found))


def _unknown(index: int, reason: str) -> DiscoveredDevice:
    return DiscoveredDevice(
        index=index, device_class=DeviceClass.GPU, vendor="amd", health=Health.UNKNOWN, reason=reason
    )


def _readings(record: Mapping[str, Any]) -> Readings:
    temperature, power = part(record, "temperature"), part(record, "power")
    degrees = (number(temperature.get(place)) for place in ("edge", "hotspot"))
    watts = (number(power.get(name)) for name in ("socket_power", "current_socket_power", "average_socket_power"))
    return Readings(
        temperature_c=next((told for told in degrees if told is not None), None),
        power_w=next((told for told in watts if told is not None), None),
        utilization_percent=number(part(record, "usage").get("gfx_activity")),
        memory_used_bytes=size(part(record, "mem_usage").get("used_vram"), "MB"),
    )


def _from_static(position: int, record: Any) -> DiscoveredDevice:
    if not isinstance(record, dict):
        return _unknown(position, "amd-smi printed a device that is no record")
    asic, index = part(record, "asic"), number(record.get("gpu"))
    model = told(asic.get("market_name"))
    device = told(asic.get("device_id")).lower().removeprefix("0x")
    return DiscoveredDevice(
        index=position if index is None else int(index),
        device_class=DeviceClass.GPU,
        vendor="amd",
        model=model,
        uuid=told(asic.get("asic_serial")),
        pci_address=pci_address(part(record, "bus").get("bdf", "")),
        pci_id=f"1002:{device}" if device else "",
        memory_bytes=size(part(record, "vram").get("size"), "MB"),
        health=Health.OK if model else Health.UNKNOWN,
        reason="" if model else "amd-smi printed no market name",
    )
