"""Advance reservations: who keeps off which nodes from when on, and what is foreseen past them."""

from __future__ import annotations

import pytest

from suanli.kernel.scheduling.core.tables import NEVER, WINDOWS
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Decision, Explanation, Plan, ReasonCode
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import ReservationName, WorkloadId
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import SECOND, Center, asks, node
from tests.unit.kernel.scheduling.checker import check
from tests.unit.kernel.scheduling.explained import check_explanation


def spec(limit_s: int, within: str = "", cpus: float = 4) -> WorkloadSpec:
    return WorkloadSpec(time_limit_s=limit_s, reservation=ReservationName(within), resources=asks(cpus))


def placed(center: Center) -> set[WorkloadId]:
    """What would start now; all that is said of the center is judged on the way."""
    return {row.workload for row in judged(center).placements}


def judged(center: Center) -> Plan:
    plan = center.plan()
    check(center, plan)
    for workload in center.waiting:
        check_explanation(center, plan, explain(center.state, workload, center.now, center.policy))
    return plan


def why(center: Center, workload: WorkloadId) -> Explanation:
    judged(center)
    return explain(center.state, workload, center.now, center.policy)


def after(center: Center, seconds: int) -> int:
    return center.now + seconds * SECOND


def test_work_keeps_off_a_window_that_it_would_run_into() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("repair", 100, 200, "n0")
    fits, too_long, endless = center.add(spec(100)), center.add(spec(101)), center.add(spec(0))
    assert placed(center) == {fits}
    center.withdraw(fits)
    assert not placed(center)
    for waits in (too_long, endless):
        explained = why(center, waits)
        (reason,) = explained.reasons
        assert (reason.code, reason.reservation, reason.nodes_failing) == (ReasonCode.RESERVED, "repair", 1)
        assert (reason.starts_at, reason.ends_at) == (after(center, 100), after(center, 200))
    assert why(center, too_long).earliest_start == after(center, 200)


def test_other_nodes_and_shorter_limits_are_free_to_use() -> None:
    center = Center().with_nodes(node("n0"), node("n1"))
    center.reserve("repair", 100, 200, "n0")
    wide = center.add(WorkloadSpec(time_limit_s=500, nodes=2, tasks=2, resources=asks(4)))
    assert not placed(center)
    assert why(center, wide).earliest_start == after(center, 200)
    center.change(wide, priority=0, time_limit_s=100)
    assert placed(center) == {wide}


def test_waiting_work_comes_to_a_window_as_time_passes_and_has_its_nodes_when_it_is_past() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("repair", 100, 200, "n0")
    waits = center.add(spec(60))
    told = []
    for _ in range(21):
        told.append(bool(placed(center)))
        center.pass_time(10)
    # It fits while it would end by 100, not while the window is ahead or open, and again from its end on.
    assert told == [True] * 5 + [False] * 15 + [True]
    assert why(center, waits).decision is Decision.NOW


def test_an_explanation_is_of_its_own_instant_whether_a_turn_was_taken_or_not() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("repair", 100, 200, "n0")
    waits = center.add(spec(60))
    assert placed(center) == {waits}
    center.pass_time(50)
    told = explain(center.state, waits, center.now, center.policy)
    assert [reason.reservation for reason in told.reasons] == ["repair"]
    center.pass_time(150)
    assert explain(center.state, waits, center.now, center.policy).decision is Decision.NOW


def test_nothing_is_looked_at_until_something_must_be_heeded_anew() -> None:
    center = Center().with_nodes(node("n0"))
    windows = center.state.windows
    center.add(spec(60))
    center.plan()
    assert windows.until == NEVER
    center.reserve("repair", 100, 200, "n0")
    center.plan()
    assert windows.until == after(center, 40)
    center.add(spec(90))
    center.plan()
    assert windows.until == after(center, 10)
    center.pass_time(11)
    center.plan()
    assert windows.until == after(center, 29)
    center.pass_time(30)
    center.plan()
    assert windows.until == after(center, 159) - 1


def test_the_head_that_a_window_bars_keeps_its_place_from_the_end_of_the_window_on() -> None:
    center = Center().with_nodes(node("n0"), node("n1"))
    center.reserve("repair", -10, 200, "n0", "n1")
    first, behind = center.add(spec(1000)), center.add(spec(1000))
    (reservation,) = judged(center).reservations
    assert (reservation.workload, reservation.start) == (first, after(center, 200))
    assert why(center, behind).earliest_start == after(center, 200)


def test_a_gap_between_two_windows_is_used_only_by_what_it_is_long_enough_for() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("one", 10, 100, "n0")
    center.reserve("two", 160, 300, "n0")
    short, long = center.add(spec(60)), center.add(spec(61))
    assert why(center, short).earliest_start == after(center, 100)
    assert why(center, long).earliest_start == after(center, 300)


