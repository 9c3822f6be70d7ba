"""Policies on what devices cost: deadlines first, then money, on tables worked by hand and beside every choice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings

from suanli.kernel.scheduling.heterogeneity.problem import Allocation, Pairs, Problem
from suanli.kernel.scheduling.heterogeneity.spending import Terms, least_cost, least_cost_quickly, steps_per_cost
from tests.unit.kernel.scheduling.heterogeneity.problems import grid, obeys, problem, problems

near = pytest.approx
NEVER = np.inf


def terms(rate: Sequence[float], within: Sequence[float]) -> Terms:
    return Terms(np.array(rate, dtype=np.float64), np.array(within, dtype=np.float64))


def close(found: Allocation, wanted: list[list[float]], within: float = 1e-5) -> None:
    assert np.abs(found - np.array(wanted)).max() <= within


@pytest.mark.parametrize(
    ("rates", "devices", "left", "within", "need"),
    [
        pytest.param([[4]], [1], [8], [4], [2], id="steps over seconds"),
        pytest.param([[4]], [1], [8], [NEVER], [0], id="no deadline, no need"),
        pytest.param([[4]], [1], [8], [1], [4], id="what cannot be kept: its fastest"),
        pytest.param([[4]], [1], [8], [0], [4], id="too late: its fastest"),
        pytest.param([[4, 9]], [1, 0], [90], [1], [4], id="of the models that are there"),
        pytest.param([[0]], [1], [8], [4], [0], id="who cannot run needs nothing"),
    ],
)
def test_the_pace_that_keeps_a_deadline(
    rates: list[list[float]], devices: list[int], left: list[float], within: list[float], need: list[float]
) -> None:
    found = terms([1.0] * len(devices), within).need(problem(rates, devices, left=left))
    assert found.tolist() == near(need)


# A fast model at ten a second and a slow one at one.
FAST_AND_SLOW = (10.0, 1.0)


@pytest.mark.parametrize(
    ("rates", "left", "within", "allocation"),
    [
        pytest.param([[4, 1]], [10], [10], [[0, 1]], id="the cheap one keeps it"),
        pytest.param([[4, 1]], [20], [10], [[1 / 3, 2 / 3]], id="as little of the dear one as must be"),
        pytest.param([[4, 1]], [40], [10], [[1, 0]], id="only the dear one keeps it"),
        pytest.param([[4, 1]], [99], [10], [[1, 0]], id="nothing keeps it: as fast as can be"),
        pytest.param([[4, 1]], [5], [10], [[0, 0.5]], id="half of the time is enough"),
        pytest.param([[40, 1]], [5], [10], [[0.0125, 0]], id="the dear one is cheaper by the step"),
        pytest.param([[4, 1]], [10], [NEVER], [[0, 0]], id="no deadline: nothing is bought"),
        pytest.param([[0, 1]], [10], [1], [[0, 1]], id="where it can run"),
        pytest.param([[4, 1], [4, 1]], [10, 10], [10, 10], None, id="two that want the cheap one"),
    ],
)
def test_deadlines_are_kept_at_the_least_cost(
    rates: list[list[float]], left: list[float], within: list[float], allocation: list[list[float]] | None
) -> None:
    found, asked = problem(rates, [1, 1], left=left), terms(FAST_AND_SLOW, within)
    for policy in (least_cost, least_cost_quickly):
        given_ = policy(asked)(found)
        obeys(found, given_)
        kept = found.throughput(given_) >= asked.need(found) * (1 - 1e-4)
        assert kept.all()
    if allocation is not None:
        close(least_cost(asked)(found), allocation)


def test_of_two_that_cannot_both_be_kept_as_little_as_can_be_is_missed() -> None:
    # Each needs all of the one device.
    found, asked = problem([[1], [1]], [1], left=[10, 10]), terms([1.0], [10, 10])
    given_ = least_cost(asked)(found)
    assert given_.sum() == near(1, abs=1e-4)


def test_a_need_counts_in_parts_of_itself() -> None:
    # The device keeps the small need whole, or a part of the large one: a part missed of either counts alike.
    found, asked = problem([[1], [4]], [1], left=[10, 40]), terms([1.0], [20, 10])
    reached = found.throughput(least_cost(asked)(found)) / asked.need(found)
    assert (1 - reached).clip(0).sum() == near(0.5, abs=1e-4)


@pytest.mark.parametrize(
    ("rates", "rate", "allocation"),
    [
        pytest.param([[4, 1]], (10, 1), [[0, 1]], id="one step for one, not four for ten"),
        pytest.param([[40, 1]], (10, 1), [[1, 0]], id="forty for ten"),
        pytest.param([[4, 1], [1, 1]], (2, 1), [[1, 0], [0, 1]], id="each where its money goes farthest"),
        pytest.param([[1], [1]], (1,), None, id="alike: in any parts"),
    ],
)
def test_without_deadlines_the_best_bargain_is_bought(
    rates: list[list[float]], rate: tuple[float, ...], allocation: list[list[float]] | None
) -> None:
    found = problem(rates, [1] * len(rate))
    given_ = steps_per_cost(terms(rate, [NEVER] * len(rates)))(found)
    obeys(found, given_)
    if allocation is None:
        assert given_.sum() == near(1)
    else:
        close(given_, allocation)


def test_a_gang_costs_as_much_as_its_devices() -> None:
    # As many steps for the gang of two as for the single job: the single one is the better bargain.
    found = problem([[1], [1]], [2], scale=[2, 1])
    given_ = steps_per_cost(terms([1.0], [NEVER, NEVER]))(found)
    assert given_[1, 0] == near(1)


def test_deadlines_go_before_bargains() -> None:
    found = problem([[1], [9]], [1], left=[10, 10])
    given_ = steps_per_cost(terms([1.0], [10, NEVER]))(found)
    close(given_, [[1], [0]], within=1e-4)


def test_shared_devices_keep_two_deadlines() -> None:
    pair = Pairs(np.array([0]), np.array([1]), np.array([[[0.75], [0.75]]]))
    found = problem([[1], [1]], [1], left=[7, 7], pairs=pair)
    asked = terms([1.0], [10, 10])
    assert (found.throughput(least_cost(asked)(found)) >= 0.7 - 1e-4).all()
    alone = problem([[1], [1]], [1], left=[7, 7])
    assert found.throughput(least_cost(asked)(found)).sum() > alone.throughput(least_cost(asked)(alone)).sum()


def cost(asked: Terms, found: Problem, allocation: Allocation) -> float:
    """What is held until each job's deadline, of those that have one."""
    until = np.where(np.isfinite(asked.within_s), asked.within_s, 0)
    return float((until[:, None] * found.scale[:, None] * allocation * asked.rate).sum())


