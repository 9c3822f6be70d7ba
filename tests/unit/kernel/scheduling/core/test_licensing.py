"""Licenses that work lacks, that running work leaves, and that are kept for who waits: answers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.licensing import (
    first_kept,
    first_lacking,
    keep,
    licensed_from,
    must_wait,
    take,
)
from tests.unit.kernel.scheduling.core.center import Job, Node
from tests.unit.kernel.scheduling.core.small import changed, run, small

NEVER, NOBODY = t.NEVER, t.NOBODY
Asked = Sequence[int]


def center_of(
    totals: Asked, waiting: Sequence[tuple[int, Asked]], running: Sequence[tuple[int, Asked]] = ()
) -> t.Center:
    """Jobs that wait, each with its limit and what it asks of each license; then those that run, with their ends."""
    jobs = [Job(limit=limit) for limit, _ in waiting] + [Job() for _ in running]
    center = small([Node(99)], jobs, licenses=len(totals))
    center.licenses[:, t.TOTAL] = totals
    for job, (_, asked) in enumerate([*waiting, *running]):
        center.asks[job, t.AMOUNTS :] = asked
    for job, (end, _) in enumerate(running, len(waiting)):
        run(center, job, end, {0: 1})
    center.sizes[t.TURN] = 5
    return center


def kept(center: t.Center, row: int) -> tuple[int, ...]:
    """In which turn, from when, for whom, and how many are spare then."""
    return tuple(center.licenses[row, [t.KEPT_TURN, t.KEPT_FROM, t.KEPT_FOR, t.SPARE]].tolist())


@pytest.mark.parametrize(
    ("totals", "asked", "in_use", "expected"),
    [
        ([], [], [], NOBODY),
        ([1], [0], [0], NOBODY),
        ([1], [1], [0], NOBODY),
        ([1], [2], [0], 0),
        ([3], [3], [0], NOBODY),
        ([3], [3], [1], 0),
        ([3], [2], [1], NOBODY),
        ([3], [1], [3], 0),
        ([3], [0], [3], NOBODY),
        # More are in use than there are, since the total was lowered.
        ([3], [0], [5], NOBODY),
        ([3], [1], [5], 0),
        ([0], [1], [0], 0),
        ([0], [0], [0], NOBODY),
        ([1, 1], [1, 1], [0, 0], NOBODY),
        ([1, 1], [1, 1], [0, 1], 1),
        ([1, 1], [1, 1], [1, 0], 0),
        ([1, 1], [1, 1], [1, 1], 0),
        ([1, 1], [0, 1], [1, 1], 1),
        ([1, 1], [0, 1], [1, 0], NOBODY),
        ([9, 9, 2], [9, 9, 2], [0, 0, 1], 2),
    ],
)
def test_the_first_license_of_which_too_few_are_free_is_named(
    totals: list[int], asked: list[int], in_use: list[int], expected: int
) -> None:
    center = center_of(totals, [(10, asked)], [(100, in_use)])
    before = center.copied()
    assert first_lacking(center, 0, 0) == expected
    assert changed(before, center) == set()


@pytest.mark.parametrize(
    ("instant", "limit", "asked", "spare", "expected"),
    [
        # One license is kept for another job from 50 on.
        (0, 50, 1, 0, NOBODY),
        (0, 51, 1, 0, 0),
        (40, 10, 1, 0, NOBODY),
        (40, 11, 1, 0, 0),
        (60, 1, 1, 0, 0),
        (0, 51, 1, 1, NOBODY),
        (0, 51, 2, 1, 0),
        (0, 51, 2, 2, NOBODY),
        (0, 51, 1, -1, 0),
        (0, 51, 0, -1, NOBODY),
        (0, NEVER, 1, 0, 0),
        (0, 50, 9, 0, NOBODY),
    ],
)
def test_a_license_that_is_kept_is_named_where_it_would_be_missing(
    instant: int, limit: int, asked: int, spare: int, expected: int
) -> None:
    center = center_of([9], [(limit, [asked]), (10, [1])])
    columns = [t.KEPT_TURN, t.KEPT_FROM, t.KEPT_FOR, t.SPARE]
    center.licenses[0, columns] = (5, 50, 1, spare)
    before = center.copied()
    assert first_kept(center, 0, instant) == expected
    assert first_lacking(center, 0, instant) == expected
    # For itself, or in another turn, it is not kept.
    assert first_kept(center, 1, instant + 99) == NOBODY
    assert changed(before, center) == set()
    center.licenses[0, t.KEPT_TURN] = 4
    assert first_kept(center, 0, instant) == NOBODY


def test_the_first_of_several_that_are_kept_is_named() -> None:
    center = center_of([9, 9, 9], [(100, [1, 1, 1]), (10, [1, 1, 1])])
    columns = [t.KEPT_TURN, t.KEPT_FROM, t.KEPT_FOR, t.SPARE]
    for kept_rows, expected in (((1, 2), 1), ((2,), 2), ((0, 1), 0), ((), NOBODY)):
        center.licenses[:, columns] = 0
        for row in kept_rows:
            center.licenses[row, columns] = (5, 50, 1, 0)
        assert first_kept(center, 0, 0) == expected
    center.licenses[0, columns] = (5, 50, 1, 0)
    center.licenses[1, t.IN_USE] = 9
    # What is lacking now is named before what is kept.
    assert first_lacking(center, 0, 0) == 1


@pytest.mark.parametrize(
    ("totals", "asked", "running", "soon", "expected"),
    [
        ([3], [1], [], 1, 0),
        ([3], [3], [], 1, 0),
        ([3], [4], [], 1, NEVER),
        ([3], [0], [(10, [3])], 1, 0),
        ([3], [1], [(10, [3])], 1, 10),
        ([3], [3], [(10, [2]), (20, [1])], 1, 20),
        ([3], [2], [(10, [2]), (20, [1])], 1, 10),
        ([3], [1], [(10, [2])], 1, 0),
        ([3], [2], [(10, [1]), (10, [1]), (30, [1])], 1, 10),
        ([3], [1], [(NEVER, [3])], 1, NEVER),
        ([3], [2], [(10, [1]), (NEVER, [2])], 1, NEVER),
        ([3], [1], [(10, [1]), (NEVER, [2])], 1, 10),
        # More in use than there are: the first that end leave nothing.
        ([2], [1], [(10, [1]), (20, [2])], 1, 20),
        ([2], [2], [(10, [1]), (20, [2])], 1, 20),
        # What is late ends soon, before or after others.
        ([3], [1], [(-5, [3])], 1, 1),
        ([3], [1], [(0, [3])], 7, 7),
        ([3], [2], [(-5, [1]), (5, [2])], 7, 5),
        ([3], [3], [(-5, [1]), (5, [2])], 7, 7),
        ([3], [3], [(-5, [1]), (7, [2])], 7, 7),
        ([3], [3], [(-5, [1]), (9, [2])], 7, 9),
        ([3], [1], [(-5, [1]), (9, [2])], 7, 7),
        ([3], [2], [(-5, [1]), (-4, [1]), (9, [1])], 7, 7),
        ([3], [1], [(-5, [1]), (NEVER, [2])], 7, 7),
        # Of several licenses the last one decides.
        ([1, 1], [1, 1], [(10, [1, 0]), (20, [0, 1])], 1, 20),
        ([1, 1], [1, 1], [(10, [0, 1]), (20, [1, 0])], 1, 20),
        ([1, 1], [1, 0], [(10, [1, 0]), (20, [0, 1])], 1, 10),
        ([1, 1], [0, 1], [(10, [1, 0]), (20, [0, 1])], 1, 20),
        ([1, 1], [1, 1], [(10, [1, 0]), (NEVER, [0, 1])], 1, NEVER),
        ([1, 1], [1, 1], [(10, [1, 1])], 1, 10),
    ],
)
def test_licenses_are_awaited_until_running_work_leaves_enough(
    totals: list[int], asked: list[int], running: list[tuple[int, list[int]]], soon: int, expected: int
) -> None:
    center = center_of(totals, [(10, asked)], running)
    before = center.copied()
    assert licensed_from(center, 0, 0, soon) == expected
    before.licenses[:, t.THEN] = center.licenses[:, t.THEN]
    assert changed(before, center) == set()


RUNNING = [(10, [1, 0]), (20, [1, 1]), (30, [1, 1])]


@pytest.mark.parametrize(
    ("asked", "start", "expected"),
    [
        # Of five and two licenses three and two are in use; from a start on, so many are free beside what is asked.
        ([1, 0], 5, [(5, 5, 0, 1), None]),
        ([1, 0], 9, [(5, 9, 0, 1), None]),
        ([1, 0], 10, [(5, 10, 0, 2), None]),
        ([3, 0], 10, [(5, 10, 0, 0), None]),
        ([3, 1], 20, [(5, 20, 0, 1), (5, 20, 0, 0)]),
        ([3, 1], 25, [(5, 25, 0, 1), (5, 25, 0, 0)]),
        ([3, 1], 30, [(5, 30, 0, 2), (5, 30, 0, 1)]),
        ([5, 2], 30, [(5, 30, 0, 0), (5, 30, 0, 0)]),
        ([0, 1], 99, [None, (5, 99, 0, 1)]),
        ([0, 0], 99, [None, None]),
    ],
)
def test_what_is_asked_is_kept_from_a_start_on(
    asked: list[int], start: int, expected: list[tuple[int, ...] | None]
) -> None:
    center = center_of([5, 2], [(10, asked)], RUNNING)
    keep(center, 0, start, (0, 1))
    assert [kept(center, row) for row in range(2)] == [one or (0, 0, 0, 0) for one in expected]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # For a second job less is spare; the earlier of both starts counts, and what was free then.
        (20, 20, (5, 20, 0, 2)),
        (20, 30, (5, 20, 0, 2)),
        (20, 25, (5, 20, 0, 2)),
        (20, 10, (5, 10, 0, 1)),
        (30, 10, (5, 10, 0, 1)),
        (30, 20, (5, 20, 0, 2)),
        (30, 5, (5, 5, 0, 0)),
        (20, 0, (5, 0, 0, 0)),
    ],
)
def test_what_two_wait_for_is_kept_together(first: int, second: int, expected: tuple[int, ...]) -> None:
    center = center_of([5, 2], [(10, [1, 0]), (10, [1, 0])], RUNNING)
    keep(center, 0, first, (0, 1))
    keep(center, 1, second, (0, 1))
    assert kept(center, 0) == expected
    assert kept(center, 1) == (0, 0, 0, 0)


def test_what_an_earlier_turn_kept_is_forgotten() -> None:
    center = center_of([5], [(10, [1]), (10, [2])], [(10, [3])])
    keep(center, 0, 10, (0, 1))
    assert kept(center, 0) == (5, 10, 0, 4)
    center.sizes[t.TURN] = 6
    keep(center, 1, 20, (0, 1))
    assert kept(center, 0) == (6, 20, 1, 3)


@pytest.mark.parametrize(
    ("now", "soon", "start", "spare"),
    [
        # Two are late at 5, two end at 20.
        (5, 6, 5, 0),
        (5, 6, 6, 2),
        (5, 9, 8, 0),
        (5, 9, 9, 2),
        (5, 9, 20, 4),
        (3, 4, 5, 2),
        (3, 4, 4, 0),
        (4, 5, 5, 2),
        (5, 30, 20, 2),
        (5, 30, 30, 4),
    ],
)
def test_late_work_has_left_its_licenses_soon(now: int, soon: int, start: int, spare: int) -> None:
    center = center_of([4], [(10, [1])], [(5, [2]), (20, [2])])
    keep(center, 0, start, (now, soon))
    assert kept(center, 0)[3] == spare - 1


@pytest.mark.parametrize(
    ("limit", "now", "asked", "expected"),
    [(50, 0, 1, 3), (51, 0, 1, 2), (51, 0, 3, 0), (51, 0, 0, 3), (1, 50, 2, 1), (1, 49, 2, 3), (NEVER, 0, 2, 1)],
)
def test_who_starts_takes_of_what_is_spare_if_it_stays_so_long(limit: int, now: int, asked: int, expected: int) -> None:
    center = center_of([9, 9], [(limit, [asked, 1]), (10, [1, 1])])
    center.licenses[0, [t.KEPT_TURN, t.KEPT_FROM, t.KEPT_FOR, t.SPARE]] = (5, 50, 1, 3)
    take(center, 0, now)
    assert kept(center, 0) == (5, 50, 1, expected)
    # Of the other license nothing is kept.
    assert kept(center, 1) == (0, 0, 0, 0)
    take(center, 1, 99)
    assert kept(center, 0) == (5, 50, 1, expected)


def test_who_lacks_none_need_not_wait() -> None:
    center = center_of([2], [(10, [1]), (10, [2]), (10, [0])], [(50, [1])])
    before = center.copied()
    assert must_wait(center, 0, 0, 1) is False
    assert must_wait(center, 2, 0, 1) is False
    assert changed(before, center) == set()
    assert must_wait(small([Node(1)], [Job()]), 0, 0, 1) is False


def test_the_first_that_lacks_one_has_it_kept_and_the_next_has_not() -> None:
    center = center_of([2, 1], [(10, [2, 0]), (10, [2, 1]), (99, [1, 0]), (9, [1, 0])], [(50, [1, 0])])
    assert must_wait(center, 0, 0, 1) is True
    assert kept(center, 0) == (5, 50, 0, 0)
    assert must_wait(center, 1, 0, 1) is True
    # One of its licenses is kept already: it gets no place of its own.
    assert kept(center, 0) == (5, 50, 0, 0)
    assert kept(center, 1) == (0, 0, 0, 0)
    assert must_wait(center, 2, 0, 1) is True
    assert must_wait(center, 3, 0, 1) is False


def test_where_enough_is_never_free_nothing_is_kept() -> None:
    center = center_of([2], [(10, [3]), (10, [2]), (99, [1])], [(NEVER, [1])])
    assert must_wait(center, 0, 0, 1) is True
    assert must_wait(center, 1, 0, 1) is True
    assert kept(center, 0) == (0, 0, 0, 0)
    assert must_wait(center, 2, 0, 1) is False


@given(seed=st.integers(0, 2**32))
def test_the_instant_from_which_there_are_enough_is_the_first_of_all_ends(seed: int) -> None:
    chance = Random(seed)
    kinds = chance.randint(1, 3)
    totals = [chance.randint(0, 5) for _ in range(kinds)]
    runs = [
        (chance.choice([chance.randint(-5, 20), NEVER]), [chance.randint(0, 2) for _ in range(kinds)])
        for _ in range(chance.randint(0, 6))
    ]
    asked, now, soon = [chance.randint(0, 3) for _ in range(kinds)], 0, chance.randint(1, 9)
    center = center_of(totals, [(10, asked)], runs)
    ends = [soon if end <= now else end for end, _ in runs]
    expected = NEVER
    for instant in sorted({now, *(end for end in ends if end < NEVER)}):
        left = list(totals)
        for end, (_, held) in zip(ends, runs, strict=True):
            if end > instant:
                left = [one - other for one, other in zip(left, held, strict=True)]
        if all(one <= max(free, 0) for one, free in zip(asked, left, strict=True)):
            expected = instant
            break
    assert licensed_from(center, 0, now, soon) == expected
    for job in range(1, len(runs) + 1):
        changes.end(center, job)
    assert center.licenses[:, t.IN_USE].tolist() == [0] * kinds
