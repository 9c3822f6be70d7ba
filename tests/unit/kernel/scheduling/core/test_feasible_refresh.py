"""What is remembered of a shape: how far it has read the log, and what is judged anew on the nodes that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import count, is_dear, read_ahead, refresh, tasks_on, touch, weight
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WORST_FIT
from tests.unit.kernel.scheduling.core.center import Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, small

INFINITE = float("inf")


def note(center: t.Center, *nodes: int) -> None:
    for node in nodes:
        touch(center.nodes, center.shapes, center.log, center.sizes, node)


def test_a_change_is_the_newest_entry_of_the_log() -> None:
    center = small([Node(1)] * 3)
    assert center.nodes[:, t.LAST].tolist() == [-1, -1, -1]
    note(center, 2)
    assert (center.log[0], center.sizes[t.LOG_SIZE], center.sizes[t.CHANGES]) == (2, 1, 1)
    assert center.nodes[:, t.LAST].tolist() == [-1, -1, 0]
    note(center, 0, 2)
    assert center.log[:3].tolist() == [2, 0, 2]
    assert (center.sizes[t.LOG_SIZE], center.sizes[t.CHANGES]) == (3, 3)
    assert center.nodes[:, t.LAST].tolist() == [1, -1, 2]


def test_a_log_is_used_up_to_its_last_place_before_it_is_shortened() -> None:
    center = replace(small([Node(1)] * 2), log=np.zeros(3, dtype=np.int64))
    note(center, 0, 0, 0)
    assert (center.log.tolist(), center.sizes[t.LOG_SIZE]) == ([0, 0, 0], 3)
    note(center, 1)
    assert (center.log[:2].tolist(), center.sizes[t.LOG_SIZE], center.sizes[t.CHANGES]) == ([0, 1], 2, 4)
    assert center.nodes[:, t.LAST].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("entries", "left", "last", "seen"),
    [
        # Each node keeps its newest entry; who had read so many entries has read so many of those that are left.
        ([0, 1, 0, 2, 1], [0, 2, 1], [0, 2, 1, -1], [0, 0, 0, 1, 2, 3]),
        ([3, 3, 3, 3, 3], [3], [-1, -1, -1, 0], [0, 0, 0, 0, 0, 1]),
        ([0, 1, 2, 3, 0], [1, 2, 3, 0], [3, 0, 1, 2], [0, 0, 1, 2, 3, 4]),
        ([3, 2, 1, 0, 0], [3, 2, 1, 0], [3, 2, 1, 0], [0, 1, 2, 3, 3, 4]),
        ([0, 0, 0, 0, 1], [0, 1], [0, 1, -1, -1], [0, 0, 0, 0, 1, 2]),
    ],
)
def test_a_full_log_is_shortened_and_everybody_reads_on_where_they_were(
    entries: list[int], left: list[int], last: list[int], seen: list[int]
) -> None:
    for before, after in [(-1, -1), *enumerate(seen)]:
        center = small([Node(1)] * 4, shapes=[Shape(), Shape(2), Shape(3)])
        center = replace(center, log=np.zeros(5, dtype=np.int64))
        note(center, *entries)
        center.shapes[:, t.SEEN] = (before, -1, 5)
        center.sizes[[t.HEAD_SEEN, t.INDEX_SEEN]] = (before, -1)
        note(center, 1)
        assert center.sizes[t.LOG_SIZE] == len(left) + 1
        assert center.log[: len(left) + 1].tolist() == [*left, 1]
        assert center.nodes[:, t.LAST].tolist() == [last[0], len(left), *last[2:]]
        assert center.shapes[:, t.SEEN].tolist() == [after, -1, len(left)]
        assert center.sizes[[t.HEAD_SEEN, t.INDEX_SEEN]].tolist() == [after, -1]
        assert center.sizes[t.CHANGES] == 6


@pytest.mark.parametrize(("before", "after"), [(-1, -1), (0, 0), (1, 0), (2, 1), (3, 2)])
def test_the_index_reads_on_where_it_was_too(before: int, after: int) -> None:
    center = replace(small([Node(1)] * 3), log=np.zeros(3, dtype=np.int64))
    # Of these the first is forgotten.
    note(center, 2, 0, 2)
    center.sizes[[t.HEAD_SEEN, t.INDEX_SEEN]] = (3, before)
    note(center, 2)
    assert center.sizes[[t.HEAD_SEEN, t.INDEX_SEEN]].tolist() == [2, after]


@pytest.mark.parametrize(
    ("kinds", "seen", "size", "expected"),
    [
        (31, -1, 40, False),
        (32, -1, 40, True),
        (33, -1, 40, True),
        (32, -1, 0, True),
        (31, 0, 40, False),
        (32, 24, 40, False),
        (32, 23, 40, True),
        (33, 23, 40, True),
        (32, 40, 40, False),
        (32, 0, 16, False),
        (32, 0, 17, True),
        (31, 0, 17, False),
    ],
)
def test_a_shape_is_dear_where_many_ask_and_it_has_much_to_read(
    kinds: int, seen: int, size: int, expected: bool
) -> None:
    center = small([Node(1)], shapes=[Shape(), Shape(2)])
    center.sizes[[t.KINDS, t.LOG_SIZE]] = (kinds, size)
    center.shapes[:, t.SEEN] = (size if expected else -1, seen)
    assert is_dear(center, 1) is expected


@pytest.mark.parametrize(
    ("kinds", "seen", "read"),
    [
        # Twenty entries, of which entry n is of node n: what fails there first is told as n, of shape 1 as n + 20.
        (31, (19, 19), None),
        (32, (20, 20), 0),
        (32, (19, 20), 19),
        (32, (18, 20), 37),
        (32, (20, 19), 39),
        (32, (18, 19), 76),
        (32, (4, 20), sum(range(4, 20))),
        (32, (3, 20), 0),
        (32, (20, 3), 0),
        (32, (-1, 19), 39),
        (32, (-1, -1), 0),
        (33, (19, 18), 19 + 38 + 39),
    ],
)
def test_only_the_nodes_that_changed_just_now_are_read_ahead(
    kinds: int, seen: tuple[int, int], read: int | None
) -> None:
    center = small([Node(1)] * 20, shapes=[Shape(), Shape(2)])
    note(center, *range(20))
    center.sizes[t.KINDS] = kinds
    center.shapes[:, t.SEEN] = seen
    center.blocker[:] = [range(20), range(20, 40)]
    center.scratch[t.CANDIDATE, 0] = -7
    before = center.copied()
    read_ahead(center)
    assert center.scratch[t.CANDIDATE, 0] == (-7 if read is None else read)
    assert changed(before, center) <= {"scratch"}


@pytest.mark.parametrize(
    ("shape", "free", "before", "blocker", "tasks", "totals"),
    [
        # Of the second node, of the second engine, which has 10 without it.
        (Shape(2), 5, 0, t.NOBODY, 2, [7, 12]),
        (Shape(2), 5, 2, t.NOBODY, 2, [7, 10]),
        (Shape(2), 5, 9, t.NOBODY, 2, [7, 3]),
        (Shape(2), 1, 3, t.FAILS_CPU, 0, [7, 7]),
        (Shape(2), 1, 0, t.FAILS_CPU, 0, [7, 10]),
        (Shape(2, unit=2), 5, 0, t.NOBODY, 2, [7, 11]),
        (Shape(2, unit=2), 9, 2, t.NOBODY, 4, [7, 10]),
        (Shape(2, unit=2), 3, 2, t.FAILS_CPU, 1, [7, 9]),
        (Shape(2, unit=2), 3, 0, t.FAILS_CPU, 1, [7, 10]),
        (Shape(2, unit=2), 3, 1, t.FAILS_CPU, 1, [7, 10]),
    ],
)
def test_a_node_is_counted_as_it_is_now(
    shape: Shape, free: int, before: int, blocker: int, tasks: int, totals: list[int]
) -> None:
    center = small([Node(9), Node(9, engine=1)], shapes=[Shape(9), shape])
    center.nodes[1, t.FREE_CPU] = free
    center.tasks[:] = [[3, 4], [5, before]]
    center.total[:] = [[1, 2], [7, 10]]
    found = count(center.nodes, center.devices, center.shapes, center.tasks[1], center.total[1], 1, 1)
    assert found == blocker
    assert center.tasks.tolist() == [[3, 4], [5, tasks]]
    assert center.total.tolist() == [[1, 2], totals]


def mixed() -> t.Center:
    """Five nodes: of 4, 8 and 2 cpus, one not ready, and one of another engine."""
    nodes = [Node(4), Node(8), Node(2), Node(8, ready=False), Node(6, engine=1)]
    return small(nodes, shapes=[Shape(9, 0), Shape(3, 0)])


@pytest.mark.parametrize(
    ("policy", "scores"),
    [
        (FIRST_FIT, [0.0, 0.0, INFINITE, INFINITE, 0.0]),
        (BEST_FIT, [0.5 + 1, 1.0 + 1, INFINITE, INFINITE, 0.75 + 1]),
        (WORST_FIT, [-0.5 - 1, -1.0 - 1, INFINITE, INFINITE, -0.75 - 1]),
    ],
)
@pytest.mark.parametrize("garbage", [0, 7])
def test_the_first_look_judges_every_node(policy: int, scores: list[float], garbage: int) -> None:
    center = mixed()
    note(center, 1)
    if garbage:
        # What an earlier use of the row left there, the worst of it in what is told by sums.
        center.tasks[1], center.blocker[1], center.failing[1], center.total[1] = 7, t.FAILS_MEMORY, 7, 7
        center.score[1], center.lowest[1] = -7, -7
    before = center.copied()
    refresh(center, 1, policy)
    assert center.tasks[1].tolist() == [1, 2, 0, 0, 2]
    assert center.blocker[1].tolist() == [-1, -1, t.FAILS_CPU, t.FAILS_STATE, -1]
    assert center.total[1].tolist() == [3, 2]
    failing = [0] * t.FAILURES
    failing[t.FAILS_CPU] = failing[t.FAILS_STATE] = 1
    assert center.failing[1].tolist() == failing
    assert center.score[1].tolist() == scores
    assert center.lowest[1].tolist() == [min(scores)]
    assert center.shapes[1, t.SEEN] == 1
    for table in ("tasks", "blocker", "total", "failing", "score", "lowest", "shapes"):
        assert np.array_equal(getattr(before, table)[0], getattr(center, table)[0])
    assert changed(before, center) <= {"tasks", "blocker", "total", "failing", "score", "lowest", "shapes"}


def test_where_nothing_changed_nothing_is_judged() -> None:
    center = mixed()
    note(center, 0, 1)
    refresh(center, 1, BEST_FIT)
    center.nodes[:, t.FREE_CPU] = 0
    before = center.copied()
    refresh(center, 1, BEST_FIT)
    assert changed(before, center) == set()


def test_only_nodes_that_changed_are_judged_anew() -> None:
    center = mixed()
    refresh(center, 1, BEST_FIT)
    note(center, 4)
    refresh(center, 1, BEST_FIT)
    assert center.shapes[1, t.SEEN] == 1
    center.nodes[[0, 1], t.FREE_CPU] = (0, 3)
    note(center, 1)
    refresh(center, 1, BEST_FIT)
    # Of the first node nobody said that it changed.
    assert center.tasks[1].tolist() == [1, 1, 0, 0, 2]
    assert center.total[1].tolist() == [2, 2]
    assert center.shapes[1, t.SEEN] == 2
    note(center, 0, 0)
    refresh(center, 1, BEST_FIT)
    assert center.tasks[1].tolist() == [0, 1, 0, 0, 2]
    assert center.total[1].tolist() == [1, 2]
    assert center.shapes[1, t.SEEN] == 4


@pytest.mark.parametrize(
    ("cpu", "memory", "fails"),
    [(9, 9, t.NOBODY), (2, 9, t.FAILS_CPU), (9, 2, t.FAILS_MEMORY), (2, 2, t.FAILS_CPU), (3, 3, t.NOBODY)],
)
@pytest.mark.parametrize("former", [(9, 9), (2, 9), (9, 2), (3, 6)])
@pytest.mark.parametrize("unit", [0, 1, 2])
def test_what_fails_is_counted_whatever_it_was_before(
    cpu: int, memory: int, fails: int, former: tuple[int, int], unit: int
) -> None:
    center = small([Node(9, 9), Node(9, 9), Node(1, 1)], shapes=[Shape(3, 3, unit=unit)])
    center.nodes[1, [t.FREE_CPU, t.FREE_MEMORY]] = former
    refresh(center, 0, FIRST_FIT)
    center.nodes[1, [t.FREE_CPU, t.FREE_MEMORY]] = (cpu, memory)
    note(center, 1)
    refresh(center, 0, FIRST_FIT)
    expected = fails
    if unit == 2 and (cpu, memory) == (3, 3):
        expected = t.FAILS_CPU
    assert center.blocker[0].tolist() == [-1, expected, t.FAILS_CPU]
    counted = [0] * t.FAILURES
    for code in (expected, t.FAILS_CPU):
        counted[code] += int(code >= 0)
    assert center.failing[0].tolist() == counted
    tasks = min(cpu, memory) // 3
    assert center.tasks[0].tolist() == [3, tasks, 0]
    counts = {0: 3 + tasks, 1: 1 + (tasks >= 1), 2: 1 + (tasks >= 2)}
    assert center.total[0].tolist() == [counts[unit]]
    assert center.score[0].tolist() == [0.0, 0.0 if expected < 0 else INFINITE, INFINITE]


BIG = 2 * t.BLOCK + 3


def in_blocks() -> t.Center:
    """Three blocks of nodes, the last of three; node n has n + 1 of as many cpus as there are nodes free."""
    center = small([Node(BIG, 0)] * BIG, shapes=[Shape(1, 0)])
    center.nodes[:, t.FREE_CPU] = range(1, BIG + 1)
    refresh(center, 0, BEST_FIT)
    return center


def least(*cpus: float) -> list[float]:
    """As scores are remembered."""
    return [float(np.float32(one / BIG)) for one in cpus]


def test_the_least_score_of_each_block_is_known() -> None:
    center = in_blocks()
    assert center.lowest[0].tolist() == least(1, t.BLOCK + 1, 2 * t.BLOCK + 1)


@pytest.mark.parametrize(
    ("node", "cpus", "expected"),
    [
        # A node becomes the fullest of its block, stays so, or is so no more: then nobody knows which is.
        (t.BLOCK - 1, 1, (1, t.BLOCK + 1, 2 * t.BLOCK + 1)),
        (t.BLOCK, 5, (1, 5, 2 * t.BLOCK + 1)),
        (t.BLOCK + 9, 2, (1, 2, 2 * t.BLOCK + 1)),
        (2 * t.BLOCK - 1, 3, (1, 3, 2 * t.BLOCK + 1)),
        (2 * t.BLOCK, 3, (1, t.BLOCK + 1, 3)),
        (2 * t.BLOCK + 2, 4, (1, t.BLOCK + 1, 4)),
        (t.BLOCK + 9, 99, (1, t.BLOCK + 1, 2 * t.BLOCK + 1)),
        (0, 2, (-INFINITE, t.BLOCK + 1, 2 * t.BLOCK + 1)),
        (0, 0, (-INFINITE, t.BLOCK + 1, 2 * t.BLOCK + 1)),
        (t.BLOCK, BIG, (1, -INFINITE, 2 * t.BLOCK + 1)),
        (2 * t.BLOCK, BIG, (1, t.BLOCK + 1, -INFINITE)),
        (5, 0, (1, t.BLOCK + 1, 2 * t.BLOCK + 1)),
        (5, 6, (1, t.BLOCK + 1, 2 * t.BLOCK + 1)),
    ],
)
def test_the_least_of_a_block_follows_its_nodes_or_is_to_be_looked_up(
    node: int, cpus: int, expected: tuple[float, ...]
) -> None:
    center = in_blocks()
    center.nodes[node, t.FREE_CPU] = cpus
    note(center, node)
    refresh(center, 0, BEST_FIT)
    assert center.lowest[0].tolist() == [one if one < 0 else least(one)[0] for one in expected]
    assert center.score[0, node] == (least(cpus)[0] if cpus else INFINITE)


def test_a_least_that_is_to_be_looked_up_stays_so() -> None:
    center = in_blocks()
    for node, cpus in ((0, 50), (1, 60), (2, 1)):
        center.nodes[node, t.FREE_CPU] = cpus
        note(center, node)
        refresh(center, 0, BEST_FIT)
        assert center.lowest[0, 0] == -INFINITE


def check(center: t.Center, shape: int, seen: Sequence[int]) -> None:
    """What is remembered of nodes, those without changes since, is what a fresh look finds."""
    fresh = [tasks_on(center.nodes, center.devices, center.shapes, shape, node) for node in range(len(seen))]
    assert center.tasks[shape].tolist() == [fit for fit, _ in fresh]
    assert center.blocker[shape].tolist() == [blocker for _, blocker in fresh]
    for engine in range(center.total.shape[1]):
        of_engine = [fit for (fit, _), node in zip(fresh, seen, strict=True) if center.nodes[node, t.ENGINE] == engine]
        assert center.total[shape, engine] == sum(weight(center.shapes, shape, int(fit)) for fit in of_engine)
    blockers = [blocker for _, blocker in fresh]
    assert center.failing[shape].tolist() == [blockers.count(code) for code in range(t.FAILURES)]
    assert (center.score[shape] < INFINITE).tolist() == [blocker < 0 for blocker in blockers]


@given(seed=st.integers(0, 2**32), policy=st.sampled_from([FIRST_FIT, BEST_FIT, WORST_FIT]))
def test_whatever_changes_what_is_remembered_is_what_a_fresh_look_finds(seed: int, policy: int) -> None:
    chance = Random(seed)
    nodes = [Node(8, 8, ((0, True), (1, True)), engine=chance.randrange(2)) for _ in range(6)]
    types = frozenset({0})
    shapes = [Shape(3, 1), Shape(1, 3, unit=2), Shape(0, 1, 1, 400, types), Shape(1, 0, 1, types=types, alone=True)]
    center = small(nodes, shapes=shapes)
    for _ in range(8):
        for node in chance.sample(range(6), chance.randint(0, 3)):
            amounts = [chance.randint(-1, 8), chance.randint(-1, 8), chance.randint(0, 1), int(chance.random() < 0.2)]
            center.nodes[node, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]] = amounts
            center.nodes[node, t.READY] = int(chance.random() < 0.8)
            center.devices[node, :, t.FREE] = [chance.randint(0, 1000), chance.choice([0, 1000])]
            center.devices[node, 0, t.HEALTHY] = int(chance.random() < 0.8)
            note(center, node)
        for shape in chance.sample(range(4), 2):
            refresh(center, shape, policy)
            check(center, shape, range(6))
