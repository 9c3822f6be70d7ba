"""Policies on when jobs end: small tables by hand, and gangs and assignments against every choice."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.heterogeneity.completion import (
    assign,
    first_come_first_served,
    in_order,
    min_makespan,
    min_makespan_quickly,
    min_total_completion,
    run_times,
    shortest_first,
)
from suanli.kernel.scheduling.heterogeneity.problem import Pairs, Problem
from tests.unit.kernel.scheduling.heterogeneity.problems import obeys, problem, problems

near = pytest.approx
INF = np.inf


@pytest.mark.parametrize(
    ("rates", "devices", "more", "times"),
    [
        pytest.param([[2, 4]], [1, 1], {"left": [8]}, [[4, 2]], id="steps over the rate"),
        pytest.param([[0, 4]], [1, 1], {"left": [8]}, [[INF, 2]], id="no rate, no end"),
        pytest.param([[2, 4]], [1, 0], {"left": [8]}, [[4, INF]], id="no devices, no end"),
        pytest.param([[2, 4]], [1, 2], {"left": [8], "scale": [2]}, [[INF, 2]], id="too few for its gang"),
        pytest.param([[2, 4]], [1, 1], {"left": [0]}, [[0, 0]], id="nothing left"),
    ],
)
def test_how_long_the_rest_takes(
    rates: list[list[float]], devices: list[int], more: dict[str, list[float]], times: list[list[float]]
) -> None:
    if more["left"] == [0]:
        found = replace(problem(rates, devices), left=np.zeros(1))
    else:
        found = problem(rates, devices, **more)  # type: ignore[arg-type]
    assert run_times(found).tolist() == times


@pytest.mark.parametrize(
    ("rates", "devices", "more", "order", "allocation"),
    [
        pytest.param([[1, 2], [1, 2]], [1, 1], {}, [0, 1], [[0, 1], [1, 0]], id="the fastest with room"),
        pytest.param([[1, 2], [1, 2]], [1, 1], {}, [1, 0], [[1, 0], [0, 1]], id="in the order given"),
        pytest.param([[1, 2], [0, 2]], [1, 1], {}, [0, 1], [[0, 1], [0, 0]], id="who cannot use the rest waits"),
        pytest.param([[2, 2]], [1, 1], {}, [0], [[1, 0]], id="of equals the first model"),
        pytest.param([[1], [1]], [3], {"scale": [2, 2]}, [0, 1], [[1], [0]], id="a gang in whole or not at all"),
        pytest.param([[1], [1], [1]], [3], {"scale": [2, 2, 1]}, [0, 1, 2], [[1], [0], [1]], id="a later one may pass"),
        pytest.param([[0, 0]], [1, 1], {}, [0], [[0, 0]], id="nowhere to run"),
        pytest.param([[1]], [0], {}, [0], [[0]], id="no devices"),
    ],
)
def test_jobs_in_order_get_all_of_their_time(
    rates: list[list[float]],
    devices: list[int],
    more: dict[str, list[int]],
    order: list[int],
    allocation: list[list[float]],
) -> None:
    found = problem(rates, devices, **more)  # type: ignore[arg-type]
    assert in_order(found, np.array(order, dtype=np.int64)).tolist() == allocation
    if order == sorted(order):
        assert first_come_first_served(found).tolist() == allocation


@pytest.mark.parametrize(
    ("rates", "more", "first"),
    [
        pytest.param([[1], [1]], {"left": [9, 5]}, 1, id="the shorter"),
        pytest.param([[1], [1]], {"left": [5, 5]}, 0, id="of equals the first"),
        pytest.param([[1], [3]], {"left": [5, 9]}, 1, id="by time, not by steps"),
        pytest.param([[1], [1]], {"left": [5, 9], "scale": [2, 1]}, 1, id="by device time: a gang takes twice"),
        pytest.param([[1], [1]], {"left": [4, 9], "scale": [2, 1]}, 0, id="still shorter, though a gang"),
    ],
)
def test_the_job_that_needs_least_device_time_goes_first(
    rates: list[list[float]], more: dict[str, list[float]], first: int
) -> None:
    devices = max(more.get("scale", [1]))
    allocation = shortest_first(problem(rates, [int(devices)], **more))  # type: ignore[arg-type]
    assert [int(part) for part in allocation[:, 0]] == [int(job == first) for job in range(2)]


def test_the_shortest_is_judged_at_its_fastest_rate_where_it_can_run() -> None:
    # The first is quick on a model of which there is none.
    found = problem([[1, 100], [2, 2]], [1, 0], left=[10, 10])
    assert shortest_first(found).tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("rates", "devices", "more", "makespan"),
    [
        pytest.param([[2]], [1], {"left": [10]}, 5, id="one job"),
        pytest.param([[1], [1]], [1], {"left": [3, 7]}, 10, id="one device: the sum"),
        pytest.param([[1], [1]], [2], {"left": [3, 7]}, 7, id="a device each: the longer"),
        pytest.param([[1], [1], [1]], [2], {"left": [4, 4, 4]}, 6, id="three on two: parts of time"),
        pytest.param([[1, 1]], [1, 1], {"left": [8]}, 8, id="one job is on one device at a time"),
        pytest.param([[4, 1], [1, 4]], [1, 1], {"left": [8, 8]}, 2, id="each where it is fast"),
        pytest.param([[1], [1]], [2], {"left": [4, 4], "scale": [2, 1]}, 6, id="a gang and a single job"),
        pytest.param([[2, 1], [2, 1]], [1, 1], {"left": [6, 6]}, 4, id="two alike split both models"),
    ],
)
def test_the_least_makespan(
    rates: list[list[float]], devices: list[int], more: dict[str, list[float]], makespan: float
) -> None:
    found = problem(rates, devices, **more)  # type: ignore[arg-type]
    allocation = min_makespan(found)
    obeys(found, allocation)
    assert (found.left / found.throughput(allocation)).max() == near(makespan, rel=1e-5)
    quick = min_makespan_quickly(found)
    obeys(found, quick)
    assert (found.left / found.throughput(quick)).max() >= makespan * (1 - 1e-6)


def test_pairs_make_the_makespan_shorter_where_sharing_is_worth_it() -> None:
    pair = Pairs(np.array([0]), np.array([1]), np.array([[[0.75], [0.75]]]))
    alone, shared = problem([[1], [1]], [1], left=[6, 6]), problem([[1], [1]], [1], left=[6, 6], pairs=pair)
    spans = [(found.left / found.throughput(min_makespan(found))).max() for found in (alone, shared)]
    assert spans == near([12, 8], rel=1e-5)


def total(found: Problem, models: tuple[int, ...]) -> float:
    """The least sum of completion times when each job runs on one device of its model, in any order of any device."""
    times, added = run_times(found), 0.0
    for model, devices in enumerate(found.devices):
        here = [float(times[job, model]) for job, at in enumerate(models) if at == model]
        free = [0.0] * int(devices)
        for took in sorted(here):
            place = free.index(min(free))
            free[place] += took
            added += free[place]
    return added


@pytest.mark.parametrize(
    ("rates", "devices", "left", "models", "sum_"),
    [
        pytest.param([[1]], [1], [5], [0], 5, id="one job"),
        pytest.param([[1, 2]], [1, 1], [6], [1], 3, id="on the faster model"),
        pytest.param([[1], [1]], [1], [5, 2], [0, 0], 2 + 7, id="the shorter first"),
        pytest.param([[1], [1]], [2], [5, 2], [0, 0], 7, id="a device each"),
        pytest.param(
            [[2, 1], [2, 1]], [1, 1], [6, 6], [0, 0], 3 + 6, id="both on the fast one, though the other idles"
        ),
        pytest.param(
            [[3, 1], [3, 1], [3, 1]], [1, 1], [3, 3, 9], None, 1 + 2 + 5, id="the long one last on the fast one"
        ),
    ],
)
def test_the_least_sum_of_completion_times(
    rates: list[list[float]], devices: list[int], left: list[float], models: list[int] | None, sum_: float
) -> None:
    found = problem(rates, devices, left=left)
    chosen = assign(found, run_times(found)).tolist()
    assert models is None or chosen == models or total(found, tuple(chosen)) == sum_
    assert total(found, tuple(chosen)) == near(sum_)


def test_who_runs_nowhere_is_assigned_nowhere() -> None:
    found = problem([[0], [1]], [1])
    assert assign(found, run_times(found)).tolist() == [-1, 0]
    nobody = problem([[0]], [1])
    assert assign(nobody, run_times(nobody)).tolist() == [-1]


@pytest.mark.parametrize(
    ("rates", "devices", "more", "allocation"),
    [
        pytest.param([[1], [1]], [1], {"left": [5, 2]}, [[0], [1]], id="the shorter runs now"),
        pytest.param([[1], [1], [1]], [2], {"left": [5, 2, 1]}, [[0], [1], [1]], id="the two shorter"),
        pytest.param(
            [[2, 1], [2, 1]], [1, 1], {"left": [6, 5]}, [[0, 0], [1, 0]], id="who waits for the fast one waits"
        ),
        pytest.param([[1], [1]], [2], {"left": [5, 9], "scale": [2, 1]}, None, id="a gang or a single one"),
    ],
)
def test_who_is_first_on_its_device_has_all_of_it_now(
    rates: list[list[float]], devices: list[int], more: dict[str, list[float]], allocation: list[list[float]] | None
) -> None:
    found = problem(rates, devices, **more)  # type: ignore[arg-type]
    given_ = min_total_completion(found)
    obeys(found, given_)
    assert set(given_.ravel().tolist()) <= {0.0, 1.0}
    assert allocation is None or given_.tolist() == allocation
    assert given_.any()


@settings(max_examples=80)
@given(problems(jobs=4, models=2, gangs=False, blanks=False))
def test_no_assignment_of_single_jobs_is_better(found: Problem) -> None:
    chosen = tuple(assign(found, run_times(found)).tolist())
    every = product(range(found.devices.size), repeat=len(chosen))
    assert total(found, chosen) <= min(total(found, models) for models in every) * (1 + 1e-6)


@settings(max_examples=60)
@given(problems(jobs=4, models=2, blanks=False))
def test_whoever_can_run_is_assigned_to_a_model_that_it_can_use(found: Problem) -> None:
    models = assign(found, run_times(found))
    runs = found.usable.any(axis=1)
    assert ((models >= 0) == runs).all()
    assert all(found.usable[job, model] for job, model in enumerate(models.tolist()) if model >= 0)


@settings(max_examples=60)
@given(problems(jobs=4, models=2), st.data())
def test_in_any_order_nobody_waits_for_what_is_free(found: Problem, data: st.DataObject) -> None:
    order = np.array(data.draw(st.sampled_from(list(permutations(range(found.scale.size))))), dtype=np.int64)
    allocation = in_order(found, order)
    obeys(found, allocation)
    assert set(allocation.ravel().tolist()) <= {0.0, 1.0}
    left = found.devices - found.scale @ allocation
    for job in range(found.scale.size):
        if not allocation[job].any():
            assert not (found.usable[job] & (left >= found.scale[job])).any()
