"""What may start beside the head's reservation for however long, and on which nodes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh, touch
from suanli.kernel.scheduling.core.reserve import choose_beside, startable_beside
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, chosen, small

ONE = frozenset({0})
INFINITE = float("inf")


def beside(nodes: list[Node], shape: Shape, both: Mapping[int, int], now: Mapping[int, int] | None = None) -> t.Center:
    """Nodes of which some are kept: cpus of these that are free beside the reservation, and of any now."""
    center = small(nodes, shapes=[Shape(99), shape])
    for node, cpus in (now or {}).items():
        center.nodes[node, t.FREE_CPU] = cpus
    refresh(center, 1, BEST_FIT)
    # Of others than the kept ones it is not told what is free beside.
    center.both_devices[:] = center.devices
    for place, (node, cpus) in enumerate(both.items()):
        center.both_nodes[node] = center.nodes[node]
        center.both_nodes[node, t.FREE_CPU] = cpus
        center.nodes[node, t.IS_KEPT] = 1
        center.scratch[t.KEPT, place] = node
    center.sizes[[t.KEPT_SIZE, t.TURN]] = (len(both), 1)
    return center


FOUR = [Node(4), Node(4), Node(4)]
TWO_ENGINES = [Node(4), Node(4, engine=1), Node(4), Node(4, engine=1)]


@pytest.mark.parametrize(
    ("nodes", "shape", "both", "most"),
    [
        # By kept node, the cpus that are free beside the reservation; and the largest need that may start.
        (FOUR, Shape(1), {}, 12),
        (FOUR, Shape(1), {0: 0}, 8),
        (FOUR, Shape(1), {0: 3}, 11),
        (FOUR, Shape(1), {0: 4}, 12),
        (FOUR, Shape(1), {0: 1, 2: 2}, 7),
        (FOUR, Shape(1), {0: 0, 1: 0, 2: 0}, 0),
        (FOUR, Shape(1), {2: -3, 1: 1}, 5),
        (FOUR, Shape(2), {0: 1}, 4),
        (FOUR, Shape(2), {0: 3}, 5),
        (FOUR, Shape(2, unit=2), {0: 3}, 2),
        (FOUR, Shape(2, unit=2), {0: 4}, 3),
        (FOUR, Shape(2, unit=2), {0: 0, 1: 2}, 1),
        (FOUR, Shape(1, most=2), {0: 1}, 5),
        (FOUR, Shape(1, most=2), {0: 3}, 6),
        # Of two engines the better one alone.
        (TWO_ENGINES, Shape(1), {}, 8),
        (TWO_ENGINES, Shape(1), {0: 0}, 8),
        (TWO_ENGINES, Shape(1), {1: 0}, 8),
        (TWO_ENGINES, Shape(1), {0: 0, 1: 1}, 5),
        (TWO_ENGINES, Shape(1), {0: 2, 1: 1, 2: 1}, 5),
        (TWO_ENGINES, Shape(1), {0: 2, 1: 1, 2: 3}, 5),
        (TWO_ENGINES, Shape(1), {0: 2, 1: 0, 2: 3}, 5),
    ],
)
def test_what_is_kept_is_not_counted(nodes: list[Node], shape: Shape, both: dict[int, int], most: int) -> None:
    for need in range(1, 14):
        center = beside(nodes, shape, both)
        assert startable_beside(center, 1, need) is (need <= most)
        # Asked once more in the same turn it remembers.
        assert startable_beside(center, 1, need) is (need <= most)
        assert startable_beside(center, 1, most + 1) is False


def test_what_was_counted_holds_until_a_node_changes_or_the_turn_is_over() -> None:
    center = beside(FOUR, Shape(1), {0: 1})
    assert startable_beside(center, 1, 9) is True
    assert center.shapes[1, [t.BESIDE_TURN, t.BESIDE_SEEN]].tolist() == [1, 0]
    center.both_nodes[0, t.FREE_CPU] = 0
    before = center.copied()
    assert startable_beside(center, 1, 9) is True
    assert changed(before, center) == set()
    touch(center.nodes, center.shapes, center.log, center.sizes, 0)
    assert startable_beside(center, 1, 9) is False
    assert center.shapes[1, [t.BESIDE_TURN, t.BESIDE_SEEN]].tolist() == [1, 1]
    center.both_nodes[0, t.FREE_CPU] = 2
    assert startable_beside(center, 1, 9) is False
    center.sizes[t.TURN] = 2
    assert startable_beside(center, 1, 10) is True
    assert startable_beside(center, 1, 11) is False
    assert center.shapes[1, [t.BESIDE_TURN, t.BESIDE_SEEN]].tolist() == [2, 1]


def test_counting_changes_nothing_else() -> None:
    center = beside(FOUR, Shape(1), {0: 1, 1: 2})
    before = center.copied()
    startable_beside(center, 1, 9)
    assert changed(before, center) == {"beside", "shapes"}
    assert center.beside.tolist() == [[0], [7]]
    assert center.total.tolist() == before.total.tolist()


@pytest.mark.parametrize(
    ("now", "both", "expected"),
    [
        # The best scored has the fewest cpus free; kept ones must have room beside the reservation too.
        ({0: 4, 1: 3, 2: 2}, {}, 2),
        ({0: 4, 1: 3, 2: 2}, {2: 2}, 2),
        ({0: 4, 1: 3, 2: 2}, {2: 1}, 1),
        ({0: 4, 1: 3, 2: 2}, {2: 1, 1: 2}, 1),
        ({0: 4, 1: 3, 2: 2}, {2: 1, 1: 1}, 0),
        ({0: 4, 1: 3, 2: 2}, {2: 0, 1: 0, 0: 3}, 0),
        ({0: 3, 1: 3, 2: 3}, {}, 0),
        ({0: 3, 1: 3, 2: 3}, {0: 0}, 1),
        ({0: 3, 1: 3, 2: 3}, {0: 2}, 0),
        ({0: 1, 1: 3, 2: 3}, {0: 1}, 1),
        ({0: 2, 1: 1, 2: 3}, {0: 2}, 0),
        ({0: 4, 1: 4, 2: 4}, {0: 4}, 0),
        ({0: 4, 1: 4, 2: 4}, {0: 1, 1: 4}, 1),
    ],
)
@pytest.mark.parametrize("unit", [0, 1])
def test_one_node_is_chosen_by_its_score_as_it_is_now(
    now: dict[int, int], both: dict[int, int], expected: int, unit: int
) -> None:
    center = beside(FOUR, Shape(2, unit=unit), both, now)
    assert choose_beside(center, 1, 1) == 1
    assert chosen(center, 1) == [(expected, 1)]


def test_for_one_node_it_is_not_counted_what_fits_on_every_other() -> None:
    for nodes, need, is_counted in ((FOUR, 1, False), (FOUR, 2, True), (TWO_ENGINES, 1, True)):
        center = beside(nodes, Shape(2), {0: 4})
        center.row[:] = -7
        choose_beside(center, 1, need)
        assert (center.row[1] != -7) == is_counted


@pytest.mark.parametrize(
    ("lowest", "expected"),
    [
        # Three blocks, in each a node of score three and one of score one that its block does not know of.
        ((3, 9, 9), 0),
        ((INFINITE, 3, 9), 1),
        ((INFINITE, INFINITE, 3), 2),
        ((3, 3, 9), 0),
        ((INFINITE, 3, 3), 1),
        ((3, 3, 3), 0),
        ((2, 9, 9), 0),
    ],
)
def test_it_is_looked_for_only_in_blocks_that_may_have_a_better_one(
    lowest: tuple[float, float, float], expected: int
) -> None:
    center = beside([Node(9) for _ in range(3 * t.BLOCK)], Shape(2), {})
    center.score[1], center.lowest[1] = 9, lowest
    for block in range(3):
        # What is known of is found first; the other one only where its own block is looked into.
        center.score[1, block * t.BLOCK + 5] = 3
        center.score[1, block * t.BLOCK + 9] = 1 if block != expected else 9
    assert choose_beside(center, 1, 1) == 1
    assert chosen(center, 1) == [(expected * t.BLOCK + 5, 1)]


@pytest.mark.parametrize("unit", [0, 2])
@pytest.mark.parametrize("best", [0, 1, t.BLOCK - 1, t.BLOCK, t.BLOCK + 1, 2 * t.BLOCK - 1, 2 * t.BLOCK])
def test_it_is_found_in_whichever_block_it_is(best: int, unit: int) -> None:
    nodes = [Node(9) for _ in range(2 * t.BLOCK + 1)]
    kept = {node: 1 for node in (0, 1, t.BLOCK, 2 * t.BLOCK) if node != best}
    center = beside(nodes, Shape(2, unit=unit), kept, dict.fromkeys(kept, 5) | {best: 6})
    assert choose_beside(center, 1, 1) == 1
    assert chosen(center, 1) == [(best, max(unit, 1))]
    assert center.lowest[1].min() > -float("inf")


@pytest.mark.parametrize(
    ("now", "both", "shape", "need", "expected"),
    [
        # As few as possible, the best scored of those that hold what is left.
        ({0: 4, 1: 3, 2: 2}, {}, Shape(1), 2, [(2, 2)]),
        ({0: 4, 1: 3, 2: 2}, {2: 1}, Shape(1), 2, [(1, 2)]),
        ({0: 4, 1: 3, 2: 2}, {2: 1, 1: 2}, Shape(1), 3, [(0, 3)]),
        ({0: 4, 1: 3, 2: 2}, {0: 1}, Shape(1), 4, [(1, 3), (2, 1)]),
        ({0: 4, 1: 3, 2: 2}, {0: 1}, Shape(1), 5, [(1, 3), (2, 2)]),
        ({0: 4, 1: 3, 2: 2}, {0: 1}, Shape(1), 6, [(1, 3), (2, 2), (0, 1)]),
        ({0: 4, 1: 3, 2: 2}, {0: 2, 1: 2}, Shape(1), 6, [(2, 2), (1, 2), (0, 2)]),
        ({0: 4, 1: 3, 2: 2}, {2: 1}, Shape(2, unit=1), 2, [(1, 1), (0, 1)]),
        ({0: 4, 1: 4, 2: 4}, {1: 3}, Shape(2, unit=2), 2, [(0, 2), (2, 2)]),
    ],
)
def test_several_tasks_are_placed_by_what_is_free_beside(
    now: dict[int, int], both: dict[int, int], shape: Shape, need: int, expected: list[tuple[int, int]]
) -> None:
    center = beside(FOUR, shape, both, now)
    before = center.copied()
    assert choose_beside(center, 1, need) == len(expected)
    assert chosen(center, len(expected)) == expected
    assert center.tasks.tolist() == before.tasks.tolist()


@pytest.mark.parametrize(
    ("both", "expected"),
    [({}, 0), ({0: 0}, 2), ({0: 0, 2: 0}, 1), ({0: 0, 2: 0, 1: 0}, 3), ({0: 2, 1: 0}, 0)],
)
def test_of_several_engines_the_first_that_has_room_serves(both: dict[int, int], expected: int) -> None:
    center = beside(TWO_ENGINES, Shape(1), both)
    assert choose_beside(center, 1, 1) == 1
    assert chosen(center, 1) == [(expected, 1)]


def test_devices_that_are_kept_are_not_counted() -> None:
    devices = ((0, True), (0, True))
    center = beside([Node(4, devices=devices)] * 2, Shape(1, 1, 1, types=ONE), {0: 4})
    center.both_devices[0, 0, t.FREE] = 400
    assert startable_beside(center, 1, 3) is True
    assert startable_beside(center, 1, 4) is False
    assert choose_beside(center, 1, 2) == 1
    assert chosen(center, 1) == [(1, 2)]
    assert choose_beside(center, 1, 1) == 1
    assert chosen(center, 1) == [(0, 1)]
