"""Quotas and licenses: who is held back by which, who goes past them, and for whom a license is kept."""

from __future__ import annotations

import pytest

from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Decision, Plan, Reason, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.ids import LicenseName, QueueName, WorkloadId
from suanli.model.quota import Quota, QuotaScope
from suanli.model.spec import ArraySpec, WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, OWNERS, PROJECT, SECOND, Center, asks, gpu, node

SOLVER = LicenseName("solver")


def job(limit: int = 0, solvers: int = 0, cpus: float = 1) -> WorkloadSpec:
    licenses = {SOLVER: solvers} if solvers else {}
    return WorkloadSpec(resources=asks(cpus), time_limit_s=limit, licenses=licenses)


def started(plan: Plan) -> list[WorkloadId]:
    return [row.workload for row in plan.placements]


def why(center: Center, plan: Plan, workload: WorkloadId) -> Reason:
    reason = plan.reason(center.waiting[workload], demand_of(center.specs[workload]))
    assert reason is not None
    return reason


@pytest.fixture
def center() -> Center:
    return Center().with_nodes(node("n0", 8, 64, *(gpu(index) for index in range(4))))


@pytest.mark.parametrize(
    ("scope", "name", "code", "passes"),
    [
        # Owners take turns: three workloads in a row are of three users.
        (QuotaScope.QUEUE, "default", ReasonCode.QUEUE_QUOTA, 1),
        (QuotaScope.QUEUE_USER, "default", ReasonCode.QUEUE_USER_QUOTA, 3),
        (QuotaScope.PROJECT, PROJECT, ReasonCode.PROJECT_QUOTA, 1),
        (QuotaScope.PROJECT_USER, PROJECT, ReasonCode.PROJECT_USER_QUOTA, 3),
        (QuotaScope.USER, OWNERS[1], ReasonCode.USER_QUOTA, 5),
    ],
)
def test_a_quota_of_runs_holds_back_whose_work_it_bounds(
    center: Center, scope: QuotaScope, name: str, code: ReasonCode, passes: int
) -> None:
    center.set_quota(Quota(scope=scope, name=name, runs=1))
    jobs = [center.add(job()) for _ in range(6)]
    plan = center.turn()
    assert len(started(plan)) == passes
    (held_back, *_) = (one for one in jobs if one in center.waiting)
    reason = why(center, plan, held_back)
    assert (reason.code, reason.needed, reason.available, reason.wanted) == (code, 2, 1, "runs")
    center.set_quota(Quota(scope=scope, name=name))
    assert len(started(center.turn())) == 6 - passes


@pytest.mark.parametrize(
    ("most", "wanted", "needed"),
    [
        ({"cpu_milli": 3999}, "cpu_milli", 4000),
        ({"memory_bytes": 4 * GIB - 1}, "memory_bytes", 4 * GIB),
        ({"device_share": 1999}, "device_share", 2000),
    ],
)
def test_what_is_asked_for_on_all_tasks_is_counted(
    center: Center, most: dict[str, int], wanted: str, needed: int
) -> None:
    spec = WorkloadSpec(tasks=2, resources=asks(1, 1, DeviceRequest(share=500)))
    center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, **most))
    first, second = center.add(spec), center.add(spec)
    plan = center.turn()
    assert started(plan) == [first]
    reason = why(center, plan, second)
    assert (reason.wanted, reason.needed, reason.available) == (wanted, needed, most[wanted])


def test_who_is_held_back_by_a_quota_keeps_nobody_else_waiting(center: Center) -> None:
    center.set_quota(Quota(scope=QuotaScope.QUEUE, name="default", cpu_milli=4000))
    large = center.add(job(cpus=6, limit=10))
    other = center.add(WorkloadSpec(queue=QueueName("urgent"), resources=asks(8)))
    plan = center.turn()
    assert started(plan) == [other]
    assert why(center, plan, large).code is ReasonCode.QUEUE_QUOTA
    assert not plan.reservations


def test_a_quota_set_while_work_runs_counts_that_work(center: Center) -> None:
    jobs = [center.add(job()) for _ in range(2)]
    center.turn()
    center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, runs=2))
    third = center.add(job())
    assert not started(center.turn())
    center.end(center.run_of(jobs[0]))
    assert started(center.turn()) == [third]


