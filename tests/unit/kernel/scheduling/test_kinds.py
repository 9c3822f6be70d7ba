"""How many rows a turn may take for what it lets start."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.kinds import rows_for, rows_of
from suanli.model.devices import DeviceClass

WIDTH = 8
"""Device positions of a node."""


def demand(tasks: int, nodes: int = 0, devices: int = 0, *, exclusive: bool = False) -> Demand:
    plain = Demand(tasks, nodes, exclusive, 1000, 1)
    return plain._replace(device_class=DeviceClass.GPU, device_count=devices, device_share=1000) if devices else plain


@pytest.mark.parametrize(
    ("of", "holds", "device_holds"),
    [
        pytest.param(demand(1), 1, 0, id="one task"),
        pytest.param(demand(6), 6, 0, id="each task may lie on a node of its own"),
        pytest.param(demand(6, 2), 2, 0, id="so many nodes"),
        pytest.param(demand(6, devices=2), 6, 12, id="devices of each task"),
        pytest.param(demand(6, 3, devices=2), 3, 12, id="of tasks, whatever the nodes"),
        pytest.param(demand(6, exclusive=True), 6, 48, id="alone: all devices of each node"),
        pytest.param(demand(6, 2, exclusive=True), 2, 16, id="alone on so many nodes"),
        pytest.param(demand(6, 2, devices=1, exclusive=True), 2, 16, id="alone: all, not those asked for"),
    ],
)
def test_the_most_rows_that_one_takes(of: Demand, holds: int, device_holds: int) -> None:
    assert rows_of(of, WIDTH) == (holds, device_holds)


def test_a_wider_center_makes_more_rows_for_what_is_alone() -> None:
    assert [rows_of(demand(2, exclusive=True), width)[1] for width in (0, 1, 4)] == [0, 2, 8]


def most(amounts: list[int], waiting: list[int], placements: int) -> int:
    """By choosing the dearest that wait, one by one."""
    every = sorted((amount for amount, count in zip(amounts, waiting, strict=True) for _ in range(count)), reverse=True)
    return sum(every[:placements])


@pytest.mark.parametrize(
    ("amounts", "waiting", "placements", "left", "rows"),
    [
        pytest.param([], [], 5, 0, 0, id="nothing waits"),
        pytest.param([3], [9], 2, 0, 6, id="one kind of which enough wait"),
        pytest.param([3], [1], 2, 0, 3, id="one kind of which too few wait"),
        pytest.param([3, 5], [9, 1], 3, 0, 11, id="the dearest first"),
        pytest.param([5, 3], [1, 9], 3, 0, 11, id="in whatever order"),
        pytest.param([5, 3, 1], [1, 1, 1], 9, 0, 9, id="all of them"),
        pytest.param([4, 4], [1, 1], 9, 0, 8, id="equally dear ones"),
        pytest.param([5, 3], [1, 9], 3, 15, 15, id="no more than a bound where that is there anyway"),
        pytest.param([5, 3], [1, 9], 3, 14, 11, id="and exactly where it is not"),
        pytest.param([5, 3], [0, 0], 3, 0, 0, id="kinds of which nobody waits"),
        pytest.param([5, 3], [2, 2], 0, 0, 0, id="no placements"),
    ],
)
def test_the_most_rows_that_so_many_placements_take(
    amounts: list[int], waiting: list[int], placements: int, left: int, rows: int
) -> None:
    assert rows_for(np.array(amounts, dtype=np.int64), np.array(waiting, dtype=np.int64), placements, left) == rows


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=6), st.integers(0, 9), st.integers(0, 60))
def test_never_too_few_and_exact_where_there_might_be(kinds: list[tuple[int, int]], placements: int, left: int) -> None:
    amounts, waiting = [amount for amount, _ in kinds], [count for _, count in kinds]
    found = rows_for(np.array(amounts, dtype=np.int64), np.array(waiting, dtype=np.int64), placements, left)
    exact = most(amounts, waiting, placements)
    assert found >= exact
    assert found == exact or found <= left


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=4), st.integers(0, 4))
def test_no_choice_takes_more(kinds: list[tuple[int, int]], placements: int) -> None:
    every = [amount for amount, count in kinds for _ in range(count)]
    choices = (sum(some) for size in range(placements + 1) for some in combinations(every, min(size, len(every))))
    amounts = np.array([amount for amount, _ in kinds], dtype=np.int64)
    waiting = np.array([count for _, count in kinds], dtype=np.int64)
    assert rows_for(amounts, waiting, placements, -1) == max(choices, default=0)
