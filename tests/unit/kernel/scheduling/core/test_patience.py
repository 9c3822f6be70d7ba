"""Work that waits for faster devices, one turn of one small center at a time, worked out by hand.

Of two types of devices the first takes 40 us for a unit of work and the second 10, unless a test says otherwise. The
free device, on node 0, is of the slow type; who holds the fast ones of node 1 is told with when it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.patience import duration, expect, would_wait
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import run, small

GOOD, BAD = True, False
SLOW, FAST = 0, 1
UNKNOWN = float("inf")
SOON = 7
"""When work past its end is taken to end, where it is 0 now."""
ASKS = Shape(0, 0, devices=1, types=frozenset({SLOW, FAST}))
HOLDER = Shape(0, 0, devices=1, types=frozenset({FAST}))


def center_of(
    ends: Sequence[int],
    *,
    takes: tuple[float, float] = (40.0, 10.0),
    asking: Shape = ASKS,
    needs: Sequence[int] = (1, 1, 1, 1, 1),
    fast: Sequence[bool] = (),
    slow: int = 1,
) -> t.Center:
    """Five that ask, from job 0 on, for one unit of work each; behind these one that holds each fast device."""
    devices = tuple((FAST, health) for health in (fast or [GOOD] * max(len(ends), 1)))
    nodes = [Node(9, devices=((SLOW, GOOD),) * slow), Node(9, devices=devices)]
    jobs = [Job(need=need, shape=asking) for need in needs] + [Job(shape=HOLDER) for _ in ends]
    center = small(nodes, jobs, shapes=[asking, HOLDER])
    center.jobs[:, t.START_BY] = t.NEVER
    center.jobs[: len(needs), t.END] = 2**40
    center.shapes[0, t.PURSUES] = t.BY_TIME
    center.merits[:, t.TAKES, :2] = takes
    center.pursuits[:, t.WORK] = 1
    center.sizes[t.TURN] = 1
    for position, end in enumerate(ends):
        run(center, len(needs) + position, end, {1: 1}, [(1, position, t.WHOLE)])
    return center


def waits(center: t.Center, job: int, *, tasks: int = 1, now: int = 0, node: int = 0, beside: bool = False) -> bool:
    """Whether a job that so many tasks of which could start on a node rather waits."""
    center.scratch[[t.CHOSEN, t.TASKS], 0] = (node, tasks)
    return bool(would_wait(center, job, (now, now + SOON), 1, beside))


def told(center: t.Center, job: int) -> tuple[int, int, int, int]:
    """For which type it waits, until when, when it ends then, and would end if it started now."""
    kind, until, then, at_once = center.pursuits[job, [t.WAITS_FOR, t.WAITS_UNTIL, t.ENDS_THEN, t.ENDS_NOW]].tolist()
    return kind, until, then, at_once


@pytest.mark.parametrize(
    ("end", "expected"),
    [(1, True), (29, True), (30, False), (31, False), (39, False), (1000, False)],
)
def test_it_waits_where_it_ends_sooner_so(end: int, expected: bool) -> None:
    """At once it ends at 40; on the fast device 10 after this comes free."""
    center = center_of([end])
    before = center.copied()
    assert waits(center, 0) is expected
    if expected:
        assert told(center, 0) == (FAST, end, end + 10, 40)
        assert center.pursuits[0, t.CHOSE] == 1
    else:
        assert (center.pursuits == before.pursuits).all()


@pytest.mark.parametrize("now", [0, 100, 10**15])
def test_all_is_counted_from_now(now: int) -> None:
    assert waits(center_of([now + 29]), 0, now=now)
    assert not waits(center_of([now + 30]), 0, now=now)


def test_who_waits_is_counted_by_those_behind() -> None:
    """One device, free at 5: for one until 15, the next until 25, then 35; whoever comes after that would end at 45."""
    center = center_of([5])
    assert [waits(center, job) for job in range(5)] == [True, True, True, False, False]
    assert [told(center, job) for job in range(3)] == [(FAST, 5, 15, 40), (FAST, 15, 25, 40), (FAST, 25, 35, 40)]


def test_of_two_devices_the_one_that_comes_free_first_is_promised() -> None:
    """Free at 5 and 20. In turn they are promised at 5 (to 15), 15 (25), 20 (30), 25 (35); at 30 nobody gains."""
    center = center_of([20, 5])
    assert [waits(center, job) for job in range(5)] == [True, True, True, True, False]
    assert [told(center, job)[1:3] for job in range(4)] == [(5, 15), (15, 25), (20, 30), (25, 35)]


def test_another_turn_looks_anew() -> None:
    center = center_of([5])
    assert [waits(center, job) for job in range(4)] == [True, True, True, False]
    assert not waits(center, 3)
    center.sizes[t.TURN] = 2
    assert [waits(center, job) for job in (3, 4)] == [True, True]
    assert (told(center, 3)[1], center.pursuits[3, t.CHOSE]) == (5, 2)


@pytest.mark.parametrize(
    ("ends", "expected", "until"),
    [
        # Two tasks, and two units of work, so that each device works on one: 40 now, 10 on fast ones.
        ([5, 29], True, 29),
        ([29, 5], True, 29),
        ([5, 30], False, 0),
        ([5], False, 0),
        ([5, 6, 50], True, 6),
        ([50, 6, 5], True, 6),
    ],
)
def test_as_many_devices_must_come_free_as_it_takes(ends: Sequence[int], expected: bool, until: int) -> None:
    center = center_of(ends, needs=(2,), slow=2)
    center.pursuits[0, t.WORK] = 2
    assert waits(center, 0, tasks=2) is expected
    if expected:
        assert told(center, 0) == (FAST, until, until + 10, 40)


def test_free_devices_of_the_better_type_count_with_those_that_come_free() -> None:
    """Three fast devices, of which one is free and too few: of two that are wanted one more must come free."""
    center = center_of([8, 25], needs=(2, 2), fast=[GOOD] * 3, slow=2)
    center.pursuits[:2, t.WORK] = 2
    assert waits(center, 0, tasks=2)
    assert told(center, 0)[1] == 8
    # The one at 8 is held until 18 now: the next waits for that.
    assert waits(center, 1, tasks=2)
    assert told(center, 1)[1] == 18


def test_one_held_device_must_come_free_even_where_enough_seem_free() -> None:
    """The free fast one is of no use where it is (else it would have been chosen): it is not waited for."""
    center = center_of([8], fast=[GOOD] * 2)
    assert waits(center, 0)
    assert told(center, 0)[1] == 8


@pytest.mark.parametrize(
    ("takes", "expected"),
    [
        ((40.0, 10.0), True),
        # Nobody knows how long it takes where it could start: it starts.
        ((UNKNOWN, 10.0), False),
        # Nobody knows how long it would take there: it starts.
        ((40.0, UNKNOWN), False),
        ((UNKNOWN, UNKNOWN), False),
        # The other type is as slow, or slower, or not by enough.
        ((40.0, 40.0), False),
        ((40.0, 41.0), False),
        ((40.0, 35.0), False),
        ((40.0, 34.0), True),
    ],
)
def test_it_waits_only_by_what_is_known(takes: tuple[float, float], expected: bool) -> None:
    assert waits(center_of([5], takes=takes), 0) is expected


@pytest.mark.parametrize(
    ("pursues", "expected"), [(0, False), (t.BY_WORK, False), (t.BY_RANK, False), (t.BY_TIME, True)]
)
def test_only_who_wants_to_end_early_waits(pursues: int, expected: bool) -> None:
    center = center_of([5])
    center.shapes[0, t.PURSUES] = pursues
    assert waits(center, 0) is expected


@pytest.mark.parametrize(("start_by", "expected"), [(4, False), (5, True), (6, True), (0, False)])
def test_it_does_not_wait_past_its_latest_start(start_by: int, expected: bool) -> None:
    center = center_of([5])
    center.jobs[0, t.START_BY] = start_by
    assert waits(center, 0) is expected


def test_a_type_that_it_does_not_take_is_no_hope() -> None:
    only_slow = Shape(0, 0, devices=1, types=frozenset({SLOW}))
    assert not waits(center_of([5], asking=only_slow), 0)


@pytest.mark.parametrize(
    ("column", "value"), [(t.READY, 0), (t.RESERVED, 1), (t.RESERVED, 2**61)], ids=["closed", "reserved", "last bit"]
)
def test_devices_of_nodes_that_take_no_work_are_no_hope(column: int, value: int) -> None:
    center = center_of([5])
    center.nodes[1, column] = value
    assert not waits(center, 0)


def test_broken_devices_are_no_hope() -> None:
    assert not waits(center_of([5], fast=[BAD]), 0)
    assert waits(center_of([5, 6], fast=[BAD, GOOD]), 0)


@pytest.mark.parametrize(
    ("end", "expected", "until"),
    [
        # It never ends; is past its end; was asked to end; ends just now; ends next.
        (t.NEVER, False, 0),
        (50, True, 107),
        (t.LEAVES, True, 107),
        (100, True, 107),
        (101, True, 101),
    ],
)
def test_ends_are_those_of_who_holds_them(end: int, expected: bool, until: int) -> None:
    center = center_of([end])
    assert waits(center, 0, now=100) is expected
    if expected:
        assert told(center, 0)[1] == until


@pytest.mark.parametrize(
    ("end", "known", "until"),
    [
        # By its work, which ends before its limit; what is past the former goes by the latter; who leaves, soon.
        (1000, 105, 105),
        (120, 90, 120),
        (120, 100, 120),
        (90, 105, 105),
        (t.LEAVES, 105, 107),
    ],
)
def test_work_that_is_known_tells_the_end_before_its_limit(end: int, known: int, until: int) -> None:
    center = center_of([end])
    center.pursuits[5, t.EXPECTED] = known
    assert waits(center, 0, now=100)
    assert told(center, 0)[1] == until


def test_a_device_that_several_share_comes_free_with_the_last_of_them() -> None:
    half = Shape(0, 0, devices=1, share=500, types=frozenset({FAST}))
    nodes = [Node(9, devices=((SLOW, GOOD),)), Node(9, devices=((FAST, GOOD),))]
    for ends, expected in (((5, 29), True), ((29, 5), True), ((5, 30), False), ((5, t.NEVER), False)):
        center = small(nodes, [Job(shape=ASKS), Job(shape=half), Job(shape=half)], shapes=[ASKS, half])
        center.jobs[:, t.START_BY], center.jobs[0, t.END] = t.NEVER, 2**40
        center.shapes[0, t.PURSUES] = t.BY_TIME
        center.merits[:, t.TAKES, :2] = (40.0, 10.0)
        center.pursuits[:, t.WORK] = 1
        center.sizes[t.TURN] = 1
        for job, end in enumerate(ends, start=1):
            run(center, job, end, {1: 1}, [(1, 0, 500)])
        assert waits(center, 0) is expected, ends


def test_what_it_would_start_on_is_judged_by_its_slowest_device() -> None:
    """Of three types node 0 has the middle and the slow one: with one task it ends at 20 there, with two at 40."""
    asking = Shape(0, 0, devices=1, types=frozenset({0, 1, 2}))
    center = center_of([9], asking=asking, needs=(1, 2), takes=(40.0, 10.0), slow=2)
    center.merits[0, t.TAKES, 2] = 20.0
    center.devices[0, 1, t.TYPE] = 2
    center.shapes[0, t.PURSUES] = t.BY_TIME
    center.merits[0, t.RANK, :3] = (2.0, 0.0, 1.0)
    center.pursuits[1, t.WORK] = 2
    # One task takes the middle one: 9 + 10 is before 20.
    assert waits(center, 0)
    assert told(center, 0) == (FAST, 9, 19, 20)
    # Two take both: the slow one says 40; two fast ones do not come free, nor two middle ones.
    center.sizes[t.TURN] = 2
    assert not waits(center, 1, tasks=2)


def test_beside_the_reservation_only_what_is_not_kept_counts() -> None:
    """Node 0 has a fast device that is kept, and a slow one: beside the reservation it would start on the slow one."""
    center = center_of([5], slow=2)
    center.devices[0, 0, t.TYPE] = FAST
    center.merits[0, t.RANK, :2] = (1.0, 0.0)
    assert not waits(center, 0)
    center.nodes[0, t.IS_KEPT] = 1
    center.both_devices[0] = center.devices[0]
    center.both_devices[0, 0, t.FREE] = 0
    assert not waits(center, 0)
    assert waits(center, 0, beside=True)
    assert told(center, 0) == (FAST, 5, 15, 40)


@pytest.mark.parametrize(
    ("need", "given", "devices", "share", "unit", "takes", "expected"),
    [
        # Work of 6 units: by one device; two tasks; one and one more; two devices of each of three tasks.
        (1, 0, 1, 1000, 0, 10.0, 60.0),
        (2, 0, 1, 1000, 0, 10.0, 30.0),
        (1, 1, 1, 1000, 0, 10.0, 30.0),
        (3, 0, 2, 1000, 0, 10.0, 10.0),
        # Half a device takes twice as long; four halves are two devices.
        (1, 0, 1, 500, 0, 10.0, 120.0),
        (4, 0, 1, 500, 0, 10.0, 30.0),
        # Two whole nodes with three tasks each.
        (2, 0, 1, 1000, 3, 10.0, 10.0),
        (1, 0, 1, 1000, 0, UNKNOWN, UNKNOWN),
    ],
)
def test_how_long_work_takes(
    need: int, given: int, devices: int, share: int, unit: int, takes: float, expected: float
) -> None:
    shape = Shape(0, 0, devices=devices, share=share, types=frozenset({FAST}), unit=unit)
    center = center_of([5], asking=shape, needs=(need,))
    center.jobs[0, t.GIVEN] = given
    center.pursuits[0, t.WORK] = 6
    assert duration(center, 0, takes) == expected


@pytest.mark.parametrize(
    ("positions", "end", "expected"),
    [
        # Two units of work on two devices of node 1, of which the first is fast; started at 100.
        ((0, 1), 200, 110),
        ((0, 2), 200, 140),
        ((2, 1), 200, 140),
        # Not before its limit: that tells the end, so nothing is noted.
        ((0, 1), 110, 0),
        ((0, 1), 111, 110),
        ((0, 3), 200, 0),
    ],
)
def test_what_starts_is_expected_to_end_by_its_slowest_device(
    positions: tuple[int, int], end: int, expected: int
) -> None:
    asking = Shape(0, 0, devices=2, types=frozenset({0, 1, 2}))
    center = center_of([], asking=asking, needs=(1,), fast=[GOOD] * 4)
    center.devices[1, 2, t.TYPE], center.devices[1, 3, t.TYPE] = SLOW, 2
    center.merits[0, t.TAKES, 2] = UNKNOWN
    center.pursuits[0, [t.WORK, t.EXPECTED]] = (2, 77)
    run(center, 0, end, {1: 1}, [(1, position, t.WHOLE) for position in positions])
    center.jobs[0, t.END] = end
    expect(center, 0, 100)
    assert center.pursuits[0, t.EXPECTED] == expected


def test_of_work_without_an_amount_nothing_is_expected() -> None:
    center = center_of([], needs=(1,))
    center.shapes[0, t.PURSUES] = 0
    center.pursuits[0, t.EXPECTED] = 77
    run(center, 0, 500, {1: 1}, [(1, 0, t.WHOLE)])
    expect(center, 0, 100)
    assert center.pursuits[0, t.EXPECTED] == 77


@given(seed=st.integers(0, 2**32))
def test_promises_are_those_of_sorted_lists(seed: int) -> None:
    """Against lists sorted anew after each promise, of many devices, several wanted at a time."""
    chance = Random(seed)
    ends = [chance.randint(1, 60) for _ in range(chance.randint(1, 12))]
    needs = [chance.randint(1, 3) for _ in range(6)]
    center = center_of(ends, needs=needs, slow=3)
    center.pursuits[: len(needs), t.WORK] = needs
    left = sorted(float(end) for end in ends)
    for job, need in enumerate(needs):
        done = left[need - 1] + 10 if need <= len(left) else np.inf
        assert waits(center, job, tasks=need) is bool(done < 40)
        if done < 40:
            assert told(center, job) == (FAST, left[need - 1], done, 40)
            left = sorted([*left[need:], *[done] * need])
