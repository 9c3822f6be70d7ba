"""The device models of the catalogue: what is known of one beyond what a machine tells of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from suanli.model.device_names import words_of
from suanli.model.discovery import DiscoveredDevice
from suanli.model.spec import DeviceClass, Precision

MODELS = Path(__file__).resolve().parents[2] / "catalog" / "devices" / "models.toml"


def with_precisions(device: DiscoveredDevice) -> DiscoveredDevice:
    """The device with what it computes natively, where the catalogue has its model.

    A row means a device whose printed name, or maker, has all words of the row's name; of several such rows the one
    of most words, as ``RTX 4090 D`` is no ``RTX 4090``.
    """
    words = words_of(f"{device.vendor} {device.model.replace('-', ' ')}") | words_of(device.model)
    meant = [names for names in _rows().get(device.device_class, {}) if names <= words]
    if not meant:
        return device
    return replace(device, precisions=_rows()[device.device_class][max(meant, key=len)])


@cache
def _rows() -> Mapping[DeviceClass, Mapping[frozenset[str], frozenset[Precision]]]:
    rows: dict[DeviceClass, dict[frozenset[str], frozenset[Precision]]] = {}
    accelerators = {str(kind): kind for kind in DeviceClass}
    for row in tomllib.loads(MODELS.read_text("utf-8"))["models"]:
        if row["class"] in accelerators:
            rates = frozenset(precision for precision in Precision if precision in row)
            for name in (row["name"], *row.get("printed", ())):
                rows.setdefault(accelerators[row["class"]], {})[words_of(name)] = rates
    return rows
