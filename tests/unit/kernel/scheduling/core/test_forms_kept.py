"""What is kept for work in one of several forms, and who leaves for it, in small tables."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.forms import (
    reserve_first,
)
from suanli.kernel.scheduling.core.rules import Rules
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.in_forms import (
    NEVER,
    ONE,
    PREEMPTING,
    RULES,
    Run,
    center_of,
)
from tests.unit.kernel.scheduling.core.keeping import kept, promised, reserved
from tests.unit.kernel.scheduling.core.small import run


def reserved_first(center: t.Center, now: int = 0, rules: Rules = RULES) -> tuple[int, int]:
    return reserve_first(center, 0, now, now + 1, rules)


def two_nodes(first: Sequence[tuple[int, int]], second: Sequence[tuple[int, int]]) -> list[Run]:
    """Running work of two nodes: (cpus, end) of each."""
    return [Run({0: cpus}, end) for cpus, end in first] + [Run({1: cpus}, end) for cpus, end in second]


CARDS = [Node(4), Node(2, devices=((0, True),))]
"""A node of four cpus, and one of two with a device."""
ON_FIRST, ON_SECOND = Job(limit=50, shape=Shape(4)), Job(limit=50, need=1, shape=Shape(2, 1, 1, types=ONE))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param([(1, 30)], [(1, 20)], (1, 20), id="the form that can start first"),
        pytest.param([(1, 20)], [(1, 30)], (0, 20), id="whichever that is"),
        pytest.param([(1, 20)], [(1, 20)], (0, 20), id="of equal ones the first"),
        pytest.param([(1, 21)], [(1, 20)], (1, 20), id="by an instant"),
        pytest.param([(1, NEVER)], [(1, 20)], (1, 20), id="one whose start cannot be foreseen is none"),
        pytest.param([(1, 30)], [(1, NEVER)], (0, 30), id="be it the second"),
        pytest.param([(1, NEVER)], [(1, NEVER)], (0, NEVER), id="where none can be foreseen nothing is kept"),
    ],
)
def test_a_place_is_kept_for_the_form_that_can_start_first(
    first: list[tuple[int, int]], second: list[tuple[int, int]], expected: tuple[int, int]
) -> None:
    center = center_of(CARDS, [ON_FIRST, ON_SECOND], two_nodes(first, second))
    assert reserved_first(center) == expected
    form, start = expected
    assert kept(center) == ([] if start == NEVER else [form])
    assert promised(center) == ({} if start == NEVER else {form: 1})
    assert center.sizes[t.HEAD] == form


@pytest.mark.parametrize(
    ("last", "ends", "expected"),
    [
        pytest.param(0, (30, 30), (0, 30), id="for the first, and it is as soon"),
        pytest.param(1, (30, 30), (0, 30), id="for the second: of equal ones it is the first all the same"),
        pytest.param(0, (30, 20), (1, 20), id="for the first, and the second can start sooner"),
        pytest.param(1, (20, 30), (0, 20), id="for the second, and the first can"),
        pytest.param(1, (31, 30), (1, 30), id="for the second, which stays the sooner"),
    ],
)
def test_for_whom_a_place_was_kept_before_decides_nothing(
    last: int, ends: tuple[int, int], expected: tuple[int, int]
) -> None:
    center = center_of(CARDS, [ON_FIRST, ON_SECOND], two_nodes([(1, ends[0])], [(1, ends[1])]))
    assert reserved(center, last) == ends[last]
    assert reserved_first(center) == expected
    assert kept(center) == [expected[0]]
    assert promised(center) == {expected[0]: 1}
    assert center.both_nodes[expected[0], t.FREE_CPU] == 0


@pytest.mark.parametrize("last", [0, 1])
def test_what_is_remembered_of_one_form_makes_no_difference(last: int) -> None:
    """In a turn before the place was kept for one of them; now the ends are others."""
    center = center_of(CARDS, [ON_FIRST, ON_SECOND], two_nodes([(1, 30)], [(1, 30)]))
    assert reserved(center, last) == 30
    # Somebody takes the last cpus of the first node, until 90.
    run(center, 4, 90, {0: 3})
    assert reserved_first(center) == (1, 30)
    assert promised(center) == {1: 1}


def test_a_form_that_may_not_wait_is_not_kept_for() -> None:
    """The first could start first; but it would be late, a bound or a license is in its way, or it can never be."""
    for setting in range(4):
        center = center_of(CARDS, [ON_FIRST, ON_SECOND], two_nodes([(1, 20)], [(1, 30)]), licenses=1)
        if setting == 0:
            center.jobs[0, t.START_BY] = -1
        elif setting == 1:
            center.associations[0, 0] = 0
            center.bounds[0, :, t.CPU_ASKED] = (0, 3)
            center.asks[0, t.CPU_ASKED] = 4
        elif setting == 2:
            center.asks[0, t.AMOUNTS] = 1
        else:
            center.kinds[0, t.IMPOSSIBLE] = 1
        assert reserved_first(center) == (1, 30)


def test_a_form_that_starts_too_late_for_its_deadline_is_kept_for_all_the_same() -> None:
    """Whether it may wait goes by the present: what is past its last moment only then is told by an explanation."""
    center = center_of(CARDS, [ON_FIRST, ON_SECOND], two_nodes([(1, 20)], [(1, 30)]))
    center.jobs[0, t.START_BY] = 5
    assert reserved_first(center) == (0, 20)


def test_nobody_leaves_where_one_form_has_room_once_all_have_left_that_were_asked_to() -> None:
    center = center_of(CARDS, [ON_FIRST, ON_SECOND], [Run({0: 1}, 90, True), Run({1: 1}, t.LEAVES, True)])
    center.keys[0, :4] = (0, 0, 5, 5)
    assert reserved_first(center, rules=PREEMPTING) == (1, 1)
    assert center.sizes[t.LEAVING_SIZE] == 0


def test_running_work_leaves_for_the_first_form_that_this_helps() -> None:
    """On the first node somebody stays, so the second form is the one that it helps."""
    center = center_of(CARDS, [ON_FIRST, ON_SECOND], [Run({0: 1}, 90), Run({1: 1}, 95, True)])
    center.keys[0, :4] = (0, 0, 5, 5)
    assert reserved_first(center, rules=PREEMPTING) == (1, 1)
    assert center.lists[t.LEAVING, : center.sizes[t.LEAVING_SIZE]].tolist() == [3]
    assert center.jobs[3, t.END] == t.LEAVES


def test_running_work_leaves_for_one_form_alone() -> None:
    center = center_of(CARDS, [ON_FIRST, ON_SECOND], [Run({0: 1}, 90, True), Run({1: 1}, 95, True)])
    center.keys[0, :4] = (0, 0, 5, 5)
    assert reserved_first(center, rules=PREEMPTING) == (0, 1)
    assert center.lists[t.LEAVING, : center.sizes[t.LEAVING_SIZE]].tolist() == [2]


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 40)), min_size=1, max_size=4),
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.integers(-1, 3),
    st.integers(0, 3),
)
def test_the_form_kept_for_is_the_first_of_those_with_the_first_start(
    runs: list[tuple[int, int]], needs: list[int], last: int, ended: int
) -> None:
    """A node for each run of six cpus of which it has some; by form the first instant at which all of it fits."""
    center = center_of(
        [Node(6)] * len(runs),
        [Job(limit=50, need=6 * len(runs) - 6 + need) for need in needs],
        [Run({node: cpus}, end) for node, (cpus, end) in enumerate(runs)],
    )

    def plainly(need: int) -> int:
        for instant in sorted({end for _, end in runs}):
            if sum(6 - (cpus if end > instant else 0) for cpus, end in runs) >= need:
                return instant
        return NEVER

    if 0 <= last < len(needs):
        # In the turn before, the place was kept for this one; and then somebody ended.
        reserved(center, last)
        if ended < len(runs):
            changes.end(center, len(needs) + ended)
            runs = [one if place != ended else (0, 1) for place, one in enumerate(runs)]
        center.sizes[t.TURN] += 1
    starts = [plainly(6 * len(runs) - 6 + need) for need in needs]
    fits_now = [6 * len(runs) - 6 + need <= sum(6 - cpus for cpus, _ in runs) for need in needs]
    if any(fits_now):
        return
    assert reserved_first(center) == (starts.index(min(starts)), min(starts))
