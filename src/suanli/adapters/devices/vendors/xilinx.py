"""AMD Xilinx: ``xbutil examine`` and its platform report, ``xbmgmt`` scans and XRT's platform record in JSON.

A card that carries its golden (factory) image is there, but nothing can run on it until it is flashed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from suanli.adapters.devices.text import outline, part, pci_address, sections, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health

_LISTED = re.compile(r"\s*\[([0-9a-f:.]{7,20})\]\s*:\s*(\S+)(.*)", re.IGNORECASE | re.ASCII)
_REPORT = re.compile(r"[0-9]{1,6}/[0-9]{1,6} \[([0-9a-f:.]{7,20})\] : (\S+)\s*", re.IGNORECASE | re.ASCII)
_CARD = re.compile(r"xilinx_([a-z]+[0-9]+[a-z]*)(?:_.*)?", re.IGNORECASE | re.ASCII)


# Xilinx/XRT, xclbin.h, "struct axlf" and "struct axlf_header": 304 bytes, then a header with the platform's name at 48
# and the file's own identity at 112.
_MAGIC, _PLATFORM, _OWN = b"xclbin2\0", slice(352, 416), slice(416, 432)
# ReportDynamicRegion.cpp of the same; older ones print the identity on a line of its own.
_LOADED = re.compile(
    r"\s*(?:Xclbin UUID\s*:?\s*)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s*", re.IGNORECASE | re.ASCII
)


def parse_bitstream(start: bytes) -> tuple[str, str] | None:
    """The model that an xclbin file is for and its UUID, given its first 432 bytes; None where it is no such file."""
    if not start.startswith(_MAGIC) or len(start) < _OWN.stop:
        return None
    platform = start[_PLATFORM].partition(b"\0")[0].decode("ascii", "replace")
    # As the compiler of a platform writes its name: with colons once, with underscores now.
    card = _CARD.fullmatch(re.sub("[:.-]", "_", platform))
    return (_model(card[1]), str(UUID(bytes=start[_OWN]))) if card else None


def parse_examine(text: str) -> tuple[DiscoveredDevice, ...]:
    """The cards that ``xbutil examine`` lists, as XRT 2.7 prints them and with the ``Ready`` column of 2.13 on."""
    found: list[DiscoveredDevice] = []
    for match in map(_LISTED.fullmatch, text.splitlines()):
        if match is not None:
            is_ready = match[3].split()[-1:] != ["No"]
            found.append(_device(len(found), match[1], match[2], is_ready=is_ready))
    return tuple(found)


def parse_platform(text: str) -> tuple[DiscoveredDevice, ...]:
    """The cards of ``xbutil examine -r platform dynamic-regions``, with memory and what they are configured by."""
    found: list[DiscoveredDevice] = []
    for match, lines in sections(text, _REPORT):
        memory = size(outline(lines).get("Platform/DDR Size", "").removesuffix("Bytes").strip()) or None
        found.append(replace(_device(len(found), match[1], match[2], memory), bitstream=_loaded(lines)))
    return tuple(found)


def _loaded(lines: Sequence[str]) -> str:
    """The UUID of the only xclbin that is loaded, as the report of dynamic regions tells it; else nothing."""
    told = {match[1].lower() for match in map(_LOADED.fullmatch, lines) if match is not None}
    told -= {str(UUID(int=0))}
    return told.pop() if len(told) == 1 else ""


def parse_scan(text: str) -> tuple[DiscoveredDevice, ...]:
    """The cards of ``xbmgmt`` and ``xbutil examine`` in JSON: a list of all, or the platform report of each.

    The neural units of AMD's own processors, which the same program lists, are left out.
    """
    try:
        whole = json.loads(text[max(text.find("{"), 0) :])
    except (ValueError, RecursionError):
        return ()
    listed = [
        record
        for record in _records(part(part(whole, "system"), "host"), "devices")
        if not isinstance(record, dict) or str(record.get("device_class", "")).lower() != "ryzen"
    ]
    if listed and not _records(whole, "devices"):
        return tuple(_named(at, record) for at, record in enumerate(listed))
    platforms = [_platform(record) for record in _records(whole, "devices")] or _records(whole, "platforms")
    return tuple(_scanned(at, platform) for at, platform in enumerate(platforms))


def _named(position: int, record: Any) -> DiscoveredDevice:
    fields = record if isinstance(record, dict) else {}
    is_ready = str(fields.get("is_ready", "true")).lower() != "false"
    return _device(position, str(fields.get("bdf", "")), told(fields.get("vbnv")), is_ready=is_ready)


def _platform(record: Any) -> Mapping[str, Any]:
    """The platform of a device of either tool, with the address that ``xbutil`` tells beside it."""
    reports = _records(record, "platforms")
    if not reports or not isinstance(reports[0], dict):
        return part(record, "platform")
    return {"bdf": record.get("device_id", ""), **reports[0]}


def _records(whole: Any, name: str) -> list[Any]:
    records = whole.get(name) if isinstance(whole, dict) else None
    return records if isinstance(records, list) else []


def _scanned(position: int, platform: Any) -> DiscoveredDevice:
    shell = part(platform, "current_shell") or part(platform, "static_region")
    bdf = platform.get("bdf", "") if isinstance(platform, dict) else ""
    memory = size(part(platform, "off_chip_board_info").get("ddr_size_bytes")) or None
    return _device(position, str(bdf), told(shell.get("vbnv")), memory)


def _model(card: str) -> str:
    return f"Alveo {card.upper()}"


def _device(
    position: int, address: str, shell: str, memory: int | None = None, *, is_ready: bool = True
) -> DiscoveredDevice:
    card = _CARD.fullmatch(shell)
    is_golden = "GOLDEN" in shell.upper()
    reason = "XRT names no shell" if not shell else ""
    if is_golden:
        reason = "carries its golden image only: flash a shell before it can be used"
    elif not is_ready:
        reason = "XRT says that it is not ready"
    return DiscoveredDevice(
        index=position,
        device_class=DeviceClass.FPGA,
        vendor="xilinx",
        model=_model(card[1]) if card else "",
        pci_address=pci_address(address),
        memory_bytes=memory,
        shell=shell,
        health=Health.UNKNOWN if not shell else Health.FAILED if reason else Health.OK,
        reason=reason,
    )
