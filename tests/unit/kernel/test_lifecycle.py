"""The state machine, pair by pair: what each fact makes of each state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from suanli.kernel.lifecycle import Instruction, instruction
from suanli.model import facts
from suanli.model.errors import IllegalTransitionError, NotFoundError
from suanli.model.facts import Fact
from suanli.model.ids import (
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
from suanli.model.reservations import AdvanceReservation
from suanli.model.resources import NodeState, Queue
from suanli.model.spec import ArraySpec, Dependency, DependencyKind, RetryCause, RetryPolicy
from suanli.model.tenancy import Project, Role, Scope, Token, User
from suanli.model.workload import EndCause, RunState, StopCause, Usage, WorkloadState
from suanli.testing.builders import ANN, allocation, node, spec
from tests.unit.kernel.book import Book

W = WorkloadId(1)
NIGHT = ReservationName("night")
AFTEROK = Dependency(kind=DependencyKind.AFTEROK, workload=WorkloadId(77))
AFTER = Dependency(kind=DependencyKind.AFTER, workload=WorkloadId(78), index=3)


def ended(book: Book, cause: EndCause, exit_code: int = -1, workload: WorkloadId = W) -> facts.RunEnded:
    return facts.RunEnded(workload=workload, run=book.last_run(workload), cause=cause, exit_code=exit_code)


def started(book: Book, workload: WorkloadId = W) -> facts.RunStarted:
    return facts.RunStarted(workload=workload, run=book.last_run(workload), started_at=Instant(5))


def preempted(book: Book) -> facts.PreemptRequested:
    return facts.PreemptRequested(workload=W, run=book.last_run(W), by=WorkloadId(99))


FACTS: dict[str, Callable[[Book], Fact]] = {
    "hold": lambda _: facts.WorkloadHeld(workload=W),
    "release": lambda _: facts.WorkloadReleased(workload=W),
    "update": lambda _: facts.WorkloadUpdated(workload=W, time_limit_s=60, priority=-1),
    "met": lambda _: facts.DependenciesMet(workload=W),
    "giveup": lambda _: facts.DependencyFailed(workload=W, dependency=AFTEROK),
    "late": lambda _: facts.DeadlineMissed(workload=W),
    "cancel": lambda _: facts.CancelRequested(workload=W),
    "requeue": lambda _: facts.RequeueRequested(workload=W),
    "signal": lambda _: facts.SignalRequested(workload=W, signal=10),
    "place": lambda book: book.next_run(W),
    "start": started,
    "preempt": preempted,
    "end": lambda book: ended(book, EndCause.EXITED, 0),
}


def _end(cause: EndCause, exit_code: int = -1) -> Callable[[Book], Fact]:
    return lambda book: ended(book, cause, exit_code)


PATHS: dict[str, tuple[bool, tuple[Dependency, ...], list[str | Callable[[Book], Fact]]]] = {
    "held": (True, (), []),
    "held-after": (True, (AFTEROK,), []),
    "blocked": (False, (AFTEROK,), []),
    "waiting": (False, (), []),
    "starting": (False, (), ["place"]),
    "running": (False, (), ["place", "start"]),
    "never-cancelling": (False, (), ["place", "cancel"]),
    "cancelling": (False, (), ["place", "start", "cancel"]),
    "preempting": (False, (), ["place", "start", "preempt"]),
    "requeueing": (False, (), ["place", "start", "requeue"]),
    "waiting-anew": (False, (), ["place", "start", "preempt", _end(EndCause.PREEMPTED)]),
    "completed": (False, (), ["place", "start", "end"]),
    "failed": (False, (), ["place", "start", _end(EndCause.EXITED, 1)]),
    "cancelled": (False, (), ["place", "start", "cancel", _end(EndCause.CANCELLED)]),
    "timeout": (False, (), ["place", "start", _end(EndCause.TIMEOUT)]),
    "out_of_memory": (False, (), ["place", "start", _end(EndCause.OUT_OF_MEMORY)]),
    "lost": (False, (), ["place", "start", _end(EndCause.LOST)]),
}

# What each fact makes of a workload that stands so: a state, `-` where the fact does not fit, `?` where it names a run
# that does not exist.
TABLE = """
                 hold release update   met     giveup    late      cancel    requeue signal  place    start   preempt end
