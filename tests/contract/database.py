"""Where the stores of the contract live, and what both databases must do beyond the store's contract."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from suanli.adapters.database import open_store, reading
from suanli.adapters.database.codec import decoder
from suanli.adapters.database.connections import Engines, connect
from suanli.adapters.database.migrate import downgrade, upgrade
from suanli.adapters.database.schema import metadata
from suanli.kernel.lifecycle import fold
from suanli.model.devices import DeviceRequest, Interconnect, Precision
from suanli.model.errors import ConflictError, NotFoundError, StoreError, StoreVersionError
from suanli.model.facts import (
    AdvanceReservationRemoved,
    AdvanceReservationSet,
    CancelRequested,
    DeadlineMissed,
    DependenciesMet,
    DependencyFailed,
    Fact,
    LicenseDefined,
    NodeRegistered,
    NodeStateChanged,
    PowerCapSet,
    PreemptRequested,
    ProjectDefined,
    QosDefined,
    QosRemoved,
    QueueDefined,
    QuotaDefined,
    RequeueRequested,
    RunEnded,
    RunPlaced,
    RunStarted,
    SignalRequested,
    TariffSet,
    TokenIssued,
    TokenRevoked,
    UserDefined,
    WorkloadHeld,
    WorkloadReleased,
    WorkloadUpdated,
)
from suanli.model.ids import (
    EngineName,
    LicenseName,
    NodeName,
    ProjectName,
    QosName,
    QueueName,
    ReservationName,
    TokenId,
    UserName,
    WorkloadId,
    run_id,
)
from suanli.model.power import PowerCap
from suanli.model.quantities import Instant
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.reservations import AdvanceReservation, ReservationPurpose
from suanli.model.resources import Allocation, DeviceHold, NodeHold, NodeState, Queue
from suanli.model.spec import (
    ArraySpec,
    Dependency,
    DependencyKind,
    Request,
    RetryCause,
    RetryPolicy,
    TaskResources,
    WorkloadSpec,
)
from suanli.model.tenancy import Project, Role, Scope, Token, User
from suanli.model.workload import EndCause
from suanli.ports.clock import Clock
from suanli.ports.store import Fold, Store, Transaction, WorkloadFilter
from suanli.testing.builders import ANN, BOB, GIB, SetClock, allocation, end, node, submit
from suanli.testing.builders import place as place_run
from suanli.testing.store_contract import agreed, together
from suanli.testing.store_contract.common import DAY_US
from suanli.testing.store_contract.reading import priced, quality


@dataclass(frozen=True)
class DatabasePlace:
    """A database by its URL (``StorePlace``)."""

    url: str

    def open(self, fold: Fold, clock: Clock) -> Store:
        return open_store(self.url, fold=fold, clock=clock)

    def alter(self, *statements: str) -> None:
        engines = connect(self.url, readers=1)
        with engines.writer.begin() as connection:
            for statement in statements:
                assert connection.execute(text(statement)).rowcount != 0
        engines.dispose()

    def acknowledging(self) -> Sequence[str]:
        return [sys.executable, str(Path(__file__).with_name("acknowledging.py")), self.url]


Step = tuple[int, int, bool]


def taught(tx: Transaction) -> None:
    """Record runs with work to do: two that teach of one class and one of another, and some that teach nothing."""
    tx.append(NodeRegistered(node=node("n0")), actor=ANN)
    one = Request(resources=TaskResources(devices=DeviceRequest()), work={Precision.INT8: 7})
    held = NodeHold(
        node=NodeName("n0"), tasks=1, cpu_milli=1000, memory_bytes=GIB, devices=(DeviceHold(index=0, share=1000),)
    )
    for alternative, exit_code, stop in ((0, 0, False), (0, 0, False), (1, 0, False), (0, 1, False), (0, 0, True)):
        workload = submit(tx, resources=one.resources, work={Precision.BF16: 60}, alternatives=(one,))
        run = run_id(workload, 1)
        placed = Allocation(engine=EngineName("local"), nodes=(held,))
        tx.append(RunPlaced(workload=workload, run=run, allocation=placed, alternative=alternative), actor=ANN)
        tx.append(RunStarted(workload=workload, run=run, started_at=Instant(5)), actor=ANN)
        if stop:
            tx.append(CancelRequested(workload=workload), actor=ANN)
        end(tx, workload, exit_code=exit_code, ended_at=5_000_005)


Outcome = tuple[int, int, list[WorkloadId]]
"""Facts appended, steps that fit, workloads known."""
_steps = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12), st.booleans()), min_size=30, max_size=60)
histories = st.lists(_steps, min_size=1, max_size=3)
"""Transactions, each of some steps; what a step does depends on what is there."""


def fact_of(step: Step, tx: Transaction, workload: WorkloadId) -> Fact | None:
    """Some fact about what is there; None where the step submits instead. It need not fit: then it is refused."""
    rule, number, flag = step
    attempt = tx.workload(workload).attempt
    run = run_id(workload, attempt)
    open_one = Dependency(kind=DependencyKind.AFTERANY, workload=WorkloadId(number + 1))
    choices: list[Fact] = [
        WorkloadHeld(workload=workload),
        WorkloadReleased(workload=workload),
        WorkloadUpdated(
            workload=workload, time_limit_s=number, priority=-number, qos=QosName("urgent" if flag else "")
        ),
        DependenciesMet(workload=workload, left=(open_one,) if flag else ()),
        DependencyFailed(workload=workload, dependency=open_one),
        DeadlineMissed(workload=workload),
        CancelRequested(workload=workload),
        RequeueRequested(workload=workload),
        SignalRequested(workload=workload, signal=number),
        RunPlaced(workload=workload, run=run_id(workload, attempt + 1), allocation=allocation()),
        RunStarted(workload=workload, run=run, started_at=Instant(number)),
        PreemptRequested(workload=workload, run=run, by=WorkloadId(1)),
        RunEnded(workload=workload, run=run, cause=list(EndCause)[number % len(EndCause)], exit_code=int(flag)),
        NodeRegistered(node=node(f"n{number % 2}")),
        NodeStateChanged(node=NodeName(f"n{number % 2}"), state=NodeState.DOWN, reason="节点失联"),
        QueueDefined(queue=Queue(name=QueueName(f"q{number % 2}"), priority=number)),
        UserDefined(user=User(name=UserName(f"u{number % 2}"), role=Role.USER, active=flag)),
        ProjectDefined(project=Project(name=ProjectName("p"), members=frozenset({ANN, BOB} if flag else ()))),
        TokenIssued(token=Token(id=TokenId(f"t{number}"), user=ANN, digest=f"d{number}", scopes=frozenset(Scope))),
        TokenRevoked(token=TokenId(f"t{number}")),
        AdvanceReservationSet(reservation=reserved(f"r{number % 2}", "n0", *(["n1"] if flag else []))),
        AdvanceReservationRemoved(name=ReservationName(f"r{number % 2}")),
        QuotaDefined(quota=Quota(scope=QuotaScope.USER, name=ANN, runs=number)),
        LicenseDefined(license=License(name=LicenseName("求解器"), total=number)),
        PowerCapSet(cap=PowerCap(watts=number)),
        TariffSet(tariff=priced(number, "1.50")),
        QosDefined(qos=quality(f"q{number % 2}", number)),
        QosRemoved(name=QosName(f"q{number % 2}")),
    ]
    return choices[rule] if rule < len(choices) else None


def reserved(name: str, *nodes: str) -> AdvanceReservation:
    return AdvanceReservation(
        name=ReservationName(name),
        starts_at=Instant(5),
        ends_at=Instant(9),
        nodes=tuple(map(NodeName, nodes)),
        purpose=ReservationPurpose.USE,
        projects=frozenset({ProjectName("p")}),
        users=frozenset({ANN, BOB}),
        reason="上课",
    )


def take(step: Step, tx: Transaction, ids: list[WorkloadId]) -> None:
    """Append the step's fact, or submit and note the new id."""
    _, number, flag = step
    fact = fact_of(step, tx, ids[-1 - number % min(len(ids), 6)]) if ids else None
    if fact is not None:
        tx.append(fact, actor=BOB)
        return
    others = tuple(Dependency(kind=DependencyKind.AFTEROK, workload=WorkloadId(n)) for n in range(1, number % 3 + 1))
    first = submit(
        tx,
        owner=BOB if flag else ANN,
        held=number % 5 == 0,
        array=ArraySpec(indices=(4, 2, 9)) if number % 4 == 0 else None,
        dependencies=others if flag else (),
        retry=RetryPolicy(max_attempts=3, on=frozenset(RetryCause)),
        environment={"NAME": "值\n\"'\x01"[: number % 6], "A": "1"},
    )
    ids.append(first)


