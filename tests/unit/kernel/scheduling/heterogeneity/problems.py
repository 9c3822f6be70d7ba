"""Small problems, written down or drawn at random, and what an allocation must obey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from hypothesis import strategies as st

from suanli.kernel.scheduling.heterogeneity.problem import Allocation, Pairs, Problem, Reals

TOLERANCE = 1e-6


def problem(
    rates: Sequence[Sequence[float]],
    devices: Sequence[int],
    *,
    scale: Sequence[int] = (),
    weight: Sequence[float] = (),
    left: Sequence[float] = (),
    age_s: Sequence[float] = (),
    pairs: Pairs | None = None,
) -> Problem:
    """A problem with ones, and no age, for what is not said."""
    jobs = len(rates)
    alone = Problem(
        rates=np.array(rates, dtype=np.float64).reshape(jobs, len(devices)),
        devices=np.array(devices, dtype=np.int64),
        scale=np.array(scale or [1] * jobs, dtype=np.int64),
        weight=np.array(weight or [1] * jobs, dtype=np.float64),
        left=np.array(left or [1] * jobs, dtype=np.float64),
        done=np.zeros(jobs),
        age_s=np.array(age_s or [0] * jobs, dtype=np.float64),
    )
    return alone if pairs is None else replace(alone, pairs=pairs)


def obeys(found: Problem, allocation: Allocation) -> None:
    """No job has more than its time, no model is given out beyond its devices, nobody is where it cannot run."""
    assert allocation.shape == (found.units, found.devices.size)
    assert (allocation >= 0).all()
    assert (allocation[~found.usable] == 0).all()
    assert (found.unit_scale @ allocation <= found.devices + TOLERANCE).all()
    job, unit, _ = found.members()
    time = np.bincount(job, allocation.sum(axis=1)[unit], minlength=found.scale.size)
    assert (time <= 1 + TOLERANCE).all()


def fair_parts(found: Problem, allocation: Allocation) -> Reals:
    """Throughput of each job that can run at all, in parts of its fair one."""
    runs = found.usable[: found.scale.size].any(axis=1)
    return (found.throughput(allocation) / np.where(runs, found.weight * found.equal_share(), 1))[runs]


def grid(found: Problem, parts: int) -> list[Allocation]:
    """Every allocation without pairs whose entries are multiples of 1 / parts."""
    shape = found.rates.shape
    rows = [row for row in product(range(parts + 1), repeat=shape[1]) if sum(row) <= parts]
    every = (np.array(choice, dtype=np.float64).reshape(shape) / parts for choice in product(rows, repeat=shape[0]))
    return [
        one for one in every if (found.scale @ one <= found.devices + TOLERANCE).all() and found.usable[one > 0].all()
    ]


@st.composite
def problems(draw: st.DrawFn, *, jobs: int = 6, models: int = 3, gangs: bool = True, blanks: bool = True) -> Problem:
    """Up to so many jobs and models, with zeros among the rates."""
    count, kinds = draw(st.integers(1, jobs)), draw(st.integers(1, models))
    rate = st.sampled_from([0.0, 0.25, 1.0, 2.0, 3.5, 8.0] if blanks else [0.25, 1.0, 2.0, 3.5, 8.0])

    def column(values: st.SearchStrategy[float], size: int = count) -> list[float]:
        return draw(st.lists(values, min_size=size, max_size=size))

    return problem(
        [column(rate, kinds) for _ in range(count)],
        [int(number) for number in column(st.sampled_from([1, 2, 4]), kinds)],
        scale=[int(number) for number in column(st.sampled_from([1, 1, 2] if gangs else [1]))],
        weight=column(st.sampled_from([1.0, 2.0])),
        left=column(st.sampled_from([1.0, 5.0, 40.0])),
        age_s=column(st.sampled_from([0.0, 3.0, 10.0])),
    )
