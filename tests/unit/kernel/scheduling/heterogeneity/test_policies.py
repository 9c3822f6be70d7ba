"""Policies where the answer can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from suanli.kernel.scheduling.heterogeneity.completion import (
    first_come_first_served,
    min_makespan,
    min_total_completion,
    shortest_first,
)
from suanli.kernel.scheduling.heterogeneity.fairness import finish_time_fairness, max_min
from suanli.kernel.scheduling.heterogeneity.problem import Pairs, blind
from suanli.kernel.scheduling.heterogeneity.spending import Terms, least_cost, steps_per_cost
from suanli.model.errors import InvalidRequestError
from tests.unit.kernel.scheduling.heterogeneity.problems import fair_parts, obeys, problem

NEVER = np.inf


def near(found: object, wanted: object) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), atol=1e-5)


def test_max_min_gives_the_fast_model_to_whom_it_is_faster_for() -> None:
    # The first job is four times as fast on the first model, the second as fast on either.
    found = problem([[4, 1], [1, 1]], [1, 1])
    near(max_min(found), [[1, 0], [0, 1]])
    near(blind(max_min)(found), [[0.5, 0.5], [0.5, 0.5]])


def test_max_min_splits_a_model_both_want() -> None:
    # Fair are 2.5 and 1.5; with x of the first model's time the first has 4x + (1 - x), the second 2(1 - x) + x, and
    # (1 + 3x) / 2.5 = (2 - x) / 1.5 at x = 0.5.
    found = problem([[4, 1], [2, 1]], [1, 1])
    parts = fair_parts(found, max_min(found))
    near(parts, [1, 1])


def test_weights_are_claims() -> None:
    near(max_min(problem([[1], [1]], [1], weight=[3, 1])), [[0.75], [0.25]])


def test_a_gang_has_its_share_of_devices_not_of_time() -> None:
    # Two devices: the gang of two for half the time is worth a device, as is the single job all of the time.
    near(max_min(problem([[1], [1], [1]], [2], scale=[2, 1, 1])), [[1 / 3], [2 / 3], [2 / 3]])


def test_who_can_run_nowhere_does_not_hold_the_others_down() -> None:
    near(max_min(problem([[0, 0], [1, 0], [5, 5]], [1, 1], scale=[1, 1, 2])), [[0, 0], [1, 0], [0, 0]])


def test_sharing_is_used_where_it_is_worth_it() -> None:
    # Alone either has half the time at rate 1; together each runs at 0.8 all the time.
    pair = Pairs(np.array([0]), np.array([1]), np.array([[[0.8], [0.8]]]))
    found = problem([[1], [1]], [1], pairs=pair)
    near(max_min(found), [[0], [0], [1]])
    near(found.throughput(max_min(found)), [0.8, 0.8])
    near(min_makespan(found), [[0], [0], [1]])
    near(blind(max_min)(found), [[0], [0], [1]])


def test_makespan_is_that_of_the_best_split() -> None:
    # 12 steps at 4 or 1 and 6 at 1 or 1: apart they take 3 s and 6 s; giving the second more of the first model too,
    # all is done at T with 4(1 - y) = 12 / T for the first and 1 for the second, which has no more time to give.
    found = problem([[4, 1], [1, 1]], [1, 1], left=[12, 6])
    done = found.left / found.throughput(min_makespan(found))
    assert done.max() == pytest.approx(6, rel=1e-5)


def test_makespan_shares_one_device_in_proportion() -> None:
    near(min_makespan(problem([[2], [2]], [1], left=[30, 10])), [[0.75], [0.25]])


def test_finish_time_fairness_makes_up_for_what_was_waited() -> None:
    # Alike but for age: the older one gets more, so that both end in the same ratio to 2 s alone.
    found = problem([[1], [1]], [1], age_s=[2, 0])
    allocation = finish_time_fairness(found)
    ratios = (found.age_s + found.left / found.throughput(allocation)) / 2
    assert allocation[0, 0] > allocation[1, 0]
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-3)


def test_least_total_completion_is_not_greedy() -> None:
    # Run times 2 and 3 for the first, 3 and 9 for the second job. Shortest first takes the first model for the first
    # job: 2 + min(2 + 3, 9) = 7. Better: the second there and the first on the other, 3 + 3 = 6.
    found = problem([[1 / 2, 1 / 3], [1 / 3, 1 / 9]], [1, 1])
    near(min_total_completion(found), [[0, 1], [1, 0]])
    near(shortest_first(found), [[1, 0], [0, 1]])


def test_the_last_places_are_for_the_long() -> None:
    near(min_total_completion(problem([[1], [1], [1]], [2], left=[9, 1, 5])), [[0], [1], [1]])


def test_first_come_first_served_lets_gangs_wait_and_later_ones_pass() -> None:
    found = problem([[1, 2], [1, 9], [1, 9]], [2, 1], scale=[1, 2, 2])
    near(first_come_first_served(found), [[0, 1], [1, 0], [0, 0]])


def test_least_cost_keeps_deadlines_at_the_lowest_price() -> None:
    # 10 steps in 10 s: the cheap model does it alone. In 4 s it takes 2.5 steps/s: 4x + (1 - x), half of each.
    terms = np.array([10.0, 1.0])
    found = problem([[4, 1]], [1, 1], left=[10])
    near(least_cost(Terms(terms, np.array([10.0])))(found), [[0, 1]])
    near(least_cost(Terms(terms, np.array([4.0])))(found), [[0.5, 0.5]])


def test_a_deadline_that_cannot_be_kept_is_missed_by_as_little_as_can_be() -> None:
    found = problem([[4, 1]], [1, 1], left=[100])
    near(least_cost(Terms(np.array([10.0, 1.0]), np.array([1.0])))(found), [[1, 0]])


def test_without_deadline_nothing_is_bought_at_least_cost_and_the_best_bargain_otherwise() -> None:
    found, terms = problem([[4, 1]], [1, 1]), Terms(np.array([10.0, 1.0]), np.array([NEVER]))
    near(least_cost(terms)(found), [[0, 0]])
    near(steps_per_cost(terms)(found), [[0, 1]])


def test_a_blind_plan_knows_the_mean_only() -> None:
    found = problem([[3, 1], [0, 2]], [1, 3], left=[3, 2])
    allocation = blind(shortest_first)(found)
    obeys(found, allocation)
    # Both run all of the time, a quarter of it on the first model, where the second job then does nothing.
    near(allocation, [[0.25, 0.75], [0, 0.75]])


@pytest.mark.parametrize(
    ("rates", "devices", "scale"),
    [([[-1.0]], [1], [1]), ([[np.nan]], [1], [1]), ([[1.0]], [-1], [1]), ([[1.0]], [1], [-1])],
)
def test_what_makes_no_sense_is_refused(rates: list[list[float]], devices: list[int], scale: list[int]) -> None:
    with pytest.raises(InvalidRequestError, match="out of range"):
        problem(rates, devices, scale=scale)


def test_columns_must_fit() -> None:
    with pytest.raises(InvalidRequestError, match="do not fit"):
        problem([[1.0]], [1], left=[1, 2])
