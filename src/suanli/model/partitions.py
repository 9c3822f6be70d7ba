"""Templates by which a device is parted in hardware (NVIDIA MIG, Ascend vNPU): which parts there are, and where."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import WHOLE_DEVICE

MAX_SLICES = 15
"""Slices of a device at most."""
MAX_GROUPS = 2
"""Groups of slices of which any will do, of one device."""
MAX_TEMPLATES = 16
"""Templates of one device at most."""
MADE = 1 << (MAX_SLICES - 1)
"""The slice that is always taken of a device whose parts are made already: none of it goes whole, or as a share."""

THOUSANDTHS = {
    "1g.5gb": 142,
    "1g.6gb": 250,
    "1g.10gb": 142,
    "1g.20gb": 142,
    "2g.10gb": 285,
    "2g.12gb": 500,
    "2g.20gb": 285,
    "3g.20gb": 428,
    "3g.40gb": 428,
    "4g.20gb": 571,
    "4g.24gb": 1000,
    "4g.40gb": 571,
    "7g.40gb": 1000,
    "7g.80gb": 1000,
    "vir01": 125,
    "vir02": 250,
    "vir02_1c": 250,
    "vir03_1c_8g": 125,
    "vir04": 500,
    "vir04_3c": 500,
    "vir05_1c_8g": 250,
    "vir05_1c_16g": 250,
    "vir06_1c_16g": 250,
    "vir10_3c_16g": 500,
    "vir10_3c_32g": 500,
    "vir12_3c_32g": 500,
}
"""By name, the part of a device's compute, in thousandths and rounded down, so that all parts of one are never more
than the device. A name means the same part of every model that has it: so it is known before the device is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Slices of a device of which any will do: ``needed`` of the ``count`` from ``first`` on."""

    first: int
    count: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionTemplate:
    """One kind of part of a device, by its vendor's own name.

    Its slices are ``size`` ones from any of the evenly spaced ``starts`` on, or, where there are none, what ``units``
    say of one or two groups.

    Raises:
        InvalidRequestError: the slices are none that a device can have, or its name is not known.
    """

    name: str
    memory_bytes: int
    size: int = 0
    starts: tuple[int, ...] = ()
    units: tuple[Units, ...] = ()

    def __post_init__(self) -> None:
        if not self._is_well_formed():
            raise InvalidRequestError("partitions", f"{self.name!r} is no template by which a device can be parted")

    @property
    def thousandths(self) -> int:
        """Its part of the device."""
        return THOUSANDTHS[self.name]

    def fitting(self, taken: int) -> int:
        """How many more parts fit where these slices, as bits, are taken."""
        if not self.units:
            return sum(not self.slices_at(start) & taken for start in self.starts)
        return min(
            sum(not (taken >> place) & 1 for place in range(one.first, one.first + one.count)) // one.needed
            for one in self.units
        )

    def slices_at(self, start: int) -> int:
        """The slices from a start on, as bits."""
        return ((1 << self.size) - 1) << start

    def _is_well_formed(self) -> bool:
        """Whether the slices are within bounds, and no two starts have one in common."""
        if self.name not in THOUSANDTHS or self.memory_bytes <= 0 or bool(self.starts) == bool(self.units):
            return False
        if self.units:
            ends = [0, *(one.first + one.count for one in self.units)]
            are_apart = all(one.first >= end for one, end in zip(self.units, ends, strict=False))
            are_some = all(0 < one.needed <= one.count for one in self.units)
            return are_apart and are_some and len(self.units) <= MAX_GROUPS and ends[-1] <= MAX_SLICES
        steps = {after - before for before, after in itertools.pairwise(self.starts)}
        is_within = self.starts[0] >= 0 and self.starts[-1] + self.size <= MAX_SLICES
        return is_within and self.size > 0 and len(steps) <= 1 and min(steps, default=self.size) >= self.size


def held_slices(taken: int) -> list[int]:
    """The slices of a part, by number."""
    return [place for place in range(MAX_SLICES) if (taken >> place) & 1]


def still_fits(templates: tuple[PartitionTemplate, ...], taken: int, *, is_shared: bool) -> dict[str, int]:
    """How many more parts of each template fit on a device; none where it is held whole or shared."""
    return {one.name: 0 if is_shared else one.fitting(taken) for one in templates}


def check_partition(name: str, *, share: int, at_least: int, is_near: bool, exclusive: bool, has_work: bool) -> None:
    """Parts are asked for by their template alone, which says all that they are.

    ``share``, ``at_least`` and ``is_near`` are what else is asked of the device, the others what is asked with it.

    Raises:
        InvalidRequestError: there is no such template, or with it is asked for what no part has.
    """
    where = "resources.devices.partition"
    if not name:
        return
    if name not in THOUSANDTHS:
        known = ", ".join(THOUSANDTHS)
        raise InvalidRequestError(where, f"no device is known to have a partition {name!r}", f"one of {known}")
    if share < WHOLE_DEVICE:
        raise InvalidRequestError(where, "a partition is a part of a device already", "leave the share out")
    if at_least:
        raise InvalidRequestError(where, "the rate of a partition is not known", "leave the rate out")
    if is_near:
        raise InvalidRequestError(where, "parts of devices are not near each other", "leave the interconnect out")
    if exclusive:
        raise InvalidRequestError(where, "who takes nodes exclusively takes their devices whole")
    if has_work:
        raise InvalidRequestError(where, "work to be done is counted on devices, not on their partitions")
