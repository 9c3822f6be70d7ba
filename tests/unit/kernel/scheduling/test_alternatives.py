"""Work that will do with one of several requests: which it gets, what is kept for it, and what is said of each."""

from __future__ import annotations

from dataclasses import replace

from suanli.kernel.scheduling.explain import explain, preview
from suanli.kernel.scheduling.plan import Decision, Plan, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.ids import LicenseName, ReservationName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.quota import Quota, QuotaScope
from suanli.model.spec import Request, WorkloadSpec
from tests.unit.kernel.scheduling.center import OWNERS, PROJECT, SECOND, Center, asks, gpu, node
from tests.unit.kernel.scheduling.checker import check

A100 = asks(1, 1, DeviceRequest(model="a100"))
V100 = asks(1, 1, DeviceRequest(model="v100"))
CPUS = asks(8, 1)
ANYTHING = WorkloadSpec(
    resources=A100,
    time_limit_s=100,
    alternatives=(Request(resources=V100, tasks=2, time_limit_s=200), Request(resources=CPUS)),
)


def center() -> Center:
    """Nodes with an A100, with three V100s, and with 16 cpus."""
    v100s = [gpu(index, "v100", 32) for index in range(3)]
    return Center().with_nodes(node("n1", 4, 16, gpu(0)), node("n2", 4, 16, *v100s), node("n3", 16, 16))


def taken(plan: Plan) -> dict[WorkloadId, int]:
    return {row.workload: row.alternative for row in plan.placements}


def cpus(count: float, limit: int = 100) -> WorkloadSpec:
    return WorkloadSpec(resources=asks(count), time_limit_s=limit)


def test_the_first_that_can_start_is_taken() -> None:
    one = center()
    first, second, third, fourth, fifth = (one.add(ANYTHING) for _ in range(5))
    plan = one.plan()
    check(one, plan)
    assert taken(plan) == {first: 0, second: 1, third: 2, fourth: 2}
    assert [row.time_limit_s for row in plan.placements] == [100, 200, 100, 100]
    (reservation,) = plan.reservations
    # At that instant the A100 and the cpus are free again: the first in order is kept.
    assert (reservation.workload, reservation.alternative) == (fifth, 0)
    assert reservation.start == one.now + 100 * SECOND
    one.turn()
    explained = explain(one.state, fifth, one.now, one.policy)
    assert (explained.decision, explained.earliest_start) == (Decision.LATER, one.now + 100 * SECOND)
    assert [form.earliest_start for form in explained.forms] == [one.now + s * SECOND for s in (100, 200, 100)]
    codes = [{reason.code for reason in form.reasons} for form in explained.forms]
    # Of the three V100s one is left, and two are asked for.
    assert [ReasonCode.DEVICE_FREE in told for told in codes] == [True, False, False]
    assert [ReasonCode.TASKS_COUNT in told for told in codes] == [False, True, False]


def test_what_may_start_first_is_kept_for_the_head_and_then_taken() -> None:
    one = Center().with_nodes(node("n1", 4, 16, gpu(0)), node("n2", 8, 16))
    one.add(replace(ANYTHING, time_limit_s=300, alternatives=()))
    one.add(cpus(5, limit=50))
    one.turn()
    head = one.add(ANYTHING)
    later = one.add(cpus(3, limit=60))
    plan = one.plan()
    check(one, plan)
    one.turn()
    (reservation,) = plan.reservations
    assert (reservation.workload, reservation.alternative, reservation.nodes[0].node) == (head, 2, "n2")
    assert reservation.start == one.now + 50 * SECOND
    # It would run beyond that on n2, and on n1 nobody is in its way.
    assert [row.allocation.nodes[0].node for row in plan.placements] == ["n1"]
    assert taken(plan) == {later: 0}
    one.pass_time(50)
    one.end(one.run_of(WorkloadId(2)))
    assert taken(one.turn()) == {head: 2}


def test_the_reservation_moves_to_another_form_as_ends_do() -> None:
    one = Center().with_nodes(node("n1", 4, 16, gpu(0)), node("n2", 8, 16))
    on_gpu = one.add(replace(ANYTHING, time_limit_s=300, alternatives=()))
    on_cpus = one.add(cpus(8, limit=50))
    one.turn()
    one.add(ANYTHING)
    (before,) = one.turn().reservations
    assert before.alternative == 2
    one.end(one.run_of(on_cpus))
    one.add(replace(cpus(8, limit=1000), priority=5))
    (after,) = one.turn().reservations
    assert (after.alternative, after.start) == (0, one.now + 300 * SECOND)
    one.end(one.run_of(on_gpu))
    assert not one.turn().reservations


def test_a_form_that_a_quota_forbids_is_passed_over_and_the_next_is_taken() -> None:
    one = center()
    one.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, device_share=1000))
    first, second = one.add(ANYTHING), one.add(ANYTHING)
    assert taken(one.turn()) == {first: 0, second: 2}
    one.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, cpu_milli=9000))
    third = one.add(ANYTHING)
    plan = one.turn()
    assert not plan.placements
    assert not plan.reservations
    told = explain(one.state, third, one.now, one.policy)
    assert [form.unforeseen for form in told.forms] == [ReasonCode.PROJECT_QUOTA] * 3


def test_what_one_form_asks_is_what_bounds_count() -> None:
    one = center()
    one.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, device_share=2000))
    small = replace(ANYTHING, alternatives=ANYTHING.alternatives[:1])
    first, second = one.add(small), one.add(small)
    assert taken(one.turn()) == {first: 0}
    one.end(one.run_of(first))
    one.set_node(node("n1", 4, 16))
    assert taken(one.turn()) == {second: 1}
    third = one.add(WorkloadSpec(resources=V100))
    assert third not in taken(one.turn())
    one.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, device_share=3000))
    assert taken(one.turn()) == {third: 0}


