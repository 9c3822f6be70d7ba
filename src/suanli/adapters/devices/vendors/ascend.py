"""Huawei Ascend: the tables of ``npu-smi info`` from 1.0 on (310, 310P, 910, 910B, 910C), ``-m`` and ``-t topo``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from suanli.adapters.devices.text import distances, number, pci_address, rows, size, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Distance, Health, Readings

_CARD = re.compile(r"([0-9]{1,6})\s+(\S.*)", re.ASCII)
_CHIP = re.compile(r"([0-9]{1,6})(?:\s+([0-9]{1,6}))?", re.ASCII)
_USE = re.compile(r"([0-9]{1,15})\s*/\s*([0-9]{1,15})", re.ASCII)
_MAPPED = re.compile(r"\s*([0-9]{1,6})\s+([0-9]{1,6})\s+([0-9]{1,6})(?:\s+[0-9]{1,6})?\s+(\S.*?)\s*", re.ASCII)
_HEALTH = {"ok": Health.OK, "warning": Health.DEGRADED, "alarm": Health.FAILED, "critical": Health.FAILED}
_DISTANCES = {
    "HCCS": Distance.LINK,
    "HCCS_SW": Distance.LINK,
    "SIO": Distance.LINK,
    "PIX": Distance.SWITCH,
    "PXB": Distance.BRIDGE,
    "PHB": Distance.HOST,
    "NODE": Distance.NODE,
    "SYS": Distance.SYSTEM,
}


@dataclass(frozen=True, slots=True)
class _Card:
    """The upper line of a chip's two: what its card says."""

    npu: int
    model: str
    health: str
    power_w: float | None
    temperature_c: float | None


def parse_info(text: str) -> tuple[DiscoveredDevice, ...]:
    """The chips of ``npu-smi info``: each is two lines, its card's and its own.

    The index is the ``Device`` or ``Phy-ID`` that newer tools print beside the chip, else the number of the card where
    each card has one chip, else the place in the table. An upper line without a lower one is an UNKNOWN device.
    """
    found: list[tuple[_Card, int | None, int, DiscoveredDevice]] = []
    pending: _Card | None = None
    for cells in rows(text):
        if len(cells) < 3:
            continue
        card, chip = _card(cells), _CHIP.fullmatch(cells[0])
        if card is not None:
            if pending is not None:
                found.append((pending, None, 0, _unread(pending)))
            pending = card
        elif pending is not None:
            number_of_chip = int(chip[1]) if chip else 0
            device = int(chip[2]) if chip and chip[2] else None
            found.append((pending, device, number_of_chip, _chip(pending, cells)))
            pending = None
    if pending is not None:
        found.append((pending, None, 0, _unread(pending)))
    single = len({card.npu for card, *_ in found}) == len(found)
    return tuple(
        replace(device, index=given if given is not None else card.npu if single else position)
        for position, (card, given, _, device) in enumerate(found)
    )


def parse_mapping(text: str) -> tuple[DiscoveredDevice, ...]:
    """The chips of ``npu-smi info -m`` by logical number; a management processor has none and is left out."""
    return tuple(
        DiscoveredDevice(index=int(match[3]), device_class=DeviceClass.NPU, vendor="huawei", model=_model(match[4]))
        for line in text.splitlines()
        if (match := _MAPPED.fullmatch(line)) and match[4].lower() != "mcu"
    )


def parse_records(text: str) -> tuple[DiscoveredDevice, ...]:
    """The chips of ``npu-smi info -t board``, ``common`` or ``usages``, several of them one after the other or alone.

    ``common`` opens a chip with ``Chip ID``, the others close one with it; which it is shows in whether a field of a
    chip comes first. What is said of a management processor (``Chip Name : mcu``) is left out. Where no card number is
    printed it is taken as 0. The index is the place among the chips.
    """
    chips: dict[tuple[int, int], dict[str, str]] = {}
    npu, chip, fields = 0, 0, dict[str, str]()
    closing = _closes(text)
    for name, value in _pairs(text):
        if name == "chip id":
            if closing:
                chips.setdefault((npu, _whole(value)), {}).update(fields)
            fields = {} if closing else chips.setdefault((npu, _whole(value)), {})
            chip = _whole(value)
        elif name in {"npu id", "chip name"}:
            npu, fields = (_whole(value), {}) if name == "npu id" else (npu, {})
        elif name != "chip count":
            fields[name] = value
    if fields and not chips:
        chips[npu, chip] = fields
    return tuple(_from_fields(index, chips[key]) for index, key in enumerate(sorted(chips)))


