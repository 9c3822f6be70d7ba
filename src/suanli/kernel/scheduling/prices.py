"""What requests cost in an hour: the edge at which exact prices become floating numbers.

Nothing is charged by these. They order types of devices, and tell people what to expect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from suanli.kernel.scheduling.constraints import DeviceType
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand
from suanli.model.quantities import WHOLE_CPU, Instant
from suanli.model.tariff import Tariff, in_force

HOUR_S = 3600
_GIB = 2**30
_GB = 10**9


@dataclass(frozen=True, slots=True)
class Prices:
    """The tariffs that may still count, and of them the one that counts now, until when."""

    tariffs: tuple[Tariff, ...] = ()
    current: Tariff | None = None
    until: int = t.NEVER

    def told(self, tariff: Tariff) -> Prices:
        """The same with another tariff, which counts once the time is asked for anew."""
        others = [other for other in self.tariffs if other.version != tariff.version]
        return Prices((*others, tariff), self.current, 0)

    def at(self, now: Instant) -> Prices:
        """The same as it is now."""
        current = in_force(self.tariffs, now)
        coming = [tariff for tariff in self.tariffs if tariff.valid_from > now]
        until = min((tariff.valid_from for tariff in coming), default=t.NEVER)
        return Prices(tuple(coming) if current is None else (current, *coming), current, until)

    @property
    def currency(self) -> str:
        """What prices are in; empty where there are none."""
        return "" if self.current is None else self.current.currency

    def by_device(self, demand: Demand, types: Iterable[DeviceType]) -> list[float]:
        """What an hour of one device of each type costs with all that goes with it; infinite where that is not known.

        That is the device's own hour, and its part of the cpus, memory and disk that the demand asks for.
        """
        tariff = self.current
        devices = demand.device_count * demand.device_share / t.WHOLE
        if tariff is None or not devices:
            return [np.inf for _ in types]
        beside = (
            float(tariff.cpu_hour) * demand.cpu_milli / WHOLE_CPU
            + float(tariff.memory_gib_hour) * demand.memory_bytes / _GIB
            + float(tariff.disk_gb_hour) * demand.disk_bytes / _GB
        )
        found = [tariff.price_of(kind.device_class, kind.model) for kind in types]
        return [np.inf if price is None else float(price) + beside / devices for price in found]
