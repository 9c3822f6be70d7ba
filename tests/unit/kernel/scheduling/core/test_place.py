"""All of a need onto as few and as fitting nodes as there are: tasks and scores by node, answers worked out by hand."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.place import choose, choose_now, choose_one, least_of
from tests.unit.kernel.scheduling.core.center import Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, chosen, small

INFINITE = float("inf")


def center_of(
    tasks: list[int],
    scores: list[float],
    unit: int = 0,
    engines: list[int] | None = None,
    switches: list[int] | None = None,
) -> t.Center:
    """Tasks that fit and the score, by node, of the second of two shapes."""
    rows = range(len(tasks))
    nodes = [Node(9, engine=engines[row] if engines else 0, switch=switches[row] if switches else 0) for row in rows]
    center = small(nodes, shapes=[Shape(9), Shape(1, unit=unit)])
    center.tasks[1], center.score[1] = tasks, scores
    return center


def choice(center: t.Center, need: int) -> list[tuple[int, int]]:
    """Nodes and tasks; nothing else may change."""
    before = center.copied()
    count = choose(center, 1, need, center.tasks[1], center.score[1])
    assert changed(before, center) <= {"scratch", "node_keys"}
    return chosen(center, count)


@pytest.mark.parametrize(
    ("tasks", "scores", "need", "expected"),
    [
        # One that holds all: the best scored, then the first.
        ([4], [7], 1, [(0, 1)]),
        ([4], [7], 4, [(0, 4)]),
        ([4, 4, 4], [3, 1, 2], 4, [(1, 4)]),
        ([4, 4, 4], [3, 1, 2], 1, [(1, 1)]),
        ([4, 4, 4], [1, 1, 1], 2, [(0, 2)]),
        ([4, 4, 4], [2, 1, 1], 2, [(1, 2)]),
        ([2, 4, 8], [0, 0, 0], 3, [(1, 3)]),
        ([2, 4, 8], [0, 2, 1], 3, [(2, 3)]),
        ([2, 4, 8], [0, 2, 1], 5, [(2, 5)]),
        ([2, 4, 8], [0, 2, 1], 8, [(2, 8)]),
        ([2, 4, 8], [0, 2, 1], 2, [(0, 2)]),
        ([0, 4, 8], [0, 2, 1], 1, [(2, 1)]),
        ([8, 8], [-1, -2], 5, [(1, 5)]),
        # More than one holds: the roomiest first, and of those that hold the rest the best scored.
        ([2, 4, 8], [0, 0, 0], 9, [(2, 8), (0, 1)]),
        ([2, 4, 8], [2, 1, 0], 9, [(2, 8), (1, 1)]),
        ([2, 4, 8], [0, 0, 0], 11, [(2, 8), (1, 3)]),
        ([2, 4, 8], [0, 0, 0], 12, [(2, 8), (1, 4)]),
        ([2, 4, 8], [0, 0, 0], 13, [(2, 8), (1, 4), (0, 1)]),
        ([2, 4, 8], [0, 0, 0], 14, [(2, 8), (1, 4), (0, 2)]),
        ([5, 5, 5, 5], [4, 3, 2, 1], 6, [(3, 5), (2, 1)]),
        ([5, 5, 5, 5], [4, 3, 2, 1], 15, [(3, 5), (2, 5), (1, 5)]),
        ([5, 5, 5, 5], [1, 1, 1, 1], 11, [(0, 5), (1, 5), (2, 1)]),
        ([5, 6, 5, 6], [4, 3, 2, 1], 7, [(3, 6), (2, 1)]),
        ([5, 6, 5, 6], [4, 3, 2, 1], 12, [(3, 6), (1, 6)]),
        ([5, 6, 5, 6], [4, 3, 2, 1], 17, [(3, 6), (1, 6), (2, 5)]),
        ([1, 3, 2, 3], [0, 9, 0, 8], 5, [(3, 3), (2, 2)]),
        ([1, 3, 2, 3], [0, 9, 0, 8], 4, [(3, 3), (0, 1)]),
        ([1, 3, 2, 3], [0, 9, 0, 8], 8, [(3, 3), (1, 3), (2, 2)]),
        ([1, 3, 2, 3], [0, 9, 0, 8], 9, [(3, 3), (1, 3), (2, 2), (0, 1)]),
        ([1, 1, 1], [3, 2, 1], 3, [(2, 1), (1, 1), (0, 1)]),
        ([1, 1, 1], [3, 2, 1], 2, [(2, 1), (1, 1)]),
        ([0, 1, 0, 1], [0, 2, 0, 1], 2, [(3, 1), (1, 1)]),
        ([7, 0, 0, 1], [5, 0, 0, 1], 8, [(0, 7), (3, 1)]),
    ],
)
def test_as_few_nodes_as_possible_and_the_best_scored_of_those(
    tasks: list[int], scores: list[float], need: int, expected: list[tuple[int, int]]
) -> None:
    assert choice(center_of(tasks, scores), need) == expected


@pytest.mark.parametrize(
    ("tasks", "scores", "unit", "need", "expected"),
    [
        ([2, 2, 2], [3, 1, 2], 2, 1, [1]),
        ([2, 2, 2], [3, 1, 2], 2, 2, [1, 2]),
        ([2, 2, 2], [3, 1, 2], 2, 3, [1, 2, 0]),
        ([2, 2, 2], [1, 1, 1], 2, 2, [0, 1]),
        ([2, 9, 5], [3, 2, 1], 2, 2, [2, 1]),
        ([1, 9, 5], [0, 2, 1], 2, 2, [2, 1]),
        ([1, 9, 5], [0, 2, 1], 2, 1, [2]),
        ([1, 2, 3], [0, 2, 1], 1, 3, [0, 2, 1]),
        ([4, 0, 4, 4], [0, -5, 0, -1], 3, 2, [3, 0]),
        ([9, 8, 7, 6], [1, 2, 2, 1], 1, 3, [0, 3, 1]),
    ],
)
def test_whole_nodes_are_taken_by_their_scores_alone(
    tasks: list[int], scores: list[float], unit: int, need: int, expected: list[int]
) -> None:
    assert choice(center_of(tasks, scores, unit), need) == [(node, unit) for node in expected]


@pytest.mark.parametrize(
    ("tasks", "engines", "unit", "need", "expected"),
    [
        # The engine that needs the fewest nodes, then the first.
        ([2, 2, 4], [0, 0, 1], 0, 4, [(2, 4)]),
        ([2, 2, 4], [0, 0, 1], 0, 2, [(0, 2)]),
        ([2, 2, 4], [0, 0, 1], 0, 3, [(2, 3)]),
        ([2, 2, 1], [1, 1, 0], 0, 4, [(0, 2), (1, 2)]),
        ([2, 2, 1], [1, 1, 0], 0, 1, [(2, 1)]),
        ([4, 4, 3, 3], [0, 1, 0, 1], 0, 7, [(0, 4), (2, 3)]),
        ([4, 4, 3, 4], [0, 1, 0, 1], 0, 8, [(1, 4), (3, 4)]),
        ([1, 1, 1, 9], [0, 0, 0, 2], 0, 3, [(3, 3)]),
        ([1, 1, 1, 9], [0, 0, 0, 2], 0, 10, []),
        ([2, 2, 2, 2], [0, 1, 1, 0], 2, 2, [(0, 2), (3, 2)]),
        ([1, 2, 2, 2], [0, 1, 1, 0], 2, 2, [(1, 2), (2, 2)]),
        ([0, 0, 3], [0, 1, 2], 0, 3, [(2, 3)]),
    ],
)
def test_of_engines_the_one_that_needs_the_fewest_nodes(
    tasks: list[int], engines: list[int], unit: int, need: int, expected: list[tuple[int, int]]
) -> None:
    if expected:
        assert choice(center_of(tasks, [0.0] * len(tasks), unit, engines), need) == expected


@pytest.mark.parametrize(
    ("tasks", "switches", "need", "expected"),
    [
        # One node that holds all has one switch whatever it is.
        ([4, 4, 2, 2], [0, 0, 1, 1], 4, [(0, 4)]),
        ([4, 4, 2, 2], [0, 0, 1, 1], 2, [(0, 2)]),
        # More than one: of one switch, the tightest that holds all.
        ([4, 4, 2, 2], [0, 0, 1, 1], 5, [(0, 4), (1, 1)]),
        ([4, 4, 2, 2], [0, 0, 1, 1], 8, [(0, 4), (1, 4)]),
        ([3, 3, 3, 4], [0, 0, 1, 1], 5, [(0, 3), (1, 2)]),
        ([3, 3, 3, 4], [0, 0, 1, 1], 6, [(0, 3), (1, 3)]),
        ([3, 3, 3, 4], [0, 0, 1, 1], 7, [(3, 4), (2, 3)]),
        ([4, 3, 3, 3], [0, 0, 1, 1], 5, [(2, 3), (3, 2)]),
        ([3, 4, 3, 3], [0, 1, 1, 0], 6, [(0, 3), (3, 3)]),
        ([3, 3, 3, 3], [1, 0, 0, 1], 5, [(0, 3), (3, 2)]),
        ([1, 1, 9, 1, 1, 1], [0, 0, 1, 1, 2, 2], 2, [(2, 2)]),
        ([1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 2], 2, [(3, 1), (4, 1)]),
        ([1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 2], 3, [(0, 1), (1, 1), (2, 1)]),
        # None holds all: the roomiest ones whole, and the tightest that holds the rest.
        ([1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 2], 4, [(5, 1), (0, 1), (1, 1), (2, 1)]),
        ([1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 2], 5, [(3, 1), (4, 1), (0, 1), (1, 1), (2, 1)]),
        ([1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 2], 6, [(5, 1), (0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]),
        ([4, 4, 2, 2], [0, 0, 1, 1], 9, [(2, 1), (0, 4), (1, 4)]),
        ([4, 4, 2, 2], [0, 0, 1, 1], 11, [(2, 2), (3, 1), (0, 4), (1, 4)]),
        ([2, 2, 4, 4], [0, 0, 1, 1], 9, [(0, 1), (2, 4), (3, 4)]),
        ([2, 4, 2, 4], [0, 1, 0, 1], 9, [(0, 1), (1, 4), (3, 4)]),
        ([0, 4, 0, 4], [0, 1, 0, 2], 8, [(3, 4), (1, 4)]),
    ],
)
def test_of_switches_as_few_as_possible_and_the_tightest(
    tasks: list[int], switches: list[int], need: int, expected: list[tuple[int, int]]
) -> None:
    found = choice(center_of(tasks, [0.0] * len(tasks), switches=switches), need)
    assert sorted(found) == sorted(expected)
    assert sum(count for _, count in found) == need


@pytest.mark.parametrize(
    ("tasks", "switches", "scores", "need", "expected"),
    [
        ([2, 2, 2, 2, 2], [0, 0, 0, 1, 1], [0, 0, 0, 9, 9], 2, [3, 4]),
        ([2, 2, 2, 2, 2], [0, 0, 0, 1, 1], [3, 2, 1, 9, 9], 3, [0, 1, 2]),
        ([2, 2, 2, 1, 2], [0, 0, 0, 1, 1], [3, 2, 1, 0, 0], 2, [1, 2]),
        ([2, 2, 2, 2, 2], [0, 0, 0, 1, 1], [3, 2, 1, 9, 8], 4, [0, 1, 2, 4]),
        ([2, 2, 2, 2, 2], [0, 0, 0, 1, 1], [3, 2, 1, 9, 8], 5, [0, 1, 2, 3, 4]),
        ([2, 2, 2, 2, 2], [0, 0, 0, 1, 1], [3, 2, 1, 9, 8], 1, [2]),
    ],
)
def test_whole_nodes_are_near_each_other_too(
    tasks: list[int], switches: list[int], scores: list[float], need: int, expected: list[int]
) -> None:
    found = choice(center_of(tasks, scores, 2, switches=switches), need)
    assert sorted(found) == [(node, 2) for node in expected]


@given(seed=st.integers(0, 2**32))
def test_the_need_is_met_by_as_few_nodes_as_can_hold_it(seed: int) -> None:
    chance = Random(seed)
    count = chance.randint(1, 12)
    tasks = [chance.choice([0, 1, 2, 3, chance.randint(0, 9)]) for _ in range(count)]
    scores = [float(chance.randint(-2, 2)) for _ in range(count)]
    if sum(tasks) == 0:
        return
    need = chance.randint(1, sum(tasks))
    found = choice(center_of(tasks, scores), need)
    roomiest, fewest = sorted(tasks, reverse=True), 1
    while sum(roomiest[:fewest]) < need:
        fewest += 1
    assert len(found) == len({node for node, _ in found}) == fewest
    assert sum(held for _, held in found) == need
    assert all(0 < held <= tasks[node] for node, held in found)
    # All but the last are the roomiest, by score, and full; the last is the best of those that hold the rest.
    order = sorted(range(count), key=lambda node: (-tasks[node], scores[node], node))
    assert found[:-1] == [(node, tasks[node]) for node in order[: fewest - 1]]
    node, rest = found[-1]
    others = [one for one in range(count) if tasks[one] >= rest and one not in order[: fewest - 1]]
    assert node == min(others, key=lambda one: (scores[one], one))


@given(seed=st.integers(0, 2**32))
def test_as_few_switches_are_taken_as_can_hold_the_need(seed: int) -> None:
    chance = Random(seed)
    count, unit = chance.randint(1, 10), chance.choice([0, 0, 2])
    tasks = [chance.randint(0, 4) for _ in range(count)]
    switches = [chance.randint(0, min(3, count - 1)) for _ in range(count)]
    counted = [int(one >= unit) if unit else one for one in tasks]
    if sum(counted) == 0:
        return
    need = chance.randint(1, sum(counted))
    center = center_of(tasks, [float(chance.randint(0, 2)) for _ in range(count)], unit, switches=switches)
    found = choice(center, need)
    assert len({node for node, _ in found}) == len(found)
    if unit:
        assert len(found) == need
        assert all(held == unit <= tasks[node] for node, held in found)
    else:
        assert sum(held for _, held in found) == need
        assert all(0 < held <= tasks[node] for node, held in found)
    if len(found) == 1:
        return
    rooms = [sum(one for one, at in zip(counted, switches, strict=True) if at == switch) for switch in range(4)]
    used = {switches[node] for node, _ in found}
    fewest, roomiest = 1, sorted(rooms, reverse=True)
    while sum(roomiest[:fewest]) < need:
        fewest += 1
    assert len(used) == fewest
    if fewest == 1:
        assert rooms[used.pop()] == min(room for room in rooms if room >= need)


@pytest.mark.parametrize(("unit", "expected"), [(0, 1), (1, 1), (2, 2), (5, 5)])
def test_one_node_gets_one_task_or_a_whole_unit(unit: int, expected: int) -> None:
    center = center_of([9, 9, 9], [0, 0, 0], unit)
    assert choose_one(center, 1, 2) == 1
    assert chosen(center, 1) == [(2, expected)]


B = t.BLOCK


@pytest.mark.parametrize(
    ("scores", "lowest", "expected"),
    [
        # Three blocks, the last of three nodes; by node a score other than nine.
        ({5: 1}, [1, 9, 9], 5),
        ({5: 1, 7: 1}, [1, 9, 9], 5),
        ({5: 1, B: 1}, [1, 1, 9], 5),
        ({0: 1}, [1, 9, 9], 0),
        ({B - 1: 1}, [1, 9, 9], B - 1),
        ({B: 1}, [9, 1, 9], B),
        ({2 * B - 1: 1}, [9, 1, 9], 2 * B - 1),
        ({2 * B: 1}, [9, 9, 1], 2 * B),
        ({2 * B + 2: 1}, [9, 9, 1], 2 * B + 2),
        ({}, [9, 9, 9], 0),
        ({B + 3: -4, 2 * B: -5}, [9, -4, -5], 2 * B),
        # A least that nobody knows is looked up.
        ({5: 1}, [-INFINITE, 9, 9], 5),
        ({5: 2, B + 1: 1}, [2, -INFINITE, 9], B + 1),
        ({5: 1, B + 1: 2}, [1, -INFINITE, 9], 5),
        ({2 * B + 1: 1}, [-INFINITE, -INFINITE, -INFINITE], 2 * B + 1),
        ({3: INFINITE, 4: INFINITE}, [9, 9, 9], 0),
    ],
)
def test_a_need_of_one_gets_the_best_scored_node_of_all_blocks(
    scores: dict[int, float], lowest: list[float], expected: int
) -> None:
    count = 2 * B + 3
    center = center_of([1] * count, [scores.get(node, 9.0) for node in range(count)])
    center.lowest[1] = lowest
    assert choose_now(center, 1, 1) == 1
    assert chosen(center, 1) == [(expected, 1)]
    blocks = [center.score[1, :B], center.score[1, B : 2 * B], center.score[1, 2 * B :]]
    assert center.lowest[1].tolist() == [float(block.min()) for block in blocks]


def test_a_need_of_several_is_chosen_by_what_is_remembered() -> None:
    center = center_of([4, 4, 2], [3, 1, 2])
    center.lowest[1] = 77
    assert choose_now(center, 1, 2) == 1
    assert chosen(center, 1) == [(1, 2)]
    assert choose_now(center, 1, 9) == 3
    assert chosen(center, 3) == [(1, 4), (0, 4), (2, 1)]


@pytest.mark.parametrize(("block", "size"), [(0, B), (1, B), (2, 1)])
def test_a_least_is_looked_up_once(block: int, size: int) -> None:
    scores = np.full(2 * B + 1, 5, dtype=np.float32)
    lowest = np.full(3, -np.inf, dtype=np.float32)
    scores[block * B + size - 1] = 3
    assert least_of(lowest, scores, block) == 3
    assert lowest[block] == 3
    assert np.count_nonzero(np.isinf(lowest)) == 2
    scores[:] = 1
    assert least_of(lowest, scores, block) == 3
