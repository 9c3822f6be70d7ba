"""Nodes found by the index: shelves and aisles of small centers, answers worked out by hand."""

from __future__ import annotations

import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import touch
from suanli.kernel.scheduling.core.index import read_changes
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WORST_FIT
from suanli.kernel.scheduling.core.seek import seek
from suanli.kernel.scheduling.core.shelves import GROUPS_MOST, ON_SHELF, SHELF
from tests.unit.kernel.scheduling.core.center import Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, chosen, small

ONE, TWO = frozenset({0}), frozenset({1})


def found(center: t.Center, shape: int, need: int, policy: int = BEST_FIT) -> list[tuple[int, int]]:
    """Nodes and tasks; nothing of the nodes changes."""
    read_changes(center, policy)
    before = center.copied()
    count = seek(center, shape, need, False)
    assert changed(before, center) <= {"scratch", "shelves"}
    return chosen(center, count)


def told(cpus: list[int], shape: Shape) -> t.Center:
    """Nodes of nine cpus, of which so many are free."""
    center = small([Node(9) for _ in cpus], shapes=[Shape(99), shape])
    center.nodes[:, t.FREE_CPU] = cpus
    return center


@pytest.mark.parametrize(
    ("cpus", "shape", "need", "expected"),
    [
        # One: the fullest that has room, then the first.
        ([5, 4, 3], Shape(1), 1, [(2, 1)]),
        ([5, 4, 3], Shape(4), 1, [(1, 1)]),
        ([5, 4, 3], Shape(5), 1, [(0, 1)]),
        ([5, 4, 3], Shape(6), 1, []),
        ([4, 4, 4], Shape(3), 1, [(0, 1)]),
        ([0, 0, 0], Shape(1), 1, []),
        ([0, 0, 0], Shape(0, 0), 1, [(0, 1)]),
        ([-2, 9, 1], Shape(0), 1, [(0, 1)]),
        ([-2, 9, 1], Shape(1), 1, [(2, 1)]),
        # Several: as few as possible, the roomiest, and the fullest that holds the rest.
        ([5, 4, 3], Shape(1), 2, [(2, 2)]),
        ([5, 4, 3], Shape(1), 4, [(1, 4)]),
        ([5, 4, 3], Shape(1), 5, [(0, 5)]),
        ([5, 4, 3], Shape(1), 6, [(0, 5), (2, 1)]),
        ([5, 4, 3], Shape(1), 9, [(0, 5), (1, 4)]),
        ([5, 4, 3], Shape(1), 10, [(0, 5), (1, 4), (2, 1)]),
        ([5, 4, 3], Shape(1), 12, [(0, 5), (1, 4), (2, 3)]),
        ([5, 4, 3], Shape(1), 13, []),
        ([5, 4, 3], Shape(2), 3, [(1, 2), (2, 1)]),
        ([5, 4, 3], Shape(2), 5, [(1, 2), (0, 2), (2, 1)]),
        ([5, 4, 3], Shape(2), 6, []),
        ([3, 3, 3], Shape(1), 7, [(0, 3), (1, 3), (2, 1)]),
        ([3, 5, 3, 5], Shape(1), 12, [(1, 5), (3, 5), (0, 2)]),
        ([3, 5, 3, 5], Shape(1), 16, [(1, 5), (3, 5), (0, 3), (2, 3)]),
        ([9, 9, 2], Shape(1), 11, [(0, 9), (2, 2)]),
        ([9, 9, 2], Shape(1, most=4), 6, [(0, 4), (2, 2)]),
        ([9, 9, 2], Shape(1, most=4), 10, [(0, 4), (1, 4), (2, 2)]),
        ([9, 9, 2], Shape(1, most=4), 11, []),
        # Whole nodes: the fullest that hold a unit.
        ([5, 4, 3], Shape(1, unit=2), 1, [(2, 2)]),
        ([5, 4, 3], Shape(1, unit=2), 2, [(2, 2), (1, 2)]),
        ([5, 4, 3], Shape(1, unit=2), 3, [(2, 2), (1, 2), (0, 2)]),
        ([5, 4, 3], Shape(1, unit=4), 2, [(1, 4), (0, 4)]),
        ([5, 4, 3], Shape(1, unit=4), 3, []),
        ([4, 4, 4], Shape(2, unit=2), 2, [(0, 2), (1, 2)]),
    ],
)
def test_the_fullest_nodes_that_will_do(
    cpus: list[int], shape: Shape, need: int, expected: list[tuple[int, int]]
) -> None:
    assert found(told(cpus, shape), 1, need) == expected


@pytest.mark.parametrize(
    ("policy", "expected"), [(FIRST_FIT, [0, 0, 0]), (BEST_FIT, [3, 1, 0]), (WORST_FIT, [2, 2, 2])]
)
def test_the_policy_orders_the_nodes(policy: int, expected: list[int]) -> None:
    center = small([Node(9)] * 4, shapes=[Shape(1), Shape(2), Shape(4)])
    center.nodes[:, t.FREE_CPU] = (5, 3, 8, 1)
    assert [found(center, shape, 1, policy)[0][0] for shape in range(3)] == expected


