"""What is kept for the head where advance reservations close nodes, or are its own."""

from __future__ import annotations

import pytest

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import touch
from suanli.kernel.scheduling.core.reserve import reserve
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.keeping import (
    SOON,
    kept,
    promised,
    reserved,
    see_present,
    told,
    window,
)
from tests.unit.kernel.scheduling.core.small import changed, free, run, small

NEVER = t.NEVER
ONE = frozenset({0})


def test_past_a_window_it_looks_at_once_the_next_time() -> None:
    center = small([Node(4, windows=0b1), Node(4)], [Job(limit=30, need=4), Job(), Job()])
    window(center, 0, 50, 90)
    run(center, 1, 40, {0: 1})
    run(center, 2, 200, {1: 1})
    assert (reserved(center, 0), center.sizes[t.LOOKS]) == (90, 1)
    touch(center.nodes, center.shapes, center.log, center.sizes, 1)
    assert (reserved(center, 0, 5), center.sizes[t.LOOKS]) == (90, 1)
    # Another that waits looks ahead first.
    center.sizes[t.HEAD] = t.NOBODY
    assert (reserved(center, 0, 5), center.sizes[t.LOOKS]) == (90, 2)


def test_what_has_nobody_running_is_not_late() -> None:
    center = small([Node(4, windows=0b1)], [Job(limit=5, need=4)])
    window(center, 0, -5, 30)
    center.jobs[0, t.END] = -99
    assert reserved(center, 0) == 30
    assert center.sizes[t.HEAD_SEEN] == center.sizes[t.LOG_SIZE] == 0
    assert kept(center) == [0]
    # Nobody said that a node changed, not even once.
    window(center, 0, -5, 40)
    assert reserve(center, 0, 0, SOON) == 30


@pytest.mark.parametrize(
    ("limit", "start"),
    [(1, 100), (19, 100), (20, 100), (21, 200), (50, 200), (99, 200), (NEVER, 200)],
)
def test_work_that_would_run_into_a_window_waits_until_it_is_past(limit: int, start: int) -> None:
    # The node is free from 100 on, and set aside from 120 until 200.
    center = small([Node(4, windows=0b1)], [Job(limit=limit, need=4), Job()])
    window(center, 0, 120, 200)
    run(center, 1, 100, {0: 1})
    see_present(center, 0, limit, 0)
    before = center.copied()
    assert reserve(center, 0, 0, SOON) == start
    assert center.sizes[t.HEAD_PAST] == int(start == 200 or 100 + limit > 120 or limit > 120)
    assert kept(center) == [0]
    assert promised(center) == {0: 4}
    for table in ("tasks", "total", "shapes", "devices"):
        assert changed(before, center).isdisjoint({table})
    assert free(center, 0) == free(before, 0)
    assert told(center.then_nodes, 0) == (0, 96, 1, 0)


@pytest.mark.parametrize(
    ("limit", "begins", "ends", "start"),
    [
        # Its own window; the node is free from 40 on.
        (50, 60, 130, 60),
        (70, 60, 130, 60),
        (71, 60, 130, NEVER),
        (50, 40, 130, 40),
        (90, 40, 130, 40),
        (50, 10, 130, 40),
        (90, 10, 130, 40),
        (91, 10, 130, NEVER),
        (1, 10, 40, NEVER),
        (1, 10, 41, 40),
    ],
)
def test_work_that_names_a_window_starts_and_ends_within_it(limit: int, begins: int, ends: int, start: int) -> None:
    shape = Shape(within=0b1)
    center = small([Node(4, windows=0b1), Node(4)], [Job(limit=limit, need=4, shape=shape), Job(shape=Shape(1, 2))])
    window(center, 0, begins, ends)
    run(center, 1, 40, {0: 1})
    assert reserved(center, 0) == start
    assert kept(center) == ([] if start == NEVER else [0])


