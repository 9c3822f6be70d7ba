"""Who must leave for the head, and that nobody does in vain: small tables, answers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.preempt import preempt
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, holds, run, running, small

END = 1000
"""When all running work is taken to end, unless it was asked to."""


@dataclass(frozen=True)
class Run:
    """Running work: tasks by node, when it started, and its keys, of which a smaller one is of higher standing."""

    on: dict[int, int]
    started: int = 0
    queue: int = 0
    priority: int = 0
    order: int = 0
    stays: bool = False
    leaves: bool = False


@dataclass(frozen=True)
class Head:
    need: int
    shape: Shape = Shape()
    queue: int = 0
    priority: int = -1
    preemptible: bool = False


def center_of(nodes: Sequence[Node], head: Head, runs: Sequence[Run]) -> t.Center:
    """The head is job 0, the runs are jobs from 1 on."""
    waiting = Job(limit=50, need=head.need, shape=head.shape, preemptible=head.preemptible)
    center = small(nodes, [waiting, *(Job(preemptible=not one.stays) for one in runs)])
    center.keys[:2, 0] = (head.queue, head.priority)
    for job, one in enumerate(runs, 1):
        center.keys[:, job] = (one.queue, one.priority, one.order)
        run(center, job, t.LEAVES if one.leaves else END, one.on, started=one.started)
    refresh(center, 0, BEST_FIT)
    return center


def victims(center: t.Center) -> list[int]:
    """Who is asked to leave, in order; nothing but this may change."""
    before = center.copied()
    preempt(center, 0)
    asked = [int(job) for job in center.lists[t.LEAVING, : center.sizes[t.LEAVING_SIZE]]]
    scratch = {"lists", "jobs", "sizes", "row", "busy", "scratch", "node_keys"}
    assert changed(before, center) <= scratch
    assert [int(job) for job in (center.jobs != before.jobs).any(axis=1).nonzero()[0]] == sorted(asked)
    assert center.jobs[asked, t.END].tolist() == [t.LEAVES] * len(asked)
    gone = [job for job in running(before) if before.jobs[job, t.END] == t.LEAVES]
    assert running(center) == [*sorted([*gone, *asked]), *(job for job in running(before) if job not in asked + gone)]
    assert center.sizes[t.PREEMPTIBLES] == before.sizes[t.PREEMPTIBLES]
    return asked


FOUR = [Node(4)]
EACH_SECOND = [Run({0: 1}, started=second) for second in range(4)]


@pytest.mark.parametrize(
    ("need", "expected"), [(1, [4]), (2, [4, 3]), (3, [4, 3, 2]), (4, [4, 3, 2, 1]), (5, []), (0, [])]
)
def test_the_latest_started_leave_and_no_more_than_needed(need: int, expected: list[int]) -> None:
    assert victims(center_of(FOUR, Head(need), EACH_SECOND)) == expected


@pytest.mark.parametrize(
    ("starts", "need", "expected"),
    [
        ((3, 2, 1, 0), 1, [1]),
        ((3, 2, 1, 0), 2, [1, 2]),
        ((1, 3, 0, 2), 2, [2, 4]),
        ((0, 0, 9, 0), 1, [3]),
        ((-5, -4, -3, -2), 2, [4, 3]),
    ],
)
def test_it_is_the_start_that_counts_and_not_the_row(starts: tuple[int, ...], need: int, expected: list[int]) -> None:
    runs = [Run({0: 1}, started=started) for started in starts]
    assert victims(center_of(FOUR, Head(need), runs)) == expected


@pytest.mark.parametrize(
    ("orders", "need", "expected"),
    [((1, 2, 3, 4), 1, [4]), ((4, 3, 2, 1), 2, [1, 2]), ((2, 9, 3, 7), 3, [2, 4, 3]), ((-1, -9, 0, -3), 1, [3])],
)
def test_of_those_that_started_at_once_the_last_in_order_leaves(
    orders: tuple[int, ...], need: int, expected: list[int]
) -> None:
    runs = [Run({0: 1}, started=7, order=order) for order in orders]
    assert victims(center_of(FOUR, Head(need), runs)) == expected


def test_the_start_counts_more_than_the_order() -> None:
    runs = [Run({0: 1}, started=1, order=9), Run({0: 1}, started=2, order=1), Run({0: 2}, started=1, order=5)]
    assert victims(center_of(FOUR, Head(1), runs)) == [2]
    assert victims(center_of(FOUR, Head(2), runs)) == [2, 1]
    assert victims(center_of(FOUR, Head(4), runs)) == [2, 1, 3]


@pytest.mark.parametrize(
    ("queue", "priority", "leaves"),
    [
        # The head is of queue 5 and priority 5; smaller goes first.
        (5, 6, True),
        (5, 5, False),
        (5, 4, False),
        (6, 5, True),
        (6, 4, True),
        (6, 6, True),
        (6, -9, True),
        (4, 5, False),
        (4, 6, False),
        (4, 99, False),
    ],
)
def test_only_work_of_strictly_lower_standing_leaves(queue: int, priority: int, leaves: bool) -> None:
    center = center_of(FOUR, Head(1, queue=5, priority=5), [Run({0: 4}, queue=queue, priority=priority)])
    assert victims(center) == ([1] if leaves else [])


def test_who_may_lose_its_own_place_takes_nobody_elses() -> None:
    assert victims(center_of(FOUR, Head(1, preemptible=True), EACH_SECOND)) == []


@pytest.mark.parametrize(
    ("stays", "need", "expected"),
    [
        ((False, False, False, True), 1, [3]),
        ((True, True, True, False), 1, [4]),
        ((True, True, True, False), 2, []),
        ((False, True, False, True), 2, [3, 1]),
        ((False, True, False, True), 3, []),
        ((True, True, True, True), 1, []),
    ],
)
def test_work_that_may_not_lose_its_place_keeps_it(stays: tuple[bool, ...], need: int, expected: list[int]) -> None:
    runs = [Run({0: 1}, started=second, stays=one) for second, one in enumerate(stays)]
    assert victims(center_of(FOUR, Head(need), runs)) == expected


@pytest.mark.parametrize(
    ("sizes", "need", "expected"),
    [
        # By start, cpus of a node of twelve, all taken. From the last on as many as make the room; then those that
        # are not needed are spared, the longest-running first.
        ((6, 3, 2, 1), 1, [4]),
        ((6, 3, 2, 1), 2, [3]),
        ((6, 3, 2, 1), 3, [4, 3]),
        ((6, 3, 2, 1), 4, [4, 2]),
        ((6, 3, 2, 1), 5, [3, 2]),
        ((6, 3, 2, 1), 6, [4, 3, 2]),
        ((6, 3, 2, 1), 7, [4, 1]),
        ((6, 3, 2, 1), 12, [4, 3, 2, 1]),
        ((1, 2, 3, 6), 1, [4]),
        ((1, 2, 3, 6), 7, [4, 3]),
        ((1, 2, 3, 6), 10, [4, 3, 2]),
        ((4, 1, 4, 3), 7, [4, 3]),
        ((4, 1, 4, 3), 8, [4, 3, 2]),
        ((4, 1, 4, 3), 9, [4, 3, 1]),
        ((5, 1, 5, 1), 2, [3]),
        ((5, 1, 5, 1), 10, [3, 1]),
        ((5, 1, 5, 1), 11, [4, 3, 1]),
        ((5, 2, 5), 10, [3, 1]),
    ],
)
def test_whoever_is_not_needed_is_spared(sizes: tuple[int, ...], need: int, expected: list[int]) -> None:
    runs = [Run({0: size}, started=second) for second, size in enumerate(sizes)]
    assert victims(center_of([Node(12)], Head(need), runs)) == expected


def test_room_that_is_free_already_counts() -> None:
    runs = [Run({0: 2}, started=second) for second in range(3)]
    for need, expected in ((4, []), (5, [3]), (6, [3]), (7, [3, 2]), (10, [3, 2, 1]), (11, [])):
        assert victims(center_of([Node(10)], Head(need), runs)) == expected


@pytest.mark.parametrize(
    ("leaving", "need", "expected"),
    [
        # Three of four cpus are taken by work of which the first so many were asked to leave before.
        (0, 2, [3]),
        (1, 2, []),
        (1, 3, [3]),
        (1, 4, [3, 2]),
        (2, 3, []),
        (2, 4, [3]),
        (3, 4, []),
        (3, 5, []),
    ],
)
def test_while_somebody_leaves_only_what_that_lacks_is_asked_for(leaving: int, need: int, expected: list[int]) -> None:
    runs = [Run({0: 1}, started=second, leaves=second < leaving) for second in range(3)]
    assert victims(center_of(FOUR, Head(need), runs)) == expected


def test_whoever_leaves_already_is_not_asked_again() -> None:
    center = center_of(FOUR, Head(2), EACH_SECOND)
    assert victims(center) == [4, 3]
    center.sizes[t.LEAVING_SIZE] = 0
    assert victims(center) == []


def test_work_that_leaves_and_may_not_lose_its_place_makes_room_too() -> None:
    runs = [Run({0: 2}, leaves=True, stays=True), Run({0: 2}, started=9)]
    assert victims(center_of(FOUR, Head(2), runs)) == []
    assert victims(center_of(FOUR, Head(3), runs)) == [2]


@pytest.mark.parametrize(
    ("runs", "need", "expected"),
    [
        # Two nodes of four cpus; a need of more than four takes both.
        ([Run({0: 4}, 1), Run({1: 4}, 2)], 4, [2]),
        ([Run({0: 4}, 2), Run({1: 4}, 1)], 4, [1]),
        ([Run({0: 4}, 1), Run({1: 4}, 2)], 5, [2, 1]),
        ([Run({0: 4, 1: 1}, 1), Run({1: 3}, 2)], 3, [2]),
        ([Run({0: 4, 1: 1}, 1), Run({1: 3}, 2)], 4, [1]),
        ([Run({0: 4, 1: 1}, 1), Run({1: 3}, 2)], 8, [2, 1]),
        ([Run({0: 2}, 1), Run({1: 2}, 2), Run({0: 2}, 3), Run({1: 2}, 4)], 2, [4]),
        ([Run({0: 2}, 1), Run({1: 2}, 2), Run({0: 2}, 3), Run({1: 2}, 4)], 4, [4, 3]),
        ([Run({0: 2}, 1), Run({1: 2}, 2), Run({0: 2}, 3), Run({1: 2}, 4)], 6, [4, 3, 2]),
    ],
)
def test_work_on_several_nodes(runs: list[Run], need: int, expected: list[int]) -> None:
    assert victims(center_of([Node(4), Node(4)], Head(need), runs)) == expected


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        # The head needs three cpus on one node of four.
        ([Run({0: 4}, 1), Run({1: 2}, 2), Run({2: 2}, 3)], [3]),
        ([Run({0: 4}, 1), Run({1: 2}, 2), Run({2: 2}, 3, stays=True)], [2]),
        ([Run({0: 4}, 1), Run({1: 2}, 2, stays=True), Run({2: 2}, 3, stays=True)], [1]),
        ([Run({0: 2}, 1), Run({0: 2}, 2), Run({1: 4}, 3), Run({2: 3}, 4, stays=True)], [3]),
        ([Run({0: 2}, 1), Run({1: 2}, 2), Run({0: 2}, 3), Run({1: 2}, 4), Run({2: 4}, 5)], [5]),
        ([Run({0: 2}, 1), Run({1: 2}, 2), Run({0: 2}, 3), Run({1: 2}, 4), Run({2: 4}, 0, stays=True)], [4, 2]),
    ],
)
def test_who_shares_no_node_with_the_place_that_is_made_stays(runs: list[Run], expected: list[int]) -> None:
    assert victims(center_of([Node(4)] * 3, Head(1, Shape(3)), runs)) == expected


def test_the_only_place_that_can_be_made_is_made() -> None:
    # On each of three nodes one preemptible job has a cpu; others have two, one and none.
    runs = [Run({0: 1}, 1), Run({1: 1}, 1), Run({2: 1}, 1), Run({0: 2}, stays=True), Run({1: 1}, stays=True)]
    assert victims(center_of([Node(4)] * 3, Head(1, Shape(4)), runs)) == [3]
    runs = [Run({2: 1}, 1), Run({1: 1}, 1), Run({0: 1}, 1), Run({2: 2}, stays=True), Run({1: 1}, stays=True)]
    assert victims(center_of([Node(4)] * 3, Head(1, Shape(4)), runs)) == [3]


@pytest.mark.parametrize(("had", "expected"), [((1, 2), [2, 3]), ((2, 1), [1, 3]), ((1, 1), [1, 3])])
def test_of_places_that_would_do_the_one_with_the_most_room_already_is_made(
    had: tuple[int, int], expected: list[int]
) -> None:
    # On each of two nodes somebody has one cpu; the third, who started first, has all of both but what is free.
    runs = [Run({0: 1}, 9), Run({1: 1}, 8), Run({0: 3 - had[0], 1: 3 - had[1]}, 5)]
    assert victims(center_of([Node(4), Node(4)], Head(1, Shape(1, unit=4)), runs)) == expected


def test_who_shares_only_the_place_that_is_not_made_stays() -> None:
    runs = [Run({0: 2, 1: 2}, 5), Run({1: 1}, 9), Run({1: 1}, stays=True)]
    assert victims(center_of([Node(4), Node(4)], Head(1, Shape(3)), runs)) == [1]


def test_work_that_has_left_makes_no_room_a_second_time() -> None:
    # Of eight cpus two are free, and two each are taken by one that leaves and by one that may.
    runs = [Run({0: 2}, leaves=True), Run({0: 2}, leaves=True), Run({0: 2}, started=9)]
    center = center_of([Node(8)], Head(7), runs)
    changes.end(center, 1)
    run(center, 1, t.LEAVES, {0: 2})
    changes.end(center, 3)
    changes.end(center, 1)
    run(center, 3, END, {0: 2}, started=9)
    refresh(center, 0, BEST_FIT)
    assert victims(center) == [3]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([Run({0: 4}, 1), Run({1: 4}, 2), Run({2: 4}, 3)], [3, 2]),
        ([Run({0: 4}, 3), Run({1: 4}, 2), Run({2: 4}, 1)], [1, 2]),
        ([Run({0: 2}, 3), Run({1: 4}, 2), Run({2: 4}, 1)], [2]),
        ([Run({0: 2}, 3), Run({1: 2}, 2), Run({2: 4}, 1)], []),
        ([Run({0: 3}, 3), Run({1: 3}, 2), Run({2: 4}, 1)], [1, 2]),
        ([Run({0: 3}, 3), Run({1: 3}, 2, stays=True), Run({2: 4}, 1)], [1, 3]),
        ([Run({0: 3}, 3), Run({1: 3}, 2, stays=True), Run({2: 4}, 1, stays=True)], []),
    ],
)
def test_places_for_whole_nodes_are_counted_by_node(runs: list[Run], expected: list[int]) -> None:
    assert victims(center_of([Node(4)] * 3, Head(2, Shape(1, unit=2)), runs)) == expected


def test_a_node_to_be_had_alone_is_emptied() -> None:
    runs = [Run({0: 1}, 1), Run({0: 1}, 2), Run({1: 1}, 3), Run({1: 1}, stays=True)]
    assert victims(center_of([Node(4), Node(4)], Head(1, Shape(1, alone=True)), runs)) == [2, 1]


def test_of_several_engines_one_alone_makes_the_room() -> None:
    nodes = [Node(4), Node(4, engine=1), Node(4, engine=1)]
    runs = [Run({0: 4}, 9), Run({1: 4}, 2), Run({2: 4}, 1)]
    assert victims(center_of(nodes, Head(4), runs)) == [1]
    assert victims(center_of(nodes, Head(5), runs)) == [2, 3]
    assert victims(center_of(nodes, Head(9), runs)) == []


def test_where_nobody_runs_nobody_is_asked() -> None:
    assert victims(center_of(FOUR, Head(9), [])) == []
    assert victims(center_of(FOUR, Head(9), [Run({0: 1}, stays=True)])) == []


def test_where_there_is_room_nobody_is_asked() -> None:
    assert victims(center_of(FOUR, Head(2), [Run({0: 2})])) == []


def _rank(center: t.Center, job: int) -> tuple[float, ...]:
    """Who goes first: the last started, then the last in order."""
    return (-center.jobs[job, t.STARTED], -center.keys[2, job])


def _has_room(center: t.Center, gone: Sequence[int], need: int) -> bool:
    """Whether the head, which asks for cpus alone, fits where these are gone."""
    total = int(center.nodes[:, t.FREE_CPU].sum())
    return total + sum(cpus for job in gone for _, _, cpus, *_ in holds(center, job)) >= need


@given(seed=st.integers(0, 2**32))
def test_nobody_leaves_in_vain_and_the_head_gets_its_room_if_it_can(seed: int) -> None:
    chance = Random(seed)
    nodes = [Node(chance.randint(1, 8)) for _ in range(chance.randint(1, 4))]
    room, runs = [node.cpu for node in nodes], list[Run]()
    for order in range(chance.randint(0, 8)):
        on = {node: chance.randint(1, room[node]) for node in range(len(nodes)) if room[node] and chance.random() < 0.5}
        for node, tasks in on.items():
            room[node] -= tasks
        keys = (chance.randint(0, 2), chance.randint(0, 2))
        if on:
            stays, leaves = chance.random() < 0.2, chance.random() < 0.2
            runs.append(Run(on, chance.randint(0, 3), *keys, order, stays, leaves))
    head = Head(chance.randint(1, 14), queue=chance.randint(0, 2), priority=chance.randint(0, 2))
    center = center_of(nodes, head, runs)
    asked = victims(center)
    leaving = [job for job, one in enumerate(runs, 1) if one.leaves]
    lower = [
        job
        for job, one in enumerate(runs, 1)
        if not one.stays and not one.leaves and (one.queue, one.priority) > (head.queue, head.priority)
    ]
    assert set(asked) <= set(lower)
    assert asked == sorted(asked, key=lambda job: _rank(center, job))
    if _has_room(center, leaving, head.need) or not _has_room(center, [*leaving, *lower], head.need):
        assert not asked
        return
    assert _has_room(center, [*leaving, *asked], head.need)
    for fewer in combinations(asked, len(asked) - 1):
        assert not _has_room(center, [*leaving, *fewer], head.need)
