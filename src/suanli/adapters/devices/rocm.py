"""What the tools of the ROCm family print alike, whoever sells the device: cards of nearly JSON, agents of rocminfo."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from suanli.adapters.devices.text import number, pci_address, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings

_CARD = re.compile(r'"card([0-9]{1,6})"\s*:\s*\{([^{}]*)(\}?)', re.ASCII)
_PAIR = re.compile(r'"([^"]*)"\s*:\s*(?:"([^"]*)"|([^\s,"{}]+))')
_AGENT = re.compile(r"^\s*Agent [0-9]+\s*$", re.MULTILINE | re.ASCII)
_SIZE = re.compile(r"([0-9]{1,15})\(0x[0-9a-f]+\) KB", re.ASCII)
_HEX = re.compile(r"(?:0x)?([0-9a-f]{4})", re.IGNORECASE | re.ASCII)


def is_hygon(vendor: str) -> bool:
    """Whether a maker's name is Hygon's: its devices answer ROCm's own tools too, and must not be listed twice."""
    return any(word in vendor.lower() for word in ("hygon", "haiguang", "c-3000"))


def cards(text: str) -> Iterator[tuple[int, dict[str, str], bool]]:
    """Number, fields (names in lower case) and wholeness of each ``"cardN": {...}`` of text that is nearly JSON.

    These tools print commas too few, empty names twice, and warnings around it, so no reader of JSON serves; a card
    that breaks off keeps the fields it has.
    """
    for match in _CARD.finditer(text):
        fields = {name.strip().lower(): quoted or bare for name, quoted, bare in _PAIR.findall(match[2])}
        yield int(match[1]), fields, bool(match[3])


def card_device(
    index: int, fields: Mapping[str, str], *, vendor: str, pci_vendor: str, whole: bool
) -> DiscoveredDevice:
    """The device of one card; UNKNOWN where it broke off or says nothing of itself."""
    names = (_name(fields, "card series"), _name(fields, "device name"), _name(fields, "card model"))
    total = _size(fields, "vram total memory")
    reason = "" if whole else "the record breaks off"
    if whole and total is None and not any(names):
        reason = "the record names neither a model nor its memory"
    pci = _HEX.fullmatch(fields.get("device id") or fields.get("gpu id") or "")
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.GPU,
        vendor=vendor,
        model=next(filter(None, names), ""),
        uuid=told(fields.get("unique id")),
        pci_address=pci_address(fields.get("pci bus", "")),
        pci_id=f"{pci_vendor}:{pci[1].lower()}" if pci else "",
        memory_bytes=total,
        health=Health.UNKNOWN if reason else Health.OK,
        reason=reason,
        readings=Readings(
            temperature_c=_first(fields, "temperature (sensor edge) (c)", "temperature (sensor junction) (c)"),
            power_w=_first(fields, "average graphics package power (w)", "current socket graphics package power (w)"),
            utilization_percent=_first(fields, "gpu use (%)", "dcu use (%)", "hcu use (%)"),
            memory_used_bytes=_size(fields, "vram total used memory"),
        ),
    )


def agents(text: str) -> Iterator[dict[str, str]]:
    """The fields of each agent of ``rocminfo``, the first of each name, with ``Pool`` in bytes for its largest pool."""
    for block in _AGENT.split(text)[1:]:
        fields: dict[str, str] = {}
        for line in block.splitlines():
            name, colon, value = line.partition(":")
            if colon:
                fields.setdefault(name.strip(), value.strip())
        pools = [int(found[1]) for found in _SIZE.finditer(block)]
        fields["Pool"] = str(max(pools) * 1024) if pools else ""
        yield fields


def agent_device(index: int, fields: Mapping[str, str], vendor: str) -> DiscoveredDevice:
    """The device of one agent. ``BDFID`` holds bus, device and function in 8, 5 and 3 bits."""
    place = number(fields.get("BDFID"))
    bits = int(place) if place is not None and 0 < place < 1 << 16 else 0
    address = f"0000:{bits >> 8:02x}:{bits >> 3 & 31:02x}.{bits & 7}" if bits else ""
    uuid = fields.get("Uuid", "")
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.GPU,
        vendor=vendor,
        model=told(fields.get("Marketing Name")) or told(fields.get("Name")),
        uuid="" if uuid.endswith("-XX") else uuid,
        pci_address=address,
        memory_bytes=size(fields.get("Pool", "")),
    )


def _name(fields: Mapping[str, str], key: str) -> str:
    text = told(fields.get(key))
    return "" if text.startswith("0x") else text


def _size(fields: Mapping[str, str], name: str) -> int | None:
    units = {"(b)": "B", "(kib)": "KiB", "(mib)": "MiB", "(gib)": "GiB"}
    found = (size(fields[f"{name} {key}"], unit) for key, unit in units.items() if f"{name} {key}" in fields)
    return next((amount for amount in found if amount is not None), None)


def _first(fields: Mapping[str, str], *names: str) -> float | None:
    return next((found for name in names if (found := number(fields.get(name))) is not None), None)
