"""What is told of the nodes and devices that are kept for the head, and of what is moved for a trial."""

from __future__ import annotations

import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.reserve import lift_for, meet, meet_node, move, release
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape, chain
from tests.unit.kernel.scheduling.core.keeping import (
    kept,
    promised,
    promised_devices,
    reserved,
    told,
    unused,
)
from tests.unit.kernel.scheduling.core.small import changed, free, run, small

NEVER = t.NEVER
ONE = frozenset({0})


def test_what_is_kept_is_told_as_it_is_at_the_start_and_until_then() -> None:
    center = small([Node(6, 20), Node(1)], [Job(limit=50, need=4, shape=Shape(1, 2)), Job(shape=Shape(3, 3)), Job()])
    run(center, 1, 100, {0: 1})
    run(center, 2, 200, {0: 1})
    assert free(center, 0) == (2, 16, 2, 0)
    assert reserved(center, 0) == 100
    assert kept(center) == [0]
    # From 100 on there are five cpus and 19 of memory, less four and eight; until then two and 16.
    assert told(center.then_nodes, 0) == (1, 11, 2, 0)
    assert told(center.both_nodes, 0) == (1, 11, 2, 0)
    assert free(center, 0) == (2, 16, 2, 0)
    assert chain(center.holds, int(center.sizes[t.HEAD_HOLD]), t.HELD_BY) == [(0, 4, 4, 8, 0, 0)]


def test_until_the_start_there_may_be_less_than_from_then_on() -> None:
    center = small([Node(9, 30)], [Job(limit=50, need=3), Job(shape=Shape(8, 20))])
    run(center, 1, 100, {0: 1})
    assert reserved(center, 0) == 100
    assert told(center.then_nodes, 0) == (6, 27, 1, 0)
    assert told(center.both_nodes, 0) == (1, 10, 1, 0)


def test_who_waits_to_be_alone_is_told_as_alone() -> None:
    center = small([Node(9, 30)], [Job(limit=50, shape=Shape(2, 2, alone=True)), Job(), Job()])
    run(center, 1, 100, {0: 1})
    run(center, 2, 150, {0: 2})
    assert reserved(center, 0) == 150
    assert told(center.then_nodes, 0) == (0, 0, 1, 1)
    assert told(center.both_nodes, 0) == (0, 0, 2, 1)
    assert chain(center.holds, int(center.sizes[t.HEAD_HOLD]), t.HELD_BY) == [(0, 1, 9, 30, 1, 0)]


@pytest.mark.parametrize(
    ("shape", "need", "start", "promise", "then", "both"),
    [
        # Device 0 is taken until 100, half of device 1 until 200, devices 2 and 3 are free, 3 is sick.
        (Shape(0, 0, 3, types=ONE), 1, 200, [0, 1, 2], [0, 0, 0, 1000], [0, 0, 0, 1000]),
        (Shape(0, 0, 2, types=ONE), 1, 100, [0, 2], [0, 500, 0, 1000], [0, 500, 0, 1000]),
        (Shape(0, 0, 1, 500, ONE), 5, 100, [0, 1, 2], [0, 0, 0, 1000], [0, 0, 0, 1000]),
        (Shape(0, 0, 1, 500, ONE), 4, 100, [0, 1, 2], [0, 0, 500, 1000], [0, 0, 500, 1000]),
        (Shape(0, 0, 1, 300, ONE), 5, 100, [0, 1, 2], [100, 200, 700, 1000], [0, 200, 700, 1000]),
    ],
)
def test_the_tightest_devices_are_promised_and_no_others_are_barred(
    shape: Shape, need: int, start: int, promise: list[int], then: list[int], both: list[int]
) -> None:
    devices = ((0, True), (0, True), (0, True), (0, False))
    center = small([Node(9, devices=devices)], [Job(limit=9, need=need, shape=shape), Job(), Job()])
    run(center, 1, 100, {0: 1}, [(0, 0, 1000)])
    run(center, 2, 200, {0: 1}, [(0, 1, 500)])
    assert reserved(center, 0) == start
    assert sorted(position for _, position, _ in promised_devices(center)) == promise
    assert center.then_devices[0, :, t.FREE].tolist() == then
    assert center.both_devices[0, :, t.FREE].tolist() == both
    assert center.devices[0, :, t.FREE].tolist() == [0, 500, 1000, 1000]
    assert center.both_devices[0, :, [t.TYPE, t.HEALTHY]].tolist() == center.devices[0, :, [0, 1]].tolist()


