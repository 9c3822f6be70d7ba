"""Aisles, shelves and keys of the index, worked out by hand: where nodes stand, and how shelves part and join."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import shelves as s
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import touch
from suanli.kernel.scheduling.core.index import key_of, level, node_of, read_changes, tighten
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WORST_FIT
from tests.unit.kernel.scheduling.core.center import Node
from tests.unit.kernel.scheduling.core.small import small

GOOD, BAD = True, False


def many(count: int) -> t.Center:
    """As many equal nodes without devices: under first fit they stand in their own order."""
    center = small([Node(4, 8)] * count)
    read_changes(center, FIRST_FIT)
    return center


def changed(center: t.Center, node: int) -> None:
    touch(center.nodes, center.shapes, center.log, center.sizes, node)


def aisle_of(center: t.Center, node: int) -> int:
    return int(center.shelves[center.room[node, s.ON_SHELF], s.SHELF_AISLE])


def standing(center: t.Center, aisle: int = 0) -> list[list[int]]:
    """The nodes of an aisle, shelf by shelf, which must be joined in both directions."""
    found, shelf, before = [], int(center.aisles[s.FIRST_SHELF, aisle]), t.NOBODY
    while shelf >= 0:
        row = center.shelves[shelf]
        assert (row[s.SHELF_BEFORE], row[s.SHELF_AISLE]) == (before, aisle)
        found.append([node_of(int(key)) for key in row[s.FIRST_KEY : s.FIRST_KEY + row[s.SHELF_SIZE]]])
        assert all(center.room[node, s.ON_SHELF] == shelf for node in found[-1])
        before, shelf = shelf, int(row[s.NEXT_SHELF])
    assert center.aisles[s.LAST_SHELF, aisle] == before
    return found


def close(center: t.Center, nodes: Sequence[int]) -> None:
    """Close nodes one after the other, and read that each time."""
    for node in nodes:
        center.nodes[node, t.READY] = 0
        changed(center, node)
        read_changes(center, FIRST_FIT)


def open_again(center: t.Center, nodes: Sequence[int]) -> None:
    for node in nodes:
        center.nodes[node, t.READY] = 1
        changed(center, node)
        read_changes(center, FIRST_FIT)


@pytest.mark.parametrize(
    ("whole", "part", "expected"),
    [
        # Nothing free; a little; an eighth, a quarter, a half of one device.
        (0, 0, 0),
        (0, 1, 1),
        (0, 124, 1),
        (0, 125, 2),
        (0, 249, 2),
        (0, 250, 3),
        (0, 499, 3),
        (0, 500, 4),
        (0, 999, 4),
        # From one wholly free device on it is how many, and the last level is for all that have more.
        (1, 1000, 5),
        (2, 1000, 6),
        (10, 1000, 14),
        (11, 1000, 15),
        (12, 1000, 15),
        (64, 1000, 15),
    ],
)
def test_levels_say_how_much_of_the_devices_is_free(whole: int, part: int, expected: int) -> None:
    assert level(whole, part) == expected
    assert 0 <= expected < s.LEVELS


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ((-1.0, 0), (0.0, 0)),
        ((-2.0, 0), (-1.0, 0)),
        ((-0.5, 9), (-0.25, 0)),
        ((0.0, 0), (0.0, 1)),
        ((-0.0, 0), (0.0, 1)),
        ((0.0, 0), (-0.0, 1)),
        ((0.0, 2**31), (1e-30, 0)),
        ((1.0, 2**32 - 1), (1.0000002, 0)),
        ((3.0, 5), (3.0, 6)),
        ((2048.0, 5), (np.inf, 0)),
        ((-np.inf, 5), (-3e38, 0)),
    ],
)
def test_keys_are_in_the_order_of_scores_then_of_nodes(less: tuple[float, int], more: tuple[float, int]) -> None:
    assert key_of(*less) < key_of(*more) < s.NO_KEY
    assert (node_of(key_of(*less)), node_of(key_of(*more))) == (less[1], more[1])


@given(st.lists(st.tuples(st.floats(-1e6, 1e6, width=32), st.integers(0, 2**20)), min_size=2, unique=True))
def test_keys_sort_as_pairs_do(pairs: list[tuple[float, int]]) -> None:
    assert sorted(pairs, key=lambda pair: key_of(*pair)) == sorted(pairs)


def test_scores_that_are_remembered_alike_are_told_apart_by_nodes() -> None:
    """Between 1 and the next float of 32 bits there are others of 64: to the index they are one."""
    assert key_of(1.0 + 2**-30, 3) == key_of(1.0, 3)
    assert key_of(1.0 + 2**-30, 3) < key_of(1.0, 4)


def test_nodes_stand_by_the_types_of_their_devices_and_by_what_is_free() -> None:
    """Types 0 alone, 1 alone, both, none: four groups, in the order in which they were met."""
    center = small(
        [
            Node(4, devices=((0, GOOD), (0, GOOD))),
            Node(4, devices=((1, GOOD), (1, GOOD))),
            Node(4, devices=((0, GOOD), (1, GOOD))),
            Node(4),
            Node(4, devices=((0, GOOD), (0, GOOD))),
            Node(4, devices=((0, GOOD), (1, BAD))),
        ]
    )
    center.devices[4, 0, t.FREE] = 0
    read_changes(center, BEST_FIT)
    assert center.sizes[t.GROUPS] == 4
    assert center.aisles[s.AISLE_TYPES, :4].tolist() == [0b01, 0b10, 0b11, 0]
    # Two whole devices are level 6, one is 5, none 0; what is broken counts neither as type nor as free.
    assert [aisle_of(center, node) for node in range(6)] == [6, 16 + 6, 32 + 6, 48, 5, 5]


@pytest.mark.parametrize(
    ("free", "room", "expected"),
    [
        # Wholly free, most of one, of all; the level.
        ((1000, 1000, 1000), (3, 1000, 3000), 7),
        ((1000, 999, 0), (1, 1000, 1999), 5),
        ((0, 999, 250), (0, 999, 1249), 4),
        ((0, 0, 125), (0, 125, 125), 2),
        ((0, 0, 0), (0, 0, 0), 0),
        # A device that others claim besides has less than nothing free: it takes nothing off the others.
        ((-500, 400, 0), (0, 400, 400), 3),
    ],
)
def test_what_the_index_knows_of_devices(free: tuple[int, ...], room: tuple[int, int, int], expected: int) -> None:
    center = small([Node(4, 7, devices=((0, GOOD),) * 3)])
    center.devices[0, :, t.FREE] = free
    read_changes(center, BEST_FIT)
    assert tuple(center.room[0, [s.ROOM_WHOLE, s.ROOM_PART, s.ROOM_SHARES]]) == room
    assert center.room[0, [s.ROOM_CPU, s.ROOM_MEMORY, s.ROOM_IDLE]].tolist() == [4, 7, 1]
    assert aisle_of(center, 0) == expected


def test_types_and_shares_that_no_column_of_devices_could_hold() -> None:
    """Columns of devices have 16 bits: neither the bit of a late type nor what 40 devices have together is one."""
    center = small([Node(4, devices=((t.DEVICE_TYPES - 1, GOOD), (20, GOOD), *((15, GOOD),) * 38))])
    read_changes(center, BEST_FIT)
    assert center.aisles[s.AISLE_TYPES, 0] == (1 << (t.DEVICE_TYPES - 1)) + (1 << 20) + (1 << 15)
    assert center.room[0, s.ROOM_SHARES] == 40_000


@pytest.mark.parametrize(("ready", "exclusive", "stands"), [(1, 0, True), (0, 0, False), (1, 1, False), (0, 1, False)])
def test_only_nodes_where_work_may_start_stand_anywhere(ready: int, exclusive: int, stands: bool) -> None:
    center = many(3)
    center.nodes[1, [t.READY, t.EXCLUSIVE]] = (ready, exclusive)
    changed(center, 1)
    read_changes(center, FIRST_FIT)
    assert standing(center) == [[0, 1, 2] if stands else [0, 2]]
    assert (center.room[1, s.ON_SHELF] >= 0) == stands
    center.nodes[1, [t.READY, t.EXCLUSIVE]] = (1, 0)
    changed(center, 1)
    read_changes(center, FIRST_FIT)
    assert standing(center) == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("policy", "expected"), [(FIRST_FIT, [0, 1, 2, 3]), (BEST_FIT, [2, 0, 3, 1]), (WORST_FIT, [1, 0, 3, 2])]
)
def test_nodes_stand_in_the_order_of_their_scores(policy: int, expected: list[int]) -> None:
    """Half, all, a quarter and half of the nodes' amounts are free."""
    center = small([Node(8, 8)] * 4)
    for node, free in enumerate((4, 8, 2, 4)):
        center.nodes[node, [t.FREE_CPU, t.FREE_MEMORY]] = free
    read_changes(center, policy)
    assert standing(center) == [expected]
    assert node_of(int(center.aisles[s.LEAST_KEY, 0])) == expected[0]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        # A full shelf of 32 parts in halves when one more comes, which goes to the second.
        (1, [1]),
        (31, [31]),
        (32, [32]),
        (33, [16, 17]),
        (48, [16, 32]),
        (49, [16, 16, 17]),
        (65, [16, 16, 16, 17]),
    ],
)
def test_a_full_shelf_parts_in_halves(count: int, sizes: list[int]) -> None:
    center = many(count)
    found = standing(center)
    assert [len(shelf) for shelf in found] == sizes
    assert list(chain(*found)) == list(range(count))
    assert center.sizes[t.SHELVES_USED] == len(sizes)