def test_a_start_is_foreseen_past_running_work_and_windows_together() -> None:
    center = Center().with_nodes(node("n0"), node("n1"))
    runs = center.add(spec(100))
    center.turn()
    assert runs in center.active
    center.reserve("repair", 120, 200, "n0", "n1")
    wide = center.add(WorkloadSpec(time_limit_s=50, nodes=2, tasks=2, resources=asks(4)))
    # From 100 on both nodes are free, but 50 seconds would run into the repair.
    assert why(center, wide).earliest_start == after(center, 200)
    center.change(wide, priority=0, time_limit_s=20)
    assert why(center, wide).earliest_start == after(center, 100)


def test_what_runs_when_a_window_opens_runs_on_and_nothing_follows_it() -> None:
    center = Center().with_nodes(node("n0"))
    runs = center.add(spec(100, cpus=1))
    center.turn()
    center.reserve("repair", 50, 90, "n0")
    other = center.add(spec(10, cpus=1))
    center.pass_time(60)
    assert not placed(center)
    assert runs in center.active
    assert why(center, other).earliest_start == after(center, 30)


def test_work_within_a_reservation_waits_for_it_uses_its_nodes_alone_and_is_gone_by_its_end() -> None:
    center = Center().with_nodes(node("n0"), node("n1"))
    center.reserve("course", 100, 200, "n1", use=True)
    inside, too_long = center.add(spec(100, "course")), center.add(spec(101, "course"))
    outside = center.add(spec(300))
    assert placed(center) == {outside}
    assert why(center, inside).earliest_start == after(center, 100)
    told = why(center, too_long)
    assert (told.earliest_start, told.unforeseen) == (None, ReasonCode.RESERVATION)
    assert told.reasons[0].reservation == "course"
    center.pass_time(100)
    (row,) = [row for row in judged(center).placements if row.workload == inside]
    assert [hold.node for hold in row.allocation.nodes] == ["n1"]
    center.pass_time(1)
    assert inside not in placed(center)


def test_a_reservation_opens_to_its_work_at_its_very_start() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("course", 100, 300, "n0", use=True)
    inside = center.add(spec(50, "course"))
    assert not placed(center)
    center.pass_time(100)
    assert placed(center) == {inside}


def test_work_is_promised_no_start_from_which_it_would_outlast_its_reservation() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("course", 0, 200, "n0", use=True)
    first = center.add(spec(100, "course"))
    center.turn()
    assert first in center.active
    fits, too_long = center.add(spec(100, "course")), center.add(spec(101, "course"))
    assert why(center, fits).earliest_start == after(center, 100)
    center.withdraw(fits)
    assert not judged(center).reservations
    assert why(center, too_long).unforeseen is ReasonCode.RESERVATION


def test_work_that_waits_for_its_reservation_is_never_the_head() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("course", 1000, 2000, "n0", use=True)
    runs = center.add(spec(100))
    center.turn()
    center.add(spec(100, "course"))
    head = center.add(spec(100))
    (reservation,) = judged(center).reservations
    assert (reservation.workload, reservation.start) == (head, after(center, 100))
    assert runs in center.active


def test_maintenance_closes_a_reservation_for_use_too() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("course", 0, 1000, "n0", use=True)
    center.reserve("repair", 100, 200, "n0")
    inside = center.add(spec(300, "course"))
    assert not placed(center)
    assert why(center, inside).earliest_start == after(center, 200)


def test_a_reservation_that_is_gone_or_never_was_lets_its_work_wait_and_others_in() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("course", 0, 1000, "n0", use=True)
    inside, outside = center.add(spec(100, "course")), center.add(spec(100))
    assert placed(center) == {inside}
    center.unreserve("course")
    assert placed(center) == {outside}
    told = why(center, inside)
    (reason,) = told.reasons
    assert (told.unforeseen, reason.reservation, reason.starts_at) == (ReasonCode.RESERVATION, "course", 0)


def test_a_reservation_may_be_moved_and_nodes_may_come_to_it_later() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("repair", 10, 100, "n1")
    waits = center.add(spec(50))
    assert placed(center) == {waits}
    center.set_node(node("n1"))
    center.reserve("repair", 10, 100, "n0", "n1")
    assert not placed(center)
    center.reserve("repair", 60, 100, "n0", "n1")
    assert placed(center) == {waits}


def test_time_that_goes_back_is_believed() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("repair", 100, 200, "n0")
    waits = center.add(spec(60))
    center.pass_time(300)
    assert placed(center) == {waits}
    center.pass_time(-200)
    assert not placed(center)
    center.pass_time(-100)
    assert placed(center) == {waits}


def test_bits_are_used_again_when_reservations_have_ended() -> None:
    center = Center().with_nodes(node("n0"))
    waits = center.add(spec(10))
    for number in range(3 * WINDOWS):
        center.reserve(f"w{number}", 0, 20, "n0")
        assert not placed(center)
        center.pass_time(20)
        assert placed(center) == {waits}


def test_more_reservations_than_there_are_bits_are_refused() -> None:
    center = Center().with_nodes(node("n0"))
    for number in range(WINDOWS):
        center.reserve(f"w{number}", 100, 200, "n0")
    center.plan()
    center.reserve("one more", 100, 200, "n0")
    with pytest.raises(InvalidRequestError, match="removed or have ended"):
        center.plan()
    center.unreserve("w0")
    center.plan()
