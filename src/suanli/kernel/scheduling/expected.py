"""How long work is expected to take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How long work is expected to take on devices of one model; ``runs`` is 0 where the rate is the nominal one."""

    model: str
    seconds: float
    rate: float
    """10^9 operations a second of one device."""
    runs: int = 0
    energy_j: float | None = None
    """What its devices then draw, in joules; None where that is not known."""
    cost: float | None = None
    """What all that it asks for then costs by the tariff, as an estimate; None where that is not known."""
    currency: str = ""