DEVICES = [
    Node(9, devices=((0, True), (0, True))),
    Node(9, devices=((1, True), (1, True))),
    Node(9, devices=((0, True), (1, True))),
    Node(9),
    Node(9, devices=((0, False), (0, True))),
]


@pytest.mark.parametrize(
    ("shares", "shape", "expected"),
    [
        # Free thousandths by node and position; nodes with less of them free are the fuller ones, be they sick.
        ({}, Shape(1, 1), [3, 0, 1, 2, 4]),
        ({}, Shape(1, 1, 1, types=ONE), [0, 2, 4]),
        ({}, Shape(1, 1, 1, types=TWO), [1, 2]),
        ({}, Shape(1, 1, 2, types=ONE), [0]),
        ({}, Shape(1, 1, 2, types=ONE | TWO), [0, 1, 2]),
        ({(0, 0): 0}, Shape(1, 1, 1, types=ONE), [0, 2, 4]),
        ({(0, 0): 500}, Shape(1, 1, 1, 500, ONE), [0, 2, 4]),
        ({(0, 0): 0, (0, 1): 500}, Shape(1, 1, 1, 500, ONE), [0, 2, 4]),
        ({(0, 0): 0, (0, 1): 499}, Shape(1, 1, 1, 500, ONE), [2, 4]),
        ({(0, 0): 0, (0, 1): 250}, Shape(1, 1, 1, 250, ONE), [0, 2, 4]),
        ({(0, 0): 0, (0, 1): 125}, Shape(1, 1, 1, 125, ONE), [0, 2, 4]),
        ({(0, 0): 0, (0, 1): 1}, Shape(1, 1, 1, 1, ONE), [0, 2, 4]),
        ({(0, 0): 600, (0, 1): 600}, Shape(1, 1, 2, 600, ONE), [0]),
        ({(0, 0): 600, (0, 1): 500}, Shape(1, 1, 2, 600, ONE), []),
        ({(4, 1): 0, (0, 1): 0}, Shape(1, 1, 1, types=ONE), [0, 2]),
        ({(2, 0): 0}, Shape(1, 1, 1, types=TWO), [2, 1]),
        ({(2, 1): 0}, Shape(1, 1, 1, types=TWO), [1]),
    ],
)
def test_devices_are_sought_by_type_and_by_how_much_of_them_is_free(
    shares: dict[tuple[int, int], int], shape: Shape, expected: list[int]
) -> None:
    center = small(DEVICES, shapes=[shape])
    for (node, position), share in shares.items():
        center.devices[node, position, t.FREE] = share
    order = []
    while one := found(center, 0, 1):
        node = one[0][0]
        order.append(node)
        # Closed, so that the next is found.
        center.nodes[node, t.READY] = 0
        touch(center.nodes, center.shapes, center.log, center.sizes, node)
    assert order == expected


def test_who_would_be_alone_gets_an_idle_node() -> None:
    center = told([5, 4, 3], Shape(1, alone=True))
    center.nodes[2, t.HOLDERS] = 1
    assert found(center, 1, 1) == [(1, 1)]
    center.nodes[1, t.HOLDERS] = 1
    touch(center.nodes, center.shapes, center.log, center.sizes, 1)
    assert found(center, 1, 1) == [(0, 1)]
    assert found(center, 1, 6) == []
    center.nodes[0, t.EXCLUSIVE] = 1
    touch(center.nodes, center.shapes, center.log, center.sizes, 0)
    assert found(center, 1, 1) == []


@pytest.mark.parametrize(
    ("both", "need", "expected", "beside"),
    [
        ({2: 1}, 2, [(2, 2)], [(1, 2)]),
        ({2: 2}, 2, [(2, 2)], [(2, 2)]),
        ({2: 0, 1: 0}, 2, [(2, 2)], [(0, 2)]),
        ({2: 0, 1: 0, 0: 1}, 2, [(2, 2)], []),
        ({0: 2}, 6, [(0, 5), (2, 1)], [(1, 4), (2, 2)]),
        ({0: 0}, 7, [(0, 5), (2, 2)], [(1, 4), (2, 3)]),
    ],
)
def test_of_kept_nodes_only_what_is_left_is_found_beside(
    both: dict[int, int], need: int, expected: list[tuple[int, int]], beside: list[tuple[int, int]]
) -> None:
    center = told([5, 4, 3], Shape(1))
    center.both_nodes[:], center.both_devices[:] = center.nodes, center.devices
    for node, cpus in both.items():
        center.nodes[node, t.IS_KEPT] = 1
        center.both_nodes[node, t.FREE_CPU] = cpus
    read_changes(center, BEST_FIT)
    assert chosen(center, seek(center, 1, need, True)) == beside
    center.nodes[:, t.IS_KEPT] = 0
    assert found(center, 1, need) == expected


