"""The one state machine: a recorded fact and the tables as they stand give the records as they stand after it.

Pure: no clock, no store, no randomness. The store folds every fact through :func:`fold` in the transaction that records
it, and a replay of all facts folds them through it again, so tables cannot say what facts do not.

    HELD, BLOCKED, WAITING --RunPlaced--> STARTING --RunStarted--> RUNNING --RunEnded--> a final state, or WAITING anew
    CancelRequested, RequeueRequested, PreemptRequested turn STARTING and RUNNING into ENDING until RunEnded.

What an engine must be told follows from a run's state alone (:func:`instruction`), so a server that died between a fact
and the deed finds the deed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from functools import singledispatch
from typing import Protocol, TypeVar

from suanli.kernel import learning, terms, usage
from suanli.model import facts
from suanli.model.altered import altered
from suanli.model.errors import IllegalTransitionError, NotFoundError
from suanli.model.facts import Record, RecordedFact
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
from suanli.model.power import PowerCap
from suanli.model.quantities import Instant
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.reservations import AdvanceReservation
from suanli.model.resources import Node, Queue
from suanli.model.spec import RetryCause
from suanli.model.tenancy import Project, Token, User
from suanli.model.workload import EndCause, Run, RunState, StopCause, Workload, WorkloadState

_QUEUED = frozenset({WorkloadState.HELD, WorkloadState.BLOCKED, WorkloadState.WAITING})

_OUTCOME = {
    EndCause.SIGNALLED: WorkloadState.FAILED,
    EndCause.TIMEOUT: WorkloadState.TIMEOUT,
    EndCause.CANCELLED: WorkloadState.CANCELLED,
    EndCause.OUT_OF_MEMORY: WorkloadState.OUT_OF_MEMORY,
    EndCause.LAUNCH_FAILED: WorkloadState.FAILED,
    EndCause.LOST: WorkloadState.LOST,
}

_WITHOUT_A_RUN = frozenset({EndCause.DEPENDENCY, EndCause.DEADLINE})

_SENT_BACK = frozenset({EndCause.PREEMPTED, EndCause.REQUEUED})
"""Ends that no fault of the work brought about; an engine of a cluster may decide on them by itself."""

_RETRIED_AS = {
    EndCause.SIGNALLED: RetryCause.FAILED,
    EndCause.EXITED: RetryCause.FAILED,
    EndCause.TIMEOUT: RetryCause.TIMEOUT,
    EndCause.OUT_OF_MEMORY: RetryCause.OUT_OF_MEMORY,
    EndCause.LAUNCH_FAILED: RetryCause.LAUNCH_FAILED,
    EndCause.LOST: RetryCause.LOST,
}


K = TypeVar("K")


class _Generational(Protocol):
    @property
    def generation(self) -> int: ...


class Instruction(StrEnum):
    """What the engine of a run must be told now."""

    LAUNCH = "launch"
    STOP = "stop"
    NOTHING = "nothing"


class Tables(learning.Tables, terms.Tables, usage.Tables, Protocol):
    """What the fold looks up. Each raises NotFoundError where there is no such record; a power cap there always is."""

    def workload(self, workload: WorkloadId, /) -> Workload: ...
    def run(self, run: RunId, /) -> Run: ...
    def node(self, node: NodeName, /) -> Node: ...
    def queue(self, queue: QueueName, /) -> Queue: ...
    def quota(self, scope: QuotaScope, name: str, /) -> Quota: ...
    def license(self, name: LicenseName, /) -> License: ...
    def power_cap(self) -> PowerCap: ...
    def advance_reservation(self, name: ReservationName, /) -> AdvanceReservation: ...
    def user(self, user: UserName, /) -> User: ...
    def project(self, project: ProjectName, /) -> Project: ...
    def token(self, token: TokenId, /) -> Token: ...


def instruction(run: Run) -> Instruction:
    """What the engine must be told of a run in this state.

    Telling it twice does no harm: launching is idempotent by run id, and so is stopping.
    """
    match run.state:
        case RunState.PLACED:
            return Instruction.LAUNCH
        case RunState.STOPPING:
            return Instruction.STOP
        case RunState.RUNNING | RunState.ENDED:
            return Instruction.NOTHING


def fold(tables: Tables, recorded: RecordedFact) -> Sequence[Record]:
    """The records that are new or different after ``recorded``, each whole, generation grown by one.

    Raises:
        IllegalTransitionError: the fact does not fit the tables as they stand.
        NotFoundError: the fact names a record that does not exist.
    """
    return _fold(recorded.fact, tables, recorded.at)


@singledispatch
def _fold(fact: object, _tables: Tables, _at: Instant) -> Sequence[Record]:
    message = f"no rule folds {type(fact).__name__}"
    raise IllegalTransitionError(message)


@_fold.register
def _submitted(fact: facts.WorkloadSubmitted, _tables: Tables, at: Instant) -> Sequence[Record]:
    spec = fact.spec
    indices = (0,) if spec.array is None else spec.array.indices
    if len(indices) != fact.count:
        raise IllegalTransitionError(f"{fact.count} workloads were made of a spec for {len(indices)}")
    first = Workload(
        id=fact.first,
        submission=fact.first,
        owner=fact.owner,
        project=spec.project,
        kind=spec.kind,
        name=spec.name,
        queue=spec.queue,
        qos=spec.qos,
        state=_queued_state(held=fact.held, blocked=bool(spec.dependencies)),
        priority=spec.priority,
        time_limit_s=spec.time_limit_s,
        array_id=WorkloadId(0) if spec.array is None else fact.first,
        array_index=indices[0],
        dependencies=spec.dependencies,
        retry=spec.retry,
        preemptible=spec.preemptible,
        submitted_at=at,
        eligible_at=Instant(0) if fact.held or spec.dependencies else at,
        generation=1,
    )
    others = [altered(first, id=WorkloadId(fact.first + n), array_index=indices[n]) for n in range(1, fact.count)]
    return [first, *others]


@_fold.register
def _held(fact: facts.WorkloadHeld, tables: Tables, _at: Instant) -> Sequence[Record]:
    workload = _expect(tables.workload(fact.workload), _QUEUED - {WorkloadState.HELD}, "hold it")
    return [_grown(workload, state=WorkloadState.HELD, eligible_at=Instant(0))]


@_fold.register
def _released(fact: facts.WorkloadReleased, tables: Tables, at: Instant) -> Sequence[Record]:
    workload = _expect(tables.workload(fact.workload), {WorkloadState.HELD}, "release it")
    return [_queue_again(workload, at)]


@_fold.register
def _updated(fact: facts.WorkloadUpdated, tables: Tables, _at: Instant) -> Sequence[Record]:
    workload = tables.workload(fact.workload)
    if workload.state.final:
        raise IllegalTransitionError(f"workload {workload.id} is {workload.state}: nothing of it can be changed")
    qos = fact.qos or workload.qos
    if workload.state.active and qos != workload.qos:
        raise IllegalTransitionError(f"workload {workload.id} is {workload.state}: it keeps its QOS until it has ended")
    changed: list[Record] = [_grown(workload, time_limit_s=fact.time_limit_s, priority=fact.priority, qos=qos)]
    if workload.state.active:
        run = tables.run(run_id(workload.id, workload.attempt))
        # Who was given an alternative with a limit of its own keeps that where only the priority is changed.
        limit = fact.time_limit_s if fact.time_limit_s != workload.time_limit_s else run.time_limit_s
        changed.append(altered(run, time_limit_s=limit, generation=run.generation + 1))
    return changed


@_fold.register
def _dependencies_met(fact: facts.DependenciesMet, tables: Tables, at: Instant) -> Sequence[Record]:
    workload = _expect(tables.workload(fact.workload), {WorkloadState.BLOCKED, WorkloadState.HELD}, "unblock it")
    if not set(fact.left) < set(workload.dependencies):
        raise IllegalTransitionError(f"workload {workload.id} has not more dependencies open than are said to be left")
    lighter = altered(workload, dependencies=fact.left)
    if workload.state is WorkloadState.HELD:
        return [_grown(lighter)]
    return [_queue_again(lighter, at)]


@_fold.register
def _dependency_failed(fact: facts.DependencyFailed, tables: Tables, at: Instant) -> Sequence[Record]:
    workload = _expect(tables.workload(fact.workload), _QUEUED, "give it up")
    if fact.dependency not in workload.dependencies:
        raise IllegalTransitionError(f"workload {workload.id} has no open dependency {fact.dependency}")
    detail = f"{fact.dependency} can never be met"
    final = WorkloadState.CANCELLED
    return [_grown(workload, state=final, cause=EndCause.DEPENDENCY, detail=detail, ended_at=at)]


@_fold.register
def _deadline_missed(fact: facts.DeadlineMissed, tables: Tables, at: Instant) -> Sequence[Record]:
    workload = _expect(tables.workload(fact.workload), _QUEUED, "give it up")
    detail = "it could not be done by its deadline any more"
    return [_grown(workload, state=WorkloadState.CANCELLED, cause=EndCause.DEADLINE, detail=detail, ended_at=at)]


@_fold.register
def _cancel(fact: facts.CancelRequested, tables: Tables, at: Instant) -> Sequence[Record]:
    workload = tables.workload(fact.workload)
    if workload.state in _QUEUED:
        return [_grown(workload, state=WorkloadState.CANCELLED, cause=EndCause.CANCELLED, ended_at=at)]
    return _stop(tables, workload, StopCause.CANCELLED)


@_fold.register
def _requeue(fact: facts.RequeueRequested, tables: Tables, at: Instant) -> Sequence[Record]:
    workload = tables.workload(fact.workload)
    if workload.state in _QUEUED:
        raise IllegalTransitionError(f"workload {workload.id} is {workload.state}: it is in the queue already")
    if workload.state.final:
        return [_queue_again(workload, at)]
    if tables.run(run_id(workload.id, workload.attempt)).stop is StopCause.CANCELLED:
        raise IllegalTransitionError(f"workload {workload.id} is being cancelled: requeue it when it has ended")
    return _stop(tables, workload, StopCause.REQUEUED)


@_fold.register
def _signalled(fact: facts.SignalRequested, tables: Tables, _at: Instant) -> Sequence[Record]:
    _expect(tables.workload(fact.workload), {WorkloadState.RUNNING, WorkloadState.ENDING}, "signal it")
    return []


@_fold.register
def _placed(fact: facts.RunPlaced, tables: Tables, at: Instant) -> Sequence[Record]:
    workload = _expect(tables.workload(fact.workload), {WorkloadState.WAITING}, "place it")
    attempt = workload.attempt + 1
    if fact.run != run_id(workload.id, attempt):
        raise IllegalTransitionError(f"run {fact.run} is not the next run of workload {workload.id}")
    run = Run(
        id=fact.run,
        workload=workload.id,
        attempt=attempt,
        state=RunState.PLACED,
        allocation=fact.allocation,
        time_limit_s=fact.time_limit_s if fact.alternative else workload.time_limit_s,
        placed_at=at,
        alternative=fact.alternative,
        generation=1,
    )
    return [_grown(workload, state=WorkloadState.STARTING, attempt=attempt), run]


@_fold.register
def _started(fact: facts.RunStarted, tables: Tables, at: Instant) -> Sequence[Record]:
    run = _live_run(tables, fact.run, fact.workload)
    workload = tables.workload(run.workload)
    if run.started_at:
        raise IllegalTransitionError(f"run {run.id} has started before")
    begun = altered(run, started_at=fact.started_at or at, generation=run.generation + 1)
    if run.state is RunState.STOPPING:
        return [begun, _grown(workload, started_at=begun.started_at)]
    running = _grown(workload, state=WorkloadState.RUNNING, started_at=begun.started_at)
    return [altered(begun, state=RunState.RUNNING), running]


@_fold.register
def _preempt(fact: facts.PreemptRequested, tables: Tables, _at: Instant) -> Sequence[Record]:
    workload = _expect(tables.workload(fact.workload), {WorkloadState.STARTING, WorkloadState.RUNNING}, "preempt it")
    _live_run(tables, fact.run, workload.id)
    return _stop(tables, workload, StopCause.PREEMPTED)


@_fold.register
def _ended(fact: facts.RunEnded, tables: Tables, at: Instant) -> Sequence[Record]:
    if fact.cause in _WITHOUT_A_RUN:
        raise IllegalTransitionError(f"run {fact.run} exists, so no {fact.cause} kept it from existing")
    run = _live_run(tables, fact.run, fact.workload)
    workload = tables.workload(run.workload)
    ended_at = fact.ended_at or at
    done = altered(
        run,
        state=RunState.ENDED,
        started_at=fact.started_at or run.started_at,
        ended_at=ended_at,
        cause=fact.cause,
        detail=fact.detail,
        exit_code=fact.exit_code,
        signal=fact.signal,
        usage=fact.usage,
        truncated=fact.truncated,
        generation=run.generation + 1,
    )
    held = [usage.added(tables, more) for more in usage.used(done, workload.project, workload.owner, workload.qos)]
    if runs_again(workload, run, fact.cause, fact.exit_code):
        return [done, _queue_again(workload, at), *held]
    cause = EndCause.CANCELLED if run.stop is StopCause.CANCELLED else fact.cause
    over = _grown(
        workload,
        state=_outcome(cause, fact.exit_code),
        cause=cause,
        detail=fact.detail,
        exit_code=fact.exit_code,
        signal=fact.signal,
        started_at=done.started_at,
        ended_at=ended_at,
    )
    return [done, over, *held, *learning.learned(done, workload, tables)]


@_fold.register
def _node_registered(fact: facts.NodeRegistered, tables: Tables, _at: Instant) -> Sequence[Record]:
    return [altered(fact.node, generation=_generation(tables.node, fact.node.name) + 1)]


@_fold.register
def _node_state(fact: facts.NodeStateChanged, tables: Tables, _at: Instant) -> Sequence[Record]:
    node = tables.node(fact.node)
    return [altered(node, state=fact.state, reason=fact.reason, generation=node.generation + 1)]


@_fold.register
def _queue_defined(fact: facts.QueueDefined, tables: Tables, _at: Instant) -> Sequence[Record]:
    return [altered(fact.queue, generation=_generation(tables.queue, fact.queue.name) + 1)]


@_fold.register
def _quota_defined(fact: facts.QuotaDefined, tables: Tables, _at: Instant) -> Sequence[Record]:
    quota = fact.quota
    before = _generation(lambda key: tables.quota(*key), (quota.scope, quota.name))
    return [altered(quota, generation=before + 1)]


@_fold.register
def _license_defined(fact: facts.LicenseDefined, tables: Tables, _at: Instant) -> Sequence[Record]:
    return [altered(fact.license, generation=_generation(tables.license, fact.license.name) + 1)]


@_fold.register
def _power_cap_set(fact: facts.PowerCapSet, tables: Tables, _at: Instant) -> Sequence[Record]:
    return [altered(fact.cap, generation=tables.power_cap().generation + 1)]


_fold.register(facts.TariffSet, terms.tariff_set)
_fold.register(facts.QosDefined, terms.qos_defined)
_fold.register(facts.QosRemoved, terms.qos_removed)


@_fold.register
def _reservation_set(fact: facts.AdvanceReservationSet, tables: Tables, _at: Instant) -> Sequence[Record]:
    wanted, nodes, generation = fact.reservation, set(fact.reservation.nodes), 0
    try:
        before = tables.advance_reservation(wanted.name)
    except NotFoundError:
        pass
    else:
        nodes.update(() if before.removed else before.nodes)
        generation = before.generation
    return [altered(wanted, removed=False, generation=generation + 1), *_touched(tables, nodes)]


@_fold.register
def _reservation_removed(fact: facts.AdvanceReservationRemoved, tables: Tables, _at: Instant) -> Sequence[Record]:
    there = tables.advance_reservation(fact.name)
    if there.removed:
        raise IllegalTransitionError(f"reservation {fact.name} has been removed before")
    return [altered(there, removed=True, generation=there.generation + 1), *_touched(tables, there.nodes)]


def _touched(tables: Tables, nodes: Iterable[NodeName]) -> Sequence[Record]:
    """The nodes, a generation later: what was planned for them before has to be planned anew."""
    found = map(tables.node, sorted(nodes))
    return [altered(node, generation=node.generation + 1) for node in found]


@_fold.register
def _user_defined(fact: facts.UserDefined, tables: Tables, _at: Instant) -> Sequence[Record]:
    return [altered(fact.user, generation=_generation(tables.user, fact.user.name) + 1)]


@_fold.register
def _project_defined(fact: facts.ProjectDefined, tables: Tables, _at: Instant) -> Sequence[Record]:
    return [altered(fact.project, generation=_generation(tables.project, fact.project.name) + 1)]


@_fold.register
def _token_issued(fact: facts.TokenIssued, tables: Tables, _at: Instant) -> Sequence[Record]:
    if _generation(tables.token, fact.token.id):
        raise IllegalTransitionError(f"token {fact.token.id} exists")
    return [altered(fact.token, generation=1)]


@_fold.register
def _token_revoked(fact: facts.TokenRevoked, tables: Tables, _at: Instant) -> Sequence[Record]:
    token = tables.token(fact.token)
    return [altered(token, revoked=True, generation=token.generation + 1)]


def _stop(tables: Tables, workload: Workload, cause: StopCause) -> Sequence[Record]:
    if not workload.state.active:
        raise IllegalTransitionError(f"workload {workload.id} is {workload.state}: there is nothing to stop")
    run = _live_run(tables, run_id(workload.id, workload.attempt), workload.id)
    stopping = altered(run, state=RunState.STOPPING, stop=cause, generation=run.generation + 1)
    return [_grown(workload, state=WorkloadState.ENDING), stopping]


def _live_run(tables: Tables, wanted: RunId, workload: WorkloadId) -> Run:
    run = tables.run(wanted)
    if run.workload != workload:
        raise IllegalTransitionError(f"run {run.id} is none of workload {workload}")
    if run.state is RunState.ENDED:
        raise IllegalTransitionError(f"run {run.id} has ended before")
    return run


def _queue_again(workload: Workload, at: Instant) -> Workload:
    state = _queued_state(held=False, blocked=bool(workload.dependencies))
    return _grown(
        workload,
        state=state,
        cause=None,
        detail="",
        exit_code=-1,
        signal=0,
        eligible_at=at if state is WorkloadState.WAITING else Instant(0),
        started_at=Instant(0),
        ended_at=Instant(0),
    )


def _outcome(cause: EndCause, exit_code: int) -> WorkloadState:
    if cause is EndCause.EXITED:
        return WorkloadState.COMPLETED if exit_code == 0 else WorkloadState.FAILED
    return _OUTCOME[cause]


def runs_again(workload: Workload, run: Run, cause: EndCause, exit_code: int = -1) -> bool:
    """Tell whether a workload waits again once its run has ended for this cause."""
    if run.stop is StopCause.CANCELLED:
        return False
    if cause is EndCause.EXITED and exit_code == 0:
        return False
    if run.stop is not None or cause in _SENT_BACK:
        return True
    retried = _RETRIED_AS.get(cause)
    return retried in workload.retry.on and workload.attempt < workload.retry.max_attempts


def _queued_state(*, held: bool, blocked: bool) -> WorkloadState:
    if held:
        return WorkloadState.HELD
    return WorkloadState.BLOCKED if blocked else WorkloadState.WAITING


def _expect(workload: Workload, states: AbstractSet[WorkloadState], what: str) -> Workload:
    if workload.state not in states:
        raise IllegalTransitionError(f"workload {workload.id} is {workload.state}: cannot {what}")
    return workload


def _grown(workload: Workload, **changes: object) -> Workload:
    return altered(workload, generation=workload.generation + 1, **changes)


def _generation(lookup: Callable[[K], _Generational], key: K) -> int:
    try:
        return lookup(key).generation
    except NotFoundError:
        return 0
