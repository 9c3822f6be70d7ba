"""Turns that keep more than the head a place: who starts and who gets which reservation, worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.conserve import turn_with_many
from suanli.kernel.scheduling.core.rules import CONSERVATIVE, Rules
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import ROWS, holds, run, running, small

NEVER, NOBODY = t.NEVER, t.NOBODY
ONE = frozenset({0})
FOUR = [Node(4)]


def waiting(
    nodes: Sequence[Node],
    jobs: Sequence[Job],
    runs: Sequence[tuple[int, int]] = (),
    booked: int = 16,
    booked_devices: int = 16,
) -> t.Center:
    """Jobs that wait in their order, each of a kind of its own; then one for each end and cpus of the first node."""
    center = small(nodes, [*jobs, *(Job() for _ in runs)], bounds=2, booked=booked, booked_devices=booked_devices)
    for job, (end, cpus) in enumerate(runs, len(jobs)):
        run(center, job, end, {0: cpus})
    for job in range(len(jobs)):
        changes.wait(center, job)
    return center


def taken(center: t.Center, now: int = 0, reservations: int = CONSERVATIVE, **rules: int) -> list[int]:
    """Take a turn, and return who started; nothing is kept or held afterwards but by who runs."""
    started, before = np.zeros(center.jobs.shape[0], dtype=np.int64), set(running(center))
    most = rules.pop("most", 99)
    asked = Rules(BEST_FIT, reservations, most, **{name: bool(one) for name, one in rules.items()})
    decided = turn_with_many(center, now, now + 1, asked, started)
    jobs = [int(job) for job in started[: decided.started]]
    assert set(running(center)) == before | set(jobs)
    assert not center.nodes[:, t.IS_KEPT].any()
    assert center.sizes[t.HEAD] == NOBODY
    assert all(not holds(center, int(job)) for job in t.queued(center))
    first = booked(center)[:1]
    assert (decided.head, decided.start_us) == (first[0] if first else (NOBODY, NEVER))
    assert bool(decided.complete) or decided.started == most
    held = sum(len(holds(center, job)) for job in range(center.jobs.shape[0]))
    row, unused = int(center.sizes[t.UNUSED]), 0
    while row >= 0:
        row, unused = int(center.holds[row, t.NEXT]), unused + 1
    assert unused == ROWS - held
    return jobs


def booked(center: t.Center) -> list[tuple[int, int]]:
    """Who has a reservation, and from when; not who is only noted for the reason why it waits."""
    rows = center.booked[: center.sizes[t.BOOKED], [t.BOOKED_JOB, t.BOOKED_START]].tolist()
    return list(dict.fromkeys((job, start) for job, start in rows if start < NEVER))


@pytest.mark.parametrize(
    ("jobs", "runs", "started", "expected"),
    [
        # By job that waits, need and limit; end and cpus of those that run on four.
        ([], [], [], []),
        ([(1, 9)], [], [0], []),
        ([(5, 9)], [], [], []),
        ([(4, 9), (4, 9)], [], [0], [(1, 9)]),
        ([(4, 9), (4, 5), (4, 7)], [], [0], [(1, 9), (2, 14)]),
        ([(4, 9), (2, 5), (2, 7), (4, 1)], [], [0], [(1, 9), (2, 9), (3, 16)]),
        ([(4, 9), (2, 5), (3, 7), (2, 1)], [], [0], [(1, 9), (2, 14), (3, 9)]),
        ([(4, 9), (2, 5), (3, 7), (2, 6)], [], [0], [(1, 9), (2, 14), (3, 21)]),
        ([(3, 9), (4, 9), (1, 9)], [], [0, 2], [(1, 9)]),
        ([(3, 9), (4, 9), (1, 10)], [], [0], [(1, 9), (2, 18)]),
        ([(3, 9), (2, 5), (1, 99)], [], [0, 2], [(1, 9)]),
        ([(3, 9), (4, 5), (1, 99)], [], [0], [(1, 9), (2, 14)]),
        ([(3, 9), (2, 5), (3, 5), (1, 9)], [], [0, 3], [(1, 9), (2, 14)]),
        ([(3, 9), (2, 5), (4, 5), (1, 14)], [], [0, 3], [(1, 9), (2, 14)]),
        ([(3, 9), (2, 5), (4, 5), (1, 15)], [], [0], [(1, 9), (2, 14), (3, 19)]),
        ([(3, 9), (2, 5), (4, 5), (1, 99)], [], [0], [(1, 9), (2, 14), (3, 19)]),
        # Who ends late, never, or at once.
        ([(4, 9), (1, 5)], [(20, 1)], [1], [(0, 20)]),
        ([(4, 9), (1, 21)], [(20, 1)], [], [(0, 20), (1, 29)]),
        ([(4, 9), (3, 99)], [(NEVER, 1)], [1], []),
        ([(4, 9), (4, 9), (3, 99)], [(NEVER, 1)], [2], []),
        ([(4, 9), (1, 1)], [(-5, 1)], [1], [(0, 1)]),
        ([(4, 9), (1, 2)], [(-5, 1)], [], [(0, 1), (1, 10)]),
        ([(4, 9), (1, NEVER)], [(0, 1)], [], [(0, 1), (1, 10)]),
        ([(4, NEVER), (1, 5)], [(20, 1)], [1], [(0, 20)]),
        ([(4, NEVER), (1, 21)], [(20, 1)], [], [(0, 20)]),
        ([(3, NEVER), (1, 21), (1, 5)], [(20, 2)], [1, 2], [(0, 20)]),
        ([(3, NEVER), (2, 21), (1, 5)], [(20, 2)], [2], [(0, 20)]),
    ],
)
def test_everybody_in_order_gets_the_earliest_place(
    jobs: list[tuple[int, int]], runs: list[tuple[int, int]], started: list[int], expected: list[tuple[int, int]]
) -> None:
    waits = [Job(limit=limit, need=need, shape=Shape(1, place)) for place, (need, limit) in enumerate(jobs)]
    center = waiting(FOUR, waits, runs)
    assert taken(center) == started
    assert booked(center) == expected
    # Nothing changed: the next turn at the same instant starts nobody, and reserves the same.
    assert taken(center) == []
    assert booked(center) == expected


@pytest.mark.parametrize(
    ("reservations", "started", "expected"),
    [
        # Three need all four cpus; one is free until 20. Of the rest those of 10 may go where they delay nobody kept.
        (1, [3, 5], [(0, 20)]),
        (2, [3], [(0, 20), (1, 29)]),
        (3, [3], [(0, 20), (1, 29), (2, 38)]),
        (4, [3], [(0, 20), (1, 29), (2, 38), (4, 47)]),
        (CONSERVATIVE, [3], [(0, 20), (1, 29), (2, 38), (4, 47), (5, 47)]),
    ],
)
def test_so_many_get_reservations(reservations: int, started: list[int], expected: list[tuple[int, int]]) -> None:
    jobs = [Job(limit=9, need=4)] * 3 + [Job(limit=20), Job(limit=50), Job(limit=20)]
    center = waiting(FOUR, jobs, [(20, 3)])
    found = taken(center, reservations=reservations)
    assert found[:1] == started[:1]
    assert booked(center) == expected[: len(booked(center))]
    assert len(booked(center)) == min(reservations, 5 if len(found) == 1 else 4)


@pytest.mark.parametrize(("shortest_first", "started"), [(False, [1]), (True, [3])])
def test_behind_the_last_reservation_the_shortest_may_go_first(shortest_first: bool, started: list[int]) -> None:
    jobs = [Job(limit=9, need=4), Job(limit=9), Job(limit=8), Job(limit=7)]
    center = waiting(FOUR, jobs, [(20, 3)])
    assert taken(center, reservations=1, shortest_first=int(shortest_first)) == started
    assert [int(job) for job in t.queued(center)] == [job for job in range(4) if job not in started]


def test_behind_the_last_reservation_the_turn_ends_where_the_queue_does() -> None:
    """The first job was withdrawn: whatever the tables say behind the queue's end, it does not start."""
    center = waiting(FOUR, [Job(limit=5), Job(limit=9, need=4), Job(limit=9, need=4), Job(limit=7)], [(20, 1), (20, 1)])
    changes.wait_no_longer(center, 0)
    # The next two have reservations; of two free cpus the last job has one, and nobody else waits.
    assert taken(center, reservations=2, shortest_first=1) == [3]
    assert [int(job) for job in t.queued(center)] == [1, 2]
    assert [job for job, _ in booked(center)] == [1, 2]