def test_what_is_kept_is_released_with_all_its_rows() -> None:
    shape = Shape(1, 1, 1, types=ONE)
    nodes = [Node(4, devices=((0, True), (0, True)))] * 3
    center = small(nodes, [Job(limit=30, need=6, shape=shape), Job(shape=Shape(4))])
    run(center, 1, 40, {1: 1})
    rows = unused(center)
    assert reserved(center, 0) == 40
    assert kept(center) == [0, 1, 2]
    assert unused(center) == (rows[0] - 3, rows[1] - 6)
    before = center.copied()
    release(center)
    assert kept(center) == []
    assert (promised(center), promised_devices(center)) == ({}, [])
    assert unused(center) == rows
    assert changed(before, center) == {"nodes", "sizes", "holds", "device_holds"}
    assert center.sizes[t.KEPT_SIZE] == 0
    release(center)
    assert unused(center) == rows


def test_one_node_is_told_as_what_is_free_in_both_cases() -> None:
    center = small([Node(9, devices=((0, True), (1, False)))] * 2, [Job()])
    nodes, devices = (
        (center.nodes, center.then_nodes, center.both_nodes),
        (
            center.devices,
            center.then_devices,
            center.both_devices,
        ),
    )
    for case, (cpu, memory, holders, alone, shares) in enumerate([(3, 8, 1, 0, (250, 900)), (5, 6, 2, 1, (700, 0))]):
        nodes[case][1, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]] = (cpu, memory, holders, alone)
        devices[case][1, :, t.FREE] = shares
    center.nodes[1, [t.ENGINE, t.READY, t.SWITCH, t.HAS, t.RESERVED]] = (3, 1, 7, 5, 9)
    before = center.copied()
    meet_node(nodes, devices, 1)
    assert told(center.both_nodes, 1) == (3, 6, 2, 1)
    others = [t.ENGINE, t.READY, t.CPU, t.MEMORY, t.LAST, t.IS_KEPT, t.HELD, t.RESERVED, t.HAS, t.SWITCH]
    assert center.both_nodes[1, others].tolist() == center.nodes[1, others].tolist()
    assert center.both_devices[1, :, : t.NEAR].tolist() == [[0, 1, 250], [1, 0, 0]]
    assert changed(before, center) == {"both_nodes", "both_devices"}
    assert center.both_nodes[0].tolist() == before.both_nodes[0].tolist()


def test_the_smaller_of_both_counts_whichever_it_is() -> None:
    center = small([Node(9, devices=((0, True),))], [Job()])
    nodes = (center.nodes, center.then_nodes, center.both_nodes)
    devices = (center.devices, center.then_devices, center.both_devices)
    for now, then in ((2, 5), (5, 2), (4, 4)):
        center.nodes[0, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]] = now
        center.then_nodes[0, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]] = then
        center.devices[0, 0, t.FREE], center.then_devices[0, 0, t.FREE] = now, then
        meet_node(nodes, devices, 0)
        assert told(center.both_nodes, 0) == (min(now, then), min(now, then), max(now, then), max(now, then))
        assert center.both_devices[0, 0, t.FREE] == min(now, then)


