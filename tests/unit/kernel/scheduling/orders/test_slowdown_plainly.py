"""The order by slowdown against its formula in plain Python, and what each of its spans does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.orders.slowdown import slowdown

SECOND = 1_000_000
HOUR, DAY = 3600, 86_400
CENTER = 64
"""Processors."""


@dataclass(frozen=True)
class Row:
    """Seconds and processors."""

    waited: int
    requested: int
    predicted: int
    tasks: int = 1
    milli: int = 1000


def keys(*rows: Row, least: float = 0.0, now: int = 10**8) -> list[float]:
    def column(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, dtype=np.int64)

    found = slowdown(
        column([(now - row.waited) * SECOND for row in rows]),
        column([row.requested * SECOND for row in rows]),
        column([row.predicted * SECOND for row in rows]),
        column([row.tasks for row in rows]),
        column([row.milli for row in rows]),
        now * SECOND,
        CENTER * 1000,
        least,
    )
    return [float(key) for key in found]


def span(row: Row, least: float) -> float:
    """By how much limits shrink for wide rows, and grow for rows that will not be short."""
    size = max(row.tasks * row.milli / 1000, 1)
    return max(1 - size / CENTER, 0.1) * max(row.requested * least / 60, 1)


def plain(rows: list[Row], least: float) -> list[float]:
    found = []
    for row in rows:
        size = max(row.tasks * row.milli / 1000, 1)
        ageing = 1 + (row.waited / (DAY * span(row, least))) ** 3
        found.append(-(row.waited + 6 * HOUR) * ageing / (max(row.predicted, 10) * size))
    beyond = [row.waited / (2 * DAY * span(row, least)) for row in rows]
    if beyond and max(beyond) > 1:
        found[beyond.index(max(beyond))] = -math.inf
    return found


ROWS = st.lists(
    st.builds(
        Row,
        waited=st.integers(0, 8 * DAY),
        requested=st.integers(1, 5 * DAY),
        predicted=st.integers(1, 5 * DAY),
        tasks=st.integers(1, CENTER),
        milli=st.sampled_from([250, 1000]),
    ),
    max_size=12,
)


@given(ROWS, st.sampled_from([0.0, 0.001, 0.1, 1.0]))
def test_any_queue_has_the_keys_of_the_formula(rows: list[Row], least: float) -> None:
    assert keys(*rows, least=least) == pytest.approx(plain(rows, least), rel=1e-9)


def test_nobody_waits() -> None:
    assert keys() == []


def test_patience_lets_short_work_that_just_came_pass_long_work_that_waited() -> None:
    short, long = keys(Row(0, 60, 60), Row(6 * HOUR, 7200, 7200))
    assert short < long


def test_work_goes_ahead_by_what_it_is_predicted_to_take_and_not_by_what_it_asked() -> None:
    asked_little, predicted_little = keys(Row(HOUR, 100, 5000), Row(HOUR, 5000, 100))
    assert predicted_little < asked_little


@pytest.mark.parametrize("predicted", [0, 1, 9, 10])
def test_below_ten_seconds_shorter_is_no_better(predicted: int) -> None:
    assert keys(Row(HOUR, 100, predicted)) == keys(Row(HOUR, 100, 10))


def test_at_a_day_of_waiting_the_key_of_a_small_row_has_doubled() -> None:
    (key,) = keys(Row(DAY, 100, 100, 0))
    small = -(DAY + 6 * HOUR) / 100
    assert key == pytest.approx(small * (1 + (1 / (1 - 1 / CENTER)) ** 3))


@pytest.mark.parametrize(
    ("tasks", "limit"),
    [
        pytest.param(1, 2 * DAY * 63 / 64, id="a small row: two days but for its part"),
        pytest.param(32, DAY, id="half of the center: one day"),
        pytest.param(48, DAY / 2, id="three quarters: half a day"),
        pytest.param(64, DAY / 5, id="all of it: a tenth of two days"),
    ],
)
def test_when_a_row_is_overdue(tasks: int, limit: float) -> None:
    assert math.isfinite(keys(Row(math.floor(limit), 100, 100, tasks))[0])
    assert math.isinf(keys(Row(math.floor(limit) + 1, 100, 100, tasks))[0])


@pytest.mark.parametrize(
    ("requested", "least", "times"),
    [
        pytest.param(600, 0.0, 1, id="runs crash at once"),
        pytest.param(600, 0.1, 1, id="a minute is short"),
        pytest.param(600, 0.2, 2, id="two minutes at least"),
        pytest.param(3600, 0.5, 30, id="half an hour at least"),
    ],
)
def test_what_cannot_be_short_may_wait_for_longer(requested: int, least: float, times: int) -> None:
    limit = math.floor(DAY * times)
    assert math.isfinite(keys(Row(limit, requested, 100, 32), least=least)[0])
    assert math.isinf(keys(Row(limit + 1, requested, 100, 32), least=least)[0])


def test_of_two_that_are_overdue_the_one_most_beyond_its_limit_leads() -> None:
    found = keys(Row(3 * DAY, 100, 100), Row(2 * DAY, 100, 100, 32), Row(4 * DAY, 100, 100))
    assert [math.isinf(key) for key in found] == [False, False, True]


def test_of_two_as_far_beyond_the_first_leads() -> None:
    assert [math.isinf(key) for key in keys(Row(3 * DAY, 100, 100), Row(3 * DAY, 100, 100))] == [True, False]


def test_work_submitted_later_than_now_has_not_waited() -> None:
    assert keys(Row(-50, 100, 100)) == keys(Row(0, 100, 100))