held             -    waiting held     -       -         cancelled cancelled -       -       -        ?       -       ?
held-after       -    blocked held     held    cancelled cancelled cancelled -       -       -        ?       -       ?
blocked          held -       blocked  waiting cancelled cancelled cancelled -       -       -        ?       -       ?
waiting          held -       waiting  -       -         cancelled cancelled -       -       starting ?       -       ?
starting         -    -       starting -       -         -         ending    ending  -       -        running ending  completed
running          -    -       running  -       -         -         ending    ending  running -        -       ending  completed
never-cancelling -    -       ending   -       -         -         ending    -       ending  -        ending  -       cancelled
cancelling       -    -       ending   -       -         -         ending    -       ending  -        -       -       cancelled
preempting       -    -       ending   -       -         -         ending    ending  ending  -        -       -       completed
requeueing       -    -       ending   -       -         -         ending    ending  ending  -        -       -       completed
waiting-anew     held -       waiting  -       -         cancelled cancelled -       -       starting -       -       -
completed        -    -       -        -       -         -         -         waiting -       -        -       -       -
failed           -    -       -        -       -         -         -         waiting -       -        -       -       -
cancelled        -    -       -        -       -         -         -         waiting -       -        -       -       -
timeout          -    -       -        -       -         -         -         waiting -       -        -       -       -
out_of_memory    -    -       -        -       -         -         -         waiting -       -        -       -       -
lost             -    -       -        -       -         -         -         waiting -       -        -       -       -
"""  # noqa: E501 - a line for each situation
_HEAD, *_ROWS = (line.split() for line in TABLE.strip().splitlines())
CELLS = [(row[0], fact, cell) for row in _ROWS for fact, cell in zip(_HEAD, row[1:], strict=True)]
REFUSED = {"-": IllegalTransitionError, "?": NotFoundError}


def stood(situation: str) -> Book:
    held, dependencies, path = PATHS[situation]
    book = Book()
    book.submit(spec(dependencies=dependencies), held=held)
    for step in path:
        book.tell(FACTS[step](book) if isinstance(step, str) else step(book))
    return book


def test_the_table_has_every_situation_and_every_fact_about_a_workload() -> None:
    assert [row[0] for row in _ROWS] == list(PATHS)
    assert list(FACTS) == _HEAD
    told = {type(FACTS[name](stood("running"))) for name in FACTS}
    assert told | {facts.WorkloadSubmitted} == set(facts.WorkloadFact.__args__)
    assert {stood(situation).workload(W).state for situation in PATHS} == set(WorkloadState)


@pytest.mark.parametrize(("situation", "fact", "cell"), CELLS, ids=[f"{s}-{f}" for s, f, _ in CELLS])
def test_each_fact_in_each_state(situation: str, fact: str, cell: str) -> None:
    book = stood(situation)
    before = dict(book.records)
    if cell in REFUSED:
        with pytest.raises(REFUSED[cell]):
            book.tell(FACTS[fact](book))
        assert book.records == before
    else:
        book.tell(FACTS[fact](book))
        assert book.workload(W).state == cell


# How a run asked to stop (or not) ended, and what becomes of its workload.
ENDS = [
    (None, EndCause.EXITED, 0, WorkloadState.COMPLETED, EndCause.EXITED),
    (None, EndCause.EXITED, 3, WorkloadState.FAILED, EndCause.EXITED),
    (None, EndCause.SIGNALLED, -1, WorkloadState.FAILED, EndCause.SIGNALLED),
    (None, EndCause.TIMEOUT, -1, WorkloadState.TIMEOUT, EndCause.TIMEOUT),
    (None, EndCause.OUT_OF_MEMORY, -1, WorkloadState.OUT_OF_MEMORY, EndCause.OUT_OF_MEMORY),
    (None, EndCause.LAUNCH_FAILED, -1, WorkloadState.FAILED, EndCause.LAUNCH_FAILED),
    (None, EndCause.LOST, -1, WorkloadState.LOST, EndCause.LOST),
    # A cluster's own administrator ended it, or the cluster took its place: nobody asked through us.
    (None, EndCause.CANCELLED, -1, WorkloadState.CANCELLED, EndCause.CANCELLED),
    (None, EndCause.PREEMPTED, -1, WorkloadState.WAITING, None),
    (None, EndCause.REQUEUED, -1, WorkloadState.WAITING, None),
    # Cancelled is cancelled, however the run went out.
    *(
        (StopCause.CANCELLED, cause, 0, WorkloadState.CANCELLED, EndCause.CANCELLED)
        for cause in EndCause
        if cause not in {EndCause.DEPENDENCY, EndCause.DEADLINE}
    ),
    # Preempted or requeued work waits again, unless it had done its work.
    *(
        (stop, cause, 1, WorkloadState.WAITING, None)
        for stop in (StopCause.PREEMPTED, StopCause.REQUEUED)
        for cause in EndCause
        if cause not in {EndCause.DEPENDENCY, EndCause.DEADLINE}
    ),
    (StopCause.PREEMPTED, EndCause.EXITED, 0, WorkloadState.COMPLETED, EndCause.EXITED),
    (StopCause.REQUEUED, EndCause.EXITED, 0, WorkloadState.COMPLETED, EndCause.EXITED),
    # It left with 0 because it was told to go: it had not done its work.
    (StopCause.PREEMPTED, EndCause.PREEMPTED, 0, WorkloadState.WAITING, None),
]
STOPS = {StopCause.CANCELLED: "cancel", StopCause.PREEMPTED: "preempt", StopCause.REQUEUED: "requeue"}


@pytest.mark.parametrize(("stop", "cause", "exit_code", "state", "kept"), ENDS)
def test_what_an_end_means(
    stop: StopCause | None, cause: EndCause, exit_code: int, state: WorkloadState, kept: EndCause | None
) -> None:
    book = stood("running")
    if stop is not None:
        book.tell(FACTS[STOPS[stop]](book))
    book.tell(ended(book, cause, exit_code))
    workload, run = book.workload(W), book.run(run_id(W, 1))
    assert (workload.state, workload.cause) == (state, kept)
    assert (run.state, run.cause, run.exit_code, run.stop) == (RunState.ENDED, cause, exit_code, stop)


@pytest.mark.parametrize("cause", [EndCause.DEPENDENCY, EndCause.DEADLINE])
def test_what_keeps_a_run_from_existing_ends_none(cause: EndCause) -> None:
    book = stood("running")
    with pytest.raises(IllegalTransitionError):
        book.tell(ended(book, cause))


@pytest.mark.parametrize(
    ("cause", "exit_code", "word"),
    [
        (EndCause.EXITED, 1, RetryCause.FAILED),
        (EndCause.SIGNALLED, -1, RetryCause.FAILED),
        (EndCause.TIMEOUT, -1, RetryCause.TIMEOUT),
        (EndCause.OUT_OF_MEMORY, -1, RetryCause.OUT_OF_MEMORY),
        (EndCause.LAUNCH_FAILED, -1, RetryCause.LAUNCH_FAILED),
        (EndCause.LOST, -1, RetryCause.LOST),
    ],
)
@pytest.mark.parametrize("listed", [True, False])
def test_a_retry_follows_only_a_listed_end_and_only_while_attempts_are_left(
    cause: EndCause, exit_code: int, word: RetryCause, listed: bool
) -> None:
    book = Book()
    on = frozenset({word}) if listed else frozenset(RetryCause) - {word}
    book.submit(spec(retry=RetryPolicy(max_attempts=2, on=on)))
    book.tell(book.next_run(W))
    book.tell(ended(book, cause, exit_code))
    assert (book.workload(W).state is WorkloadState.WAITING) is listed
    if listed:
        book.tell(book.next_run(W))
        book.tell(ended(book, cause, exit_code))
        assert book.workload(W).state.final
        assert book.workload(W).attempt == 2


def test_success_is_never_retried() -> None:
    book = Book()
    book.submit(spec(retry=RetryPolicy(max_attempts=9, on=frozenset(RetryCause))))
    book.tell(book.next_run(W))
    book.tell(ended(book, EndCause.EXITED, 0))
    assert book.workload(W).state is WorkloadState.COMPLETED


def test_back_in_the_queue_a_workload_has_no_outcome_and_its_run_keeps_its_own() -> None:
    book = stood("failed")
    over = book.workload(W)
    assert (over.exit_code, over.started_at, over.ended_at > 0) == (1, 5, True)
    book.tell(facts.RequeueRequested(workload=W))
    again = book.workload(W)
    assert (again.exit_code, again.cause, again.started_at, again.ended_at, again.attempt) == (-1, None, 0, 0, 1)
    assert again.eligible_at > over.eligible_at
    assert book.run(run_id(W, 1)).exit_code == 1


def test_facts_of_another_attempt_or_workload_are_refused() -> None:
    book = stood("waiting-anew")
    book.tell(book.next_run(W))
    other = book.submit(spec())
    book.tell(book.next_run(other))
    stale, second, foreign = run_id(W, 1), run_id(W, 2), run_id(other, 1)
    for fact in (
        facts.PreemptRequested(workload=W, run=stale, by=other),
        facts.PreemptRequested(workload=W, run=foreign, by=other),
        facts.RunStarted(workload=W, run=foreign, started_at=Instant(9)),
        facts.RunEnded(workload=W, run=stale, cause=EndCause.EXITED, exit_code=0),
        facts.RunEnded(workload=other, run=second, cause=EndCause.EXITED, exit_code=0),
        facts.RunPlaced(workload=W, run=RunId("1.3"), allocation=allocation()),
    ):
        with pytest.raises(IllegalTransitionError):
            book.tell(fact)
    assert book.run(second).state is RunState.PLACED


def test_placing_names_exactly_the_next_run() -> None:
    book = stood("waiting")
    for wrong in ("1.2", "1.0", "2.1"):
        with pytest.raises(IllegalTransitionError):
            book.tell(facts.RunPlaced(workload=W, run=RunId(wrong), allocation=allocation()))


def test_an_array_is_as_many_workloads_with_their_own_indices() -> None:
    book = Book()
    first = book.submit(spec(array=ArraySpec(indices=(7, 1, 4)), priority=5, time_limit_s=9))
    elements = [book.workload(WorkloadId(first + n)) for n in range(3)]
    assert [(w.id, w.array_id, w.array_index, w.submission) for w in elements] == [
        (1, 1, 7, 1),
        (2, 1, 1, 1),
        (3, 1, 4, 1),
    ]
    assert {(w.priority, w.time_limit_s, w.generation) for w in elements} == {(5, 9, 1)}
    book.tell(facts.CancelRequested(workload=WorkloadId(2)))
    assert [book.workload(w.id).state for w in elements] == ["waiting", "cancelled", "waiting"]


def test_a_submission_makes_as_many_workloads_as_its_spec_says() -> None:
    with pytest.raises(IllegalTransitionError):
        Book().tell(facts.WorkloadSubmitted(first=W, count=2, owner=ANN, spec=spec()))


def test_time_is_eligible_only_while_nothing_but_room_is_missing() -> None:
    assert stood("held").workload(W).eligible_at == 0
    assert stood("blocked").workload(W).eligible_at == 0
    book = stood("waiting")
    assert book.workload(W).eligible_at == book.workload(W).submitted_at
    book.tell(facts.WorkloadHeld(workload=W))
    assert book.workload(W).eligible_at == 0
    book.tell(facts.WorkloadReleased(workload=W))
    assert book.workload(W).eligible_at == 3_000_000


def test_dependencies_are_met_one_by_one_and_never_grow() -> None:
    book = Book()
    book.submit(spec(dependencies=(AFTEROK, AFTER)))
    for no_progress in ((AFTEROK, AFTER), (AFTER, AFTEROK), (replace(AFTER, index=4),)):
        with pytest.raises(IllegalTransitionError):
            book.tell(facts.DependenciesMet(workload=W, left=no_progress))
    book.tell(facts.DependenciesMet(workload=W, left=(AFTER,)))
    assert (book.workload(W).state, book.workload(W).dependencies) == (WorkloadState.BLOCKED, (AFTER,))
    with pytest.raises(IllegalTransitionError):
        book.tell(facts.DependencyFailed(workload=W, dependency=AFTEROK))
    book.tell(facts.DependenciesMet(workload=W))
    assert (book.workload(W).state, book.workload(W).eligible_at > 0) == (WorkloadState.WAITING, True)


def test_dependencies_met_while_held_leave_the_hold() -> None:
    book = stood("held-after")
    book.tell(facts.DependenciesMet(workload=W))
    assert book.workload(W).state is WorkloadState.HELD
    book.tell(facts.WorkloadReleased(workload=W))
    assert book.workload(W).state is WorkloadState.WAITING


def test_a_deadline_that_cannot_be_kept_is_the_cause() -> None:
    book = stood("waiting")
    book.tell(facts.DeadlineMissed(workload=W))
    workload = book.workload(W)
    assert (workload.cause, workload.attempt, workload.ended_at) == (EndCause.DEADLINE, 0, 2_000_000)


def test_a_dependency_that_cannot_be_met_is_named() -> None:
    book = Book()
    book.submit(spec(dependencies=(AFTER,)))
    book.tell(facts.DependencyFailed(workload=W, dependency=AFTER))
    workload = book.workload(W)
    assert (workload.state, workload.cause) == (WorkloadState.CANCELLED, EndCause.DEPENDENCY)
    assert workload.detail == "after:78_3 can never be met"
    assert (workload.attempt, workload.ended_at) == (0, 2_000_000)


@pytest.mark.parametrize("situation", ["starting", "running", "preempting"])
def test_an_update_of_active_work_moves_its_run_too(situation: str) -> None:
    book = stood(situation)
    book.tell(facts.WorkloadUpdated(workload=W, time_limit_s=60, priority=-1))
    assert (book.workload(W).time_limit_s, book.workload(W).priority) == (60, -1)
    assert book.run(run_id(W, 1)).time_limit_s == 60


def test_a_run_given_an_alternative_keeps_its_own_limit_until_another_is_asked_for() -> None:
    book = stood("waiting")
    first, limit = run_id(W, 1), book.workload(W).time_limit_s
    held = allocation()
    book.tell(facts.RunPlaced(workload=W, run=first, allocation=held, alternative=2, time_limit_s=7))
    assert (book.run(first).alternative, book.run(first).time_limit_s) == (2, 7)
    book.tell(facts.WorkloadUpdated(workload=W, time_limit_s=limit, priority=-1))
    assert (book.run(first).time_limit_s, book.run(first).generation) == (7, 2)
    book.tell(facts.WorkloadUpdated(workload=W, time_limit_s=limit + 1, priority=-1))
    assert book.run(first).time_limit_s == limit + 1


def test_an_update_of_waiting_work_holds_for_its_next_run_and_not_for_its_last() -> None:
    book = stood("waiting-anew")
    book.tell(facts.WorkloadUpdated(workload=W, time_limit_s=60, priority=0))
    book.tell(book.next_run(W))
    assert [book.run(run_id(W, attempt)).time_limit_s for attempt in (1, 2)] == [0, 60]


def test_cancelling_what_is_being_preempted_takes_over() -> None:
    book = stood("preempting")
    book.tell(facts.CancelRequested(workload=W))
    assert book.run(run_id(W, 1)).stop is StopCause.CANCELLED
    book.tell(ended(book, EndCause.PREEMPTED))
    assert (book.workload(W).state, book.workload(W).cause) == (WorkloadState.CANCELLED, EndCause.CANCELLED)


def test_a_start_told_late_is_still_told() -> None:
    book = stood("never-cancelling")
    book.tell(started(book))
    run = book.run(run_id(W, 1))
    assert (run.state, run.started_at, book.workload(W).started_at) == (RunState.STOPPING, 5, 5)
    with pytest.raises(IllegalTransitionError):
        book.tell(started(book))


def test_where_the_engine_gives_no_instant_the_record_does() -> None:
    book = stood("starting")
    book.tell(facts.RunStarted(workload=W, run=run_id(W, 1), started_at=Instant(0)))
    assert book.run(run_id(W, 1)).started_at == 3_000_000
    book.tell(ended(book, EndCause.EXITED, 0))
    assert (book.run(run_id(W, 1)).ended_at, book.workload(W).ended_at) == (4_000_000, 4_000_000)
    assert book.workload(W).started_at == 3_000_000


def test_an_end_keeps_what_the_engine_measured() -> None:
    book = stood("running")
    end = facts.RunEnded(
        workload=W,
        run=run_id(W, 1),
        cause=EndCause.SIGNALLED,
        signal=11,
        started_at=Instant(6),
        ended_at=Instant(8),
        usage=Usage(cpu_us=3, memory_peak_bytes=4),
        truncated=True,
        detail="segmentation fault",
    )
    book.tell(end)
    run, workload = book.run(run_id(W, 1)), book.workload(W)
    assert (run.signal, run.started_at, run.ended_at, run.usage) == (11, 6, 8, end.usage)
    assert (run.truncated, run.detail) == (True, "segmentation fault")
    assert (workload.signal, workload.started_at, workload.ended_at, workload.detail) == (
        11,
        6,
        8,
        "segmentation fault",
    )


@pytest.mark.parametrize(
    ("situation", "told"),
    [
        ("starting", Instruction.LAUNCH),
        ("running", Instruction.NOTHING),
        ("cancelling", Instruction.STOP),
        ("never-cancelling", Instruction.STOP),
        ("preempting", Instruction.STOP),
        ("requeueing", Instruction.STOP),
        ("completed", Instruction.NOTHING),
    ],
)
def test_what_the_engine_is_told_follows_from_the_run_alone(situation: str, told: Instruction) -> None:
    assert instruction(stood(situation).run(run_id(W, 1))) is told


def test_the_centers_own_records_grow_by_definition() -> None:
    book = Book()
    for generation in (1, 2):
        book.tell(facts.NodeRegistered(node=node(generation=40)))
        book.tell(facts.QueueDefined(queue=Queue(name=QueueName("default"), generation=40)))
        book.tell(facts.UserDefined(user=User(name=ANN, role=Role.USER, generation=40)))
        book.tell(facts.ProjectDefined(project=Project(name=ProjectName("default"), generation=40)))
        assert {getattr(record, "generation", None) for record in book.records.values()} == {generation}
    book.tell(facts.NodeStateChanged(node=node().name, state=NodeState.DRAINING, reason="fan"))
    drained = book.node(node().name)
    assert (drained.state, drained.reason, drained.generation) == (NodeState.DRAINING, "fan", 3)


def test_a_reservation_is_set_and_removed_and_its_nodes_are_planned_for_anew() -> None:
    book = Book()
    for name in ("n1", "n2"):
        book.tell(facts.NodeRegistered(node=node(name)))

    def generations() -> list[int]:
        return [book.node(NodeName(name)).generation for name in ("n1", "n2")]

    def reserved(*nodes: str) -> facts.AdvanceReservationSet:
        names, begin, end = tuple(map(NodeName, nodes)), Instant(5), Instant(9)
        return facts.AdvanceReservationSet(
            reservation=AdvanceReservation(
                name=NIGHT, starts_at=begin, ends_at=end, nodes=names, removed=True, generation=40
            )
        )

    book.tell(reserved("n1"))
    assert (generations(), book.advance_reservation(NIGHT).generation) == ([2, 1], 1)
    assert not book.advance_reservation(NIGHT).removed
    book.tell(reserved("n2"))
    assert generations() == [3, 2]
    book.tell(facts.AdvanceReservationRemoved(name=NIGHT))
    assert (generations(), book.advance_reservation(NIGHT).removed) == ([3, 3], True)
    with pytest.raises(IllegalTransitionError):
        book.tell(facts.AdvanceReservationRemoved(name=NIGHT))
    book.tell(reserved("n1"))
    assert (generations(), book.advance_reservation(NIGHT).generation) == ([4, 3], 4)
    for wrong in (facts.AdvanceReservationRemoved(name=ReservationName("day")), reserved("n3")):
        with pytest.raises(NotFoundError):
            book.tell(wrong)


def test_a_token_is_issued_once_and_revoked_if_it_exists() -> None:
    book = Book()
    token = Token(id=TokenId("t1"), user=UserName("ann"), digest="d", scopes=frozenset({Scope.READ}))
    with pytest.raises(NotFoundError):
        book.tell(facts.TokenRevoked(token=token.id))
    book.tell(facts.TokenIssued(token=token))
    with pytest.raises(IllegalTransitionError):
        book.tell(facts.TokenIssued(token=replace(token, user=UserName("bob"))))
    book.tell(facts.TokenRevoked(token=token.id))
    assert book.token(token.id) == replace(token, revoked=True, generation=2)


def test_an_unknown_kind_of_fact_is_refused() -> None:
    with pytest.raises(IllegalTransitionError):
        Book().tell(object())  # type: ignore[arg-type]  # such a thing may come from a newer version's store
