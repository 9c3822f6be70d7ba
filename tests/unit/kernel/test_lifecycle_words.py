"""What every refused fact says, and that nothing of the tables changes when one is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from suanli.kernel.lifecycle import runs_again
from suanli.model import facts
from suanli.model.errors import IllegalTransitionError, NotFoundError
from suanli.model.facts import Fact
from suanli.model.ids import (
    LicenseName,
    NodeName,
    ProjectName,
    QueueName,
    ReservationName,
    RunId,
    TokenId,
    UserName,
    WorkloadId,
    run_id,
)
from suanli.model.quantities import Instant
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.reservations import AdvanceReservation
from suanli.model.resources import NodeState, Queue
from suanli.model.spec import ArraySpec, Dependency, DependencyKind, RetryCause, RetryPolicy
from suanli.model.tenancy import Project, Role, Scope, Token, User
from suanli.model.usage import UsageDay
from suanli.model.workload import EndCause, Run, RunState, StopCause, Workload, WorkloadState
from suanli.testing.builders import ANN, allocation, node, spec
from tests.unit.kernel.book import Book

W = WorkloadId(1)
R1, R2 = run_id(W, 1), run_id(W, 2)
AFTEROK = Dependency(kind=DependencyKind.AFTEROK, workload=WorkloadId(77))
TOKEN = Token(id=TokenId("t1"), user=ANN, digest="d", scopes=frozenset({Scope.READ}))
NIGHT = ReservationName("night")
RESERVED = AdvanceReservation(name=NIGHT, starts_at=Instant(5), ends_at=Instant(9), nodes=(node().name,))


def ended(run: RunId = R1, cause: EndCause = EndCause.EXITED, exit_code: int = 0) -> Fact:
    return facts.RunEnded(workload=W, run=run, cause=cause, exit_code=exit_code)


def started(run: RunId = R1) -> Fact:
    return facts.RunStarted(workload=W, run=run, started_at=Instant(5))


PLACED = facts.RunPlaced(workload=W, run=R1, allocation=allocation())
CANCEL, REQUEUE = facts.CancelRequested(workload=W), facts.RequeueRequested(workload=W)
HOLD, RELEASE = facts.WorkloadHeld(workload=W), facts.WorkloadReleased(workload=W)
PREEMPT = facts.PreemptRequested(workload=W, run=R1, by=WorkloadId(9))


def after(*told: Fact, held: bool = False, dependencies: tuple[Dependency, ...] = ()) -> Book:
    """A book of one workload of which these facts were told."""
    book = Book()
    book.submit(spec(dependencies=dependencies), held=held)
    for fact in told:
        book.tell(fact)
    return book


def refused(book: Book, fact: Fact) -> str:
    """What is said of a fact that does not fit; nothing may change by it."""
    before, count = dict(book.records), len(book.facts)
    with pytest.raises(IllegalTransitionError) as caught:
        book.tell(fact)
    assert (book.records, len(book.facts)) == (before, count)
    assert caught.value.code == "illegal_transition"
    return caught.value.detail


@pytest.mark.parametrize(
    ("book", "fact", "said"),
    [
        pytest.param(after(held=True), HOLD, "workload 1 is held: cannot hold it", id="hold what is held"),
        pytest.param(after(PLACED), HOLD, "workload 1 is starting: cannot hold it", id="hold what starts"),
        pytest.param(after(), RELEASE, "workload 1 is waiting: cannot release it", id="release what waits"),
        pytest.param(
            after(CANCEL), RELEASE, "workload 1 is cancelled: cannot release it", id="release what is cancelled"
        ),
        pytest.param(
            after(CANCEL),
            facts.WorkloadUpdated(workload=W, time_limit_s=1, priority=1),
            "workload 1 is cancelled: nothing of it can be changed",
            id="change what is over",
        ),
        pytest.param(
            after(),
            facts.DependenciesMet(workload=W),
            "workload 1 is waiting: cannot unblock it",
            id="unblock what waits",
        ),
        pytest.param(
            after(dependencies=(AFTEROK,)),
            facts.DependenciesMet(workload=W, left=(AFTEROK,)),
            "workload 1 has not more dependencies open than are said to be left",
            id="dependencies met of which none is",
        ),
        pytest.param(
            after(PLACED),
            facts.DependencyFailed(workload=W, dependency=AFTEROK),
            "workload 1 is starting: cannot give it up",
            id="give up what starts",
        ),
        pytest.param(
            after(),
            facts.DependencyFailed(workload=W, dependency=AFTEROK),
            "workload 1 has no open dependency afterok:77",
            id="give up for what it does not wait for",
        ),
        pytest.param(
            after(PLACED, started()),
            facts.DeadlineMissed(workload=W),
            "workload 1 is running: cannot give it up",
            id="late though it runs",
        ),
        pytest.param(
            after(CANCEL), CANCEL, "workload 1 is cancelled: there is nothing to stop", id="cancel what is over"
        ),
        pytest.param(after(), REQUEUE, "workload 1 is waiting: it is in the queue already", id="requeue what waits"),
        pytest.param(after(held=True), REQUEUE, "workload 1 is held: it is in the queue already", id="or is held"),
        pytest.param(
            after(PLACED, CANCEL),
            REQUEUE,
            "workload 1 is being cancelled: requeue it when it has ended",
            id="requeue what is being cancelled",
        ),
        pytest.param(
            after(PLACED),
            facts.SignalRequested(workload=W, signal=10),
            "workload 1 is starting: cannot signal it",
            id="signal what has not started",
        ),
        pytest.param(after(PLACED), PLACED, "workload 1 is starting: cannot place it", id="place what is placed"),
        pytest.param(
            after(),
            replace(PLACED, run=R2),
            "run 1.2 is not the next run of workload 1",
            id="place another run than the next",
        ),
        pytest.param(after(PLACED, started()), started(), "run 1.1 has started before", id="start what has started"),
        pytest.param(after(PLACED, ended()), started(), "run 1.1 has ended before", id="start what has ended"),
        pytest.param(after(PLACED, ended()), ended(), "run 1.1 has ended before", id="end what has ended"),
        pytest.param(
            after(PLACED),
            ended(cause=EndCause.DEPENDENCY),
            "run 1.1 exists, so no dependency kept it from existing",
            id="end by a dependency",
        ),
        pytest.param(
            after(PLACED),
            ended(cause=EndCause.DEADLINE),
            "run 1.1 exists, so no deadline kept it from existing",
            id="end by a deadline",
        ),
        pytest.param(after(), PREEMPT, "workload 1 is waiting: cannot preempt it", id="preempt what waits"),
        pytest.param(
            after(PLACED, CANCEL), PREEMPT, "workload 1 is ending: cannot preempt it", id="preempt what is ending"
        ),
    ],
)
def test_a_fact_that_does_not_fit_says_why(book: Book, fact: Fact, said: str) -> None:
    assert refused(book, fact) == said


def test_runs_of_another_workload_are_refused_by_name() -> None:
    book = after(PLACED)
    other = book.submit(spec())
    book.tell(book.next_run(other))
    foreign = run_id(other, 1)
    for fact in (
        started(foreign),
        ended(foreign),
        replace(PREEMPT, run=foreign),
    ):
        assert refused(book, fact) == "run 2.1 is none of workload 1"


@pytest.mark.parametrize(("array", "count"), [(None, 2), (None, 0), ((1, 2), 1), ((1, 2), 3)])
def test_a_submission_counts_what_its_spec_makes(array: tuple[int, ...] | None, count: int) -> None:
    wanted = spec(array=None if array is None else ArraySpec(indices=array))
    made = 1 if array is None else len(array)
    fact = facts.WorkloadSubmitted(first=W, count=count, owner=ANN, spec=wanted)
    assert refused(Book(), fact) == f"{count} workloads were made of a spec for {made}"


def test_a_token_is_given_out_once() -> None:
    book = Book()
    book.tell(facts.TokenIssued(token=TOKEN))
    assert refused(book, facts.TokenIssued(token=TOKEN)) == "token t1 exists"
    book.tell(facts.TokenRevoked(token=TOKEN.id))
    assert refused(book, facts.TokenIssued(token=TOKEN)) == "token t1 exists"


def test_a_reservation_is_removed_once() -> None:
    book = Book()
    book.tell(facts.NodeRegistered(node=node()))
    book.tell(facts.AdvanceReservationSet(reservation=RESERVED))
    book.tell(facts.AdvanceReservationRemoved(name=NIGHT))
    told = refused(book, facts.AdvanceReservationRemoved(name=NIGHT))
    assert told == "reservation night has been removed before"


def test_a_fact_of_another_version_is_named_by_its_kind() -> None:
    class FromTheFuture:
        pass

    with pytest.raises(IllegalTransitionError, match="no rule folds FromTheFuture"):
        Book().tell(FromTheFuture())  # type: ignore[arg-type]  # such a thing may come from a newer version's store


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(HOLD, id="hold"),
        pytest.param(RELEASE, id="release"),
        pytest.param(facts.WorkloadUpdated(workload=W, time_limit_s=1, priority=1), id="change"),
        pytest.param(facts.DependenciesMet(workload=W), id="dependencies met"),
        pytest.param(facts.DependencyFailed(workload=W, dependency=AFTEROK), id="a dependency failed"),
        pytest.param(facts.DeadlineMissed(workload=W), id="a deadline missed"),
        pytest.param(CANCEL, id="cancel"),
        pytest.param(REQUEUE, id="requeue"),
        pytest.param(facts.SignalRequested(workload=W, signal=9), id="signal"),
        pytest.param(PLACED, id="place"),
        pytest.param(started(), id="start"),
        pytest.param(PREEMPT, id="preempt"),
        pytest.param(ended(), id="end"),
        pytest.param(facts.NodeStateChanged(node=NodeName("n1"), state=NodeState.DOWN), id="a node's state"),
        pytest.param(facts.AdvanceReservationSet(reservation=RESERVED), id="reserve a node"),
        pytest.param(facts.AdvanceReservationRemoved(name=NIGHT), id="remove a reservation"),
        pytest.param(facts.TokenRevoked(token=TOKEN.id), id="revoke a token"),
    ],
)
def test_a_fact_of_what_does_not_exist_is_refused(fact: Fact) -> None:
    with pytest.raises(NotFoundError) as caught:
        Book().tell(fact)
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("fact", "look"),
    [
        pytest.param(facts.NodeRegistered(node=node(generation=7)), lambda book: book.node(node().name), id="node"),
        pytest.param(
            facts.QueueDefined(queue=Queue(name=QueueName("q"), generation=7)),
            lambda book: book.queue(QueueName("q")),
            id="queue",
        ),
        pytest.param(
            facts.QuotaDefined(quota=Quota(scope=QuotaScope.USER, name="ann", runs=3, generation=7)),
            lambda book: book.quota(QuotaScope.USER, "ann"),
            id="quota",
        ),
        pytest.param(
            facts.LicenseDefined(license=License(name=LicenseName("l"), total=3, generation=7)),
            lambda book: book.license(LicenseName("l")),
            id="license",
        ),
        pytest.param(
            facts.UserDefined(user=User(name=ANN, role=Role.USER, generation=7)), lambda book: book.user(ANN), id="user"
        ),
        pytest.param(
            facts.ProjectDefined(project=Project(name=ProjectName("p"), shares=4, generation=7)),
            lambda book: book.project(ProjectName("p")),
            id="project",
        ),
    ],
)
def test_what_is_defined_is_kept_as_it_was_said_with_a_generation_of_our_own(
    fact: Fact, look: Callable[[Book], object]
) -> None:
    book = Book()
    for generation in (1, 2, 3):
        (record,) = book.tell(fact)
        said: Any = next(getattr(fact, name) for name in fact.__dataclass_fields__)
        assert record == replace(said, generation=generation)
        assert look(book) == record


def test_quotas_of_one_name_in_two_scopes_are_two_records() -> None:
    book = Book()
    for scope in QuotaScope:
        book.tell(facts.QuotaDefined(quota=Quota(scope=scope, name="x", runs=1)))
        assert book.quota(scope, "x").generation == 1
    assert len(book.all(Quota)) == len(QuotaScope)


@pytest.mark.parametrize("state", NodeState)
def test_a_node_keeps_all_but_its_state(state: NodeState) -> None:
    book = Book()
    book.tell(facts.NodeRegistered(node=node()))
    book.tell(facts.NodeStateChanged(node=node().name, state=state, reason="why"))
    assert book.node(node().name) == node(state=state, reason="why", generation=2)


def work(attempt: int, on: frozenset[RetryCause], most: int) -> Workload:
    book = after()
    return replace(book.workload(W), attempt=attempt, retry=RetryPolicy(max_attempts=most, on=on))


def run(stop: StopCause | None) -> Run:
    book = after(PLACED)
    return replace(book.run(R1), state=RunState.STOPPING if stop else RunState.RUNNING, stop=stop)


EVERY = frozenset(RetryCause)
NONE: frozenset[RetryCause] = frozenset()


@pytest.mark.parametrize(
    ("stop", "cause", "exit_code", "on", "attempt", "again"),
    [
        pytest.param(None, EndCause.EXITED, 0, EVERY, 1, False, id="it did its work"),
        pytest.param(None, EndCause.EXITED, 1, EVERY, 1, True, id="it failed, and may be tried again"),
        pytest.param(None, EndCause.EXITED, 1, EVERY, 3, False, id="it failed the last time"),
        pytest.param(None, EndCause.EXITED, 1, NONE, 1, False, id="it failed, and is not tried again"),
        pytest.param(None, EndCause.EXITED, -1, EVERY, 1, True, id="nobody knows how it left"),
        pytest.param(None, EndCause.LOST, -1, frozenset({RetryCause.LOST}), 2, True, id="it was lost"),
        pytest.param(None, EndCause.LOST, -1, EVERY - {RetryCause.LOST}, 1, False, id="it was lost, not listed"),
        pytest.param(None, EndCause.CANCELLED, -1, EVERY, 1, False, id="somebody cancelled it elsewhere"),
        pytest.param(None, EndCause.PREEMPTED, -1, NONE, 9, True, id="a cluster took its place"),
        pytest.param(None, EndCause.REQUEUED, -1, NONE, 9, True, id="a cluster sent it back"),
        pytest.param(StopCause.CANCELLED, EndCause.EXITED, 1, EVERY, 1, False, id="it was cancelled and failed"),
        pytest.param(StopCause.CANCELLED, EndCause.PREEMPTED, 0, EVERY, 1, False, id="it was cancelled and preempted"),
        pytest.param(StopCause.PREEMPTED, EndCause.PREEMPTED, 0, NONE, 9, True, id="it was preempted"),
        pytest.param(
            StopCause.PREEMPTED, EndCause.EXITED, 0, EVERY, 1, False, id="it was done before it was preempted"
        ),
        pytest.param(StopCause.PREEMPTED, EndCause.EXITED, 1, NONE, 9, True, id="it failed as it was preempted"),
        pytest.param(StopCause.REQUEUED, EndCause.TIMEOUT, -1, NONE, 9, True, id="it was requeued and out of time"),
    ],
)
def test_whether_it_waits_again(
    stop: StopCause | None, cause: EndCause, exit_code: int, on: frozenset[RetryCause], attempt: int, again: bool
) -> None:
    assert runs_again(work(attempt, on, 3), run(stop), cause, exit_code) is again


def test_what_is_submitted_keeps_all_of_its_spec_that_the_tables_have() -> None:
    book = Book()
    wanted = spec(
        name="train",
        project=ProjectName("p"),
        queue=QueueName("q"),
        priority=4,
        time_limit_s=60,
        preemptible=True,
        retry=RetryPolicy(max_attempts=3),
        dependencies=(AFTEROK,),
    )
    book.submit(wanted)
    workload = book.workload(W)
    assert (workload.name, workload.project, workload.queue) == ("train", "p", "q")
    assert (workload.priority, workload.time_limit_s, workload.preemptible) == (4, 60, True)
    assert (workload.retry, workload.dependencies) == (wanted.retry, wanted.dependencies)
    assert (workload.owner, workload.submission, workload.array_id, workload.attempt) == (ANN, 1, 0, 0)
    assert (workload.state, workload.submitted_at, workload.eligible_at) == (WorkloadState.BLOCKED, 1_000_000, 0)


def test_who_asks_to_be_held_is_held_though_it_would_be_blocked() -> None:
    assert after(held=True, dependencies=(AFTEROK,)).workload(W).state is WorkloadState.HELD


def test_usage_of_several_runs_of_a_day_adds_up() -> None:
    book = after(PLACED, started(), facts.RunEnded(workload=W, run=R1, cause=EndCause.EXITED, ended_at=Instant(2005)))
    (day,) = book.all(UsageDay).values()
    assert (day.runs, day.cpu_us, day.generation) == (1, 2000, 1)
    book.tell(REQUEUE)
    book.tell(replace(PLACED, run=R2))
    book.tell(facts.RunStarted(workload=W, run=R2, started_at=Instant(3000)))
    book.tell(facts.RunEnded(workload=W, run=R2, cause=EndCause.EXITED, ended_at=Instant(3500)))
    (day,) = book.all(UsageDay).values()
    assert (day.runs, day.cpu_us, day.generation) == (2, 2500, 2)


def test_usage_is_of_its_project_and_owner_and_a_run_that_never_began_has_none() -> None:
    book = after(PLACED, ended())
    assert not book.all(UsageDay)
    other = Book()
    other.submit(spec(project=ProjectName("p")))
    for fact in (PLACED, started(), ended()):
        other.tell(fact)
    assert [(day.project, day.owner) for day in other.all(UsageDay).values()] == [("p", ANN)]


def test_names_of_users_and_projects_do_not_mix() -> None:
    book = Book()
    book.tell(facts.UserDefined(user=User(name=UserName("x"), role=Role.USER)))
    book.tell(facts.ProjectDefined(project=Project(name=ProjectName("x"))))
    assert (book.user(UserName("x")).generation, book.project(ProjectName("x")).generation) == (1, 1)
