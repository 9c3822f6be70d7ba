"""What if: the twin agrees with the planner, nobody hears of what is not theirs, few look at a time."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.plan import ReasonCode
from suanli.model.errors import AdmissionRefusedError, BusyError, InvalidRequestError, NotFoundError, NotPermittedError
from suanli.model.facts import NodeRegistered, WorkloadUpdated
from suanli.model.ids import NodeName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Queue
from suanli.model.spec import RetryPolicy, TaskResources
from suanli.model.tenancy import Caller
from suanli.model.workload import EndCause, WorkloadState
from suanli.services.scheduling import Asked, Foreseen
from suanli.services.scheduling.lookers import Lookers
from suanli.testing.builders import ANN, BOB, GIB, node, spec
from tests.unit.services.center import Center, admin, ann, bob, caller, opened, operator
from tests.unit.services.test_scheduling_at_random import URGENT, asked, everything, reserve
from tests.unit.services.turning import LOCAL, Turning

SECOND = 1_000_000
WHOLE = TaskResources(cpu_milli=8000, memory_bytes=GIB)
N1 = NodeName("n1")


@pytest.fixture
def turning(center: Center) -> Turning:
    return Turning(center)


def foreseen(turning: Turning, by: Caller = operator, **changes: Any) -> Foreseen:
    return turning.planner.what_if(by, Asked(**changes))


def starts(found: Foreseen, workload: int) -> tuple[Instant | None, Instant | None]:
    before, after = found.comparison.before.stays, found.comparison.after.stays
    sides = (before.get(WorkloadId(workload)), after.get(WorkloadId(workload)))
    return (
        None if sides[0] is None else sides[0].start,
        None if sides[1] is None else sides[1].start,
    )


def window_edges(center: Center) -> list[int]:
    """Instants from now on at which work must heed other advance reservations than the instant before."""
    with center.store.read() as tables:
        reservations = [one for one in tables.advance_reservations() if not one.removed]
    limits = {w.time_limit_s for w in everything(center)}
    edges = {one.starts_at - limit * SECOND for one in reservations for limit in limits}
    edges |= {one.ends_at - limit * SECOND for one in reservations for limit in limits}
    edges |= {edge for one in reservations for edge in (one.starts_at, one.ends_at)}
    return sorted(edge + later for edge in edges for later in (0, 1) if edge + later > center.clock.at_us)


def live_on(turning: Turning) -> dict[WorkloadId, tuple[Instant, tuple[NodeName, ...]]]:
    """Turn, let the engine begin what is placed and end it when its limit is over; say when and where each started.

    What should have ended before does so in a second. A turn is also taken when the planner says that one is due.
    """
    center, found = turning.center, {}
    now = center.clock.at_us
    edges = window_edges(center)
    while True:
        turning.settle()
        runs = center.runs.live(LOCAL)
        for run in runs:
            if run.workload not in found:
                nodes = tuple(hold.node for hold in run.allocation.nodes)
                found[run.workload] = (run.started_at, nodes)
        ends = {run.id: run.started_at + run.time_limit_s * SECOND for run in runs if run.time_limit_s}
        ends = {run: end if end > now else now + SECOND for run, end in ends.items()}
        while edges and edges[0] <= min(ends.values(), default=edges[0]):
            center.clock.at_us = edges.pop(0)
            if turning.planner.is_due():
                break
        else:
            if not ends:
                return found
            center.clock.at_us = min(ends.values())
        over = [run for run, end in ends.items() if end == center.clock.at_us]
        for ending in over:
            center.engine.end(ending, cause=EndCause.TIMEOUT)
        center.observed(*over)


def submit_some(center: Center, chance: Random) -> None:
    """Work of all kinds that waits.

    Nothing is foreseen of what waits for others. And nobody gives way here: this engine ends at once what it is told
    to end, not in the second that is foreseen.
    """
    for number in range(chance.randint(5, 25)):
        wanted = asked(chance, 0)
        wanted |= {"dependencies": (), "retry": RetryPolicy(), "preemptible": False}
        # Where it names a reservation that is not there, or too short.
        with suppress(AdmissionRefusedError):
            center.submit(operator, **wanted)
        center.clock.at_us += chance.choice([0, 1, SECOND]) * (number % 3)


@pytest.mark.slow
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_the_planner_then_does_what_was_foreseen(seed: int) -> None:
    chance = Random(seed)
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as center:
        turning = Turning(center)
        center.tell(
            NodeRegistered(node=node("n2", cpu_milli=4000, devices=())),
            NodeRegistered(node=replace(node("n3"), memory_bytes=16 * GIB)),
        )
        center.do(lambda tx: center.inventory.define_queue(tx, admin, Queue(name=URGENT, priority=3)))
        reserve(center, chance)
        submit_some(center, chance)
        turning.settle()
        center.clock.at_us += chance.randint(1, 9) * SECOND
        reserve(center, chance)
        submit_some(center, chance)
        waiting = {w.id for w in everything(center) if w.state is WorkloadState.WAITING}
        course = foreseen(turning).comparison.before
        lived = live_on(turning)
        expected = {
            workload: (stay.start, stay.nodes) for workload, stay in course.stays.items() if stay.start is not None
        }
        assert expected == {workload: place for workload, place in lived.items() if workload in waiting}
        left = {w.id for w in everything(center) if w.state is WorkloadState.WAITING}
        assert left == set(course.never)


def test_the_preempted_wait_again_and_come_last(turning: Turning) -> None:
    low = turning.submit(resources=WHOLE, time_limit_s=100, preemptible=True)
    high = turning.center.submit(operator, resources=WHOLE, time_limit_s=50, priority=1)
    found = foreseen(turning)
    course = found.comparison.before
    now = turning.center.clock.at_us
    assert course.preempted == 1
    assert (course.stays[high].start, course.stays[low].start) == (now + SECOND, now + 51 * SECOND)
    assert found.before.started == 1


def test_lost_runs_wait_again_as_their_retry_policy_says(turning: Turning) -> None:
    turning.center.tell(NodeRegistered(node=node("n2")))
    once = turning.submit(resources=WHOLE, time_limit_s=100)
    twice = turning.submit(resources=WHOLE, time_limit_s=100, retry=RetryPolicy(max_attempts=2))
    found = foreseen(turning, down_count=2)
    assert {run.run: run.is_sent_back for run in found.lost} == {
        run_id(once, 1): False,
        run_id(twice, 1): True,
    }
    assert found.comparison.after.never == {twice: ReasonCode.NODE_STATE}
    assert found.down == ("n1", "n2")
    assert {record.id for record in found.records.values()} == {once, twice}
    assert turning.center.states(once, twice) == ["running", "running"]


def test_runs_that_were_asked_to_end_are_sent_back_only_if_they_are_requeued(turning: Turning) -> None:
    half = TaskResources(cpu_milli=4000, memory_bytes=GIB)
    cancelled, requeued = (turning.submit(resources=half, time_limit_s=100) for _ in range(2))
    turning.center.change(turning.center.workloads.cancel, cancelled)
    turning.center.change(turning.center.workloads.requeue, requeued)
    course = foreseen(turning).comparison.before
    assert set(course.stays) == {requeued}
    assert course.stays[requeued].start == turning.center.clock.at_us + SECOND


def test_a_limit_a_priority_and_a_cancel(turning: Turning) -> None:
    running = turning.submit(resources=WHOLE, time_limit_s=100)
    first, second = (turning.submit(resources=WHOLE, time_limit_s=100) for _ in range(2))
    now = turning.center.clock.at_us
    update = WorkloadUpdated(workload=second, time_limit_s=10, priority=5)
    found = foreseen(turning, altered=(update,), cancelled=(running,))
    assert starts(found, second) == (now + 200 * SECOND, now)
    assert starts(found, first) == (now + 100 * SECOND, now + 10 * SECOND)
    assert found.shown == (second, running, first)
    assert found.comparison.waiting == (first, second)


def test_what_is_imagined_is_the_caller_s_and_leaves_no_trace(turning: Turning) -> None:
    facts = turning.center.facts()
    completed = turning.center.workloads.normalize(ann, spec(resources=WHOLE, time_limit_s=60))
    found = foreseen(turning, ann, submitted=((completed, 3),))
    assert found.shown == found.comparison.submitted
    assert {found.comparison.after.stays[workload].owner for workload in found.shown} == {ANN}
    assert turning.center.facts() == facts
    assert turning.submit(resources=WHOLE) == 1


def test_a_plain_user_hears_of_their_own_work_alone(turning: Turning) -> None:
    turning.submit(resources=WHOLE, time_limit_s=100)
    own = turning.submit(resources=WHOLE, time_limit_s=100)
    other = turning.submit(by=bob, resources=WHOLE, time_limit_s=100)
    held = turning.center.submit(bob, held=True, resources=WHOLE)
    assert held
    found = foreseen(turning, bob, cancelled=(other,))
    assert found.shown == (other,)
    assert set(found.records) == {other}
    assert (found.before.started, found.not_waiting) == (0, 1)
    found = foreseen(turning, ann, shown=(own,))
    assert (found.before.started, found.not_waiting) == (1, 0)
    assert foreseen(turning).before.started == 2


@pytest.mark.parametrize("changes", [{"down": (N1,)}, {"down_count": 1}, {"added": 1, "like": N1}])
def test_nodes_are_for_operators_to_imagine(turning: Turning, changes: dict[str, Any]) -> None:
    with pytest.raises(NotPermittedError):
        foreseen(turning, ann, **changes)
    assert foreseen(turning, **changes).comparison.submitted == ()


def test_nodes_by_number_model_and_likeness(turning: Turning) -> None:
    turning.center.tell(
        NodeRegistered(node=node("n2", devices=())),
        NodeRegistered(node=node("n1.new1")),
    )
    turning.center.do(lambda tx: turning.center.inventory.drain(tx, operator, N1, "for a test"))
    assert foreseen(turning, down_count=1).down == ("n1.new1",)
    assert foreseen(turning, down_count=1, model="sample-80", down=(N1,)).down == ("n1", "n1.new1")
    with pytest.raises(InvalidRequestError):
        foreseen(turning, down_count=2, model="sample-80")
    with pytest.raises(NotFoundError):
        foreseen(turning, down=(NodeName("nowhere"),))
    with pytest.raises(NotFoundError):
        foreseen(turning, added=1, like=NodeName("nowhere"))
    found = foreseen(turning, added=2, like=N1)
    assert found.added == ("n1.new2", "n1.new3")


def test_turns_and_others_go_on_while_somebody_looks(turning: Turning) -> None:
    workload = turning.submit(resources=WHOLE, time_limit_s=100)
    waiting = turning.submit(resources=WHOLE, time_limit_s=100)
    seen = []

    def meanwhile() -> None:
        """The center moves on, others look, and the same user is refused."""
        turning.end(workload)
        seen.append(starts(foreseen(turning, ann), waiting))
        with pytest.raises(BusyError):
            foreseen(turning)

    # The first reading is the planner's own, who catches up before the copy is made.
    turning.store.before_reading += [lambda: None, meanwhile]
    found = foreseen(turning)
    assert seen == [(None, None)]
    assert turning.center.states(workload, waiting) == ["completed", "running"]
    assert starts(found, waiting)[0] == turning.center.clock.at_us + 100 * SECOND
    assert starts(foreseen(turning), waiting) == (None, None)


def test_few_look_at_a_time_and_each_for_another_user() -> None:
    lookers, third = Lookers(), caller(BOB)
    with lookers.entered(ANN):
        with pytest.raises(BusyError), lookers.entered(ANN):
            pass
        with lookers.entered(operator.user), pytest.raises(BusyError), lookers.entered(third.user):
            pass
        with lookers.entered(third.user):
            pass
    with lookers.entered(ANN):
        pass
