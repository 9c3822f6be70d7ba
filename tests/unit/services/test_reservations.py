"""Advance reservations from an administrator's word to what the planner does, over a real store and a set clock."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from suanli.kernel.scheduling.plan import ReasonCode
from suanli.model.errors import (
    AdmissionRefusedError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    NotPermittedError,
)
from suanli.model.facts import NodeRegistered
from suanli.model.ids import NodeName, ProjectName, ReservationName, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.reservations import MAX_RESERVATIONS, AdvanceReservation, ReservationPurpose
from suanli.model.spec import TaskResources
from suanli.model.tenancy import Caller
from suanli.services.reservations import ReservationView
from suanli.services.scheduling import TurnReport
from suanli.services.workloads import Update, parse_ref
from suanli.testing.builders import ANN, GIB, node
from tests.unit.services.center import Center, admin, ann, bob, operator
from tests.unit.services.turning import Turning

SECOND_US = 1_000_000
WHOLE = TaskResources(cpu_milli=8000, memory_bytes=GIB)
REPAIR, COURSE = ReservationName("repair"), ReservationName("course")


@pytest.fixture
def turning(center: Center) -> Turning:
    return Turning(center)


def reservation(center: Center, begin_s: int, end_s: int, *, users: tuple[UserName, ...] = ()) -> AdvanceReservation:
    """The center's one node, for these users, or for maintenance."""
    return AdvanceReservation(
        name=COURSE if users else REPAIR,
        starts_at=Instant(center.clock.at_us + begin_s * SECOND_US),
        ends_at=Instant(center.clock.at_us + end_s * SECOND_US),
        nodes=(NodeName("n1"),),
        purpose=ReservationPurpose.USE if users else ReservationPurpose.MAINTENANCE,
        users=frozenset(users),
    )


def define(center: Center, wanted: AdvanceReservation, by: Caller = admin) -> ReservationView:
    return center.do(lambda tx: center.reservations.define(tx, by, wanted))


def remove(center: Center, name: ReservationName, by: Caller = admin) -> None:
    center.do(lambda tx: center.reservations.remove(tx, by, name))


def pass_seconds(center: Center, seconds: float) -> None:
    center.clock.at_us += round(seconds * SECOND_US)


def test_a_window_keeps_work_off_from_before_it_opens_until_it_ends(turning: Turning, center: Center) -> None:
    define(center, reservation(center, 100, 200))
    assert center.states(turning.submit(resources=WHOLE, time_limit_s=101)) == ["waiting"]
    short = turning.submit(resources=WHOLE, time_limit_s=100)
    assert turning.running() == [short]
    turning.end(short)
    waiting = turning.planner.explain(WorkloadId(1)).explanation
    assert waiting is not None
    (reason,) = waiting.reasons
    assert (reason.code, reason.reservation) == (ReasonCode.RESERVED, REPAIR)
    assert waiting.earliest_start == reason.ends_at == center.clock.at_us + 200 * SECOND_US
    pass_seconds(center, 199)
    turning.settle()
    assert turning.running() == []
    pass_seconds(center, 1)
    turning.settle()
    assert turning.running() == [1]


def test_the_planner_says_when_time_calls_for_a_turn(turning: Turning, center: Center) -> None:
    assert not turning.planner.is_due()
    turning.submit()
    define(center, reservation(center, 100, 200))
    turning.settle()
    assert not turning.planner.is_due()
    pass_seconds(center, 200)
    assert turning.planner.is_due()
    turning.settle()
    assert not turning.planner.is_due()


def test_a_planner_that_starts_anew_heeds_the_same(turning: Turning, center: Center) -> None:
    define(center, reservation(center, 100, 200))
    late = turning.submit(resources=WHOLE, time_limit_s=150)
    turning.restart()
    turning.settle()
    assert turning.running() == []
    remove(center, REPAIR)
    turning.settle()
    assert turning.running() == [late]


def test_a_reservation_made_while_a_plan_is_applied_is_not_run_into(turning: Turning, center: Center) -> None:
    waiting = center.submit(resources=WHOLE, time_limit_s=150)
    turning.store.before_transaction.append(lambda: define(center, reservation(center, 100, 200)))
    assert turning.planner.turn() == TurnReport(stale=1)
    turning.settle()
    assert center.states(waiting) == ["waiting"]


def test_nodes_that_a_reservation_left_before_it_was_looked_at_take_work(turning: Turning, center: Center) -> None:
    center.tell(NodeRegistered(node=node("n2")))
    turning.submit(resources=WHOLE)
    assert turning.running() == [1]
    wanted = reservation(center, 100, 200)
    for nodes in (("n1", "n2"), ("n1",)):
        define(center, replace(wanted, nodes=tuple(map(NodeName, nodes))))
    second = center.submit(resources=WHOLE, time_limit_s=150)
    assert turning.planner.turn() == TurnReport(placed=1)
    assert center.states(second) == ["starting"]


def test_work_within_a_reservation_runs_there_and_nobody_else_does(turning: Turning, center: Center) -> None:
    define(center, reservation(center, 100, 300, users=(ANN,)))
    inside = turning.submit(resources=WHOLE, time_limit_s=200, reservation=COURSE)
    outside = turning.submit(by=bob, time_limit_s=150)
    assert turning.running() == []
    told = turning.planner.explain(inside).explanation
    assert told is not None
    assert [reason.code for reason in told.reasons] == [ReasonCode.RESERVATION]
    assert told.earliest_start == center.clock.at_us + 100 * SECOND_US
    pass_seconds(center, 100)
    turning.settle()
    assert turning.running() == [inside]
    turning.end(inside)
    assert center.states(outside) == ["waiting"]
    pass_seconds(center, 200)
    turning.settle()
    assert turning.running() == [outside]


