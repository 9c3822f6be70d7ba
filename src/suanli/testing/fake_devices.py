"""A vendor of simulated devices: as many of any model of the catalogue as are asked for, with loads, faults and delays.

Nothing here is hardware and all of it says so: the vendor is ``simulated``, and serials begin with ``SIMULATED-``. The
way from card to device is a real one: a tool that may be slow or hang prints lines, and a parser reads them.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from suanli.model.devices import DeviceClass
from suanli.model.discovery import (
    Configuration,
    DiscoveredDevice,
    Health,
    Looked,
    Outcome,
    Processors,
    Readings,
    Survey,
)

VENDOR = "simulated"
VARIABLE = "SIMULATED_VISIBLE_DEVICES"
TOOL = "simulated-smi --list"

_MODELS = Path(__file__).resolve().parents[1] / "catalog" / "devices" / "models.toml"
_MIB = 1 << 20
_FIELDS = 11
_AMBIENT_C, _C_PER_WATT = 30.0, 0.1
_IDLE_PART = 0.15
_STATES = {"ok": Health.OK, "degraded": Health.DEGRADED, "failed": Health.FAILED}
_PROCESSORS = Processors(architecture="x86_64", vendor=VENDOR, models=("simulated processor",))
_LARGEST_INDEX = 1 << 16


class Fault(StrEnum):
    """What may befall a card. GARBLED prints nothing readable, LOST is on the bus and listed by no tool."""

    NONE = "none"
    DEGRADED = "degraded"
    FAILED = "failed"
    GARBLED = "garbled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class PowerCurve:
    """Watts drawn at a percentage of busy time: straight between ``points``, level beyond the first and the last."""

    points: tuple[tuple[float, float], ...]

    def watts(self, busy_percent: float) -> float:
        """What is drawn at so much load."""
        first, last = self.points[0], self.points[-1]
        if busy_percent <= first[0]:
            return first[1]
        for (low, below), (high, above) in pairwise(self.points):
            if busy_percent <= high:
                return below + (above - below) * (busy_percent - low) / (high - low)
        return last[1]


@dataclass(slots=True, kw_only=True)
class Card:
    """One simulated card. Its load and its fault may be set at any time; the next look shows them."""

    model: str
    device_class: DeviceClass
    memory_bytes: int | None = None
    power: PowerCurve | None = None
    """None where nobody knows what such a card draws."""
    fault: Fault = Fault.NONE
    busy_percent: float = 0.0
    memory_used_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class FakeDevices:
    """Simulated cards of one machine behind the port ``Devices``.

    ``catalogued`` adds what the catalogue knows of a model, as it does for real devices. The tool takes ``delay_s``,
    and is given up after ``timeout_s``; a test's ``wait`` may only note how long.
    """

    cards: Sequence[Card]
    catalogued: Callable[[DiscoveredDevice], DiscoveredDevice]
    serial: str = "0"
    """Tells the cards of one machine from those of another."""
    delay_s: float = 0.0
    timeout_s: float = 10.0
    wait: Callable[[float], None] = field(default=time.sleep)

    def survey(self) -> Survey:
        hangs = self.delay_s >= self.timeout_s
        if self.delay_s:
            self.wait(min(self.delay_s, self.timeout_s))
        found = () if hangs else parse_list(self.printed())
        shown = {device.pci_address: device for device in found}
        devices = [self._shown(index, shown) for index in range(len(self.cards))]
        listing = Outcome.TIMED_OUT if hangs else Outcome.FOUND if found else Outcome.NOTHING_READ
        looked = (
            Looked(vendor=VENDOR, place="simulated bus", outcome=Outcome.FOUND, found=len(self.cards)),
            Looked(vendor=VENDOR, place=TOOL, outcome=listing, found=len(found)),
        )
        return Survey(processors=_PROCESSORS, devices=tuple(map(self.catalogued, devices)), looked=looked)

    def visibility(self, held: Sequence[DiscoveredDevice], others: Sequence[DiscoveredDevice]) -> Mapping[str, str]:
        mine = ",".join(str(device.index) for device in held if device.vendor == VENDOR)
        there = any(device.vendor == VENDOR for device in (*held, *others))
        return {VARIABLE: mine} if there else {}

    def configurations(self, device: DiscoveredDevice, folder: Path) -> Sequence[Configuration]:  # noqa: ARG002
        """None: a made-up card has nothing to be configured."""
        return ()

    def printed(self) -> str:
        """What the tool prints of all cards that it lists."""
        lines = [
            _line(index, card, f"{self.serial}-{index}")
            for index, card in enumerate(self.cards)
            if card.fault is not Fault.LOST
        ]
        return "".join(f"{line}\n" for line in lines)

    def _shown(self, index: int, shown: Mapping[str, DiscoveredDevice]) -> DiscoveredDevice:
        """A card as the tool shows it, else as the bus does."""
        return shown.get(_address(index)) or DiscoveredDevice(
            index=index,
            device_class=self.cards[index].device_class,
            vendor=VENDOR,
            pci_address=_address(index),
            health=Health.UNKNOWN,
            reason=f"on the simulated bus, but listed by no tool ({TOOL})",
        )


def card(name: str) -> Card:
    """A card of a model of the catalogue, by maker and name (``NVIDIA A100 SXM4 80GB``).

    It draws its board power at full load, and idle a part of that which is nobody's measurement.

    Raises:
        LookupError: the catalogue has no accelerator of that name.
    """
    row = _catalogue()[name]
    top, memory = row.get("tdp_w"), row.get("mem_gb")
    return Card(
        model=name,
        device_class=DeviceClass(row["class"]),
        memory_bytes=None if memory is None else round(memory * 1024) * _MIB,
        power=None if top is None else PowerCurve(((0.0, _IDLE_PART * top), (100.0, float(top)))),
    )


def models() -> Iterable[str]:
    """Every accelerator of the catalogue, by maker and name."""
    return _catalogue().keys()


@cache
def _catalogue() -> Mapping[str, Mapping[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(_MODELS.read_text("utf-8"))["models"]
    return {f"{row['vendor']} {row['name']}": row for row in rows if row["class"] != "cpu"}


def parse_list(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``simulated-smi --list``: one a line, its fields between bars; what it does not tell is ``-``."""
    lines = [line.split("|") for line in text.splitlines()]
    return tuple(_parsed(fields) for fields in lines if len(fields) > 1 and _is_index(fields[0]))


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < len(str(_LARGEST_INDEX)) + 1


