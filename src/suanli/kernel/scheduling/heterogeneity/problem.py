"""What a policy sees: active jobs by device model; and what it gives: an allocation.

An allocation is a matrix X as [unit, model]: the part of time for which a unit holds devices of a model. The units are
the jobs, in order, and after them the pairs of jobs that share devices. It is feasible when no job is given more than
all of its time, alone and in pairs together, and no model more than its devices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.scheduling.core.tables import Flags, Ints
from suanli.model.errors import InvalidRequestError

__all__ = ["Allocation", "Flags", "Ints", "Pairs", "Policy", "Problem", "Reals", "blind"]

Reals: TypeAlias = NDArray[np.float64]
Allocation: TypeAlias = Reals


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of jobs (rows ``first`` and ``second``) and both their rates as [pair, which of the two, model]."""

    first: Ints
    second: Ints
    rates: Reals


def _no_pairs() -> Pairs:
    return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2, 0)))


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Active jobs, one row each in the order in which they came, and the devices there are.

    ``rates`` are steps per second of the whole job as [job, model], 0 where it cannot run; ``devices`` the number of
    each model; ``scale`` the devices a job takes at once, all of one model; ``weight`` its claim on a fair share;
    ``left`` and ``done`` its steps; ``age_s`` the seconds since it came.
    """

    rates: Reals
    devices: Ints
    scale: Ints
    weight: Reals
    left: Reals
    done: Reals
    age_s: Reals
    pairs: Pairs = field(default_factory=_no_pairs)

    def __post_init__(self) -> None:
        """Refuse what no policy could make sense of.

        Raises:
            InvalidRequestError: shapes differ, or a value is out of its range or not a number.
        """
        jobs, models = self.rates.shape
        columns = (self.scale, self.weight, self.left, self.done, self.age_s)
        if self.devices.shape != (models,) or any(column.shape != (jobs,) for column in columns):
            raise InvalidRequestError("problem", f"columns do not fit rates of {jobs} jobs on {models} models")
        for name in ("rates", "left", "done", "age_s", "devices"):
            if not ((getattr(self, name) >= 0) & np.isfinite(getattr(self, name))).all():
                raise InvalidRequestError("problem", f"{name} are out of range")
        for name in ("scale", "weight"):
            if not ((getattr(self, name) > 0) & np.isfinite(getattr(self, name))).all():
                raise InvalidRequestError("problem", f"{name} is out of range")

    @property
    def units(self) -> int:
        """Rows of an allocation."""
        return int(self.rates.shape[0] + self.pairs.first.size)

    @property
    def usable(self) -> Flags:
        """As [unit, model]: there is a rate, and there are devices enough for one gang."""
        fits = self.unit_scale[:, None] <= self.devices
        return np.asarray(np.concatenate([self.rates, self._pair_rates(0)]) > 0) & fits

    @property
    def unit_scale(self) -> Ints:
        """Devices a unit takes at once."""
        return np.concatenate([self.scale, self.scale[self.pairs.first]])

    def _pair_rates(self, which: int) -> Reals:
        return self.pairs.rates[:, which].reshape(self.pairs.first.size, self.rates.shape[1])

    def members(self) -> tuple[Ints, Ints, Reals]:
        """Who makes steps in which unit: job, unit, and the job's rates there as [member, model]."""
        jobs, pairs = self.rates.shape[0], np.arange(self.pairs.first.size) + self.rates.shape[0]
        job = np.concatenate([np.arange(jobs), self.pairs.first, self.pairs.second])
        unit = np.concatenate([np.arange(jobs), pairs, pairs])
        return job, unit, np.concatenate([self.rates, self._pair_rates(0), self._pair_rates(1)])

    def throughput(self, allocation: Allocation) -> Reals:
        """Steps per second of each job under an allocation."""
        job, unit, rates = self.members()
        steps = (rates * allocation[unit]).sum(axis=1)
        return np.bincount(job, steps, minlength=self.rates.shape[0]).astype(np.float64)

    def equal_share(self) -> Reals:
        """Steps per second of each job if all jobs had equal parts of the devices, of each model alike.

        A job's part is a time on one gang of its scale factor, and never more than all of the time.
        """
        total, jobs = int(self.devices.sum()), self.rates.shape[0]
        mean = (self.rates * self.devices).sum(axis=1) / max(1, total)
        return np.asarray(mean * np.minimum(1.0, total / (max(1, jobs) * self.scale)))


Policy: TypeAlias = Callable[[Problem], Allocation]


def blind(policy: Policy) -> Policy:
    """The same policy for a center that takes all its models for one.

    Each job has one rate, the mean over the devices on which it can run. Its time is spread over the models by their
    numbers; what falls on a model that it cannot use is lost to it, as a blind plan loses it.
    """

    def act(problem: Problem) -> Allocation:
        counts = problem.devices * (problem.scale[:, None] <= problem.devices) * (problem.rates > 0)
        rates = (problem.rates * counts).sum(axis=1, keepdims=True) / np.maximum(1, counts.sum(axis=1, keepdims=True))
        total = problem.devices.sum(keepdims=True)
        paired = problem.pairs.rates.reshape(problem.pairs.first.size, 2, problem.devices.size)
        counts = problem.devices * (paired > 0)
        mean = (paired * counts).sum(axis=2, keepdims=True) / np.maximum(1, counts.sum(axis=2, keepdims=True))
        pooled = replace(problem, rates=rates, devices=total, pairs=replace(problem.pairs, rates=mean))
        return np.asarray(policy(pooled) * problem.devices / np.maximum(1, total) * problem.usable)

    return act
