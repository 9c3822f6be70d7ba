"""What the catalogue knows of processors: makers, cores by their numbers, vector and matrix extensions."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from suanli.adapters.devices.vendors_known import CATALOG

PROCESSORS = CATALOG.parent / "processors.toml"


class Extension(NamedTuple):
    """One instruction set extension: the kernel's flag, its name, and the feature by which work asks for it."""

    flag: str
    name: str
    feature: str


@dataclass(frozen=True, slots=True)
class Extensions:
    """Those of a machine, in the order of the catalogue."""

    simd: tuple[str, ...] = ()
    matrix: tuple[str, ...] = ()
    features: frozenset[str] = frozenset()


def maker(vendor_id: str) -> str:
    """Who makes the processors that print this; the text itself where nobody knows."""
    return str(_catalogue()["vendors"].get(vendor_id, vendor_id))


def maker_of_architecture(architecture: str) -> str:
    """Who makes all processors of an architecture; empty where several do."""
    return str(_catalogue()["architectures"].get(architecture, ""))


def maker_of_riscv(number: int) -> str:
    """Who has a number as ``mvendorid``; empty where nobody knows."""
    return _by_number(_catalogue()["riscv_vendors"]).get(number, "")


def implementer(number: int) -> str:
    """Who has a number as the implementer in MIDR_EL1; empty where nobody knows."""
    return _implementers().get(number, ("", {}))[0]


def part(implementer: int, number: int) -> str:
    """Which core of an implementer has a part number; empty where nobody knows."""
    return _implementers().get(implementer, ("", {}))[1].get(number, "")


def extensions(architecture: str, flags: Collection[str]) -> Extensions:
    """The vector and matrix extensions among the flags that the kernel prints on an architecture."""
    simd, matrix = _extensions().get(architecture, ((), ()))
    have = [one for one in (*simd, *matrix) if one.flag in flags]
    return Extensions(
        simd=tuple(one.name for one in have if one in simd),
        matrix=tuple(one.name for one in have if one in matrix),
        features=frozenset(one.feature for one in have),
    )


@cache
def _extensions() -> Mapping[str, tuple[tuple[Extension, ...], tuple[Extension, ...]]]:
    return {
        architecture: (
            tuple(Extension(**one) for one in told["simd"]),
            tuple(Extension(**one) for one in told["matrix"]),
        )
        for told in _catalogue()["extensions"]
        for architecture in told["architectures"]
    }


@cache
def _implementers() -> Mapping[int, tuple[str, Mapping[int, str]]]:
    return {told["id"]: (told["name"], _by_number(told["parts"])) for told in _catalogue()["implementers"]}


def _by_number(told: Mapping[str, str]) -> Mapping[int, str]:
    return {int(number, 16): name for number, name in told.items()}


@cache
def _catalogue() -> Mapping[str, Any]:
    return tomllib.loads(PROCESSORS.read_text("utf-8"))
