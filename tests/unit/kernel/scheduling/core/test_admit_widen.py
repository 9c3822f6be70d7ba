"""How many tasks moldable work gets beyond its need: by room, by bounds, by power; each alone and all together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import lists
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.admit import begin, tally, widen
from suanli.kernel.scheduling.core.changes import end
from suanli.kernel.scheduling.core.place import choose
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, holds, small

NEVER = t.NEVER
RUNS, CPU, MEMORY, SHARES = t.RUNS_ASKED, t.CPU_ASKED, t.MEMORY_ASKED, t.SHARES_ASKED
PLAIN = Shape(2, 3)
CARDS = Shape(2, 3, 2, 500, frozenset({0}))


def moldable(need: int, more: int, shape: Shape = PLAIN, bounds: int = 1) -> t.Center:
    """One job that needs so many tasks (or nodes) and may have so many more; it asks of bounds for those it needs."""
    center = small([Node(99)], [Job(need=need, shape=shape)], bounds=bounds)
    center.jobs[0, t.MORE] = more
    tasks = need * max(shape.unit, 1)
    shares = tasks * shape.devices * shape.share
    center.asks[0, : t.AMOUNTS] = (1, tasks * shape.cpu, tasks * shape.memory, shares)
    return center


def given_more(center: t.Center, room: Sequence[int], *, beside: bool = False) -> int:
    """How many more than it needs; nothing but that is noted."""
    before = center.copied()
    count = widen(center, 0, np.array(room), beside)
    assert changed(before, center) <= {"jobs"}
    assert center.jobs[0, t.GIVEN] == count - center.jobs[0, t.NEED]
    return int(center.jobs[0, t.GIVEN])


@pytest.mark.parametrize(
    ("need", "more", "room", "expected"),
    [
        pytest.param(2, 0, [99], 0, id="rigid work has what it needs"),
        pytest.param(2, 3, [2], 0, id="no more room"),
        pytest.param(2, 3, [3], 1, id="room for one more"),
        pytest.param(2, 3, [5], 3, id="room for all"),
        pytest.param(2, 3, [99], 3, id="and no more than it may have"),
        pytest.param(2, 9, [3, 7, 5], 5, id="as much as the roomiest engine has"),
        pytest.param(2, 9, [7, 3], 5, id="whichever that is"),
    ],
)
def test_room_bounds_how_many_it_gets(need: int, more: int, room: list[int], expected: int) -> None:
    assert given_more(moldable(need, more), room) == expected


@pytest.mark.parametrize(
    ("amount", "active", "most", "expected"),
    [
        # Two tasks are needed, of 2 cpus, 3 bytes, and 1000 thousandths of devices each.
        pytest.param(CPU, 0, 4, 0, id="cpus for the two"),
        pytest.param(CPU, 0, 5, 0, id="not quite for a third"),
        pytest.param(CPU, 0, 6, 1, id="for a third"),
        pytest.param(CPU, 7, 15, 2, id="beside what runs"),
        pytest.param(CPU, 7, NEVER, 5, id="without a bound"),
        pytest.param(MEMORY, 0, 8, 0, id="memory for the two"),
        pytest.param(MEMORY, 0, 9, 1, id="memory for a third"),
        pytest.param(MEMORY, 1, 9, 0, id="but somebody has some"),
        pytest.param(SHARES, 0, 2999, 0, id="devices not quite for a third"),
        pytest.param(SHARES, 0, 3000, 1, id="devices for a third"),
        pytest.param(SHARES, 500, 5500, 3, id="for all but one"),
        pytest.param(RUNS, 0, 1, 5, id="it is one run, however many tasks it has"),
    ],
)
def test_a_bound_leaves_so_many_tasks(amount: int, active: int, most: int, expected: int) -> None:
    center = moldable(2, 5, CARDS)
    center.associations[0, 0] = 0
    center.bounds[0, :, amount] = (active, most)
    assert given_more(center, [99]) == expected


def test_of_several_bounds_the_tightest_counts_and_only_those_that_are_named() -> None:
    center = moldable(2, 9, bounds=4)
    center.associations[0, :3] = (3, 1, t.NOBODY)
    center.bounds[:, t.MOST, CPU] = (4, 14, 6, 12)
    # Of the first and the third nothing is asked: 12 // 2 - 2.
    assert given_more(center, [99]) == 4
    center.bounds[1, t.MOST, MEMORY] = 15
    assert given_more(center, [99]) == 3


def test_the_last_bound_of_an_association_counts_too() -> None:
    center = moldable(2, 9, bounds=8)
    center.associations[0] = range(8)
    center.bounds[7, t.MOST, CPU] = 10
    assert given_more(center, [99]) == 3


def test_what_is_not_asked_for_is_not_bounded() -> None:
    center = moldable(2, 5, Shape(0, 0))
    center.associations[0, 0] = 0
    center.bounds[0, t.MOST] = (1, 0, 0, 0)
    assert given_more(center, [99]) == 5


@pytest.mark.parametrize(("most", "expected"), [(11, 0), (12, 0), (17, 0), (18, 1), (29, 2), (30, 3)])
def test_whole_nodes_count_with_all_their_tasks(most: int, expected: int) -> None:
    """Two nodes are needed with three tasks of two cpus each: twelve cpus, and six for each node more."""
    center = moldable(2, 9, Shape(2, 3, unit=3))
    center.associations[0, 0] = 0
    center.bounds[0, t.MOST, CPU] = max(most, 12)
    assert given_more(center, [99]) == expected


@pytest.mark.parametrize(
    ("cap", "in_use", "spare", "beside", "expected"),
    [
        # The two tasks draw at most 10 mW: five each.
        pytest.param(NEVER, 0, NEVER, False, 9, id="no cap"),
        pytest.param(10, 0, NEVER, False, 0, id="for the two"),
        pytest.param(14, 0, NEVER, False, 0, id="not quite for a third"),
        pytest.param(15, 0, NEVER, False, 1, id="for a third"),
        pytest.param(40, 15, NEVER, False, 3, id="beside what is drawn"),
        pytest.param(40, 0, 20, False, 6, id="what is kept matters not to who is gone by then"),
        pytest.param(40, 0, 20, True, 2, id="but to who stays"),
        pytest.param(20, 0, 40, True, 2, id="then both count"),
    ],
)
def test_power_bounds_how_many_it_gets(cap: int, in_use: int, spare: int, beside: bool, expected: int) -> None:
    center = moldable(2, 9)
    center.kinds[0, t.DRAWS] = 0 if cap == NEVER else 10
    center.sizes[[t.POWER_CAP, t.POWER_IN_USE, t.POWER_SPARE]] = (cap, in_use, spare)
    assert given_more(center, [99], beside=beside) == expected


AMOUNTS = st.integers(0, 30)


@given(
    need=st.integers(1, 4),
    more=st.integers(0, 8),
    room=st.lists(st.integers(0, 12), min_size=1, max_size=3),
    left=st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=3),
    draws=st.integers(0, 9),
    power=AMOUNTS,
)
def test_it_gets_as_many_as_all_leave(
    need: int, more: int, room: list[int], left: list[tuple[int, int]], draws: int, power: int
) -> None:
    """``left`` is what bounds leave of cpus and of memory beyond what is needed, ``power`` the same."""
    room = [max(room[0], need), *room[1:]]
    center = moldable(need, more, bounds=max(len(left), 1))
    center.associations[0, : len(left)] = range(len(left))
    for bound, (cpu, memory) in enumerate(left):
        center.bounds[bound, t.MOST, [CPU, MEMORY]] = center.asks[0, [CPU, MEMORY]] + (cpu, memory)
    center.kinds[0, t.DRAWS] = need * draws
    center.sizes[t.POWER_CAP] = need * draws + power
    extra = 0
    while extra < more and _is_allowed(extra + 1, need, room, left, draws, power):
        extra += 1
    assert given_more(center, room) == extra


def _is_allowed(extra: int, need: int, room: list[int], left: list[tuple[int, int]], draws: int, power: int) -> bool:
    """Whether so many more tasks have room, and cost no more than is left of anything."""
    enough = all(extra * PLAIN.cpu <= cpu and extra * PLAIN.memory <= memory for cpu, memory in left)
    return enough and need + extra <= max(room) and extra * draws <= power


@pytest.mark.parametrize("shape", [PLAIN, CARDS, Shape(2, 3, unit=2)])
def test_what_it_got_is_counted_and_given_back_whole(shape: Shape) -> None:
    center = moldable(2, 5, shape)
    center.associations[0, 0] = 0
    before = center.copied()
    given_more(center, [6])
    tally(center, 0, 1)
    tasks = 6 * max(shape.unit, 1)
    shares = tasks * shape.devices * shape.share
    assert center.bounds[0, t.ACTIVE].tolist() == [1, tasks * shape.cpu, tasks * shape.memory, shares]
    tally(center, 0, -1)
    assert changed(before, center) == {"jobs"}
    assert center.jobs[0, t.GIVEN] == 4


def test_two_in_one_turn_share_what_a_bound_leaves() -> None:
    """Of eight cpus that a bound leaves the first, which may have five tasks, gets five, and the second the rest."""
    center = small([Node(99)], [Job(need=2, shape=Shape(1)), Job(need=2, shape=Shape(1))])
    center.jobs[:2, t.MORE] = (3, 9)
    center.asks[:2, CPU] = 2
    center.associations[0, 0] = 0
    center.bounds[0, t.MOST, CPU] = 8
    for job, expected in ((0, 5), (1, 3)):
        center.tasks[0, 0] = 99
        count = widen(center, job, np.array([99]), False)
        assert count == expected
        assert choose(center, 0, count, center.tasks[0], center.score[0]) == 1
        begin(center, job, 0, 1, False)
    assert [holds(center, job)[0][1] for job in range(2)] == [5, 3]
    assert center.bounds[0, t.ACTIVE, CPU] == 8
    lists.start(center, 0)
    end(center, 0)
    assert center.bounds[0, t.ACTIVE, CPU] == 3