def test_who_comes_between_two_shelves_goes_to_the_first_of_them() -> None:
    """Nodes 0..15 and 16..33 but 15: it comes last, its key is above all of the first and below the second shelf's."""
    center = small([Node(4, 8)] * 34)
    center.nodes[15, t.READY] = 0
    read_changes(center, FIRST_FIT)
    assert [len(shelf) for shelf in standing(center)] == [16, 17]
    # The second shelf begins with node 17, for 15 was not there.
    assert standing(center)[1][0] == 17
    open_again(center, [15])
    assert standing(center) == [list(range(17)), list(range(17, 34))]


def test_who_comes_first_of_all_stands_first() -> None:
    center = small([Node(4, 8)] * 40)
    center.nodes[0, t.READY] = 0
    read_changes(center, FIRST_FIT)
    assert node_of(int(center.aisles[s.LEAST_KEY, 0])) == 1
    open_again(center, [0])
    assert standing(center)[0][:3] == [0, 1, 2]
    assert node_of(int(center.aisles[s.LEAST_KEY, 0])) == 0


def test_a_middle_shelf_that_is_full_parts_where_it_is() -> None:
    """Of 80 nodes every second of the first 64 comes late: they fill the first shelves, which part among the others."""
    center = small([Node(4, 8)] * 80)
    late = list(range(0, 64, 2))
    center.nodes[late, t.READY] = 0
    read_changes(center, FIRST_FIT)
    assert [len(shelf) for shelf in standing(center)] == [16, 32]
    open_again(center, late)
    found = standing(center)
    assert list(chain(*found)) == list(range(80))
    assert max(len(shelf) for shelf in found) <= s.SHELF
    assert len(found) == center.sizes[t.SHELVES_USED]


