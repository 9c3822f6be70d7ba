"""What every policy keeps on problems drawn at random, and how far heuristics stay behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.heterogeneity.completion import (
    assign,
    first_come_first_served,
    min_makespan,
    min_makespan_quickly,
    min_total_completion,
    run_times,
    shortest_first,
)
from suanli.kernel.scheduling.heterogeneity.fairness import finish_time_fairness, max_min, max_min_quickly
from suanli.kernel.scheduling.heterogeneity.problem import Pairs, Policy, Problem, Reals, blind
from suanli.kernel.scheduling.heterogeneity.spending import Terms, least_cost, least_cost_quickly, steps_per_cost
from tests.unit.kernel.scheduling.heterogeneity.problems import TOLERANCE, fair_parts, grid, obeys, problem, problems

MONEY = (4.0, 2.0, 1.0)


def terms(found: Problem) -> Terms:
    """Prices by model, and a deadline for every second job."""
    within = np.where(np.arange(found.scale.size) % 2 == 0, 20.0, np.inf)
    return Terms(np.array(MONEY[: found.devices.size]), within)


def on_terms(make: Callable[[Terms], Policy]) -> Policy:
    return lambda found: make(terms(found))(found)


POLICIES: dict[str, Policy] = {
    "max_min": max_min,
    "max_min_quickly": max_min_quickly,
    "finish_time_fairness": finish_time_fairness,
    "min_makespan": min_makespan,
    "min_makespan_quickly": min_makespan_quickly,
    "min_total_completion": min_total_completion,
    "first_come_first_served": first_come_first_served,
    "shortest_first": shortest_first,
    "steps_per_cost": on_terms(steps_per_cost),
    "least_cost": on_terms(least_cost),
    "least_cost_quickly": on_terms(least_cost_quickly),
}


@pytest.mark.parametrize("name", POLICIES)
@given(found=problems())
@settings(max_examples=60, deadline=None)
def test_allocations_are_feasible_aware_and_blind(name: str, found: Problem) -> None:
    obeys(found, POLICIES[name](found))
    obeys(found, blind(POLICIES[name])(found))


@pytest.mark.parametrize("name", ["max_min", "min_makespan", "finish_time_fairness", "steps_per_cost", "least_cost"])
@given(found=problems(jobs=4), data=st.data())
@settings(max_examples=40, deadline=None)
def test_shared_devices_are_feasible_and_never_worse(name: str, found: Problem, data: st.DataObject) -> None:
    jobs = found.scale.size
    couples = [(a, b) for a in range(jobs) for b in range(a + 1, jobs) if found.scale[a] == found.scale[b]]
    parts = data.draw(st.lists(st.sampled_from([0.0, 0.4, 0.7, 1.0]), min_size=len(couples), max_size=len(couples)))
    rates = [found.rates[[a, b]] * part for (a, b), part in zip(couples, parts, strict=True)]
    rates = [both * (both > 0).all(axis=0) for both in rates]
    first, second = (np.array([couple[place] for couple in couples], dtype=np.int64) for place in (0, 1))
    pairs = Pairs(first, second, np.array(rates).reshape(len(couples), 2, found.devices.size))
    shared = replace(found, pairs=pairs)
    obeys(shared, POLICIES[name](shared))
    obeys(shared, blind(POLICIES[name])(shared))
    if name == "max_min" and fair_parts(found, max_min(found)).size:
        least = fair_parts(shared, max_min(shared)).min()
        assert least >= fair_parts(found, max_min(found)).min() * (1 - TOLERANCE) - TOLERANCE


@given(found=problems(jobs=2, models=2))
@settings(max_examples=60, deadline=None)
def test_no_allocation_on_a_grid_is_fairer(found: Problem) -> None:
    best = fair_parts(found, max_min(found)).min(initial=np.inf)
    for other in grid(found, 6):
        assert fair_parts(found, other).min(initial=np.inf) <= best * (1 + TOLERANCE) + TOLERANCE


def last_end(found: Problem, allocation: Reals) -> float:
    runs = found.usable[: found.scale.size].any(axis=1)
    return float((found.left / np.maximum(found.throughput(allocation), 1e-12))[runs].max(initial=0))


@given(found=problems(jobs=2, models=2))
@settings(max_examples=60, deadline=None)
def test_no_allocation_on_a_grid_ends_sooner(found: Problem) -> None:
    best = last_end(found, min_makespan(found))
    for other in grid(found, 6):
        assert last_end(found, other) >= best * (1 - TOLERANCE)


def worst_ratio(found: Problem, allocation: Reals) -> float:
    runs = found.usable[: found.scale.size].any(axis=1)
    ends = found.age_s + found.left / np.maximum(found.throughput(allocation), 1e-12)
    return float((ends / ((found.done + found.left) / np.maximum(found.equal_share(), 1e-12)))[runs].max(initial=0))


@given(found=problems(jobs=2, models=2))
@settings(max_examples=60, deadline=None)
def test_no_allocation_on_a_grid_has_a_smaller_worst_ratio(found: Problem) -> None:
    best = worst_ratio(found, finish_time_fairness(found))
    for other in grid(found, 6):
        assert worst_ratio(found, other) >= best * (1 - 1e-3)


def total_completion(found: Problem, models: tuple[int, ...]) -> float:
    """The sum of completion times when each job runs on one device of its model, shortest first, by trying out."""
    times, total = run_times(found), 0.0
    for model, devices in enumerate(found.devices):
        free = [0.0] * int(devices)
        for took in sorted(float(times[job, model]) for job, at in enumerate(models) if at == model):
            start = min(free)
            free[free.index(start)] = start + took
            total += start + took
    return total


@given(found=problems(jobs=4, models=3, gangs=False))
@settings(max_examples=80, deadline=None)
def test_no_assignment_has_a_smaller_sum_of_completion_times(found: Problem) -> None:
    runs = found.usable.any(axis=1)
    only = replace(
        found, **{name: getattr(found, name)[runs] for name in ("rates", "scale", "weight", "left", "done", "age_s")}
    )
    chosen = tuple(int(model) for model in assign(only, run_times(only)))
    every = product(range(found.devices.size), repeat=len(chosen))
    least = min(total_completion(only, models) for models in every)
    assert total_completion(only, chosen) <= least * (1 + TOLERANCE)


@pytest.mark.parametrize("policy", [max_min, min_makespan], ids=["max_min", "min_makespan"])
@given(found=problems(jobs=4), data=st.data())
@settings(max_examples=40, deadline=None)
def test_jobs_in_another_order_get_the_same(policy: Policy, found: Problem, data: st.DataObject) -> None:
    order = np.array(data.draw(st.sampled_from(list(permutations(range(found.scale.size))))))
    columns = ("rates", "scale", "weight", "left", "done", "age_s")
    turned = replace(found, **{name: getattr(found, name)[order] for name in columns})
    np.testing.assert_allclose(policy(turned), policy(found)[order], atol=1e-6)


@pytest.mark.parametrize("policy", [max_min, min_makespan, finish_time_fairness], ids=["max_min", "makespan", "finish"])
@given(found=problems(models=2, gangs=False, blanks=False), data=st.data())
@settings(max_examples=40, deadline=None)
def test_where_all_models_are_alike_blind_is_as_good(policy: Policy, found: Problem, data: st.DataObject) -> None:
    same = replace(found, rates=np.repeat(found.rates[:, :1], found.devices.size, axis=1))
    blindly, aware = blind(policy)(same), policy(same)
    if policy is max_min:
        assert fair_parts(same, blindly).min() == pytest.approx(fair_parts(same, aware).min(), rel=1e-5)
    elif policy is min_makespan:
        assert last_end(same, blindly) == pytest.approx(last_end(same, aware), rel=1e-5)
    else:
        assert worst_ratio(same, blindly) == pytest.approx(worst_ratio(same, aware), rel=1e-3)


def drawn(seed: int) -> Problem:
    """A problem that is the same every time, so that a bound on all of a set can be stated."""
    chance = np.random.default_rng(seed)
    jobs, models = int(chance.integers(1, 7)), int(chance.integers(1, 4))
    return problem(
        chance.choice([0, 0.25, 1, 2, 3.5, 8], (jobs, models)).tolist(),
        chance.choice([1, 2, 4], models).tolist(),
        scale=chance.choice([1, 1, 2], jobs).tolist(),
        weight=chance.choice([1.0, 2.0], jobs).tolist(),
        left=chance.choice([1.0, 5.0, 40.0], jobs).tolist(),
    )


def test_how_far_dealing_in_parts_stays_behind() -> None:
    fair, ends = [], []
    for found in map(drawn, range(400)):
        best, quick = fair_parts(found, max_min(found)), fair_parts(found, max_min_quickly(found))
        if best.size:
            fair.append(quick.min() / best.min())
            ends.append(last_end(found, min_makespan(found)) / last_end(found, min_makespan_quickly(found)))
    for reached in (fair, ends):
        assert max(reached) <= 1 + 1e-5
        assert min(reached) >= 0.25
        assert np.quantile(reached, 0.05) >= 0.8
        assert np.median(reached) >= 0.98


@given(found=problems(blanks=False))
@settings(max_examples=100, deadline=None)
def test_least_cost_spends_no_more_than_the_heuristic_where_both_keep_all_deadlines(found: Problem) -> None:
    given_terms = terms(found)
    price = found.unit_scale[:, None] * given_terms.rate
    until = np.where(np.isfinite(given_terms.within_s), given_terms.within_s, 0)
    exact, quick = least_cost(given_terms)(found), least_cost_quickly(given_terms)(found)
    kept = found.throughput(quick) >= given_terms.need(found) * (1 - TOLERANCE)
    if kept.all():
        assert (found.throughput(exact) >= given_terms.need(found) * (1 - 1e-4)).all()
        spent, least = (float((until @ (price * one)).sum()) for one in (quick, exact))
        assert least <= spent * (1 + 1e-4) + 1e-4
        assert spent <= 3 * least + 1e-2


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("rates", [[], [[0.0, 0.0]], [[1.0, 2.0]]], ids=["no jobs", "no rates", "no devices"])
def test_where_nothing_can_run_nothing_is_given(name: str, rates: list[list[float]]) -> None:
    for policy in (POLICIES[name], blind(POLICIES[name])):
        assert not policy(problem(rates, [0, 0] if rates == [[1.0, 2.0]] else [1, 1])).any()


@pytest.mark.parametrize("name", POLICIES)
def test_a_job_with_nothing_left_is_no_trouble(name: str) -> None:
    for left in ([0.0, 0.0], [0.0, 5.0]):
        found = problem([[1, 2], [2, 1]], [1, 1], left=left)
        obeys(found, POLICIES[name](found))
        obeys(found, blind(POLICIES[name])(found))
