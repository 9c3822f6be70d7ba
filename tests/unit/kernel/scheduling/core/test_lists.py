"""Who waits and who runs, in order: places worked out by hand, and lists in plain Python."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import lists
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.lists import sort_by
from tests.unit.kernel.scheduling.core.center import Job, Node
from tests.unit.kernel.scheduling.core.small import changed, running, small

NEVER = t.NEVER


def queue_of(*jobs: int, first: int = 0, count: int = 8) -> t.Center:
    """A queue that begins at a place of its row; the kind of each job is ten times its number."""
    center = small([Node(1)], [Job() for _ in range(count)])
    center.jobs[:, t.KIND] = range(count)
    center.lists[t.WAITING, first : first + len(jobs)] = jobs
    center.lists[t.KIND_OF, first : first + len(jobs)] = jobs
    center.sizes[[t.FIRST, t.WAITING_SIZE]] = (first, len(jobs))
    return center


def told(center: t.Center) -> list[int]:
    """Who waits, which must be of the kinds that are told beside it."""
    first, size = center.sizes[[t.FIRST, t.WAITING_SIZE]].tolist()
    queue, kinds = center.lists[[t.WAITING, t.KIND_OF], first : first + size].tolist()
    assert kinds == center.jobs[queue, t.KIND].tolist()
    return list(queue)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        # By job, its keys, the most significant first; equal ones go by their rows.
        ([(0, 0, 0), (0, 0, 0), (0, 0, 0)], [0, 1, 2]),
        ([(2, 0, 0), (1, 0, 0), (0, 0, 0)], [2, 1, 0]),
        ([(0, 2, 0), (0, 1, 0), (0, 0, 0)], [2, 1, 0]),
        ([(0, 0, 2), (0, 0, 1), (0, 0, 0)], [2, 1, 0]),
        ([(1, 0, 0), (0, 9, 9), (0, 9, 8)], [2, 1, 0]),
        ([(0, 1, 0), (0, 0, 9), (1, -9, 0)], [1, 0, 2]),
        ([(0, 0, 1), (0, 0, 1), (0, 0, 0)], [2, 0, 1]),
        ([(-1, 0, 0), (-2, 0, 0), (0.5, 0, 0)], [1, 0, 2]),
        ([(0.25, 0, 0), (0.125, 5, 5), (0.25, 0, -1)], [1, 2, 0]),
    ],
)
def test_the_queue_is_in_the_order_of_its_keys(keys: list[tuple[float, ...]], expected: list[int]) -> None:
    for arriving in ([0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]):
        center = small([Node(1)], [Job() for _ in keys])
        center.keys[:] = np.array(keys).T
        for job in arriving:
            lists.enqueue(center, job)
        assert told(center) == expected
        assert center.sizes[t.KINDS] == 3
        assert center.kinds[:, t.WAITING_OF].tolist() == [1, 1, 1]
        for job in arriving:
            lists.dequeue(center, job)
            expected_now = [one for one in expected if one in told(center)]
            assert told(center) == expected_now
            assert job not in told(center)
        assert center.sizes[t.KINDS] == 0
        assert center.kinds[:, t.WAITING_OF].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("first", "place", "row", "begins"),
    [
        # Four wait in a row of eight; the shorter part moves, where there is room for it.
        (0, 0, [7, 1, 2, 3, 4], 0),
        (0, 2, [1, 2, 7, 3, 4], 0),
        (0, 4, [1, 2, 3, 4, 7], 0),
        (2, 0, [7, 1, 2, 3, 4], 1),
        (2, 1, [1, 7, 2, 3, 4], 1),
        (2, 2, [1, 2, 7, 3, 4], 2),
        (2, 3, [1, 2, 3, 7, 4], 2),
        (2, 4, [1, 2, 3, 4, 7], 2),
        (4, 0, [7, 1, 2, 3, 4], 3),
        (4, 3, [1, 2, 3, 7, 4], 3),
        (4, 4, [1, 2, 3, 4, 7], 3),
        (1, 1, [1, 7, 2, 3, 4], 0),
        (3, 4, [1, 2, 3, 4, 7], 3),
    ],
)
def test_a_job_is_put_in_where_the_fewer_move(first: int, place: int, row: list[int], begins: int) -> None:
    center = queue_of(1, 2, 3, 4, first=first)
    before = center.copied()
    lists.put_in(center, place, 7)
    assert told(center) == row
    assert center.sizes[[t.FIRST, t.WAITING_SIZE]].tolist() == [begins, 5]
    assert changed(before, center) == {"lists", "sizes"}


@pytest.mark.parametrize(
    ("place", "row", "begins"),
    [(0, [2, 3, 4, 5], 3), (1, [1, 3, 4, 5], 3), (2, [1, 2, 4, 5], 3), (3, [1, 2, 3, 5], 2), (4, [1, 2, 3, 4], 2)],
)
def test_a_job_is_taken_out_and_the_fewer_move(place: int, row: list[int], begins: int) -> None:
    center = queue_of(1, 2, 3, 4, 5, first=2)
    before = center.copied()
    lists.take_out(center, place)
    assert told(center) == row
    assert center.sizes[[t.FIRST, t.WAITING_SIZE]].tolist() == [begins, 4]
    assert changed(before, center) <= {"lists", "sizes"}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        # By job from 1 on; equal ones keep the order of jobs.
        ([1, 2, 3, 4], [1, 2, 3, 4]),
        ([4, 3, 2, 1], [4, 3, 2, 1]),
        ([2, 1, 2, 1], [2, 4, 1, 3]),
        ([0, 0, 0, 0], [1, 2, 3, 4]),
        ([0.5, -0.5, 0.25, -0.5], [2, 4, 3, 1]),
    ],
)
def test_a_queue_whose_first_keys_changed_is_sorted_anew(keys: list[float], expected: list[int]) -> None:
    for waits in ([1, 2, 3, 4], [4, 1, 3, 2]):
        center = queue_of(*waits, first=2)
        center.keys[0, 1:5] = keys
        lists.sort_waiting(center)
        assert told(center) == expected


def test_the_only_job_leaves_an_empty_queue() -> None:
    for first in (0, 3, 7):
        center = queue_of(5, first=first)
        lists.take_out(center, 0)
        assert told(center) == []
        lists.put_in(center, 0, 6)
        assert told(center) == [6]


@pytest.mark.parametrize(
    ("kinds", "waits", "expected"),
    [([0, 0, 0], 3, 1), ([0, 1, 2], 3, 3), ([2, 2, 1], 3, 2), ([1, 1, 1], 1, 1), ([0, 1, 0], 2, 2)],
)
def test_kinds_that_wait_are_counted(kinds: list[int], waits: int, expected: int) -> None:
    center = small([Node(1)], [Job() for _ in kinds])
    center.jobs[:, t.KIND] = kinds
    for job in range(waits):
        lists.count_waiting(center, job, 1)
    assert center.sizes[t.KINDS] == expected
    assert center.kinds[:, t.WAITING_OF].tolist() == [kinds[:waits].count(kind) for kind in range(3)]
    for job in range(waits):
        lists.count_waiting(center, job, -1)
    assert center.sizes[t.KINDS] == 0
    assert center.kinds[:, t.WAITING_OF].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([5], [0]),
        ([5, 4], [1, 0]),
        ([4, 5], [0, 1]),
        ([5, 5], [0, 1]),
        ([9, 5, 5, 1], [3, 1, 2, 0]),
        ([NEVER, 5, NEVER, t.LEAVES], [3, 1, 0, 2]),
        ([3, 3, 3, 3], [0, 1, 2, 3]),
        ([4, 3, 2, 1, 0], [4, 3, 2, 1, 0]),
    ],
)
def test_who_runs_stands_in_the_order_of_its_end(ends: list[int], expected: list[int]) -> None:
    for arriving in (list(range(len(ends))), list(reversed(range(len(ends))))):
        center = small([Node(1)], [Job(preemptible=job % 2 == 1) for job in range(len(ends))])
        center.jobs[:, t.END] = ends
        for job in arriving:
            lists.start(center, job)
        assert running(center) == expected
        assert center.sizes[t.PREEMPTIBLES] == len(ends) // 2
        left = list(expected)
        for job in arriving:
            lists.end(center, job)
            left.remove(job)
            assert running(center) == left
            assert center.sizes[t.PREEMPTIBLES] == sum(one % 2 for one in left)


@pytest.mark.parametrize("count", [0, 1, 2, 8, 9, 10, 20])
@pytest.mark.parametrize("before", [0, 1, 5])
def test_many_start_as_if_one_after_the_other(count: int, before: int) -> None:
    chance = Random(count * 10 + before)
    jobs = [Job(preemptible=chance.random() < 0.5) for _ in range(count + before)]
    ends = [chance.choice([1, 2, 3, 3, NEVER]) for _ in jobs]
    one, many = (small([Node(1)], jobs or [Job()]) for _ in range(2))
    for center in (one, many):
        center.jobs[: len(ends), t.END] = ends
        for job in range(before):
            lists.start(center, job)
    started = np.array(chance.sample(range(before, before + count), count), dtype=np.int64)
    for job in started:
        lists.start(one, int(job))
    lists.start_all(many, started)
    assert running(many) == running(one) == sorted(range(count + before), key=lambda job: (ends[job], job))
    assert many.sizes[t.PREEMPTIBLES] == one.sizes[t.PREEMPTIBLES]


@pytest.mark.parametrize(
    ("keys", "wanted", "expected"),
    [
        # Entries are ten times their places. Few keys, many, and already in order.
        ([1, 2, 3], 3, [0, 10, 20]),
        ([3, 2, 1], 3, [20, 10, 0]),
        ([2, 1, 2, 1], 4, [10, 30, 0, 20]),
        ([2, 1, 2, 1], 2, [10, 30, 0, 20]),
        ([1, 1, 1], 3, [0, 10, 20]),
        ([5, 4, 3, 2, 1, 0], 6, [50, 40, 30, 20, 10, 0]),
        ([5, 4, 3, 2, 1, 0, 5], 7, [50, 40, 30, 20, 10, 0, 60]),
        ([0, 9, 0, -1], 4, [30, 0, 20, 10]),
        ([-0.5, -1.5, 2.5, -1.5], 4, [10, 30, 0, 20]),
        ([7], 1, [0]),
        ([], 0, []),
    ],
)
def test_entries_are_sorted_by_their_keys_and_equal_ones_stay(
    keys: list[float], wanted: int, expected: list[int]
) -> None:
    entries = np.arange(0, 10 * len(keys), 10, dtype=np.int64)
    sort_by(entries, np.array(keys, dtype=np.float64), wanted)
    assert entries.tolist() == expected


@given(seed=st.integers(0, 2**32))
def test_as_many_are_right_as_are_wanted_and_none_is_lost(seed: int) -> None:
    chance = Random(seed)
    count, variety = chance.randint(0, 40), chance.choice([1, 2, 4, 5, 40])
    keys = [float(chance.randint(0, variety)) for _ in range(count)]
    entries = np.array(chance.sample(range(100), count), dtype=np.int64)
    wanted = chance.randint(0, count)
    expected = [int(entries[place]) for place in sorted(range(count), key=lambda place: keys[place])]
    known = sorted(entries.tolist())
    sort_by(entries, np.array(keys), wanted)
    assert entries[:wanted].tolist() == expected[:wanted]
    assert sorted(entries.tolist()) == known


@given(seed=st.integers(0, 2**32))
def test_whoever_starts_and_ends_those_that_run_are_in_order(seed: int) -> None:
    chance = Random(seed)
    center = small([Node(1)], [Job(preemptible=chance.random() < 0.3) for _ in range(25)])
    center.jobs[:, t.END] = [chance.choice([1, 2, 3, NEVER, t.LEAVES]) for _ in range(25)]
    there: list[int] = []
    for _ in range(30):
        idle = [job for job in range(25) if job not in there]
        if there and chance.random() < 0.5:
            job = chance.choice(there)
            lists.end(center, job)
            there.remove(job)
        else:
            started = chance.sample(idle, min(len(idle), chance.choice([1, 3, 12])))
            lists.start_all(center, np.array(started, dtype=np.int64))
            there += started
        assert running(center) == sorted(there, key=lambda job: (center.jobs[job, t.END], job))
        assert center.sizes[t.PREEMPTIBLES] == sum(int(center.jobs[job, t.PREEMPTIBLE]) for job in there)
