"""The device models of the catalogue: what is known of one beyond what a machine tells of it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from suanli.adapters.devices.vendors_known import CATALOG
from suanli.model.device_names import words_of, words_of_model
from suanli.model.discovery import DiscoveredDevice
from suanli.model.spec import DeviceClass, Precision

MODELS = CATALOG.parent / "models.toml"


@dataclass(frozen=True, slots=True)
class _Row:
    words: frozenset[str]
    printed: frozenset[str]
    device_class: DeviceClass
    known_as: str
    precisions: frozenset[Precision]


def catalogued(device: DiscoveredDevice) -> DiscoveredDevice:
    """The device with the catalogue's name for its model and what that computes natively, where it has a row.

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
    return replace(device, known_as=row.known_as, precisions=row.precisions)


@cache
def _rows() -> Sequence[_Row]:
    return [
        _Row(
            words_of(row["name"]),
            frozenset(row.get("printed", ())),
            DeviceClass(row["class"]),
            f"{row['vendor']} {row['name']}",
            frozenset(precision for precision in Precision if precision in row),
        )
        for row in tomllib.loads(MODELS.read_text("utf-8"))["models"]
        if row["class"] != "cpu"
    ]
