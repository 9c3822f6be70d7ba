"""Which devices of a node are taken by work that ranks them, and by work that does not."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.merits import next_device, ranks_types, worst_taken
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WORST_FIT, score
from tests.unit.kernel.scheduling.core.center import Node, Shape
from tests.unit.kernel.scheduling.core.small import small

GOOD, BAD = True, False


def center_of(devices: tuple[tuple[int, bool], ...], pursues: int = t.BY_RANK, **shape: Any) -> t.Center:
    """One node, and one shape whose ranks are those of ``RANKS``."""
    center = small([Node(9, devices=devices)], shapes=[Shape(0, 0, devices=1, types=frozenset({0, 1, 2}), **shape)])
    center.shapes[0, t.PURSUES] = pursues
    center.merits[0, t.RANK, :3] = (2.0, 0.0, 1.0)
    center.merits[0, t.TAKES, :3] = (50.0, 10.0, 30.0)
    return center


@pytest.mark.parametrize(("pursues", "ranks"), [(0, False), (t.BY_WORK, False), (t.BY_RANK, True), (t.BY_TIME, True)])
def test_only_an_objective_of_its_own_ranks_types(pursues: int, ranks: bool) -> None:
    assert ranks_types(center_of(((0, GOOD),), pursues), 0) is ranks


@pytest.mark.parametrize("types", list(permutations((0, 1, 2))))
def test_devices_are_taken_in_the_order_of_their_ranks(types: tuple[int, ...]) -> None:
    center = center_of(tuple((kind, GOOD) for kind in types))
    taken, order = 0, []
    while (position := next_device(center, center.devices[0], 0, taken)) >= 0:
        taken |= 1 << position
        order.append(types[position])
    assert order == [1, 2, 0]


@pytest.mark.parametrize("types", list(permutations((0, 1, 2))))
def test_without_ranks_the_first_of_equally_free_ones_is_taken(types: tuple[int, ...]) -> None:
    center = center_of(tuple((kind, GOOD) for kind in types), 0)
    assert next_device(center, center.devices[0], 0, 0) == 0


@pytest.mark.parametrize(
    ("pursues", "free", "expected"),
    [
        # Types 0, 1, 1: of one rank the tightest that holds the share.
        (t.BY_RANK, (1000, 1000, 600), 2),
        (t.BY_RANK, (500, 1000, 600), 2),
        (t.BY_RANK, (500, 600, 600), 1),
        (t.BY_RANK, (500, 400, 499), 0),
        (t.BY_RANK, (499, 400, 499), -1),
        (0, (1000, 1000, 600), 2),
        (0, (500, 1000, 600), 0),
        (0, (500, 500, 500), 0),
    ],
)
def test_of_one_rank_the_tightest_is_taken(pursues: int, free: tuple[int, ...], expected: int) -> None:
    center = center_of(((0, GOOD), (1, GOOD), (1, GOOD)), pursues, share=500)
    center.devices[0, :3, t.FREE] = free
    assert next_device(center, center.devices[0], 0, 0) == expected


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        (((1, BAD), (2, GOOD), (0, GOOD)), 1),
        (((1, BAD), (2, BAD), (0, GOOD)), 2),
        (((1, BAD), (2, BAD), (0, BAD)), -1),
        (((-1, GOOD), (-1, GOOD), (0, GOOD)), 2),
    ],
)
def test_what_is_broken_or_not_there_is_not_taken(devices: tuple[tuple[int, bool], ...], expected: int) -> None:
    center = center_of(devices)
    assert next_device(center, center.devices[0], 0, 0) == expected


@pytest.mark.parametrize(
    ("tasks", "rank", "takes"), [(0, 0.0, 0.0), (1, 0.0, 10.0), (2, 1.0, 30.0), (3, 2.0, 50.0), (4, 2.0, 50.0)]
)
def test_the_worst_of_what_tasks_take_is_told(tasks: int, rank: float, takes: float) -> None:
    center = center_of(((0, GOOD), (1, GOOD), (2, GOOD)))
    assert worst_taken(center, center.devices[0], 0, tasks, t.RANK) == rank
    assert worst_taken(center, center.devices[0], 0, tasks, t.TAKES) == takes


def test_shares_of_one_device_are_taken_before_a_worse_one() -> None:
    center = center_of(((0, GOOD), (1, GOOD)), share=500)
    assert [worst_taken(center, center.devices[0], 0, tasks, t.RANK) for tasks in (1, 2, 3)] == [0.0, 0.0, 2.0]


@pytest.mark.parametrize("policy", [FIRST_FIT, BEST_FIT, WORST_FIT])
@pytest.mark.parametrize(("better", "worse"), [(1, 2), (2, 0), (1, 0)])
def test_a_better_rank_outweighs_any_score(policy: int, better: int, worse: int) -> None:
    nodes = [Node(9, devices=((better, GOOD),) * 3), Node(9, devices=((worse, GOOD),) * 3)]
    center = small(nodes, shapes=[Shape(1, 1, devices=1, types=frozenset({0, 1, 2}))])
    center.shapes[0, t.PURSUES] = t.BY_RANK
    center.merits[0, t.RANK, :3] = (2.0, 0.0, 1.0)
    for used in ((0, 0), (0, 2), (2, 0)):
        for node, count in enumerate(used):
            center.devices[node, :, t.FREE] = np.where(np.arange(3) < count, 0, t.WHOLE)
        assert score(center, policy, 0, 0) < score(center, policy, 0, 1)
