"""Work in one of several forms, in small tables: which starts, what becomes of the others, what is kept for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.forms import (
    HELD_BACK,
    NO_ROOM,
    STARTED,
    TOO_LONG,
    attempt,
)
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.in_forms import (
    NEVER,
    NOBODY,
    ONE,
    TURN,
    Run,
    blocked,
    center_of,
    too_long,
    tried,
)
from tests.unit.kernel.scheduling.core.keeping import kept, reserved
from tests.unit.kernel.scheduling.core.small import device_holds, free, holds, run

# One job alone.


def test_a_job_that_has_room_starts_and_runs_to_its_limit() -> None:
    center = center_of([Node(4)], [], others=[Job(limit=30, need=3)])
    assert attempt(center, 0, 0, (5, 5, False, True), BEST_FIT) == (0, STARTED, 0)
    assert holds(center, 0) == [(0, 3, 3, 3, 0)]
    assert free(center, 0) == (1, 97, 1, 0)
    assert center.jobs[0, t.END] == 35
    assert (blocked(center), too_long(center)) == ([], [])


@pytest.mark.parametrize(
    ("waiting", "before", "found"),
    [
        pytest.param(1, 0, 1, id="its kind is blocked from now on"),
        pytest.param(3, TURN - 1, 1, id="as are three, whatever was so in the last turn"),
        pytest.param(1, TURN, 0, id="it was known already"),
        pytest.param(0, 0, 0, id="nobody waits of it any more"),
    ],
)
def test_a_job_without_room_blocks_its_kind_once(waiting: int, before: int, found: int) -> None:
    center = center_of([Node(4)], [], others=[Job(need=5)])
    center.kinds[0, [t.WAITING_OF, t.BLOCKED]] = (waiting, before)
    assert attempt(center, 0, 0, (0, 0, False, True), BEST_FIT) == (0, NO_ROOM, found)
    assert blocked(center) == [0]
    assert holds(center, 0) == []


@pytest.mark.parametrize(
    ("spare", "long", "outcome"),
    [
        pytest.param(0, False, STARTED, id="gone before the head starts: two are free"),
        pytest.param(0, True, TOO_LONG, id="it would stay, and the head wants all four"),
        pytest.param(1, True, TOO_LONG, id="one is left beside the head, and it wants two"),
    ],
)
def test_who_would_stay_starts_only_beside_what_is_kept(spare: int, long: bool, outcome: int) -> None:
    center = center_of([Node(4 + spare)], [], [Run({0: 2}, 10)], [Job(limit=50, need=4), Job(limit=50, need=2)])
    assert reserved(center, 0) == 10
    assert attempt(center, 1, 1, (0, 0, long, True), BEST_FIT) == (1, outcome, 0)
    assert bool(holds(center, 1)) is (outcome == STARTED)
    assert too_long(center) == ([1] if outcome == TOO_LONG else [])
    assert blocked(center) == []


@pytest.mark.parametrize("kinds", [0, 32])
@pytest.mark.parametrize(
    ("long", "need", "node"),
    [
        pytest.param(False, 1, 0, id="who is gone in time has the fuller node, that is kept"),
        pytest.param(True, 1, 1, id="who stays has the other"),
        pytest.param(False, 3, 1, id="which is the only one with room for three"),
        pytest.param(True, 3, 1, id="and that for long"),
        pytest.param(False, 5, None, id="both together have room for five"),
        pytest.param(True, 5, -1, id="but not beside what is kept"),
    ],
)
def test_where_a_job_goes_is_the_same_by_the_index_and_by_what_is_remembered(
    kinds: int, long: bool, need: int, node: int | None
) -> None:
    """Of two nodes of four cpus the first has two, and is kept whole from 10 on; with many kinds the index is asked."""
    center = center_of([Node(4), Node(4)], [], [Run({0: 2}, 10)], [Job(shape=Shape(4)), Job(limit=50, need=need)])
    run(center, 2 + 1, 99, {1: 1})
    # The head's shape of a whole node fits neither now.
    assert reserved(center, 0) == 10
    center.sizes[t.KINDS] = kinds
    _, outcome, _ = attempt(center, 1, 1, (0, 0, long, True), BEST_FIT)
    assert outcome == (TOO_LONG if node == -1 else STARTED)
    assert bool(center.shapes[center.jobs[1, t.SHAPE], t.SEEN] == NOBODY) is (kinds > 0)
    if node is None:
        assert {row[0]: row[1] for row in holds(center, 1)} == {1: 3, 0: 2}
    elif node >= 0:
        assert [row[:2] for row in holds(center, 1)] == [(node, need)]


@pytest.mark.parametrize(
    ("limit", "draws", "outcome"),
    [
        pytest.param(10, 9, STARTED, id="gone when the other starts"),
        pytest.param(11, 3, STARTED, id="it stays, and draws what is spare"),
        pytest.param(11, 4, TOO_LONG, id="or more than that"),
    ],
)
def test_power_that_is_kept_is_kept_from_who_would_stay(limit: int, draws: int, outcome: int) -> None:
    center = center_of([Node(9)], [], others=[Job(limit=limit)])
    center.kinds[0, t.DRAWS] = draws
    center.draws[0, 0] = 1000 * draws
    center.sizes[[t.POWER_CAP, t.POWER_KEPT_FROM, t.POWER_SPARE]] = (20, 10, 3)
    assert attempt(center, 0, 0, (0, 0, limit > 10, True), BEST_FIT)[1] == outcome
    taken = outcome == STARTED and limit > 10
    assert center.sizes[t.POWER_SPARE] == (3 - draws if taken else 3)
    assert center.sizes[t.POWER_IN_USE] == (draws if outcome == STARTED else 0)


@pytest.mark.parametrize(
    ("limit", "tasks"),
    [
        pytest.param(10, 11, id="gone when the other starts: as many as it may have"),
        pytest.param(11, 5, id="it stays: as many as what is spare will feed"),
    ],
)
def test_tasks_beyond_the_need_draw_of_what_is_spare_only_where_they_stay(limit: int, tasks: int) -> None:
    """Two tasks are needed and nine more may be; each draws a milliwatt, and five are spare from 10 on."""
    center = center_of([Node(20)], [], others=[Job(limit=limit, need=2)])
    center.jobs[0, t.MORE] = 9
    center.kinds[0, t.DRAWS] = 2
    center.draws[0, 0] = 1000
    center.sizes[[t.POWER_CAP, t.POWER_KEPT_FROM, t.POWER_SPARE]] = (20, 10, 5)
    assert attempt(center, 0, 0, (0, 0, limit > 10, True), BEST_FIT)[1] == STARTED
    assert holds(center, 0) == [(0, tasks, tasks, tasks, 0)]
    assert center.sizes[t.POWER_IN_USE] == tasks


@pytest.mark.parametrize(
    ("limit", "known", "expected"),
    [
        pytest.param(50, False, (0, STARTED, 0), id="it stays, and there is room beside the head"),
        pytest.param(50, True, (0, HELD_BACK, 0), id="its kind is known to be too long: it is not tried"),
        pytest.param(5, True, (0, STARTED, 0), id="it is gone in time, whatever is known of longer work"),
    ],
)
def test_what_is_known_of_long_work_concerns_long_work_alone(
    limit: int, known: bool, expected: tuple[int, int, int]
) -> None:
    center = center_of([Node(8)], [Job(limit=limit, need=1)], [Run({0: 5}, 10)], [Job(limit=50, need=4)])
    assert reserved(center, 1) == 10
    if known:
        center.kinds[0, t.LONG] = TURN
    assert tried(center, head_start=10) == expected


def test_what_a_long_job_takes_is_no_more_there_when_the_head_starts() -> None:
    center = center_of([Node(8)], [], [Run({0: 5}, 10)], [Job(limit=50, need=4), *[Job(limit=50, need=2)] * 3])
    assert reserved(center, 0) == 10
    # Beside the head are four cpus from 10 on, and three are free now: two have one of the jobs, then one is left.
    assert attempt(center, 1, 1, (0, 0, True, True), BEST_FIT)[1] == STARTED
    assert kept(center) == [0]
    assert center.then_nodes[0, t.FREE_CPU] == 2
    assert center.both_nodes[0, t.FREE_CPU] == 1
    assert attempt(center, 2, 2, (0, 0, True, True), BEST_FIT)[1] == NO_ROOM


def test_what_a_short_job_takes_leaves_the_heads_start_as_it_was() -> None:
    center = center_of([Node(8)], [], [Run({0: 5}, 10)], [Job(limit=50, need=4), Job(limit=50, need=2)])
    assert reserved(center, 0) == 10
    assert attempt(center, 1, 1, (0, 0, False, True), BEST_FIT)[1] == STARTED
    assert center.then_nodes[0, t.FREE_CPU] == 4
    assert center.both_nodes[0, t.FREE_CPU] == 1


def test_moldable_work_has_beside_the_head_what_is_left_there() -> None:
    center = center_of([Node(8)], [], [Run({0: 3}, 10)], [Job(limit=50, need=6), Job(limit=50), Job(limit=50)])
    center.jobs[[1, 2], t.MORE] = 7
    assert reserved(center, 0) == 10
    assert attempt(center, 1, 1, (0, 0, True, True), BEST_FIT)[1] == STARTED
    assert holds(center, 1) == [(0, 2, 2, 2, 0)]
    assert attempt(center, 2, 2, (0, 0, False, True), BEST_FIT)[1] == STARTED
    assert holds(center, 2) == [(0, 3, 3, 3, 0)]


# Several forms.

WIDE, NARROW, CARD = Job(limit=50, need=4), Job(limit=60, need=2), Job(limit=70, shape=Shape(1, 1, 1, types=ONE))


@pytest.mark.parametrize(
    ("cpus", "cards", "form"),
    [
        pytest.param(4, 0, 0, id="the first where there is room for it"),
        pytest.param(9, 1, 0, id="though others would do as well"),
        pytest.param(3, 1, 1, id="else the second"),
        pytest.param(2, 1, 1, id="that just fits"),
        pytest.param(1, 1, 2, id="else the third"),
    ],
)
def test_the_first_form_that_has_room_starts(cpus: int, cards: int, form: int) -> None:
    center = center_of([Node(cpus, devices=((0, True),) * cards)], [WIDE, NARROW, CARD])
    # Of those that it passes over each kind is known to be blocked.
    assert tried(center) == (form, STARTED, form)
    assert [bool(holds(center, row)) for row in range(3)] == [row == form for row in range(3)]
    assert bool(device_holds(center, form)) is (form == 2)
    assert center.jobs[form, t.END] == [50, 60, 70][form]
    assert blocked(center) == [*range(form)]


def test_where_none_has_room_all_are_blocked_and_so_are_they_together() -> None:
    center = center_of([Node(1)], [WIDE, NARROW])
    assert tried(center) == (0, NO_ROOM, 2)
    assert blocked(center) == [0, 1, 2]
    # Asked again, nothing is new.
    assert tried(center) == (0, NO_ROOM, 0)


@pytest.mark.parametrize(
    ("now", "by", "expected"),
    [
        pytest.param(5, [5, 9], (0, STARTED), id="just in time"),
        pytest.param(6, [5, 9], (1, STARTED), id="too late for the first, in time for the second"),
        pytest.param(10, [5, 9], (0, HELD_BACK), id="too late for both: what is in their way is no room"),
    ],
)
def test_a_form_that_would_be_done_too_late_does_not_start(now: int, by: list[int], expected: tuple[int, int]) -> None:
    center = center_of([Node(9)], [WIDE, NARROW])
    center.jobs[:2, t.START_BY] = by
    assert tried(center, now=now)[:2] == expected
    assert blocked(center) == []


def test_a_form_that_a_bound_leaves_too_little_for_is_passed_over() -> None:
    center = center_of([Node(9)], [WIDE, NARROW])
    center.associations[0, 0] = 0
    center.bounds[0, :, t.CPU_ASKED] = (5, 7)
    center.asks[:2, t.CPU_ASKED] = (4, 2)
    assert tried(center) == (1, STARTED, 0)
    assert center.bounds[0, t.ACTIVE, t.CPU_ASKED] == 7
    assert blocked(center) == []


def test_forms_that_bounds_hold_back_all_are_told_so_and_wait_for_no_room() -> None:
    center = center_of([Node(9)], [WIDE, NARROW])
    center.associations[0, 0] = 0
    center.bounds[0, :, t.RUNS_ASKED] = (1, 1)
    assert tried(center) == (0, HELD_BACK, 0)
    assert blocked(center) == []


def licensed(free_: int, *asked: int) -> t.Center:
    """Of two licenses so many are free; the others are held until 40. The forms ask for so many."""
    center = center_of([Node(9)], [WIDE, NARROW], [Run({0: 1}, 40)], licenses=1)
    center.licenses[0, [t.TOTAL, t.IN_USE]] = (2, 2 - free_)
    center.asks[: len(asked), t.AMOUNTS] = asked
    center.asks[2, t.AMOUNTS] = 2 - free_
    return center


def test_a_form_that_lacks_a_license_leaves_the_turn_to_the_next() -> None:
    center = licensed(1, 2, 1)
    assert tried(center) == (1, STARTED, 0)
    assert center.licenses[0, t.IN_USE] == 2
    assert center.licenses[0, t.KEPT_TURN] == 0


def test_where_all_lack_it_it_is_kept_for_the_last_of_them() -> None:
    center = licensed(0, 2, 1)
    assert tried(center) == (0, HELD_BACK, 0)
    assert center.licenses[0, [t.KEPT_TURN, t.KEPT_FROM, t.KEPT_FOR, t.SPARE]].tolist() == [TURN, 40, 1, 1]


@pytest.mark.parametrize("column", [t.IMPOSSIBLE, None])
def test_for_forms_that_can_never_be_held_none_is_kept(column: int | None) -> None:
    center = licensed(0, 2, 1)
    if column is None:
        center.shapes[center.jobs[:2, t.SHAPE], t.WITHIN] = t.CLOSED
    else:
        center.kinds[:2, column] = 1
    assert tried(center) == (0, HELD_BACK, 0)
    assert center.licenses[0, t.KEPT_TURN] == 0


def test_where_one_lacks_room_and_another_a_license_none_is_kept() -> None:
    center = licensed(0, 0, 1)
    center.jobs[0, t.NEED] = 99
    assert tried(center) == (0, NO_ROOM, 1)
    assert center.licenses[0, t.KEPT_TURN] == 0


def test_a_form_whose_kind_is_blocked_already_is_not_tried_again() -> None:
    center = center_of([Node(9)], [WIDE, NARROW])
    center.kinds[0, t.BLOCKED] = TURN
    assert tried(center) == (1, STARTED, 0)


@pytest.mark.parametrize(
    ("column", "outcome"),
    [
        pytest.param(None, NO_ROOM, id="it lacks room"),
        pytest.param("impossible", HELD_BACK, id="it can never be held: it waits for no room"),
        pytest.param("closed", HELD_BACK, id="its reservation is not open: neither does it"),
    ],
)
def test_what_a_blocked_form_lacks(column: str | None, outcome: int) -> None:
    center = center_of([Node(9)], [WIDE])
    center.kinds[0, t.BLOCKED] = TURN
    if column == "impossible":
        center.kinds[0, t.IMPOSSIBLE] = 1
    if column == "closed":
        center.shapes[center.jobs[0, t.SHAPE], t.WITHIN] = t.CLOSED
    assert tried(center) == (0, outcome, 0)
    assert blocked(center) == [0, 1]


def test_each_form_is_long_by_its_own_limit() -> None:
    """The head has all of the node from 55 on: the first form would be gone by then, if it had room; the third not."""
    center = center_of([Node(4)], [WIDE, NARROW, CARD], [Run({0: 1}, 55)], [Job(limit=9, need=4)])
    assert reserved(center, 3) == 55
    found = tried(center, head_start=55)
    assert found == (0, NO_ROOM, 2)
    # The second fits now, but would stay: 0 + 60 > 55. Work without the device never fits.
    assert (blocked(center), too_long(center)) == ([0, 2], [1])
    # Once that is known it is not tried again.
    center.jobs[1, t.NEED] = 1
    center.kinds[1, t.LONG] = TURN
    assert tried(center, head_start=55) == (0, NO_ROOM, 0)


def test_a_short_form_passes_the_head_where_a_long_one_does_not() -> None:
    center = center_of([Node(4)], [Job(limit=60, need=2), Job(limit=50, need=1)], [Run({0: 1}, 55)], [Job(need=4)])
    assert reserved(center, 2) == 55
    assert tried(center, head_start=55) == (1, STARTED, 0)
    assert too_long(center) == [0]


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.lists(st.integers(0, 6), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_any_forms_start_as_if_they_were_looked_at_one_by_one(
    needs: list[int], frees: list[int], late: list[bool]
) -> None:
    center = center_of([Node(cpus) for cpus in frees], [Job(limit=50, need=need) for need in needs])
    for form in range(len(needs)):
        center.jobs[form, t.START_BY] = 3 if late[form] else NEVER
    able = [form for form, need in enumerate(needs) if need <= sum(frees) and not late[form]]
    form, outcome, _ = tried(center, now=4)
    if able:
        assert (form, outcome) == (able[0], STARTED)
        assert sum(tasks for _, tasks, *_ in holds(center, form)) == needs[form]
    else:
        lacks_room = any(not late[form] for form in range(len(needs)))
        assert (form, outcome) == (0, NO_ROOM if lacks_room else HELD_BACK)
