"""Published orders against their formulas worked by hand, and what must hold of each at any queue."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.orders.asked import Asked
from suanli.kernel.scheduling.orders.f1 import f1
from suanli.kernel.scheduling.orders.f2 import f2
from suanli.kernel.scheduling.orders.f3 import f3
from suanli.kernel.scheduling.orders.f4 import f4
from suanli.kernel.scheduling.orders.fcfs import fcfs
from suanli.kernel.scheduling.orders.sjf import sjf
from suanli.kernel.scheduling.orders.unicep import unicep
from suanli.kernel.scheduling.orders.wfp3 import wfp3

SECOND = 1_000_000
Order = Callable[[Asked, int], float]
ORDERS: list[Order] = [f1, f2, f3, f4, fcfs, sjf, unicep, wfp3]


def keys(order: Order, *rows: tuple[int, int, int], now: int = 1_000) -> list[float]:
    """Rows are (submitted, requested, processors) in seconds; each task has two processors where the count is even."""
    found = []
    for submitted, requested, processors in rows:
        each = 1 if processors % 2 else 2
        times = (submitted * SECOND, requested * SECOND, requested * SECOND)
        found.append(float(order(Asked(*times, processors // each, each * 1000, submitted * SECOND), now * SECOND)))
    return found


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (fcfs, 100 * SECOND),
        (sjf, 10_000 * SECOND),
        (wfp3, -((900 / 10_000) ** 3) * 16),
        (unicep, -900 / (4 * 10_000)),
        (f1, 4 * 16 + 870 * 2),
        (f2, 100 * 16 + 25_600 * 2),
        (f3, 10_000 * 16 + 6_860_000 * 2),
        (f4, 10_000 * 4 + 530_000 * 2),
    ],
)
def test_the_formula_at_a_hundred_seconds_ten_thousand_and_sixteen_processors(order: Order, expected: float) -> None:
    assert keys(order, (100, 10_000, 16)) == [pytest.approx(expected)]


def test_one_processor_goes_before_all_in_unicep_and_longer_waits_first_among_those() -> None:
    single_late, single_early, double = keys(unicep, (900, 100, 1), (500, 100, 1), (0, 100, 2))
    assert single_early < single_late < double


def test_what_was_submitted_at_once_or_asks_for_no_time_has_a_finite_key() -> None:
    for order in ORDERS:
        assert np.isfinite(keys(order, (0, 0, 1), (1_000, 0, 1), (2_000, 1, 1))).all()


@pytest.mark.parametrize("order", ORDERS)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(1, 10**4)), min_size=1, max_size=30
    ),
    now=st.integers(10**6, 10**7),
)
def test_each_row_is_judged_alone(order: Order, rows: list[tuple[int, int, int]], now: int) -> None:
    together = keys(order, *rows, now=now)
    assert together == [keys(order, row, now=now)[0] for row in rows]
    assert keys(order, *rows[::-1], now=now) == together[::-1]


@pytest.mark.parametrize("order", [f1, f2, f3, f4, fcfs, unicep, wfp3])
@given(st.integers(1, 10**5), st.integers(1, 10**5), st.integers(1, 10**6), st.integers(1, 256))
def test_of_two_alike_the_earlier_goes_first(order: Order, one: int, other: int, requested: int, size: int) -> None:
    first, second = sorted((one, other))
    earlier, later = keys(order, (first, requested, size), (second, requested, size), now=10**6)
    assert earlier <= later
