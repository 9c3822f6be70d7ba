"""Tariffs as they are shown, and as they are set. Prices are text: no float ever stands for money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StringConstraints, WithJsonSchema

from suanli.api.schemas.fields import Body, Moment, Timestamp, timestamp
from suanli.api.schemas.problem import DESCRIBED
from suanli.model.devices import DeviceClass
from suanli.model.quantities import Instant
from suanli.model.tariff import MAX_PRICED_MODELS, Tariff
from suanli.services.tariffs import TariffStanding

_PRICE = r"^[0-9]{1,9}(?:\.[0-9]{1,6})?$"

Price = Annotated[str, StringConstraints(pattern=_PRICE, max_length=16)]
"""Money as a decimal number in text, exact to six digits after the point."""

PriceShown = Annotated[str, WithJsonSchema({"type": "string", "pattern": _PRICE, "examples": ["0.10"]})]

ModelNames = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=256)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffView:
    """One version of the center's prices."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    version: int
    """Counted from 1."""
    currency: str
    """What prices are in: CNY, or what the center gives out itself."""
    valid_from: Timestamp
    """From when they hold, until others do."""
    cpu_hour: PriceShown
    """Of one cpu for an hour."""
    memory_gib_hour: PriceShown
    """Of one GiB of memory for an hour."""
    disk_gb_hour: PriceShown
    """Of one GB of local disk for an hour."""
    device_hour: dict[str, PriceShown]
    """Of one whole device for an hour, by names of models; of several that mean one the name with most words."""
    class_hour: dict[DeviceClass, PriceShown]
    """Of a device of a class whose model is not named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffsView:
    """What the center costs now and later."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    current: TariffView | None
    """What holds now; null: there are no prices."""
    coming: list[TariffView]
    """What is set to hold later, by when."""


class ClassPrices(Body):
    """Prices by class of devices."""

    gpu: Price | None = None
    """Of a GPU."""
    npu: Price | None = None
    """Of an NPU."""
    fpga: Price | None = None
    """Of an FPGA."""


class TariffBody(Body):
    """A tariff, whole: what is left out costs nothing, but for devices, whose price is then not known."""

    currency: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,15}$", examples=["CNY"])
    """What prices are in."""
    valid_from: Moment | None = None
    """From when they hold; now, unless it is said."""
    cpu_hour: Price = "0"
    """Of one cpu for an hour."""
    memory_gib_hour: Price = "0"
    """Of one GiB of memory for an hour."""
    disk_gb_hour: Price = "0"
    """Of one GB of local disk for an hour."""
    device_hour: dict[ModelNames, Price] = Field(default={}, max_length=MAX_PRICED_MODELS, examples=[{"A100": "12.5"}])
    """Of one whole device for an hour, by names of models; of several that mean one the name with most words."""
    class_hour: ClassPrices = ClassPrices()
    """Of a device of a class whose model is not named."""


def tariff_view(tariff: Tariff) -> TariffView:
    """Show a tariff."""
    return TariffView(
        version=tariff.version,
        currency=tariff.currency,
        valid_from=timestamp(tariff.valid_from),
        cpu_hour=f"{tariff.cpu_hour:f}",
        memory_gib_hour=f"{tariff.memory_gib_hour:f}",
        disk_gb_hour=f"{tariff.disk_gb_hour:f}",
        device_hour={model: f"{price:f}" for model, price in sorted(tariff.device_hour.items())},
        class_hour={kind: f"{price:f}" for kind, price in sorted(tariff.class_hour.items())},
    )


def tariffs_view(standing: TariffStanding) -> TariffsView:
    """Show what holds now and later."""
    return TariffsView(
        current=None if standing.current is None else tariff_view(standing.current),
        coming=[tariff_view(tariff) for tariff in standing.coming],
    )


def tariff_of(body: TariffBody) -> Tariff:
    """The tariff that is asked for, before it has a version."""
    of_classes = {DeviceClass(name): price for name, price in body.class_hour.model_dump(exclude_none=True).items()}
    return Tariff(
        version=0,
        currency=body.currency,
        valid_from=Instant(body.valid_from or 0),
        cpu_hour=Decimal(body.cpu_hour),
        memory_gib_hour=Decimal(body.memory_gib_hour),
        disk_gb_hour=Decimal(body.disk_gb_hour),
        device_hour={model: Decimal(price) for model, price in body.device_hour.items()},
        class_hour={kind: Decimal(price) for kind, price in of_classes.items()},
    )
