"""What a shape must keep off at another instant than the present, and when a window may let it have nodes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh, tasks_on
from suanli.kernel.scheduling.core.score import BEST_FIT
from suanli.kernel.scheduling.core.windows import is_crossed, next_opening, see, see_at
from tests.unit.kernel.scheduling.core.center import Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, small

NEVER, CLOSED = t.NEVER, t.CLOSED


def center_of(windows: list[tuple[int, int]], within: int = 0) -> t.Center:
    """Of the second shape; node n lies in the windows whose bits n has."""
    nodes = [Node(4, windows=bits) for bits in range(8)]
    center = small(nodes, shapes=[Shape(9), Shape(1, within=within)])
    for bit, times in enumerate(windows):
        center.windows[bit] = times
    # What is beyond the windows that there are is not looked at.
    center.windows[len(windows)] = (-NEVER, NEVER)
    center.sizes[t.WINDOWS_SIZE] = len(windows)
    for shape in range(2):
        refresh(center, shape, BEST_FIT)
    return center


TWO = [(100, 200), (150, 300)]


@pytest.mark.parametrize(
    ("within", "limit", "instant", "kept_off", "expected"),
    [
        # Work of 50 runs into a window that begins before it would end.
        (0, 50, 0, 0b00, 0),
        (0, 50, 50, 0b00, 0),
        (0, 50, 51, 0b01, 0),
        (0, 50, 100, 0b01, 0),
        (0, 50, 101, 0b11, 0),
        (0, 50, 150, 0b11, 0),
        (0, 50, 199, 0b11, 0),
        (0, 50, 200, 0b10, 0),
        (0, 50, 299, 0b10, 0),
        (0, 50, 300, 0b00, 0),
        (0, 50, 999, 0b00, 0),
        # Longer and shorter work.
        (0, 1, 99, 0b00, 0),
        (0, 1, 100, 0b01, 0),
        (0, 1, 149, 0b01, 0),
        (0, 1, 150, 0b11, 0),
        (0, 100, 0, 0b00, 0),
        (0, 101, 0, 0b01, 0),
        (0, 150, 0, 0b01, 0),
        (0, 151, 0, 0b11, 0),
        (0, NEVER, 0, 0b11, 0),
        (0, NEVER, 250, 0b10, 0),
        (0, NEVER, 300, 0b00, 0),
        # Who names the first window must begin and end in it, and keeps off the other.
        (0b01, 50, 99, 0b00, 0b01 | CLOSED),
        (0b01, 50, 100, 0b00, 0b01),
        (0b01, 50, 101, 0b10, 0b01),
        (0b01, 50, 150, 0b10, 0b01),
        (0b01, 50, 151, 0b10, 0b01 | CLOSED),
        (0b01, 100, 100, 0b10, 0b01),
        (0b01, 101, 100, 0b10, 0b01 | CLOSED),
        (0b01, 1, 199, 0b10, 0b01),
        (0b01, 1, 200, 0b10, 0b01 | CLOSED),
        (0b01, 1, 300, 0b00, 0b01 | CLOSED),
        (0b01, NEVER, 100, 0b10, 0b01 | CLOSED),
        # So it is of the second.
        (0b10, 50, 149, 0b01, 0b10 | CLOSED),
        (0b10, 50, 150, 0b01, 0b10),
        (0b10, 50, 200, 0b00, 0b10),
        (0b10, 50, 250, 0b00, 0b10),
        (0b10, 50, 251, 0b00, 0b10 | CLOSED),
        # One that was closed at the present opens at its time; one that is not known never does.
        (0b01 | CLOSED, 50, 120, 0b10, 0b01),
        (0b01 | CLOSED, 50, 99, 0b00, 0b01 | CLOSED),
        (CLOSED, 50, 120, 0b11, CLOSED),
        (CLOSED, 50, 999, 0b00, CLOSED),
    ],
)
def test_a_shape_is_seen_as_at_an_instant(within: int, limit: int, instant: int, kept_off: int, expected: int) -> None:
    center = center_of(TWO, within)
    before = center.copied()
    see_at(center, 1, limit, instant)
    assert center.shapes[1, [t.KEPT_OFF, t.WITHIN]].tolist() == [kept_off, expected]
    fitting = [tasks_on(center.nodes, center.devices, center.shapes, 1, node)[0] for node in range(8)]
    assert center.tasks[1].tolist() == fitting
    assert center.total[1].tolist() == [sum(fitting)]
    assert changed(before, center) <= {"shapes", "tasks", "total"}
    assert center.shapes[0].tolist() == before.shapes[0].tolist()


def test_nodes_for_which_nothing_is_different_are_not_judged() -> None:
    center = center_of(TWO)
    center.tasks[1] = 77
    see(center, 1, 0, 0)
    assert center.tasks[1].tolist() == [77] * 8
    see(center, 1, 0b10, 0)
    assert center.tasks[1].tolist() == [77, 77, 0, 0, 77, 77, 0, 0]
    see(center, 1, 0b11, 0)
    assert center.tasks[1].tolist() == [77, 0, 0, 0, 77, 0, 0, 0]
    see(center, 1, 0b01, 0)
    assert center.tasks[1].tolist() == [77, 0, 4, 0, 77, 0, 4, 0]
    # Where it must lie is of all nodes.
    see(center, 1, 0b01, 0b100)
    assert center.tasks[1].tolist() == [0, 0, 0, 0, 4, 0, 4, 0]
    see(center, 1, 0, 0)
    assert center.tasks[1].tolist() == [4] * 8


def test_a_shape_moves_from_one_set_of_windows_to_another() -> None:
    center = center_of(TWO)
    for kept_off in range(4):
        for within in (0, 1, 2, CLOSED, 1 | CLOSED):
            see(center, 1, kept_off, within)
            for node in range(8):
                is_open = node & kept_off == 0 and within & ~node == 0
                assert center.tasks[1, node] == (4 if is_open else 0)
            assert center.total[1, 0] == center.tasks[1].sum()
            assert center.shapes[1, [t.KEPT_OFF, t.WITHIN]].tolist() == [kept_off, within]


@pytest.mark.parametrize(
    ("windows", "within", "instant", "expected"),
    [
        ([], 0, 0, NEVER),
        # A window lets others have its nodes when it ends.
        (TWO, 0, 0, 200),
        (TWO, 0, 199, 200),
        (TWO, 0, 200, 300),
        (TWO, 0, 299, 300),
        (TWO, 0, 300, NEVER),
        (TWO, 0, 999, NEVER),
        ([(150, 300), (100, 200)], 0, 0, 200),
        ([(150, 300), (100, 200)], 0, 200, 300),
        ([(0, 50), (0, 50)], 0, 0, 50),
        ([(0, 50), (0, 50)], 0, 50, NEVER),
        ([(5, NEVER)], 0, 0, NEVER),
        # And who names it when it begins.
        (TWO, 0b01, 0, 100),
        (TWO, 0b01, 99, 100),
        (TWO, 0b01, 100, 300),
        (TWO, 0b01, 300, NEVER),
        (TWO, 0b10, 0, 150),
        (TWO, 0b10, 149, 150),
        (TWO, 0b10, 150, 200),
        (TWO, 0b10, 200, NEVER),
        (TWO, 0b01 | CLOSED, 0, 100),
        (TWO, 0b10 | CLOSED, 0, 150),
        (TWO, CLOSED, 0, 200),
        ([(-5, 7)], 0b1, 0, NEVER),
    ],
)
def test_the_next_opening_is_after_an_instant(
    windows: list[tuple[int, int]], within: int, instant: int, expected: int
) -> None:
    assert next_opening(center_of(windows, within), 1, instant) == expected


ONE = [(100, 200)]


@pytest.mark.parametrize(
    ("windows", "within", "limit", "now", "start", "expected"),
    [
        ([], 0, 50, 0, 500, False),
        # A window that it does not meet now, and would at the start.
        (ONE, 0, 50, 0, 40, False),
        (ONE, 0, 50, 0, 50, False),
        (ONE, 0, 50, 0, 51, True),
        (ONE, 0, 50, 0, 120, True),
        (ONE, 0, 50, 50, 51, True),
        (ONE, 0, 50, 0, 500, True),
        (ONE, 0, 100, 0, 1, True),
        (ONE, 0, 100, 0, 0, False),
        # One that it meets now all the while until the start is heeded at the present already.
        (ONE, 0, 101, 0, 50, False),
        (ONE, 0, 101, 0, 199, False),
        (ONE, 0, 101, 0, 200, True),
        (ONE, 0, 50, 120, 150, False),
        (ONE, 0, 50, 120, 199, False),
        (ONE, 0, 50, 120, 200, True),
        (ONE, 0, 50, 199, 200, True),
        # One that is past is none.
        (ONE, 0, 50, 200, 500, False),
        (ONE, 0, 50, 201, 500, False),
        # Without an end in sight.
        (ONE, 0, 50, 0, NEVER, True),
        (ONE, 0, NEVER, 0, 10, False),
        (ONE, 0, NEVER, 0, 200, True),
        (ONE, 0, NEVER, 200, NEVER, False),
        (ONE, 0, NEVER, 150, NEVER, True),
        # Its own: it opens, or what is left of it becomes too short.
        (ONE, 0b1, 50, 0, 99, False),
        (ONE, 0b1, 50, 0, 100, True),
        (ONE, 0b1, 50, 99, 100, True),
        (ONE, 0b1, 50, 100, 149, False),
        (ONE, 0b1, 50, 100, 150, False),
        (ONE, 0b1, 50, 100, 151, True),
        (ONE, 0b1, 50, 150, 151, True),
        (ONE, 0b1, 50, 151, 500, False),
        (ONE, 0b1, 50, 150, NEVER, True),
        (ONE, 0b1, 101, 100, 100, False),
        # Either of two.
        ([(100, 200), (900, 999)], 0, 50, 0, 40, False),
        ([(100, 200), (900, 999)], 0, 50, 200, 860, True),
        ([(900, 999), (100, 200)], 0, 50, 0, 60, True),
        ([(100, 200), (900, 999)], 0b10, 50, 200, 899, False),
        ([(100, 200), (900, 999)], 0b10, 50, 200, 900, True),
    ],
)
def test_a_start_lies_past_a_window_where_something_else_must_be_heeded_on_the_way(
    windows: list[tuple[int, int]], within: int, limit: int, now: int, start: int, expected: bool
) -> None:
    assert is_crossed(center_of(windows, within), 1, limit, now, start) is expected


@given(seed=st.integers(0, 2**32))
def test_where_no_window_is_crossed_every_instant_is_like_the_present(seed: int) -> None:
    chance = Random(seed)
    windows = []
    for _ in range(chance.randint(0, 3)):
        begins = chance.randint(0, 30)
        windows.append((begins, begins + chance.randint(1, 20)))
    within = chance.choice([0, 0, 1, 2, CLOSED]) if len(windows) > 1 else 0
    center, limit, now = center_of(windows, within), chance.choice([1, 5, 20, NEVER]), chance.randint(0, 30)
    start = now + chance.randint(0, 30)
    heeded, openings, allowed = set[tuple[int, int]](), [], []
    for instant in range(now, start + 1):
        see_at(center, 1, limit, instant)
        kept_off, inside = center.shapes[1, [t.KEPT_OFF, t.WITHIN]].tolist()
        heeded.add((kept_off, inside))
        openings.append(next_opening(center, 1, instant))
        allowed.append({node for node in range(8) if node & kept_off == 0 and inside & ~node == 0})
    if within == 0:
        assert is_crossed(center, 1, limit, now, start) is (len(heeded) > 1)
    elif not is_crossed(center, 1, limit, now, start):
        # Of its own window it is said to be crossed though it may be closed all the while.
        assert len(heeded) == 1
    for place, opening in enumerate(openings[:-1]):
        if not allowed[place + 1] <= allowed[place]:
            assert opening == now + place + 1