def missed(asked: Terms, found: Problem, allocation: Allocation) -> float:
    need = asked.need(found)
    parts = np.where(need > 0, found.throughput(allocation) / np.maximum(need, 1e-12), 1)
    return float((1 - parts).clip(0).sum())


@settings(max_examples=50)
@given(problems(jobs=2, models=2))
def test_no_allocation_on_a_grid_misses_less_or_costs_less(found: Problem) -> None:
    asked = terms((4.0, 1.0)[: found.devices.size], (20.0, 4.0)[: found.scale.size])
    best = least_cost(asked)(found)
    least_missed, least = missed(asked, found, best), cost(asked, found, best)
    for other in grid(found, 6):
        assert missed(asked, found, other) >= least_missed - 1e-4
        if missed(asked, found, other) <= least_missed:
            assert cost(asked, found, other) >= least * (1 - 1e-3) - 1e-3


@settings(max_examples=60)
@given(problems())
def test_the_quick_one_never_gives_beyond_the_need(found: Problem) -> None:
    within = np.where(np.arange(found.scale.size) % 2 == 0, 9.0, NEVER)
    asked = Terms(np.array((4.0, 2.0, 1.0)[: found.devices.size]), within)
    given_ = least_cost_quickly(asked)(found)
    obeys(found, given_)
    assert (found.throughput(given_) <= asked.need(found) * (1 + 1e-6) + 1e-9).all()
    assert not given_[1::2].any()


def test_nothing_can_be_bought_where_nothing_can_run() -> None:
    asked = terms([1.0], [10])
    for policy in (least_cost, steps_per_cost, least_cost_quickly):
        assert not policy(asked)(problem([[0]], [1])).any()
