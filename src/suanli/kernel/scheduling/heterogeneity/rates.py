"""The rate table: how many steps a second a job type makes on a device model, alone or beside another on one device.

A rate is of the whole job with its scale factor (the devices it takes at once). Measured and unknown are kept apart: a
rate that was never measured is no rate, and a measured zero says that the job cannot run there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from suanli.kernel.scheduling.heterogeneity.problem import Flags, Pairs, Reals
from suanli.model.errors import InvalidRequestError


class JobType(NamedTuple):
    """A kind of work and the number of devices one job of it takes at once."""

    name: str
    scale_factor: int = 1


class Rates(NamedTuple):
    """Rates in steps per second as [row, model], and which of them are measured; the others are estimates or 0."""

    values: Reals
    measured: Flags


@dataclass(frozen=True, slots=True)
class RateTable:
    """Measured rates by device model.

    ``alone`` has steps per second by job type and model. ``shared`` has, for an ordered pair of types on one device of
    a model, the rates of the first and of the second; one order stands for both.
    """

    models: tuple[str, ...]
    alone: Mapping[tuple[JobType, str], float]
    shared: Mapping[tuple[JobType, JobType, str], tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no rate.

        Raises:
            InvalidRequestError: a rate is negative, infinite or not a number, or names a model not in ``models``.
        """
        for key, rate in self.alone.items():
            self._check(key[-1], rate)
        for pair, rates in self.shared.items():
            for rate in rates:
                self._check(pair[-1], rate)

    def _check(self, model: str, rate: float) -> None:
        if model not in self.models:
            raise InvalidRequestError("rates", f"{model} is not among the models of the table")
        if not 0 <= rate < np.inf:
            raise InvalidRequestError("rates", f"{rate} on {model} is no rate", "leave out what is not known")

    def of(self, jobs: Sequence[JobType], estimate: Reals | None = None) -> Rates:
        """Rates of jobs by their types, one row a job.

        ``estimate`` (same shape) stands in where nothing was measured; without one such a place is not to be used,
        which a rate of 0 says to every policy.
        """
        known = np.array([[self.alone.get((job, model), np.nan) for model in self.models] for job in jobs])
        known = known.reshape(len(jobs), len(self.models))
        measured = ~np.isnan(known)
        return Rates(np.where(measured, known, 0.0 if estimate is None else estimate), measured)

    def pairs(self, jobs: Sequence[JobType], worth: float = 1.0) -> Pairs:
        """All pairs of jobs that may share devices: both rates measured and positive, and the same scale factor.

        ``worth`` is the least sum of the two rates, each in parts of its rate alone, for which sharing is considered on
        a model; at 1 the two would do as well by taking turns.
        """
        seen: dict[tuple[JobType, JobType], tuple[list[float], list[float]]] = {}
        first, second, rates = [], [], []
        for one, type_one in enumerate(jobs):
            for two in range(one + 1, len(jobs)):
                key = (type_one, jobs[two])
                if key not in seen:
                    seen[key] = self._together(*key, worth)
                if any(seen[key][0]):
                    first.append(one)
                    second.append(two)
                    rates.append(seen[key])
        shape = (len(first), 2, len(self.models))
        return Pairs(np.array(first, np.int64), np.array(second, np.int64), np.array(rates, float).reshape(shape))

    def _together(self, one: JobType, two: JobType, worth: float) -> tuple[list[float], list[float]]:
        """Rates of both by model, 0 for both where sharing is unknown, impossible or not worth it."""
        found: tuple[list[float], list[float]] = ([], [])
        for model in self.models:
            given = self.shared.get((one, two, model)) or self.shared.get((two, one, model), (0.0, 0.0))[::-1]
            alone = self.alone.get((one, model), 0.0), self.alone.get((two, model), 0.0)
            usable = one.scale_factor == two.scale_factor and min(*given, *alone) > 0
            worthy = usable and given[0] / alone[0] + given[1] / alone[1] > worth
            for rates, rate in zip(found, given, strict=True):
                rates.append(rate if worthy else 0.0)
        return found
