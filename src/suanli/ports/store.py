"""The store: facts appended, tables folded from them, and the questions asked of the tables.

There is no way to write a table but to append a fact: the store folds it (the fold is handed to it at birth) and saves
the records that come of it, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeVar, cast

from suanli.model.facts import Fact, Record, RecordedFact
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
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.rates import JobClass, LearnedRate
from suanli.model.reservations import AdvanceReservation
from suanli.model.resources import Node, Queue
from suanli.model.spec import Kind
from suanli.model.tenancy import Project, Token, User
from suanli.model.usage import UsageDay
from suanli.model.workload import Run, Submission, Workload, WorkloadState
from suanli.ports.terms import TermsLookups, TermsReading

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFilter:
    """Which workloads: every given field must hold; empty fields hold for all."""

    owner: UserName = UserName("")
    project: ProjectName = ProjectName("")
    queue: QueueName = QueueName("")
    name: str = ""
    kinds: frozenset[Kind] = frozenset()
    states: frozenset[WorkloadState] = frozenset()
    array_id: WorkloadId = WorkloadId(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactFilter:
    """Which facts: those about ``owner``'s workloads, about one ``workload``, of some ``types`` (class names)."""

    owner: UserName = UserName("")
    workload: WorkloadId = WorkloadId(0)
    types: frozenset[str] = frozenset()


class UsageBy(StrEnum):
    """What usage is told apart by."""

    DAY = "day"
    PROJECT = "project"
    OWNER = "owner"
    QOS = "qos"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter:
    """Which usage: of the days from ``first`` to ``last``, both counted in; empty names hold for all."""

    first: int
    last: int
    project: ProjectName = ProjectName("")
    owner: UserName = UserName("")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What was answered to a request with an idempotency key, and a digest of that request's body."""

    fingerprint: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """Outcome of a verification: how many facts, and the hash (hex) that stands for all of them."""

    facts: int
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """A record that replaying the facts gives otherwise than its table holds it (either side may be absent)."""

    table: str
    key: str
    replayed: Record | None = None
    stored: Record | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCounts:
    """How many workloads stand in each state."""

    by_state: dict[WorkloadState, int] = field(default_factory=dict)


