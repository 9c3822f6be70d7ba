"""Runs as the loops handle them: what an engine must be told, and what it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suanli.kernel.lifecycle import Instruction, instruction
from suanli.model.facts import SYSTEM, Fact, RunEnded, RunStarted
from suanli.model.ids import EngineName, RunId
from suanli.model.quantities import Instant
from suanli.model.workload import EndCause, Run, RunState, StopCause, Submission, Workload
from suanli.ports.engine import Observation, ObservedState, RunOrder
from suanli.ports.store import Reading, Store, Transaction

_STOPPED_AS = {
    StopCause.CANCELLED: EndCause.CANCELLED,
    StopCause.PREEMPTED: EndCause.PREEMPTED,
    StopCause.REQUEUED: EndCause.REQUEUED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Errands:
    """What an engine must be told now: these runs launched, those stopped."""

    launch: tuple[RunOrder, ...]
    stop: tuple[Run, ...]


class Runs:
    """Turns of the loops that stand between the facts and the engines."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def errands(self, engine: EngineName) -> Errands:
        """All that this engine must be told, from the tables alone; telling it twice does no harm."""
        with self._store.read() as tables:
            runs = [run for run in tables.active_runs() if run.allocation.engine == engine]
            return Errands(
                launch=tuple(_order(tables, run) for run in runs if instruction(run) is Instruction.LAUNCH),
                stop=tuple(run for run in runs if instruction(run) is Instruction.STOP),
            )

    def live(self, engine: EngineName) -> Sequence[Run]:
        """All runs of this engine that have not ended on record."""
        with self._store.read() as tables:
            return [run for run in tables.active_runs() if run.allocation.engine == engine]

    def record(self, observations: Sequence[Observation]) -> int:
        """Record what is new in these observations, in one transaction; returns how many facts that made.

        A run on record as begun that its engine knows nothing of is LOST. One that was only placed is left alone: it
        may be on its way to the engine.
        """
        telling = [o for o in observations if o.state is not ObservedState.ACCEPTED]
        if not telling:
            return 0

        def work(tx: Transaction) -> int:
            new = [fact for observation in telling for fact in _news(tx, observation)]
            for fact in new:
                tx.append(fact, actor=SYSTEM)
            return len(new)

        return self._store.transact(work)

    def never_launched(self, run: RunId) -> None:
        """Record the end of a run that was stopped before its engine ever had it."""

        def work(tx: Transaction) -> None:
            current = tx.run(run)
            if current.state is RunState.STOPPING and current.stop is not None and not current.started_at:
                cause = _STOPPED_AS[current.stop]
                tx.append(RunEnded(workload=current.workload, run=run, cause=cause), actor=SYSTEM)

        self._store.transact(work)


def _news(tables: Reading, observation: Observation) -> list[Fact]:
    run = tables.run(observation.run)
    if run.state is RunState.ENDED:
        return []
    match observation.state:
        case ObservedState.ACCEPTED:
            return []
        case ObservedState.RUNNING:
            return [] if run.started_at else [_started(run, observation.started_at)]
        case ObservedState.UNKNOWN:
            lost = run.started_at > 0
            return [RunEnded(workload=run.workload, run=run.id, cause=EndCause.LOST)] if lost else []
        case ObservedState.ENDED:
            return [_ended(run, observation)]


def _started(run: Run, at: Instant) -> RunStarted:
    return RunStarted(workload=run.workload, run=run.id, started_at=at)


def _ended(run: Run, observation: Observation) -> RunEnded:
    return RunEnded(
        workload=run.workload,
        run=run.id,
        cause=observation.cause or EndCause.LOST,
        exit_code=observation.exit_code,
        signal=observation.signal,
        started_at=observation.started_at or run.started_at,
        ended_at=observation.ended_at,
        usage=observation.usage,
        truncated=observation.truncated,
        detail=observation.detail,
    )


def _order(tables: Reading, run: Run) -> RunOrder:
    workload = tables.workload(run.workload)
    return order(run, workload, tables.submission(workload.submission), tables.user(workload.owner).account)


def order(run: Run, workload: Workload, submission: Submission, account: str) -> RunOrder:
    """Everything an engine needs to start this run."""
    spec = submission.spec
    return RunOrder(
        run=run.id,
        workload=workload.id,
        attempt=run.attempt,
        owner=workload.owner,
        account=account,
        name=workload.name,
        kind=workload.kind,
        command=spec.command,
        script=spec.script,
        tasks=spec.tasks,
        resources=spec.resources,
        allocation=run.allocation,
        time_limit_s=run.time_limit_s,
        launcher=spec.launcher,
        environment=spec.environment,
        working_directory=spec.working_directory,
        inputs=spec.inputs,
        outputs=spec.outputs,
        array_id=workload.array_id,
        array_index=workload.array_index,
        array_size=0 if spec.array is None else len(spec.array.indices),
    )
