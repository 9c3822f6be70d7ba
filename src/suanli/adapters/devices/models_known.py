"""The device models of the catalogue: what is known of one beyond what a machine tells of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from suanli.adapters.devices.vendors_known import CATALOG
from suanli.model.device_names import words_of, words_of_model
from suanli.model.devices import DeviceClass, Precision
from suanli.model.discovery import DiscoveredDevice, Processors

MODELS = CATALOG.parent / "models.toml"


@dataclass(frozen=True, slots=True)
class _Row:
    words: frozenset[str]
    printed: frozenset[str]
    device_class: DeviceClass
    known_as: str
    rates: Mapping[Precision, int]
    board_power_w: float | None
    pci: tuple[str, ...]


def catalogued(device: DiscoveredDevice) -> DiscoveredDevice:
    """The device with the catalogue's name for its model, what that computes natively and draws, where it has a row.

    A row means a device of its class that prints one of the row's ``printed`` names, else one whose printed name, or
    maker, has all words of the row's name; of several such rows the one of most words, as ``RTX 4090 D`` is no
    ``RTX 4090``. One that prints no name goes by its identity on the PCI bus. Of one that prints a name that means no
    row the identity is not asked: a virtual card has that of the whole one.
    """
    row = _row_of(device) if device.model else _identified(device.pci_id, device.pci_subsystem)
    if row is None or row.device_class is not device.device_class:
        return device
    return replace(
        device,
        known_as=row.known_as,
        precisions=frozenset(row.rates),
        rates=row.rates,
        board_power_w=row.board_power_w,
    )


def name_of(pci_id: str, pci_subsystem: str) -> str:
    """Maker and name of what an identity on the PCI bus is known to be, of a model or of boards; else empty."""
    row = _identified(pci_id, pci_subsystem)
    return "" if row is None else row.known_as


def _row_of(device: DiscoveredDevice) -> _Row | None:
    rows = [row for row in _rows() if row.device_class is device.device_class]
    words = words_of_model(f"{device.vendor} {device.model}")
    meant = [row for row in rows if device.model in row.printed] or [row for row in rows if row.words <= words]
    return max(meant, key=lambda row: len(row.words), default=None)


def _identified(pci_id: str, pci_subsystem: str) -> _Row | None:
    """The row of a board, else that of the device which the board carries."""
    rows = _identities()
    return rows.get(f"{pci_id}/{pci_subsystem}") or rows.get(pci_id)


def catalogued_processors(processors: Processors) -> Processors:
    """The processors with what one thread draws at most, where the catalogue knows what a socket draws and its cores.

    How many cores the machine shows does not tell: a virtual one shows some of a socket's.
    """
    shown = words_of_model(f"{processors.vendor} {' '.join(processors.models)}")
    meant = [row for row in _sockets() if row.words <= shown]
    if len(processors.models) != 1 or not meant or not processors.cores or not processors.threads:
        return processors
    row = max(meant, key=lambda row: len(row.words))
    return replace(processors, thread_power_w=row.power_w / row.cores * processors.cores / processors.threads)


@dataclass(frozen=True, slots=True)
class _Socket:
    words: frozenset[str]
    power_w: float
    cores: int


@cache
def _sockets() -> Sequence[_Socket]:
    return [
        _Socket(words_of(row["name"]), row["tdp_w"], row["cores"])
        for row in _catalogue()["models"]
        if row["class"] == "cpu" and "tdp_w" in row and "cores" in row
    ]


@cache
def _rows() -> Sequence[_Row]:
    return [_row(told) for told in _catalogue()["models"] if told["class"] != "cpu"]


@cache
def _identities() -> Mapping[str, _Row]:
    """Every row that an identity on the PCI bus names, by that."""
    rows = [*_rows(), *(_row(told) for told in _catalogue()["boards"])]
    return {identity: row for row in rows for identity in row.pci}


def _row(told: Mapping[str, Any]) -> _Row:
    return _Row(
        words_of(told["name"]),
        frozenset(told.get("printed", ())),
        DeviceClass(told["class"]),
        f"{told['vendor']} {told['name']}",
        _rates(told),
        told.get("tdp_w"),
        tuple(told.get("pci", ())),
    )


def _rates(row: Mapping[str, Any]) -> Mapping[Precision, int]:
    """In 10^9 operations a second; of fp64 that of the faster units, vector or matrix."""
    told = {precision: row[precision] for precision in Precision if precision in row}
    if "fp64_matrix" in row:
        told[Precision.FP64] = max(row["fp64_matrix"], told.get(Precision.FP64, 0))
    return {precision: round(rate * 1000) for precision, rate in told.items()}


@cache
def _catalogue() -> Mapping[str, list[dict[str, Any]]]:
    return tomllib.loads(MODELS.read_text("utf-8"))