def test_what_starts_is_met_on_kept_nodes_alone() -> None:
    center = small([Node(9), Node(9), Node(9)], [Job(), Job()])
    run(center, 0, 50, {0: 2, 1: 3, 2: 4})
    center.nodes[[0, 2], t.IS_KEPT] = 1
    center.then_nodes[:, t.FREE_CPU] = 6
    center.both_nodes[:, t.FREE_CPU] = 99
    meet(center, 0, False)
    # Of seven, six and five cpus that are free now, six of each then.
    assert center.both_nodes[:, t.FREE_CPU].tolist() == [6, 99, 5]
    meet(center, 1, False)
    assert center.both_nodes[:, t.FREE_CPU].tolist() == [6, 99, 5]


def test_what_still_runs_at_the_reserved_start_is_taken_of_kept_nodes_alone_then() -> None:
    """Of nodes that are not kept nobody asks what is free then: nothing is written down that would only add up."""
    center = small([Node(9, devices=((0, True),)), Node(9, devices=((0, True),))], [Job()])
    run(center, 0, 50, {0: 2, 1: 3}, [(0, 0, 300), (1, 0, 400)])
    center.nodes[1, t.IS_KEPT] = 1
    center.then_nodes[:, [t.FREE_CPU, t.FREE_MEMORY]] = (8, 50)
    center.then_devices[:, 0, t.FREE] = 900
    meet(center, 0, True)
    assert [told(center.then_nodes, node) for node in range(2)] == [(8, 50, 0, 0), (5, 47, 1, 0)]
    assert center.then_devices[:, 0, t.FREE].tolist() == [900, 500]
    assert told(center.both_nodes, 1) == (5, 47, 1, 0)
    assert center.both_devices[1, 0, t.FREE] == 500


def test_running_work_is_taken_off_and_put_back_under_the_eyes_of_one_shape() -> None:
    shapes = [Shape(2, 2), Shape(1)]
    center = small([Node(8), Node(8, engine=1)], [Job(shape=shapes[0]), Job(shape=shapes[1])])
    run(center, 1, 50, {0: 5, 1: 3})
    for shape in range(2):
        refresh(center, shape, BEST_FIT)
    before = center.copied()
    assert (center.tasks[0].tolist(), center.total[0].tolist()) == ([1, 2], [1, 2])
    move(center, 1, 1, 0)
    assert [free(center, node)[0] for node in range(2)] == [8, 8]
    assert (center.tasks[0].tolist(), center.total[0].tolist()) == ([4, 4], [4, 4])
    assert changed(before, center) == {"nodes", "tasks", "total"}
    assert center.tasks[1].tolist() == before.tasks[1].tolist()
    move(center, 1, -1, 0)
    assert changed(before, center) == set()


@pytest.mark.parametrize(
    ("blockers", "expected"),
    [
        ((t.FAILS_CPU, t.FAILS_CPU), 1),
        ((t.NOBODY, t.FAILS_STATE), 1),
        ((t.FAILS_STATE, t.FAILS_MEMORY), 1),
        ((t.FAILS_STATE, t.FAILS_STATE), 0),
        ((t.FAILS_CLASS, t.FAILS_FEATURE), 0),
        ((t.FAILS_HEALTH, t.FAILS_PRECISION), 0),
    ],
)
def test_only_work_that_is_in_the_way_is_taken_off_for_a_trial(blockers: tuple[int, int], expected: int) -> None:
    center = small([Node(8), Node(8)], [Job(shape=Shape(2)), Job()])
    run(center, 1, 50, {0: 5, 1: 7})
    refresh(center, 0, BEST_FIT)
    center.blocker[0] = blockers
    center.lists[t.LIFTED] = 9
    before = center.copied()
    assert lift_for(center, 1, 0, 1) == expected
    assert center.lists[t.LIFTED].tolist() == ([9, 1] if expected else [9, 9])
    assert center.tasks[0].tolist() == ([4, 4] if expected else [1, 0])
    if not expected:
        assert changed(before, center) == set()