@pytest.mark.parametrize(("most", "started"), [(0, []), (1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (4, [0, 1, 2])])
def test_no_more_start_than_are_asked_for(most: int, started: list[int]) -> None:
    center = waiting(FOUR, [Job(limit=9)] * 3)
    assert taken(center, most=most) == started


def test_who_is_barred_by_a_bound_gets_no_reservation() -> None:
    center = waiting(FOUR, [Job(limit=9, need=4), Job(limit=9, need=4), Job(limit=3)], [(20, 1)])
    center.associations[1, 0] = 1
    center.bounds[1, t.MOST, 0] = 0
    center.asks[:, 0] = 1
    center.jobs[0, t.ASSOCIATION] = 1
    assert taken(center) == [2]
    assert booked(center) == [(1, 20)]


def test_who_can_never_be_held_gets_none() -> None:
    center = waiting(FOUR, [Job(limit=9, need=4), Job(limit=9, need=4), Job(limit=3)], [(20, 1)])
    center.kinds[0, t.IMPOSSIBLE] = 1
    assert taken(center) == [2]
    assert booked(center) == [(1, 20)]


def test_long_work_of_a_kind_is_not_asked_again_once_a_shorter_one_could_not_start() -> None:
    jobs = [Job(limit=9, need=4), *[Job(limit=limit) for limit in (30, 25, 28, 20, 40)]]
    center = waiting(FOUR, jobs, [(20, 2)])
    center.jobs[1:6, t.KIND] = 1
    center.kinds[:, t.WAITING_OF] = (1, 5, 0, 0, 0, 0, 0)
    t.tell_kinds(center)
    assert taken(center, reservations=1) == [4]
    assert center.kinds[1, [t.LONG, t.SHORTEST_LONG]].tolist() == [1, 25]
    assert center.kinds[1, t.BLOCKED] == 0


def test_what_is_reserved_is_told_by_node_and_device() -> None:
    devices = ((0, True), (0, True))
    pair = Shape(2, 3, 1, 600, ONE)
    center = waiting([Node(8, devices=devices), Node(8, devices=devices)], [Job(limit=9, need=4, shape=pair)] * 2)
    assert taken(center) == [0]
    rows = center.booked[: center.sizes[t.BOOKED]].tolist()
    assert [(row[t.BOOKED_JOB], row[t.BOOKED_START]) for row in rows] == [(1, 9), (1, 9)]
    assert sorted(row[t.BOOKED_HOLD :] for row in rows) == [[0, 2, 4, 6, 0, 0], [1, 2, 4, 6, 0, 0]]
    of_devices = center.booked_devices[: center.sizes[t.BOOKED_DEVICES], : 1 + t.HELD_SLOTS].tolist()
    assert sorted(of_devices) == [[1, node, position, 600] for node in range(2) for position in range(2)]


@pytest.mark.parametrize(
    ("rows", "device_rows", "expected"),
    [
        (1, 16, []),
        (2, 16, [(1, 9)]),
        (3, 16, [(1, 9)]),
        (4, 16, [(1, 9), (2, 18)]),
        (16, 3, []),
        (16, 4, [(1, 9)]),
        (16, 7, [(1, 9)]),
        (16, 8, [(1, 9), (2, 18)]),
    ],
)
def test_where_the_tables_are_full_no_more_is_reserved(
    rows: int, device_rows: int, expected: list[tuple[int, int]]
) -> None:
    devices = ((0, True), (0, True))
    pair = Shape(2, 3, 1, 600, ONE)
    nodes = [Node(8, devices=devices), Node(8, devices=devices)]
    jobs = [Job(limit=9, need=4, shape=pair)] * 3
    center = waiting(nodes, jobs, booked=rows, booked_devices=device_rows)
    assert taken(center) == [0]
    assert booked(center) == expected


def test_what_starts_beside_reservations_keeps_off_their_devices() -> None:
    devices = ((0, True), (0, True), (0, True))
    pair, single = Shape(1, 1, 2, types=ONE), Shape(1, 2, 1, types=ONE)
    jobs = [Job(limit=9, shape=pair), *(Job(limit=limit, shape=single) for limit in (99, 99, 20))]
    center = small([Node(9, devices=devices)], [*jobs, Job()], booked=16)
    run(center, 4, 20, {0: 1}, [(0, 0, 1000), (0, 1, 500)])
    for job in range(4):
        changes.wait(center, job)
    assert taken(center) == [1]
    assert booked(center) == [(0, 20), (2, 29), (3, 29)]
    assert center.devices[0, :, t.FREE].tolist() == [0, 500, 0]


def test_of_nodes_the_fullest_are_reserved() -> None:
    jobs = [Job(limit=9, need=3, shape=Shape(2)), Job(), Job(), Job()]
    center = small([Node(4), Node(4), Node(4)], jobs, booked=9)
    for job, (node, cpus) in enumerate([(0, 1), (1, 2), (2, 3)], 1):
        run(center, job, 20, {node: cpus})
    changes.wait(center, 0)
    # From 20 on any two of them would do; on the last nothing of the kind fits now.
    assert taken(center) == []
    assert sorted(center.booked[:2, t.BOOKED_HOLD].tolist()) == [0, 2]


def test_the_first_that_waits_takes_the_place_of_preemptible_work_where_it_may() -> None:
    for preempts in (0, 1):
        jobs = [Job(limit=9, need=4), Job(limit=9, need=4), Job(limit=1), Job(limit=9, preemptible=True)]
        center = small(FOUR, jobs, booked=9)
        center.keys[0, 3] = 1
        run(center, 3, 50, {0: 2})
        for job in range(3):
            changes.wait(center, job)
        assert taken(center, preempt=preempts) == [2]
        assert booked(center) == ([(0, 1), (1, 10)] if preempts else [(0, 50), (1, 59)])
        assert center.sizes[t.LEAVING_SIZE] == preempts


def test_turns_follow_each_other_until_all_have_run() -> None:
    needs, limits = (2, 4, 1, 3, 2), (10, 10, 10, 5, 20)
    center = waiting(FOUR, [Job(limit=limit, need=need) for need, limit in zip(needs, limits, strict=True)])
    assert taken(center) == [0, 2]
    assert booked(center) == [(1, 10), (3, 20), (4, 25)]
    changes.end(center, 2)
    assert taken(center, 4) == []
    assert booked(center) == [(1, 10), (3, 20), (4, 25)]
    # One that ends early lets all of them move.
    changes.end(center, 0)
    assert taken(center, 6) == [1]
    assert booked(center) == [(3, 16), (4, 21)]
    changes.end(center, 1)
    assert taken(center, 16) == [3]
    assert booked(center) == [(4, 21)]
    changes.end(center, 3)
    assert taken(center, 21) == [4]
