"""The facts, the head of their chain, and the sequence of workload ids. What was submitted is read from its fact."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import CheckConstraint, Index, Table, and_, bindparam, or_, select, union_all, update

from suanli.adapters.database.chain import GENESIS, link
from suanli.adapters.database.codec import FACT_READERS, UNREADABLE
from suanli.adapters.database.schema import Row, metadata, octets, text, whole
from suanli.adapters.database.view import chunks, damaged
from suanli.adapters.database.workloads import WORKLOADS, WorkloadQueries, workloads
from suanli.model.errors import ChainBrokenError, NotFoundError, StoreError
from suanli.model.facts import Fact, RecordedFact, WorkloadFact, WorkloadSubmitted
from suanli.model.ids import FactSeq, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.workload import Submission, Workload, WorkloadState
from suanli.ports.store import ChainReport, FactFilter, Lookups

_PAGE = 1000
_ABOUT_WORKLOADS = get_args(WorkloadFact)
_SUBMITTED = WorkloadSubmitted.__name__
_QUEUED = (WorkloadState.BLOCKED, WorkloadState.HELD, WorkloadState.WAITING)

facts = Table(
    "facts",
    metadata,
    whole("seq", key=True),
    whole("at_us"),
    text("type"),
    text("actor"),
    whole("workload"),
    text("owner"),
    text("body"),
    octets("hash"),
    Index(None, "workload", "seq"),
    Index(None, "owner", "seq"),
    sqlite_strict=True,
)

chain_head = Table(
    "chain_head",
    metadata,
    whole("id", key=True),
    whole("seq"),
    whole("at_us"),
    octets("hash"),
    whole("next_workload"),
    CheckConstraint("id = 1", name="single"),
    sqlite_strict=True,
)
"""One row. Whoever writes holds it locked, which makes the writers of all processes one line."""

_HEAD = select(chain_head)
_HEAD_LOCKED = _HEAD.with_for_update()
MOVE_HEAD = update(chain_head).values(
    {column: bindparam(column.name) for column in chain_head.columns if not column.primary_key}
)
"""Sets where the chain ends and the next workload id."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends."""

    seq: FactSeq = FactSeq(0)
    at: Instant = Instant(0)
    hash: bytes = GENESIS


def about(fact: Fact, tables: Lookups) -> tuple[WorkloadId, UserName]:
    """The workload a fact is about and its owner; 0 and nobody for facts about the center."""
    if isinstance(fact, WorkloadSubmitted):
        return fact.first, fact.owner
    if isinstance(fact, _ABOUT_WORKLOADS):
        return fact.workload, tables.workload(fact.workload).owner
    return WorkloadId(0), UserName("")


def read_fact(row: Row) -> RecordedFact:
    """The fact that lies in a row of table ``facts``.

    Raises:
        StoreError: its body is not one of its type.
    """
    try:
        return RecordedFact(seq=row[0], at=row[1], actor=row[3], fact=FACT_READERS[row[2]](row[6]))
    except UNREADABLE as error:
        raise damaged("facts", row[0], error) from error


def dependency_rows(fact: Fact) -> set[tuple[int, int]]:
    """The rows of table ``dependencies`` that a fact adds."""
    if not isinstance(fact, WorkloadSubmitted):
        return set()
    return {(named.workload, fact.first) for named in fact.spec.dependencies if named.workload}


