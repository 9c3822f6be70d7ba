"""How many tasks fit whose devices must be near each other, and what a node fails first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import may_gain
from suanli.model.discovery import Distance
from tests.unit.kernel.scheduling.core.brute import Free
from tests.unit.kernel.scheduling.core.brute import tasks_on as plainly
from tests.unit.kernel.scheduling.core.center import Node, Shape
from tests.unit.kernel.scheduling.core.days import NODES
from tests.unit.kernel.scheduling.core.eights import APART, EIGHT, LINK, NODE, PAIRED, asking, center_of, fits
from tests.unit.kernel.scheduling.core.small import small


@pytest.mark.parametrize(
    ("free", "shape", "expected"),
    [
        ("01234567", asking(2), (4, t.NOBODY)),
        ("01234567", asking(3), (2, t.NOBODY)),
        ("01234567", asking(4), (2, t.NOBODY)),
        ("01234567", asking(5), (0, t.FAILS_NEAR)),
        ("01234567", asking(5, Distance.SWITCH), (0, t.FAILS_NEAR)),
        ("01234567", asking(9), (0, t.FAILS_CLASS)),
        ("0124567", asking(4), (1, t.NOBODY)),
        ("012456", asking(4), (0, t.FAILS_FREE)),
        ("012456", asking(3), (2, t.NOBODY)),
        ("0145", asking(3), (0, t.FAILS_FREE)),
        ("", asking(2), (0, t.FAILS_FREE)),
        # A node's part of several tasks, which need not be near each other.
        ("01234567", asking(4, unit=2), (2, t.NOBODY)),
        ("01234567", asking(3, unit=3), (2, t.FAILS_CLASS)),
        ("0124567", asking(4, unit=2), (1, t.FAILS_FREE)),
        ("01234567", asking(2, unit=5), (4, t.FAILS_CLASS)),
    ],
)
def test_tasks_are_counted_by_groups(free: str, shape: Shape, expected: tuple[int, int]) -> None:
    assert fits(center_of(shape, free)) == expected


@pytest.mark.parametrize(
    ("apart", "expected"),
    [
        (LINK, (2, t.NOBODY)),
        (Distance.SWITCH, (2, t.NOBODY)),
        (Distance.HOST, (2, t.NOBODY)),
        (NODE, (4, t.NOBODY)),
        (0, (4, t.NOBODY)),
    ],
)
def test_what_is_nearer_does_for_what_may_be_farther(apart: int, expected: tuple[int, int]) -> None:
    assert fits(center_of(asking(2, apart), "01234567", node=PAIRED)) == expected


def test_a_nodes_part_may_lack_groups_though_each_task_has_one() -> None:
    assert fits(center_of(asking(2, unit=3), "01234567", node=PAIRED)) == (2, t.FAILS_NEAR)


@pytest.mark.parametrize("apart", range(LINK, NODE + 1))
def test_where_nothing_is_known_of_links_no_two_are_near(apart: int) -> None:
    assert fits(center_of(asking(2, apart), "01234567", node=APART)) == (0, t.FAILS_NEAR)
    assert fits(center_of(asking(9, apart), "01234567", node=APART)) == (0, t.FAILS_CLASS)


@pytest.mark.parametrize(
    ("broken", "free", "count", "expected"),
    [
        ("7", "01234567", 4, (1, t.NOBODY)),
        ("37", "01234567", 4, (0, t.FAILS_HEALTH)),
        ("37", "01234567", 3, (2, t.NOBODY)),
        ("7", "0124567", 4, (0, t.FAILS_FREE)),
    ],
)
def test_broken_devices_are_near_and_do_not_serve(
    broken: str, free: str, count: int, expected: tuple[int, int]
) -> None:
    center = center_of(asking(count), free)
    center.devices[0, [int(one) for one in broken], t.HEALTHY] = 0
    assert fits(center) == expected


def test_only_devices_of_types_that_do_count_in_a_group() -> None:
    kinds = (0, 0, 1, 1, 0, 0, 0, 1)
    center = center_of(asking(3), "01234567", node=replace(EIGHT, devices=tuple((kind, True) for kind in kinds)))
    assert fits(center) == (1, t.NOBODY)
    center.devices[0, 4, t.TYPE] = 1
    assert fits(center) == (0, t.FAILS_NEAR)


def test_a_device_of_which_a_part_is_taken_is_no_whole_one() -> None:
    center = center_of(asking(4), "01234567")
    center.devices[0, 0, t.FREE] = 999
    assert fits(center) == (1, t.NOBODY)


@given(NODES, st.integers(2, 3), st.integers(1, 5), st.integers(0, 2), st.data())
def test_tasks_are_those_of_a_plain_count(node: Node, count: int, apart: int, unit: int, data: st.DataObject) -> None:
    shape = Shape(1, 1, devices=count, types=frozenset({0, 1}), unit=unit, apart=apart)
    center, shares = small([node], shapes=[shape]), [data.draw(st.sampled_from([0, 500, 1000])) for _ in node.devices]
    center.devices[0, : len(shares), t.FREE] = shares
    tasks, blocker = fits(center)
    expected = plainly(Free(node, node.cpu, node.memory, shares, node.disk), shape)
    assert tasks == expected
    assert (blocker == t.NOBODY) == (expected >= max(unit, 1))


def test_what_lacks_links_gains_nothing_by_work_ending() -> None:
    assert not may_gain(t.FAILS_NEAR)
    assert may_gain(t.FAILS_FREE)
