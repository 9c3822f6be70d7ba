"""Kunlunxin: ``xpu-smi -q`` and ``-L``, and ``xpu_smi`` of older drivers. Intel's ``xpu-smi`` prints none of this."""

from __future__ import annotations

import re

from suanli.adapters.devices.text import device_number, number, outline, pci_address, rows, sections, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings

_SECTION = re.compile(r"XPU ([0-9a-f:.]{7,20})\s*", re.IGNORECASE | re.ASCII)
_LINE = re.compile(r"XPU ([0-9]{1,6}): (\S+)(?:\s.*)?", re.ASCII)
_USE = re.compile(r"([0-9]{1,15})\s*/\s*([0-9]{1,15})\s*MB", re.ASCII)
_ID = re.compile(r"0x([0-9a-f]{4})([0-9a-f]{4})", re.IGNORECASE | re.ASCII)


def parse_query(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``xpu-smi -q``."""
    found = enumerate(sections(text, _SECTION))
    return tuple(_device(position, match[1], outline(lines)) for position, (match, lines) in found)


def parse_list(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``xpu-smi -L``, which says where they are and not what."""
    return tuple(
        DiscoveredDevice(
            index=int(match[1]),
            device_class=DeviceClass.NPU,
            vendor="kunlunxin",
            pci_address=pci_address(match[2]),
            health=Health.UNKNOWN,
            reason="xpu-smi -L prints no product names",
        )
        for match in map(_LINE.fullmatch, text.splitlines())
        if match is not None
    )


def parse_table(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``xpu_smi`` as drivers of version 4 print them, whose columns are told by their header."""
    header: list[str] = []
    found = []
    for cells in rows(text):
        if cells[0] == "DevID":
            header = cells if "PCI Addr" in cells else []
        elif header and device_number(cells[0]) is not None:
            found.append(_listed(dict(zip(header, cells, strict=False))))
    return tuple(found)


def _listed(fields: dict[str, str]) -> DiscoveredDevice:
    memory, model = _USE.fullmatch(fields.get("Memory", "")), told(fields.get("Model"))
    state = fields.get("State", "N")
    reason = "" if state in {"N", "R"} else f"xpu_smi says state {state}"
    if model.endswith("-PF"):
        reason = "its virtual functions compute in its place"
    is_whole = bool(model) and memory is not None
    return DiscoveredDevice(
        index=int(fields["DevID"]),
        device_class=DeviceClass.NPU,
        vendor="kunlunxin",
        model=model,
        pci_address=pci_address(fields.get("PCI Addr", "")),
        memory_bytes=int(memory[2]) << 20 if memory else None,
        health=Health.UNKNOWN if not is_whole else Health.FAILED if reason else Health.OK,
        reason=reason if is_whole else "xpu_smi printed no model or no memory",
        readings=Readings(
            temperature_c=number(fields.get("Temp")),
            power_w=number(fields.get("Power(W)")),
            utilization_percent=number(fields.get("UseRate")),
            memory_used_bytes=int(memory[1]) << 20 if memory else None,
        ),
    )


def _device(position: int, address: str, fields: dict[str, str]) -> DiscoveredDevice:
    index, model = number(fields.get("Minor Number")), told(fields.get("Product Name"))
    pci = _ID.fullmatch(fields.get("PCI/Device Id", ""))
    return DiscoveredDevice(
        index=position if index is None else int(index),
        device_class=DeviceClass.NPU,
        vendor="kunlunxin",
        model=model,
        uuid=told(fields.get("XPU UUID")),
        pci_address=pci_address(fields.get("PCI/Bus Id", "")) or pci_address(address),
        pci_id=f"{pci[2]}:{pci[1]}".lower() if pci else "",
        memory_bytes=size(fields.get("Memory Usage/Total")),
        health=Health.OK if model else Health.UNKNOWN,
        reason="" if model else "xpu-smi printed no product name",
        readings=Readings(
            temperature_c=number(fields.get("Temperature/XPU Current Temp")),
            power_w=number(fields.get("Power Readings/Power Draw")),
            utilization_percent=number(fields.get("Utilization/Xpu")),
            memory_used_bytes=size(fields.get("Memory Usage/Used")),
        ),
    )
