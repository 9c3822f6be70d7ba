"""Whole turns: who starts, who is the head and from when, with answers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import CONSERVATIVE, EASY, NO_BACKFILL, Rules
from suanli.kernel.scheduling.core.score import BEST_FIT
from suanli.kernel.scheduling.core.turn import turn
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape, chain
from tests.unit.kernel.scheduling.core.small import holds, run, running, small

NEVER, NOBODY = t.NEVER, t.NOBODY
ONE = frozenset({0})


@dataclass(frozen=True)
class Turned:
    """Who started, in order; the head and its start; whether no bound ended the turn early."""

    started: list[int]
    head: int = NOBODY
    start: int = NEVER
    complete: bool = True


def waiting(nodes: Sequence[Node], jobs: Sequence[Job], runs: Sequence[tuple[int, int]] = ()) -> t.Center:
    """Jobs that wait in their order, each of a kind of its own; then one for each end and cpus of the first node."""
    center = small(nodes, [*jobs, *(Job() for _ in runs)], licenses=1, bounds=2)
    center.licenses[0, t.TOTAL] = 99
    for job, (end, cpus) in enumerate(runs, len(jobs)):
        run(center, job, end, {0: cpus})
    for job in range(len(jobs)):
        changes.wait(center, job)
    return center


def taken(center: t.Center, now: int = 0, rules: Rules | None = None, soon: int | None = None) -> Turned:
    """Take a turn; who started runs and waits no longer, and the others stay in order."""
    started = np.full(center.jobs.shape[0], -7, dtype=np.int64)
    before, queue = set(running(center)), [int(job) for job in t.queued(center)]
    rules, turns = rules or Rules(BEST_FIT, EASY, 99), int(center.sizes[t.TURN])
    decided = turn(center, now, now + 1 if soon is None else soon, rules, started)
    jobs = [int(job) for job in started[: decided.started]]
    assert set(running(center)) == before | set(jobs)
    assert [int(job) for job in t.queued(center)] == [job for job in queue if job not in jobs]
    for job in jobs:
        assert center.jobs[job, t.END] == min(now + center.jobs[job, t.LIMIT], NEVER)
        assert sum(tasks for _, tasks, *_ in holds(center, job)) >= center.jobs[job, t.NEED]
    assert center.sizes[t.TURN] == turns + 1
    return Turned(jobs, int(decided.head), int(decided.start_us), bool(decided.complete))


FOUR = [Node(4)]


@pytest.mark.parametrize(
    ("needs", "runs", "expected"),
    [
        # Needs of those that wait, each for ten instants; end and cpus of those that run on four.
        ([], [], Turned([])),
        ([1], [], Turned([0])),
        ([4], [], Turned([0])),
        ([5], [], Turned([])),
        ([1, 1, 1, 1], [], Turned([0, 1, 2, 3])),
        ([1, 1, 1, 1, 1], [], Turned([0, 1, 2, 3], 4, 10)),
        ([2, 3, 2], [], Turned([0, 2], 1, 10)),
        ([2, 2, 1], [(20, 1)], Turned([0, 2], 1, 10)),
        ([3, 4, 1], [], Turned([0, 2], 1, 10)),
        ([3, 4, 1], [(5, 1)], Turned([0], 1, 10)),
        ([4, 1], [(20, 1)], Turned([1], 0, 20)),
        ([4, 1], [(10, 1)], Turned([1], 0, 10)),
        ([4, 1], [(9, 1)], Turned([], 0, 9)),
        ([4, 1, 1], [(20, 1)], Turned([1, 2], 0, 20)),
        ([3, 1, 1], [(9, 2)], Turned([1], 0, 9)),
        ([3, 2, 1], [(9, 2)], Turned([2], 0, 9)),
        ([2, 1, 1], [(9, 3)], Turned([1], 0, 9)),
        ([2, 2], [(9, 3)], Turned([], 0, 9)),
        # Those that can never be held are passed over, and are no heads.
        ([5, 4, 1], [(9, 1)], Turned([], 1, 9)),
        ([5, 3, 1], [(9, 1)], Turned([1], 2, 9)),
        ([4, 1], [(NEVER, 1)], Turned([1])),
        ([4, 3, 1], [(NEVER, 1)], Turned([1], 2, 10)),
        ([4, 4, 1], [(NEVER, 1), (30, 1)], Turned([2])),
        ([4, 3, 1, 1], [(NEVER, 1), (30, 1)], Turned([2, 3], 1, 30)),
        # Late work ends soon.
        ([4, 1], [(-5, 1)], Turned([], 0, 1)),
        ([4, 1], [(0, 1)], Turned([], 0, 1)),
        ([4, 1], [(-5, 1), (15, 1)], Turned([1], 0, 15)),
    ],
)
def test_the_first_that_cannot_start_is_the_head_and_nobody_delays_it(
    needs: list[int], runs: list[tuple[int, int]], expected: Turned
) -> None:
    center = waiting(FOUR, [Job(limit=10, need=need, shape=Shape(1, place)) for place, need in enumerate(needs)], runs)
    assert taken(center) == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        # The head waits for four cpus until 20; one is free.
        ([20], [1]),
        ([21], []),
        ([21, 20], [2]),
        ([20, 20], [1]),
        ([NEVER, 5], [2]),
        ([30, 29, 28, 20], [4]),
        ([1, 1, 1], [1]),
    ],
)
def test_who_is_gone_before_the_head_starts_goes_ahead(limits: list[int], expected: list[int]) -> None:
    jobs = [Job(limit=9, need=4), *(Job(limit=limit) for limit in limits)]
    assert taken(waiting(FOUR, jobs, [(20, 3)])) == Turned(expected, 0, 20)


@pytest.mark.parametrize(
    ("need", "limits", "expected"),
    [
        # Three of six cpus are taken until 20; what the head does not need of the rest may be had for long.
        (4, [99, 99, 99], [1, 2]),
        (5, [99, 99, 99], [1]),
        (6, [99, 99, 99], []),
        (6, [99, 20, 99, 20], [2, 4]),
        (4, [20, 99, 99, 99], [1, 2, 3]),
        (4, [99, 99, 20, 99], [1, 2, 3]),
        (4, [99, 20, 20], [1, 2, 3]),
        (5, [20, 20, 99], [1, 2, 3]),
    ],
)
def test_long_work_has_what_the_head_leaves(need: int, limits: list[int], expected: list[int]) -> None:
    jobs = [Job(limit=9, need=need), *(Job(limit=limit) for limit in limits)]
    assert taken(waiting([Node(6)], jobs, [(20, 3)])) == Turned(expected, 0, 20)


def test_without_backfilling_nobody_passes_the_first_that_cannot_start() -> None:
    rules = Rules(BEST_FIT, NO_BACKFILL, 99)
    jobs = [Job(limit=9), Job(limit=9, need=4), Job(limit=9)]
    center = waiting(FOUR, jobs)
    assert taken(center, rules=rules) == Turned([0], 1)
    assert taken(center, rules=rules) == Turned([], 1)
    assert center.sizes[t.KEPT_SIZE] == 0
    center = waiting(FOUR, [Job(limit=9, need=5), Job(limit=9)])
    assert taken(center, rules=rules) == Turned([], 0)


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, Turned([], complete=False)),
        (1, Turned([0], complete=False)),
        (2, Turned([0, 1], complete=False)),
        (3, Turned([0, 1, 2])),
        (4, Turned([0, 1, 2])),
    ],
)
def test_no_more_start_than_are_asked_for(most: int, expected: Turned) -> None:
    center = waiting(FOUR, [Job(limit=9), Job(limit=9), Job(limit=9)])
    assert taken(center, rules=Rules(BEST_FIT, EASY, most)) == expected
    assert taken(center).started == [job for job in range(3) if job not in expected.started]


@pytest.mark.parametrize(
    ("limits", "shortest_first", "expected"),
    [
        # Two cpus are free until 20; behind the head those of the shortest limits come first, or those in front.
        ([9, 8, 7], False, [1, 2]),
        ([9, 8, 7], True, [3, 2]),
        ([7, 8, 9], True, [1, 2]),
        ([8, 8, 8], True, [1, 2]),
        ([30, 8, 30], True, [2]),
        ([30, 20, 5, 5], True, [3, 4]),
        ([30, 20, 5, 5], False, [2, 3]),
    ],
)
def test_behind_the_head_the_shortest_may_go_first(
    limits: list[int], shortest_first: bool, expected: list[int]
) -> None:
    jobs = [Job(limit=9, need=4), *(Job(limit=limit) for limit in limits)]
    center = waiting(FOUR, jobs, [(20, 2)])
    rules = Rules(BEST_FIT, EASY, 99, shortest_first=shortest_first)
    assert taken(center, rules=rules) == Turned(expected, 0, 20)


def test_a_kind_that_cannot_start_is_asked_once_in_a_turn() -> None:
    shape = Shape(1, 1)
    jobs = [Job(limit=9, need=4, shape=shape) for _ in range(3)] + [Job(limit=9)]
    center = waiting(FOUR, jobs, [(20, 1)])
    center.jobs[:3, t.KIND] = 0
    t.tell_kinds(center)
    center.kinds[:4, t.WAITING_OF] = (3, 0, 0, 1)
    t.tell_kinds(center)
    assert taken(center) == Turned([3], 0, 20)
    assert center.kinds[0, t.BLOCKED] == 1
    assert center.kinds[3, t.BLOCKED] == 0


def test_a_turn_ends_once_every_kind_is_blocked() -> None:
    center = waiting(FOUR, [Job(limit=9, need=4) for _ in range(3)], [(20, 1)])
    center.jobs[:3, t.KIND] = 0
    center.kinds[:3, t.WAITING_OF] = (3, 0, 0)
    t.tell_kinds(center)
    assert center.sizes[t.KINDS] == 1
    assert taken(center) == Turned([], 0, 20)
    # A kind that was marked before the turn counts as one of them.
    center = waiting(FOUR, [Job(limit=9), Job(limit=9, need=4)])
    center.kinds[0, t.BLOCKED], center.sizes[t.BARRED] = 1, 1
    assert taken(center) == Turned([1])
    center = waiting(FOUR, [Job(limit=9)])
    center.kinds[0, t.BLOCKED], center.sizes[t.BARRED] = 1, 1
    assert taken(center) == Turned([])


def test_a_bound_bars_work_and_nobody_waits_for_it() -> None:
    center = waiting(FOUR, [Job(limit=9), Job(limit=9), Job(limit=9), Job(limit=9, need=2)])
    center.associations[1, 0] = 1
    center.bounds[1, t.MOST, 0] = 1
    center.asks[:, 0] = 1
    center.jobs[:2, t.ASSOCIATION] = 1
    assert taken(center) == Turned([0, 2, 3])
    assert center.bounds[1, t.ACTIVE, 0] == 1
    changes.end(center, 0)
    assert taken(center, 1) == Turned([1])


def test_who_lacks_a_license_waits_and_what_it_waits_for_is_kept() -> None:
    # Of two licenses one is in use until 20. The first job asks for two, the others for one each.
    jobs = [Job(limit=9), Job(limit=21), Job(limit=20), Job(limit=99)]
    center = small(FOUR, [*jobs, Job()], licenses=1)
    center.licenses[0, t.TOTAL] = 2
    center.asks[:, t.AMOUNTS] = (2, 1, 1, 0, 1)
    run(center, 4, 20, {0: 1})
    for job in range(4):
        changes.wait(center, job)
    assert taken(center) == Turned([2, 3])
    assert center.licenses[0, [t.KEPT_TURN, t.KEPT_FROM, t.KEPT_FOR, t.SPARE, t.IN_USE]].tolist() == [1, 20, 0, 0, 2]


def test_the_head_has_its_licenses_kept_from_its_start_on() -> None:
    center = small(FOUR, [Job(limit=9, need=4), Job(limit=30), Job(limit=20), Job()], licenses=1)
    center.licenses[0, t.TOTAL] = 1
    center.asks[:, t.AMOUNTS] = (1, 1, 1, 0)
    run(center, 3, 20, {0: 2})
    for job in range(3):
        changes.wait(center, job)
    assert taken(center) == Turned([2], 0, 20)
    assert center.licenses[0, t.KEPT_FOR] == 0


def test_the_head_takes_the_place_of_preemptible_work_where_it_may() -> None:
    for preempts in (False, True):
        center = small(FOUR, [Job(limit=9, need=4), Job(limit=5), Job(limit=9, preemptible=True)])
        center.keys[0, 2] = 1
        run(center, 2, 50, {0: 2})
        for job in range(2):
            changes.wait(center, job)
        found = taken(center, rules=Rules(BEST_FIT, EASY, 99, preempt=preempts))
        # Who was asked to leave is taken to have left soon, too early for anybody to go ahead.
        assert found == (Turned([], 0, 1) if preempts else Turned([1], 0, 50))
        assert center.sizes[t.LEAVING_SIZE] == int(preempts)


def test_what_starts_is_laid_around_what_is_kept() -> None:
    devices = ((0, True), (0, True), (0, True))
    pair, single = Shape(1, 1, 2, types=ONE), Shape(1, 1, 1, types=ONE)
    center = small([Node(9, devices=devices)], [Job(limit=9, shape=pair), *[Job(limit=99, shape=single)] * 2, Job()])
    run(center, 3, 20, {0: 1}, [(0, 0, 1000), (0, 1, 500)])
    for job in range(3):
        changes.wait(center, job)
    # From 20 on the head has the first and half-used devices' room: the third is left for one that stays.
    assert taken(center) == Turned([1], 0, 20)
    head = chain(center.device_holds, int(center.sizes[t.HEAD_DEVICE_HOLD]), t.HELD_SLOTS)
    mine = chain(center.device_holds, int(center.jobs[1, t.DEVICE_HOLD]), t.HELD_SLOTS)
    assert not {position for _, position, _ in head} & {position for _, position, _ in mine}


def test_every_turn_that_long_work_starts_in_leaves_less_beside_the_head() -> None:
    jobs = [Job(limit=9, need=6), *[Job(limit=99)] * 4]
    center = waiting([Node(8)], jobs, [(20, 3)])
    assert taken(center) == Turned([1, 2], 0, 20)
    assert center.then_nodes[0, t.FREE_CPU] == 0
    assert taken(center, 1) == Turned([], 0, 20)
    changes.end(center, 1)
    assert taken(center, 2) == Turned([3], 0, 20)


def test_turns_follow_each_other_until_all_have_run() -> None:
    needs, limits = (2, 4, 1, 3, 2), (10, 10, 10, 5, 20)
    center = waiting(FOUR, [Job(limit=limit, need=need) for need, limit in zip(needs, limits, strict=True)])
    assert taken(center) == Turned([0, 2], 1, 10)
    changes.end(center, 2)
    assert taken(center, 4) == Turned([], 1, 10)
    changes.end(center, 0)
    assert taken(center, 10) == Turned([1], 3, 20)
    changes.end(center, 1)
    assert taken(center, 20) == Turned([3], 4, 25)
    changes.end(center, 3)
    assert taken(center, 23) == Turned([4])
    changes.end(center, 4)
    assert taken(center, 43) == Turned([])


def test_the_two_kinds_of_turns_agree_where_nobody_has_to_wait() -> None:
    for reservations in (NO_BACKFILL, EASY, 2, CONSERVATIVE):
        center = small(FOUR, [Job(limit=9), Job(limit=9, need=3)], booked=8)
        for job in range(2):
            changes.wait(center, job)
        assert taken(center, rules=Rules(BEST_FIT, reservations, 99)).started == [0, 1]
