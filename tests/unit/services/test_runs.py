"""Between facts and engines: what an engine must be told, and what its words become."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.loops.launch import Launch
from suanli.model.facts import PreemptRequested, WorkloadUpdated
from suanli.model.ids import EngineName, FactSeq, RunId, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.spec import ArraySpec, Launcher, OutputArtifact
from suanli.model.workload import EndCause, RunState, WorkloadState
from suanli.ports.engine import Observation, ObservedState, RunOrder
from suanli.services.workloads import parse_ref
from suanli.testing.builders import ANN, allocation, node, place, spec
from suanli.testing.fake_engine import FakeEngine
from tests.unit.services.center import Center, admin, ann

LOCAL = EngineName("local")
NONE: frozenset[RunId] = frozenset()


class MovableEnds(FakeEngine):
    """An engine that also moves the ends of runs."""

    def __init__(self, center: Center) -> None:
        super().__init__([node("n1")], center.clock)
        self.limits: list[tuple[RunId, int]] = []

    def change_time_limit(self, run: RunId, time_limit_s: int) -> None:
        self.limits.append((run, time_limit_s))


def placed(center: Center) -> RunId:
    workload = center.submit()
    center.do(lambda tx: place(tx, workload))
    return run_id(workload, 1)


def handed_over(center: Center) -> RunId:
    run = placed(center)
    center.engine.submit(center.runs.errands(LOCAL, NONE).launch)
    return run


def test_an_order_says_everything_the_spec_asked(center: Center) -> None:
    center.do(lambda tx: center.tenants.change_user(tx, admin, ANN, account="ann1"))
    asked = spec(
        array=ArraySpec(indices=(3, 9)),
        tasks=2,
        launcher=Launcher.MPI,
        environment={"A": "b"},
        working_directory="/srv",
        outputs=(OutputArtifact(name="o", path="o"),),
        time_limit_s=77,
    )
    first = center.do(lambda tx: center.workloads.submit(tx, ann, [asked]))[0].id
    second = WorkloadId(first + 1)
    center.do(lambda tx: place(tx, second, tasks=2))
    [order] = center.runs.errands(LOCAL, NONE).launch
    assert order == RunOrder(
        run=run_id(second, 1),
        workload=second,
        attempt=1,
        owner=ANN,
        account="ann1",
        name=asked.name,
        kind=asked.kind,
        command=asked.command,
        script="",
        tasks=2,
        resources=asked.resources,
        allocation=allocation(tasks=2),
        time_limit_s=77,
        launcher=Launcher.MPI,
        environment={"A": "b"},
        working_directory="/srv",
        outputs=asked.outputs,
        array_id=first,
        array_index=9,
        array_size=2,
    )


def test_errands_are_of_one_engine_and_repeat_until_the_tables_move(center: Center) -> None:
    run = placed(center)
    assert [order.run for order in center.runs.errands(LOCAL, NONE).launch] == [run]
    assert [order.run for order in center.runs.errands(LOCAL, NONE).launch] == [run]
    assert center.runs.errands(LOCAL, {run}).launch == ()
    assert center.runs.errands(EngineName("slurm"), NONE).launch == ()
    center.change(center.workloads.cancel, 1)
    errands = center.runs.errands(LOCAL, NONE)
    assert (errands.launch, [stop.id for stop in errands.stop]) == ((), [run])


def test_running_and_ended_runs_need_nothing(center: Center) -> None:
    center.running()
    assert center.runs.errands(LOCAL, NONE) == replace(center.runs.errands(LOCAL, NONE), launch=(), stop=())
    assert [run.id for run in center.runs.live(LOCAL)] == [RunId("1.1")]
    assert center.runs.live(EngineName("slurm")) == []


def test_what_the_engine_saw_is_recorded_once(center: Center) -> None:
    run = handed_over(center)
    assert center.observed(run) == 0
    center.engine.begin(run)
    assert (center.observed(run), center.observed(run), center.states(1)) == (1, 0, ["running"])
    center.clock.at_us += 5_000_000
    center.engine.end(run, exit_code=4)
    assert (center.observed(run), center.observed(run), center.states(1)) == (1, 0, ["failed"])
    ended = center.run(1)
    assert (ended.exit_code, ended.ended_at - ended.started_at, ended.usage.cpu_us) == (4, 5_000_000, 1_500_000)
    assert center.workload(1).ended_at == ended.ended_at


def test_an_end_is_enough_where_the_start_went_unseen(center: Center) -> None:
    run = handed_over(center)
    center.engine.begin(run)
    began = center.clock.at_us
    center.clock.at_us += 9
    center.engine.end(run)
    assert (center.observed(run), center.states(1)) == (1, ["completed"])
    assert (center.run(1).started_at, center.workload(1).started_at) == (began, began)


def test_of_several_words_on_one_run_the_last_counts(center: Center) -> None:
    run = handed_over(center)
    center.engine.begin(run)
    running = center.engine.observe([run])
    center.engine.end(run)
    assert center.runs.record([*running, *running, *center.engine.observe([run])]) == 1
    assert center.states(1) == ["completed"]


def test_a_run_that_had_begun_and_that_its_engine_does_not_know_is_lost(center: Center) -> None:
    run = handed_over(center)
    center.engine.begin(run)
    center.observed(run)
    unknown = Observation(run=run, state=ObservedState.UNKNOWN)
    assert (center.runs.record([unknown]), center.runs.record([unknown])) == (1, 0)
    assert (center.states(1), center.run(1).cause) == (["lost"], EndCause.LOST)


def test_a_run_on_its_way_to_the_engine_is_not_lost(center: Center) -> None:
    run = placed(center)
    assert center.observed(run) == 0
    assert center.run(1).state is RunState.PLACED


def test_an_end_without_a_cause_is_a_loss_and_no_guess(center: Center) -> None:
    run = handed_over(center)
    center.runs.record([Observation(run=run, state=ObservedState.ENDED, ended_at=Instant(center.clock.at_us))])
    assert center.states(1) == ["lost"]


@pytest.mark.parametrize(
    ("verb", "state", "cause"),
    [("cancel", WorkloadState.CANCELLED, EndCause.CANCELLED), ("requeue", WorkloadState.WAITING, EndCause.REQUEUED)],
)
def test_what_was_stopped_before_it_was_launched_ends_so(
    center: Center, verb: str, state: WorkloadState, cause: EndCause
) -> None:
    run = placed(center)
    center.change(getattr(center.workloads, verb), 1)
    center.runs.never_launched(run)
    assert (center.workload(1).state, center.run(1).cause, center.run(1).started_at) == (state, cause, 0)
    facts = center.facts()
    center.runs.never_launched(run)
    assert center.facts() == facts


def test_only_what_was_stopped_and_never_began_was_never_launched(center: Center) -> None:
    run = placed(center)
    center.runs.never_launched(run)
    assert center.run(1).state is RunState.PLACED
    begun = center.running()
    center.change(center.workloads.cancel, begun)
    center.runs.never_launched(run_id(begun, 1))
    assert center.run(begun).state is RunState.STOPPING


def test_signals_and_time_limits_are_passed_on_from_the_facts(center: Center) -> None:
    running, waiting = center.running(), center.submit()
    before = center.runs.standing(LOCAL).upto
    center.do(lambda tx: center.workloads.signal(tx, ann, parse_ref(str(running)), 12))
    for workload in (running, waiting):
        center.tell(WorkloadUpdated(workload=workload, time_limit_s=5, priority=0))
    asked = center.runs.requests(LOCAL, before)
    assert (asked.signals, asked.time_limits) == (((run_id(running, 1), 12),), ((run_id(running, 1), 5),))
    assert asked.upto == center.facts()
    nothing = center.runs.requests(LOCAL, asked.upto)
    assert (nothing.signals, nothing.time_limits) == ((), ())
    elsewhere = center.runs.requests(EngineName("slurm"), before)
    assert (elsewhere.signals, elsewhere.time_limits) == ((), ())


def test_a_limit_of_its_own_is_passed_on_where_only_the_priority_is_changed(center: Center) -> None:
    workload = center.submit()
    center.do(lambda tx: place(tx, workload, alternative=1, time_limit_s=7))
    before = center.runs.standing(LOCAL).upto
    limit = center.workload(workload).time_limit_s
    center.tell(WorkloadUpdated(workload=workload, time_limit_s=limit, priority=-1))
    assert center.runs.requests(LOCAL, before).time_limits == ((run_id(workload, 1), 7),)


def test_what_was_asked_of_a_run_that_is_over_is_dropped(center: Center) -> None:
    run = handed_over(center)
    center.engine.begin(run)
    center.observed(run)
    center.do(lambda tx: center.workloads.signal(tx, ann, parse_ref("1"), 12))
    center.engine.end(run)
    center.observed(run)
    assert center.runs.requests(LOCAL, FactSeq(0)).signals == ()


def test_a_time_limit_changed_just_before_the_server_died_still_reaches_the_engine(center: Center) -> None:
    engine = MovableEnds(center)
    first = Launch(center.store, center.runs, engine)
    placed(center)
    first.turn()
    center.runs.record(engine.observe([RunId("1.1")]))
    assert center.states(1) == ["running"]
    center.tell(WorkloadUpdated(workload=WorkloadId(1), time_limit_s=42, priority=0))
    Launch(center.store, center.runs, engine).turn()
    assert engine.limits == [(RunId("1.1"), 42)]


def test_a_launch_turn_starts_stops_and_ends_what_never_was(center: Center) -> None:
    engine = MovableEnds(center)
    run = placed(center)
    launch = Launch(center.store, center.runs, engine)
    launch.turn()
    assert [seen.state for seen in engine.observe([run])] == [ObservedState.RUNNING]
    never = placed(center)
    center.change(center.workloads.cancel, 2)
    center.tell(PreemptRequested(workload=WorkloadId(1), run=run, by=WorkloadId(2)))
    launch.turn()
    assert center.states(2) == ["cancelled"]
    assert [seen.cause for seen in engine.observe([run])] == [EndCause.PREEMPTED]
    assert [seen.state for seen in engine.observe([never])] == [ObservedState.UNKNOWN]
    center.runs.record(engine.observe([run]))
    assert center.states(1) == ["waiting"]