def parse_topology(text: str) -> dict[tuple[int, int], Distance]:
    """Distances between the chips of ``npu-smi info -t topo`` by pair of positions."""
    return distances(text, _DISTANCES, r"NPU[0-9]+|Phy-ID[0-9]+")


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = (line.partition(":") for line in text.splitlines() if ":" in line)
    return [(name.strip().lower(), value.strip()) for name, _, value in parts]


def _closes(text: str) -> bool:
    """Whether a chip's fields stand above its ``Chip ID``."""
    for name, _ in _pairs(text):
        if name == "chip id":
            return False
        if name not in {"npu id", "chip count"}:
            return True
    return False


def _whole(text: str) -> int:
    found = number(text)
    return int(found) if found is not None else 0


def _from_fields(index: int, fields: dict[str, str]) -> DiscoveredDevice:
    """The device of named fields. A capacity of 0 says that the chip has no memory of that kind."""
    kinds = ("hbm", "ddr")
    capacities = {kind: size(fields.get(f"{kind} capacity(mb)", ""), "MB") for kind in kinds}
    kind = next((kind for kind in kinds if capacities[kind]), "hbm")
    total, percent = capacities[kind] or None, number(fields.get(f"{kind} usage rate(%)"))
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.NPU,
        vendor="huawei",
        pci_address=pci_address(fields.get("pcie bus info", "")),
        memory_bytes=total,
        readings=Readings(
            temperature_c=number(fields.get("temperature(c)")),
            power_w=number(fields.get("npu real-time power(w)")),
            utilization_percent=number(fields.get("aicore usage rate(%)")),
            memory_used_bytes=None if total is None or percent is None else int(total * percent / 100),
        ),
    )


def _model(name: str) -> str:
    """``Ascend910`` is written with a blank by some tools and without by others, and as ``910B1`` by the tables."""
    bare = name.strip().removeprefix("Ascend").strip()
    return f"Ascend {bare}" if bare[:1].isdecimal() else bare


def _card(cells: list[str]) -> _Card | None:
    match = _CARD.fullmatch(cells[0])
    if match is None or (match[2].isdecimal() and not cells[1][:1].isalpha()) or not re.match("[A-Za-z]", cells[1]):
        return None
    words = cells[2].split()
    power = number(words[0]) if words else None
    temperature = number(words[1]) if len(words) > 1 else None
    return _Card(int(match[1]), _model(match[2]), cells[1], power, temperature)


def _health(said: str) -> tuple[Health, str]:
    health = _HEALTH.get(said.lower(), Health.UNKNOWN)
    return health, "" if health is Health.OK else f"npu-smi says {said}"


def _chip(card: _Card, cells: list[str]) -> DiscoveredDevice:
    """The device of two lines. Of several amounts of memory the last that is not empty is where models lie: the HBM."""
    amounts = [(int(used), int(total)) for used, total in _USE.findall(cells[2]) if int(total)]
    used, total = amounts[-1] if amounts else (None, None)
    address = pci_address(cells[1])
    health, reason = _health(card.health)
    if not address and total is None:
        return _unread(card)
    use = cells[2].split()
    return DiscoveredDevice(
        index=0,
        device_class=DeviceClass.NPU,
        vendor="huawei",
        model=card.model,
        pci_address=address,
        memory_bytes=None if total is None else total << 20,
        health=health,
        reason=reason,
        readings=Readings(
            temperature_c=card.temperature_c,
            power_w=card.power_w,
            utilization_percent=number(told(use[0])) if use else None,
            memory_used_bytes=None if used is None else used << 20,
        ),
    )


def _unread(card: _Card) -> DiscoveredDevice:
    return DiscoveredDevice(
        index=0,
        device_class=DeviceClass.NPU,
        vendor="huawei",
        model=card.model,
        health=Health.UNKNOWN,
        reason=f"npu-smi printed no readable line for the chip of card {card.npu}",
        readings=Readings(temperature_c=card.temperature_c, power_w=card.power_w),
    )
