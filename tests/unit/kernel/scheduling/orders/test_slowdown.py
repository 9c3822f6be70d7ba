"""Our order: its formula by hand, and the bound on waiting it exists for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.orders.slowdown import slowdown

SECOND = 1_000_000
HOUR = 3600


def keys(*rows: tuple[int, int, int], least_part: float = 0.0) -> list[float]:
    """Rows are (waited, predicted and requested, processors), seconds; the center has a hundred processors."""
    waited, predicted, processors = np.array(rows, dtype=np.int64).T
    now = 10**9
    submitted = (now - waited) * SECOND
    each = np.full(waited.size, 1000, dtype=np.int64)
    found = slowdown(
        submitted, predicted * SECOND, predicted * SECOND, processors, each, now * SECOND, 100_000, least_part
    )
    return [float(key) for key in found]


def test_the_formula_by_hand() -> None:
    waited = 12 * HOUR
    assert keys((waited, 100, 50)) == [pytest.approx(-(18 * HOUR) * 2 / (100 * 50))]
    assert keys((0, 100, 50)) == [pytest.approx(-(6 * HOUR) / (100 * 50))]


def test_runs_below_ten_seconds_count_as_ten() -> None:
    assert keys((HOUR, 1, 4)) == keys((HOUR, 10, 4))


def test_only_the_row_most_beyond_its_limit_goes_before_all() -> None:
    found = keys((49 * HOUR, 10**6, 1), (47 * HOUR, 10, 1), (25 * HOUR, 10**6, 90), (10, 10, 1))
    assert [math.isinf(key) for key in found] == [False, False, True, False]


def test_what_needs_the_whole_center_has_a_finite_key_until_it_is_overdue() -> None:
    assert math.isfinite(keys((288 * 60, 10, 100))[0])
    assert math.isinf(keys((288 * 60 + 1, 10, 100))[0])


def test_spans_are_as_much_longer_as_the_least_run_is_longer_than_a_minute() -> None:
    assert keys((12 * HOUR, 600, 50), least_part=0.1) == keys((12 * HOUR, 600, 50))
    assert keys((24 * HOUR, 600, 50), least_part=0.2) == [pytest.approx(-(30 * HOUR) * 2 / (600 * 50))]
    assert not math.isinf(keys((49 * HOUR, 600, 1), least_part=0.2)[0])
    assert math.isinf(keys((97 * HOUR, 600, 1), least_part=0.2)[0])


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(1, 100)), min_size=1, max_size=30))
def test_at_most_one_row_is_overdue_and_there_is_one_where_any_small_row_waited_beyond_the_limit(
    rows: list[tuple[int, int, int]],
) -> None:
    overdue = [row for row, key in zip(rows, keys(*rows), strict=True) if math.isinf(key)]
    assert len(overdue) <= 1
    assert overdue or all(waited <= 48 * HOUR for waited, _, _ in rows)


@given(st.integers(0, 5 * HOUR), st.integers(1, 5 * HOUR), st.integers(1, 10**6), st.integers(1, 90))
def test_of_two_alike_the_one_that_waited_longer_goes_first(short: int, more: int, predicted: int, size: int) -> None:
    shorter, longer = keys((short, predicted, size), (short + more, predicted, size))
    assert longer < shorter