def test_who_makes_way_is_asked_for_the_first_form_that_this_helps() -> None:
    one = center()
    low = replace(cpus(9), preemptible=True)
    on_cpus = one.add(low)
    one.add(replace(WorkloadSpec(resources=A100, time_limit_s=900), priority=3))
    one.add(replace(WorkloadSpec(resources=V100, tasks=2, time_limit_s=900), priority=3))
    one.turn()
    head = one.add(replace(ANYTHING, priority=2))
    plan = one.plan()
    check(one, plan)
    assert [(victim.workload, victim.by) for victim in plan.preemptions] == [(on_cpus, head)]
    (reservation,) = plan.reservations
    assert reservation.alternative == 2
    one.turn()
    # While it is leaving, nobody else is asked.
    assert not one.turn().preemptions
    one.end(one.run_of(on_cpus))
    assert taken(one.turn()) == {head: 2}


def test_nobody_is_asked_for_a_better_form_while_who_was_asked_makes_room_for_another() -> None:
    one = center()
    on_cpus = one.add(replace(cpus(9), preemptible=True))
    high = one.add(replace(WorkloadSpec(resources=A100, time_limit_s=900), priority=3))
    one.turn()
    head = one.add(replace(ANYTHING, priority=2, alternatives=ANYTHING.alternatives[1:]))
    assert [victim.workload for victim in one.turn().preemptions] == [on_cpus]
    # Meanwhile the device came to be held by work whose place the head might take as well.
    held = one.runs[one.run_of(high)].allocation
    one.end(one.run_of(high))
    low = one.add(replace(WorkloadSpec(resources=A100, time_limit_s=900), preemptible=True))
    one.start(low, held)
    plan = one.turn()
    check(one, plan)
    assert (plan.preemptions, plan.placements) == ((), ())
    one.end(one.run_of(on_cpus))
    assert taken(one.turn()) == {head: 1}


def test_only_what_can_never_be_held_in_any_form_is_impossible() -> None:
    one = center()
    huge = replace(ANYTHING, resources=asks(99), alternatives=(Request(resources=asks(98)), Request(resources=CPUS)))
    never = one.add(replace(huge, alternatives=huge.alternatives[:1]))
    some = one.add(huge)
    plan = one.turn()
    assert taken(plan) == {some: 2}
    told = explain(one.state, never, one.now, one.policy)
    assert (told.decision, [form.decision for form in told.forms]) == (Decision.NEVER, [Decision.NEVER] * 2)
    reasons = [plan.reason(one.waiting[never], job.demand) for job in one.state.forms(never)]
    assert [reason and reason.code for reason in reasons] == [ReasonCode.IMPOSSIBLE] * 2
    assert preview(one.state, huge, OWNERS[0], one.now, one.policy).alternative == 2


def test_a_form_that_would_be_late_for_the_deadline_is_not_started() -> None:
    one = Center().with_nodes(node("n1", 4, 16))
    one.add(cpus(4, limit=50))
    one.turn()
    spec = replace(cpus(1, limit=100), deadline=Instant(one.now + 120 * SECOND))
    waits = one.add(replace(spec, alternatives=(Request(resources=asks(2), time_limit_s=10),)))
    assert one.state.deadlines.missed(one.now) == []
    one.pass_time(50)
    one.end(one.run_of(WorkloadId(1)))
    assert one.state.deadlines.missed(one.now) == []
    assert taken(one.turn()) == {waits: 1}
    late = one.add(replace(spec, alternatives=(Request(resources=asks(2), time_limit_s=10),)))
    one.pass_time(61)
    assert one.state.deadlines.missed(one.now) == [late]


def test_a_license_is_kept_for_work_that_lacks_it_in_every_form() -> None:
    one, solver = center(), LicenseName("solver")
    one.set_license("solver", 2)
    first = one.add(replace(cpus(1, limit=50), licenses={solver: 1}))
    one.turn()
    wide = one.add(replace(ANYTHING, licenses={solver: 2}))
    long, short = (one.add(replace(cpus(1, limit=limit), licenses={solver: 1})) for limit in (60, 40))
    assert taken(one.turn()) == {short: 0}
    assert long in one.waiting
    one.pass_time(50)
    for workload in (first, short):
        one.end(one.run_of(workload))
    assert taken(one.turn()) == {wide: 0}


def test_forms_heed_reservations_each_by_its_own_limit() -> None:
    one = Center().with_nodes(node("n1", 4, 16), node("n2", 4, 16))
    one.reserve("w", 80, 500, "n1", "n2")
    spec = replace(cpus(1, limit=100), alternatives=(Request(resources=asks(2), time_limit_s=70),))
    first = one.add(spec)
    plan = one.plan()
    check(one, plan)
    assert taken(plan) == {first: 1}
    one.pass_time(20)
    (reservation,) = one.turn().reservations
    assert (reservation.alternative, reservation.start) == (0, one.now + 480 * SECOND)
    one.unreserve("w")
    assert taken(one.turn()) == {first: 0}
    inside = one.add(replace(spec, reservation=ReservationName("w")))
    one.reserve("w", 0, 80, "n1", "n2", use=True)
    assert taken(one.turn()) == {inside: 1}


def test_a_run_that_is_sent_back_waits_in_all_its_forms() -> None:
    one = center()
    first = one.add(replace(ANYTHING, preemptible=True))
    one.turn()
    one.stop(one.run_of(first))
    one.set_node(node("n1", 4, 16))
    one.end(one.run_of(first))
    assert len(one.state.forms(first)) == 3
    assert taken(one.turn()) == {first: 1}
