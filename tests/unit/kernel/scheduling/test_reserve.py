"""EASY backfill: what may start behind a head that cannot, and what may not."""

from __future__ import annotations

from dataclasses import replace

from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.plan import Plan, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.ids import WorkloadId
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import SECOND, Center, asks, gpu, node


def job(cpus: float, limit: int, priority: int = 0) -> WorkloadSpec:
    return WorkloadSpec(resources=asks(cpus), time_limit_s=limit, priority=priority)


def started(plan: Plan) -> list[WorkloadId]:
    return [row.workload for row in plan.placements]


def busy(cpus: float = 3, limit: int = 100) -> Center:
    """Four cpus, some of them taken until ``limit`` seconds from now."""
    center = Center().with_nodes(node("n0", 4, 16))
    center.add(job(cpus, limit))
    center.turn()
    return center


def test_the_head_is_promised_the_first_instant_at_which_it_fits() -> None:
    center = busy()
    head = center.add(job(4, 50))
    (reservation,) = center.plan().reservations
    assert (reservation.workload, reservation.start) == (head, center.now + 100 * SECOND)
    assert [(hold.node, hold.cpu_milli) for hold in reservation.nodes] == [("n0", 4000)]


def test_work_that_is_gone_in_time_goes_ahead_and_longer_work_does_not() -> None:
    center = busy()
    head = center.add(job(4, 50))
    long, endless, short = center.add(job(1, 101)), center.add(job(1, 0)), center.add(job(1, 100))
    plan = center.turn()
    assert started(plan) == [short]
    for workload in (long, endless):
        reason = plan.reason(center.waiting[workload], demand_of(center.specs[workload]))
        assert reason is not None
        assert (reason.code, reason.available, reason.ahead) == (ReasonCode.BACKFILL_WINDOW, 100, head)


def test_long_work_may_use_what_the_head_will_leave_and_no_more() -> None:
    center = Center().with_nodes(node("n0", 6, 16))
    center.add(job(3, 100))
    center.turn()
    center.add(job(4, 50))
    first, second, third = (center.add(job(1, 0)) for _ in range(3))
    short = center.add(job(1, 100))
    assert started(center.turn()) == [first, second, short]
    assert third in center.waiting


def test_long_work_keeps_off_the_very_device_that_is_promised() -> None:
    center = Center().with_nodes(node("n0", 16, 64, gpu(0), gpu(1)))
    one = WorkloadSpec(resources=asks(devices=DeviceRequest()), time_limit_s=100)
    center.add(one)
    center.turn()
    center.add(replace(one, resources=asks(devices=DeviceRequest(count=2))))
    sharing = replace(one, resources=asks(devices=DeviceRequest(share=100)), time_limit_s=200)
    center.add(sharing)
    assert not center.plan().placements
    quick = center.add(replace(sharing, time_limit_s=99))
    assert started(center.plan()) == [quick]


def test_work_past_its_end_is_taken_to_end_at_once() -> None:
    center = busy(limit=10)
    center.pass_time(60)
    center.add(job(4, 50))
    short = center.add(job(1, 10))
    plan = center.plan()
    assert plan.reservations[0].start == center.now + SECOND
    assert short not in started(plan)


def test_a_head_whose_start_cannot_be_foreseen_bars_nobody() -> None:
    center = busy(limit=0)
    endless_wait = center.add(job(4, 50))
    behind = center.add(job(1, 0))
    plan = center.turn()
    assert started(plan) == [behind]
    assert not plan.reservations
    assert endless_wait in center.waiting


def test_the_next_in_line_is_head_where_the_first_can_never_be_held() -> None:
    center = busy()
    center.add(job(5, 10))
    head = center.add(job(4, 50))
    long = center.add(job(1, 200))
    plan = center.turn()
    assert [reservation.workload for reservation in plan.reservations] == [head]
    assert long in center.waiting


def test_what_this_plan_starts_counts_for_the_head_too() -> None:
    center = Center().with_nodes(node("n0", 4, 16))
    center.add(job(3, 300))
    head = center.add(job(4, 50))
    plan = center.turn()
    assert len(plan.placements) == 1
    assert (plan.reservations[0].workload, plan.reservations[0].start) == (head, center.now + 300 * SECOND)


def test_the_head_starts_when_promised_though_smaller_work_keeps_coming() -> None:
    center = busy()
    head = center.add(job(4, 50))
    promised = center.plan().reservations[0].start
    for _ in range(10):
        center.submit(job(1, 30), 3)
        center.pass_time(10)
        for run in list(center.runs.values()):
            if run.placed_at + run.time_limit_s * SECOND <= center.now:
                center.end(run.id)
        center.turn()
    assert center.now == promised
    assert [run.workload for run in center.runs.values()] == [head]
