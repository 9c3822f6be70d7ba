"""What work costs, worked out apart from the kernel in fractions; and tariffs by chance."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from random import Random

from suanli.model.devices import DeviceClass
from suanli.model.quantities import Instant
from suanli.model.resources import Device
from suanli.model.spec import WorkloadSpec
from suanli.model.tariff import Tariff
from tests.unit.kernel.scheduling.center import SECOND


def holding(tariffs: Sequence[Tariff], now: int) -> Tariff | None:
    """The one that holds now: of those that have begun the last to begin, and of such the last that was set."""
    found = None
    for tariff in tariffs:
        if tariff.valid_from <= now and (found is None or tariff.valid_from >= found.valid_from):
            found = tariff
    return found


def of_device(tariff: Tariff, device: Device) -> Fraction | None:
    """By the names of the tests, of which each is one word and means itself alone."""
    price = tariff.device_hour.get(device.model, tariff.class_hour.get(device.device_class))
    return None if price is None else Fraction(price)


def an_hour(tariff: Tariff | None, spec: WorkloadSpec, device: Device) -> Fraction | None:
    """What all that the spec asks for costs in an hour, were its devices all like this one; None: nobody knows."""
    resources = spec.resources
    if tariff is None or resources.devices is None:
        return None
    price = of_device(tariff, device)
    if price is None:
        return None
    devices = Fraction(resources.devices.count * resources.devices.share, 1000)
    cpus, gib, gb = (
        Fraction(resources.cpu_milli, 1000),
        Fraction(resources.memory_bytes, 2**30),
        Fraction(resources.disk_bytes, 10**9),
    )
    beside = Fraction(tariff.cpu_hour) * cpus
    beside += Fraction(tariff.memory_gib_hour) * gib + Fraction(tariff.disk_gb_hour) * gb
    return spec.tasks * (devices * price + beside)


def random_tariff(chance: Random, version: int, now: int, models: Sequence[str]) -> Tariff:
    """Some models have a price of their own, others that of their class, if that has one."""
    some = [model for model in models if chance.random() < 0.6]
    prices = [Decimal(text) for text in ("0", "0.25", "1", "2.5", "4", "12")]
    return Tariff(
        version=version,
        currency="CNY",
        valid_from=Instant(now + chance.choice([0, 0, 40, 200]) * SECOND),
        cpu_hour=chance.choice(prices[:3]),
        memory_gib_hour=chance.choice(prices[:2]),
        disk_gb_hour=chance.choice(prices[:2]),
        device_hour={model: chance.choice(prices) for model in some},
        class_hour={DeviceClass.GPU: chance.choice(prices)} if chance.random() < 0.4 else {},
    )
