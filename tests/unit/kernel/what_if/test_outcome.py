"""Figures of many stays, and who is affected most: by hand, and against plain sums."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.plan import ReasonCode
from suanli.kernel.what_if.outcome import Comparison, Course, Figures, Spread, Stay, figures, most_affected
from suanli.model.ids import UserName, WorkloadId
from suanli.model.quantities import Instant

SECOND = 1_000_000
ANN = UserName("ann")
near = pytest.approx
Told = tuple[int, int, int | None]
"""Since when it waits, its limit, and when it starts, in seconds."""


def course(*stays: Told) -> Course:
    """A course in which workloads from 1 on have these stays."""
    made = {
        WorkloadId(number): Stay(
            workload=WorkloadId(number),
            owner=ANN,
            since=Instant(since * SECOND),
            time_limit_s=limit,
            start=None if start is None else Instant(start * SECOND),
        )
        for number, (since, limit, start) in enumerate(stays, start=1)
    }
    return Course(
        now=Instant(0),
        stays=made,
        never={},
        last_end=Instant(0),
        cpu_part=0.0,
        device_part=0.0,
        preempted=0,
        turns=1,
    )


def told(*stays: Told) -> Figures:
    found = course(*stays)
    return figures(found, list(found.stays))


def flat(value: float) -> Spread:
    return Spread(mean=value, median=value, p99=value, most=value)


@pytest.mark.parametrize(
    ("stays", "started", "never", "wait", "slowdown"),
    [
        pytest.param([], 0, 0, None, None, id="nobody waits"),
        pytest.param([(0, 60, None)], 0, 1, None, None, id="one that never starts"),
        pytest.param([(0, 60, 0)], 1, 0, 0.0, 1.0, id="one that starts at once"),
        pytest.param([(0, 60, 60)], 1, 0, 60.0, 2.0, id="one that waits as long as it runs"),
        pytest.param([(5, 60, 65)], 1, 0, 60.0, 2.0, id="waiting counts from when it came"),
        pytest.param([(0, 5, 15)], 1, 0, 15.0, 2.0, id="short work counts as ten seconds"),
        pytest.param([(0, 5, 0)], 1, 0, 0.0, 1.0, id="and never below one"),
        pytest.param([(0, 0, 60)], 1, 0, 60.0, None, id="without a limit there is no slowdown"),
    ],
)
def test_one_stay(stays: list[Told], started: int, never: int, wait: float | None, slowdown: float | None) -> None:
    assert told(*stays) == Figures(
        started=started,
        never=never,
        wait_s=None if wait is None else flat(wait),
        slowdown=None if slowdown is None else flat(slowdown),
    )


@pytest.mark.parametrize(
    ("waits", "median", "p99", "most"),
    [
        pytest.param([1, 2], 1, 2, 2, id="two: the lower is the median"),
        pytest.param([3, 1, 2], 2, 3, 3, id="three in any order"),
        pytest.param(list(range(1, 101)), 50, 99, 100, id="a hundred: one exceeds the 99th"),
        pytest.param(list(range(1, 102)), 51, 100, 101, id="a hundred and one"),
        pytest.param(list(range(1, 201)), 100, 198, 200, id="two hundred: two exceed it"),
        pytest.param([7] * 5, 7, 7, 7, id="all alike"),
    ],
)
def test_ranks_are_the_nearest(waits: list[int], median: float, p99: float, most: float) -> None:
    found = told(*((0, 0, wait) for wait in waits)).wait_s
    assert found is not None
    assert (found.median, found.p99, found.most) == (median, p99, most)
    assert found.mean == near(sum(waits) / len(waits))


def test_only_those_asked_for_count() -> None:
    found = course((0, 60, 60), (0, 60, None), (0, 60, 0))
    assert figures(found, [WorkloadId(2), WorkloadId(3)]) == Figures(
        started=1, never=1, wait_s=flat(0.0), slowdown=flat(1.0)
    )


def test_who_is_not_in_the_course_cannot_be_asked_for() -> None:
    with pytest.raises(KeyError):
        figures(course((0, 60, 60)), [WorkloadId(7)])


STAYS = st.lists(
    st.tuples(st.integers(0, 50), st.sampled_from([0, 3, 10, 60]), st.one_of(st.none(), st.integers(50, 500))),
    max_size=30,
)


@given(STAYS)
def test_any_figures_are_plain_ones(stays: list[Told]) -> None:
    found = told(*stays)
    waits = [start - since for since, _, start in stays if start is not None]
    slow = [
        max(1.0, (start - since + limit) / max(limit, 10))
        for since, limit, start in stays
        if start is not None and limit
    ]
    assert (found.started, found.never) == (len(waits), len(stays) - len(waits))
    for spread, values in ((found.wait_s, waits), (found.slowdown, slow)):
        assert (spread is None) is (not values)
        if spread is not None:
            assert spread.mean == near(sum(values) / len(values))
            assert spread.most == max(values)
            # So large a part of them does not exceed it, and of those below it less.
            for rank, part in ((spread.median, 0.5), (spread.p99, 0.99)):
                assert sum(value <= rank for value in values) >= part * len(values)
                assert sum(value < rank for value in values) < part * len(values)


def comparison(before: list[int | None], after: list[int | None]) -> Comparison:
    sides = [course(*((0, 60, start) for start in starts)) for starts in (before, after)]
    every = tuple(sides[0].stays)
    return Comparison(before=sides[0], after=sides[1], waiting=every, submitted=(), lost=())


@pytest.mark.parametrize(
    ("before", "after", "most", "affected"),
    [
        pytest.param([], [], 5, [], id="nobody"),
        pytest.param([10, 20], [10, 20], 5, [], id="nobody starts otherwise"),
        pytest.param([10, 20], [15, 20], 5, [1], id="one starts later"),
        pytest.param([10, 20], [10, 5], 5, [2], id="one starts sooner"),
        pytest.param([10, 20, 30], [11, 50, 25], 5, [2, 3, 1], id="the most first, sooner or later"),
        pytest.param([10, 20], [15, 25], 5, [1, 2], id="as much: by id"),
        pytest.param([10, 20], [90, None], 5, [2, 1], id="one that does not start any more leads"),
        pytest.param([10, None], [90, 5], 5, [2, 1], id="one that starts now leads"),
        pytest.param([None, 20], [None, 25], 5, [2], id="one that starts on neither side is not affected"),
        pytest.param([10, 20, 30], [20, 40, 60], 2, [3, 2], id="no more than asked for"),
        pytest.param([10, 20], [20, 40], 0, [], id="none asked for"),
    ],
)
def test_whose_starts_differ_most(
    before: list[int | None], after: list[int | None], most: int, affected: list[int]
) -> None:
    found = comparison(before, after)
    assert most_affected(found, found.waiting, most) == affected


def test_only_those_asked_for_are_affected() -> None:
    found = comparison([10, 20], [90, 50])
    assert most_affected(found, [WorkloadId(2)], 5) == [2]


def test_a_course_says_why_what_never_starts_does_not() -> None:
    found = replace(course((0, 60, None)), never={WorkloadId(1): ReasonCode.IMPOSSIBLE})
    assert found.never[WorkloadId(1)] is ReasonCode.IMPOSSIBLE
