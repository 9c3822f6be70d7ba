"""One change at a time told to the tables, and a turn that is taken back."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import EASY, NO_BACKFILL, Rules
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, device_holds, free, holds, run, running, small

NEVER = t.NEVER
ONE = frozenset({0})


def queue(center: t.Center) -> list[int]:
    return [int(job) for job in t.queued(center)]


def test_a_node_is_what_was_said_of_it() -> None:
    center = small([Node(4, 40), Node(8, 80)], [Job()])
    before = center.copied()
    changes.set_node(center, 1, (2, 0, 6, 90, 0b11, 0b101, 7, 0))
    assert center.nodes[1, [t.ENGINE, t.READY, t.CPU, t.MEMORY]].tolist() == [2, 0, 6, 90]
    assert center.nodes[1, [t.RESERVED, t.HAS, t.SWITCH]].tolist() == [0b11, 0b101, 7]
    assert free(center, 1) == (6, 90, 0, 0)
    assert center.nodes[0].tolist() == before.nodes[0].tolist()
    assert changed(before, center) == {"nodes", "log", "sizes"}
    assert (center.log[0], center.sizes[t.LOG_SIZE], center.nodes[1, t.LAST]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("cpu", "memory", "expected"),
    [(8, 80, (5, 77)), (9, 80, (6, 77)), (8, 79, (5, 76)), (3, 3, (0, 0)), (2, 1, (-1, -2)), (0, 0, (-3, -3))],
)
def test_what_is_held_of_a_node_stays_held(cpu: int, memory: int, expected: tuple[int, int]) -> None:
    center = small([Node(8, 80)], [Job()])
    run(center, 0, 50, {0: 3})
    changes.set_node(center, 0, (0, 1, cpu, memory, 0, 0, 0, 0))
    assert free(center, 0) == (*expected, 1, 0)
    changes.set_node(center, 0, (0, 1, 8, 80, 0, 0, 0, 0))
    assert free(center, 0) == (5, 77, 1, 0)
    changes.end(center, 0)
    assert free(center, 0) == (8, 80, 0, 0)


def test_who_runs_holds_what_was_said() -> None:
    devices = ((0, True), (0, True))
    center = small([Node(9, 90, devices), Node(9, 90)], [Job(), Job(preemptible=True)], licenses=1)
    center.asks[1] = (1, 5, 6, 1500, 2)
    center.associations[0, 0] = 0
    center.jobs[1, t.END] = 30
    held = np.array([[0, 2, 4, 10, 0, 0], [1, 1, 2, 5, 0, 7]], dtype=np.int64)
    of_devices = np.array([[0, 1, 500, 0], [0, 0, 1000, 0]], dtype=np.int64)
    before = center.copied()
    changes.run(center, 1, held, of_devices)
    assert holds(center, 1) == [(1, 1, 2, 5, 0), (0, 2, 4, 10, 0)]
    assert device_holds(center, 1) == [(0, 0, 1000), (0, 1, 500)]
    assert [free(center, node) for node in range(2)] == [(5, 80, 1, 0), (7, 85, 1, 0)]
    assert center.devices[0, :, t.FREE].tolist() == [0, 500]
    assert running(center) == [1]
    assert center.sizes[t.PREEMPTIBLES] == 1
    assert center.licenses[0, t.IN_USE] == 2
    assert center.bounds[0, t.ACTIVE].tolist() == [1, 5, 6, 1500]
    changes.end(center, 1)
    assert (holds(center, 1), device_holds(center, 1), running(center)) == ([], [], [])
    tables = changed(before, center)
    # Only the order of rows that nobody has, the log, and what rows said before are others.
    assert tables <= {"nodes", "holds", "device_holds", "log", "sizes", "lists"}
    assert [free(center, node) for node in range(2)] == [(9, 90, 0, 0)] * 2
    assert center.sizes[t.PREEMPTIBLES] == 0


def test_work_that_holds_nothing_may_run() -> None:
    center = small([Node(9)], [Job()])
    nothing = np.zeros((0, 5), dtype=np.int64)
    changes.run(center, 0, nothing, np.zeros((0, 3), dtype=np.int64))
    assert (holds(center, 0), running(center)) == ([], [0])
    changes.end(center, 0)
    assert running(center) == []


@pytest.mark.parametrize(("head", "ended", "expected"), [(0, 0, t.NOBODY), (1, 0, 1), (t.NOBODY, 0, t.NOBODY)])
def test_a_head_that_ends_or_waits_no_longer_is_none_any_more(head: int, ended: int, expected: int) -> None:
    center = small([Node(9)], [Job(), Job()])
    run(center, ended, 50, {0: 1})
    center.sizes[t.HEAD] = head
    changes.end(center, ended)
    assert center.sizes[t.HEAD] == expected
    changes.wait(center, ended)
    center.sizes[t.HEAD] = head
    changes.wait_no_longer(center, ended)
    assert center.sizes[t.HEAD] == expected
    assert queue(center) == []


def test_who_waits_stands_where_its_keys_say() -> None:
    center = small([Node(9)], [Job(), Job(), Job()])
    center.keys[0, :3] = (2, 1, 3)
    for job in range(3):
        changes.wait(center, job)
    assert queue(center) == [1, 0, 2]
    assert center.sizes[t.KINDS] == 3
    changes.wait_no_longer(center, 0)
    assert queue(center) == [1, 2]


@pytest.mark.parametrize(
    ("waits", "blocked", "impossible", "is_judged"),
    [(1, 5, 0, True), (0, 5, 0, False), (1, 4, 0, False), (1, 5, 1, False), (3, 5, 0, True)],
)
def test_kinds_that_could_not_start_are_judged(waits: int, blocked: int, impossible: int, is_judged: bool) -> None:
    center = small([Node(9)], [Job(), Job(shape=Shape(2))])
    center.sizes[t.TURN] = 5
    center.kinds[1, [t.WAITING_OF, t.BLOCKED, t.OF_SHAPE, t.IMPOSSIBLE]] = (waits, blocked, 1, impossible)
    changes.judge(center, BEST_FIT)
    assert center.shapes[:, t.SEEN].tolist() == [t.NOBODY, 0 if is_judged else t.NOBODY]
    assert center.tasks[1, 0] == (4 if is_judged else 0)


def planned(center: t.Center, now: int, rules: Rules) -> tuple[list[int], int, int, bool]:
    """Who starts, the head, its start, and whether the turn was complete."""
    started = np.zeros(center.jobs.shape[0], dtype=np.int64)
    decided = changes.plan(center, now, now + 1, rules, started)
    return [int(job) for job in started[: decided.started]], decided.head, decided.start_us, bool(decided.complete)


def known(center: t.Center) -> tuple[object, ...]:
    """What is so, whatever is remembered of it."""
    return (
        queue(center),
        running(center),
        [holds(center, job) for job in range(center.jobs.shape[0])],
        [device_holds(center, job) for job in range(center.jobs.shape[0])],
        [free(center, node) for node in range(center.nodes.shape[0])],
        center.devices.tolist(),
        [int(center.jobs[job, t.END]) for job in running(center)],
        center.bounds.tolist(),
        center.licenses[:, t.IN_USE].tolist(),
        center.kinds[:, t.WAITING_OF].tolist(),
        center.sizes[[t.RUNNING_SIZE, t.WAITING_SIZE, t.KINDS, t.PREEMPTIBLES]].tolist(),
    )


def test_a_turn_may_be_taken_back() -> None:
    center = small(
        [Node(4)], [Job(limit=5, need=2), Job(limit=5, need=3), Job(limit=5), Job(limit=9, preemptible=True)]
    )
    run(center, 3, 20, {0: 1})
    for job in range(3):
        changes.wait(center, job)
    before = known(center)
    rules = Rules(BEST_FIT, EASY, 9)
    assert planned(center, 0, rules) == ([0, 2], 1, 5, True)
    started = np.array([0, 2], dtype=np.int64)
    assert queue(center) == [1]
    changes.undo(center, started, center.sizes[:0])
    assert known(center) == before
    assert planned(center, 0, rules)[0] == [0, 2]


def test_a_turn_that_asked_somebody_to_leave_may_be_taken_back() -> None:
    center = small([Node(4)], [Job(limit=5, need=4), Job(preemptible=True), Job(preemptible=True)])
    center.keys[0, 1:] = 1
    run(center, 1, 20, {0: 1})
    run(center, 2, 30, {0: 1})
    changes.wait(center, 0)
    before = known(center)
    decided = planned(center, 0, Rules(BEST_FIT, EASY, 9, preempt=True))
    assert decided[0] == []
    assert sorted(center.lists[t.LEAVING, : center.sizes[t.LEAVING_SIZE]].tolist()) == [1, 2]
    assert center.jobs[[1, 2], t.END].tolist() == [t.LEAVES, t.LEAVES]
    ends = {1: 20, 2: 30}
    asked = [ends[int(job)] for job in center.lists[t.LEAVING, :2]]
    changes.undo(center, center.sizes[:0], np.array(asked, dtype=np.int64))
    assert known(center) == before
    assert center.sizes[t.LEAVING_SIZE] == 0


@given(seed=st.integers(0, 2**32))
def test_whatever_a_turn_decides_it_can_be_taken_back_and_decides_it_again(seed: int) -> None:
    chance = Random(seed)
    devices = ((0, True), (0, True))
    shapes = [Shape(1), Shape(2), Shape(1, 1, 1, 500, ONE), Shape(1, alone=True), Shape(1, unit=2)]
    jobs = [
        Job(
            limit=chance.choice([3, 9, NEVER]),
            need=chance.randint(1, 4),
            shape=chance.choice(shapes),
            preemptible=chance.random() < 0.3,
        )
        for _ in range(14)
    ]
    center = small([Node(chance.randint(2, 6), devices=devices) for _ in range(3)], jobs, shapes=shapes, booked=64)
    center.keys[0] = [chance.randint(0, 2) for _ in jobs]
    for job in range(14):
        changes.wait(center, job)
    rules = Rules(
        BEST_FIT,
        chance.choice([NO_BACKFILL, EASY, 3]),
        chance.choice([2, 99]),
        shortest_first=chance.random() < 0.5,
        preempt=chance.random() < 0.5,
    )
    now = 0
    for _ in range(5):
        before, ends = known(center), center.jobs[:, t.END].copy()
        first = planned(center, now, rules)
        after = known(center)
        leaving = center.lists[t.LEAVING, : center.sizes[t.LEAVING_SIZE]]
        changes.undo(center, np.array(first[0], dtype=np.int64), ends[leaving])
        assert known(center) == before
        assert planned(center, now, rules) == first
        assert known(center) == after
        now += chance.randint(1, 4)
        for job in running(center):
            if center.jobs[job, t.END] <= now or chance.random() < 0.3:
                changes.end(center, job)
