"""More than one reservation in a live center: who gets one, who waits for whose, and what that costs others."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.cycle import cycle
from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.explain import explain, preview
from suanli.kernel.scheduling.plan import Decision, Explanation, Plan, Policy, Reason, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.ids import LicenseName, ReservationName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.spec import Request, WorkloadSpec
from tests.unit.kernel.scheduling.center import OWNERS, SECOND, Center, asks, gpu, node
from tests.unit.kernel.scheduling.checker import check
from tests.unit.kernel.scheduling.explained import check_explanation
from tests.unit.kernel.scheduling.test_at_random import CENTERS

EVERYBODY = 1000


def job(cpus: float, limit: int, priority: int = 0) -> WorkloadSpec:
    return WorkloadSpec(resources=asks(cpus), time_limit_s=limit, priority=priority)


def busy(reservations: int, cpus: float = 3, limit: int = 100) -> Center:
    """Four cpus, some of them taken until ``limit`` seconds from now."""
    center = Center(policy=Policy(reservations=reservations)).with_nodes(node("n0", 4, 16))
    center.add(job(cpus, limit))
    center.turn()
    return center


def starts(center: Center, plan: Plan) -> dict[WorkloadId, int]:
    """Of what is reserved, in how many seconds it starts."""
    return {one.workload: (one.start - center.now) // SECOND for one in plan.reservations}


def why(center: Center, plan: Plan, workload: WorkloadId) -> Reason:
    reason = plan.reason(center.waiting[workload], demand_of(center.specs[workload]))
    assert reason is not None
    return reason


def explained(center: Center, workload: WorkloadId) -> Explanation:
    return explain(center.state, workload, center.now, center.policy)


def test_everybody_in_order_is_promised_the_first_instant_that_delays_nobody_in_front() -> None:
    center = busy(EVERYBODY)
    first, second, third = center.add(job(4, 50)), center.add(job(2, 30)), center.add(job(2, 40))
    plan = center.plan()
    check(center, plan)
    assert starts(center, plan) == {first: 100, second: 150, third: 150}
    assert [one.workload for one in plan.reservations] == [first, second, third]


def test_work_that_would_pass_the_head_unharmed_waits_for_the_second() -> None:
    # After the first has its three cpus one is left for long work, but the second needs all four when the first ends.
    def center_of(reservations: int) -> tuple[Center, WorkloadId, WorkloadId]:
        center = busy(reservations, cpus=2)
        center.add(job(3, 50))
        return center, center.add(job(4, 10)), center.add(job(1, 1000))

    center, _, long = center_of(1)
    assert [row.workload for row in center.plan().placements] == [long]
    center, second, long = center_of(2)
    plan = center.plan()
    check(center, plan)
    assert not plan.placements
    reason = why(center, plan, long)
    assert (reason.code, reason.available, reason.ahead) == (ReasonCode.BACKFILL_WINDOW, 150, second)
    (told,) = explained(center, long).reasons
    assert told == replace(reason, needed=1000)


def test_who_has_a_reservation_is_told_whose_is_in_the_way_and_who_has_none_as_well() -> None:
    center = busy(2)
    head, second = center.add(job(4, 50)), center.add(job(1, 200))
    third, short = center.add(job(1, 500)), center.add(job(1, 100))
    plan = center.plan()
    check(center, plan)
    assert starts(center, plan) == {head: 100, second: 150}
    for workload in (second, third):
        reason = why(center, plan, workload)
        assert (reason.code, reason.available, reason.ahead) == (ReasonCode.BACKFILL_WINDOW, 100, head)
    assert [row.workload for row in plan.placements] == [short]
    # Explained are reasons beside all that starts: the free cpu is the short one's now.
    assert [one.code for one in explained(center, second).reasons] == [ReasonCode.PRIORITY]
    assert explained(center, second).earliest_start == center.now + 150 * SECOND
    assert explained(center, third).earliest_start == center.now + 150 * SECOND
    assert explained(center, short).decision is Decision.NOW


def test_one_reservation_is_easy_as_ever_and_needs_no_rows_for_more() -> None:
    center = busy(1)
    center.add(job(4, 50))
    center.add(job(4, 60))
    assert len(center.plan().reservations) == 1
    tables = center.state.tables
    assert tables.booked.size == tables.steps.size == tables.drops.size == tables.step_devices.size == 0


def test_work_without_a_limit_is_promised_a_place_and_nobody_behind_it_there() -> None:
    center = busy(EVERYBODY)
    endless, behind = center.add(job(4, 0)), center.add(job(4, 10))
    plan = center.plan()
    check(center, plan)
    assert starts(center, plan) == {endless: 100}
    found = explained(center, behind)
    assert (found.earliest_start, found.unforeseen) == (None, ReasonCode.NO_TIME_LIMIT)
    small = center.add(job(1, 500))
    plan = center.plan()
    check(center, plan)
    assert why(center, plan, small).ahead == endless
    assert explained(center, small).reasons[0].ahead == endless


def test_devices_are_kept_one_by_one() -> None:
    center = Center(policy=Policy(reservations=EVERYBODY)).with_nodes(node("n0", 8, 16, gpu(0), gpu(1)))
    one = WorkloadSpec(resources=asks(1, 1, DeviceRequest(count=1)), time_limit_s=100)
    both = WorkloadSpec(resources=asks(1, 1, DeviceRequest(count=2)), time_limit_s=10)
    center.add(one)
    center.turn()
    pair, long, short = center.add(both), center.add(replace(one, time_limit_s=101)), center.add(one)
    plan = center.plan()
    check(center, plan)
    assert starts(center, plan) == {pair: 100, long: 110}
    assert [row.workload for row in plan.placements] == [short]
    assert sorted(device.index for one in plan.reservations[0].nodes for device in one.devices) == [0, 1]


def test_maintenance_is_heeded_by_every_reservation() -> None:
    center = busy(EVERYBODY)
    center.reserve("repair", 120, 200, "n0")
    first, second = center.add(job(4, 50)), center.add(job(4, 10))
    plan = center.plan()
    check(center, plan)
    # The first cannot be done before the repair; the second can, and delays it not.
    assert starts(center, plan) == {first: 200, second: 100}
    assert explained(center, first).earliest_start == center.now + 200 * SECOND


def test_work_for_a_reservation_that_is_not_open_takes_none_of_the_promises() -> None:
    center = busy(2)
    center.reserve("course", 500, 900, "n0", use=True)
    early = center.add(replace(job(1, 60), reservation=ReservationName("course")))
    first, second = center.add(job(4, 50)), center.add(job(4, 60))
    plan = center.plan()
    check(center, plan)
    assert starts(center, plan) == {first: 100, second: 150}
    assert explained(center, early).earliest_start == center.now + 500 * SECOND


def test_a_license_is_kept_for_who_has_a_reservation() -> None:
    center = busy(EVERYBODY)
    center.set_license("solver", 1)
    solver = {LicenseName("solver"): 1}
    head = center.add(replace(job(4, 50), licenses=solver))
    short, long = (center.add(replace(job(1, limit), licenses=solver)) for limit in (100, 101))
    plan = center.plan()
    check(center, plan)
    assert starts(center, plan) == {head: 100}
    assert [row.workload for row in plan.placements] == [short]
    assert why(center, plan, long).code is ReasonCode.LICENSE


def test_the_first_may_take_the_place_of_others_and_the_rest_is_promised_what_follows() -> None:
    center = Center(policy=Policy(reservations=3)).with_nodes(node("n0", 4, 16))
    center.add(replace(job(4, 1000), preemptible=True))
    center.turn()
    urgent, next_one = center.add(job(4, 100, priority=2)), center.add(job(4, 50))
    plan = center.plan()
    check(center, plan)
    assert [one.by for one in plan.preemptions] == [urgent]
    assert starts(center, plan) == {urgent: 1, next_one: 101}


def test_moldable_work_starts_with_what_the_promises_leave() -> None:
    center = busy(EVERYBODY, cpus=1)
    center.add(job(4, 50))
    wide = center.add(replace(job(1, 60), tasks=4, min_tasks=1))
    plan = center.plan()
    check(center, plan)
    (placement,) = plan.placements
    assert (placement.workload, placement.allocation.tasks) == (wide, 3)


def test_work_with_alternatives_starts_in_the_first_that_can() -> None:
    center = busy(EVERYBODY)
    first = center.add(replace(job(4, 50), alternatives=(Request(resources=asks(1), time_limit_s=60),)))
    plan = center.plan()
    check(center, plan)
    assert [(row.workload, row.alternative) for row in plan.placements] == [(first, 1)]
    assert not plan.reservations


def either(first: WorkloadSpec, *others: WorkloadSpec) -> WorkloadSpec:
    """Work that will do with any of these."""
    return replace(first, alternatives=tuple(replace(one.requests[0], time_limit_s=one.time_limit_s) for one in others))


def forms_told(center: Center, plan: Plan, workload: WorkloadId) -> list[tuple[ReasonCode, WorkloadId]]:
    """Of each form, why it does not start, and who is ahead."""
    found = []
    for job in center.state.forms(workload):
        limited = replace(center.waiting[workload], time_limit_s=center.limit_s(center.waiting[workload], job.form))
        reason = plan.reason(limited, job.demand)
        assert reason is not None
        found.append((reason.code, reason.ahead))
    return found


@pytest.mark.parametrize(
    ("second", "form", "start"), [(job(2, 60), 1, 100), (job(3, 60), 0, 150), (job(4, 10), 0, 150)]
)
def test_work_with_alternatives_has_one_reservation_for_the_form_that_can_start_first(
    second: WorkloadSpec, form: int, start: int
) -> None:
    center = Center(policy=Policy(reservations=EVERYBODY)).with_nodes(node("n0", 4, 16))
    center.add(job(2, 100))
    center.add(job(2, 150))
    center.turn()
    workload = center.add(either(job(4, 50), second))
    plan = center.plan()
    check(center, plan)
    check_explanation(center, plan, explained(center, workload))
    assert [(one.workload, one.alternative) for one in plan.reservations] == [(workload, form)]
    assert starts(center, plan) == {workload: start}


def test_who_waits_behind_several_forms_waits_for_the_one_that_is_kept() -> None:
    center = busy(EVERYBODY)
    first = center.add(either(job(4, 50), job(2, 500)))
    long, short = center.add(job(3, 30)), center.add(job(1, 100))
    plan = center.plan()
    check(center, plan)
    # Both forms can start at 100: the first in order is kept, and who fits before it starts.
    assert [(one.workload, one.alternative) for one in plan.reservations] == [(first, 0), (long, 0)]
    assert starts(center, plan) == {first: 100, long: 150}
    assert [row.workload for row in plan.placements] == [short]
    # The other is foreseen beside what all others have reserved.
    foreseen = [one.earliest_start for one in explained(center, first).forms]
    assert foreseen == [center.now + 100 * SECOND, center.now + 180 * SECOND]


def test_each_form_is_told_whose_reservation_is_in_its_way_and_never_its_own() -> None:
    center = busy(EVERYBODY)
    head = center.add(job(4, 50))
    several = center.add(either(job(1, 200), job(1, 300), job(4, 10)))
    plan = center.plan()
    check(center, plan)
    assert starts(center, plan) == {head: 100, several: 150}
    told = forms_told(center, plan, several)
    assert told[:2] == [(ReasonCode.BACKFILL_WINDOW, head)] * 2
    assert told[2][0] is ReasonCode.CPU
    found = explained(center, several)
    check_explanation(center, plan, found)
    assert [one.reasons[0].ahead for one in found.forms[:2]] == [head, head]
    # Beside the others each could start as early; what is kept for its own work is not in the way.
    assert [one.earliest_start for one in found.forms] == [center.now + 150 * SECOND] * 3


def test_a_form_that_is_late_or_held_back_is_kept_no_place() -> None:
    center = busy(EVERYBODY)
    late = replace(either(job(4, 50), job(3, 20)), deadline=Instant(center.now + 30 * SECOND))
    workload = center.add(late)
    plan = center.plan()
    check(center, plan)
    # The first can no more be in time, and so only the second is looked at.
    assert [(one.workload, one.alternative) for one in plan.reservations] == [(workload, 1)]


def test_the_first_that_may_preempt_does_for_the_first_form_that_this_makes_room_for() -> None:
    center = Center(policy=Policy(reservations=3)).with_nodes(node("n0", 4, 16))
    center.add(replace(job(3, 1000), preemptible=True))
    center.add(job(1, 500))
    center.turn()
    urgent = center.add(replace(either(job(4, 100), job(3, 50)), priority=2))
    plan = center.plan()
    check(center, plan)
    assert [one.by for one in plan.preemptions] == [urgent]
    assert [(one.workload, one.alternative) for one in plan.reservations] == [(urgent, 1)]
    assert starts(center, plan) == {urgent: 1}


def powered(reservations: int, cap: int) -> Center:
    """Eight cpus of ten watts each."""
    center = Center(policy=Policy(reservations=reservations))
    center.set_node(replace(node("n0", 8, 64), cpu_power_mw=10_000))
    center.cap_power(cap)
    return center


def test_every_reservation_has_its_power_and_nobody_behind_delays_it() -> None:
    center = powered(EVERYBODY, 50)
    center.add(job(3, 100))
    center.turn()
    first, second, third = center.add(job(4, 50)), center.add(job(3, 40)), center.add(job(1, 1000))
    short = center.add(job(2, 100))
    plan = center.plan()
    check(center, plan)
    # At 100 there is power for five cpus: the first and one more, so that the second waits for the first's end.
    assert starts(center, plan) == {first: 100, second: 150, short: 190}
    assert [row.workload for row in plan.placements] == [third]
    assert why(center, plan, short).code is ReasonCode.POWER
    for workload in (first, second, short):
        check_explanation(center, plan, explained(center, workload))


def test_who_would_take_the_power_of_the_second_is_told_so() -> None:
    center = powered(EVERYBODY, 50)
    center.add(job(3, 100))
    center.turn()
    first, second = center.add(job(3, 50)), center.add(job(5, 40))
    passing, long = center.add(job(2, 150)), center.add(job(2, 151))
    plan = center.plan()
    check(center, plan)
    assert starts(center, plan) == {first: 100, second: 150, long: 190}
    assert [row.workload for row in plan.placements] == [passing]
    center.withdraw(passing)
    plan = center.plan()
    check(center, plan)
    reason = why(center, plan, long)
    assert (reason.code, reason.available, reason.ahead) == (ReasonCode.BACKFILL_WINDOW, 150, second)
    check_explanation(center, plan, explained(center, long))


def test_moldable_work_leaves_the_reservations_their_power() -> None:
    center = powered(EVERYBODY, 60)
    center.add(job(3, 100))
    center.turn()
    center.add(job(4, 50))
    wide = center.add(replace(job(1, 500), tasks=4, min_tasks=1))
    plan = center.plan()
    check(center, plan)
    assert [(row.workload, row.allocation.tasks) for row in plan.placements] == [(wide, 2)]


def test_a_form_that_draws_less_may_start_first() -> None:
    center = powered(EVERYBODY, 40)
    center.add(job(2, 100))
    center.add(job(2, 200))
    center.turn()
    either_one = center.add(either(job(3, 50), job(2, 500)))
    plan = center.plan()
    check(center, plan)
    assert [(one.workload, one.alternative) for one in plan.reservations] == [(either_one, 1)]
    assert starts(center, plan) == {either_one: 100}
    assert [code for code, _ in forms_told(center, plan, either_one)] == [ReasonCode.POWER, ReasonCode.POWER]


def test_a_preview_stands_behind_every_promise() -> None:
    center = busy(EVERYBODY)
    center.add(job(4, 50))
    center.add(job(4, 60))
    found = preview(center.state, job(4, 10), OWNERS[0], center.now, center.policy)
    assert found.earliest_start == center.now + 210 * SECOND
    assert found.ahead == 2


def test_on_one_node_no_promise_moves_back_as_long_as_nobody_comes_in_front() -> None:
    chance = Random(5)
    for _ in range(20):
        center = Center(policy=Policy(reservations=EVERYBODY)).with_nodes(node("n0", 6, 64))
        for _ in range(12):
            center.add(job(chance.randint(1, 4), chance.choice([10, 30, 70, 200])))
        before: dict[WorkloadId, Instant] = {}
        for _ in range(30):
            plan = center.turn()
            promised = {one.workload: one.start for one in plan.reservations}
            assert all(start <= before.get(workload, start) for workload, start in promised.items())
            assert all(before.get(row.workload, center.now) >= center.now for row in plan.placements)
            before = promised
            if not center.runs:
                break
            ends = {run.id: run.placed_at + run.time_limit_s * SECOND for run in center.runs.values()}
            first = min(ends.values())
            center.now = Instant(first)
            for run in sorted(run for run, end in ends.items() if end == first):
                center.end(run)


class Crowd:
    """Small work crowding a few nodes, so that promises stand in each other's way."""

    def __init__(self, seed: int) -> None:
        self.chance, self.met = Random(seed), Counter[str]()
        chance = self.chance
        self.center = Center(policy=Policy(reservations=chance.choice([2, 3, EVERYBODY])))
        devices = [[], [gpu(0), gpu(1)]]
        # Their own, so that the rest of a seed is as it was without.
        self.of_forms = Random(seed) if seed % 2 else None
        for number in range(chance.randint(1, 3)):
            one = node(f"n{number}", chance.randint(2, 6), 64, *chance.choice(devices))
            self.center.set_node(replace(one, cpu_power_mw=10_000) if seed % 3 else one)
        self.center.cap_power([0, 40, 70][seed % 3])

    def step(self) -> None:
        chance, center = self.chance, self.center
        for _ in range(chance.randint(0, 3)):
            share = chance.choice([1000, 1000, 500])
            request = DeviceRequest(count=1, share=share) if chance.random() < 0.3 else None
            tasks = chance.choice([1, 1, 2, 3])
            spec = WorkloadSpec(
                resources=asks(chance.choice([1, 1, 2, 4]), 1, request),
                tasks=tasks,
                min_tasks=chance.choice([0, 0, 1]),
                time_limit_s=chance.choice([0, 10, 10, 40, 100, 300]),
                priority=chance.choice([0, 0, 0, 1]),
            )
            center.add(self.with_forms(spec))
        if chance.random() < 0.1:
            begin = chance.choice([5, 50])
            center.reserve("w", begin, begin + chance.choice([10, 100]), "n0")
        for workload in sorted(center.waiting)[:-10]:
            center.withdraw(workload)
        self.judge()
        center.turn()
        self.judge()
        for run in sorted(center.runs.values(), key=lambda run: run.id):
            if chance.random() < 0.25:
                center.end(run.id)
        center.pass_time(chance.choice([1, 10, 30]))

    def with_forms(self, spec: WorkloadSpec) -> WorkloadSpec:
        """Let some work do with something else."""
        chance = self.of_forms
        if chance is None or chance.random() < 0.5:
            return spec
        others = [
            Request(resources=asks(chance.choice([1, 2, 3])), time_limit_s=chance.choice([5, 20, 60, 200]))
            for _ in range(chance.choice([1, 1, 2]))
        ]
        return replace(spec, alternatives=tuple(others))

    def judge(self) -> None:
        center = self.center
        plan = center.plan()
        check(center, plan)
        assert center.plan() == plan
        for workload in sorted(center.waiting):
            found = explain(center.state, workload, center.now, center.policy)
            check_explanation(center, plan, found)
            self.met.update(reason.code for reason in found.reasons)
            reason = plan.reason(center.waiting[workload], center.state.waiting(workload).demand)
            self.met["told"] += reason is not None and reason.code is ReasonCode.BACKFILL_WINDOW
        self.met["alone"] += sum(one.alone > 0 for one in plan.refusals)
        self.met["many"] += len(plan.reservations) > 1
        self.met["forms"] += any(one.alternative for one in plan.reservations)
        self.met["widened"] += sum(row.allocation.tasks > 1 for row in plan.placements)
        again = center.rebuilt()
        decided = cycle(again, center.now, center.policy)
        assert (decided.placements, decided.reservations) == (plan.placements, plan.reservations)


@pytest.mark.slow
@settings(max_examples=max(CENTERS, 1), deadline=None)
@given(seed=st.integers(0, 2**32))
def test_in_a_crowd_nobody_delays_anybody_in_front_and_every_reason_is_true(seed: int) -> None:
    crowd = Crowd(seed)
    for _ in range(15):
        crowd.step()


@pytest.mark.slow
def test_crowds_meet_everything_there_is_to_judge() -> None:
    met: Counter[str] = Counter()
    for seed in range(20):
        crowd = Crowd(seed)
        for _ in range(15):
            crowd.step()
        met += crowd.met
    expected = [ReasonCode.BACKFILL_WINDOW, ReasonCode.PRIORITY, ReasonCode.POWER, "told", "alone", "many", "widened"]
    expected += ["forms"]
    assert not {name for name in expected if met[name] < 20}, met
