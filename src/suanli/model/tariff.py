"""Tariffs: what an hour of cpus, memory, disk and devices costs; bills, once there are any, go by the same.

Prices are Decimal and stay so on record; only the planner takes them as floating numbers, and makes nothing of these
but an order and an estimate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from suanli.model.device_names import are_meant, parse_names, words_of
from suanli.model.devices import DeviceClass
from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import Instant

MAX_PRICE: Final = Decimal(10**9)
PRICE_DIGITS: Final = 6
"""Most digits of a price after the point."""
MAX_PRICED_MODELS: Final = 1000

_CURRENCY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """One version of the center's prices, in one currency, valid from an instant until another one is.

    A version is never changed: what was held under it is worth what it says, whatever is set later.
    """

    version: int
    """Counted from 1."""
    currency: str
    """A word: CNY, EUR, or what a center gives out itself, such as credits."""
    valid_from: Instant
    cpu_hour: Decimal = Decimal(0)
    memory_gib_hour: Decimal = Decimal(0)
    disk_gb_hour: Decimal = Decimal(0)
    """Of local disk; a GB has 10^9 bytes."""
    device_hour: dict[str, Decimal] = field(default_factory=dict)
    """Of one whole device, by names of models (`suanli.model.device_names`); a share has its part of it."""
    class_hour: dict[DeviceClass, Decimal] = field(default_factory=dict)
    """Of a device of a class, where its model is not named."""

    def price_of(self, device_class: DeviceClass, model: str) -> Decimal | None:
        """What an hour of a whole device costs; None where that is not said.

        Of several names that mean the model the one with most words counts, of such the first by name.
        """
        meant = [name for name in self.device_hour if are_meant(name, model)]
        if meant:
            return self.device_hour[min(meant, key=lambda name: (-len(words_of(name)), name))]
        return self.class_hour.get(device_class)

    def check(self) -> None:
        """Let pass prices that can be counted and names that can be meant.

        Raises:
            InvalidRequestError: names the first field that is wrong.
        """
        if _CURRENCY.fullmatch(self.currency) is None:
            raise InvalidRequestError("currency", f"{self.currency!r} is no currency", "write a word like CNY")
        for name in ("cpu_hour", "memory_gib_hour", "disk_gb_hour"):
            _check_price(name, getattr(self, name))
        if len(self.device_hour) > MAX_PRICED_MODELS:
            raise InvalidRequestError("device_hour", f"more than {MAX_PRICED_MODELS} models have a price")
        for model, price in self.device_hour.items():
            _check_model(model)
            _check_price(f"device_hour.{model}", price)
        for kind, price in self.class_hour.items():
            if kind is DeviceClass.ANY:
                raise InvalidRequestError("class_hour.any", "any is no class of its own", "name gpu, npu or fpga")
            _check_price(f"class_hour.{kind}", price)


def in_force(tariffs: Iterable[Tariff], at: Instant) -> Tariff | None:
    """The tariff by which an instant counts: of those that are valid by then the one that became so last.

    Of two that became valid together the later version.
    """
    valid = [tariff for tariff in tariffs if tariff.valid_from <= at]
    return max(valid, key=lambda tariff: (tariff.valid_from, tariff.version), default=None)


def _check_price(name: str, price: Decimal) -> None:
    if not (price.is_finite() and 0 <= price <= MAX_PRICE):
        raise InvalidRequestError(name, f"{price} does not lie in 0..{MAX_PRICE}")
    if price != round(price, PRICE_DIGITS):
        raise InvalidRequestError(name, f"{price} has more than {PRICE_DIGITS} digits after the point")


def _check_model(model: str) -> None:
    try:
        parse_names(model)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"device_hour.{model}", error.detail, error.hint) from error
