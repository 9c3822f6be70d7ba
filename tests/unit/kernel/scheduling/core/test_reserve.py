"""What is kept for the head: from when, on which nodes and devices, and what that leaves to others."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    unused,
    window,
)
from tests.unit.kernel.scheduling.core.small import changed, device_holds, free, holds, run, small

NEVER = t.NEVER
ONE = frozenset({0})


def one_node(ends: Mapping[int, int], need: int, limit: int = 50, cpus: int = 4) -> t.Center:
    """One node, on which one job for each end has so many cpus; the head, job 0, waits for so many."""
    center = small([Node(cpus)], [Job(limit=limit, need=need), *(Job() for _ in ends)])
    for job, (end, tasks) in enumerate(ends.items(), 1):
        run(center, job, end, {0: tasks})
    return center


@pytest.mark.parametrize(
    ("ends", "need", "start"),
    [
        # By end of running work, how many of four cpus it has.
        ({100: 3}, 2, 100),
        ({100: 3}, 4, 100),
        ({100: 4}, 1, 100),
        ({100: 3}, 5, NEVER),
        ({50: 1, 100: 2}, 2, 50),
        ({50: 1, 100: 2}, 3, 100),
        ({50: 1, 100: 2}, 4, 100),
        ({50: 2, 100: 1}, 3, 50),
        ({50: 2, 100: 1}, 4, 100),
        ({10: 1, 20: 1, 30: 1, 40: 1}, 1, 10),
        ({10: 1, 20: 1, 30: 1, 40: 1}, 2, 20),
        ({10: 1, 20: 1, 30: 1, 40: 1}, 3, 30),
        ({10: 1, 20: 1, 30: 1, 40: 1}, 4, 40),
        ({1: 4}, 4, 1),
        # What has no end frees nothing.
        ({NEVER: 1}, 4, NEVER),
        ({100: 2, NEVER: 2}, 2, 100),
        ({100: 2, NEVER: 2}, 3, NEVER),
        ({NEVER - 1: 4}, 4, NEVER - 1),
        # What is past its end, or ends at the present, is taken to end soon, and that is past.
        ({-10: 3}, 4, SOON),
        ({0: 3}, 4, SOON),
        ({-10: 2, 0: 1}, 4, SOON),
        ({-10: 2, SOON: 1}, 4, SOON),
        ({-10: 2, 7: 1}, 3, SOON),
        ({-10: 2, 7: 1}, 4, 7),
        ({-10: 2, 7: 2}, 4, 7),
        ({-1: 1, NEVER: 2}, 2, SOON),
        ({-1: 1, NEVER: 2}, 3, NEVER),
    ],
)
def test_the_start_is_the_first_end_of_running_work_that_leaves_enough(
    ends: dict[int, int], need: int, start: int
) -> None:
    center = one_node(ends, need)
    before = center.copied()
    assert reserved(center, 0) == start
    assert (center.sizes[t.HEAD], center.sizes[t.HEAD_START]) == (0, start)
    is_late = min(ends) <= 0
    assert center.sizes[t.HEAD_SEEN] == (t.NOBODY if is_late or start == NEVER else center.sizes[t.LOG_SIZE])
    assert kept(center) == ([] if start == NEVER else [0])
    assert promised(center) == ({} if start == NEVER else {0: need})
    assert (holds(center, 0), device_holds(center, 0)) == ([], [])
    assert changed(before, center).isdisjoint({"devices", "lists", "device_holds", "windows", "keys"})
    assert free(center, 0) == free(before, 0)


@pytest.mark.parametrize(
    ("soon", "need", "start"),
    [
        # Two of four cpus are overdue, one ends at 7 and one at 9.
        (1, 1, 1),
        (1, 2, 1),
        (6, 2, 6),
        (7, 2, 7),
        (8, 2, 8),
        (9, 2, 9),
        (20, 2, 9),
        (20, 1, 7),
        (1, 3, 7),
        (7, 3, 7),
        (8, 3, 8),
        (9, 3, 9),
        (20, 3, 20),
        (1, 4, 9),
        (9, 4, 9),
        (10, 4, 10),
        (20, 4, 20),
    ],
)
def test_work_past_its_end_leaves_soon_in_the_order_of_all_ends(soon: int, need: int, start: int) -> None:
    center = one_node({-3: 2, 7: 1, 9: 1}, need)
    assert reserved(center, 0, soon=soon) == start
    assert promised(center) == {0: need}
    # What is free at the start beside the head.
    left = 2 * (soon <= start) + (start >= 7) + (start >= 9) - need
    assert told(center.then_nodes, 0)[0] == left


def test_a_node_that_shrank_frees_less_than_what_is_given_back() -> None:
    center = one_node({100: 2, 200: 2}, 2)
    changes.set_node(center, 0, (0, 1, 3, 100, 0, 0, 0, 0))
    assert reserved(center, 0) == 200
    assert told(center.then_nodes, 0) == (1, 98, 1, 0)


@pytest.mark.parametrize(
    ("ends", "need", "expected", "start"),
    [
        # Three nodes of four cpus; by node, when and how many cpus become free of it.
        ({0: (10, 4), 1: (20, 4), 2: (30, 4)}, 4, [0], 10),
        ({0: (30, 4), 1: (20, 4), 2: (10, 4)}, 4, [2], 10),
        ({0: (10, 4), 1: (20, 4), 2: (30, 4)}, 8, [0, 1], 20),
        ({0: (10, 4), 1: (20, 4), 2: (30, 4)}, 5, [0, 1], 20),
        ({0: (10, 4), 1: (20, 4), 2: (30, 4)}, 12, [0, 1, 2], 30),
        ({0: (10, 4), 1: (20, 4), 2: (30, 4)}, 13, [], NEVER),
        ({0: (10, 2), 1: (20, 4), 2: (30, 4)}, 4, [0], 10),
        ({0: (10, 4), 1: (10, 4), 2: (30, 4)}, 4, [0], 10),
        ({0: (10, 3), 1: (10, 4), 2: (10, 4)}, 4, [1], 10),
        ({0: (10, 3), 1: (10, 2), 2: (10, 4)}, 4, [2], 10),
        ({0: (20, 3), 1: (20, 2), 2: (10, 1)}, 8, [0, 1], 20),
        ({0: (20, 1), 1: (20, 2), 2: (10, 3)}, 8, [0, 1, 2], 10),
        ({0: (20, 3), 1: (20, 2), 2: (10, 1)}, 7, [0, 1, 2], 10),
    ],
)
def test_the_fullest_nodes_that_will_do_are_kept(
    ends: dict[int, tuple[int, int]], need: int, expected: list[int], start: int
) -> None:
    center = small([Node(4)] * 3, [Job(limit=9, need=need), Job(), Job(), Job()])
    for node, (end, tasks) in ends.items():
        run(center, node + 1, end, {node: tasks})
    assert reserved(center, 0) == start
    assert kept(center) == expected


@pytest.mark.parametrize(
    ("shape", "need", "tasks", "start"),
    [
        (Shape(2, 2), 1, {1: 1}, 10),
        (Shape(2, 2), 2, {1: 2}, 20),
        (Shape(2, 2), 4, {0: 2, 1: 2}, 30),
        (Shape(2, 2, unit=2), 1, {1: 2}, 20),
        (Shape(2, 2, unit=2), 2, {0: 2, 1: 2}, 30),
        (Shape(1, 1, unit=3), 1, {1: 3}, 20),
        (Shape(1, 1, unit=3), 2, {0: 3, 1: 3}, 30),
        (Shape(1, 1, alone=True), 1, {1: 1}, 20),
        (Shape(1, 1, alone=True), 5, {0: 4, 1: 1}, 30),
        (Shape(1, 1, most=2), 3, {0: 1, 1: 2}, 30),
        (Shape(1, 5), 2, {1: 2}, 20),
    ],
)
def test_whole_nodes_exclusive_ones_and_bounded_ones_are_awaited(
    shape: Shape, need: int, tasks: dict[int, int], start: int
) -> None:
    # The first node is taken until 30, the second in halves until 10 and 20.
    center = small([Node(4, 10)] * 2, [Job(limit=9, need=need, shape=shape), Job(shape=Shape(2, 4)), Job(), Job()])
    center.jobs[2:, t.SHAPE] = center.jobs[1, t.SHAPE]
    run(center, 1, 30, {0: 2})
    run(center, 2, 10, {1: 1})
    run(center, 3, 20, {1: 1})
    assert reserved(center, 0) == start
    assert sum(promised(center).values()) == sum(tasks.values())
    assert set(promised(center)) == set(tasks)


def test_only_the_nodes_of_one_engine_are_counted_together() -> None:
    nodes = [Node(4, engine=engine) for engine in (0, 1, 0, 1)]
    center = small(nodes, [Job(limit=9, need=8), *(Job() for _ in nodes)])
    for node, end in enumerate((10, 20, 40, 30)):
        run(center, node + 1, end, {node: 4})
    assert reserved(center, 0) == 30
    assert kept(center) == [1, 3]
    assert promised(center) == {1: 4, 3: 4}


def test_a_reservation_stands_while_no_node_changes() -> None:
    center = one_node({100: 3, 200: 1}, 4)
    assert reserved(center, 0) == 200
    before = center.copied()
    center.jobs[1:, t.END] = (150, 160)
    assert reserve(center, 0, 5, 6) == 200
    assert changed(before, center) == {"jobs"}


def test_it_is_made_anew_once_a_node_changes() -> None:
    center = one_node({100: 3, 200: 1}, 3)
    assert reserved(center, 0) == 100
    looks = center.sizes[t.LOOKS]
    changes.end(center, 2)
    assert reserved(center, 0, 5) == 100
    assert center.sizes[t.LOOKS] > looks
    assert center.sizes[t.HEAD_SEEN] == center.sizes[t.LOG_SIZE]
    assert told(center.both_nodes, 0) == (1, 98 - 1, 1, 0)


def test_what_ends_early_is_noticed_and_what_starts_too() -> None:
    jobs = [Job(limit=9, need=8), *(Job() for _ in range(20))]
    center = small([Node(4) for _ in range(5)], jobs)
    for job in range(1, 21):
        run(center, job, 10 * job, {(job - 1) // 4: 1})
    assert reserved(center, 0) == 80
    assert kept(center) == [0, 1]
    changes.end(center, 20)
    # One more cpu of the last node, and then any seven others.
    assert reserved(center, 0, 5) == 70
    assert sorted(promised(center)) == kept(center)
    run(center, 20, 300, {4: 1})
    assert reserved(center, 0, 6) == 80
    assert kept(center) == [0, 1]
    assert (center.sizes[t.HEAD], center.sizes[t.HEAD_START]) == (0, 80)


def test_it_looks_no_further_than_it_must() -> None:
    center = small([Node(4) for _ in range(5)], [Job(limit=9, need=18), *(Job() for _ in range(22))])
    for job in range(1, 21):
        run(center, job, 10 * job, {(job - 1) // 4: 1})
    assert (reserved(center, 0), center.sizes[t.LOOKS]) == (180, 1)
    assert (reserved(center, 0), center.sizes[t.LOOKS]) == (180, 1)
    # At one node that changed it looks again, and at many it begins anew.
    changes.end(center, 20)
    assert (reserved(center, 0, 5), center.sizes[t.LOOKS]) == (170, 2)
    for job in (4, 8, 12, 16):
        changes.end(center, job)
    assert (reserved(center, 0, 6), center.sizes[t.LOOKS]) == (170, 4)
    assert promised(center) == {0: 4, 1: 4, 2: 4, 3: 4, 4: 2}


def test_another_job_does_not_get_the_start_of_the_one_before() -> None:
    center = small([Node(4)], [Job(limit=50, need=3), Job(limit=50, need=4), Job(), Job()])
    run(center, 2, 100, {0: 3})
    run(center, 3, 200, {0: 1})
    rows = unused(center)
    assert reserved(center, 0) == 100
    assert unused(center) == (rows[0] - 1, rows[1])
    assert reserved(center, 1) == 200
    assert center.sizes[t.HEAD] == 1
    assert promised(center) == {0: 4}
    assert unused(center) == (rows[0] - 1, rows[1])
    assert reserved(center, 0) == 100


def test_work_that_became_late_moves_the_start_on() -> None:
    center = one_node({100: 3}, 4)
    assert reserved(center, 0) == 100
    assert reserved(center, 0, 99) == 100
    assert reserved(center, 0, 100) == 101
    assert center.sizes[t.HEAD_SEEN] == t.NOBODY
    assert reserved(center, 0, 130, 140) == 140
    # Once it has ended the head starts; then somebody else has it, until 150.
    changes.end(center, 1)
    run(center, 1, 150, {0: 1})
    assert reserved(center, 0, 130) == 150
    assert center.sizes[t.HEAD_SEEN] == center.sizes[t.LOG_SIZE]


def test_where_nothing_can_be_foreseen_nothing_is_kept_and_it_is_asked_again() -> None:
    center = one_node({100: 1, NEVER: 1}, 4)
    other = center.copied()
    assert reserved(center, 0) == NEVER
    assert (kept(center), promised(center), center.sizes[t.HEAD_SEEN]) == ([], {}, t.NOBODY)
    # Nobody said that a node changed; but an end is now known.
    center.jobs[2, t.END] = 300
    assert reserved(center, 0) == 300
    assert unused(center)[0] == unused(other)[0] - 1


def test_what_was_kept_is_let_go_where_no_start_can_be_foreseen_any_more() -> None:
    center = one_node({100: 1, 200: 1}, 4)
    assert reserved(center, 0) == 200
    changes.end(center, 2)
    run(center, 2, NEVER, {0: 1})
    assert reserved(center, 0, 1) == NEVER
    assert (kept(center), promised(center)) == ([], {})


def _plain(center: t.Center, job: int, now: int, soon: int) -> int:
    """The start of a job that asks for cpus alone, by a look at every instant at which something ends or opens."""
    need, limit = int(center.jobs[job, t.NEED]), int(center.jobs[job, t.LIMIT])
    cpu = int(center.shapes[center.jobs[job, t.SHAPE], t.TASK_CPU])
    running = [int(other) for other in center.lists[t.RUNNING, : center.sizes[t.RUNNING_SIZE]]]
    ends = {other: soon if center.jobs[other, t.END] <= now else int(center.jobs[other, t.END]) for other in running}
    windows = [(int(start), int(end)) for start, end in center.windows[: center.sizes[t.WINDOWS_SIZE]]]
    for instant in sorted({*ends.values(), *(end for _, end in windows if end > now)}):
        total = 0
        for node in range(center.nodes.shape[0]):
            bits = int(center.nodes[node, t.RESERVED])
            if any(bits >> bit & 1 and a < instant + limit and b > instant for bit, (a, b) in enumerate(windows)):
                continue
            rows = [row for other in running if ends[other] > instant for row in holds(center, other)]
            held = sum(cpus for at, _, cpus, *_ in rows if at == node)
            total += (int(center.nodes[node, t.CPU]) - held) // cpu
        if instant < NEVER and total >= need:
            return instant
    return NEVER


@given(seed=st.integers(0, 2**32))
def test_the_start_is_what_a_look_at_every_instant_finds_however_things_change(seed: int) -> None:
    chance = Random(seed)
    count, has_windows = chance.randint(1, 4), chance.random() < 0.5
    nodes = [Node(chance.randint(1, 6), 999, windows=chance.randint(0, 3) * has_windows) for _ in range(count)]
    shape = Shape(chance.randint(1, 2))
    jobs = [Job(limit=chance.randint(1, 40), need=chance.randint(1, 8), shape=shape)]
    center = small(nodes, [*jobs, *(Job() for _ in range(20))])
    if has_windows:
        for bit in range(2):
            begins = chance.randint(-20, 60)
            window(center, bit, begins, begins + chance.randint(1, 50))
    now, idle, active = 0, list(range(1, 21)), list[int]()
    for _ in range(12):
        for job in [*active]:
            if chance.random() < 0.25:
                changes.end(center, job)
                active.remove(job)
                idle.append(job)
        for _ in range(chance.randint(0, 4)):
            node = chance.randrange(count)
            spare = int(center.nodes[node, t.FREE_CPU])
            if spare > 0 and idle:
                active.append(idle.pop())
                end = now + chance.choice([chance.randint(-5, 5), chance.randint(1, 50), NEVER - now])
                run(center, active[-1], end, {node: chance.randint(1, spare)})
        see_present(center, 0, int(center.jobs[0, t.LIMIT]), now)
        if center.total[0, 0] < center.jobs[0, t.NEED]:
            soon = now + 1
            assert reserve(center, 0, now, soon) == _plain(center, 0, now, soon)
            assert sum(promised(center).values()) == (center.jobs[0, t.NEED] if center.sizes[t.HEAD_HOLD] >= 0 else 0)
            assert sorted(promised(center)) == kept(center)
        else:
            touch(center.nodes, center.shapes, center.log, center.sizes, 0)
        now += chance.choice([0, 0, 1, 5])