def test_a_shelf_that_is_sparse_takes_in_the_next_one() -> None:
    """Shelves of 16 and 17: with 8 left the first takes in the other if both make no more than 24."""
    center = many(33)
    close(center, range(8))
    # 8 and 17 are 25: too many.
    assert [len(shelf) for shelf in standing(center)] == [8, 17]
    close(center, [32])
    # The last shelf has none behind it to take in, however sparse the one before.
    assert [len(shelf) for shelf in standing(center)] == [8, 16]
    close(center, [8])
    assert standing(center) == [list(range(9, 32))]
    # The shelf that was taken in is the next to be used.
    assert center.sizes[t.SHELF_UNUSED] == 1
    assert center.shelves[0, s.NEXT_SHELF] == t.NOBODY


def test_the_last_of_a_shelf_takes_it_away_and_another_uses_its_rows() -> None:
    center = many(49)
    close(center, range(48, 31, -1))
    assert [len(shelf) for shelf in standing(center)] == [16, 16]
    assert center.sizes[t.SHELF_UNUSED] == 2
    open_again(center, [*range(32, 49)])
    assert [len(shelf) for shelf in standing(center)] == [16, 16, 17]
    assert (center.sizes[t.SHELVES_USED], center.sizes[t.SHELF_UNUSED]) == (3, t.NOBODY)


def test_an_aisle_whose_last_node_leaves_is_empty() -> None:
    center = many(2)
    close(center, [0])
    assert node_of(int(center.aisles[s.LEAST_KEY, 0])) == 1
    close(center, [1])
    assert standing(center) == []
    assert center.aisles[[s.FIRST_SHELF, s.LAST_SHELF, s.LEAST_KEY], 0].tolist() == [t.NOBODY, t.NOBODY, s.NO_KEY]
    open_again(center, [1])
    assert standing(center) == [[1]]


