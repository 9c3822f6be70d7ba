"""When one row of the queue overtakes another, by each published order: the instant or the size worked out on paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest

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


def row(submitted: float, requested: float, size: int, predicted: float = 0, since: float | None = None) -> Asked:
    """Seconds and whole processors."""
    return Asked(
        round(submitted * SECOND),
        round(requested * SECOND),
        round((predicted or requested) * SECOND),
        size,
        1000,
        round((submitted if since is None else since) * SECOND),
    )


def leads(order: Order, one: Asked, other: Asked, at: float = 10**6) -> bool:
    """Whether one goes before the other at a second."""
    return order(one, round(at * SECOND)) < order(other, round(at * SECOND))


LARGE, SMALL = row(0, 100, 8), row(50, 10, 1)
PAIR, EIGHT = row(50, 10, 2), row(0, 100, 8)


@pytest.mark.parametrize(
    ("order", "earlier", "later", "instant"),
    [
        # (t / 100)^3 x 8 = ((t - 50) / 10)^3, so 2 t / 100 = (t - 50) / 10: t = 62.5.
        pytest.param(wfp3, LARGE, SMALL, 62.5, id="wfp3: eight processors for 100 s, and one for 10 s that came later"),
        # t / (3 x 100) = (t - 50) / (1 x 10), so 29 t = 1500.
        pytest.param(unicep, EIGHT, PAIR, 1500 / 29, id="unicep: the logarithm of eight is three, of two is one"),
        # (t / 50)^3 x 4 = ((t - 30) / 40)^3 x 4, so t / 50 = (t - 30) / 40: t = 150.
        pytest.param(wfp3, row(0, 50, 4), row(30, 40, 4), 150, id="wfp3: of one size, by the wait for each second"),
        # t / (2 x 50) = (t - 30) / (2 x 40), as before.
        pytest.param(unicep, row(0, 50, 4), row(30, 40, 4), 150, id="unicep: and so here"),
    ],
)
def test_the_shorter_that_came_later_overtakes_at_an_instant(
    order: Order, earlier: Asked, later: Asked, instant: float
) -> None:
    assert leads(order, earlier, later, instant - 0.01)
    assert leads(order, later, earlier, instant + 0.01)


@pytest.mark.parametrize(
    ("order", "requested", "size"),
    [
        pytest.param(f1, 1000, 290, id="f1: the logarithm of 1,000 is 3, and 870 / 3 = 290"),
        pytest.param(f2, 10_000, 256, id="f2: the root of 10,000 is 100, and 25,600 / 100 = 256"),
        pytest.param(f3, 10_000, 686, id="f3: 6,860,000 / 10,000 = 686"),
    ],
)
def test_ten_times_later_weighs_as_much_as_so_many_processors_more(order: Order, requested: int, size: int) -> None:
    """Of two requests as long, one came at 10 s and one at 100 s with one processor: a decade between them."""
    later = row(100, requested, 1)
    assert leads(order, row(10, requested, size), later)
    assert leads(order, later, row(10, requested, size + 2))


def test_by_f4_a_decade_weighs_as_much_as_the_root_of_the_size_times_the_request() -> None:
    """530,000 / 10,000 = 53: the earlier leads with a root up to 1 + 53, that is with up to 2,916 processors."""
    later = row(100, 10_000, 1)
    assert leads(f4, row(10, 10_000, 2915), later)
    assert leads(f4, later, row(10, 10_000, 2917))


@pytest.mark.parametrize("order", [f1, f2, f3, f4])
def test_within_the_first_second_of_the_clock_nobody_came_earlier(order: Order) -> None:
    assert order(row(0, 60, 3), 0) == order(row(1, 60, 3), 0)
    assert leads(order, row(1, 60, 3), row(1.1, 60, 3))


@pytest.mark.parametrize("order", [f1, f2, f3, f4, wfp3, unicep])
def test_only_the_request_counts_and_never_the_prediction(order: Order) -> None:
    at = 500 * SECOND
    assert order(row(7, 60, 3, predicted=1), at) == order(row(7, 60, 3, predicted=59), at)


def test_only_the_prediction_counts_for_the_shortest_first() -> None:
    assert leads(sjf, row(900, 10_000, 64, predicted=5), row(0, 6, 1))
    assert sjf(row(0, 60, 1, predicted=7), 0) == sjf(row(99, 70, 5, predicted=7), 10**9)


def test_first_come_is_who_may_run_for_longest_and_not_who_was_submitted_first() -> None:
    """Work that was held, or waits again, is eligible only since then."""
    assert leads(fcfs, row(50, 10, 1), row(0, 10, 1, since=51))
    assert fcfs(row(0, 10, 1, since=51), 0) == 51 * SECOND


@pytest.mark.parametrize("order", [wfp3, unicep])
def test_before_anybody_has_waited_all_are_equal(order: Order) -> None:
    keys = {order(row(100, requested, size), 100 * SECOND) for requested in (1, 60, 9999) for size in (1, 2, 64)}
    assert keys == {0.0}
    # A clock that is behind the submission makes nobody wait for less than nothing.
    assert order(row(100, 60, 4), 40 * SECOND) == 0
