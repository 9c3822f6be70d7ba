"""Fold all facts again, from nothing, and say where the tables differ from the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import select, tuple_

from suanli.adapters.database.facts import about, dependency_rows, read_fact
from suanli.adapters.database.power import POWER_CAPS
from suanli.adapters.database.quota import LICENSES, QUOTAS
from suanli.adapters.database.rates import LEARNED_RATES, rate_key
from suanli.adapters.database.reading import AGGREGATE_OF, AGGREGATES, Snapshot
from suanli.adapters.database.reservations import ADVANCE_RESERVATIONS
from suanli.adapters.database.resources import NODES, QUEUES
from suanli.adapters.database.runs import RUNS, run_key
from suanli.adapters.database.schema import Aggregate, Key, R, Row
from suanli.adapters.database.tenancy import PROJECTS, TOKENS, USERS
from suanli.adapters.database.terms import QUALITIES, TARIFFS
from suanli.adapters.database.usage import USAGE_DAYS
from suanli.adapters.database.view import read_row
from suanli.adapters.database.workloads import WORKLOADS, dependencies
from suanli.model.errors import NotFoundError
from suanli.model.facts import Fact, Record, WorkloadSubmitted
from suanli.model.ids import (
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
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.rates import JobClass, LearnedRate
from suanli.model.reservations import AdvanceReservation
from suanli.model.resources import Node, Queue
from suanli.model.tariff import Tariff
from suanli.model.tenancy import Project, Token, User
from suanli.model.usage import UsageDay
from suanli.model.workload import Run, Submission, Workload
from suanli.ports.store import Fold, TableDifference

_PAGE = 1000


class Replayed:
    """Tables in memory (port ``Lookups``), as the facts folded so far make them."""

    def __init__(self) -> None:
        self._records: dict[Aggregate[Any], dict[Key, Any]] = {aggregate: {} for aggregate in AGGREGATES}
        self._working: dict[WorkloadId, Submission] = {}
        """Submissions that say how much work there is; no fold asks for others."""

    def note(self, fact: Fact) -> None:
        """Keep of a fact what no record has and a later fold asks for."""
        if isinstance(fact, WorkloadSubmitted) and any(request.work for request in fact.spec.requests):
            self._working[fact.first] = Submission(id=fact.first, spec=fact.spec)

    def save(self, records: Iterable[Record]) -> None:
        """Write records, each over the one of the same key."""
        for record in records:
            aggregate = AGGREGATE_OF[type(record)]
            self._records[aggregate][aggregate.key(record)] = record

    def take(self, aggregate: Aggregate[R], key: Key) -> R | None:
        """Remove and return the record of that key, if there is one."""
        record: R | None = self._records[aggregate].pop(key, None)
        return record

    def left(self, aggregate: Aggregate[R]) -> Iterable[tuple[Key, R]]:
        """What nobody took."""
        return self._records[aggregate].items()

    def workload(self, workload: WorkloadId, /) -> Workload:
        return self._find(WORKLOADS, (workload,))

    def run(self, run: RunId, /) -> Run:
        return self._find(RUNS, run_key(run))

    def node(self, node: NodeName, /) -> Node:
        return self._find(NODES, (node,))

    def queue(self, queue: QueueName, /) -> Queue:
        return self._find(QUEUES, (queue,))

    def quota(self, scope: QuotaScope, name: str, /) -> Quota:
        return self._find(QUOTAS, (scope.value, name))

    def license(self, name: LicenseName, /) -> License:
        return self._find(LICENSES, (name,))

    def power_cap(self) -> PowerCap:
        return next(iter(self._records[POWER_CAPS].values()), PowerCap())

    def tariff(self, version: int, /) -> Tariff:
        return self._find(TARIFFS, (version,))

    def qos(self, name: QosName, /) -> Qos:
        return self._find(QUALITIES, (name,))

    def advance_reservation(self, name: ReservationName, /) -> AdvanceReservation:
        return self._find(ADVANCE_RESERVATIONS, (name,))

    def user(self, user: UserName, /) -> User:
        return self._find(USERS, (user,))

    def project(self, project: ProjectName, /) -> Project:
        return self._find(PROJECTS, (project,))

    def token(self, token: TokenId, /) -> Token:
        return self._find(TOKENS, (token,))

    def usage_day(self, day: int, project: ProjectName, owner: UserName, qos: QosName, /) -> UsageDay:
        return self._find(USAGE_DAYS, (day, project, owner, qos))

    def learned_rate(self, job_class: JobClass, model: str, /) -> LearnedRate:
        return self._find(LEARNED_RATES, rate_key(job_class, model))

    def submission(self, first: WorkloadId, /) -> Submission:
        found = self._working.get(first)
        if found is None:
            raise NotFoundError("submission with work", first)
        return found

    def _find(self, aggregate: Aggregate[R], key: Key) -> R:
        record: R | None = self._records[aggregate].get(key)
        if record is None:
            raise NotFoundError(aggregate.noun, _text(key))
        return record


class Replay(Snapshot):
    """A snapshot that can be held against its own facts."""

    def differences(self, fold: Fold) -> Iterator[TableDifference]:
        """Every record that replaying the facts gives otherwise than its table holds it.

        Memory holds the replayed tables once; the stored ones stream past them.

        Raises:
            StoreError: a fact or a row cannot be read.
            ConflictError, NotFoundError: a fact does not fit what the facts before it made.
        """
        replayed, named = Replayed(), set[tuple[int, int]]()
        for row in self._fact_rows():
            recorded = read_fact(row)
            replayed.save(fold(replayed, recorded))
            replayed.note(recorded.fact)
            named |= dependency_rows(recorded.fact)
            if about(recorded.fact, replayed) != (row[4], row[5]):
                yield TableDifference(table="facts", key=str(recorded.seq))
        yield from self._dependencies(named)
        for aggregate in AGGREGATES:
            yield from self._table(aggregate, replayed)

    def _dependencies(self, expected: set[tuple[int, int]]) -> Iterator[TableDifference]:
        """These rows are no records of their own: the key alone says what differs."""
        stored = {(row[0], row[1]) for row in self._rows(select(dependencies))}
        for edge in sorted(expected ^ stored):
            yield TableDifference(table="dependencies", key=_text(edge))

    def _table(self, aggregate: Aggregate[R], replayed: Replayed) -> Iterator[TableDifference]:
        for row in self._stored(aggregate):
            stored = read_row(aggregate, row)
            key = aggregate.key(stored)
            expected = replayed.take(aggregate, key)
            if expected != stored:
                yield TableDifference(table=aggregate.table.name, key=_text(key), replayed=expected, stored=stored)
        for key, missing in replayed.left(aggregate):
            yield TableDifference(table=aggregate.table.name, key=_text(key), replayed=missing)

    def _stored(self, aggregate: Aggregate[R]) -> Iterator[Row]:
        keys = list(aggregate.table.primary_key)
        wanted = select(aggregate.table).order_by(*keys).limit(_PAGE)
        page = self._rows(wanted)
        while page:
            yield from page
            last = page[-1][: len(keys)]
            page = self._rows(wanted.where(tuple_(*keys) > tuple_(*last)))


def _text(key: Key) -> str:
    return ".".join(map(str, key))