def test_the_least_key_is_that_of_the_next_shelf_when_the_first_goes() -> None:
    center = many(48)
    # From the end of the first shelf, so that its least stays until it is alone; a full one is never taken in.
    close(center, range(15, 0, -1))
    assert [len(shelf) for shelf in standing(center)] == [1, 32]
    assert node_of(int(center.aisles[s.LEAST_KEY, 0])) == 0
    close(center, [0])
    assert standing(center) == [list(range(16, 48))]
    assert node_of(int(center.aisles[s.LEAST_KEY, 0])) == 16


def test_a_shelf_promises_the_most_of_its_nodes_until_it_is_looked_at() -> None:
    center = small([Node(4, 9, devices=((0, GOOD),)), Node(7, 2, devices=((0, GOOD),)), Node(5, 5)])
    read_changes(center, FIRST_FIT)
    shelf = center.room[0, s.ON_SHELF]
    assert center.room[1, s.ON_SHELF] == shelf
    assert center.shelves[shelf, : s.ON_SHELF].tolist() == [7, 9, 1, 1000, 1000, 1]
    assert not center.shelves[shelf, s.IS_LOOSE]
    close(center, [1])
    # Who left may have had the most: it is too much now, and said to be so.
    assert center.shelves[shelf, : s.ON_SHELF].tolist() == [7, 9, 1, 1000, 1000, 1]
    assert center.shelves[shelf, s.IS_LOOSE]
    tighten(center, shelf)
    assert center.shelves[shelf, : s.ON_SHELF].tolist() == [4, 9, 1, 1000, 1000, 1]
    assert not center.shelves[shelf, s.IS_LOOSE]


def test_a_shelf_knows_whether_any_node_is_idle() -> None:
    center = small([Node(4), Node(4)])
    center.nodes[0, t.HOLDERS] = 2
    read_changes(center, FIRST_FIT)
    assert center.room[:, s.ROOM_IDLE].tolist() == [0, 1]
    assert center.shelves[0, s.ROOM_IDLE] == 1
    close(center, [1])
    tighten(center, 0)
    assert center.shelves[0, s.ROOM_IDLE] == 0


def test_more_combinations_of_types_than_groups_share_the_last_one() -> None:
    """Each node has two types of its own: 70 combinations, of which the last seven stand together with the 64th."""
    pairs = [(one, other) for one in range(12) for other in range(one + 1, 12)]
    nodes = [Node(4, devices=((one, GOOD), (other, GOOD))) for one, other in pairs[:66]]
    nodes += [Node(4, devices=((kind, GOOD), (kind, GOOD))) for kind in range(4)]
    center = small(nodes)
    read_changes(center, FIRST_FIT)
    assert center.sizes[t.GROUPS] == s.GROUPS_MOST
    last = s.GROUPS_MOST - 1
    assert [aisle_of(center, node) // s.LEVELS for node in range(70)] == [*range(64), *[last] * 6]
    together = sum(1 << kind for kind in {*pairs[63], *pairs[64], *pairs[65], 0, 1, 2, 3})
    assert center.aisles[s.AISLE_TYPES, last] == together
    assert sorted(chain(*standing(center, last * s.LEVELS + 6))) == list(range(63, 70))


def test_a_node_that_changed_twice_is_read_once_as_it_is() -> None:
    center = many(3)
    for free in (3, 1):
        center.nodes[1, t.FREE_CPU] = free
        changed(center, 1)
    read_changes(center, FIRST_FIT)
    assert center.room[1, s.ROOM_CPU] == 1
    assert standing(center) == [[0, 1, 2]]
    assert center.sizes[t.INDEX_SEEN] == center.sizes[t.LOG_SIZE]


def test_an_index_that_is_worth_nothing_is_made_anew() -> None:
    center = many(40)
    center.nodes[:20, t.READY] = 0
    center.sizes[t.INDEX_SEEN] = t.NOBODY
    read_changes(center, FIRST_FIT)
    assert list(chain(*standing(center))) == list(range(20, 40))
    assert (center.room[:20, s.ON_SHELF] == t.NOBODY).all()
    assert (center.sizes[t.SHELVES_USED], center.sizes[t.SHELF_UNUSED]) == (1, t.NOBODY)
