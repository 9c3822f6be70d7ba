"""The questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from suanli.model.altered import altered
from suanli.model.devices import DeviceClass, Interconnect
from suanli.model.errors import IllegalTransitionError, NotFoundError
from suanli.model.facts import (
    AdvanceReservationRemoved,
    AdvanceReservationSet,
    CancelRequested,
    LicenseDefined,
    NodeRegistered,
    PowerCapSet,
    ProjectDefined,
    QosDefined,
    QosRemoved,
    QueueDefined,
    QuotaDefined,
    TariffSet,
    TokenIssued,
    TokenRevoked,
    UserDefined,
    WorkloadUpdated,
)
from suanli.model.ids import (
    FactSeq,
    LicenseName,
    NodeName,
    ProjectName,
    QosName,
    QueueName,
    ReservationName,
    RunId,
    TokenId,
    UserName,
    WorkloadId,
)
from suanli.model.power import PowerCap
from suanli.model.qos import Qos
from suanli.model.quantities import Instant
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.reservations import AdvanceReservation, ReservationPurpose
from suanli.model.resources import Queue
from suanli.model.spec import NORMAL, ArraySpec, Dependency, DependencyKind, Kind
from suanli.model.tariff import Tariff
from suanli.model.tenancy import Project, Role, Scope, Token, User
from suanli.model.workload import RunState, WorkloadState
from suanli.ports.store import FactFilter, Reading, Store, Transaction, UsageBy, UsageFilter, WorkloadFilter
from suanli.testing.builders import ANN, BOB, end, node, start, submit
from suanli.testing.builders import place as place_run
from suanli.testing.store_contract.common import DAY_US, agreed


def priced(version: int, price: str) -> Tariff:
    """A tariff of one price."""
    return Tariff(
        version=version,
        currency="CNY",
        valid_from=Instant(2**52 + version),
        cpu_hour=Decimal(price),
        device_hour={"国产卡": Decimal(price), "A100": Decimal("1e1")},
        class_hour={DeviceClass.NPU: Decimal(price)},
    )


def quality(name: str, priority: int = 0) -> Qos:
    """A quality of service for some, with every field said."""
    return Qos(
        name=QosName(name),
        priority=priority,
        usage_factor=2500,
        preemptible=True,
        users=frozenset({ANN, BOB}),
        projects=frozenset({ProjectName("项目")}),
    )


class ReadingContract:
    """The questions."""

    def test_workloads_are_filtered_and_paged_newest_first(self, store: Store) -> None:
        def work(tx: Transaction) -> None:
            for number in range(9):
                submit(
                    tx,
                    owner=(ANN, BOB)[number % 2],
                    held=number % 3 == 0,
                    kind=Kind.SERVICE if number == 8 else Kind.JOB,
                    name=f"n{number % 2}",
                )
            submit(tx, array=ArraySpec(indices=(7, 3)), project=ProjectName("p"), queue=QueueName("q"))

        def ids(**which: object) -> list[int]:
            with store.read() as tables:
                return [found.id for found in tables.workloads(WorkloadFilter(**which))]  # type: ignore[arg-type]

        store.transact(work)
        held, waiting = WorkloadState.HELD, WorkloadState.WAITING
        assert ids() == [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
        assert ids(owner=ANN) == [11, 10, 9, 7, 5, 3, 1]
        assert ids(owner=ANN, states=frozenset({held})) == [7, 1]
        assert ids(states=frozenset({held})) == [7, 4, 1]
        assert ids(states=frozenset({held, waiting}), owner=BOB) == [8, 6, 4, 2]
        assert ids(kinds=frozenset({Kind.SERVICE})) == [9]
        assert ids(name="n1") == [8, 6, 4, 2]
        assert ids(project=ProjectName("p")) == ids(queue=QueueName("q")) == ids(array_id=WorkloadId(10)) == [11, 10]
        assert ids(array_id=WorkloadId(10), states=frozenset({held})) == []
        with store.read() as tables:
            mine = WorkloadFilter(owner=ANN)
            assert [found.id for found in tables.workloads(mine, limit=2)] == [11, 10]
            assert [found.id for found in tables.workloads(mine, before=WorkloadId(10), limit=2)] == [9, 7]
            assert tables.counts(mine).by_state == {waiting: 5, held: 2}
            assert tables.counts(WorkloadFilter(states=frozenset({held}))).by_state == {held: 3}

    def test_arrays_are_found_by_index_and_as_a_whole(self, store: Store) -> None:
        single = store.transact(submit)
        array = store.transact(lambda tx: submit(tx, array=ArraySpec(indices=(7, 3, 5))))
        with store.read() as tables:
            assert [found.array_index for found in tables.members(array)] == [7, 3, 5]
            assert tables.element(array, 3).id == array + 1
            assert [found.id for found in tables.members(single)] == [single]
            assert [found.id for found in tables.members(WorkloadId(array + 1))] == [array + 1]
            assert tables.members(WorkloadId(99)) == []
            assert [found.id for found in tables.these([WorkloadId(99), array, single])] == [single, array]
            for wrong in ((array, 4), (single, 0), (WorkloadId(99), 7)):
                with pytest.raises(NotFoundError):
                    tables.element(*wrong)

    def test_the_queue_streams_in_order_with_its_specs(self, store: Store) -> None:
        def work(tx: Transaction) -> None:
            submit(tx, array=ArraySpec(indices=tuple(range(2500))))
            held = submit(tx, held=True)
            blocked = submit(tx, dependencies=(Dependency(kind=DependencyKind.AFTER, workload=held),))
            place_run(tx, WorkloadId(1))
            tx.append(CancelRequested(workload=WorkloadId(2)), actor=ANN)
            assert [w.id for w, _ in tx.queued()] == list(range(3, blocked + 1))

        store.transact(work)
        with store.read() as tables:
            queued = list(tables.queued())
        assert [workload.id for workload, _ in queued] == list(range(3, 2503))
        assert all(submission.id == workload.submission for workload, submission in queued)

    def test_who_waits_for_whom_is_found_by_workload_and_by_array(self, store: Store) -> None:
        def naming(*others: int) -> tuple[Dependency, ...]:
            return tuple(Dependency(kind=DependencyKind.AFTEROK, workload=WorkloadId(other)) for other in others)

        def work(tx: Transaction) -> None:
            submit(tx)  # 1
            submit(tx, array=ArraySpec(indices=(0, 1)))  # 2, 3
            submit(tx, dependencies=naming(1))  # 4
            submit(tx, dependencies=naming(2, 1))  # 5
            submit(tx, dependencies=naming(1), held=True)  # 6
            submit(tx, dependencies=(Dependency(kind=DependencyKind.SINGLETON),))  # 7
            submit(tx, dependencies=naming(2), array=ArraySpec(indices=(0, 1)))  # 8, 9

        store.transact(work)
        with store.read() as tables:

            def blocked(*ended: int) -> list[int]:
                return [found.id for found in tables.blocked_on([WorkloadId(one) for one in ended])]

            assert blocked(1) == [4, 5]
            assert blocked(3) == blocked(2) == [5, 8, 9]
            assert blocked(1, 3) == [4, 5, 8, 9]
            assert blocked(4) == blocked() == []
            assert [found.id for found in tables.singletons(ANN, "sample")] == list(range(1, 10))
            assert tables.singletons(BOB, "sample") == []

    def test_runs_live_and_past(self, store: Store) -> None:
        def work(tx: Transaction) -> None:
            first, second = submit(tx), submit(tx)
            for workload in (first, second):
                place_run(tx, workload)
                start(tx, workload)
            end(tx, first)
            assert [run.workload for run in tx.active_runs()] == [second]

        store.transact(work)
        with store.read() as tables:
            (ended,) = tables.runs(WorkloadId(1))
            assert (ended.state, ended.exit_code, ended.usage.cpu_us) == (RunState.ENDED, 0, 1500)
            assert tables.run(RunId("1.1")) == ended
            assert [run.id for run in tables.active_runs()] == ["2.1"]
            last = tables.last_runs([WorkloadId(1), WorkloadId(2), WorkloadId(3)])
            assert {workload: run.id for workload, run in last.items()} == {1: "1.1", 2: "2.1"}
            with pytest.raises(NotFoundError):
                tables.run(RunId("1.2"))
        agreed(store)

    def test_usage_is_summed_over_what_it_is_not_told_apart_by(self, store: Store) -> None:
        def run(tx: Transaction, owner: UserName, project: str, started: int, ended: int) -> None:
            workload = submit(tx, owner=owner, project=ProjectName(project))
            place_run(tx, workload)
            end(tx, workload, started_at=started, ended_at=ended)

        def work(tx: Transaction) -> None:
            run(tx, ANN, "p", DAY_US - 2_000_000, DAY_US + 1_000_000)
            run(tx, ANN, "p", DAY_US + 5, DAY_US + 15)
            run(tx, BOB, "p", DAY_US, DAY_US + 1_000_000)
            run(tx, ANN, "q", 3 * DAY_US, 3 * DAY_US + 7)

        store.transact(work)
        every = UsageFilter(first=0, last=9)
        with store.read() as tables:

            def sums(which: UsageFilter, *by: UsageBy) -> list[tuple[int, str, str, int, int, int]]:
                found = tables.usage(which, frozenset(by))
                return [(u.day, u.project, u.owner, u.runs, u.cpu_us, u.memory_mib_ms) for u in found]

            assert sums(every, *UsageBy) == [
                (0, "p", ANN, 0, 2_000_000, 512 * 2000),
                (1, "p", ANN, 2, 1_000_010, 512 * 1000 + 5),
                (1, "p", BOB, 1, 1_000_000, 512 * 1000),
                (3, "q", ANN, 1, 7, 3),
            ]
            assert sums(every, UsageBy.OWNER) == [
                (0, "", ANN, 3, 3_000_017, 512 * 3000 + 8),
                (0, "", BOB, 1, 1_000_000, 512 * 1000),
            ]
            assert sums(every) == [(0, "", "", 4, 4_000_017, 512 * 4000 + 8)]
            assert sums(UsageFilter(first=1, last=1, owner=ANN), UsageBy.DAY) == [(1, "", "", 2, 1_000_010, 512_005)]
            assert sums(UsageFilter(first=0, last=9, project=ProjectName("q"))) == [(0, "", "", 1, 7, 3)]
            assert sums(UsageFilter(first=4, last=9)) == sums(UsageFilter(first=4, last=9), *UsageBy) == []
            assert tables.usage_day(1, ProjectName("p"), ANN, NORMAL).generation == 2
        agreed(store)

    def test_the_center_is_read_back_as_it_was_defined(self, store: Store) -> None:
        links = {Interconnect.LINK: ((0, 1), (3, 2)), Interconnect.NODE: ((0, 1, 2, 3),)}
        of_node: dict[str, Any] = {"cpu_power_mw": 4375, "disk_bytes": 2**40, "links": links}
        user = User(name=ANN, role=Role.ADMIN, account="root", created_at=Instant(5))
        project = Project(name=ProjectName("p"), members=frozenset({ANN, BOB}), shares=3)
        queue = Queue(name=QueueName("fast"), priority=-7, max_time_limit_s=60)
        quotas = [
            Quota(scope=QuotaScope.USER, name=ANN, device_share=1500),
            Quota(scope=QuotaScope.PROJECT_USER, name="p", runs=2, cpu_milli=2000, memory_bytes=2**40),
        ]
        scopes = frozenset({Scope.READ, Scope.WRITE})
        tokens = [
            Token(id=TokenId(name), user=ANN, digest=name * 2, scopes=scopes, created_at=Instant(at))
            for name, at in (("late", 9), ("early", 3))
        ]

        def work(tx: Transaction) -> None:
            assert tx.power_cap() == PowerCap()
            for name in ("n2", "n1"):
                tx.append(NodeRegistered(node=node(name, **of_node)), actor=ANN)
            for fact in (QueueDefined(queue=queue), UserDefined(user=user), ProjectDefined(project=project)):
                tx.append(fact, actor=ANN)
            for quota in quotas:
                tx.append(QuotaDefined(quota=quota), actor=ANN)
            for total in (5, 4):
                of = License(name=LicenseName("solver"), total=total)
                tx.append(LicenseDefined(license=of), actor=ANN)
            for watts in (5, 6):
                tx.append(PowerCapSet(cap=PowerCap(watts=watts)), actor=ANN)
            for token in tokens:
                tx.append(TokenIssued(token=token), actor=ANN)
            tx.append(TokenRevoked(token=TokenId("late")), actor=ANN)

        store.transact(work)
        with store.read() as tables:
            assert tables.nodes() == [node(name, generation=1, **of_node) for name in ("n1", "n2")]
            assert tables.node(NodeName("n2")).devices == node().devices
            assert [found.priority for found in tables.queues()] == [-7] == [tables.queue(QueueName("fast")).priority]
            assert tables.quotas() == [altered(quota, generation=1) for quota in reversed(quotas)]
            assert tables.quota(QuotaScope.USER, ANN).device_share == 1500
            assert tables.licenses() == [License(name=LicenseName("solver"), total=4, generation=2)]
            assert tables.license(LicenseName("solver")).total == 4
            assert tables.power_cap() == PowerCap(watts=6, generation=2)
            with pytest.raises(NotFoundError):
                tables.quota(QuotaScope.QUEUE, ANN)
            with pytest.raises(NotFoundError):
                tables.license(LicenseName("mesher"))
            assert [found.created_at for found in tables.users()] == [5]
            assert tables.user(ANN).account == "root"
            assert tables.projects() == [tables.project(ProjectName("p"))]
            assert tables.project(ProjectName("p")).members == {ANN, BOB}
            assert tables.project(ProjectName("p")).shares == 3
            assert [token.id for token in tables.tokens(ANN)] == ["early", "late"]
            assert tables.token(TokenId("late")).revoked
            assert tables.token_by_digest("earlyearly").scopes == scopes
        agreed(store)

    def test_reservations_are_read_back_until_they_are_removed(self, store: Store) -> None:
        course = AdvanceReservation(
            name=ReservationName("course"),
            starts_at=Instant(5),
            ends_at=Instant(9),
            nodes=(NodeName("n2"), NodeName("n1")),
            purpose=ReservationPurpose.USE,
            projects=frozenset({ProjectName("p")}),
            users=frozenset({ANN, BOB}),
            reason="上课",
        )
        repair = AdvanceReservation(
            name=ReservationName("a-repair"), starts_at=Instant(1), ends_at=Instant(2), nodes=(NodeName("n1"),)
        )

        def work(tx: Transaction) -> None:
            for name in ("n2", "n1"):
                tx.append(NodeRegistered(node=node(name)), actor=ANN)
            for reservation in (course, repair):
                tx.append(AdvanceReservationSet(reservation=reservation), actor=ANN)

        store.transact(work)
        with store.read() as tables:
            assert tables.advance_reservations() == [replace(repair, generation=1), replace(course, generation=1)]
            assert [found.generation for found in tables.nodes()] == [3, 2]
        store.transact(lambda tx: tx.append(AdvanceReservationRemoved(name=repair.name), actor=ANN))
        with store.read() as tables:
            assert tables.advance_reservations() == [replace(course, generation=1)]
            assert tables.advance_reservation(repair.name) == replace(repair, removed=True, generation=2)
        agreed(store)

    def test_each_lookup_says_that_there_is_none(self, store: Store) -> None:
        lookups: list[Callable[[Reading], object]] = [
            lambda tables: tables.submission(WorkloadId(1)),
            lambda tables: tables.submissions([WorkloadId(1)]),
            lambda tables: tables.workload(WorkloadId(1)),
            lambda tables: tables.run(RunId("1.1")),
            lambda tables: tables.run(RunId("1.0")),
            lambda tables: tables.node(NodeName("x")),
            lambda tables: tables.queue(QueueName("x")),
            lambda tables: tables.advance_reservation(ReservationName("x")),
            lambda tables: tables.user(UserName("x")),
            lambda tables: tables.project(ProjectName("x")),
            lambda tables: tables.token(TokenId("x")),
            lambda tables: tables.token_by_digest("x"),
            lambda tables: tables.usage_day(0, ProjectName("x"), ANN, NORMAL),
            lambda tables: tables.qos(QosName("x")),
            lambda tables: tables.kept_answer(ANN, "x"),
        ]
        with store.read() as tables:
            for lookup in lookups:
                with pytest.raises(NotFoundError):
                    lookup(tables)

    def test_facts_are_kept_apart_by_owner_and_workload(self, store: Store) -> None:
        def work(tx: Transaction) -> None:
            submit(tx)  # fact 1
            submit(tx, owner=BOB, array=ArraySpec(indices=(0, 1)))  # fact 2, workloads 2 and 3
            tx.append(CancelRequested(workload=WorkloadId(3)), actor=ANN)  # fact 3
            tx.append(NodeRegistered(node=node()), actor=BOB)  # fact 4

        store.transact(work)
        with store.read() as tables:

            def numbers(after: int = 0, limit: int = 10, **which: object) -> list[int]:
                found = tables.facts(FactSeq(after), FactFilter(**which), limit)  # type: ignore[arg-type]
                return [recorded.seq for recorded in found]

            assert numbers() == [1, 2, 3, 4]
            assert numbers(after=1, limit=2) == [2, 3]
            assert numbers(owner=BOB) == [2, 3]
            assert numbers(workload=WorkloadId(3)) == [2, 3]
            assert numbers(workload=WorkloadId(2)) == [2]
            assert numbers(workload=WorkloadId(1), owner=BOB) == []
            assert numbers(workload=WorkloadId(9)) == []
            assert numbers(types=frozenset({"WorkloadSubmitted"}), owner=BOB) == [2]
            assert numbers(types=frozenset({"NeverRecorded"})) == []

    def test_tariffs_are_read_back_to_the_digit(self, store: Store) -> None:
        def work(tx: Transaction) -> None:
            assert tx.tariffs() == []
            for version, price in ((1, "0.10"), (2, "7")):
                tx.append(TariffSet(tariff=priced(version, price)), actor=ANN)
            assert tx.tariff(2) == priced(2, "7")

        store.transact(work)
        with store.read() as tables:
            assert tables.tariffs() == [priced(1, "0.10"), priced(2, "7")]
            assert str(tables.tariff(1).cpu_hour) == str(tables.tariff(1).device_hour["国产卡"]) == "0.10"
            with pytest.raises(NotFoundError):
                tables.tariff(3)
        with pytest.raises(IllegalTransitionError):
            store.transact(lambda tx: tx.append(TariffSet(tariff=priced(4, "1")), actor=ANN))
        agreed(store)

    def test_qualities_of_service_are_read_back_and_usage_is_told_apart_by_them(self, store: Store) -> None:
        def work(tx: Transaction) -> None:
            for one in (quality("urgent"), quality("urgent", -7), quality("gone"), quality("back")):
                tx.append(QosDefined(qos=one), actor=ANN)
            for name in ("gone", "back"):
                tx.append(QosRemoved(name=QosName(name)), actor=ANN)
            tx.append(QosDefined(qos=quality("back", 3)), actor=ANN)
            for qos in ("urgent", "normal", "urgent"):
                workload = submit(tx, qos=QosName(qos))
                assert tx.workload(workload).qos == qos
                place_run(tx, workload)
                end(tx, workload, started_at=5, ended_at=1_000_005)
            later = submit(tx)
            tx.append(WorkloadUpdated(workload=later, time_limit_s=0, priority=0, qos=QosName("back")), actor=ANN)
            tx.append(WorkloadUpdated(workload=later, time_limit_s=9, priority=0), actor=ANN)

        store.transact(work)
        with store.read() as tables:
            assert tables.every_qos() == [
                altered(quality("back", 3), generation=3),
                altered(quality("gone"), removed=True, generation=2),
                altered(quality("urgent", -7), generation=2),
            ]
            assert tables.qos(QosName("urgent")).priority == -7
            assert tables.workload(WorkloadId(4)).qos == "back"
            day = UsageFilter(first=0, last=0)
            told = [(one.qos, one.runs, one.cpu_us) for one in tables.usage(day, frozenset({UsageBy.QOS}))]
            assert told == [("normal", 1, 1_000_000), ("urgent", 2, 2_000_000)]
            assert [(one.qos, one.runs) for one in tables.usage(day, frozenset())] == [("", 3)]
        with pytest.raises(IllegalTransitionError):
            store.transact(lambda tx: tx.append(QosRemoved(name=QosName("gone")), actor=ANN))
        agreed(store)