@pytest.mark.parametrize(
    ("ends", "need", "expected", "start"),
    [
        # Three nodes of two cpus; the first is set aside from 50 until 90; the head may run for 30.
        ({0: 10, 1: 100, 2: 110}, 2, [0], 10),
        ({0: 20, 1: 100, 2: 110}, 2, [0], 20),
        ({0: 21, 1: 100, 2: 110}, 2, [0], 90),
        ({0: 21, 1: 80, 2: 110}, 2, [1], 80),
        ({0: 21, 1: 90, 2: 110}, 2, [0], 90),
        ({0: 20, 1: 20, 2: 110}, 4, [0, 1], 20),
        ({0: 20, 1: 21, 2: 110}, 4, [0, 1], 90),
        ({0: 20, 1: 95, 2: 110}, 4, [0, 1], 95),
        ({0: 20, 1: 40, 2: 60}, 4, [1, 2], 60),
        ({0: 20, 1: 40, 2: 60}, 6, [0, 1, 2], 90),
        ({0: -5, 1: 100, 2: 110}, 2, [0], SOON),
        ({0: -5, 1: -5, 2: 30}, 4, [0, 1], SOON),
        ({0: -5, 1: -5, 2: 30}, 6, [0, 1, 2], 90),
        ({0: 95, 1: -5, 2: -5}, 6, [0, 1, 2], 95),
        ({0: NEVER, 1: -5, 2: 60}, 4, [1, 2], 60),
        ({0: NEVER, 1: 30, 2: NEVER}, 4, [], NEVER),
        ({0: 20, 1: NEVER, 2: NEVER}, 4, [], NEVER),
    ],
)
def test_other_nodes_are_taken_where_a_window_closes_some(
    ends: dict[int, int], need: int, expected: list[int], start: int
) -> None:
    jobs = [Job(limit=30, need=need), *(Job() for _ in ends)]
    center = small([Node(2, windows=0b1), Node(2), Node(2)], jobs)
    window(center, 0, 50, 90)
    for node, end in ends.items():
        run(center, node + 1, end, {node: 2})
    see_present(center, 0, 30, 0)
    before = center.copied()
    assert reserve(center, 0, 0, SOON) == start
    assert kept(center) == expected
    for table in ("tasks", "total", "shapes", "devices", "blocker", "score"):
        assert table not in changed(before, center)
    for node in range(3):
        assert free(center, node) == free(before, node)


def test_a_start_that_was_found_past_a_window_is_looked_for_anew_when_a_node_changes() -> None:
    center = small([Node(4, windows=0b1), Node(4)], [Job(limit=30, need=4), Job(), Job()])
    window(center, 0, 50, 90)
    run(center, 1, 40, {0: 1})
    run(center, 2, 200, {1: 1})
    assert reserved(center, 0) == 90
    assert center.sizes[t.HEAD_PAST] == 1
    changes.end(center, 2)
    run(center, 2, 70, {1: 1})
    assert reserved(center, 0, 5) == 70
    assert (kept(center), center.sizes[t.HEAD_PAST]) == ([1], 1)
    changes.end(center, 2)
    run(center, 2, 300, {1: 1})
    assert reserved(center, 0, 6) == 90
    assert (kept(center), promised(center)) == ([0], {0: 4})


def test_a_window_that_nobody_of_the_head_meets_makes_no_difference() -> None:
    center = small([Node(4)], [Job(limit=30, need=4), Job()])
    window(center, 0, 500, 900)
    run(center, 1, 40, {0: 1})
    assert reserved(center, 0) == 40
    assert center.sizes[t.HEAD_PAST] == 0


@pytest.mark.parametrize(
    ("soon", "need", "expected", "start"),
    [
        # Two nodes of two cpus with late work; the first is set aside from 30 until 90, the head may run for 30.
        (1, 2, [1], 1),
        (5, 2, [1], 5),
        (89, 2, [1], 89),
        (90, 2, [0], 90),
        (95, 2, [0], 95),
        (1, 3, [0, 1], 90),
        (89, 4, [0, 1], 90),
        (90, 4, [0, 1], 90),
        (91, 4, [0, 1], 91),
    ],
)
def test_late_work_is_out_of_the_way_soon_beside_a_window(
    soon: int, need: int, expected: list[int], start: int
) -> None:
    center = small([Node(2, windows=0b1), Node(2)], [Job(limit=30, need=need), Job(), Job()])
    window(center, 0, 30, 90)
    run(center, 1, -5, {0: 2})
    run(center, 2, 0, {1: 2})
    assert reserved(center, 0, soon=soon) == start
    assert kept(center) == expected
    assert center.sizes[t.HEAD_PAST] == 1
    assert center.sizes[t.HEAD_SEEN] == t.NOBODY


@pytest.mark.parametrize(
    ("end", "soon", "need", "start"),
    [
        # Three nodes of one cpu: the first, until then, is set aside as before; the second is late, the third until 7.
        (-9, 5, 1, 5),
        (-9, 5, 2, 7),
        (-9, 7, 2, 7),
        (-9, 9, 1, 7),
        (-9, 9, 2, 9),
        (-9, 9, 3, 90),
        (-9, 99, 3, 99),
        (80, 5, 3, 90),
        (100, 5, 3, 100),
        (100, 5, 2, 7),
        (t.NEVER, 5, 2, 7),
        (t.NEVER, 5, 3, t.NEVER),
    ],
)
def test_late_work_and_other_work_end_in_order_beside_a_window(end: int, soon: int, need: int, start: int) -> None:
    nodes = [Node(1, windows=0b1), Node(1), Node(1)]
    center = small(nodes, [Job(limit=30, need=need), Job(), Job(), Job()])
    window(center, 0, 30, 90)
    run(center, 1, end, {0: 1})
    run(center, 2, -5, {1: 1})
    run(center, 3, 7, {2: 1})
    assert reserved(center, 0, soon=soon) == start