def test_nodes_that_change_are_found_where_they_are_then() -> None:
    center = told([5, 4, 3], Shape(1))
    assert found(center, 1, 1) == [(2, 1)]
    center.nodes[2, t.FREE_CPU] = 9
    # Nobody said so.
    assert found(center, 1, 1) == [(2, 1)]
    touch(center.nodes, center.shapes, center.log, center.sizes, 2)
    assert found(center, 1, 1) == [(1, 1)]
    center.nodes[0, t.FREE_CPU] = 1
    touch(center.nodes, center.shapes, center.log, center.sizes, 0)
    assert found(center, 1, 1) == [(0, 1)]
    assert center.sizes[t.INDEX_SEEN] == center.sizes[t.LOG_SIZE]


@pytest.mark.parametrize("count", [1, SHELF - 1, SHELF, SHELF + 1, 2 * SHELF, 3 * SHELF + 5])
def test_more_nodes_than_stand_on_one_shelf(count: int) -> None:
    center = told([1 + node % 9 for node in range(count)], Shape(1))
    order = sorted(range(count), key=lambda node: (node % 9, node))
    for expected in order:
        assert found(center, 1, 1) == [(expected, 1)]
        center.nodes[expected, t.FREE_CPU] = 0
        touch(center.nodes, center.shapes, center.log, center.sizes, expected)
    assert found(center, 1, 1) == []
    for node in order:
        center.nodes[node, t.FREE_CPU] = 1 + node % 9
        touch(center.nodes, center.shapes, center.log, center.sizes, node)
    assert found(center, 1, sum(1 + node % 9 for node in range(count)) + 1) == []
    whole = found(center, 1, sum(1 + node % 9 for node in range(count)))
    assert sorted(whole) == [(node, 1 + node % 9) for node in range(count)]


def test_more_combinations_of_device_types_than_there_are_groups() -> None:
    # Twelve types in pairs are 66 combinations, of which the last ones stand in one group.
    pairs = [(one, other) for one in range(12) for other in range(one)]
    assert len(pairs) > GROUPS_MOST
    nodes = [Node(9, devices=((one, True), (other, True))) for one, other in pairs]
    shapes = [Shape(1, 1, 1, types=frozenset({kind})) for kind in range(12)]
    shapes += [Shape(1, 1, 2, types=frozenset(pair)) for pair in pairs]
    center = small(nodes, shapes=shapes)
    for kind in range(12):
        first = next(node for node, pair in enumerate(pairs) if kind in pair)
        assert found(center, kind, 1) == [(first, 1)]
        assert len(found(center, kind, 11)) == 11
        assert found(center, kind, 12) == []
    for node in range(len(pairs)):
        assert found(center, 12 + node, 1) == [(node, 1)]
        assert found(center, 12 + node, 2) == []
    assert center.sizes[t.GROUPS] == GROUPS_MOST


@pytest.mark.parametrize("left", [1, 7, 8, 9, 16, 24, 25])
def test_shelves_that_were_emptied_are_joined_and_filled_again(left: int) -> None:
    count = 4 * SHELF
    center = told([9] * count, Shape(1))
    read_changes(center, BEST_FIT)
    gone = [node for node in range(count) if node % SHELF >= left]
    for node in gone:
        center.nodes[node, t.READY] = 0
        touch(center.nodes, center.shapes, center.log, center.sizes, node)
    stay = [node for node in range(count) if node % SHELF < left]
    assert found(center, 1, 9 * len(stay)) == [(node, 9) for node in stay]
    assert found(center, 1, 9 * len(stay) + 1) == []
    for node in reversed(gone):
        center.nodes[node, t.READY] = 1
        touch(center.nodes, center.shapes, center.log, center.sizes, node)
    assert found(center, 1, 9 * count) == [(node, 9) for node in range(count)]
    used = int(center.sizes[t.SHELVES_USED])
    assert used <= count // (SHELF // 4) + 1


def test_a_node_that_is_not_ready_or_is_had_alone_stands_nowhere() -> None:
    center = told([5, 4, 3], Shape(1))
    center.nodes[2, t.READY] = 0
    center.nodes[1, t.EXCLUSIVE] = 1
    assert found(center, 1, 1) == [(0, 1)]
    assert center.room[:, ON_SHELF].tolist() == [0, t.NOBODY, t.NOBODY]
    center.nodes[2, t.READY] = 1
    touch(center.nodes, center.shapes, center.log, center.sizes, 2)
    assert found(center, 1, 1) == [(2, 1)]
    assert center.room[1, ON_SHELF] == t.NOBODY


def test_windows_and_features_are_judged_on_the_nodes_themselves() -> None:
    nodes = [Node(9, windows=0b1), Node(9, features=0b1), Node(9, windows=0b1, features=0b1)]
    shapes = [
        Shape(1, kept_off=0b1),
        Shape(1, within=0b1),
        Shape(1, must_have=0b1),
        Shape(1, within=0b1, must_have=0b1),
    ]
    center = small(nodes, shapes=shapes)
    assert [found(center, shape, 1) for shape in range(4)] == [[(1, 1)], [(0, 1)], [(1, 1)], [(2, 1)]]
    assert [len(found(center, shape, 10)) for shape in range(4)] == [0, 2, 2, 0]
