"""What orders see of a row, in the units of published formulas; and each order's formula worked by hand on a table."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.orders.asked import Asked, processors, seconds, waited
from suanli.kernel.scheduling.orders.f1 import f1
from suanli.kernel.scheduling.orders.f2 import f2
from suanli.kernel.scheduling.orders.f3 import f3
from suanli.kernel.scheduling.orders.f4 import f4
from suanli.kernel.scheduling.orders.fcfs import fcfs
from suanli.kernel.scheduling.orders.sjf import sjf
from suanli.kernel.scheduling.orders.unicep import unicep
from suanli.kernel.scheduling.orders.wfp3 import wfp3

SECOND = 1_000_000
near = pytest.approx
Order = Callable[[Asked, int], float]


def asked(
    submitted: float = 0, requested: float = 1, predicted: float = 1, tasks: int = 1, cpu: int = 1000, since: float = 0
) -> Asked:
    """A row, in seconds and milli-cpus."""
    return Asked(
        round(submitted * SECOND),
        round(requested * SECOND),
        round(predicted * SECOND),
        tasks,
        cpu,
        round(since * SECOND),
    )


@pytest.mark.parametrize(
    ("micros", "found"),
    [
        pytest.param(0, 1.0, id="nothing counts as a second"),
        pytest.param(-5, 1.0, id="less than nothing too"),
        pytest.param(999_999, 1.0, id="less than a second too"),
        pytest.param(SECOND, 1.0, id="a second"),
        pytest.param(1_500_000, 1.5, id="parts of a second are kept"),
        pytest.param(3600 * SECOND, 3600.0, id="an hour"),
        pytest.param(2**62, 2**62 / 1e6, id="for ever"),
    ],
)
def test_durations_are_seconds_and_at_least_one(micros: int, found: float) -> None:
    assert seconds(micros) == found


@pytest.mark.parametrize(
    ("tasks", "milli", "found"),
    [
        pytest.param(1, 1000, 1.0, id="one"),
        pytest.param(4, 500, 2.0, id="halves together"),
        pytest.param(3, 1500, 4.5, id="parts are kept"),
        pytest.param(1, 100, 1.0, id="less than one counts as one"),
        pytest.param(9, 100, 1.0, id="together less than one"),
        pytest.param(1, 0, 1.0, id="none counts as one"),
    ],
)
def test_processors_of_all_tasks_and_at_least_one(tasks: int, milli: int, found: float) -> None:
    assert processors(tasks, milli) == found


@pytest.mark.parametrize(
    ("submitted", "now", "found"),
    [(0, 10, 10.0), (4, 10, 6.0), (10, 10, 0.0), (11, 10, 0.0), (9.5, 10, 0.5)],
    ids=["from the start", "later", "just now", "not yet", "parts of a second"],
)
def test_how_long_a_row_has_waited(submitted: float, now: float, found: float) -> None:
    assert waited(asked(submitted), round(now * SECOND)) == found


# Each order, a row, the second that it is now, and the key by the published formula.
@pytest.mark.parametrize(
    ("order", "row", "now", "key"),
    [
        pytest.param(fcfs, asked(5, since=7), 99, 7_000_000, id="fcfs: since when it is eligible"),
        pytest.param(sjf, asked(5, 60, 40), 99, 40_000_000, id="sjf: what is predicted, not asked for"),
        pytest.param(wfp3, asked(0, 10, 5, 4), 20, -8 * 4, id="wfp3: twice its request, cubed, times four"),
        pytest.param(wfp3, asked(0, 10, 5, 4), 0, 0, id="wfp3: nothing waited"),
        pytest.param(wfp3, asked(0, 0.5, 5, 1, 500), 3, -27, id="wfp3: a second and a processor at least"),
        pytest.param(unicep, asked(0, 10, 5, 4), 20, -20 / (2 * 10), id="unicep: log2 of four is two"),
        pytest.param(unicep, asked(0, 10, 5, 1), 20, -20 / (1e-15 * 10), id="unicep: the logarithm of one"),
        pytest.param(unicep, asked(5, 10, 5, 2), 5, 0, id="unicep: nothing waited"),
        pytest.param(f1, asked(100, 1000, 5, 4), 0, 3 * 4 + 870 * 2, id="f1"),
        pytest.param(f1, asked(0, 1, 5, 4), 0, 0, id="f1: at the start, of no time"),
        pytest.param(f2, asked(100, 1600, 5, 4), 0, 40 * 4 + 25_600 * 2, id="f2"),
        pytest.param(f2, asked(0, 1, 5, 1), 0, 1, id="f2: at the start, of no time"),
        pytest.param(f3, asked(100, 1000, 5, 4), 0, 1000 * 4 + 6_860_000 * 2, id="f3"),
        pytest.param(f3, asked(0.1, 0.1, 5, 1, 10), 0, 1, id="f3: everything at its least"),
        pytest.param(f4, asked(100, 1000, 5, 4), 0, 1000 * 2 + 530_000 * 2, id="f4"),
        pytest.param(f4, asked(10, 1000, 5, 9), 0, 1000 * 3 + 530_000, id="f4: of nine"),
    ],
)
def test_the_key_by_hand(order: Order, row: Asked, now: int, key: float) -> None:
    assert order(row, now * SECOND) == near(key)


TIMES, SIZES = st.integers(1, 10**6), st.integers(1, 10**4)
FS: list[tuple[Order, Callable[[float], float], Callable[[float], float], float]] = [
    (f1, math.log10, float, 870.0),
    (f2, math.sqrt, float, 25_600.0),
    (f3, float, float, 6_860_000.0),
    (f4, float, math.sqrt, 530_000.0),
]


@pytest.mark.parametrize("place", range(4), ids=["f1", "f2", "f3", "f4"])
@given(TIMES, TIMES, SIZES, TIMES)
def test_the_four_fitted_orders_are_their_formulas_whatever_the_time(
    place: int, submitted: int, requested: int, size: int, now: int
) -> None:
    order, of_request, of_size, age = FS[place]
    key = of_request(requested) * of_size(size) + age * math.log10(submitted)
    assert order(asked(submitted, requested, 1, size), now * SECOND) == near(key)


@given(TIMES, TIMES, SIZES, TIMES)
def test_orders_that_age_grow_more_urgent(requested: int, wait: int, size: int, more: int) -> None:
    row = asked(0, requested, 1, size)
    for order in (wfp3, unicep):
        assert order(row, (wait + more) * SECOND) < order(row, wait * SECOND) < 0


@given(TIMES, TIMES, TIMES, SIZES)
def test_of_two_that_waited_alike_the_shorter_goes_first(wait: int, short: int, more: int, size: int) -> None:
    shorter, longer = asked(0, short, short, size), asked(0, short + more, short + more, size)
    for order in (sjf, wfp3, unicep, f1, f2, f3, f4):
        assert order(shorter, wait * SECOND) < order(longer, wait * SECOND)


@given(TIMES, TIMES, st.integers(2, 10**4), SIZES)
def test_of_two_that_asked_for_as_long_size_counts_as_each_order_has_it(
    wait: int, requested: int, size: int, more: int
) -> None:
    smaller, larger = asked(10, 9 + requested, 1, size), asked(10, 9 + requested, 1, size + more)
    now = (10 + wait) * SECOND
    assert wfp3(larger, now) < wfp3(smaller, now)
    for order in (unicep, f1, f2, f3, f4):
        assert order(smaller, now) < order(larger, now)
    for order in (fcfs, sjf):
        assert order(smaller, now) == order(larger, now)