def replays(store: Store, history: list[list[Step]]) -> None:
    """Record what fits of a history, and assert that replaying all facts then gives the tables."""
    with store.read() as tables:
        there = [found.id for found in tables.workloads(WorkloadFilter(), limit=6)]
    for steps in history:

        def work(
            tx: Transaction, steps: list[Step] = steps, there: list[WorkloadId] = there
        ) -> tuple[int, int, list[WorkloadId]]:
            before, fitting, ids = tx.last_fact(), 0, list(there)
            for step in steps:
                try:
                    take(step, tx, ids)
                except (ConflictError, NotFoundError):
                    continue
                fitting += 1
            return tx.last_fact() - before, fitting, ids

        appended, fitting, there = store.transact(work)
        assert appended == fitting
    agreed(store)


class DatabaseContract:
    """What holds on SQLite and PostgreSQL alike."""

    @pytest.fixture
    def engines(self, place: DatabasePlace) -> Iterator[Engines]:
        opened = connect(place.url, readers=1)
        yield opened
        opened.dispose()

    def test_migrations_and_tables_agree(self, store: Store, engines: Engines) -> None:
        with engines.reader.connect() as connection:
            options = {"compare_type": True, "compare_server_default": True}
            assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []

    def test_migrations_go_down_and_up_again(self, place: DatabasePlace, engines: Engines, clock: SetClock) -> None:
        upgrade(engines.writer)
        assert set(inspect(engines.reader).get_table_names()) == {*metadata.tables, "alembic_version"}
        downgrade(engines.writer, "base")
        assert inspect(engines.reader).get_table_names() == ["alembic_version"]
        with closing(place.open(fold, clock)) as store:
            assert store.transact(submit) == 1

    def test_what_is_stored_outlives_every_migration(
        self, place: DatabasePlace, engines: Engines, clock: SetClock
    ) -> None:
        def work(tx: Transaction) -> None:
            first = submit(tx, array=ArraySpec(indices=(3, 4)))
            submit(tx, dependencies=(Dependency(kind=DependencyKind.AFTEROK, workload=first),))
            tx.append(RunPlaced(workload=first, run=run_id(first, 1), allocation=allocation()), actor=ANN)
            place_run(tx, WorkloadId(first + 1), alternative=2)
            for over_midnight in (False, True):
                done = submit(tx)
                place_run(tx, done)
                began = DAY_US - 1_000_000 * over_midnight
                end(tx, done, started_at=began, ended_at=began + 3_000_001)
            taught(tx)
            tx.append(ProjectDefined(project=Project(name=ProjectName("p"))), actor=ANN)
            for runs in (2, 3):
                quota = Quota(scope=QuotaScope.USER, name=ANN, runs=runs, memory_bytes=2**50)
                tx.append(QuotaDefined(quota=quota), actor=ANN)
            tx.append(LicenseDefined(license=License(name=LicenseName("solver"), total=4)), actor=ANN)
            for name, switch in (("n0", "leaf1"), ("n0", "leaf2"), ("n9", "")):
                tx.append(NodeRegistered(node=node(name, switch=switch, cpu_power_mw=len(switch))), actor=ANN)
            for watts in (9, 7):
                tx.append(PowerCapSet(cap=PowerCap(watts=watts)), actor=ANN)
            for name in ("kept", "changed", "changed", "gone"):
                tx.append(AdvanceReservationSet(reservation=reserved(name, "n0")), actor=ANN)
            tx.append(AdvanceReservationRemoved(name=ReservationName("gone")), actor=ANN)

        with closing(place.open(fold, clock)) as store:
            store.transact(work)
        downgrade(engines.writer, "0007")
        with closing(place.open(fold, clock)) as store:
            agreed(store)
            with store.read() as tables:
                assert [run.alternative for run in tables.active_runs()] == [0, 2]
        downgrade(engines.writer, "0006")
        with closing(place.open(fold, clock)) as store:
            agreed(store)
            with store.read() as tables:
                assert {one.name: (one.switch, one.cpu_power_mw) for one in tables.nodes()} == {
                    "n0": ("leaf2", 5),
                    "n9": ("", 0),
                }
                assert tables.power_cap() == PowerCap(watts=7, generation=2)
                assert [rate.runs for rate in tables.learned_rates()] == [2, 1]
        downgrade(engines.writer, "0004")
        with closing(place.open(fold, clock)) as store:
            agreed(store)
            with store.read() as tables:
                assert [one.name for one in tables.advance_reservations()] == ["changed", "kept"]
        downgrade(engines.writer, "0001")
        with engines.reader.connect() as connection:
            kept = connection.exec_driver_sql("SELECT id, spec FROM submissions ORDER BY id").all()
            assert [decoder(WorkloadSpec)(row[1]).array is None for row in kept] == [False, *[True] * 8]
            assert [row[0] for row in kept] == [1, *range(3, 11)]
        with closing(place.open(fold, clock)) as store:
            agreed(store)
            with store.read() as tables:
                assert [submission.id for _, submission in tables.queued()] == [3]

    def test_local_disk_outlives_its_migration(self, place: DatabasePlace, engines: Engines, clock: SetClock) -> None:
        def work(tx: Transaction) -> None:
            for name, disk in (("n0", 7), ("n9", 5), ("n9", 2**44)):
                tx.append(NodeRegistered(node=node(name, disk_bytes=disk)), actor=ANN)
            tx.append(NodeRegistered(node=node("n0")), actor=ANN)
            plain, roomy = submit(tx), submit(tx)
            place_run(tx, plain)
            held = replace(allocation().nodes[0], disk_bytes=7)
            allocated = replace(allocation(), nodes=(held,))
            tx.append(RunPlaced(workload=roomy, run=run_id(roomy, 1), allocation=allocated), actor=ANN)

        with closing(place.open(fold, clock)) as store:
            store.transact(work)
        downgrade(engines.writer, "0009")
        with engines.writer.begin() as connection:
            # As a version before this one leaves a run that it changed.
            forgotten = "UPDATE runs SET allocation = replace(allocation, ',\"disk_bytes\":7', '') WHERE workload = 2"
            assert connection.exec_driver_sql(forgotten).rowcount == 1
        with closing(place.open(fold, clock)) as store:
            agreed(store)
            with store.read() as tables:
                assert {one.name: one.disk_bytes for one in tables.nodes()} == {"n0": 0, "n9": 2**44}
                assert [run.allocation.disk_bytes for run in tables.active_runs()] == [0, 7]

    def test_links_outlive_their_migration(self, place: DatabasePlace, engines: Engines, clock: SetClock) -> None:
        pairs, all_of_them = {Interconnect.LINK: ((0, 1),)}, {Interconnect.NODE: ((0, 1, 2), (4, 5))}

        def work(tx: Transaction) -> None:
            for name, links in (("n0", pairs), ("n0", {}), ("n9", pairs), ("n9", {**pairs, **all_of_them})):
                tx.append(NodeRegistered(node=node(name, links=links)), actor=ANN)

        with closing(place.open(fold, clock)) as store:
            store.transact(work)
        downgrade(engines.writer, "0012")
        with closing(place.open(fold, clock)) as store:
            agreed(store)
            with store.read() as tables:
                assert {one.name: one.links for one in tables.nodes()} == {"n0": {}, "n9": {**pairs, **all_of_them}}

    def test_tariffs_outlive_their_migration(self, place: DatabasePlace, engines: Engines, clock: SetClock) -> None:
        def work(tx: Transaction) -> None:
            for version in (1, 2):
                tx.append(TariffSet(tariff=priced(version, "0.10")), actor=ANN)

        with closing(place.open(fold, clock)) as store:
            store.transact(work)
        downgrade(engines.writer, "0011")
        with closing(place.open(fold, clock)) as store:
            agreed(store)
            with store.read() as tables:
                assert tables.tariffs() == [priced(1, "0.10"), priced(2, "0.10")]
                assert str(tables.tariff(2).cpu_hour) == "0.10"

    def test_qualities_of_service_outlive_their_migration(
        self, place: DatabasePlace, engines: Engines, clock: SetClock
    ) -> None:
        def work(tx: Transaction) -> None:
            for one in (quality("urgent", 1), quality("urgent", 2), quality("gone")):
                tx.append(QosDefined(qos=one), actor=ANN)
            tx.append(QosRemoved(name=QosName("gone")), actor=ANN)
            submit(tx, array=ArraySpec(indices=(3, 4)), qos=QosName("urgent"))
            for qos in ("urgent", "normal"):
                done = submit(tx, qos=QosName(qos), environment={"qos": "normal"})
                place_run(tx, done)
                end(tx, done, started_at=DAY_US - 5, ended_at=DAY_US + 3_000_001)
            changed = submit(tx, qos=QosName("urgent"))
            for name in ("", "gone", "", "normal"):
                change = WorkloadUpdated(workload=changed, time_limit_s=0, priority=1, qos=QosName(name))
                tx.append(change, actor=ANN)

        with closing(place.open(fold, clock)) as store:
            store.transact(work)
        downgrade(engines.writer, "0012")
        with closing(place.open(fold, clock)) as store:
            agreed(store)
            with store.read() as tables:
                assert [one.generation for one in tables.every_qos()] == [2, 2]
                told = [tables.workload(WorkloadId(number)).qos for number in range(1, 6)]
                assert told == ["urgent", "urgent", "urgent", "normal", "normal"]

    def test_a_store_of_a_newer_version_is_left_alone(
        self, place: DatabasePlace, store: Store, clock: SetClock
    ) -> None:
        place.alter("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StoreVersionError, match="9999"):
            place.open(fold, clock)
        place.alter("UPDATE alembic_version SET version_num = '0013'")
        assert store.transact(submit) == 1

    def test_a_failing_database_fails_every_caller_and_then_goes_on(
        self, place: DatabasePlace, store: Store, engines: Engines
    ) -> None:
        first = store.transact(submit)
        place.alter("ALTER TABLE facts RENAME TO hidden")
        taken: list[int] = []

        def work(tx: Transaction) -> None:
            taken.append(submit(tx))

        def call(_: int) -> None:
            with pytest.raises(StoreError):
                store.transact(work)

        together(6, call)
        place.alter("ALTER TABLE hidden RENAME TO facts")
        assert store.transact(submit) > max(taken) > first
        with store.read() as tables:
            assert tables.last_fact() == 2
        agreed(store)

    def test_every_kind_of_record_has_its_table(self) -> None:
        tables = {aggregate.table.name for aggregate in reading.AGGREGATES}
        assert tables | {"facts", "chain_head", "answers", "cursors", "dependencies"} == set(metadata.tables)
