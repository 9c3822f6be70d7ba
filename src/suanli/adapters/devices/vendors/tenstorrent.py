"""Tenstorrent: the snapshot of ``tt-smi -s``. A board of two chips is two devices, of which one has no PCI address."""

from __future__ import annotations

from typing import Any

from suanli.adapters.devices.text import number, part, pci_address, records, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings


def parse_snapshot(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``tt-smi -s``; nothing where the text is no JSON. Memory is not told: the catalogue knows it."""
    return tuple(_device(at, record) for at, record in enumerate(records(text, "device_info", "board_info")))


def _device(position: int, record: Any) -> DiscoveredDevice:
    board, telemetry = part(record, "board_info"), part(record, "telemetry")
    model, is_trained = told(board.get("board_type")), board.get("dram_status") is not False
    reason = (
        "tt-smi printed no board type" if not model else "" if is_trained else "tt-smi says that its memory is down"
    )
    return DiscoveredDevice(
        index=position,
        device_class=DeviceClass.NPU,
        vendor="tenstorrent",
        model=model,
        uuid=told(board.get("board_id")),
        pci_address=pci_address(board.get("bus_id", "")),
        health=Health.UNKNOWN if not model else Health.OK if is_trained else Health.FAILED,
        reason=reason,
        readings=Readings(
            temperature_c=number(telemetry.get("asic_temperature", telemetry.get("temperature"))),
            power_w=number(telemetry.get("power", telemetry.get("power_consumption"))),
        ),
    )
