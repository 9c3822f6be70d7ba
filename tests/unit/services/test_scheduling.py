"""The planner through its turns, over a real store, beside an engine that does what it is told."""

from __future__ import annotations

import pytest

from suanli.kernel.scheduling.plan import Decision, ReasonCode
from suanli.model.errors import NotFoundError
from suanli.model.facts import PreemptRequested, RunEnded
from suanli.model.ids import FactSeq, NodeName, QueueName, WorkloadId
from suanli.model.resources import Queue
from suanli.model.spec import ArraySpec, Dependency, DependencyKind, Request, RetryCause, RetryPolicy, TaskResources
from suanli.model.workload import EndCause, RunState, StopCause, WorkloadState
from suanli.ports.store import FactFilter
from suanli.services.scheduling import TurnReport, Why
from suanli.services.workloads import Update, parse_ref
from suanli.testing.builders import ANN, GIB, spec
from tests.unit.services.center import Center, admin, ann, operator
from tests.unit.services.turning import Turning

NODE = NodeName("n1")
SECOND_US = 1_000_000


def cpus(count: int) -> TaskResources:
    return TaskResources(cpu_milli=1000 * count, memory_bytes=GIB // 2)


WHOLE, HALF = cpus(8), cpus(4)


@pytest.fixture
def turning(center: Center) -> Turning:
    return Turning(center)


def test_work_that_fits_starts_and_the_rest_waits_its_turn(turning: Turning) -> None:
    first, second, third = (turning.submit(resources=HALF) for _ in range(3))
    assert turning.running() == [first, second]
    turning.end(second)
    assert turning.running() == [first, third]
    assert turning.planner.turn() == TurnReport()


def test_a_run_of_moldable_work_knows_how_many_tasks_it_has(turning: Turning, center: Center) -> None:
    one = TaskResources(cpu_milli=1000, memory_bytes=GIB // 2)
    first, second = (center.submit(resources=one, tasks=6, min_tasks=2) for _ in range(2))
    assert turning.planner.turn() == TurnReport(placed=2)
    orders = center.runs.errands(center.engine.name, frozenset()).launch
    assert {order.workload: order.tasks for order in orders} == {first: 6, second: 2}
    third = turning.submit(resources=one, tasks=6, min_tasks=2)
    turning.end(second)
    assert turning.running() == [first, third]
    assert center.run(third).allocation.cpu_milli == 2000


def test_a_run_is_given_the_first_alternative_that_can_start(turning: Turning, center: Center) -> None:
    wide = Request(resources=HALF, time_limit_s=70)
    retry = RetryPolicy(max_attempts=2, on=frozenset({RetryCause.FAILED}))
    first = turning.submit(resources=HALF)
    second = center.submit(resources=WHOLE, alternatives=(wide,), time_limit_s=60, retry=retry)
    assert turning.planner.turn() == TurnReport(placed=1)
    (order,) = [one for one in center.runs.errands(center.engine.name, frozenset()).launch if one.workload == second]
    assert (order.alternative, order.resources, order.time_limit_s) == (1, HALF, 70)
    turning.settle()
    assert turning.running() == [first, second]
    turning.end(first)
    turning.end(second, exit_code=1)
    assert turning.running() == [second]
    again = center.run(second, 2)
    assert (again.alternative, again.time_limit_s, again.allocation.cpu_milli) == (0, 60, 8000)
    third = turning.submit(resources=HALF, alternatives=(wide,))
    fourth = turning.submit(resources=HALF)
    with center.store.read() as tables:
        told = turning.planner.reasons(tables.these([third, fourth]))
    assert told == {third: ReasonCode.CPU, fourth: ReasonCode.CPU}
    why = turning.planner.explain(third).explanation
    assert why is not None
    assert [form.alternative for form in why.forms] == [0, 1]


def test_a_retry_is_placed_anew_until_no_attempt_is_left(turning: Turning, center: Center) -> None:
    twice = RetryPolicy(max_attempts=2, on=frozenset({RetryCause.FAILED}))
    workload = turning.submit(retry=twice, resources=WHOLE)
    turning.end(workload, exit_code=3)
    assert (center.states(workload), center.workload(workload).attempt) == (["running"], 2)
    assert center.run(workload, 1).exit_code == 3
    turning.end(workload, exit_code=4)
    assert (center.states(workload), center.workload(workload).exit_code) == (["failed"], 4)


def test_preempted_work_makes_way_and_runs_again_later(turning: Turning, center: Center) -> None:
    low = turning.submit(resources=WHOLE, preemptible=True)
    high = center.submit(operator, resources=WHOLE, priority=5)
    assert turning.planner.turn() == TurnReport(preempted=1)
    assert (center.states(low, high), center.run(low).stop) == (["ending", "waiting"], StopCause.PREEMPTED)
    with center.store.read() as tables:
        found = tables.facts(FactSeq(0), FactFilter(types=frozenset({"PreemptRequested"})), 10)
    assert [recorded.fact for recorded in found] == [
        PreemptRequested(workload=low, run=center.run(low).id, by=high),
    ]
    # Nobody is asked twice while the room is being made.
    assert turning.planner.turn() == TurnReport()
    turning.settle()
    assert (center.states(low, high), center.run(low).cause) == (["waiting", "running"], EndCause.PREEMPTED)
    turning.end(high)
    assert (center.states(low, high), center.workload(low).attempt) == (["running", "completed"], 2)
    turning.end(low)
    assert center.states(low) == ["completed"]


@pytest.mark.parametrize(("preemptible", "priority"), [(False, 5), (True, 0)])
def test_nobody_makes_way_who_need_not(turning: Turning, center: Center, preemptible: bool, priority: int) -> None:
    low = turning.submit(resources=WHOLE, preemptible=preemptible)
    high = turning.submit(by=operator, resources=WHOLE, priority=priority)
    assert center.states(low, high) == ["running", "waiting"]
    assert center.run(low).state is RunState.RUNNING


def test_an_array_never_runs_more_than_it_may(turning: Turning, center: Center) -> None:
    array = turning.submit(array=ArraySpec(indices=(1, 2, 3, 4, 5), max_running=2))
    assert turning.running() == [array, array + 1]
    last = turning.planner.explain(WorkloadId(array + 4)).explanation
    assert last is not None
    assert [reason.code for reason in last.reasons] == [ReasonCode.ARRAY_LIMIT]
    other = turning.submit()
    for done in range(5):
        assert turning.running() == [*range(array + done, min(array + done + 2, array + 5)), other]
        turning.end(array + done)
    assert center.states(*range(array, array + 5)) == ["completed"] * 5


def test_queues_then_priorities_then_who_came_first(turning: Turning, center: Center) -> None:
    urgent = QueueName("urgent")
    center.do(lambda tx: center.inventory.define_queue(tx, admin, Queue(name=urgent, priority=10)))
    first = turning.submit(resources=WHOLE)
    late, early = turning.submit(resources=WHOLE), turning.submit(resources=WHOLE)
    center.change(center.workloads.hold, late)
    center.clock.at_us += SECOND_US
    center.change(center.workloads.release, late)
    preferred = turning.submit(by=operator, resources=WHOLE, priority=1)
    first_of_all = turning.submit(resources=WHOLE, queue=urgent)
    order = []
    turning.end(first)
    while running := turning.running():
        order += running
        turning.end(running[0])
    assert order == [first_of_all, preferred, early, late]


def test_a_node_drained_meanwhile_takes_nothing_until_it_is_back(turning: Turning, center: Center) -> None:
    workload = center.submit()
    turning.store.before_transaction.append(
        lambda: center.do(lambda tx: center.inventory.drain(tx, operator, NODE, "new memory"))
    )
    assert turning.planner.turn() == TurnReport(stale=1)
    assert turning.planner.turn() == TurnReport()
    explanation = turning.planner.explain(workload).explanation
    assert explanation is not None
    assert [reason.code for reason in explanation.reasons] == [ReasonCode.NODE_STATE]
    assert explanation.unforeseen is ReasonCode.NODE_STATE
    center.do(lambda tx: center.inventory.resume(tx, operator, NODE))
    turning.settle()
    assert center.states(workload) == ["running"]


def test_work_that_changed_meanwhile_is_planned_anew(turning: Turning, center: Center) -> None:
    held, moved, untouched = center.submit(), center.submit(), center.submit()

    def meanwhile() -> None:
        center.change(center.workloads.hold, held)
        center.do(
            lambda tx: center.workloads.update(tx, ann, parse_ref(str(moved)), Update(time_limit_s=60, priority=None))
        )

    turning.store.before_transaction.append(meanwhile)
    assert turning.planner.turn() == TurnReport(placed=1, stale=2)
    assert center.states(held, moved, untouched) == ["held", "waiting", "starting"]
    assert turning.planner.turn() == TurnReport(placed=1)
    assert (center.states(held, moved), center.run(moved).time_limit_s) == (["held", "starting"], 60)


def test_nobody_makes_way_for_what_was_cancelled_meanwhile(turning: Turning, center: Center) -> None:
    low = turning.submit(resources=WHOLE, preemptible=True)
    high = center.submit(operator, resources=WHOLE, priority=5)
    turning.store.before_transaction.append(lambda: center.change(center.workloads.cancel, high, operator))
    assert turning.planner.turn() == TurnReport(stale=1)
    turning.settle()
    assert center.states(low, high) == ["running", "cancelled"]


def test_a_victim_that_ended_meanwhile_is_left_alone(turning: Turning, center: Center) -> None:
    low = turning.submit(resources=WHOLE, preemptible=True)
    high = center.submit(operator, resources=WHOLE, priority=5)
    turning.store.before_transaction.append(lambda: center.tell(ended(center, low)))
    assert turning.planner.turn() == TurnReport(stale=1)
    turning.settle()
    assert center.states(low, high) == ["completed", "running"]


def ended(center: Center, workload: WorkloadId) -> RunEnded:
    return RunEnded(workload=workload, run=center.run(workload).id, cause=EndCause.EXITED, exit_code=0)


def test_waiting_work_is_told_what_it_waits_for_and_until_when(turning: Turning, center: Center) -> None:
    running = turning.submit(resources=WHOLE, time_limit_s=100)
    waiting = turning.submit(resources=HALF)
    why = turning.planner.explain(waiting)
    assert why.workload == center.workload(waiting)
    assert why.explanation is not None
    [reason] = why.explanation.reasons
    assert (reason.code, reason.nodes_failing, reason.nodes_total) == (ReasonCode.CPU, 1, 1)
    assert (reason.needed, reason.available) == (4000, 0)
    began = center.run(running).started_at
    assert why.explanation.earliest_start == began + 100 * SECOND_US
    center.do(
        lambda tx: center.workloads.update(tx, ann, parse_ref(str(running)), Update(time_limit_s=40, priority=None))
    )
    sooner = turning.planner.explain(waiting).explanation
    assert sooner is not None
    assert sooner.earliest_start == began + 40 * SECOND_US


def test_work_that_does_not_wait_for_room_needs_no_explanation(turning: Turning, center: Center) -> None:
    running = turning.submit()
    blocked = turning.submit(dependencies=(Dependency(kind=DependencyKind.AFTERANY, workload=running),))
    held = center.submit(held=True)
    for workload in (running, blocked, held):
        assert turning.planner.explain(workload) == Why(workload=center.workload(workload), explanation=None)
    with pytest.raises(NotFoundError):
        turning.planner.explain(WorkloadId(999))


def test_work_released_while_it_is_asked_about_is_explained(turning: Turning, center: Center) -> None:
    center.submit(resources=cpus(9))
    workload = center.submit(held=True, resources=cpus(9))
    turning.settle()
    turning.store.before_reading += [
        lambda: None,
        lambda: center.change(center.workloads.release, workload),
    ]
    why = turning.planner.explain(workload)
    assert why.workload.state is WorkloadState.WAITING
    assert why.explanation is not None
    assert why.explanation.decision is Decision.NEVER


def test_the_last_plan_says_in_short_why_each_waits(turning: Turning, center: Center) -> None:
    running, short, never = (turning.submit(resources=asked) for asked in (WHOLE, HALF, cpus(9)))
    later = center.submit(resources=HALF)
    named = [center.workload(workload) for workload in (running, short, never, later)]
    # What came after the last plan is told nothing rather than something made up.
    assert turning.planner.reasons(named) == {short: ReasonCode.CPU, never: ReasonCode.IMPOSSIBLE}
    turning.settle()
    assert turning.planner.reasons(named)[later] is ReasonCode.CPU
    turning.end(running)
    assert turning.planner.reasons(named) == {never: ReasonCode.IMPOSSIBLE}


def test_a_preview_says_what_would_happen_and_records_nothing(turning: Turning, center: Center) -> None:
    turning.submit(resources=HALF, time_limit_s=100)
    facts = center.facts()
    now, later, never = (turning.planner.preview(spec(resources=asked), ANN) for asked in (HALF, cpus(5), cpus(9)))
    assert (now.decision, later.decision, never.decision) == (Decision.NOW, Decision.LATER, Decision.NEVER)
    assert now.allocation is not None
    assert [(hold.node, hold.cpu_milli) for hold in now.allocation.nodes] == [(NODE, 4000)]
    assert later.earliest_start == center.clock.at_us + 100 * SECOND_US
    assert never.reasons[0].code is ReasonCode.IMPOSSIBLE
    assert center.facts() == facts


def test_a_shorter_limit_lets_work_slip_in_before_the_head(turning: Turning, center: Center) -> None:
    turning.submit(resources=HALF, time_limit_s=100)
    head = turning.submit(resources=WHOLE)
    long = turning.submit(resources=HALF, time_limit_s=1000)
    assert turning.planner.reasons([center.workload(long)]) == {long: ReasonCode.BACKFILL_WINDOW}
    center.do(lambda tx: center.workloads.update(tx, ann, parse_ref(str(long)), Update(time_limit_s=50, priority=None)))
    turning.settle()
    assert center.states(head, long) == ["waiting", "running"]
    assert center.run(long).time_limit_s == 50


def test_a_higher_priority_goes_first_from_now_on(turning: Turning, center: Center) -> None:
    running, first, second = (turning.submit(resources=WHOLE) for _ in range(3))
    center.do(
        lambda tx: center.workloads.update(tx, operator, parse_ref(str(second)), Update(time_limit_s=None, priority=9))
    )
    turning.end(running)
    assert center.states(first, second) == ["waiting", "running"]


def test_requeued_work_runs_anew_whether_it_runs_or_is_over(turning: Turning, center: Center) -> None:
    workload = turning.submit(resources=WHOLE)
    center.change(center.workloads.requeue, workload)
    turning.settle()
    assert (center.states(workload), center.workload(workload).attempt) == (["running"], 2)
    assert center.run(workload, 1).cause is EndCause.REQUEUED
    turning.end(workload)
    center.change(center.workloads.requeue, workload)
    turning.settle()
    assert (center.states(workload), center.workload(workload).attempt) == (["running"], 3)


def test_work_cancelled_before_its_engine_had_it_gives_its_place_back(turning: Turning, center: Center) -> None:
    workload, other = center.submit(resources=WHOLE), center.submit(resources=WHOLE)
    turning.planner.turn()
    assert center.states(workload, other) == ["starting", "waiting"]
    center.change(center.workloads.cancel, workload)
    turning.settle()
    assert center.states(workload, other) == ["cancelled", "running"]


def test_many_facts_between_two_turns_are_all_taken_in(turning: Turning, center: Center) -> None:
    turning.settle()
    array = center.submit(array=ArraySpec(indices=tuple(range(3000))), resources=WHOLE)
    for ref in (array, array, array):
        verb = center.workloads.release if center.states(array) == ["held"] else center.workloads.hold
        center.change(verb, ref)
    center.change(center.workloads.release, f"{array}_2999")
    turning.settle()
    assert turning.running() == [array + 2999]
