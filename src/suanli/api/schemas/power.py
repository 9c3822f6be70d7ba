"""The power cap as it is shown, and as it is set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict, Field

from suanli.api.schemas.fields import Body, cpus
from suanli.api.schemas.problem import DESCRIBED
from suanli.model.power import MAX_WATTS, MILLIWATTS
from suanli.services.power import PowerStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCapView:
    """The power cap, and what running work is expected to draw beyond what idle nodes draw."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    watts: int | None
    """Most that it may draw; null: there is no cap."""
    drawn_watts: float
    """What it is expected to draw, by the board power of devices and the watts of cpus that it holds."""
    unknown_cpus: float
    """Processors of the center whose draw is not known, and which the cap does not count."""
    unknown_devices: int
    """Devices of which the same is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCapSetView:
    """The power cap as it was just set."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    watts: int | None
    """Most that running work may draw; null: there is no cap."""


class PowerCapBody(Body):
    """A power cap."""

    watts: int = Field(ge=0, le=MAX_WATTS, examples=[50000])
    """Most that running work may be expected to draw beyond what idle nodes draw; 0 lifts the cap."""


def power_cap_view(standing: PowerStanding) -> PowerCapView:
    """Show the power cap."""
    return PowerCapView(
        watts=standing.cap.watts or None,
        drawn_watts=standing.drawn_mw / MILLIWATTS,
        unknown_cpus=cpus(standing.unknown_cpu_milli),
        unknown_devices=standing.unknown_devices,
    )
