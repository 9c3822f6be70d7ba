"""Tables in memory that know nothing but facts and the fold: what the lifecycle is tried on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from suanli.kernel.lifecycle import fold
from suanli.model import facts
from suanli.model.errors import NotFoundError
from suanli.model.facts import SYSTEM, Fact, Record, RecordedFact
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
    run_id,
)
from suanli.model.power import PowerCap
from suanli.model.qos import Qos
from suanli.model.quantities import Instant
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.rates import JobClass, LearnedRate
from suanli.model.reservations import AdvanceReservation
from suanli.model.resources import Node, Queue
from suanli.model.spec import WorkloadSpec
from suanli.model.tariff import Tariff
from suanli.model.tenancy import Project, Token, User
from suanli.model.usage import UsageDay
from suanli.model.workload import Run, Submission, Workload
from suanli.testing.builders import ANN, allocation

R = TypeVar("R", bound=Record)
Name = str | int | tuple[int, ProjectName, UserName, QosName] | tuple[QuotaScope, str] | tuple[str, ...]
Key = tuple[type, Name]
_NAMED = (Node, Queue, License, Qos, AdvanceReservation, User, Project)


def key_of(record: Record) -> Key:
    """What a record is found by."""
    if isinstance(record, LearnedRate):
        return LearnedRate, (*record.job_class, record.model)
    if isinstance(record, UsageDay):
        return UsageDay, (record.day, record.project, record.owner, record.qos)
    if isinstance(record, Quota):
        return Quota, (record.scope, record.name)
    if isinstance(record, Tariff):
        return Tariff, record.version
    if isinstance(record, PowerCap):
        return PowerCap, ""
    return type(record), record.name if isinstance(record, _NAMED) else record.id


class Book:
    """Every record by its key, every fact in order; time passes one second a fact."""

    def __init__(self) -> None:
        self.records: dict[Key, Record] = {}
        self.facts: list[RecordedFact] = []

    def tell(self, fact: Fact) -> Sequence[Record]:
        """Record a fact; nothing changes if it is refused."""
        seq = FactSeq(len(self.facts) + 1)
        recorded = RecordedFact(seq=seq, at=Instant(seq * 1_000_000), actor=SYSTEM, fact=fact)
        changed = fold(self, recorded)
        self.facts.append(recorded)
        self.records.update({key_of(record): record for record in changed})
        return changed

    def submit(self, wanted: WorkloadSpec, *, held: bool = False) -> WorkloadId:
        """Record a submission under the next free ids."""
        first = WorkloadId(1 + sum(isinstance(record, Workload) for record in self.records.values()))
        count = 1 if wanted.array is None else len(wanted.array.indices)
        self.tell(facts.WorkloadSubmitted(first=first, count=count, owner=ANN, spec=wanted, held=held))
        return first

    def next_run(self, workload: WorkloadId) -> facts.RunPlaced:
        """The fact that gives a workload its next run."""
        run = run_id(workload, self.workload(workload).attempt + 1)
        return facts.RunPlaced(workload=workload, run=run, allocation=allocation())

    def last_run(self, workload: WorkloadId) -> RunId:
        """The name of the latest run, or of the first if there was none."""
        return run_id(workload, max(1, self.workload(workload).attempt))

    def all(self, kind: type[R]) -> Mapping[Name, R]:
        """All records of one kind, by key."""
        return {key: record for (_, key), record in self.records.items() if isinstance(record, kind)}

    def _one(self, kind: type[R], key: Name) -> R:
        found = self.records.get((kind, key))
        if not isinstance(found, kind):
            raise NotFoundError(kind.__name__.lower(), str(key))
        return found

    def submission(self, first: WorkloadId) -> Submission:
        for recorded in self.facts:
            if isinstance(recorded.fact, facts.WorkloadSubmitted) and recorded.fact.first == first:
                return Submission(id=first, spec=recorded.fact.spec)
        raise NotFoundError("submission", first)

    def workload(self, workload: WorkloadId) -> Workload:
        return self._one(Workload, workload)

    def run(self, run: RunId) -> Run:
        return self._one(Run, run)

    def node(self, node: NodeName) -> Node:
        return self._one(Node, node)

    def queue(self, queue: QueueName) -> Queue:
        return self._one(Queue, queue)

    def quota(self, scope: QuotaScope, name: str) -> Quota:
        return self._one(Quota, (scope, name))

    def license(self, name: LicenseName) -> License:
        return self._one(License, name)

    def power_cap(self) -> PowerCap:
        return self.all(PowerCap).get("", PowerCap())

    def tariff(self, version: int) -> Tariff:
        return self._one(Tariff, version)

    def qos(self, name: QosName) -> Qos:
        return self._one(Qos, name)

    def advance_reservation(self, name: ReservationName) -> AdvanceReservation:
        return self._one(AdvanceReservation, name)

    def user(self, user: UserName) -> User:
        return self._one(User, user)

    def project(self, project: ProjectName) -> Project:
        return self._one(Project, project)

    def token(self, token: TokenId) -> Token:
        return self._one(Token, token)

    def usage_day(self, day: int, project: ProjectName, owner: UserName, qos: QosName) -> UsageDay:
        return self._one(UsageDay, (day, project, owner, qos))

    def learned_rate(self, job_class: JobClass, model: str) -> LearnedRate:
        return self._one(LearnedRate, (*job_class, model))
