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


def catalogued(device: DiscoveredDevice) -> DiscoveredDevice:
    """The device with the catalogue's name for its model, what that computes natively and draws, where it has a row.

    A row means a device of its class that prints one of the row's ``printed`` names, else one whose printed name, or
    maker, has all words of the row's name; of several such rows the one of most words, as ``RTX 4090 D`` is no
    ``RTX 4090``.
    """
    rows = [row for row in _rows() if row.device_class is device.device_class]
    words = words_of_model(f"{device.vendor} {device.model}")
    meant = [row for row in rows if device.model in row.printed] or [row for row in rows if row.words <= words]
    if not meant:
        return device
    row = max(meant, key=lambda row: len(row.words))
    return replace(
        device,
        known_as=row.known_as,
        precisions=frozenset(row.rates),
        rates=row.rates,
        board_power_w=row.board_power_w,
    )


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
        for row in _catalogue()
        if row["class"] == "cpu" and "tdp_w" in row and "cores" in row
    ]


@cache
def _rows() -> Sequence[_Row]:
    return [
        _Row(
            words_of(row["name"]),
            frozenset(row.get("printed", ())),
            DeviceClass(row["class"]),
            f"{row['vendor']} {row['name']}",
            _rates(row),
            row.get("tdp_w"),
        )
        for row in _catalogue()
        if row["class"] != "cpu"
    ]


def _rates(row: Mapping[str, Any]) -> Mapping[Precision, int]:
    """In 10^9 operations a second; of fp64 that of the faster units, vector or matrix."""
    told = {precision: row[precision] for precision in Precision if precision in row}
    if "fp64_matrix" in row:
        told[Precision.FP64] = max(row["fp64_matrix"], told.get(Precision.FP64, 0))
    return {precision: round(rate * 1000) for precision, rate in told.items()}


@cache
def _catalogue() -> Sequence[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(MODELS.read_text("utf-8"))["models"]
    return rows
