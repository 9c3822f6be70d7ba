"""Runs as the loops handle them: what an engine must be told, and what it said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from suanli.kernel.lifecycle import Instruction, instruction
from suanli.model.errors import NotFoundError
from suanli.model.facts import SYSTEM, Fact, RunEnded, RunStarted, SignalRequested, WorkloadUpdated
from suanli.model.ids import EngineName, FactSeq, RunId, UserName, parse_run_id, run_id
from suanli.model.quantities import Instant
from suanli.model.workload import EndCause, Run, RunState, Submission, Workload
from suanli.ports.engine import Observation, ObservedState, RunOrder
from suanli.ports.store import FactFilter, Reading, Store, Transaction

_REQUESTS = frozenset({SignalRequested.__name__, WorkloadUpdated.__name__})
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Errands:
    """What an engine must be told now: these runs launched, those stopped."""

    launch: tuple[RunOrder, ...]
    stop: tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What people asked of running work, up to fact ``upto``: signals to send, time limits to move."""

    signals: tuple[tuple[RunId, int], ...]
    time_limits: tuple[tuple[RunId, int], ...]
    upto: FactSeq


class Runs:
    """Turns of the loops that stand between the facts and the engines."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def errands(self, engine: EngineName, launched: AbstractSet[RunId]) -> Errands:
        """All that this engine must be told, from the tables alone; telling it twice does no harm.

        Runs in ``launched`` need no second order.
        """
        with self._store.read() as tables:
            runs = _live(tables, engine)
            new = [run for run in runs if instruction(run) is Instruction.LAUNCH and run.id not in launched]
            return Errands(
                launch=tuple(_orders(tables, new)),
                stop=tuple(run for run in runs if instruction(run) is Instruction.STOP),
            )

    def standing(self, engine: EngineName) -> Requests:
        """What a server that begins must pass on: every live run's time limit, whose last change may be on record only.

        Signals are not among it: each is sent at most once.
        """
        with self._store.read() as tables:
            runs = _live(tables, engine)
            limits = tuple((run.id, run.time_limit_s) for run in runs)
            return Requests(signals=(), time_limits=limits, upto=tables.last_fact())

    def requests(self, engine: EngineName, after: FactSeq) -> Requests:
        """Signals and time limits asked for after a fact, for the runs of this engine that are live.

        A signal asked for just before a server died may not be sent: it is sent at most once.
        """
        signals: list[tuple[RunId, int]] = []
        limits: list[tuple[RunId, int]] = []
        with self._store.read() as tables:
            upto = tables.last_fact()
            for recorded in tables.facts(after, FactFilter(types=_REQUESTS), _MANY):
                fact = recorded.fact
                if not isinstance(fact, SignalRequested | WorkloadUpdated):
                    continue
                workload = tables.workload(fact.workload)
                if not workload.state.active:
                    continue
                run = tables.run(run_id(workload.id, workload.attempt))
                if run.allocation.engine != engine:
                    continue
                if isinstance(fact, SignalRequested):
                    signals.append((run.id, fact.signal))
                else:
                    limits.append((run.id, run.time_limit_s))
        return Requests(signals=tuple(signals), time_limits=tuple(limits), upto=upto)

    def live(self, engine: EngineName) -> Sequence[Run]:
        """All runs of this engine that have not ended on record."""
        with self._store.read() as tables:
            return _live(tables, engine)

    def record(self, observations: Sequence[Observation]) -> int:
        """Record what is new in these observations, in one transaction; returns how many facts that made.

        Of several observations of one run, the last counts.

        A run on record as begun that its engine knows nothing of is LOST. One that was only placed is left alone: it
        may be on its way to the engine.
        """
        last = {observation.run: observation for observation in observations}
        telling = [o for o in last.values() if o.state is not ObservedState.ACCEPTED]
        if not telling:
            return 0

        def work(tx: Transaction) -> int:
            # The fold looks up the workload of every fact; asked for together, they come in one answer.
            tx.these([parse_run_id(observation.run)[0] for observation in telling])
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
                tx.append(RunEnded(workload=current.workload, run=run, cause=current.stop.end), actor=SYSTEM)

        self._store.transact(work)


def _live(tables: Reading, engine: EngineName) -> list[Run]:
    return [run for run in tables.active_runs() if run.allocation.engine == engine]


def _news(tables: Reading, observation: Observation) -> list[Fact]:
    try:
        run = tables.run(observation.run)
    except NotFoundError:
        # A store brought back from a copy may be older than its engine; what it never decided it does not judge.
        return []
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


def _orders(tables: Reading, runs: Sequence[Run]) -> Iterator[RunOrder]:
    workloads = {workload.id: workload for workload in tables.these([run.workload for run in runs])}
    submissions = tables.submissions({workload.submission for workload in workloads.values()})
    accounts: dict[UserName, str] = {}
    for run in runs:
        workload = workloads[run.workload]
        if workload.owner not in accounts:
            accounts[workload.owner] = tables.user(workload.owner).account
        yield order(run, workload, submissions[workload.submission], accounts[workload.owner])


def order(run: Run, workload: Workload, submission: Submission, account: str) -> RunOrder:
    """Everything an engine needs to start this run."""
    spec = submission.spec.form(run.alternative)
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
        tasks=run.allocation.tasks,
        resources=spec.resources,
        allocation=run.allocation,
        alternative=run.alternative,
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