class FactQueries(WorkloadQueries):
    """Questions about facts."""

    def submission(self, first: WorkloadId) -> Submission:
        return self.submissions([first])[first]

    def queued(self) -> Iterator[tuple[Workload, Submission]]:
        last = WorkloadId(0)
        while page := self._queued_after(last):
            specs = self.submissions({workload.submission for workload in page})
            yield from ((workload, specs[workload.submission]) for workload in page)
            last = page[-1].id

    def _queued_after(self, last: WorkloadId) -> list[Workload]:
        walks = [
            select(workloads.c.id)
            .where(workloads.c.state == state.value, workloads.c.id > last)
            .order_by(workloads.c.id)
            .limit(_PAGE)
            .subquery()
            for state in _QUEUED
        ]
        merged = union_all(*(select(walk.c.id) for walk in walks)).subquery()
        oldest = select(merged.c.id).order_by(merged.c.id).limit(_PAGE)
        return self._records(WORKLOADS, select(workloads).where(workloads.c.id.in_(oldest)).order_by(workloads.c.id))

    def submissions(self, firsts: Collection[WorkloadId]) -> dict[WorkloadId, Submission]:
        found: dict[WorkloadId, Submission] = {}
        for some in chunks(firsts):
            for row in self._rows(select(facts).where(facts.c.workload.in_(some), facts.c.type == _SUBMITTED)):
                fact = read_fact(row).fact
                if isinstance(fact, WorkloadSubmitted):
                    found[fact.first] = Submission(id=fact.first, spec=fact.spec)
        for first in firsts:
            if first not in found:
                raise NotFoundError("submission", first)
        return found

    def facts(self, after: FactSeq, which: FactFilter, limit: int) -> Sequence[RecordedFact]:
        wanted = select(facts).where(facts.c.seq > after)
        if which.owner:
            wanted = wanted.where(facts.c.owner == which.owner)
        if which.workload:
            wanted = wanted.where(self._about(which.workload))
        if which.types:
            wanted = wanted.where(facts.c.type.in_(sorted(which.types)))
        return [read_fact(row) for row in self._rows(wanted.order_by(facts.c.seq).limit(limit))]

    def _about(self, workload: WorkloadId) -> Any:
        """The submission of an array is about each of its elements, though it lies under the first one's id."""
        try:
            first = self.workload(workload).submission
        except NotFoundError:
            return facts.c.workload == workload
        submitted = and_(facts.c.workload == first, facts.c.type == _SUBMITTED)
        return or_(facts.c.workload == workload, submitted)

    def last_fact(self) -> FactSeq:
        return self._head()[0].seq

    def _head(self, *, lock: bool = False) -> tuple[Head, WorkloadId]:
        """Where the chain ends, and the next workload id; ``lock`` makes other writers wait for this transaction."""
        rows = self._rows(_HEAD_LOCKED if lock else _HEAD)
        if len(rows) != 1:
            raise StoreError("the head of the fact chain is missing", "restore the store from a copy that verifies")
        _, seq, at_us, digest, next_workload = rows[0]
        return Head(seq, at_us, bytes(digest)), next_workload

    def _fact_rows(self) -> Iterator[Row]:
        """All facts as they are stored, by number, in bounded memory."""
        last = -(2**63)
        while page := self._rows(select(facts).where(facts.c.seq > last).order_by(facts.c.seq).limit(_PAGE)):
            yield from page
            last = page[-1][0]

    def verify(self) -> ChainReport:
        """Recompute the chain from its first fact (see ``specs/2-facts-chain.md``)."""
        seq, digest = 0, GENESIS
        for number, at_us, type_name, actor, _, _, body, stored in self._fact_rows():
            seq += 1
            if number != seq:
                what = f"fact {seq} is missing" if number > seq else f"a fact numbered {number} was put in"
                raise ChainBrokenError(min(seq, number), what)
            digest = link(digest, seq=seq, at_us=at_us, type_name=type_name, actor=actor, body=body.encode())
            if digest != stored:
                raise ChainBrokenError(seq, f"fact {seq} or its hash was altered")
        head, _ = self._head()
        if head.seq > seq:
            raise ChainBrokenError(seq + 1, f"facts {seq + 1} to {head.seq} are missing")
        if head.seq < seq or head.hash != digest:
            raise ChainBrokenError(seq, "the head of the chain is not that of its last fact")
        return ChainReport(facts=seq, head=digest.hex())
