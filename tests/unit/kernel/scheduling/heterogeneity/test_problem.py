"""What a policy sees and gives: what is refused, what units are, and throughputs worked by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.heterogeneity.problem import Allocation, Pairs, Problem, blind
from suanli.model.errors import InvalidRequestError
from tests.unit.kernel.scheduling.heterogeneity.problems import problem, problems

PAIR = Pairs(np.array([0]), np.array([2]), np.array([[[0.5, 0.0], [0.25, 0.0]]]))
"""The first and the third job share a device of the first model."""


def three(pairs: Pairs | None = None) -> Problem:
    return problem([[4, 1], [0, 2], [1, 1]], [2, 1], scale=[1, 1, 1], pairs=pairs)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("devices", -1),
        *((name, value) for name in ("rates", "left", "done", "age_s") for value in (-1, np.nan, np.inf, -np.inf)),
    ],
)
def test_amounts_are_numbers_from_none_on(name: str, value: float) -> None:
    column = getattr(three(), name).copy()
    column[(0,) * column.ndim] = value
    with pytest.raises(InvalidRequestError) as caught:
        replace(three(), **{name: column})
    assert (caught.value.field, caught.value.detail) == ("problem", f"{name} are out of range")


@pytest.mark.parametrize("name", ["scale", "weight"])
@pytest.mark.parametrize("value", [0, -1])
def test_gangs_and_claims_are_more_than_none(name: str, value: int) -> None:
    column = getattr(three(), name).copy()
    column[1] = value
    with pytest.raises(InvalidRequestError) as caught:
        replace(three(), **{name: column})
    assert (caught.value.field, caught.value.detail) == ("problem", f"{name} is out of range")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_claims_are_numbers_with_an_end(value: float) -> None:
    with pytest.raises(InvalidRequestError, match="weight is out of range"):
        replace(three(), weight=np.array([1.0, value, 1.0]))


@pytest.mark.parametrize("name", ["left", "done", "age_s", "devices"])
def test_amounts_may_be_none(name: str) -> None:
    column = np.zeros_like(getattr(three(), name))
    assert not getattr(replace(three(), **{name: column}), name).any()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        pytest.param("scale", np.array([1, 1]), id="a job less"),
        pytest.param("weight", np.ones(4), id="a job more"),
        pytest.param("left", np.ones((3, 1)), id="a table for a column"),
        pytest.param("done", np.zeros(0), id="none"),
        pytest.param("age_s", np.zeros(1), id="one for all"),
        pytest.param("devices", np.array([1]), id="a model less"),
        pytest.param("rates", np.ones((2, 2)), id="rates of fewer jobs"),
        pytest.param("rates", np.ones((3, 3)), id="rates on more models"),
    ],
)
def test_columns_fit_the_rates(name: str, column: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        replace(three(), **{name: column})
    jobs, models = (column if name == "rates" else three().rates).shape
    assert caught.value.detail == f"columns do not fit rates of {jobs} jobs on {models} models"


def test_units_are_jobs_and_after_them_pairs() -> None:
    assert (three().units, three(PAIR).units) == (3, 4)
    found = problem([[1], [1], [1]], [4], scale=[2, 1, 2], pairs=replace(PAIR, rates=PAIR.rates[:, :, :1]))
    assert found.unit_scale.tolist() == [2, 1, 2, 2]


@pytest.mark.parametrize(
    ("rates", "devices", "scale", "usable"),
    [
        pytest.param([[1, 0]], [1, 1], [1], [[True, False]], id="where there is a rate"),
        pytest.param([[1, 1]], [1, 0], [1], [[True, False]], id="where there are devices"),
        pytest.param([[1, 1]], [1, 2], [2], [[False, True]], id="enough for one gang"),
        pytest.param([[0, 0]], [1, 1], [1], [[False, False]], id="nowhere"),
    ],
)
def test_where_a_unit_can_run(
    rates: list[list[float]], devices: list[int], scale: list[int], usable: list[list[bool]]
) -> None:
    assert problem(rates, devices, scale=scale).usable.tolist() == usable


def test_a_pair_can_run_where_its_first_has_a_rate() -> None:
    assert three(PAIR).usable[3].tolist() == [True, False]


def test_members_of_units_and_their_rates_there() -> None:
    job, unit, rates = three(PAIR).members()
    assert list(zip(job.tolist(), unit.tolist(), strict=True)) == [(0, 0), (1, 1), (2, 2), (0, 3), (2, 3)]
    assert rates.tolist() == [[4, 1], [0, 2], [1, 1], [0.5, 0], [0.25, 0]]


@pytest.mark.parametrize(
    ("allocation", "steps"),
    [
        pytest.param([[0, 0], [0, 0], [0, 0], [0, 0]], [0, 0, 0], id="nobody has anything"),
        pytest.param([[1, 0], [0, 1], [0, 0], [0, 0]], [4, 2, 0], id="each on one model"),
        pytest.param([[0.5, 0.5], [0, 0.5], [0, 0], [0, 0]], [2.5, 1, 0], id="parts of time on both"),
        pytest.param([[0, 0], [0, 0], [0, 0], [1, 0]], [0.5, 0, 0.25], id="a pair"),
        pytest.param([[0.5, 0], [0, 0], [0, 0.25], [0.5, 0]], [2.25, 0, 0.375], id="alone and in the pair"),
        pytest.param([[0, 0], [1, 0], [0, 0], [0, 0]], [0, 0, 0], id="where it makes no steps"),
    ],
)
def test_steps_a_second_under_an_allocation(allocation: list[list[float]], steps: list[float]) -> None:
    assert three(PAIR).throughput(np.array(allocation)).tolist() == pytest.approx(steps)


@pytest.mark.parametrize(
    ("rates", "devices", "scale", "share"),
    [
        pytest.param([[2]], [1], [1], [2], id="one job has all of its time"),
        pytest.param([[2], [2]], [1], [1, 1], [1, 1], id="two on one device have half of it"),
        pytest.param([[2], [4]], [2], [1, 1], [2, 4], id="two on two have all of it"),
        pytest.param([[4, 1], [2, 2]], [1, 1], [1, 1], [2.5, 2], id="the mean over models"),
        pytest.param([[4, 1], [2, 2]], [3, 1], [1, 1], [3.25, 2], id="weighed by their numbers"),
        pytest.param([[4, 0]], [1, 1], [1], [2], id="where it cannot run it has nothing"),
        pytest.param(
            [[4], [4], [4]], [4], [2, 1, 1], [4 * 4 / 6, 4, 4], id="a gang has its part of devices, not of time"
        ),
        pytest.param([[4]], [0], [1], [0], id="no devices"),
    ],
)
def test_an_equal_share_of_all_devices(
    rates: list[list[float]], devices: list[int], scale: list[int], share: list[float]
) -> None:
    assert problem(rates, devices, scale=scale).equal_share().tolist() == pytest.approx(share)


def test_without_jobs_there_are_no_shares() -> None:
    nothing = problem([], [1, 2])
    assert nothing.units == 0
    assert nothing.equal_share().shape == nothing.throughput(np.zeros((0, 2))).shape == (0,)


@given(problems())
def test_an_equal_share_is_reached_by_nobody_holding_more_than_an_equal_part(found: Problem) -> None:
    jobs, total = found.scale.size, found.devices.sum()
    part = np.minimum(1.0, total / (jobs * found.scale))[:, None] * found.devices / max(1, total)
    assert found.throughput(part) == pytest.approx(found.equal_share())
    # Nobody has more than all of the time, nor more devices, by time, than one of so many has of all.
    assert (part.sum(axis=1) <= 1 + 1e-9).all()
    assert (found.scale * part.sum(axis=1) <= total / jobs + 1e-9).all()


def record(seen: list[Problem], answer: float) -> Any:
    """A policy that remembers what it saw and gives everybody so much of every model."""

    def act(found: Problem) -> Allocation:
        seen.append(found)
        return np.full((found.units, found.devices.size), answer)

    return act


@pytest.mark.parametrize(
    ("rates", "devices", "scale", "mean"),
    [
        pytest.param([[4, 2]], [1, 1], [1], 3, id="the mean of two"),
        pytest.param([[4, 2]], [3, 1], [1], 3.5, id="weighed by their numbers"),
        pytest.param([[4, 0]], [3, 1], [1], 4, id="of those on which it can run"),
        pytest.param([[4, 2]], [1, 2], [2], 2, id="of which there are enough"),
        pytest.param([[0, 0]], [1, 1], [1], 0, id="none"),
    ],
)
def test_a_blind_center_sees_one_model_with_the_mean_rate(
    rates: list[list[float]], devices: list[int], scale: list[int], mean: float
) -> None:
    seen: list[Problem] = []
    blind(record(seen, 1.0))(problem(rates, devices, scale=scale))
    assert seen[0].rates.tolist() == [[pytest.approx(mean)]]
    assert seen[0].devices.tolist() == [sum(devices)]


def test_what_a_blind_plan_gives_is_spread_over_the_models_and_lost_where_it_cannot_be_used() -> None:
    found = problem([[4, 2], [0, 2]], [3, 1])
    allocation = blind(record([], 0.8))(found)
    assert allocation.tolist() == [pytest.approx([0.6, 0.2]), pytest.approx([0, 0.2])]


def test_a_blind_center_sees_pairs_by_their_mean_where_they_can_share() -> None:
    seen: list[Problem] = []
    blind(record(seen, 1.0))(three(PAIR))
    assert seen[0].pairs.rates.tolist() == [[[0.5], [0.25]]]


@given(problems(), st.floats(0, 1))
def test_a_blind_plan_gives_no_more_than_it_was_told_to(found: Problem, answer: float) -> None:
    allocation = blind(record([], answer))(found)
    assert (allocation.sum(axis=1) <= answer + 1e-9).all()
    assert (allocation[~found.usable] == 0).all()