class Reading(TermsReading, Protocol):
    """One consistent view of the tables. Inside a transaction it shows the transaction's own appends too."""

    def submission(self, first: WorkloadId) -> Submission:
        """The spec held under the first workload it made.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def submissions(self, firsts: Collection[WorkloadId]) -> Mapping[WorkloadId, Submission]:
        """These submissions, by id, in one question.

        Raises:
            NotFoundError: one of them is not there.
        """
        ...

    def workload(self, workload: WorkloadId) -> Workload:
        """One workload.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def workloads(self, which: WorkloadFilter, *, before: WorkloadId = ..., limit: int = ...) -> Sequence[Workload]:
        """Workloads that pass the filter, newest (highest id) first, only ids below ``before`` where it is not 0."""
        ...

    def these(self, workloads: Sequence[WorkloadId]) -> Sequence[Workload]:
        """These workloads, by id, in one question; ids that name none are passed over."""
        ...

    def element(self, array: WorkloadId, index: int) -> Workload:
        """The element of an array by its declared index.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def members(self, array: WorkloadId) -> Sequence[Workload]:
        """All elements of the array, by id; the one workload itself where the id is no array's."""
        ...

    def queued(self) -> Iterator[tuple[Workload, Submission]]:
        """All workloads HELD, BLOCKED or WAITING with their specs, by id, in bounded memory."""
        ...

    def blocked_on(self, ended: Sequence[WorkloadId]) -> Sequence[Workload]:
        """BLOCKED workloads with an open dependency naming one of these ids or the array one of them belongs to."""
        ...

    def singletons(self, owner: UserName, name: str) -> Sequence[Workload]:
        """Workloads of that owner and name that are not final, by id."""
        ...

    def run(self, run: RunId) -> Run:
        """One run.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def runs(self, workload: WorkloadId) -> Sequence[Run]:
        """All runs of a workload, by attempt."""
        ...

    def last_runs(self, workloads: Sequence[WorkloadId]) -> dict[WorkloadId, Run]:
        """The latest run of each of these workloads that has one, in one question."""
        ...

    def active_runs(self) -> Sequence[Run]:
        """All runs that have not ended, by workload id."""
        ...

    def counts(self, which: WorkloadFilter) -> StateCounts:
        """Workloads that pass the filter, counted by state."""
        ...

    def node(self, node: NodeName) -> Node:
        """One node.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def nodes(self) -> Sequence[Node]:
        """All nodes, by name."""
        ...

    def queue(self, queue: QueueName) -> Queue:
        """One queue.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def queues(self) -> Sequence[Queue]:
        """All queues, by name."""
        ...

    def quota(self, scope: QuotaScope, name: str) -> Quota:
        """One quota.

        Raises:
            NotFoundError: none was ever set.
        """
        ...

    def quotas(self) -> Sequence[Quota]:
        """All quotas that were ever set, by scope and name."""
        ...

    def license(self, name: LicenseName) -> License:
        """One license.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def licenses(self) -> Sequence[License]:
        """All licenses, by name."""
        ...

    def power_cap(self) -> PowerCap:
        """The power cap as it was set last; one that sets none where it never was."""
        ...

    def advance_reservation(self, name: ReservationName) -> AdvanceReservation:
        """One advance reservation, removed or not.

        Raises:
            NotFoundError: there never was one.
        """
        ...

    def advance_reservations(self) -> Sequence[AdvanceReservation]:
        """All advance reservations that were not removed, by name; ended ones too."""
        ...

    def user(self, user: UserName) -> User:
        """One user.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def users(self) -> Sequence[User]:
        """All users, by name."""
        ...

    def project(self, project: ProjectName) -> Project:
        """One project.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def projects(self) -> Sequence[Project]:
        """All projects, by name."""
        ...

    def token(self, token: TokenId) -> Token:
        """One token by its public id.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def token_by_digest(self, digest: str) -> Token:
        """One token by the SHA-256 (hex) of its secret.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def tokens(self, user: UserName) -> Sequence[Token]:
        """All tokens of a user, oldest first."""
        ...

    def usage_day(self, day: int, project: ProjectName, owner: UserName, qos: QosName) -> UsageDay:
        """What one user's runs of one quality of service in one project held on one day.

        Raises:
            NotFoundError: none ended that held anything on that day.
        """
        ...

    def usage(self, which: UsageFilter, by: frozenset[UsageBy]) -> Sequence[UsageDay]:
        """What was held, summed up over all that it is not told apart by: day 0 and empty names stand for those.

        By day, project, owner and QOS. Generations are 0: a sum is no record.
        """
        ...

    def learned_rate(self, job_class: JobClass, model: str) -> LearnedRate:
        """What finished runs of a job class reached on a device model.

        Raises:
            NotFoundError: nothing was learned of them.
        """
        ...

    def learned_rates(self) -> Sequence[LearnedRate]:
        """All that was learned, by job class and model."""
        ...

    def rates_of(self, job_class: JobClass) -> Sequence[LearnedRate]:
        """All that was learned of one job class, by model."""
        ...

    def facts(self, after: FactSeq, which: FactFilter, limit: int) -> Sequence[RecordedFact]:
        """Facts that pass the filter with a higher number than ``after``, in order, at most ``limit``."""
        ...

    def last_fact(self) -> FactSeq:
        """Number of the newest fact, 0 if there is none."""
        ...

    def cursor(self, name: str) -> FactSeq:
        """Where the cursor of this name was moved to last.

        Raises:
            NotFoundError: it never was.
        """
        ...

    def kept_answer(self, owner: UserName, key: str) -> KeptAnswer:
        """What was answered to this key of this owner before.

        Raises:
            NotFoundError: nothing is kept under it.
        """
        ...

    def kept_answers(self, keys: Collection[tuple[UserName, str]]) -> Mapping[tuple[UserName, str], KeptAnswer]:
        """What was answered to these keys of these owners before; those under which nothing is kept are left out."""
        ...


