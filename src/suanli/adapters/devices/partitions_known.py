"""The templates of the catalogue: by what the devices of a model are parted in hardware."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from suanli.adapters.devices.vendors_known import CATALOG
from suanli.model.device_names import are_meant
from suanli.model.partitions import PartitionTemplate, Units

TEMPLATES = CATALOG.parent / "partitions.toml"
_MIB = 1024 * 1024


def templates_of(model: str) -> tuple[PartitionTemplate, ...]:
    """By what a model is parted, named as the catalogue does or by some of its words; none where they mean several.

    Models that are parted alike are one as far as this goes.
    """
    found = {templates for name, templates in _known().items() if are_meant(model, name)}
    return _known().get(model, found.pop() if len(found) == 1 else ())


@cache
def _known() -> Mapping[str, tuple[PartitionTemplate, ...]]:
    rows = tomllib.loads(TEMPLATES.read_text("utf-8"))["devices"]
    return {name: tuple(_template(row, one) for one in row["templates"]) for row in rows for name in row["of"]}


def _template(device: Mapping[str, Any], told: Mapping[str, Any]) -> PartitionTemplate:
    name, memory = told["name"], told["memory_mib"] * _MIB
    if "starts" in told:
        return PartitionTemplate(name=name, memory_bytes=memory, size=told["size"], starts=tuple(told["starts"]))
    step = device.get("step", 1)
    cores = Units(first=0, count=device["cores"] // step, needed=told["compute"][0] // step)
    cpus = Units(first=cores.count, count=device["cpus"], needed=told["cpus"])
    return PartitionTemplate(name=name, memory_bytes=memory, units=(cores, cpus))
