"""Local disk in every table that holds an amount of nodes: judged, held, given back, reserved, foreseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import may_gain, refresh, tasks_on
from suanli.kernel.scheduling.core.foresee import foresee
from suanli.kernel.scheduling.core.index import read_changes
from suanli.kernel.scheduling.core.outlook import node_at
from suanli.kernel.scheduling.core.place import hold, shift
from suanli.kernel.scheduling.core.preempt import preempt
from suanli.kernel.scheduling.core.profile import build, earliest, occupy, open_between
from suanli.kernel.scheduling.core.reserve import meet_node, startable_beside, three_devices
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT
from suanli.kernel.scheduling.core.seek import seek
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape, chain
from tests.unit.kernel.scheduling.core.keeping import reserved, see_present
from tests.unit.kernel.scheduling.core.small import chosen, disk_holds, run, small

NEVER = t.NEVER


def free_disk(center: t.Center) -> list[int]:
    return [int(disk) for disk in center.nodes[:, t.FREE_DISK]]


def of_disk(nodes: Sequence[int], runs: Sequence[tuple[int, Mapping[int, int]]], *others: Job) -> t.Center:
    """Nodes with so much disk each; jobs that wait, and then ones that run until an instant, one disk a task."""
    each = Shape(disk=1)
    center = small([Node(99, disk=disk) for disk in nodes], [*others, *(Job(shape=each) for _ in runs)], booked=32)
    for job, (end, on) in enumerate(runs, len(others)):
        run(center, job, end, on)
    return center


@pytest.mark.parametrize(
    ("disk", "shape", "expected"),
    [
        (2, Shape(disk=3), (0, t.FAILS_DISK)),
        (3, Shape(disk=3), (1, t.NOBODY)),
        (5, Shape(disk=3), (1, t.NOBODY)),
        (6, Shape(disk=3), (2, t.NOBODY)),
        (0, Shape(disk=1), (0, t.FAILS_DISK)),
        # Nodes that shrank owe some.
        (-4, Shape(disk=3), (0, t.FAILS_DISK)),
        # Who asks for none needs none, whatever is owed.
        (0, Shape(cpu=3), (3, t.NOBODY)),
        (-4, Shape(cpu=3), (3, t.NOBODY)),
        # The scarcer decides, and of those that are too little what is judged first is named.
        (20, Shape(cpu=3, disk=4), (3, t.NOBODY)),
        (8, Shape(cpu=3, disk=4), (2, t.NOBODY)),
        (2, Shape(cpu=10, disk=4), (0, t.FAILS_CPU)),
        (2, Shape(memory=51, disk=4), (0, t.FAILS_MEMORY)),
        (2, Shape(memory=50, disk=4), (0, t.FAILS_DISK)),
        # A node's part of two tasks.
        (5, Shape(disk=3, unit=2), (1, t.FAILS_DISK)),
        (6, Shape(disk=3, unit=2), (2, t.NOBODY)),
        (60, Shape(disk=3, most=2), (2, t.NOBODY)),
    ],
)
def test_as_many_fit_as_there_is_disk_for(disk: int, shape: Shape, expected: tuple[int, int]) -> None:
    center = small([Node(9, 50, disk=60)], shapes=[shape])
    center.nodes[0, t.FREE_DISK] = disk
    assert tasks_on(center.nodes, center.devices, center.shapes, 0, 0) == expected


def test_devices_are_named_before_disk() -> None:
    center = small([Node(9, devices=((0, False),))], shapes=[Shape(devices=1, types=frozenset({0}), disk=1)])
    assert tasks_on(center.nodes, center.devices, center.shapes, 0, 0) == (0, t.FAILS_HEALTH)


def test_a_node_may_gain_what_it_lacks_of_disk() -> None:
    assert may_gain(t.FAILS_DISK)


def test_what_nodes_fail_is_counted_with_disk() -> None:
    center = of_disk([0, 4, 9], [], Job(shape=Shape(disk=5)))
    refresh(center, 0, FIRST_FIT)
    assert center.failing[0, t.FAILS_DISK] == 2
    assert center.failing.sum() == 2
    assert center.tasks[0].tolist() == [0, 0, 1]
    assert center.total[0].tolist() == [1]


def test_a_node_has_what_was_said_beside_what_is_held() -> None:
    center = of_disk([7], [(50, {0: 3})])
    assert free_disk(center) == [4]
    for disk, left in ((10, 7), (2, -1), (0, -3), (7, 4)):
        changes.set_node(center, 0, (0, 1, 99, 100, 0, 0, 0, disk))
        assert center.nodes[0, t.DISK] == disk
        assert free_disk(center) == [left]
    changes.end(center, 0)
    assert free_disk(center) == [7]


def test_only_who_asks_for_disk_moves_any() -> None:
    center = of_disk([7, 7], [(50, {0: 3, 1: 2})], Job())
    assert free_disk(center) == [4, 5]
    run(center, 0, 60, {0: 8, 1: 1})
    assert free_disk(center) == [4, 5]
    assert disk_holds(center, 0) == {0: 0, 1: 0}
    assert disk_holds(center, 1) == {0: 3, 1: 2}


@pytest.mark.parametrize(("alone", "held"), [(False, {0: 6, 1: 3}), (True, {0: 40, 1: 9})])
def test_a_job_holds_what_its_tasks_ask_for_and_the_whole_where_it_is_alone(alone: bool, held: dict[int, int]) -> None:
    center = small([Node(9, disk=40), Node(9, disk=9)], [Job(need=3, shape=Shape(disk=3, alone=alone))])
    center.scratch[[t.CHOSEN, t.TASKS], :2] = [[0, 1], [2, 1]]
    hold(center, 0, 2, False)
    assert disk_holds(center, 0) == held
    assert free_disk(center) == [40, 9]
    shift(center, center.nodes, center.devices, 0, -1)
    assert free_disk(center) == [40 - held[0], 9 - held[1]]
    shift(center, center.nodes, center.devices, 0, 1)
    assert free_disk(center) == [40, 9]


@pytest.mark.parametrize(
    ("need", "expected"), [(1, [(1, 1)]), (2, [(1, 2)]), (3, [(2, 3)]), (4, [(2, 3), (1, 1)]), (6, [])]
)
def test_the_index_finds_nodes_with_disk_enough(need: int, expected: list[tuple[int, int]]) -> None:
    # Equal but for disk, so that the index alone cannot tell which of them has enough.
    center = of_disk([3, 8, 13], [], Job(need=need, shape=Shape(disk=4)))
    read_changes(center, BEST_FIT)
    assert chosen(center, seek(center, 0, need, False)) == expected


@pytest.mark.parametrize(("instant", "expected"), [(9, 1), (10, 3), (19, 3), (20, 7), (99, 7)])
def test_a_node_is_told_as_it_will_be(instant: int, expected: int) -> None:
    center = of_disk([7], [(10, {0: 2}), (20, {0: 4})])
    node_at(center, 0, instant, 0, 1)
    assert center.both_nodes[0, t.FREE_DISK] == expected


@pytest.mark.parametrize(("now", "then"), [(2, 5), (5, 2), (4, 4), (-1, 3)])
def test_the_smaller_of_both_is_free_in_both_cases(now: int, then: int) -> None:
    center = small([Node(9, disk=9)], [Job()])
    center.nodes[0, t.FREE_DISK], center.then_nodes[0, t.FREE_DISK] = now, then
    meet_node((center.nodes, center.then_nodes, center.both_nodes), three_devices(center), 0)
    assert center.both_nodes[0, t.FREE_DISK] == min(now, then)


@pytest.mark.parametrize(
    ("need", "expected"), [(1, 10), (2, 10), (3, 10), (4, 20), (7, 20), (8, NEVER)], ids="needs {}".format
)
def test_who_lacks_disk_is_reserved_the_first_instant_that_leaves_enough(need: int, expected: int) -> None:
    waiting = Job(need=need, limit=50, shape=Shape(disk=1))
    center = of_disk([7], [(10, {0: 3}), (20, {0: 4})], waiting)
    assert reserved(center, 0) == expected
    held = chain(center.holds, int(center.sizes[t.HEAD_HOLD]), t.HELD_BY)
    assert [row[t.HELD_DISK] for row in held] == ([need] if expected < NEVER else [])
    if expected < NEVER:
        left = {10: 3, 20: 7}[expected] - need
        assert center.then_nodes[0, t.FREE_DISK] == left
        assert center.both_nodes[0, t.FREE_DISK] == min(left, 0)


def test_beside_the_reservation_only_the_rest_of_the_disk_is_anybodys() -> None:
    head, small_one, large = Job(limit=50, shape=Shape(disk=5)), Job(shape=Shape(disk=2)), Job(shape=Shape(disk=3))
    center = of_disk([7], [(10, {0: 4})], head, small_one, large)
    assert reserved(center, 0) == 10
    for job, expected in ((1, True), (2, False)):
        see_present(center, int(center.jobs[job, t.SHAPE]), 50, 0)
        assert startable_beside(center, int(center.jobs[job, t.SHAPE]), 1) == expected


def steps_of(center: t.Center, node: int) -> list[tuple[int, int]]:
    """From when, and what disk is free then."""
    found, step = [], node
    while step >= 0:
        found.append((int(center.steps[step, t.STEP_AT]), int(center.steps[step, t.STEP_DISK])))
        step = int(center.steps[step, t.STEP_AFTER])
    return found


def test_profiles_know_what_disk_is_free_from_when() -> None:
    center = of_disk([7, 9], [(10, {0: 2}), (20, {0: 4, 1: 5})], Job(shape=Shape(disk=1)))
    build(center, 0, 1)
    assert steps_of(center, 0) == [(0, 1), (10, 3), (20, 7)]
    assert steps_of(center, 1) == [(0, 4), (20, 9)]
    center.scratch[[t.CHOSEN, t.TASKS], 0] = (0, 3)
    hold(center, 0, 1, False)
    occupy(center, 0, 10, 15, 0)
    assert steps_of(center, 0) == [(0, 1), (10, 0), (15, 3), (20, 7)]
    for start, end, expected in ((0, 5, 1), (0, 11, 0), (15, 20, 3), (15, 21, 3), (20, NEVER, 7), (12, 99, 0)):
        open_between(center, 0, 0, start, end)
        assert center.both_nodes[0, t.FREE_DISK] == expected


@pytest.mark.parametrize(
    ("need", "limit", "expected"),
    [(1, 99, 0), (2, 99, 10), (3, 99, 10), (4, 99, 20), (7, 99, 20), (8, 99, NEVER), (1, NEVER, 0)],
)
def test_the_first_place_among_many_has_disk_all_the_while(need: int, limit: int, expected: int) -> None:
    center = of_disk([7], [(10, {0: 2}), (20, {0: 4})], Job(need=need, limit=limit, shape=Shape(disk=1)))
    refresh(center, 0, FIRST_FIT)
    build(center, 0, 1)
    assert earliest(center, 0, need, (limit, 0), (0, NEVER - 1)) == expected


def test_a_start_is_foreseen_when_there_is_disk() -> None:
    center = of_disk([7], [(10, {0: 4}), (20, {0: 2})], *(Job(shape=Shape(disk=disk)) for disk in (1, 2, 6, 8)))
    starts = [int(foresee(center, job, 0, 1, t.NOBODY, NEVER, FIRST_FIT)) for job in range(4)]
    assert starts == [0, 10, 20, NEVER]


def test_room_is_made_for_who_lacks_disk() -> None:
    each = Shape(disk=1)
    jobs = [Job(need=4, shape=each), *(Job(shape=each, preemptible=True) for _ in range(2))]
    center = small([Node(99, disk=7)], jobs)
    center.keys[0, 1:] = 1
    run(center, 1, 50, {0: 2}, started=1)
    run(center, 2, 60, {0: 3}, started=2)
    refresh(center, 0, FIRST_FIT)
    preempt(center, 0)
    # Both fewer and less is lost where the younger goes, whose three do with the two that are free.
    assert center.lists[t.LEAVING, : center.sizes[t.LEAVING_SIZE]].tolist() == [2]