class Transaction(Reading, Protocol):
    """A reading that may also append. Nothing is durable until ``Store.transact`` returns."""

    def append(self, fact: Fact, *, actor: UserName) -> None:
        """Record a fact now and fold it into the tables.

        Raises:
            IllegalTransitionError: the fact does not fit the state it is recorded against; nothing was appended.
        """
        ...

    def allocate(self, count: int) -> WorkloadId:
        """Take ``count`` consecutive workload ids and return the first.

        Ids taken by a failed transaction may be skipped; one taken by one that succeeded is never given again.
        """
        ...

    def keep_answer(self, owner: UserName, key: str, answer: KeptAnswer) -> None:
        """Remember an answer under an idempotency key; forgotten after a day or later."""
        ...

    def move_cursor(self, name: str, seq: FactSeq) -> None:
        """Remember that who follows the facts under this name has done all that it does up to a fact."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What became of one of several works: what it returned, or what it ended with."""

    returned: T | None = None
    error: BaseException | None = None

    def result(self) -> T:
        """What the work returned; what it raised is raised here."""
        if self.error is not None:
            raise self.error
        return cast("T", self.returned)


class Store(Protocol):
    """Where everything that must survive lives."""

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` and make durable what it appended; return what it returned.

        When this returns, the facts survive the death of process and machine. If ``work`` raises, none of its appends
        happened and its exception comes out here. Transactions are serial: each sees all earlier ones. Concurrent
        callers may share one commit; a failure of one caller's work never undoes another's. ``work`` may be called
        more than once and on another thread, so it must not act on anything but the transaction.

        Raises:
            StoreUnavailableError: the store does not answer; whether the work is recorded is not known if the
                connection broke during the commit itself.
        """
        ...

    def transact_each(self, works: Sequence[Callable[[Transaction], T]]) -> Sequence[Outcome[T]]:
        """As ``transact``, for several works in this order, each by itself, sharing commits where possible.

        When this returns, each has its own outcome, and what succeeded is durable.

        Raises:
            StoreUnavailableError: the store is closed; none of the works was begun.
        """
        ...

    def read(self) -> AbstractContextManager[Reading]:
        """Open a consistent view of all that was committed before now. Never blocks writers."""
        ...

    def wait(self, after: FactSeq, timeout_s: float) -> FactSeq:
        """Block until a fact newer than ``after`` is durable or the time is over; return the newest fact's number."""
        ...

    def news(self, after: FactSeq, limit: int) -> Sequence[RecordedFact]:
        """All facts with a higher number than ``after`` that are durable, in order, at most ``limit``.

        The same as ``facts`` of a reading says; but what was recorded lately costs no question to the database.
        """
        ...

    def verify(self) -> ChainReport:
        """Recompute the whole chain from the stored facts.

        Raises:
            ChainBrokenError: names the first fact that does not fit.
        """
        ...

    def differences(self) -> Iterable[TableDifference]:
        """Replay all facts from nothing and compare the outcome with the tables, record by record."""
        ...

    def close(self) -> None:
        """Finish what was begun and let go of all connections; a second call does nothing."""
        ...


class Lookups(TermsLookups, Protocol):
    """The part of a reading that a fold may ask: one record by its name.

    Each raises NotFoundError if there is none; a power cap there always is, and of submissions those without work may
    be left out.
    """

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
    def usage_day(self, day: int, project: ProjectName, owner: UserName, qos: QosName, /) -> UsageDay: ...
    def submission(self, first: WorkloadId, /) -> Submission: ...
    def learned_rate(self, job_class: JobClass, model: str, /) -> LearnedRate: ...


class Fold(Protocol):
    """How a fact changes the tables (``suanli.kernel.lifecycle.fold``)."""

    def __call__(self, tables: Lookups, recorded: RecordedFact) -> Sequence[Record]:
        """The records that are new or different after the fact, each whole, with its generation grown by one.

        Raises:
            IllegalTransitionError: the fact does not fit the tables as they stand.
        """
        ...
