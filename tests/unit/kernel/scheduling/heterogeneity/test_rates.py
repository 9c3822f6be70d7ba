"""The rate table."""

from __future__ import annotations

import numpy as np
import pytest

from suanli.kernel.scheduling.heterogeneity.rates import JobType, RateTable
from suanli.model.errors import InvalidRequestError

ONE, TWO, GANG = JobType("one"), JobType("two"), JobType("one", 2)
ALONE = {(ONE, "a"): 4.0, (ONE, "b"): 0.0, (TWO, "a"): 2.0, (GANG, "a"): 7.0}
TABLE = RateTable(("a", "b"), ALONE, {(TWO, ONE, "a"): (1.5, 2.0)})


def test_unknown_is_not_zero() -> None:
    rates = TABLE.of([ONE, TWO])
    assert rates.values.tolist() == [[4, 0], [2, 0]]
    assert rates.measured.tolist() == [[True, True], [True, False]]


def test_an_estimate_stands_in_for_what_is_unknown_only() -> None:
    rates = TABLE.of([ONE, TWO], np.full((2, 2), 9.0))
    assert rates.values.tolist() == [[4, 0], [2, 9]]
    assert not rates.measured[1, 1]


def test_no_jobs_have_no_rows() -> None:
    assert TABLE.of([]).values.shape == (0, 2)
    assert TABLE.pairs([]).rates.shape == (0, 2, 2)


def test_pairs_are_found_in_either_order() -> None:
    pairs = TABLE.pairs([ONE, GANG, TWO])
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([0], [2])
    assert pairs.rates.tolist() == [[[2.0, 0], [1.5, 0]]]


def test_pairs_not_worth_it_are_none() -> None:
    # Together they make 2 / 4 + 1.5 / 2 = 1.25 of what one device gives one of them.
    assert TABLE.pairs([ONE, TWO], worth=1.2).first.size == 1
    assert TABLE.pairs([ONE, TWO], worth=1.25).first.size == 0


def test_a_pair_of_which_one_cannot_run_is_none() -> None:
    table = RateTable(("a",), {(ONE, "a"): 1.0, (TWO, "a"): 1.0}, {(ONE, TWO, "a"): (5.0, 0.0)})
    assert table.pairs([ONE, TWO]).first.size == 0


@pytest.mark.parametrize("rate", [-1.0, float("inf"), float("nan")])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(InvalidRequestError, match="no rate"):
        RateTable(("a",), {(ONE, "a"): rate})
    with pytest.raises(InvalidRequestError, match="no rate"):
        RateTable(("a",), {}, {(ONE, TWO, "a"): (1.0, rate)})


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="not among the models"):
        RateTable(("a",), {(ONE, "c"): 1.0})
