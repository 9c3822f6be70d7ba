"""Rates of work and of the center's devices, as they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pydantic import ConfigDict

from suanli.api.schemas.problem import DESCRIBED
from suanli.model.devices import Precision
from suanli.model.quantities import BILLION
from suanli.model.rates import EFFICIENCY
from suanli.services.rates import KnownRate, Supply

if TYPE_CHECKING:
    from suanli.kernel.scheduling.expected import Expected

_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedView:
    """How long the work is expected to take on one device model."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    model: str
    """The model."""
    seconds: float
    """How long, with all its tasks on such devices."""
    rate: float
    """Operations a second that one of them is expected to do."""
    runs: int
    """On how many finished runs the rate rests; 0 where it is a part of the nominal one."""
    energy_joules: float | None
    """What its devices then draw; null where that is not known."""
    cost: str | None
    """What all that it asks for is expected to cost then, a decimal number; null where a price is not known."""
    currency: str | None
    """What the cost is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateView:
    """What finished work of one class reached on devices of one model."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    application: str | None
    """Whose work it is: of an application, for everybody."""
    project: str | None
    """Or of one owner's in a project, by one name."""
    owner: str | None
    """Whose workloads."""
    name: str | None
    """The name of such workloads."""
    precisions: list[Precision]
    """In which precisions the work is done."""
    model: str
    """On which device model."""
    rate: float
    """Operations a second of one device, as measured; later runs count more."""
    nominal: float | None
    """Operations a second that the model does at most; null where that is not known, or for several precisions."""
    runs: int
    """On how many finished runs it rests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesView:
    """What was learned of rates."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    efficiency: float
    """The part of its nominal rate that a device is expected to reach with work of which nothing was measured on it."""
    items: list[RateView]
    """By application, project, name, precisions and model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyView:
    """What healthy devices that do one precision natively can do at most."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    precision: Precision
    """The precision."""
    devices: int
    """How many devices of known rate do it."""
    operations_per_hour: float
    """What these do in an hour at most: device-hours times nominal rates."""
    held_operations_per_hour: float
    """The part of that which running work holds."""
    unknown_devices: int
    """How many more do it at a rate that nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppliesView:
    """What the center can do, precision by precision. A device counts for each that it does."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[SupplyView]
    """One for each precision."""


def expected_view(expected: Expected) -> ExpectedView:
    """Show how long work takes."""
    return ExpectedView(
        model=expected.model,
        seconds=round(expected.seconds, 3),
        rate=expected.rate * BILLION,
        runs=expected.runs,
        energy_joules=None if expected.energy_j is None else round(expected.energy_j, 3),
        cost=None if expected.cost is None else f"{expected.cost:.4f}",
        currency=expected.currency or None,
    )


def rates_view(found: list[KnownRate]) -> RatesView:
    """Show what was learned."""
    return RatesView(efficiency=EFFICIENCY, items=[_rate(one) for one in found])


def _rate(known: KnownRate) -> RateView:
    learned = known.learned
    return RateView(
        application=learned.application or None,
        project=learned.project or None,
        owner=learned.owner or None,
        name=learned.name or None,
        precisions=[Precision(precision) for precision in learned.precisions.split("+")],
        model=learned.model,
        rate=learned.rate * BILLION,
        nominal=float(known.nominal * BILLION) or None,
        runs=learned.runs,
    )


def supply_view(supply: Supply) -> SupplyView:
    """Show what devices can do in a precision."""
    return SupplyView(
        precision=supply.precision,
        devices=supply.devices,
        operations_per_hour=float(supply.rate * BILLION * _HOUR_S),
        held_operations_per_hour=float(supply.held * BILLION * _HOUR_S),
        unknown_devices=supply.unknown,
    )
