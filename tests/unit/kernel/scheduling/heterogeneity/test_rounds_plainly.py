"""Rounds by hand on small tables, and what every round and every memory keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.heterogeneity.fairness import max_min
from suanli.kernel.scheduling.heterogeneity.problem import Pairs, Problem
from suanli.kernel.scheduling.heterogeneity.rounds import WAITS, place_round, remember
from tests.unit.kernel.scheduling.heterogeneity.problems import problem, problems


def placed(found: Problem, allocation: list[list[float]], received: list[list[float]]) -> list[int]:
    return [int(model) for model in place_round(found, np.array(allocation), np.array(received, dtype=np.float64))]


@pytest.mark.parametrize(
    ("allocation", "received", "models"),
    [
        pytest.param([[1.0], [0.0]], [[0.0], [0.0]], [0, WAITS], id="who is due"),
        pytest.param([[0.5], [0.5]], [[0.0], [0.0]], [0, WAITS], id="of equals the first"),
        pytest.param([[0.5], [0.5]], [[9.0], [0.0]], [WAITS, 0], id="who received nothing"),
        pytest.param([[0.5], [0.5]], [[9.0], [8.0]], [WAITS, 0], id="who received less"),
        pytest.param([[0.8], [0.2]], [[9.0], [3.0]], [0, WAITS], id="in parts of what is due"),
        pytest.param([[0.2], [0.8]], [[0.0], [0.0]], [WAITS, 0], id="of those who received nothing who is due more"),
        pytest.param([[0.0], [0.0]], [[9.0], [0.0]], [0, WAITS], id="nobody is due: somebody, all the same"),
        pytest.param([[1e-12], [0.1]], [[0.0], [99.0]], [WAITS, 0], id="next to nothing is nothing"),
    ],
)
def test_two_jobs_on_one_device(allocation: list[list[float]], received: list[list[float]], models: list[int]) -> None:
    assert placed(problem([[1], [1]], [1]), allocation, received) == models


@pytest.mark.parametrize(
    ("rates", "devices", "scale", "allocation", "models"),
    [
        pytest.param([[1, 1]], [1, 1], [1], [[0.3, 0.7]], [1], id="on one model at a time, the one it is due more of"),
        pytest.param([[1, 1], [1, 1]], [1, 1], [1, 1], [[0.0, 1.0], [0.0, 0.5]], [1, 0], id="on another that is idle"),
        pytest.param(
            [[1, 0], [1, 0]], [1, 1], [1, 1], [[1.0, 0.0], [0.5, 0.0]], [0, WAITS], id="not where it cannot run"
        ),
        pytest.param([[1], [1]], [2], [2, 1], [[0.9], [0.1]], [0, WAITS], id="a gang takes all of its devices"),
        pytest.param([[1], [1]], [2], [2, 1], [[0.1], [0.9]], [WAITS, 0], id="or waits"),
        pytest.param([[1], [1]], [1], [2, 1], [[0.9], [0.1]], [WAITS, 0], id="a gang too wide waits for ever"),
        pytest.param([[1], [1], [1]], [3], [2, 2, 1], [[0.9], [0.8], [0.7]], [0, WAITS, 0], id="a smaller one passes"),
        pytest.param(
            [[2, 1], [3, 1]], [1, 1], [1, 1], [[0.0, 0.0], [0.0, 0.0]], [0, 1], id="idle ones by speed and order"
        ),
    ],
)
def test_which_model_each_has_next(
    rates: list[list[float]],
    devices: list[int],
    scale: list[int],
    allocation: list[list[float]],
    models: list[int],
) -> None:
    nothing = np.zeros_like(np.array(allocation)).tolist()
    assert placed(problem(rates, devices, scale=scale), allocation, nothing) == models


def test_an_idle_device_goes_where_it_is_nearest_to_the_jobs_fastest() -> None:
    # The second runs there at its full speed, the first at a tenth.
    found = problem([[10, 1], [0, 5]], [0, 1])
    assert placed(found, [[0, 0], [0, 0]], [[0, 0], [0, 0]]) == [WAITS, 1]


@pytest.mark.parametrize(
    ("received", "model", "memory", "kept"),
    [
        pytest.param([[0.0, 0.0]], 1, 1.0, [[0, 60]], id="a round on a model"),
        pytest.param([[5.0, 7.0]], 0, 1.0, [[65, 7]], id="added to what was received"),
        pytest.param([[5.0, 7.0]], WAITS, 1.0, [[5, 7]], id="a round of waiting"),
        pytest.param([[10.0, 20.0]], 1, 0.5, [[5, 70]], id="the past counts half"),
        pytest.param([[10.0, 20.0]], WAITS, 0.0, [[0, 0]], id="nothing is remembered"),
        pytest.param([[10.0, 20.0]], 0, 0.0, [[60, 0]], id="but the last round"),
    ],
)
def test_what_each_received(received: list[list[float]], model: int, memory: float, kept: list[list[float]]) -> None:
    before = np.array(received)
    found = remember(before, np.array([model]), 60.0, memory)
    assert found.tolist() == kept
    assert before.tolist() == received


PAIR = Pairs(np.array([0]), np.array([1]), np.array([[[0.9], [0.9]]]))


@pytest.mark.parametrize(
    ("allocation", "received", "models"),
    [
        pytest.param([[0], [0], [1]], [[0], [0], [0]], [WAITS, WAITS, 0], id="a pair in place of both"),
        pytest.param([[1], [0], [1]], [[0], [0], [9]], [0, WAITS, WAITS], id="one alone in place of the pair"),
        pytest.param(
            [[0.5], [0.5], [0]], [[0], [0], [0]], [0, WAITS, WAITS], id="a pair that is due nothing is not tried"
        ),
    ],
)
def test_a_pair_and_its_jobs_exclude_each_other(
    allocation: list[list[float]], received: list[list[float]], models: list[int]
) -> None:
    assert placed(problem([[1], [1]], [1], pairs=PAIR), allocation, received) == models


@settings(max_examples=80)
@given(problems(), st.data())
def test_every_round_is_one_that_can_be(found: Problem, data: st.DataObject) -> None:
    shape = (found.units, found.devices.size)
    column = st.lists(st.sampled_from([0.0, 30.0, 90.0]), min_size=shape[1], max_size=shape[1])
    received = np.array(data.draw(st.lists(column, min_size=shape[0], max_size=shape[0])))
    models = place_round(found, max_min(found), received)
    held = np.zeros(shape[1])
    for job, model in enumerate(models.tolist()):
        if model != WAITS:
            assert found.usable[job, model]
            held[model] += found.scale[job]
    assert (held <= found.devices).all()
    # Nobody waits for devices that are left.
    left = found.devices - held
    for job in np.flatnonzero(models == WAITS).tolist():
        assert not (found.usable[job] & (left >= found.scale[job])).any()


@settings(max_examples=25)
@given(problems(jobs=4, models=2, gangs=False))
def test_rounds_come_to_at_least_what_a_fair_allocation_gives(found: Problem) -> None:
    allocation = max_min(found)
    received = np.zeros_like(allocation)
    for _ in range(150):
        received = remember(received, place_round(found, allocation, received), 1.0, 1.0)
    parts = received / 150
    assert (parts.sum(axis=1) >= allocation.sum(axis=1) - 0.05).all()
