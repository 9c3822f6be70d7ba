"""The profile of power, places found by it, and what is given back of a reservation; answers are worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.booking import begin_beside, book, earliest_start, give_back, in_the_way
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.profile import build, draw_between, least_power, powered_until
from suanli.kernel.scheduling.core.score import FIRST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import run, small

NEVER = t.NEVER
NOBODY = t.NOBODY
ONE = frozenset({0})


def capped(cap: int, runs: Sequence[tuple[int, int]], *others: Job, cpus: int = 99) -> t.Center:
    """Jobs that wait, and then ones that run until an instant on so many cpus; each cpu draws one milliwatt."""
    center = small([Node(cpus)], [*others, *(Job() for _ in runs)], booked=16)
    center.draws[0, 0] = t.WHOLE
    for job, other in enumerate(others):
        center.kinds[center.jobs[job, t.FORM_KIND], t.DRAWS] = other.need * other.shape.cpu
    for job, (end, tasks) in enumerate(runs, len(others)):
        run(center, job, end, {0: tasks})
    changes.cap_power(center, cap)
    for shape in range(center.shapes.shape[0]):
        refresh(center, shape, FIRST_FIT)
    return center


def power_steps(center: t.Center) -> list[tuple[int, int]]:
    """From when, and what the cap leaves then."""
    found, step = [], center.nodes.shape[0]
    while step >= 0:
        found.append((int(center.steps[step, t.STEP_AT]), int(center.steps[step, t.STEP_POWER])))
        step = int(center.steps[step, t.STEP_AFTER])
    return found


@pytest.mark.parametrize(
    ("runs", "now", "soon", "expected"),
    [
        ([], 3, 4, [(3, 10)]),
        ([(10, 4)], 0, 1, [(0, 6), (10, 10)]),
        ([(10, 4), (20, 3)], 0, 1, [(0, 3), (10, 7), (20, 10)]),
        ([(20, 4), (10, 3)], 0, 1, [(0, 3), (10, 6), (20, 10)]),
        ([(10, 4), (10, 3)], 0, 1, [(0, 3), (10, 10)]),
        # What never ends leaves nothing; what is past its end is to end soon, and not at once.
        ([(NEVER, 4), (10, 3)], 0, 1, [(0, 3), (10, 6)]),
        ([(2, 4), (10, 3)], 5, 7, [(5, 3), (7, 7), (10, 10)]),
        ([(2, 4), (7, 3)], 5, 7, [(5, 3), (7, 10)]),
        ([(5, 4)], 5, 5, [(5, 6), (6, 10)]),
        # More may run than a cap that was set later would have let in.
        ([(10, 9), (20, 8)], 0, 1, [(0, -7), (10, 2), (20, 10)]),
    ],
)
def test_what_the_cap_leaves_from_when(
    runs: list[tuple[int, int]], now: int, soon: int, expected: list[tuple[int, int]]
) -> None:
    center = capped(10, runs, Job())
    build(center, now, soon)
    assert power_steps(center) == expected


def test_without_a_cap_nothing_draws_and_there_is_one_step() -> None:
    center = capped(10, [(10, 4)], Job())
    changes.cap_power(center, NEVER)
    build(center, 0, 1)
    assert power_steps(center) == [(0, NEVER)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 5, [(0, 4), (5, 6), (10, 10)]),
        (0, 10, [(0, 4), (10, 10)]),
        (3, 15, [(0, 6), (3, 4), (10, 8), (15, 10)]),
        (10, 12, [(0, 6), (10, 8), (12, 10)]),
        (20, NEVER, [(0, 6), (10, 10), (20, 8)]),
        (0, NEVER, [(0, 4), (10, 8)]),
    ],
)
def test_what_is_drawn_is_taken_from_one_instant_until_another(
    start: int, end: int, expected: list[tuple[int, int]]
) -> None:
    center = capped(10, [(10, 4)], Job())
    build(center, 0, 1)
    draw_between(center, 2, start, end)
    assert power_steps(center) == expected
    draw_between(center, 0, 1, 2)
    assert power_steps(center) == expected
    draw_between(center, -2, start, end)
    assert {power for at, power in power_steps(center) if at < 10} == {6}
    assert {power for at, power in power_steps(center) if at >= 10} == {10}


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, 5, 6), (0, 10, 6), (0, 11, 6), (10, 11, 9), (10, 20, 9), (10, 21, 3), (20, 30, 3), (25, 31, 3), (30, 99, 10)],
)
def test_the_least_that_is_left_all_the_while(start: int, end: int, expected: int) -> None:
    center = capped(10, [(10, 4)], Job())
    build(center, 0, 1)
    draw_between(center, 1, 10, 20)
    draw_between(center, 7, 20, 30)
    assert least_power(center, start, end) == expected


@pytest.mark.parametrize(
    ("draws", "now", "expected"), [(0, 0, NEVER), (3, 0, NEVER), (4, 0, 20), (6, 0, 20), (9, 10, 20), (10, 30, NEVER)]
)
def test_until_when_so_much_is_left(draws: int, now: int, expected: int) -> None:
    center = capped(10, [(10, 4)], Job())
    build(center, 0, 1)
    draw_between(center, 1, 10, 20)
    draw_between(center, 7, 20, 30)
    assert powered_until(center, draws, now) == expected


@pytest.mark.parametrize(
    ("need", "limit", "expected"),
    [
        (6, 99, 0),
        (7, 99, 10),
        (8, 99, 20),
        (10, 99, 20),
        (11, 99, NEVER),
        (0, 99, 0),
    ],
)
def test_a_place_is_found_when_there_is_power_all_the_while(need: int, limit: int, expected: int) -> None:
    center = capped(10, [(10, 1), (20, 3)], Job(need=max(need, 1), limit=limit))
    center.kinds[0, t.DRAWS] = need
    build(center, 0, 1)
    assert earliest_start(center, 0, (0, 0), NEVER - 1) == expected


@pytest.mark.parametrize(
    ("least", "last", "expected"),
    [(0, NEVER - 1, 10), (0, 9, NEVER), (12, NEVER - 1, 12), (12, 11, NEVER), (10, 10, 10)],
)
def test_only_between_two_instants_is_a_place_looked_for(least: int, last: int, expected: int) -> None:
    center = capped(10, [(10, 4)], Job(need=7, limit=5))
    build(center, 0, 1)
    assert earliest_start(center, 0, (0, least), last) == expected


def reserve(center: t.Center, job: int) -> int:
    start = earliest_start(center, job, (0, 0), NEVER - 1)
    assert book(center, job, (start, 0, 1), (NOBODY, NOBODY))
    return int(start)


def test_each_reservation_has_power_and_nobody_behind_takes_it() -> None:
    # Ten milliwatts, four drawn until 10: of five that wait, none has what another was promised.
    jobs = [Job(need=need, limit=limit) for need, limit in ((8, 10), (6, 20), (2, 5), (4, 10), (5, 50))]
    center = capped(10, [(10, 4)], *jobs)
    build(center, 0, 1)
    assert [reserve(center, job) for job in range(5)] == [10, 20, 0, 0, 40]
    assert power_steps(center) == [(0, 0), (5, 2), (10, 2), (20, 4), (40, 5), (90, 10)]


def test_whose_power_is_in_the_way() -> None:
    center = capped(10, [(10, 4)], Job(need=8, limit=10), Job(need=3, limit=11), Job(need=2, limit=99))
    build(center, 0, 1)
    assert in_the_way(center, 1, 0) == (NEVER, NOBODY)
    assert reserve(center, 0) == 10
    assert in_the_way(center, 1, 0) == (10, 0)
    assert in_the_way(center, 2, 0) == (NEVER, NOBODY)
    # Gone by then it takes nothing.
    center.jobs[1, t.LIMIT] = 10
    assert in_the_way(center, 1, 0) == (NEVER, NOBODY)


def test_the_first_that_is_in_the_way_is_told_be_it_for_nodes_or_for_power() -> None:
    # Twelve cpus. The first reservation leaves two of them from 10 on, the second two milliwatts less from 20 on.
    jobs = [Job(need=10, limit=10), Job(need=9, limit=50), Job(need=4, limit=99), Job(need=2, limit=99)]
    center = capped(30, [(10, 3)], *jobs, cpus=12)
    center.kinds[1, t.DRAWS] = 29
    build(center, 0, 1)
    assert [reserve(center, job) for job in range(2)] == [10, 20]
    assert in_the_way(center, 2, 0) == (10, 0)
    assert in_the_way(center, 3, 0) == (20, 1)


def test_who_starts_beside_them_is_as_wide_as_power_allows_and_draws_what_its_place_does() -> None:
    center = capped(10, [(10, 4)], Job(need=8, limit=10), Job(need=1, limit=99))
    center.jobs[1, t.MORE] = 5
    build(center, 0, 1)
    assert reserve(center, 0) == 10
    assert earliest_start(center, 1, (0, 0), 0) == 0
    begin_beside(center, 1, 0, True)
    assert center.jobs[1, [t.GIVEN, t.DRAW]].tolist() == [1, 2]
    assert power_steps(center) == [(0, 4), (10, 0), (20, 8), (99, 10)]
    assert center.sizes[[t.POWER_KEPT_FROM, t.POWER_SPARE]].tolist() == [NEVER, NEVER]


def test_who_is_gone_before_a_reservation_may_be_as_wide_as_now() -> None:
    center = capped(10, [(10, 4)], Job(need=8, limit=10), Job(need=1, limit=10))
    center.jobs[1, t.MORE] = 9
    build(center, 0, 1)
    reserve(center, 0)
    assert earliest_start(center, 1, (0, 0), 0) == 0
    begin_beside(center, 1, 0, True)
    assert center.jobs[1, t.GIVEN] == 5


def test_what_is_reserved_is_given_back_for_a_look_and_taken_again() -> None:
    shape = Shape(2, 3, 1, 600, ONE, disk=4)
    jobs = [Job(need=1, limit=10, shape=shape), Job(need=2, limit=5, shape=shape)]
    center = small([Node(4, 90, ((0, True), (0, True)), disk=8)], [*jobs, Job(shape=shape)], booked=16)
    run(center, 2, 10, {0: 2}, [(0, 0, 600), (0, 1, 600)])
    refresh(center, 0, FIRST_FIT)
    build(center, 0, 1)
    before = profiles(center)
    assert [reserve(center, job) for job in range(2)] == [10, 20]
    reserved = profiles(center)
    give_back(center, 0, 1)
    assert earliest_start(center, 0, (0, 0), NEVER - 1) == 10
    assert profiles(center) != reserved
    give_back(center, 1, 1)
    assert {at: left for at, left in profiles(center).items() if at in before} == before
    assert profiles(center)[20] == profiles(center)[25] == before[10]
    give_back(center, 1, -1)
    give_back(center, 0, -1)
    assert profiles(center) == reserved


def profiles(center: t.Center) -> dict[int, tuple[int, ...]]:
    """Of the first node, from when: all amounts and what is free of devices."""
    found, step = {}, 0
    while step >= 0:
        amounts = center.steps[step, t.STEP_CPU : t.STEP_AFTER].tolist()
        found[int(center.steps[step, t.STEP_AT])] = (*amounts, *center.step_devices[step].tolist())
        step = int(center.steps[step, t.STEP_AFTER])
    return found


@given(st.integers(0, 2**32))
def test_power_is_never_promised_twice(seed: int) -> None:
    """Held against adding up, instant by instant, what each could draw."""
    chance = Random(seed)
    cap = chance.randint(4, 20)
    runs = [(chance.randint(1, 30), chance.randint(1, 4)) for _ in range(chance.randint(0, 4))]
    jobs = [Job(need=chance.randint(1, 8), limit=chance.randint(1, 20)) for _ in range(5)]
    center = capped(cap, runs, *jobs)
    build(center, 0, 1)
    left = np.full(400, cap)
    for end, tasks in runs:
        left[:end] -= tasks
    for number, job in enumerate(jobs):
        start = int(earliest_start(center, number, (0, 0), NEVER - 1))
        instants = [0, *(end for end, _ in runs), *(at for at, _ in power_steps(center))]
        could = [at for at in sorted(instants) if left[at : at + job.limit].min() >= job.need]
        assert start == (could[0] if could else NEVER)
        if could:
            assert book(center, number, (start, 0, 1), (NOBODY, NOBODY))
            left[start : start + job.limit] -= job.need
        assert all(left[at] == power for at, power in power_steps(center) if at < 200)
