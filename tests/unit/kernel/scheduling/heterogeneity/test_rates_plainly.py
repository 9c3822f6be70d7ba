"""The rate table: each error with its words, and pairs against plain pairs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.heterogeneity.rates import JobType, RateTable
from suanli.model.errors import InvalidRequestError

A, B, GANG = JobType("a"), JobType("b"), JobType("a", 2)
MODELS = ("k80", "v100")


@pytest.mark.parametrize("rate", [-0.5, float("nan"), float("inf")])
def test_what_is_no_rate_is_named_with_its_model(rate: float) -> None:
    for alone, shared in (
        ({(A, "k80"): rate}, dict[tuple[JobType, JobType, str], tuple[float, float]]()),
        ({}, {(A, B, "k80"): (rate, 1.0)}),
        ({}, {(A, B, "k80"): (1.0, rate)}),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            RateTable(MODELS, alone, shared)
        assert (caught.value.field, caught.value.hint) == ("rates", "leave out what is not known")
        assert caught.value.detail == f"{rate} on k80 is no rate"


@pytest.mark.parametrize(
    ("alone", "shared"), [({(A, "h100"): 1.0}, {}), ({}, {(A, B, "h100"): (1.0, 1.0)})], ids=["alone", "shared"]
)
def test_a_model_that_the_table_has_not_is_named(alone: Any, shared: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        RateTable(MODELS, alone, shared)
    assert (caught.value.field, caught.value.detail) == ("rates", "h100 is not among the models of the table")


def test_a_rate_of_nothing_is_a_rate() -> None:
    rates = RateTable(MODELS, {(A, "k80"): 0.0}).of([A])
    assert (rates.values.tolist(), rates.measured.tolist()) == ([[0, 0]], [[True, False]])


@pytest.mark.parametrize(
    ("jobs", "values"),
    [
        pytest.param([], [], id="no jobs"),
        pytest.param([A], [[1, 4]], id="one"),
        pytest.param([A, B, A], [[1, 4], [2, 0], [1, 4]], id="a row a job, though types are alike"),
        pytest.param([GANG], [[0, 7]], id="another scale factor is another type"),
        pytest.param([JobType("new")], [[0, 0]], id="one that was never measured"),
    ],
)
def test_rates_of_jobs(jobs: list[JobType], values: list[list[float]]) -> None:
    table = RateTable(MODELS, {(A, "k80"): 1.0, (A, "v100"): 4.0, (B, "k80"): 2.0, (GANG, "v100"): 7.0})
    rates = table.of(jobs)
    assert rates.values.tolist() == values
    assert rates.measured.shape == (len(jobs), 2)


def test_an_estimate_stands_where_nothing_was_measured_and_nowhere_else() -> None:
    table = RateTable(MODELS, {(A, "k80"): 1.0, (B, "v100"): 0.0})
    rates = table.of([A, B], np.array([[8.0, 9.0], [10.0, 11.0]]))
    assert rates.values.tolist() == [[1, 9], [10, 0]]
    assert rates.measured.tolist() == [[True, False], [False, True]]


ALONE = {(A, "k80"): 4.0, (B, "k80"): 2.0, (A, "v100"): 8.0, (B, "v100"): 8.0, (GANG, "k80"): 4.0}


@pytest.mark.parametrize(
    ("shared", "worth", "rates"),
    [
        pytest.param({}, 1.0, None, id="never measured"),
        pytest.param({(A, B, "k80"): (3.0, 1.0)}, 1.0, [[3, 0], [1, 0]], id="three quarters and a half"),
        pytest.param({(B, A, "k80"): (1.0, 3.0)}, 1.0, [[3, 0], [1, 0]], id="measured the other way round"),
        pytest.param({(A, B, "k80"): (2.0, 1.0)}, 1.0, None, id="two halves: as well by turns"),
        pytest.param({(A, B, "k80"): (2.0, 1.0)}, 0.9, [[2, 0], [1, 0]], id="worth it for who asks for less"),
        pytest.param({(A, B, "k80"): (3.0, 1.0)}, 1.25, None, id="not worth it for who asks for more"),
        pytest.param({(A, B, "k80"): (4.0, 0.0)}, 1.0, None, id="one of them stands still"),
        pytest.param(
            {(A, B, "k80"): (3.0, 1.0), (A, B, "v100"): (8.0, 4.0)}, 1.0, [[3, 8], [1, 4]], id="on both models"
        ),
        pytest.param(
            {(A, B, "k80"): (1.0, 0.5), (A, B, "v100"): (8.0, 4.0)}, 1.0, [[0, 8], [0, 4]], id="where it is worth it"
        ),
    ],
)
def test_who_may_share_a_device(
    shared: dict[tuple[JobType, JobType, str], tuple[float, float]], worth: float, rates: list[list[float]] | None
) -> None:
    pairs = RateTable(MODELS, ALONE, shared).pairs([A, B], worth)
    if rates is None:
        assert pairs.first.size == 0
    else:
        assert (pairs.first.tolist(), pairs.second.tolist(), pairs.rates.tolist()) == ([0], [1], [rates])


def test_jobs_of_other_scale_factors_share_no_device() -> None:
    table = RateTable(MODELS, ALONE, {(GANG, B, "k80"): (4.0, 2.0)})
    assert table.pairs([GANG, B]).first.size == 0


def test_jobs_of_one_type_share_where_that_was_measured() -> None:
    pairs = RateTable(MODELS, ALONE, {(A, A, "k80"): (3.0, 3.0)}).pairs([A, A, A])
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]


RATE = st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0])
TYPES = st.sampled_from([A, B, GANG])


@given(
    st.dictionaries(st.tuples(TYPES, st.sampled_from(MODELS)), RATE),
    st.dictionaries(st.tuples(TYPES, TYPES, st.sampled_from(MODELS)), st.tuples(RATE, RATE)),
    st.lists(TYPES, max_size=5),
    st.sampled_from([0.8, 1.0, 1.5]),
)
def test_any_pairs_are_the_plain_ones(
    alone: dict[tuple[JobType, str], float],
    shared: dict[tuple[JobType, JobType, str], tuple[float, float]],
    jobs: list[JobType],
    worth: float,
) -> None:
    def together(one: JobType, two: JobType, model: str) -> tuple[float, float]:
        given_ = shared.get((one, two, model))
        if given_ is None:
            given_ = shared.get((two, one, model), (0.0, 0.0))[::-1]
        of = (alone.get((one, model), 0.0), alone.get((two, model), 0.0))
        if one.scale_factor != two.scale_factor or min(*given_, *of) <= 0:
            return (0.0, 0.0)
        return given_ if given_[0] / of[0] + given_[1] / of[1] > worth else (0.0, 0.0)

    plain = {}
    for one, two in combinations(range(len(jobs)), 2):
        rates = [together(jobs[one], jobs[two], model) for model in MODELS]
        if any(first > 0 for first, _ in rates):
            plain[one, two] = [[first for first, _ in rates], [second for _, second in rates]]
    pairs = RateTable(MODELS, alone, shared).pairs(jobs, worth)
    found = dict(zip(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), pairs.rates.tolist(), strict=True))
    assert found == plain
