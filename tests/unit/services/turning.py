"""A center that turns: one planner over the real store, an engine that begins what it is given, a test that ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from suanli.kernel.scheduling.plan import Policy
from suanli.model.facts import Fact, RecordedFact
from suanli.model.ids import EngineName, FactSeq, WorkloadId, run_id
from suanli.model.workload import EndCause, WorkloadState
from suanli.ports.clock import Clock
from suanli.ports.engine import ObservedState
from suanli.ports.store import (
    ChainReport,
    FactFilter,
    Outcome,
    Reading,
    Store,
    TableDifference,
    Transaction,
    WorkloadFilter,
)
from suanli.services.scheduling import Scheduling, TurnReport
from suanli.services.scheduling.planner import Planner
from tests.unit.services.center import Center

T = TypeVar("T")
LOCAL = EngineName("local")
_SETTLES_WITHIN = 100
_MANY = 10_000
FIRST_COME = Policy()


class Between:
    """A store that others use too: tests say what they do before its next reading, or its next transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.before_reading: list[Callable[[], object]] = []
        self.before_transaction: list[Callable[[], object]] = []

    def transact(self, work: Callable[[Transaction], T]) -> T:
        while self.before_transaction:
            self.before_transaction.pop(0)()
        return self._store.transact(work)

    def transact_each(self, works: Sequence[Callable[[Transaction], T]]) -> Sequence[Outcome[T]]:
        return self._store.transact_each(works)

    def read(self) -> AbstractContextManager[Reading]:
        if self.before_reading:
            self.before_reading.pop(0)()
        return self._store.read()

    def wait(self, after: FactSeq, timeout_s: float) -> FactSeq:
        return self._store.wait(after, timeout_s)

    def news(self, after: FactSeq, limit: int) -> Sequence[RecordedFact]:
        if self.before_reading:
            self.before_reading.pop(0)()
        return self._store.news(after, limit)

    def verify(self) -> ChainReport:
        return self._store.verify()

    def differences(self) -> Iterable[TableDifference]:
        return self._store.differences()

    def close(self) -> None:
        self._store.close()


class _UndoneError(Exception):
    """Carries what a transaction would have recorded, and undoes it."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        super().__init__()
        self.facts = facts


class Trial(Between):
    """A store that shows what a transaction would record, and records nothing."""

    def transact(self, work: Callable[[Transaction], T]) -> T:
        def undone(tx: Transaction) -> T:
            before = tx.last_fact()
            work(tx)
            raise _UndoneError([recorded.fact for recorded in tx.facts(before, FactFilter(), _MANY)])

        return self._store.transact(undone)


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Facts of one turn, whose order among themselves says nothing."""
    return sorted(facts, key=repr)


def would_record(center: Center) -> list[Fact]:
    """What a server that started this moment would record in its first turn."""
    trial = Trial(center.store)
    try:
        planning(trial, center.clock).turn()
    except _UndoneError as undone:
        return in_order(undone.facts)
    return []


def planning(store: Store, clock: Clock, policy: Policy = FIRST_COME) -> Scheduling:
    """A planner of a store."""
    return Scheduling(store, lambda: Planner(store, clock, policy))


@dataclass
class Turning:
    """The planner of a center with one node of eight cpus, and everything that follows from its turns."""

    center: Center
    policy: Policy = FIRST_COME
    store: Between = field(init=False)
    planner: Scheduling = field(init=False)

    def __post_init__(self) -> None:
        self.center.inventory.refresh(LOCAL)
        self.store = Between(self.center.store)
        self.restart()

    def restart(self) -> None:
        """From now on a planner that knows only the tables."""
        self.planner = planning(self.store, self.center.clock, self.policy)

    def engine(self) -> None:
        """Let the engine do what it is told, and record it."""
        center = self.center
        errands = center.runs.errands(LOCAL, frozenset())
        center.engine.submit(errands.launch)
        for order in errands.launch:
            center.engine.begin(order.run)
        for run in errands.stop:
            assert run.stop is not None
            center.engine.cancel(run.id, run.stop, 0)
            if center.engine.observe([run.id])[0].state is ObservedState.UNKNOWN:
                center.runs.never_launched(run.id)
        center.observed(*(run.id for run in center.runs.live(LOCAL)))

    def settle(self) -> None:
        """Turn until nothing more follows."""
        report = TurnReport()
        for _ in range(_SETTLES_WITHIN):
            report = self.planner.turn()
            before = self.center.facts()
            self.engine()
            if report == TurnReport() and self.center.facts() == before:
                return
        raise AssertionError(report)

    def submit(self, **asked: Any) -> WorkloadId:
        """Submit one spec and let follow what follows."""
        workload = self.center.submit(**asked)
        self.settle()
        return workload

    def end(self, workload: int, *, exit_code: int = 0, cause: EndCause = EndCause.EXITED) -> None:
        """Have the run of a workload end, and let follow what follows."""
        run = run_id(WorkloadId(workload), self.center.workload(workload).attempt)
        self.center.engine.end(run, exit_code=exit_code, cause=cause)
        self.center.observed(run)
        self.settle()

    def running(self) -> list[int]:
        """The ids of all that runs."""
        states = frozenset({WorkloadState.RUNNING})
        with self.center.store.read() as tables:
            return sorted(w.id for w in tables.workloads(WorkloadFilter(states=states), limit=1000))

    def recorded_after(self, fact: FactSeq) -> list[Fact]:
        """The facts on record after this one."""
        with self.center.store.read() as tables:
            return in_order(recorded.fact for recorded in tables.facts(fact, FactFilter(), _MANY))
