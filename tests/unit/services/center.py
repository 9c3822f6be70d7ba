"""The services of a center over a real store, with four people, one node, and an engine that tests direct."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from suanli.adapters.database import DatabaseStore, open_store
from suanli.adapters.identity.secrets import SystemSecrets
from suanli.adapters.notify.none import NoNotifier
from suanli.kernel.lifecycle import fold
from suanli.model.facts import SYSTEM, Fact
from suanli.model.ids import RunId, UserName, WorkloadId, run_id
from suanli.model.tenancy import Caller, Role, Scope, User
from suanli.model.workload import Run, Workload
from suanli.ports.admission import AdmissionCheck
from suanli.ports.notify import Notifier
from suanli.ports.store import Transaction
from suanli.services.inventory import Inventory
from suanli.services.requests import Requests
from suanli.services.reservations import ReservationAdmission, Reservations
from suanli.services.tenants import Tenants
from suanli.services.workloads import Changed, Runs, WorkloadRef, Workloads, parse_ref
from suanli.testing.builders import ANN, BOB, SetClock, node, place, spec, start
from suanli.testing.fake_engine import FakeEngine

T = TypeVar("T")
OPERATOR = UserName("olga")
ADMIN = UserName("admin")


def caller(user: UserName, role: Role = Role.USER, scopes: frozenset[Scope] = frozenset(Scope)) -> Caller:
    """Somebody with a token that may be used for anything, unless said otherwise."""
    return Caller(user=user, role=role, scopes=scopes)


ann, bob = caller(ANN), caller(BOB)
operator, admin = caller(OPERATOR, Role.OPERATOR), caller(ADMIN, Role.ADMIN)
reader = caller(ANN, scopes=frozenset({Scope.READ}))


@dataclass(frozen=True)
class Center:
    """Everything a test handles."""

    store: DatabaseStore
    clock: SetClock
    engine: FakeEngine
    workloads: Workloads
    runs: Runs
    requests: Requests
    inventory: Inventory
    reservations: Reservations
    tenants: Tenants

    def do(self, work: Callable[[Transaction], T]) -> T:
        """One transaction."""
        return self.store.transact(work)

    def tell(self, *facts: Fact) -> None:
        """Record facts as the center itself does."""

        def work(tx: Transaction) -> None:
            for fact in facts:
                tx.append(fact, actor=SYSTEM)

        self.do(work)

    def submit(self, by: Caller = ann, *, held: bool = False, **asked: Any) -> WorkloadId:
        """Submit one spec."""
        return self.do(lambda tx: self.workloads.submit(tx, by, [spec(**asked)], held=held))[0].id

    def running(self, by: Caller = ann, **asked: Any) -> WorkloadId:
        """Submit work and have it placed and begun, on record only."""
        workload = self.submit(by, **asked)
        self.do(lambda tx: place(tx, workload))
        self.do(lambda tx: start(tx, workload))
        return workload

    def change(
        self, verb: Callable[[Transaction, Caller, WorkloadRef], Changed], ref: object, by: Caller = ann
    ) -> Changed:
        """Cancel, hold, release or requeue what a reference names."""
        return self.do(lambda tx: verb(tx, by, parse_ref(str(ref))))

    def states(self, *ids: int) -> list[str]:
        """How these workloads stand."""
        return [self.workload(n).state.value for n in ids]

    def workload(self, workload: int) -> Workload:
        """One workload as the table holds it."""
        with self.store.read() as tables:
            return tables.workload(WorkloadId(workload))

    def run(self, workload: int, attempt: int = 1) -> Run:
        """One run as the table holds it."""
        with self.store.read() as tables:
            return tables.run(run_id(WorkloadId(workload), attempt))

    def facts(self) -> int:
        """How many facts there are."""
        with self.store.read() as tables:
            return tables.last_fact()

    def observed(self, *runs: RunId) -> int:
        """Record what the engine says of these runs."""
        return self.runs.record(self.engine.observe(runs))


@contextmanager
def opened(folder: Path, checks: Sequence[AdmissionCheck] = (), notifier: Notifier | None = None) -> Iterator[Center]:
    """A center with its people, over a new SQLite database in this folder."""
    clock = SetClock(at_us=1_800_000_000_000_000)
    store = open_store(f"sqlite:///{folder / 'center.db'}", fold=fold, clock=clock)
    engine = FakeEngine([node("n1")], clock, begins=False)
    engines = {engine.name: engine}
    made = Center(
        store=store,
        clock=clock,
        engine=engine,
        workloads=Workloads(store, engines, [ReservationAdmission(clock), *checks], notifier or NoNotifier()),
        runs=Runs(store),
        requests=Requests(store),
        inventory=Inventory(store, engines),
        reservations=Reservations(store, clock),
        tenants=Tenants(store, clock, SystemSecrets()),
    )
    try:
        made.inventory.bootstrap()
        made.tenants.bootstrap()
        for name, role in ((ANN, Role.USER), (BOB, Role.USER), (OPERATOR, Role.OPERATOR)):
            made.do(partial(made.tenants.create_user, caller=admin, user=User(name=name, role=role)))
        yield made
        # Whatever a test did, the tables are what the facts say.
        assert list(store.differences()) == []
    finally:
        store.close()
