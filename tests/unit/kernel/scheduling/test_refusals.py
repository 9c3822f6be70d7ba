"""Why what waits does not start: one reason for each kind of work, and how many it holds for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.demand import Demand, demand_of
from suanli.kernel.scheduling.plan import Plan, Policy, Reason, ReasonCode, Refusal
from suanli.kernel.scheduling.refusals import CODES, Refusals, window
from suanli.model.devices import DeviceRequest, Precision
from suanli.model.ids import LicenseName, ReservationName, WorkloadId
from suanli.model.quota import Quota, QuotaScope
from suanli.model.resources import NodeState
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, PROJECT, Center, asks, gpu, node
from tests.unit.kernel.scheduling.checker import check


def job(cpus: float = 1, limit: int = 100, gib: int = 1, devices: DeviceRequest | None = None) -> WorkloadSpec:
    return WorkloadSpec(resources=asks(cpus, gib, devices), time_limit_s=limit)


def refused(center: Center) -> list[tuple[ReasonCode, int]]:
    """Codes and how many they hold for, of a plan that the checker accepts."""
    return [(one.reason.code, one.waiting) for one in judged(center).refusals]


def judged(center: Center) -> Plan:
    plan = center.plan()
    check(center, plan)
    return plan


def test_a_code_for_each_thing_that_a_node_may_fail_first_in_the_order_of_reasons() -> None:
    # Of a bitstream the tables know no more than that the type will not do.
    order = [code for code in ReasonCode if code is not ReasonCode.DEVICE_BITSTREAM]
    assert list(CODES) == order[: len(CODES)]
    assert CODES[-1] is ReasonCode.DISK


def test_the_window_says_how_long_it_is_and_for_whom() -> None:
    head = WorkloadId(4)
    assert window(60, 50, head) == Reason(code=ReasonCode.BACKFILL_WINDOW, needed=60, available=50, ahead=head)


def test_nothing_waits_and_nothing_is_refused() -> None:
    assert refused(Center().with_nodes(node("n0"))) == []
    center = Center().with_nodes(node("n0"))
    center.add(job())
    assert refused(center) == []


SICK = replace(gpu(0), healthy=False)


# One node fails it alone, so it is what most nodes fail first.
@pytest.mark.parametrize(
    ("code", "center", "spec"),
    [
        pytest.param(
            ReasonCode.NODE_STATE,
            Center().with_nodes(replace(node("n0"), state=NodeState.DRAINING)),
            job(),
            id="out of service",
        ),
        pytest.param(
            ReasonCode.DEVICE_HEALTH,
            Center().with_nodes(node("n0", 4, 16, SICK)),
            job(devices=DeviceRequest()),
            id="sick",
        ),
    ],
)
def test_what_may_mend_is_waited_for(code: ReasonCode, center: Center, spec: WorkloadSpec) -> None:
    for _ in range(3):
        center.add(spec)
    (refusal,) = judged(center).refusals
    assert (refusal.reason.code, refusal.waiting, refusal.demand) == (code, 3, demand_of(spec))
    assert (refusal.reason.nodes_failing, refusal.reason.nodes_failing_first, refusal.reason.nodes_total) == (1, 1, 1)
    assert (refusal.association, refusal.window_s) == (None, -1)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(job(cpus=5), id="more cpus than a node has"),
        pytest.param(job(gib=17), id="more memory than a node has"),
        pytest.param(replace(job(), tasks=9), id="more tasks than there is room for"),
        pytest.param(replace(job(), tasks=3, nodes=3), id="more nodes than there are"),
        pytest.param(job(devices=DeviceRequest(count=2)), id="more devices than a node has"),
        pytest.param(job(devices=DeviceRequest(model="h100")), id="a model that is not there"),
        pytest.param(job(devices=DeviceRequest(min_memory_bytes=81 * GIB)), id="more memory than a device has"),
        pytest.param(job(devices=DeviceRequest(precision=Precision.FP8)), id="an arithmetic that is not there"),
        pytest.param(replace(job(), features=frozenset({"ib"})), id="a feature that is not there"),
        pytest.param(replace(job(), licenses={LicenseName("x"): 1}), id="a license that is not there"),
    ],
)
def test_what_could_never_be_held_is_impossible(spec: WorkloadSpec) -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0)), node("n1"))
    center.add(spec)
    (refusal,) = judged(center).refusals
    assert refusal.reason == Reason(code=ReasonCode.IMPOSSIBLE)
    assert refusal.waiting == 1


@pytest.mark.parametrize(
    ("running", "spec", "code", "first", "needed", "available"),
    [
        pytest.param([job(4)], job(2), ReasonCode.CPU, 1, 0, 0, id="the cpus of its only node are held"),
        pytest.param([job(1, gib=16)], job(gib=2), ReasonCode.MEMORY, 1, 0, 0, id="its memory is"),
        pytest.param(
            [job(1, devices=DeviceRequest())],
            job(devices=DeviceRequest()),
            ReasonCode.DEVICE_FREE,
            1,
            0,
            0,
            id="its device is",
        ),
        pytest.param(
            [replace(job(), exclusive=True)], job(), ReasonCode.EXCLUSIVE, 1, 0, 0, id="somebody has it alone"
        ),
        pytest.param(
            [job(1)], replace(job(), exclusive=True), ReasonCode.EXCLUSIVE, 1, 0, 0, id="it is not alone there"
        ),
        pytest.param([job(3)], replace(job(), tasks=2), ReasonCode.TASKS_COUNT, 0, 2, 1, id="one of two tasks fits"),
    ],
)
def test_what_most_nodes_fail_first_or_what_is_missing_together(
    running: list[WorkloadSpec], spec: WorkloadSpec, code: ReasonCode, first: int, needed: int, available: int
) -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0)))
    for one in running:
        center.add(one)
    center.turn()
    center.add(spec)
    (refusal,) = judged(center).refusals
    reason = refusal.reason
    assert (reason.code, reason.nodes_failing_first) == (code, first)
    assert (reason.needed, reason.available) == (needed, available)


def test_the_constraint_that_most_nodes_fail_first_is_told() -> None:
    center = Center().with_nodes(
        node("n0", 4, 2), node("n1", 2, 64), node("n2", 2, 64), replace(node("n3", 8, 64), state=NodeState.DOWN)
    )
    center.add(job(4, gib=4))
    (refusal,) = judged(center).refusals
    assert refusal.reason == Reason(code=ReasonCode.CPU, nodes_failing=2, nodes_failing_first=2, nodes_total=4)


def test_enough_on_two_engines_is_told_as_such() -> None:
    center = Center().with_nodes(node("a0", 3, engine="a"), node("b0", 3, engine="b"), node("a1", 9, engine="a"))
    center.add(job(9))
    center.turn()
    center.add(replace(job(), tasks=5))
    (refusal,) = judged(center).refusals
    assert (refusal.reason.code, refusal.reason.needed, refusal.reason.available) == (ReasonCode.ENGINE, 5, 3)


def test_work_too_long_to_pass_the_head_is_counted_apart_from_work_that_passes() -> None:
    center = Center().with_nodes(node("n0"))
    center.add(job(3, limit=100))
    center.turn()
    head = center.add(job(4, limit=50))
    for limit in (101, 0, 500):
        center.add(job(1, limit=limit))
    plan = judged(center)
    told = {one.reason.code: one for one in plan.refusals}
    assert set(told) == {ReasonCode.CPU, ReasonCode.BACKFILL_WINDOW}
    refusal = told[ReasonCode.BACKFILL_WINDOW]
    assert (refusal.waiting, refusal.window_s) == (3, 100)
    assert (refusal.reason.available, refusal.reason.ahead) == (100, head)
    assert told[ReasonCode.CPU].waiting == 1


def test_work_that_is_blocked_is_not_told_of_a_window() -> None:
    center = Center().with_nodes(node("n0"))
    center.add(job(4, limit=100))
    center.turn()
    center.add(job(4, limit=50))
    center.add(job(1, limit=500))
    assert refused(center) == [(ReasonCode.CPU, 1), (ReasonCode.CPU, 1)]


def test_who_is_held_back_by_a_quota_is_told_so_and_the_rest_of_the_kind_is_counted_without() -> None:
    center = Center().with_nodes(node("n0", 2))
    center.add(job(2))
    center.turn()
    center.set_quota(Quota(scope=QuotaScope.PROJECT_USER, name=PROJECT, runs=1))
    waiting = [center.add(job(1)) for _ in range(3)]
    owner = next(iter(center.active.values())).owner
    plan = judged(center)
    by_quota = [one for one in plan.refusals if one.association is not None]
    assert [(one.reason.code, one.waiting) for one in by_quota] == [(ReasonCode.PROJECT_USER_QUOTA, 1)]
    assert by_quota[0].association is not None
    assert by_quota[0].association.owner == owner
    others = [one for one in plan.refusals if one.association is None]
    assert [(one.reason.code, one.waiting) for one in others] == [(ReasonCode.CPU, 2)]
    assert len(waiting) == 3


def test_a_reservation_that_is_not_open_is_told_of_all_nodes() -> None:
    center = Center().with_nodes(node("n0"), node("n1"))
    center.reserve("course", 100, 200, "n0", use=True)
    center.add(replace(job(limit=10), reservation=ReservationName("course")))
    (refusal,) = judged(center).refusals
    assert refusal.reason == Reason(code=ReasonCode.RESERVATION, nodes_failing=2, nodes_failing_first=2, nodes_total=2)


def test_nodes_set_aside_are_told_of() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("repair", 50, 200, "n0")
    center.add(job(limit=100))
    assert refused(center) == [(ReasonCode.RESERVED, 1)]


def test_a_license_kept_for_the_head_is_told_with_its_window() -> None:
    center = Center().with_nodes(node("n0", 8))
    center.set_license("solver", 2)
    licensed = replace(job(limit=100), licenses={LicenseName("solver"): 1})
    center.add(licensed)
    center.turn()
    first = center.add(replace(licensed, licenses={LicenseName("solver"): 2}))
    center.add(replace(licensed, time_limit_s=500))
    plan = judged(center)
    told = {one.window_s: (one.reason.code, one.waiting, one.reason.ahead) for one in plan.refusals}
    assert told[100] == (ReasonCode.LICENSE, 1, first)


def test_a_turn_that_was_cut_short_refuses_nobody_whom_it_did_not_come_to() -> None:
    center = Center(policy=Policy(placements=1)).with_nodes(node("n0", 8))
    for _ in range(3):
        center.add(job())
    plan = center.plan()
    assert (len(plan.placements), plan.complete, list(plan.refusals)) == (1, False, [])


def told_once() -> tuple[Refusals, list[int]]:
    """Refusals, and how often they were made."""
    made: list[int] = []

    def tell() -> list[Refusal]:
        made.append(1)
        return [
            Refusal(demand=Demand(tasks, 0, False, 1, 1), waiting=tasks, reason=Reason(code=ReasonCode.CPU))
            for tasks in (1, 2, 3)
        ]

    return Refusals(tell), made


def test_refusals_are_made_when_somebody_looks_and_once() -> None:
    refusals, made = told_once()
    assert made == []
    assert len(refusals) == 3
    assert refusals[1].waiting == 2
    assert [one.waiting for one in refusals[1:]] == [2, 3]
    assert [one.waiting for one in refusals] == [1, 2, 3]
    assert refusals[-1].waiting == 3
    assert made == [1]


def test_refusals_told_of_a_turn_stay_as_they_were_when_the_center_has_gone_on() -> None:
    center = Center().with_nodes(node("n0", 2))
    center.add(job(2))
    center.turn()
    waiting = center.add(job(1))
    plan = center.plan()
    center.end(center.run_of(WorkloadId(1)))
    center.withdraw(waiting)
    center.set_node(node("n0", 8))
    assert [(one.reason.code, one.waiting) for one in plan.refusals] == [(ReasonCode.CPU, 1)]
