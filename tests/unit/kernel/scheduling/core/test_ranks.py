"""The queue behind the head in another order, without those that started, and with them again."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.ranks import behind, close_ranks, open_ranks
from tests.unit.kernel.scheduling.core.center import Job, Node
from tests.unit.kernel.scheduling.core.small import small

COUNT = 24


@compiled
def sort_behind(center: t.Center, place: int) -> None:
    """Compiled, for Python may not have the rows of tables that it answers with."""
    behind(center, place)


@compiled
def length_behind(center: t.Center, place: int) -> tuple[int, int]:
    queue, kind_of = behind(center, place)
    return queue.size, kind_of.size


def waiting(limits: list[int], first: int = 0) -> t.Center:
    """Jobs wait in the order of their rows, of three kinds, from a place of the queue's row on."""
    size = len(limits)
    center = small([Node(1)], [Job(limit=limit) for limit in limits] + [Job()] * 3)
    center.lists[t.WAITING, first : first + size] = range(size)
    center.jobs[:, t.KIND] = np.arange(size + 3) % 3
    center.lists[t.KIND_OF, first : first + size] = center.jobs[:size, t.KIND]
    center.kinds[:3, t.WAITING_OF] = [len(range(kind, size, 3)) for kind in range(3)]
    center.sizes[[t.FIRST, t.WAITING_SIZE, t.KINDS]] = (first, size, min(size, 3))
    return center


def queue(center: t.Center) -> list[int]:
    found = t.queued(center).tolist()
    first = center.sizes[t.FIRST]
    assert center.lists[t.KIND_OF, first : first + len(found)].tolist() == center.jobs[found, t.KIND].tolist()
    counts = [sum(int(center.jobs[job, t.KIND]) == kind for job in found) for kind in range(3)]
    assert center.kinds[:3, t.WAITING_OF].tolist() == counts
    assert center.sizes[t.KINDS] == sum(one > 0 for one in counts)
    return [int(job) for job in found]


@pytest.mark.parametrize(
    ("limits", "place", "expected"),
    [
        ([5, 4, 3, 2, 1], 0, [4, 3, 2, 1, 0]),
        ([5, 4, 3, 2, 1], 2, [4, 3, 2]),
        ([5, 4, 3, 2, 1], 4, [4]),
        ([5, 4, 3, 2, 1], 5, []),
        ([9, 2, 1, 2, 1], 1, [2, 4, 1, 3]),
        ([1, 1, 1, 1], 0, [0, 1, 2, 3]),
        ([7, t.NEVER, 3, t.NEVER, 3], 0, [2, 4, 0, 1, 3]),
    ],
)
def test_who_is_behind_a_place_stands_by_its_limit(limits: list[int], place: int, expected: list[int]) -> None:
    center = waiting(limits)
    sort_behind(center, place)
    assert center.lists[t.BEHIND, place : len(limits)].tolist() == expected
    assert center.lists[t.KIND_BEHIND, place : len(limits)].tolist() == center.jobs[expected, t.KIND].tolist()
    assert queue(center) == list(range(len(limits)))


@pytest.mark.parametrize("first", [0, 3])
@pytest.mark.parametrize(
    ("size", "left"),
    [
        (1, [0]),
        (3, [0]),
        (3, [1]),
        (3, [2]),
        (3, [0, 1, 2]),
        (8, [0, 3, 7]),
        (9, [0, 1, 2, 3, 4, 5, 6, 7]),
        (9, [1, 2, 3, 4, 5, 6, 7, 8]),
        # More than are taken out one after the other.
        (9, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (20, [0, 2, 4, 6, 8, 10, 12, 14, 16]),
        (20, [1, 3, 5, 7, 9, 11, 13, 15, 19]),
        (20, [11, 12, 13, 14, 15, 16, 17, 18, 19]),
        (20, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ],
)
def test_ranks_close_behind_those_that_started_and_open_for_them_again(size: int, left: list[int], first: int) -> None:
    center = waiting([9] * size, first)
    center.lists[t.LEFT, : len(left)] = left
    close_ranks(center, len(left), False)
    assert queue(center) == [job for job in range(size) if job not in left]
    assert center.lists[t.BEHIND, : len(left)].tolist() == left
    open_ranks(center, len(left))
    assert queue(center) == list(range(size))


@pytest.mark.parametrize("started", [[2], [0, 5, 3], [4, 1], [8, 7, 6, 5, 4, 3, 2, 1, 0]])
def test_in_another_order_those_that_hold_something_are_found(started: list[int]) -> None:
    center = waiting([9] * 10)
    center.jobs[started, t.HOLD] = 0
    center.lists[t.LEFT, : len(started)] = 99
    close_ranks(center, len(started), True)
    assert queue(center) == [job for job in range(10) if job not in started]
    assert center.lists[t.LEFT, : len(started)].tolist() == sorted(started)


@given(seed=st.integers(0, 2**32))
def test_whoever_starts_the_others_keep_their_order(seed: int) -> None:
    chance = Random(seed)
    size = chance.randint(1, COUNT)
    center = waiting([chance.randint(1, 5) for _ in range(size)])
    for _ in range(4):
        before = queue(center)
        count = chance.randint(0, len(before))
        places = sorted(chance.sample(range(len(before)), count))
        center.lists[t.LEFT, :count] = places
        center.jobs[:, t.HOLD] = t.NOBODY
        center.jobs[[before[place] for place in places], t.HOLD] = 3
        close_ranks(center, count, chance.random() < 0.5)
        assert queue(center) == [job for place, job in enumerate(before) if place not in places]
        if chance.random() < 0.7:
            open_ranks(center, count)
            assert queue(center) == before


@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize("first", [0, 2])
def test_what_is_behind_ends_where_the_queue_does(first: int, place: int) -> None:
    assert length_behind(waiting([3, 2, 1], first), place) == (3, 3)