def _parsed(fields: Sequence[str]) -> DiscoveredDevice:
    index = int(fields[0])
    kind = fields[1] if fields[1] in {*DeviceClass} - {DeviceClass.ANY} else DeviceClass.GPU
    state, _, reason = fields[-1].partition(": ")
    health = _STATES.get(state)
    is_told = health is not None and (health is Health.OK) != bool(reason)
    bare = DiscoveredDevice(
        index=index,
        device_class=DeviceClass(kind),
        vendor=VENDOR,
        pci_address=_address(index) if _address(index) in fields else "",
        health=Health.UNKNOWN,
        reason=f"{TOOL} printed no whole line",
    )
    if len(fields) != _FIELDS or health is None or not is_told or any("!" in text for text in fields[5:10]):
        return bare
    total, used, temperature, watts, busy = map(_number, fields[5:10])
    return replace(
        bare,
        model=fields[2],
        uuid=fields[3],
        memory_bytes=None if total is None else round(total) * _MIB,
        health=health,
        reason=reason,
        readings=Readings(
            temperature_c=temperature,
            power_w=watts,
            utilization_percent=busy,
            memory_used_bytes=None if used is None else round(used) * _MIB,
        ),
    )


def _number(text: str) -> float | None:
    whole = text.replace(".", "", 1)
    return float(text) if whole.isascii() and whole.isdecimal() and len(text) < 16 else None


def _line(index: int, card: Card, serial: str) -> str:
    watts = None if card.power is None else card.power.watts(card.busy_percent)
    warm = None if watts is None else _AMBIENT_C + _C_PER_WATT * watts
    total = None if card.memory_bytes is None else card.memory_bytes // _MIB
    readings = [total, card.memory_used_bytes // _MIB, warm, watts, card.busy_percent]
    fields = [
        str(index),
        card.device_class.value,
        card.model,
        f"SIMULATED-{serial}",
        _address(index),
        *("ERR!" if card.fault is Fault.GARBLED else "-" if one is None else f"{one:.10g}" for one in readings),
        "ok" if card.fault in {Fault.NONE, Fault.GARBLED} else f"{card.fault}: a fault that was asked for",
    ]
    return "|".join(fields)


def _address(index: int) -> str:
    """On a bus that no machine has: the domain of simulated cards, 32 slots a bus."""
    return f"fa4e:{index // 32 % 256:02x}:{index % 32:02x}.0"