def test_an_array_and_quotas_bound_together(center: Center) -> None:
    array = ArraySpec(indices=(0, 1, 2, 3), max_running=3)
    center.set_quota(Quota(scope=QuotaScope.USER, name=OWNERS[0], runs=1))
    elements = center.submit(WorkloadSpec(array=array, resources=asks(1)), 4)
    assert len(started(center.turn())) == 3
    (left,) = (one for one in elements if one in center.waiting)
    explained = explain(center.state, left, center.now, center.policy)
    assert {reason.code for reason in explained.reasons} == {ReasonCode.ARRAY_LIMIT}
    assert explained.unforeseen is ReasonCode.ARRAY_LIMIT


def test_licenses_are_counted_on_whatever_nodes(center: Center) -> None:
    center.with_nodes(node("n1", 8, 64))
    center.set_license("solver", 3)
    first, second, third = (center.add(job(100, solvers)) for solvers in (2, 2, 1))
    plan = center.turn()
    assert started(plan) == [first, third] or started(plan) == [first]
    reason = why(center, plan, second)
    assert (reason.code, reason.needed, reason.wanted) == (ReasonCode.LICENSE, 2, "solver")


def test_a_license_is_kept_for_the_first_that_lacks_it(center: Center) -> None:
    center.set_license("solver", 5)
    holder = center.add(job(100, 3))
    center.turn()
    waits = center.add(job(50, 5))
    late, in_time, without = center.add(job(101, 1)), center.add(job(100, 1)), center.add(job(0))
    plan = center.turn()
    assert started(plan) == [in_time, without]
    reason = why(center, plan, late)
    assert (reason.code, reason.ahead, reason.available) == (ReasonCode.LICENSE, waits, 0)
    explained = explain(center.state, waits, center.now, center.policy)
    assert (explained.decision, explained.earliest_start) == (Decision.LATER, center.now + 100 * SECOND)
    for run in (holder, in_time):
        center.end(center.run_of(run))
    assert started(center.turn()) == [waits]


def test_a_license_that_is_spare_beside_the_first_may_be_had_for_long(center: Center) -> None:
    center.set_license("solver", 5)
    center.add(job(100, 3))
    center.turn()
    waits = center.add(job(50, 4))
    long, longer = center.add(job(1000, 1)), center.add(job(1000, 1))
    plan = center.turn()
    assert started(plan) == [long]
    assert why(center, plan, waits).available == 1
    assert why(center, plan, longer).ahead == waits


def test_the_head_that_waits_for_nodes_has_its_licenses_kept_too(center: Center) -> None:
    center.set_license("solver", 1)
    center.add(job(100, cpus=5))
    center.turn()
    head = center.add(job(50, 1, cpus=8))
    long, short = center.add(job(200, 1)), center.add(job(100, 1))
    plan = center.turn()
    assert started(plan) == [short]
    assert plan.reservations[0].workload == head
    assert why(center, plan, long).code is ReasonCode.LICENSE


def test_more_of_a_license_than_there_is_can_never_be_had(center: Center) -> None:
    center.set_license("solver", 1)
    asked = center.add(job(10, 2))
    unknown = center.add(WorkloadSpec(resources=asks(1), licenses={LicenseName("other"): 1}))
    plan = center.turn()
    for workload, available in ((asked, 1), (unknown, 0)):
        assert why(center, plan, workload).code is ReasonCode.IMPOSSIBLE
        explained = explain(center.state, workload, center.now, center.policy)
        assert explained.decision is Decision.NEVER
        assert [reason.code for reason in explained.reasons] == [ReasonCode.IMPOSSIBLE, ReasonCode.LICENSE]
        assert explained.reasons[1].available == available
    center.set_license("solver", 2)
    assert started(center.turn()) == [asked]


def test_fewer_licenses_than_are_in_use_stop_nobody_and_start_nobody(center: Center) -> None:
    center.set_license("solver", 2)
    running = [center.add(job(100, 1)) for _ in range(2)]
    center.turn()
    center.set_license("solver", 1)
    waits, without = center.add(job(10, 1)), center.add(job(10))
    plan = center.turn()
    assert started(plan) == [without]
    assert why(center, plan, waits).available == 0
    for run in running:
        center.end(center.run_of(run))
    assert started(center.turn()) == [waits]
