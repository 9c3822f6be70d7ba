"""Groups of near devices and the choice among them: by hand, and against sets made by walking from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.nearness import (
    LINK,
    SELF,
    SYSTEM,
    around,
    extent,
    is_linked,
    nearest,
    number_of,
    tightest,
)
from suanli.kernel.scheduling.linking import groups_at, merged, order_of
from suanli.model.devices import Interconnect
from suanli.model.discovery import Distance

pytestmark = pytest.mark.step

Links = Mapping[Interconnect, Iterable[tuple[int, ...]]]
PAIRS = {Interconnect.LINK: ((0, 1), (2, 3)), Interconnect.NODE: ((0, 1, 2, 3), (4, 5, 6, 7))}
"""Eight devices, of which two pairs are linked in one half, and no two in the other."""


def devices_of(links: Links, count: int) -> t.Devices:
    devices = np.zeros((count, t.NEAR + 1), dtype=np.int16)
    devices[:, t.NEAR] = order_of({word: list(told) for word, told in links.items()}, range(count), count)
    return devices


def bits(some: Iterable[int]) -> int:
    return sum(1 << one for one in some)


def told(some: int) -> set[int]:
    return {position for position in range(64) if (some >> position) & 1}


def reached(links: Links, count: int, start: int, distance: int) -> frozenset[int]:
    """All that a walk comes to of which no step is farther than that."""
    if distance == SYSTEM:
        return frozenset(range(count))
    near = [set(group) for word in list(Interconnect)[:distance] for group in links.get(word, ())]
    found, last = {start}, set[int]()
    while found != last:
        last = set(found)
        found = last.union(*(group for group in near if group & last)) & set(range(count))
    return frozenset(found)


GROUPS = st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=4, unique=True).map(tuple), max_size=3)
LINKS = st.dictionaries(st.sampled_from(Interconnect), GROUPS, max_size=5)
COUNTS = st.integers(1, 8)


@pytest.mark.parametrize("links", [{}, {Interconnect.LINK: ()}, {Interconnect.LINK: ((0,), (3,))}])
def test_where_nobody_is_near_another_one_number_tells(links: Links) -> None:
    devices = devices_of(links, 4)
    assert not devices.any()
    assert not is_linked(devices)


def test_of_no_devices_none_is_near() -> None:
    assert not is_linked(devices_of(PAIRS, 0))


def test_links_with_devices_that_are_not_there_count_for_those_that_are() -> None:
    assert is_linked(devices_of({Interconnect.HOST: ((1, 2, 9),)}, 3))
    assert not is_linked(devices_of({Interconnect.HOST: ((2, 9),)}, 3))


def test_the_order_says_positions_and_how_far_each_is_from_the_one_before() -> None:
    links = {Interconnect.LINK: ((0, 2), (1, 3)), Interconnect.HOST: ((0, 3),)}
    column = order_of(links, range(5), 7)
    assert [divmod(row, 64) for row in column.tolist()] == [(6, 0), (1, 2), (4, 1), (1, 3), (6, 4), (0, 0), (0, 0)]


def test_positions_are_those_of_the_devices_as_they_are_given() -> None:
    column = order_of({Interconnect.LINK: ((7, 4),)}, (4, 9, 7), 3)
    assert [divmod(row, 64) for row in column.tolist()] == [(6, 0), (1, 2), (6, 1)]


def test_as_many_devices_as_a_node_may_have_are_told_apart() -> None:
    count = t.DEVICE_TYPES - 1
    devices = devices_of({Interconnect.NODE: ((0, count - 1),)}, count)
    assert told(around(devices, 1, bits(range(count)), Distance.NODE)) == {0, count - 1}
    assert number_of(around(devices, 1, bits(range(count)), SYSTEM)) == count


@given(LINKS, COUNTS, st.data())
def test_a_group_is_whoever_a_walk_reaches(links: Links, count: int, data: st.DataObject) -> None:
    devices, distance = devices_of(links, count), data.draw(st.integers(SELF, SYSTEM))
    among = data.draw(st.sets(st.integers(0, count - 1)))
    if is_linked(devices):
        order = [row % 64 for row in devices[:, t.NEAR].tolist()]
        assert sorted(order) == list(range(count))
        for place, position in enumerate(order):
            found = told(around(devices, place, bits(among), distance))
            assert found == reached(links, count, position, distance) & among
    else:
        assert all(len(reached(links, count, one, Distance.NODE)) == 1 for one in range(count))


@given(LINKS, COUNTS)
def test_groups_as_vectors_are_the_same(links: Links, count: int) -> None:
    column = devices_of(links, count)[:, t.NEAR]
    for distance in range(LINK, SYSTEM):
        numbers = groups_at(np.stack([column, np.zeros_like(column)]), distance)
        assert len(set(numbers[1].tolist())) == count
        for one, other in combinations(range(count), 2):
            assert (numbers[0, one] == numbers[0, other]) == (other in reached(links, count, one, distance))


@given(LINKS, COUNTS)
def test_what_is_merged_is_told_by_each_distance(links: Links, count: int) -> None:
    at = merged({word: list(groups) for word, groups in links.items()}, range(count))
    assert list(at) == [*(Distance[word.name] for word in Interconnect), Distance.SYSTEM]
    for distance, groups in at.items():
        assert {frozenset(group) for group in groups} == {reached(links, count, one, distance) for one in range(count)}
        assert all(list(group) == sorted(group) for group in groups)


@pytest.mark.parametrize(
    ("free", "count", "farthest", "expected"),
    [
        # The half without links has as few, but no two that are near.
        ("01234567", 2, Distance.LINK, "01"),
        ("0234567", 2, Distance.LINK, "23"),
        ("024567", 2, Distance.LINK, ""),
        ("024567", 2, Distance.NODE, "02"),
        ("0234567", 3, Distance.NODE, "023"),
        ("01234567", 3, Distance.NODE, "0123"),
        ("01234567", 5, Distance.NODE, ""),
        ("01234567", 5, SYSTEM, "01234567"),
        # One: of two that are alone the one in the fuller half.
        ("04567", 1, SYSTEM, "0"),
        ("01234567", 1, SYSTEM, "4"),
        ("0123457", 1, SYSTEM, "4"),
        # A pair of which one is taken goes before a whole one.
        ("01267", 1, SYSTEM, "6"),
        ("0126", 1, SYSTEM, "6"),
        ("012", 1, SYSTEM, "2"),
        # The smaller group goes before the nearer one.
        ("012367", 2, SYSTEM, "01"),
        ("0123", 2, SYSTEM, "01"),
        ("0267", 2, SYSTEM, "02"),
        ("067", 2, SYSTEM, "67"),
        ("", 1, SYSTEM, ""),
    ],
)
def test_the_tightest_group_by_hand(free: str, count: int, farthest: int, expected: str) -> None:
    devices = devices_of(PAIRS, 8)
    assert told(tightest(devices, bits(map(int, free)), count, farthest)) == set(map(int, expected))


@pytest.mark.parametrize(
    ("free", "count", "expected"),
    [
        ("01234567", 2, "01"),
        ("01234567", 4, "0123"),
        ("01234567", 3, "012"),
        ("0234567", 3, "023"),
        ("01234567", 6, "012345"),
        ("0124567", 6, "456701"),
        ("024567", 5, "45670"),
        ("01234567", 8, "01234567"),
        ("3", 1, "3"),
        ("3", 0, ""),
    ],
)
def test_the_nearest_devices_by_hand(free: str, count: int, expected: str) -> None:
    devices = devices_of(PAIRS, 8)
    assert told(nearest(devices, bits(map(int, free)), count)) == set(map(int, expected))


@given(LINKS, COUNTS, st.data())
def test_no_group_that_would_do_is_tighter(links: Links, count: int, data: st.DataObject) -> None:
    devices, farthest = devices_of(links, count), data.draw(st.integers(SELF, SYSTEM))
    free, wanted = data.draw(st.sets(st.integers(0, count - 1))), data.draw(st.integers(1, count))
    if not is_linked(devices):
        return
    found = told(tightest(devices, bits(free), wanted, farthest))
    groups = [
        (len(group & free), distance)
        for distance in range(farthest + 1)
        for group in {reached(links, count, one, distance) if distance else frozenset({one}) for one in free}
        if len(group & free) >= wanted
    ]
    if not groups:
        assert not found
        return
    size, distance = min(groups)
    assert found in [(reached(links, count, one, distance) if distance else {one}) & free for one in free]
    assert len(found) == size
    rivals = [one for one in free if len((reached(links, count, one, distance) if distance else {one}) & free) == size]
    around_it = [len(reached(links, count, min(found), longer) & free) for longer in range(distance + 1, SYSTEM)]
    for rival in rivals:
        others = [len(reached(links, count, rival, longer) & free) for longer in range(distance + 1, SYSTEM)]
        assert around_it <= others


@given(LINKS, COUNTS, st.data())
def test_the_nearest_devices_are_of_the_tightest_group(links: Links, count: int, data: st.DataObject) -> None:
    devices, free = devices_of(links, count), data.draw(st.sets(st.integers(0, count - 1), min_size=1))
    wanted = data.draw(st.integers(1, len(free)))
    if not is_linked(devices):
        return
    found = told(nearest(devices, bits(free), wanted))
    assert len(found) == wanted
    assert found <= told(tightest(devices, bits(free), wanted, SYSTEM))
    distance, place = extent(devices, bits(found))
    assert devices[place, t.NEAR] % 64 in found
    first = min(found)
    assert found <= reached(links, count, first, distance)
    assert (
        distance == SELF
        or (distance == LINK and len(found) > 1)
        or not found <= reached(links, count, first, distance - 1)
    )


def test_the_extent_of_nothing_is_none() -> None:
    assert extent(devices_of(PAIRS, 8), 0) == (SELF, 0)


@pytest.mark.parametrize(
    ("some", "expected"),
    [("0", SELF), ("01", LINK), ("13", Distance.NODE), ("45", Distance.NODE), ("04", SYSTEM), ("0123", Distance.NODE)],
)
def test_the_extent_by_hand(some: str, expected: int) -> None:
    assert extent(devices_of(PAIRS, 8), bits(map(int, some)))[0] == expected