def test_a_limit_that_is_changed_decides_anew(turning: Turning, center: Center) -> None:
    define(center, reservation(center, 100, 200))
    waiting = turning.submit(resources=WHOLE, time_limit_s=150)
    center.do(
        lambda tx: center.workloads.update(tx, ann, parse_ref(str(waiting)), Update(time_limit_s=90, priority=None))
    )
    turning.settle()
    assert turning.running() == [waiting]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"reservation": "nothing"}, "reservation_unknown"),
        ({"reservation": "past"}, "reservation_over"),
        ({"reservation": "course"}, "reservation_not_yours"),
        ({"reservation": "repair"}, "reservation_not_yours"),
        ({"reservation": "anns", "time_limit_s": 101}, "reservation_too_short"),
        ({"reservation": "removed"}, "reservation_unknown"),
    ],
)
def test_work_is_refused_where_it_could_never_run(
    turning: Turning, center: Center, asked: dict[str, Any], reason: str
) -> None:
    del turning  # with it the node is there
    define(center, replace(reservation(center, 1, 2, users=(ANN,)), name=ReservationName("past")))
    pass_seconds(center, 5)
    define(center, reservation(center, 300, 400))
    define(center, reservation(center, 300, 400, users=(operator.user,)))
    for name, begin in (("anns", 100), ("removed", 500)):
        define(center, replace(reservation(center, begin, begin + 100, users=(ANN,)), name=ReservationName(name)))
    remove(center, ReservationName("removed"))
    assert center.submit(reservation=ReservationName("anns"), time_limit_s=100)
    with pytest.raises(AdmissionRefusedError) as refused:
        center.submit(**{"time_limit_s": 50, **asked})
    assert refused.value.reason == reason


def test_only_administrators_decide_and_everybody_sees(turning: Turning, center: Center) -> None:
    del turning
    wanted = reservation(center, 100, 200)
    for by in (ann, operator):
        with pytest.raises(NotPermittedError):
            define(center, wanted, by)
    define(center, wanted)
    for by in (ann, operator):
        with pytest.raises(NotPermittedError):
            remove(center, REPAIR, by)
    assert [view.reservation.name for view in center.reservations.list(ann)] == [REPAIR]
    assert center.reservations.show(bob, REPAIR).reservation == replace(wanted, generation=1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"nodes": (NodeName("n1"), NodeName("n9"))}, "nodes.1"),
        ({"projects": frozenset({ProjectName("nothing")})}, "projects"),
        ({"users": frozenset({UserName("nobody")})}, "users"),
        ({"name": ReservationName("")}, "name"),
        ({"starts_at": Instant(1), "ends_at": Instant(2)}, "ends_at"),
    ],
)
def test_what_does_not_exist_cannot_be_reserved(
    turning: Turning, center: Center, changes: dict[str, object], field: str
) -> None:
    del turning
    with pytest.raises(InvalidRequestError) as refused:
        define(center, replace(reservation(center, 100, 200, users=(ANN,)), **changes))  # type: ignore[arg-type]
    assert refused.value.field == field


def test_a_node_is_promised_once_and_closed_over_any_promise(turning: Turning, center: Center) -> None:
    del turning
    course = reservation(center, 100, 200, users=(ANN,))
    define(center, course)
    define(center, replace(course, ends_at=Instant(course.ends_at + 1)))
    other = replace(course, name=ReservationName("other"))
    with pytest.raises(ConflictError, match="course"):
        define(center, other)
    define(center, reservation(center, 150, 160))
    define(center, replace(other, starts_at=Instant(course.ends_at + 1), ends_at=Instant(course.ends_at + 2)))


def test_there_are_as_many_as_the_planner_can_tell_apart_and_ended_ones_make_room(
    turning: Turning, center: Center
) -> None:
    for number in range(MAX_RESERVATIONS):
        define(center, replace(reservation(center, 100, 200 + number), name=ReservationName(f"r{number}")))
    with pytest.raises(ConflictError, match="62"):
        define(center, reservation(center, 100, 200))
    turning.submit()
    pass_seconds(center, 200)
    define(center, reservation(center, 100, 200))
    turning.settle()
    assert len(center.reservations.list(ann)) == MAX_RESERVATIONS


def test_it_is_told_which_runs_may_still_be_there(turning: Turning, center: Center) -> None:
    define(center, reservation(center, 0, 500, users=(ANN,)))
    inside = turning.submit(time_limit_s=450, reservation=COURSE)
    remove(center, COURSE)
    gone, stays, endless = (turning.submit(time_limit_s=limit) for limit in (100, 101, 0))
    assert turning.running() == [inside, gone, stays, endless]
    # The queue gives a limit of a day to who asks for none.
    told = define(center, reservation(center, 100, 200))
    assert told.overlapping == tuple(run_id(WorkloadId(n), 1) for n in (inside, stays, endless))
    (listed,) = center.reservations.list(ann)
    assert listed == told == center.reservations.show(ann, REPAIR)
    course = define(center, reservation(center, 300, 500, users=(ANN,)))
    assert course.overlapping == (run_id(WorkloadId(endless), 1),)
    for done in (inside, stays, endless):
        turning.end(done)
    assert center.reservations.show(ann, REPAIR).overlapping == ()


def test_one_is_removed_once_and_its_name_may_be_used_again(turning: Turning, center: Center) -> None:
    del turning
    wanted = reservation(center, 100, 200)
    for _ in range(2):
        define(center, wanted)
        remove(center, REPAIR)
        for missing in (partial(remove, center, REPAIR), partial(center.reservations.show, ann, REPAIR)):
            with pytest.raises(NotFoundError):
                missing()
    assert center.reservations.list(ann) == []
