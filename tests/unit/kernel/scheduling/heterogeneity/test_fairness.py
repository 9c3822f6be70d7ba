"""Max-min and finish-time fairness on small tables worked by hand, and the heuristic beside the exact answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.heterogeneity.fairness import (
    LEAST_DEMAND,
    QUANTUM,
    RATIO_ERROR,
    deal,
    finish_time_fairness,
    max_min,
    max_min_quickly,
    most_even,
)
from suanli.kernel.scheduling.heterogeneity.problem import Pairs, Problem
from tests.unit.kernel.scheduling.heterogeneity.problems import fair_parts, obeys, problem, problems

near = pytest.approx


def rows(found: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[list[float]]:
    return [[float(part) for part in row] for row in found]


def close(found: list[list[float]], wanted: list[list[float]], within: float = 1e-5) -> None:
    assert np.abs(np.array(found) - np.array(wanted)).max() <= within


@pytest.mark.parametrize(
    ("rates", "devices", "more", "allocation"),
    [
        pytest.param([[3]], [1], {}, [[1]], id="one job has all of its time"),
        pytest.param([[3]], [5], {}, [[1]], id="and never more"),
        pytest.param([[3, 1]], [1, 1], {}, [[1, 0]], id="on the faster model"),
        pytest.param([[1], [1]], [1], {}, [[0.5], [0.5]], id="two alike halve a device"),
        pytest.param([[1], [5]], [1], {}, [[0.5], [0.5]], id="by time, though one is faster"),
        pytest.param([[1], [1], [1]], [2], {}, [[2 / 3], [2 / 3], [2 / 3]], id="three alike share two"),
        pytest.param([[1], [1]], [1], {"weight": [1, 3]}, [[0.25], [0.75]], id="by their claims"),
        pytest.param([[1], [1]], [2], {"weight": [1, 3]}, [[1], [1]], id="with enough for both"),
        pytest.param([[4, 1], [1, 1]], [1, 1], {}, [[1, 0], [0, 1]], id="each where it excels"),
        pytest.param([[1, 1], [1, 1]], [2, 0], {}, [[1, 0], [1, 0]], id="a model of which there is none"),
        pytest.param([[1], [1]], [2], {"scale": [2, 2]}, [[0.5], [0.5]], id="two gangs take turns"),
        pytest.param([[1], [1]], [1], {"scale": [2, 1]}, [[0], [1]], id="a gang too wide has nothing"),
        pytest.param([[1, 0], [0, 1]], [1, 1], {}, [[1, 0], [0, 1]], id="each on the only model it runs on"),
        pytest.param([[2, 0], [2, 0]], [1, 5], {}, [[0.5, 0], [0.5, 0]], id="both on the only one they run on"),
    ],
)
def test_the_fairest_allocation(
    rates: list[list[float]], devices: list[int], more: dict[str, list[float]], allocation: list[list[float]]
) -> None:
    found = problem(rates, devices, **more)  # type: ignore[arg-type]
    close(rows(max_min(found)), allocation)
    obeys(found, max_min(found))


@pytest.mark.parametrize(
    ("rates", "devices", "least"),
    [
        # x of the first model's time for the first job: (1 + 3x) / 2.5 = (2 - x) / 1.5 at x = 0.5.
        pytest.param([[4, 1], [2, 1]], [1, 1], 1.0, id="both want the first model more or less"),
        # Each alone on its best: 8 and 8 of (8 + 1) / 2.
        pytest.param([[8, 1], [1, 8]], [1, 1], 16 / 9, id="opposite tastes"),
        pytest.param([[1, 1], [1, 1], [1, 1]], [1, 1], 1.0, id="three alike on two alike"),
        # Four of six devices are twice as fast. Time t there for each of three: shares (2 t + (1 - t)) of 5 / 3.
        pytest.param(
            [[2, 1], [2, 1], [2, 1]], [2, 1], (2 * 2 + 1) / 3 / (5 / 3), id="three alike on models that differ"
        ),
    ],
)
def test_the_least_that_anybody_has_in_parts_of_the_fair_share(
    rates: list[list[float]], devices: list[int], least: float
) -> None:
    found = problem(rates, devices)
    assert fair_parts(found, max_min(found)).min() == near(least, rel=1e-5)


def test_beyond_the_least_the_sum_is_as_great_as_can_be() -> None:
    # The first can only use half of a gang's time; the rest goes to whoever makes most of it.
    found = problem([[1, 0], [0, 1]], [1, 1], weight=[1, 1])
    assert found.throughput(max_min(found)).sum() == near(2)
    # One job is held down by its only model; the other is not held down with it.
    held = problem([[1, 0], [1, 0], [0, 1]], [1, 1])
    assert held.throughput(max_min(held)).tolist() == near([0.5, 0.5, 1])


def test_a_pair_is_used_only_where_both_gain() -> None:
    def with_rates(one: float, two: float) -> Problem:
        return problem([[1], [1]], [1], pairs=Pairs(np.array([0]), np.array([1]), np.array([[[one], [two]]])))

    for one, two in ((0.8, 0.8), (0.6, 0.6)):
        found = with_rates(one, two)
        assert found.throughput(max_min(found)).tolist() == near([one, two], rel=1e-5)
    poor = with_rates(0.4, 0.4)
    assert poor.throughput(max_min(poor)).tolist() == near([0.5, 0.5], rel=1e-5)


def test_most_even_goes_by_any_unit() -> None:
    found = problem([[2], [2]], [1])
    for unit, parts in (([1, 1], [0.5, 0.5]), ([1, 3], [0.25, 0.75]), ([10, 30], [0.25, 0.75])):
        assert most_even(found, np.array(unit, dtype=np.float64))[:, 0].tolist() == near(parts, rel=1e-5)


def test_where_nobody_asks_for_anything_all_are_alike() -> None:
    found = problem([[2], [2]], [1])
    assert most_even(found, np.zeros(2)).sum() == near(1, rel=1e-5)


def test_who_asks_for_next_to_nothing_does_not_lead_the_solver_astray() -> None:
    found = problem([[1], [1]], [1])
    allocation = most_even(found, np.array([1.0, LEAST_DEMAND / 1e3]))
    obeys(found, allocation)
    assert allocation[0, 0] == near(1, abs=1e-4)


@settings(max_examples=60)
@given(problems(jobs=4, models=2), st.integers(0, 3))
def test_a_job_alike_another_gets_the_same(found: Problem, which: int) -> None:
    which %= found.scale.size
    columns = ("rates", "scale", "weight", "left", "done", "age_s")
    more: dict[str, Any] = {name: np.concatenate([(one := getattr(found, name)), one[[which]]]) for name in columns}
    doubled = replace(found, **more)
    allocation = max_min(doubled)
    obeys(doubled, allocation)
    assert allocation[which] == near(allocation[-1], abs=1e-6)


@settings(max_examples=60)
@given(problems(), st.sampled_from([0.5, 3.0, 100.0]))
def test_fairness_does_not_depend_on_units_of_steps_or_claims(found: Problem, factor: float) -> None:
    for name in ("rates", "weight"):
        scaled = replace(found, **{name: getattr(found, name) * factor})
        least, other = fair_parts(found, max_min(found)), fair_parts(scaled, max_min(scaled))
        if least.size:
            parts = other if name == "rates" else other * factor
            assert parts.min() == near(least.min(), rel=1e-4)


@pytest.mark.parametrize(
    ("rates", "devices", "allocation"),
    [
        pytest.param([[1]], [1], [[1]], id="one job"),
        pytest.param([[1], [1]], [1], [[0.5], [0.5]], id="two alike"),
        pytest.param([[4, 1], [1, 1]], [1, 1], [[1, 0], [0, 1]], id="each where it excels"),
        pytest.param([[0, 0], [1, 1]], [1, 0], [[0, 0], [1, 0]], id="who cannot run has nothing"),
        pytest.param([[3, 2]], [1, 1], [[1, 0]], id="the faster first"),
    ],
)
def test_dealing_in_parts(rates: list[list[float]], devices: list[int], allocation: list[list[float]]) -> None:
    close(rows(max_min_quickly(problem(rates, devices))), allocation, within=QUANTUM)


@settings(max_examples=100)
@given(problems())
def test_dealing_leaves_nothing_that_somebody_could_use(found: Problem) -> None:
    allocation = deal(found, found.weight)
    obeys(found, allocation)
    left = found.devices - found.scale @ allocation
    time = 1 - allocation.sum(axis=1)
    for job, model in zip(*np.nonzero(found.usable), strict=True):
        assert time[job] <= 1e-6 or left[model] <= 1e-6


def test_pairs_stay_unused_when_dealt_in_parts() -> None:
    pair = Pairs(np.array([0]), np.array([1]), np.array([[[0.9], [0.9]]]))
    assert max_min_quickly(problem([[1], [1]], [1], pairs=pair)).tolist() == [[0.5], [0.5], [0.0]]


def ratios(found: Problem) -> list[float]:
    """Finish times in parts of those with an equal share, of jobs that can run."""
    ends = found.age_s + found.left / found.throughput(finish_time_fairness(found))
    return list(ends / ((found.done + found.left) / found.equal_share()))


@pytest.mark.parametrize(
    ("rates", "devices", "more", "worst"),
    [
        pytest.param([[2]], [1], {"left": [10]}, 1.0, id="alone"),
        pytest.param([[1], [1]], [1], {"left": [10, 10]}, 1.0, id="two alike"),
        pytest.param([[1], [1]], [1], {"left": [10, 30]}, 1.0, id="a short and a long one"),
        # Half of the device each: done 22 s after they came, where an equal share all along takes 20 s.
        pytest.param([[1], [1]], [1], {"left": [10, 10], "age_s": [2, 2]}, 1.1, id="both have waited a tenth"),
        pytest.param([[1], [1]], [2], {"left": [10, 10]}, 1.0, id="a device each"),
        pytest.param([[4, 1], [1, 1]], [1, 1], {"left": [8, 8]}, 1.0, id="each where it excels is at least fair"),
    ],
)
def test_the_worst_ratio_of_finish_times(
    rates: list[list[float]], devices: list[int], more: dict[str, list[float]], worst: float
) -> None:
    found = problem(rates, devices, **more)  # type: ignore[arg-type]
    obeys(found, finish_time_fairness(found))
    assert max(ratios(found)) == near(worst, rel=3 * RATIO_ERROR)


def test_who_has_waited_longer_gets_more_until_the_ratios_are_alike() -> None:
    found = problem([[1], [1]], [1], left=[10, 10], age_s=[10, 0])
    allocation = finish_time_fairness(found)
    assert allocation[0, 0] > allocation[1, 0] > 0
    one, other = ratios(found)
    assert one == near(other, rel=1e-2)


def test_steps_done_count_for_how_long_it_would_have_taken() -> None:
    # Of 40 steps 30 are done, so an equal share would end it at 80 s; the other, of 10, at 20 s.
    found = replace(problem([[1], [1]], [1], left=[10, 10]), done=np.array([30.0, 0.0]))
    allocation = finish_time_fairness(found)
    assert allocation[0, 0] < allocation[1, 0]


def test_who_can_run_nowhere_has_nothing_and_does_not_hold_others_down() -> None:
    found = problem([[0], [1]], [1], left=[5, 5])
    close(rows(finish_time_fairness(found)), [[0], [1]])
    assert not finish_time_fairness(problem([[0]], [1])).any()
