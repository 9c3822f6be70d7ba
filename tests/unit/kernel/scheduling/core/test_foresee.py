"""When one waiting job may start beside running work, the head's reservation, windows and licenses, by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.foresee import foresee, lacking, startable
from suanli.kernel.scheduling.core.reserve import reserve
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.keeping import see_present, window
from tests.unit.kernel.scheduling.core.small import changed, holds, run, small

NEVER = t.NEVER
ONE = frozenset({0})
MEMORIES = {"tasks", "total", "blocker", "failing", "score", "lowest"}
"""What is remembered of shapes."""


def foreseen(center: t.Center, job: int = 1, now: int = 0, soon: int = 1, head: int = t.NOBODY) -> int:
    """The start of a job; the reservation of a head, if there is one, is made before. Nothing else may change."""
    start = NEVER
    if head != t.NOBODY:
        shape = int(center.jobs[head, t.SHAPE])
        see_present(center, shape, int(center.jobs[head, t.LIMIT]), now)
        start = int(reserve(center, head, now, soon))
    shape = int(center.jobs[job, t.SHAPE])
    see_present(center, shape, int(center.jobs[job, t.LIMIT]), now)
    before = center.copied()
    given_head = head if start < NEVER else t.NOBODY
    found = int(foresee(center, job, now, soon, given_head, start, BEST_FIT))
    assert changed(before, center) <= {"row", "spare", "lists", "beside", "licenses", "both_nodes", "both_devices"}
    assert running_of(before) == running_of(center)
    kept = center.scratch[t.KEPT, : center.sizes[t.KEPT_SIZE]]
    assert center.both_nodes[kept].tolist() == before.both_nodes[kept].tolist()
    assert center.both_devices[kept].tolist() == before.both_devices[kept].tolist()
    return found


def running_of(center: t.Center) -> list[int]:
    return [int(job) for job in center.lists[t.RUNNING, : center.sizes[t.RUNNING_SIZE]]]


def center_of(nodes: Sequence[Node], waiting: Sequence[Job], runs: Sequence[tuple[int, Mapping[int, int]]]) -> t.Center:
    """Jobs that wait, and then one for each end with so many cpus on each node."""
    center = small(nodes, [*waiting, *(Job() for _ in runs)])
    for job, (end, on) in enumerate(runs, len(waiting)):
        run(center, job, end, on)
    return center


@pytest.mark.parametrize(
    ("need", "runs", "soon", "expected"),
    [
        # One node of four cpus, and no head: end and cpus of each that runs.
        (1, [], 1, 0),
        (4, [], 1, 0),
        (5, [], 1, NEVER),
        (1, [(10, 3)], 1, 0),
        (2, [(10, 3)], 1, 10),
        (4, [(10, 3)], 1, 10),
        (3, [(10, 2), (20, 1)], 1, 10),
        (4, [(10, 2), (20, 1)], 1, 20),
        (3, [(20, 2), (10, 1)], 1, 20),
        (2, [(20, 2), (10, 1)], 1, 10),
        (4, [(NEVER, 1)], 1, NEVER),
        (3, [(NEVER, 1), (10, 2)], 1, 10),
        (4, [(-5, 3)], 1, 1),
        (4, [(0, 3)], 1, 1),
        (4, [(0, 3)], 9, 9),
        (4, [(-5, 2), (5, 2)], 9, 9),
        (2, [(-5, 2), (5, 2)], 9, 5),
        (2, [(-5, 2), (5, 1)], 4, 4),
        (4, [(-5, 2), (9, 2)], 9, 9),
        (3, [(-5, 1), (-4, 1), (NEVER, 1)], 9, 9),
        (4, [(-5, 1), (-4, 1), (12, 1)], 9, 12),
    ],
)
def test_without_a_head_the_first_end_that_leaves_enough(
    need: int, runs: list[tuple[int, int]], soon: int, expected: int
) -> None:
    center = center_of([Node(4)], [Job(), Job(limit=5, need=need)], [(end, {0: cpus}) for end, cpus in runs])
    assert foreseen(center, soon=soon) == expected


@pytest.mark.parametrize(
    ("head_need", "head_limit", "need", "limit", "expected"),
    [
        # Four cpus, three taken until 100; the head has its place from then on, for so long.
        (4, 50, 1, 100, 0),
        (4, 50, 1, 99, 0),
        (4, 50, 1, 101, 150),
        (4, 50, 1, NEVER, 150),
        (4, 50, 2, 5, 150),
        (4, 50, 4, 5, 150),
        (4, 50, 5, 5, NEVER),
        (4, NEVER, 1, 100, 0),
        (4, NEVER, 1, 101, NEVER),
        (4, NEVER, 2, 1, NEVER),
        # What the head leaves is free beside it.
        (2, 50, 1, 101, 0),
        (2, 50, 2, 101, 100),
        (2, 50, 2, 5, 100),
        (2, 50, 3, 5, 150),
        (3, 50, 1, NEVER, 0),
        (3, 50, 2, 5, 150),
        (3, NEVER, 1, NEVER, 0),
        (3, NEVER, 2, 5, NEVER),
    ],
)
def test_who_is_behind_the_head_is_gone_before_it_or_leaves_it_its_place(
    head_need: int, head_limit: int, need: int, limit: int, expected: int
) -> None:
    waiting = [Job(limit=head_limit, need=head_need), Job(limit=limit, need=need)]
    assert foreseen(center_of([Node(4)], waiting, [(100, {0: 3})]), head=0) == expected


@pytest.mark.parametrize(
    ("need", "limit", "expected"),
    [
        # Two nodes of four cpus: the first full until 100, the second until 60 and half of it until 200; the head
        # takes all of the first from 100 until 150.
        (1, 40, 60),
        (2, 40, 60),
        (2, 999, 60),
        (3, 40, 150),
        (4, 40, 150),
        (6, 40, 150),
        (7, 40, 200),
        (8, 40, 200),
        (9, 40, NEVER),
    ],
)
def test_of_several_nodes_the_head_takes_some(need: int, limit: int, expected: int) -> None:
    waiting = [Job(limit=50, need=1, shape=Shape(4)), Job(limit=limit, need=need, shape=Shape(1, 2))]
    runs = [(100, {0: 4}), (60, {1: 2}), (200, {1: 2})]
    center = small([Node(4), Node(4)], [*waiting, *(Job() for _ in runs)])
    for job, (end, on) in enumerate(runs, 2):
        run(center, job, end, on)
    assert foreseen(center, head=0) == expected


def test_devices_that_the_head_will_take_are_kept_from_work_that_stays() -> None:
    devices = ((0, True), (0, True))
    both, one = Shape(1, 1, 2, types=ONE), Shape(1, 1, 1, types=ONE)
    center = small([Node(9, devices=devices)], [Job(limit=50, shape=both), Job(limit=60, shape=one), Job()])
    run(center, 2, 40, {0: 1}, [(0, 0, 1000)])
    assert foreseen(center, head=0) == 90
    center.jobs[1, t.LIMIT] = 40
    assert foreseen(center, head=0) == 0


def test_whole_nodes_and_engines_are_counted_as_ever() -> None:
    nodes = [Node(4), Node(4, engine=1), Node(4, engine=1)]
    runs = [(30, {0: 2}), (10, {1: 3}), (20, {2: 3})]
    for need, expected in ((1, 0), (2, 20), (3, NEVER)):
        center = center_of(nodes, [Job(), Job(limit=5, need=need, shape=Shape(1, unit=2))], runs)
        assert foreseen(center) == expected
    for need, expected in ((2, 0), (3, 10), (5, 10), (6, 20), (8, 20), (9, NEVER)):
        center = center_of(nodes, [Job(), Job(limit=5, need=need)], runs)
        assert foreseen(center) == expected


@pytest.mark.parametrize(
    ("limit", "free_at", "expected"),
    [
        # The only node is set aside from 100 until 200.
        (50, -1, 0),
        (100, -1, 0),
        (101, -1, 200),
        (50, 40, 40),
        (60, 40, 40),
        (61, 40, 200),
        (10, 95, 200),
        (5, 95, 95),
        (5, 150, 200),
        (5, 200, 200),
        (5, 300, 300),
        (NEVER, 40, 200),
    ],
)
def test_a_start_keeps_off_windows(limit: int, free_at: int, expected: int) -> None:
    runs = [(free_at, {0: 4})] if free_at >= 0 else []
    center = center_of([Node(4, windows=0b1)], [Job(), Job(limit=limit)], runs)
    window(center, 0, 100, 200)
    assert foreseen(center) == expected


@pytest.mark.parametrize(
    ("limit", "free_at", "expected"),
    [(50, -1, 100), (100, -1, 100), (101, -1, NEVER), (50, 150, 150), (50, 151, NEVER), (50, 20, 100)],
)
def test_work_within_a_window_starts_in_it(limit: int, free_at: int, expected: int) -> None:
    runs = [(free_at, {0: 4})] if free_at >= 0 else []
    waiting = [Job(), Job(limit=limit, shape=Shape(1, 2, within=0b1))]
    center = center_of([Node(4, windows=0b1), Node(4)], waiting, runs)
    window(center, 0, 100, 200)
    assert foreseen(center) == expected


def test_windows_and_the_head_together() -> None:
    # The head takes the second node from 30 until 80, the first is set aside from 50 until 120.
    nodes = [Node(4, windows=0b1), Node(4)]
    for limit, expected in ((10, 20), (30, 20), (31, 80), (99, 80)):
        waiting = [Job(limit=50, need=1, shape=Shape(4)), Job(limit=limit, need=4, shape=Shape(1, 2))]
        center = small(nodes, [*waiting, Job(), Job()])
        window(center, 0, 50, 120)
        run(center, 2, 20, {0: 4})
        run(center, 3, 30, {1: 4})
        assert foreseen(center, head=0) == expected


@pytest.mark.parametrize(
    ("asked", "free_at", "expected"),
    [
        # Three licenses: one is free, one is left at 10 and one at 30.
        (0, -1, 0),
        (1, -1, 0),
        (2, -1, 10),
        (3, -1, 30),
        (4, -1, NEVER),
        (1, 20, 20),
        (2, 20, 20),
        (3, 20, 30),
        (3, 40, 40),
        (2, 10, 10),
    ],
)
def test_licenses_are_awaited_as_well_as_nodes(asked: int, free_at: int, expected: int) -> None:
    center = small([Node(4), Node(9, 10)], [Job(), Job(limit=5, shape=Shape(1, 50)), Job(), Job(), Job()], licenses=1)
    center.licenses[0, t.TOTAL] = 3
    center.asks[:, t.AMOUNTS] = (0, asked, 1, 1, 0)
    center.sizes[t.TURN] = 1
    run(center, 2, 10, {1: 4})
    run(center, 3, 30, {1: 5})
    if free_at >= 0:
        run(center, 4, free_at, {0: 4})
    assert foreseen(center) == expected


@pytest.mark.parametrize(
    ("limit", "spare", "expected"), [(50, 0, 0), (51, 0, t.NOBODY), (51, 1, 0), (NEVER, 0, t.NOBODY)]
)
def test_it_is_told_that_a_license_would_be_taken_from_whom_it_is_kept_for(
    limit: int, spare: int, expected: int
) -> None:
    center = small([Node(4)], [Job(), Job(limit=limit)], licenses=1)
    center.licenses[0, t.TOTAL] = 3
    center.asks[:, t.AMOUNTS] = 1
    center.sizes[t.TURN] = 1
    center.licenses[0, [t.KEPT_TURN, t.KEPT_FROM, t.KEPT_FOR, t.SPARE]] = (1, 50, 0, spare)
    assert foreseen(center) == expected
    assert lacking(center, 1, 0) == (0 if expected == t.NOBODY else t.NOBODY)


def test_room_now_is_told_for_each_job() -> None:
    center = center_of([Node(4)], [Job(), Job(need=2), Job(need=3, shape=Shape(1, 2))], [(10, {0: 2})])
    assert [bool(startable(center, job, BEST_FIT)) for job in range(3)] == [True, True, False]
    center.nodes[0, t.FREE_CPU] = 0
    assert bool(startable(center, 0, BEST_FIT))


def _free(
    cpus: Sequence[int], laid: Sequence[tuple[int, int, Mapping[int, int]]], start: int, end: int
) -> Sequence[int]:
    """The least that is free of each node over a while, given from when until when what is taken of each."""
    free = []
    for node, cpu in enumerate(cpus):
        instants = {start, *(begin for begin, _, _ in laid if start < begin < end)}
        free.append(
            min(cpu - sum(on.get(node, 0) for begin, until, on in laid if begin <= at < until) for at in instants)
        )
    return free


@given(seed=st.integers(0, 2**32))
def test_the_start_is_what_a_look_at_every_instant_finds(seed: int) -> None:
    chance = Random(seed)
    cpus = [chance.randint(1, 5) for _ in range(chance.randint(1, 3))]
    head = Job(limit=chance.choice([5, 20, NEVER]), need=chance.randint(1, 8), shape=Shape(1, 1))
    job = Job(limit=chance.choice([1, 5, 20, NEVER]), need=chance.randint(1, 8), shape=Shape(1, 2))
    center = small([Node(cpu, 999) for cpu in cpus], [head, job, *(Job(shape=Shape(1, 1)) for _ in range(6))])
    laid: list[tuple[int, int, Mapping[int, int]]] = []
    for other in range(2, 8):
        left = _free(cpus, laid, 0, NEVER)
        on = {node: chance.randint(1, one) for node, one in enumerate(left) if one and chance.random() < 0.6}
        if on:
            end = chance.choice([chance.randint(-2, 25), NEVER])
            run(center, other, end, on)
            laid.append((0, 1 if end <= 0 else end, on))
    if sum(_free(cpus, laid, 0, 1)) >= head.need:
        return
    found = foreseen(center, head=0)
    start = int(center.sizes[t.HEAD_START])
    if start < NEVER:
        promised = {}
        row = int(center.sizes[t.HEAD_HOLD])
        while row >= 0:
            promised[int(center.holds[row, t.HELD_NODE])] = int(center.holds[row, t.HELD_CPU])
            row = int(center.holds[row, t.NEXT])
        laid.append((start, min(start + head.limit, NEVER), promised))
    expected = NEVER
    for instant in sorted({0, *(until for _, until, _ in laid if until < NEVER), min(start, NEVER - 1)}):
        if sum(_free(cpus, laid, instant, min(instant + job.limit, NEVER))) >= job.need:
            expected = instant
            break
    assert found == (expected if expected < NEVER - 1 else NEVER)
    assert all(not holds(center, waiting) for waiting in (0, 1))
