"""Local disk in a live center: what starts beside what, what is reserved, and what is said of who lacks it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Decision, Explanation, Plan, Policy, ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.what_if.onward import record_of
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import WorkloadId
from suanli.model.quantities import MAX_MEMORY_BYTES
from suanli.model.resources import Node
from suanli.model.spec import Request, TaskResources, WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, SECOND, Center, asks, node
from tests.unit.kernel.scheduling.checker import check
from tests.unit.kernel.scheduling.explained import check_explanation

MANY = 1000


def roomy(name: str, disk_gib: int, cpus: int = 8) -> Node:
    return replace(node(name, cpus), disk_bytes=disk_gib * GIB)


def job(disk_gib: int, limit_s: int = 60, tasks: int = 1) -> WorkloadSpec:
    return WorkloadSpec(resources=asks(1, 1, disk_gib=disk_gib), time_limit_s=limit_s, tasks=tasks)


def planned(center: Center) -> Plan:
    """The plan, which is judged on the way with all that is said of who waits."""
    plan = center.plan()
    check(center, plan)
    for workload in center.waiting:
        check_explanation(center, plan, explain(center.state, workload, center.now, center.policy))
    return plan


def placed(center: Center) -> dict[WorkloadId, list[tuple[str, int]]]:
    """Who would start now: on which nodes, with how many GiB of disk there."""
    return {
        row.workload: [(hold.node, hold.disk_bytes // GIB) for hold in row.allocation.nodes]
        for row in planned(center).placements
    }


def why(center: Center, workload: WorkloadId) -> Explanation:
    planned(center)
    return explain(center.state, workload, center.now, center.policy)


def test_none_is_asked_for_unless_it_is_said() -> None:
    assert (TaskResources().disk_bytes, node("n").disk_bytes) == (0, 0)
    assert demand_of(WorkloadSpec()).disk_bytes == 0
    assert demand_of(job(3)) == demand_of(job(0))._replace(disk_bytes=3 * GIB)
    assert demand_of(job(3)).of_one_node.disk_bytes == 3 * GIB


@pytest.mark.parametrize(
    ("disk", "is_allowed"), [(-1, False), (0, True), (MAX_MEMORY_BYTES, True), (MAX_MEMORY_BYTES + 1, False)]
)
def test_how_much_may_be_asked_for(disk: int, is_allowed: bool) -> None:
    spec = WorkloadSpec(command=("a",), resources=TaskResources(disk_bytes=disk))
    other = WorkloadSpec(command=("a",), alternatives=(Request(resources=spec.resources),))
    if is_allowed:
        spec.check()
        other.check()
        return
    for one, field in ((spec, "resources.disk"), (other, "alternatives.0.resources.disk")):
        with pytest.raises(InvalidRequestError) as refused:
            one.check()
        assert refused.value.field == field


def test_work_goes_where_there_is_disk_and_holds_it() -> None:
    center = Center().with_nodes(roomy("n0", 0), roomy("n1", 10))
    first, second, plain = center.add(job(6)), center.add(job(4)), center.add(job(0))
    assert placed(center) == {first: [("n1", 6)], second: [("n1", 4)], plain: [("n1", 0)]}


def test_a_gang_spreads_as_its_disk_makes_it() -> None:
    center = Center().with_nodes(roomy("n0", 5), roomy("n1", 9), roomy("n2", 3))
    gang = center.add(job(4, tasks=3))
    assert sorted(placed(center)[gang]) == [("n0", 4), ("n1", 8)]


def test_who_takes_nodes_for_itself_has_all_their_disk() -> None:
    center = Center().with_nodes(roomy("n0", 10))
    alone = center.add(replace(job(1), exclusive=True))
    assert placed(center) == {alone: [("n0", 10)]}


def test_who_lacks_disk_is_told_how_much_and_when_it_starts() -> None:
    center = Center().with_nodes(roomy("n0", 10), roomy("n1", 3))
    center.add(job(7, limit_s=100))
    center.turn()
    waits = center.add(job(8))
    plan = planned(center)
    (refusal,) = plan.refusals
    assert (refusal.reason.code, refusal.reason.nodes_failing) == (ReasonCode.DISK, 2)
    (reservation,) = plan.reservations
    assert reservation.nodes[0].disk_bytes == 8 * GIB
    explained = why(center, waits)
    assert (explained.decision, explained.earliest_start) == (Decision.LATER, center.now + 100 * SECOND)
    (reason,) = explained.reasons
    assert (reason.code, reason.nodes_failing, reason.nodes_failing_first, reason.nodes_total) == (
        ReasonCode.DISK,
        2,
        2,
        2,
    )
    assert (reason.needed, reason.available) == (8 * GIB, 3 * GIB)


def test_more_than_any_node_has_can_never_start() -> None:
    center = Center().with_nodes(roomy("n0", 10))
    never = center.add(job(11))
    explained = why(center, never)
    assert explained.decision is Decision.NEVER
    assert [reason.code for reason in explained.reasons] == [ReasonCode.IMPOSSIBLE, ReasonCode.DISK]
    center.set_node(roomy("n0", 11))
    assert placed(center) == {never: [("n0", 11)]}


def test_a_node_that_is_said_to_have_less_keeps_what_is_held() -> None:
    center = Center().with_nodes(roomy("n0", 10))
    center.add(job(6))
    center.turn()
    center.set_node(roomy("n0", 4))
    assert center.state.room.nodes[0, t.FREE_DISK] == -2 * GIB
    small, plain = center.add(job(1)), center.add(job(0))
    assert placed(center) == {plain: [("n0", 0)]}
    assert why(center, small).reasons[0].available == 0
    center.end(next(iter(center.runs)))
    assert set(placed(center)) == {small, plain}


@pytest.mark.parametrize("reservations", [1, MANY])
def test_nobody_behind_takes_the_disk_that_is_kept(reservations: int) -> None:
    center = Center(policy=Policy(reservations=reservations)).with_nodes(roomy("n0", 10))
    center.add(job(7, limit_s=100))
    center.turn()
    head = center.add(job(8))
    center.add(job(3, limit_s=101))
    short, other = center.add(job(3, limit_s=100)), center.add(job(0, limit_s=900))
    plan = planned(center)
    assert [row.workload for row in plan.placements] == [short, other]
    assert plan.reservations[0].workload == head


@pytest.mark.parametrize("reservations", [1, MANY])
def test_long_work_keeps_off_what_is_reserved(reservations: int) -> None:
    center = Center(policy=Policy(reservations=reservations)).with_nodes(roomy("n0", 10))
    center.add(job(6, limit_s=100))
    center.turn()
    head, long = center.add(job(8)), center.add(job(3, limit_s=101))
    plan = planned(center)
    assert not plan.placements
    reason = plan.reason(center.waiting[long], demand_of(center.specs[long]))
    assert reason is not None
    assert (reason.code, reason.ahead, reason.available) == (ReasonCode.BACKFILL_WINDOW, head, 100)
    fine = center.add(job(2, limit_s=500))
    assert placed(center) == {fine: [("n0", 2)]}


def test_another_request_may_do_with_less() -> None:
    center = Center().with_nodes(roomy("n0", 10))
    either = center.add(replace(job(11), alternatives=(Request(resources=asks(2, 1, disk_gib=9)),)))
    (placement,) = planned(center).placements
    assert (placement.workload, placement.alternative, placement.allocation.disk_bytes) == (either, 1, 9 * GIB)


def test_moldable_work_gets_as_many_tasks_as_there_is_disk_for() -> None:
    center = Center().with_nodes(roomy("n0", 10))
    center.add(replace(job(3, tasks=5), min_tasks=2))
    (placement,) = planned(center).placements
    assert (placement.allocation.tasks, placement.allocation.disk_bytes) == (3, 9 * GIB)


def test_a_window_leaves_disk_as_it_is() -> None:
    center = Center().with_nodes(roomy("n0", 10))
    center.add(job(4, limit_s=50))
    center.turn()
    center.reserve("repair", 500, 600, "n0")
    center.plan()
    assert center.state.room.nodes[0, [t.DISK, t.FREE_DISK]].tolist() == [10 * GIB, 6 * GIB]
    assert set(placed(center)) == set()
    fits = center.add(job(6))
    assert set(placed(center)) == {fits}


def test_a_copy_of_the_center_has_the_same_disk() -> None:
    center = Center().with_nodes(roomy("n0", 10))
    center.add(job(7))
    center.turn()
    center.add(job(4))
    copy = snapshot(center.state)
    assert copy.room.nodes[0, [t.DISK, t.FREE_DISK]].tolist() == [10 * GIB, 3 * GIB]


def test_work_is_asked_for_again_as_it_was() -> None:
    center = Center().with_nodes(roomy("n0", 10))
    waits = center.add(job(4))
    _, spec = record_of(center.state, center.state.waiting(waits))
    assert demand_of(spec) == demand_of(center.specs[waits])
