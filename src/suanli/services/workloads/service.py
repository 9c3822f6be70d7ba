"""Workloads as people handle them: submit, look, change, end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from suanli.kernel.authority import is_staff, require
from suanli.model.errors import InvalidRequestError, NotFoundError, NotPermittedError, UnsupportedError
from suanli.model.facts import (
    CancelRequested,
    Fact,
    RecordedFact,
    RequeueRequested,
    SignalRequested,
    WorkloadHeld,
    WorkloadReleased,
    WorkloadSubmitted,
    WorkloadUpdated,
)
from suanli.model.ids import EngineName, FactSeq, UserName, WorkloadId, run_id
from suanli.model.spec import MAX_ARRAY_SIZE, WorkloadSpec
from suanli.model.tenancy import Caller, Scope
from suanli.model.workload import Run, RunState, StopCause, Submission, Workload, WorkloadState
from suanli.ports.admission import AdmissionCheck
from suanli.ports.engine import Engine, KeepsOutputs, LogChunk, Logs, OutputFile, Stream
from suanli.ports.notify import Notifier
from suanli.ports.store import FactFilter, Reading, StateCounts, Store, Transaction, WorkloadFilter
from suanli.services.workloads.acceptance import Acceptance
from suanli.services.workloads.refs import WorkloadRef, every, one
from suanli.services.workloads.update import Update, updated

MAX_BATCH = 10_000

_QUEUED = frozenset({WorkloadState.HELD, WorkloadState.BLOCKED, WorkloadState.WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What a spec became: ``count`` workloads with consecutive ids from ``id``."""

    id: WorkloadId
    count: int
    state: WorkloadState


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A line of a list: a workload and its latest run, if it ever had one."""

    workload: Workload
    run: Run | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayView:
    """The array a workload belongs to, its elements counted by state."""

    id: WorkloadId
    size: int
    counts: StateCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All there is to know of one workload."""

    workload: Workload
    submission: Submission
    runs: tuple[Run, ...]
    array: ArrayView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Which of the workloads named were changed, and which were in no state to be."""

    changed: tuple[WorkloadId, ...]
    unchanged: tuple[WorkloadId, ...]


class Workloads:
    """The workloads of the center, each caller seeing and changing only what is theirs (operators: all)."""

    def __init__(
        self,
        store: Store,
        engines: Mapping[EngineName, Engine],
        checks: Sequence[AdmissionCheck],
        notifier: Notifier,
    ) -> None:
        self._store = store
        self._engines = engines
        self._checks = checks
        self._notifier = notifier

    def submit(
        self, tx: Transaction, caller: Caller, specs: Sequence[WorkloadSpec], *, held: bool = False
    ) -> Sequence[Accepted]:
        """Accept all these specs or none, in order.

        Raises:
            InvalidRequestError: a spec is wrong (the field is prefixed with its position if there are several).
            NotPermittedError, UnsupportedError, AdmissionRefusedError: see ``acceptance.Acceptance``.
        """
        require(caller, Scope.WRITE)
        if not 0 < len(specs) <= MAX_BATCH:
            raise InvalidRequestError("workloads", f"a batch has 1..{MAX_BATCH} specs")
        completed = self._complete(tx, caller, specs)
        sizes = [1 if spec.array is None else len(spec.array.indices) for spec in completed]
        if sum(sizes) > MAX_ARRAY_SIZE:
            raise InvalidRequestError("workloads", f"a batch makes at most {MAX_ARRAY_SIZE} workloads", "send several")
        first = tx.allocate(sum(sizes))
        accepted = []
        for spec, size in zip(completed, sizes, strict=True):
            fact = WorkloadSubmitted(first=first, count=size, owner=caller.user, spec=spec, held=held)
            tx.append(fact, actor=caller.user)
            accepted.append(Accepted(id=first, count=size, state=tx.workload(first).state))
            first = WorkloadId(first + size)
        return accepted

    def _complete(self, tables: Reading, caller: Caller, specs: Sequence[WorkloadSpec]) -> Sequence[WorkloadSpec]:
        acceptance = Acceptance(tables, caller, self._notifier)
        completed: list[WorkloadSpec] = []
        try:
            for spec in specs:
                completed.append(acceptance.complete(spec))  # noqa: PERF401 - its length says which of them was wrong
        except InvalidRequestError as error:
            if len(specs) == 1:
                raise
            where = f"workloads.{len(completed)}.{error.field}"
            raise InvalidRequestError(where, error.detail, error.hint) from error
        acceptance.admit(completed, self._checks)
        return completed

    def normalize(self, caller: Caller, spec: WorkloadSpec) -> WorkloadSpec:
        """The spec as ``submit`` would record it; raises as ``submit`` would."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            [completed] = self._complete(tables, caller, [spec])
            return completed

    def list(
        self, caller: Caller, which: WorkloadFilter, *, before: WorkloadId = WorkloadId(0), limit: int = 50
    ) -> Sequence[Listed]:
        """A page of the workloads the caller may see, newest first, with ids below ``before`` where it is not 0."""
        mine = _own(caller, which)
        with self._store.read() as tables:
            page = tables.workloads(mine, before=before, limit=limit)
            runs = tables.last_runs([workload.id for workload in page])
        return [Listed(workload=workload, run=runs.get(workload.id)) for workload in page]

    def counts(self, caller: Caller, which: WorkloadFilter) -> StateCounts:
        """The workloads the caller may see, counted by state."""
        mine = _own(caller, which)
        with self._store.read() as tables:
            return tables.counts(mine)

    def show(self, caller: Caller, ref: WorkloadRef) -> Shown:
        """One workload with its spec, its runs, and its array's counts."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            workload = one(tables, caller, ref)
            array = None
            if workload.array_id:
                counts = tables.counts(WorkloadFilter(array_id=workload.array_id))
                array = ArrayView(id=workload.array_id, size=sum(counts.by_state.values()), counts=counts)
            return Shown(
                workload=workload,
                submission=tables.submission(workload.submission),
                runs=tuple(tables.runs(workload.id)),
                array=array,
            )

    def cancel(self, tx: Transaction, caller: Caller, ref: WorkloadRef) -> Changed:
        """End what is named: at once where nothing runs, else as soon as its run has ended."""

        def fact(workload: Workload) -> Fact | None:
            if workload.state.final or _stopping(tx, workload, StopCause.CANCELLED):
                return None
            return CancelRequested(workload=workload.id)

        return self._change(tx, caller, ref, fact)

    def hold(self, tx: Transaction, caller: Caller, ref: WorkloadRef) -> Changed:
        """Keep what is named from starting."""
        holdable = _QUEUED - {WorkloadState.HELD}
        return self._change(tx, caller, ref, lambda w: WorkloadHeld(workload=w.id) if w.state in holdable else None)

    def release(self, tx: Transaction, caller: Caller, ref: WorkloadRef) -> Changed:
        """Lift the hold."""
        return self._change(
            tx, caller, ref, lambda w: WorkloadReleased(workload=w.id) if w.state is WorkloadState.HELD else None
        )

    def requeue(self, tx: Transaction, caller: Caller, ref: WorkloadRef) -> Changed:
        """Run what is named anew: at once where it is over, else as soon as its run has ended."""

        def fact(workload: Workload) -> Fact | None:
            if workload.state in _QUEUED or _stopping(tx, workload, StopCause.REQUEUED):
                return None
            return RequeueRequested(workload=workload.id)

        return self._change(tx, caller, ref, fact)

    def signal(self, tx: Transaction, caller: Caller, ref: WorkloadRef, number: int) -> Changed:
        """Send a signal to what is named and running; at most once each.

        Raises:
            InvalidRequestError: the number is no signal's.
        """
        if not 1 <= number <= 64:
            raise InvalidRequestError("signal", f"{number} is no signal", "give 1..64 or a name such as USR1")
        return self._change(
            tx,
            caller,
            ref,
            lambda w: SignalRequested(workload=w.id, signal=number) if w.state is WorkloadState.RUNNING else None,
        )

    def update(self, tx: Transaction, caller: Caller, ref: WorkloadRef, wanted: Update) -> Changed:
        """Change time limit, priority and quality of service of what is named and not over.

        Raises:
            NotPermittedError: a plain user may not raise a priority above 0, nor the limit of what already runs.
            InvalidRequestError: the queue does not allow the limit, or an amount is out of bounds.
            AdmissionRefusedError: there is no such quality of service, or it is for others.
            ConflictError: the quality of service of what runs cannot be changed.
        """
        return self._change(tx, caller, ref, lambda w: updated(tx, caller, w, wanted))

    def would_update(self, caller: Caller, ref: WorkloadRef, wanted: Update) -> Sequence[WorkloadUpdated]:
        """What ``update`` would record of what is named; raises as it would. Nothing is recorded."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            named = every(tables, caller, ref)
            found = [updated(tables, caller, workload, wanted) for workload in named]
        return [fact for fact in found if fact is not None]

    def named(self, caller: Caller, ref: WorkloadRef) -> Sequence[Workload]:
        """All workloads named, by id.

        Raises:
            NotFoundError: there is none, or the caller may not know of them.
        """
        require(caller, Scope.READ)
        with self._store.read() as tables:
            return every(tables, caller, ref)

    def _change(
        self, tx: Transaction, caller: Caller, ref: WorkloadRef, fact_for: Callable[[Workload], Fact | None]
    ) -> Changed:
        require(caller, Scope.WRITE)
        changed, unchanged = [], []
        for workload in every(tx, caller, ref):
            fact = fact_for(workload)
            if fact is None:
                unchanged.append(workload.id)
            else:
                tx.append(fact, actor=caller.user)
                changed.append(workload.id)
        return Changed(changed=tuple(changed), unchanged=tuple(unchanged))

    def log(
        self, caller: Caller, ref: WorkloadRef, *, attempt: int, stream: Stream, offset: int, limit: int
    ) -> LogChunk:
        """A piece of the output of an attempt (0: the latest); ``offset`` may count back from the end.

        Raises:
            NotFoundError: it never ran, or the output was cleaned away.
            UnsupportedError: the engine keeps no output.
        """
        run = self._run(caller, ref, attempt)
        engine = self._engine(run)
        if not isinstance(engine, Logs):
            raise UnsupportedError("logs", f"engine {engine.name} keeps no output")
        return engine.log(run.id, stream, offset, limit)

    def outputs(self, caller: Caller, ref: WorkloadRef) -> Sequence[OutputFile]:
        """The declared outputs that the latest run left.

        Raises:
            NotFoundError: it never ran, or they were cleaned away.
            UnsupportedError: the engine keeps none.
        """
        engine, run = self._keeper(caller, ref)
        return engine.outputs(run.id)

    def output(self, caller: Caller, ref: WorkloadRef, name: str, offset: int, limit: int) -> LogChunk:
        """A piece of one declared output of the latest run; raises as ``outputs``."""
        engine, run = self._keeper(caller, ref)
        return engine.output(run.id, name, offset, limit)

    def _keeper(self, caller: Caller, ref: WorkloadRef) -> tuple[KeepsOutputs, Run]:
        run = self._run(caller, ref, 0)
        engine = self._engine(run)
        if not isinstance(engine, KeepsOutputs):
            raise UnsupportedError("outputs", f"engine {engine.name} keeps no outputs")
        return engine, run

    def _engine(self, run: Run) -> Engine:
        name = run.allocation.engine
        if name not in self._engines:
            raise UnsupportedError("engine", f"this center no longer has engine {name}")
        return self._engines[name]

    def _run(self, caller: Caller, ref: WorkloadRef, attempt: int) -> Run:
        require(caller, Scope.READ)
        with self._store.read() as tables:
            workload = one(tables, caller, ref)
            wanted = attempt or workload.attempt
            if not 1 <= wanted <= workload.attempt:
                raise NotFoundError("run of workload", str(ref), "it has not run yet; see `suanli why`")
            return tables.run(run_id(workload.id, wanted))

    def events(self, caller: Caller, after: FactSeq, workload: WorkloadId, limit: int) -> Sequence[RecordedFact]:
        """Facts after a number, in order: of one workload (0: of all) that the caller may see."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            if workload:
                one(tables, caller, WorkloadRef(workload))
            owner = UserName("") if is_staff(caller) else caller.user
            return tables.facts(after, FactFilter(owner=owner, workload=workload), limit)


def _own(caller: Caller, which: WorkloadFilter) -> WorkloadFilter:
    require(caller, Scope.READ)
    if is_staff(caller):
        return which
    if which.owner not in {"", caller.user}:
        raise NotPermittedError("you see only work of your own", "leave the owner out")
    return replace(which, owner=caller.user)


def _stopping(tables: Reading, workload: Workload, cause: StopCause) -> bool:
    if workload.state is not WorkloadState.ENDING:
        return False
    run = tables.run(run_id(workload.id, workload.attempt))
    return run.state is RunState.STOPPING and run.stop in {cause, StopCause.CANCELLED}
