"""What is told to a center, change by change: orders, last words, columns of the tables, and rows that grow."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.grow import sizes_of
from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.job import NEVER
from suanli.kernel.scheduling.plan import ReasonCode
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.devices import DeviceRequest
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.ids import LicenseName, ProjectName, QueueName, ReservationName, RunId, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.resources import Queue
from suanli.model.spec import MAX_FEATURES_ASKED, WorkloadSpec
from suanli.model.workload import RunState
from tests.unit.kernel.scheduling.center import GIB, OWNERS, PROJECT, SECOND, Center, asks, gpu, node


def job(cpus: float = 1, limit: int = 60, **more: Any) -> WorkloadSpec:
    return WorkloadSpec(resources=asks(cpus), time_limit_s=limit, **more)


def running(*specs: WorkloadSpec) -> Center:
    """A node of eight cpus on which this work runs."""
    center = Center().with_nodes(node("n0", 8, 64, gpu(0), gpu(1)))
    for spec in specs:
        center.add(spec)
    assert len(center.turn().placements) == len(specs)
    return center


@pytest.mark.parametrize(
    ("spec", "column", "value"),
    [
        pytest.param(job(), t.NEED, 1, id="a task"),
        pytest.param(job(tasks=5), t.NEED, 5, id="several"),
        pytest.param(job(tasks=6, nodes=2), t.NEED, 2, id="or nodes"),
        pytest.param(job(), t.LIMIT, 60 * SECOND, id="its limit"),
        pytest.param(job(limit=0), t.LIMIT, NEVER, id="without one"),
        pytest.param(job(), t.PREEMPTIBLE, 0, id="it keeps its place"),
        pytest.param(job(preemptible=True), t.PREEMPTIBLE, 1, id="it may lose it"),
    ],
)
def test_what_each_column_says_of_who_waits(spec: WorkloadSpec, column: int, value: int) -> None:
    center = Center().with_nodes(node("n0"))
    row = center.state.waiting(center.add(spec)).row
    assert center.state.tables.jobs[row, column] == value


@pytest.mark.parametrize(
    ("queue", "priority", "keys"),
    [
        pytest.param("default", 0, (0, 0), id="a queue that is not set"),
        pytest.param("urgent", 0, (-5, 0), id="a queue with priority"),
        pytest.param("default", 7, (0, -7), id="work with priority"),
        pytest.param("urgent", -3, (-5, 3), id="both"),
    ],
)
def test_who_waits_is_ordered_by_queue_priority_instant_and_id(
    queue: str, priority: int, keys: tuple[int, int]
) -> None:
    center = Center()
    center.set_queue("urgent", 5)
    workload = center.add(job(queue=QueueName(queue), priority=priority))
    row = center.state.waiting(workload).row
    assert center.state.tables.keys[:, row].tolist() == [*keys, center.now, workload]


@pytest.mark.parametrize("order", list(permutations(["priority", "instant", "queue"])))
def test_changes_in_any_order_give_the_same_order(order: tuple[str, ...]) -> None:
    center = Center()
    first, second, third = (center.add(job(queue=QueueName(name))) for name in ("a", "b", "c"))
    changes = {
        "priority": lambda: center.change(second, priority=1, time_limit_s=60),
        "instant": lambda: center.state.enqueue(
            replace(center.waiting[third], eligible_at=Instant(center.now - SECOND)), center.specs[third]
        ),
        "queue": lambda: center.set_queue("a", -1),
    }
    for name in order:
        changes[name]()
    assert center.queue() == [second, third, first]


def test_a_queue_that_keeps_its_priority_moves_nobody() -> None:
    center = Center()
    center.set_queue("a", 3)
    waiting = center.add(job(queue=QueueName("a")))
    before = center.state.tables.keys.copy()
    center.state.set_queue(Queue(name=QueueName("a"), priority=3, default_time_limit_s=5))
    assert (center.state.tables.keys == before).all()
    assert center.queue() == [waiting]


def test_work_that_was_never_eligible_waits_from_its_submission() -> None:
    center = Center()
    workload = center.add(job())
    center.state.enqueue(
        replace(center.waiting[workload], eligible_at=Instant(0), submitted_at=Instant(77)), center.specs[workload]
    )
    assert center.state.waiting(workload).since == 77


def test_what_waits_knows_what_it_was_told() -> None:
    center = Center()
    workload = center.add(
        job(2, 90, tasks=3, queue=QueueName("q"), reservation=ReservationName("r"), deadline=Instant(2**50))
    )
    found = center.state.waiting(workload)
    assert (found.workload, found.attempt, found.generation) == (workload, 0, 1)
    assert (found.queue, found.project, found.owner) == ("q", PROJECT, OWNERS[1])
    assert (found.time_limit_s, found.limit_us) == (90, 90 * SECOND)
    assert (found.reservation, found.latest) == ("r", 2**50 - 90 * SECOND)
    assert found.demand.anytime == demand_of(center.specs[workload])


def test_the_last_word_on_who_waits_holds() -> None:
    center = Center().with_nodes(node("n0"))
    workload = center.add(job(64))
    assert [one.reason.code for one in center.plan().refusals] == [ReasonCode.IMPOSSIBLE]
    center.specs[workload] = job(1)
    center.state.enqueue(center.waiting[workload], center.specs[workload])
    assert [row.workload for row in center.plan().placements] == [workload]
    assert center.queue() == [workload]
    assert list(center.state.demands) == [center.state.waiting(workload).demand]


def test_more_features_than_can_be_told_apart_are_refused_and_the_work_waits_as_it_did() -> None:
    center = Center().with_nodes(node("n0"))
    for number in range(0, MAX_FEATURES_ASKED, 2):
        center.add(job(features=frozenset({f"f{number}", f"f{number + 1}"})))
    workload = center.add(job(features=frozenset({"f0"})))
    with pytest.raises(InvalidRequestError, match="features of nodes"):
        center.state.enqueue(center.waiting[workload], job(features=frozenset({"one", "more"})))
    assert center.state.waits(workload)
    assert center.state.waiting(workload).demand.features == ("f0",)


def free(center: Center) -> list[int]:
    return [int(amount) for amount in center.state.room.nodes[0, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]]]


@pytest.mark.parametrize(
    ("specs", "left"),
    [
        pytest.param([], [8000, 64 * GIB, 0, 0], id="nobody"),
        pytest.param([job(3)], [5000, 63 * GIB, 1, 0], id="one"),
        pytest.param([job(3), job(2)], [3000, 62 * GIB, 2, 0], id="two"),
        pytest.param([job(1, tasks=4)], [4000, 60 * GIB, 1, 0], id="one of several tasks"),
        pytest.param([job(1, exclusive=True)], [0, 0, 1, 1], id="one alone"),
    ],
)
def test_what_runs_takes_of_its_node_and_gives_it_back(specs: list[WorkloadSpec], left: list[int]) -> None:
    center = running(*specs)
    assert free(center) == left
    for run in list(center.runs):
        center.end(run)
    assert free(center) == [8000, 64 * GIB, 0, 0]


def test_what_runs_takes_of_its_devices_and_gives_it_back() -> None:
    center = running(
        WorkloadSpec(resources=asks(1, 1, DeviceRequest(share=300))),
        WorkloadSpec(resources=asks(1, 1, DeviceRequest())),
    )
    assert sorted(center.state.room.devices[0, :, t.FREE].tolist()) == [0, 700]
    for run in list(center.runs):
        center.end(run)
    assert center.state.room.devices[0, :, t.FREE].tolist() == [1000, 1000]


@pytest.mark.parametrize(
    ("state", "end"),
    [(RunState.PLACED, 60), (RunState.RUNNING, 90), (RunState.STOPPING, None)],
    ids=["placed: after its placement", "running: after its start", "stopping: as soon as it can"],
)
def test_when_a_run_is_taken_to_end(state: RunState, end: int | None) -> None:
    center = running(job(1, 60))
    (run,) = center.runs
    placed = center.now
    center.pass_time(30)
    if state is RunState.RUNNING:
        center.begin(run)
    elif state is RunState.STOPPING:
        center.stop(run)
    found = center.state.running(run)
    assert found.end == (t.LEAVES if end is None else placed + end * SECOND)
    assert center.state.tables.jobs[found.row, t.END] == found.end


def test_what_runs_and_what_waits_are_found_by_name_and_nothing_else_is() -> None:
    center = running(job())
    waits = center.add(job(64))
    state = center.state
    assert (state.holds(RunId("1.1")), state.holds(RunId("1.2")), state.holds(RunId("2.1"))) == (True, False, False)
    assert (state.waits(waits), state.waits(WorkloadId(1)), state.waits(WorkloadId(9))) == (True, False, False)
    for ask, said in (
        (lambda: state.running(RunId("2.1")), "no run with an allocation 2.1"),
        (lambda: state.vacate(RunId("9.9")), "no run with an allocation 9.9"),
        (lambda: state.waiting(WorkloadId(1)), "no waiting workload 1"),
        (lambda: state.dequeue(WorkloadId(9)), "no waiting workload 9"),
    ):
        with pytest.raises(NotFoundError) as caught:
            ask()
        assert caught.value.detail == said


def test_who_waits_is_known_by_account() -> None:
    center = Center()
    for _ in range(4):
        center.add(job())
    assert center.state.accounts() == {(PROJECT, owner) for owner in OWNERS}
    center.withdraw(WorkloadId(1))
    center.withdraw(WorkloadId(4))
    assert center.state.accounts() == {(PROJECT, owner) for owner in (OWNERS[0], OWNERS[2])}


@pytest.mark.parametrize(
    ("spec", "impossible"),
    [
        pytest.param(job(8), False, id="all of a node"),
        pytest.param(job(9), True, id="more than a node"),
        pytest.param(job(1, tasks=8), False, id="as many tasks as fit"),
        pytest.param(job(1, tasks=9), True, id="one more"),
        pytest.param(job(1, licenses={LicenseName("s"): 2}), False, id="as many licenses as there are"),
        pytest.param(job(1, licenses={LicenseName("s"): 3}), True, id="one more license"),
    ],
)
def test_what_the_center_could_never_hold_whatever_runs_there(spec: WorkloadSpec, impossible: bool) -> None:
    center = running(job(8, 0))
    center.set_license("s", 2)
    center.add(spec)
    assert center.state.impossible(demand_of(spec)) is impossible


def test_what_is_impossible_is_judged_anew_when_the_center_changes() -> None:
    center = Center().with_nodes(node("n0", 4))
    wide, licensed = demand_of(job(8)), demand_of(job(1, licenses={LicenseName("s"): 1}))
    assert center.state.impossible(wide)
    assert center.state.impossible(licensed)
    center.set_node(node("n1", 8))
    center.set_license("s", 1)
    assert not center.state.impossible(wide)
    assert not center.state.impossible(licensed)
    center.set_node(node("n1", 7))
    assert center.state.impossible(wide)


def test_what_is_impossible_does_not_depend_on_what_is_reserved() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("repair", 0, 100, "n0")
    workload = center.add(job(4))
    center.plan()
    assert not center.state.impossible(center.state.waiting(workload).demand)


def test_time_that_passes_costs_nothing_until_something_must_be_heeded_anew() -> None:
    center = Center().with_nodes(node("n0"))
    center.reserve("repair", 100, 200, "n0")
    workload = center.add(job(4, 60))
    center.state.advance(center.now)
    before = center.state.waiting(workload)
    for seconds in (1, 20, 40):
        center.state.advance(Instant(center.now + seconds * SECOND))
        assert center.state.waiting(workload) is before
    center.state.advance(Instant(center.now + 41 * SECOND))
    assert center.state.waiting(workload).demand.kept_off == 1


def test_tables_double_when_they_grow_and_keep_what_they_had() -> None:
    center = Center().with_nodes(node("n0"))
    sizes = [sizes_of(center.state.tables).jobs]
    for number in range(200):
        center.add(job(1 + number % 3, queue=QueueName("q")))
        if sizes_of(center.state.tables).jobs != sizes[-1]:
            sizes.append(sizes_of(center.state.tables).jobs)
    assert all(after >= 2 * before or after == 16 for before, after in pairwise(sizes))
    assert len(sizes) < 8
    assert center.queue() == list(range(1, 201))


def test_rows_of_who_left_are_given_to_who_comes() -> None:
    center = Center().with_nodes(node("n0"))
    rows = {center.state.waiting(center.add(job())).row for _ in range(5)}
    for workload in range(1, 6):
        center.withdraw(WorkloadId(workload))
    assert {center.state.waiting(center.add(job(2))).row for _ in range(5)} == rows
    assert set(center.state.jobs) == rows


def test_room_for_a_turn_is_made_for_what_may_start() -> None:
    center = Center().with_nodes(*(node(f"n{place}", 64, 640) for place in range(4)))
    for _ in range(20):
        center.add(job(1, tasks=30))
    center.state.make_room(10, 1)
    # Ten of thirty tasks on no more than four nodes each, and the trial of a reservation on every node.
    assert sizes_of(center.state.tables).holds >= 10 * 4 + 4
    assert len(center.plan().placements) == 8


CHANGES = st.lists(
    st.tuples(st.sampled_from(["come", "go", "turn", "end", "change"]), st.integers(0, 9), st.integers(1, 5)),
    max_size=25,
)


@settings(max_examples=60)
@given(CHANGES)
def test_whatever_was_told_before_a_center_told_anew_plans_the_same(changes: list[tuple[str, int, int]]) -> None:
    center = Center().with_nodes(node("n0", 4), node("n1", 6))
    for what, which, cpus in changes:
        waiting, runs = sorted(center.waiting), sorted(center.runs)
        if what == "come":
            center.add(job(cpus, 30 * which, priority=which % 3))
        elif what == "turn":
            center.turn()
        elif what == "go" and waiting:
            center.withdraw(waiting[which % len(waiting)])
        elif what == "change" and waiting:
            center.change(waiting[which % len(waiting)], priority=cpus, time_limit_s=10 * which)
        elif what == "end" and runs:
            center.end(runs[which % len(runs)])
    plan = center.plan()
    told = replace(center, state=center.rebuilt())
    other = told.plan()
    assert [(row.workload, row.allocation) for row in plan.placements] == [
        (row.workload, row.allocation) for row in other.placements
    ]
    assert plan.reservations == other.reservations
    assert sorted(map(str, plan.refusals)) == sorted(map(str, other.refusals))
    assert told.queue() == center.queue()


def test_a_state_told_nothing_knows_nothing() -> None:
    state = ClusterState()
    assert (state.names, state.jobs, state.accounts(), list(state.demands)) == ([], {}, set(), [])
    assert state.kinds.demands == ()
    assert state.room.nodes.shape[0] == 0


def test_work_of_other_projects_and_owners_is_of_other_associations() -> None:
    center = Center()
    workload = center.add(job())
    record = center.waiting[workload]
    rows = set()
    for number, (project, owner) in enumerate([("p", "x"), ("p", "y"), ("q", "x"), ("p", "x")], start=50):
        other = replace(record, id=WorkloadId(number), project=ProjectName(project), owner=UserName(owner))
        center.state.enqueue(other, center.specs[workload])
        rows.add(center.state.waiting(other.id).association)
    assert len(rows) == 3
