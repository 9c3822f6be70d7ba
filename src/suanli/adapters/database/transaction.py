"""One database transaction that carries the works of several callers, each undone by itself if it fails.

What works append stays in memory until all of them have run, and is then written table by table in bulk. A lookup by
key is answered from memory where the record is known. Any other question needs SQL, so everything appended so far is
written first: that of earlier works for good, that of the asking work behind a savepoint.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, NestedTransaction, Table

from suanli.adapters.database.answers import FORGET, KEPT_US, answers
from suanli.adapters.database.chain import link
from suanli.adapters.database.codec import encode
from suanli.adapters.database.cursors import cursors
from suanli.adapters.database.facts import MOVE_HEAD, Head, about, dependency_rows, facts
from suanli.adapters.database.reading import AGGREGATE_OF, AGGREGATES, Snapshot
from suanli.adapters.database.schema import Aggregate, Key, R, Row, append_sql, save_sql
from suanli.adapters.database.workloads import dependencies
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.facts import Fact, RecordedFact
from suanli.model.ids import FactSeq, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.ports.clock import Clock
from suanli.ports.store import Fold, KeptAnswer, Transaction

T = TypeVar("T")

_ROWS = 512
"""Most rows in one statement; the values of the widest table stay far below what SQLite and PostgreSQL take."""

_Known = dict[Aggregate[Any], dict[Key, Any]]
_Answers = dict[tuple[UserName, str], tuple[KeptAnswer, Instant]]
"""By owner and key, with the instant each was kept at."""


def _nothing_known() -> _Known:
    return {aggregate: {} for aggregate in AGGREGATES}


@dataclass(slots=True)
class _Unwritten:
    """What was appended and is not in the database yet: rows by key, the newest of each key."""

    facts: list[Row] = field(default_factory=list)
    records: _Known = field(default_factory=_nothing_known)
    dependencies: list[Row] = field(default_factory=list)
    answers: _Answers = field(default_factory=dict)
    cursors: dict[str, FactSeq] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.facts or self.answers or self.cursors)

    def take(self, other: _Unwritten) -> None:
        self.facts += other.facts
        self.dependencies += other.dependencies
        self.answers |= other.answers
        self.cursors |= other.cursors
        for aggregate, records in other.records.items():
            self.records[aggregate].update(records)


class Batch(Snapshot):
    """The shared database transaction. It never commits: whoever opened the connection's transaction does."""

    def __init__(self, connection: Connection, fold: Fold, clock: Clock, next_workload: WorkloadId) -> None:
        super().__init__(connection)
        self.fold = fold
        self.clock = clock
        self.head, stored_next = self._head(lock=True)
        self._first_head, self._stored_next = self.head, stored_next
        # Ids given by a transaction whose outcome is not known are not given again while this process lives.
        self.next_workload = max(stored_next, next_workload)
        self.known = _nothing_known()
        self.answers: _Answers = {}
        self.looked_up: dict[tuple[UserName, str], KeptAnswer | None] = {}
        self.recorded: list[RecordedFact] = []
        self._unwritten = _Unwritten()

    def attempt(self, work: Callable[[Transaction], T]) -> T:
        """Run one caller's work on top of those before it; if it raises, it leaves nothing behind."""
        writing = Writing(self._connection, self)
        try:
            result = work(writing)
        except BaseException:
            writing.undo()
            raise
        writing.settle()
        return result

    def settle(
        self, head: Head, known: _Known, answers: _Answers, recorded: list[RecordedFact], unwritten: _Unwritten
    ) -> None:
        """Take over what a work appended, and the part of it that is not written yet."""
        self.head = head
        self.recorded += recorded
        self.answers |= answers
        for aggregate, records in known.items():
            self.known[aggregate].update(records)
        self._unwritten.take(unwritten)

    def flush(self) -> None:
        """Write what settled works appended."""
        if self._unwritten:
            self.write(self._unwritten)
            self._unwritten = _Unwritten()

    def finish(self) -> None:
        """Write everything that is left, and where the chain ends now."""
        self.flush()
        if self.answers:
            # Twice as many go as came, so the table shrinks to a day's answers without ever a long pause.
            forgotten = {"before_us": self.clock.now() - KEPT_US, "most": 2 * len(self.answers)}
            self._connection.execute(FORGET, forgotten)
        if self.head != self._first_head or self.next_workload != self._stored_next:
            moved = {"seq": self.head.seq, "at_us": self.head.at, "hash": self.head.hash}
            self._connection.execute(MOVE_HEAD, moved | {"next_workload": self.next_workload})

    def write(self, unwritten: _Unwritten) -> None:
        """Write rows, those referred to before those that refer to them."""
        for aggregate, records in unwritten.records.items():
            self._many(save_sql, aggregate.table, [aggregate.row(r) for r in records.values()])
        self._many(save_sql, dependencies, unwritten.dependencies)
        self._many(append_sql, facts, unwritten.facts)
        kept = [(*key, answer.fingerprint, answer.body, at) for key, (answer, at) in unwritten.answers.items()]
        self._many(save_sql, answers, kept)
        self._many(save_sql, cursors, list(unwritten.cursors.items()))

    def _many(self, statement: Callable[[Table, str, int], str], table: Table, rows: Sequence[Row]) -> None:
        """Write rows, many with one statement: the driver hands Python's one lock back and forth for each.

        Statements have powers of two of them, so that there are few to prepare.
        """
        start, size = 0, _ROWS
        while start < len(rows):
            while size > len(rows) - start:
                size //= 2
            values = tuple(chain.from_iterable(rows[start : start + size]))
            self._connection.exec_driver_sql(statement(table, self._mark, size), values)
            start += size


class Writing(Snapshot):
    """One caller's transaction (port ``Transaction``)."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        super().__init__(connection)
        self._batch = batch
        self._end = batch.head
        self._own = _nothing_known()
        self._answers: _Answers = {}
        self._recorded: list[RecordedFact] = []
        self._unwritten = _Unwritten()
        self._savepoint: NestedTransaction | None = None

    def append(self, fact: Fact, *, actor: UserName) -> None:
        seq = FactSeq(self._end.seq + 1)
        at = max(self._batch.clock.now(), self._end.at)
        recorded = RecordedFact(seq=seq, at=at, actor=actor, fact=fact)
        records = self._batch.fold(self, recorded)
        workload, owner = about(fact, self)
        type_name, body = type(fact).__name__, encode(fact)
        digest = link(self._end.hash, seq=seq, at_us=at, type_name=type_name, actor=actor, body=body)
        self._unwritten.facts.append((seq, at, type_name, actor, workload, owner, body.decode(), digest))
        self._unwritten.dependencies += dependency_rows(fact)
        for record in records:
            aggregate = AGGREGATE_OF[type(record)]
            key = aggregate.key(record)
            self._own[aggregate][key] = self._unwritten.records[aggregate][key] = record
        self._recorded.append(recorded)
        self._end = Head(seq, at, digest)

    def allocate(self, count: int) -> WorkloadId:
        if count < 1:
            raise InvalidRequestError("count", "at least one id must be taken")
        first = self._batch.next_workload
        self._batch.next_workload = WorkloadId(first + count)
        return first

    def keep_answer(self, owner: UserName, key: str, answer: KeptAnswer) -> None:
        self._answers[owner, key] = self._unwritten.answers[owner, key] = (answer, self._batch.clock.now())

    def move_cursor(self, name: str, seq: FactSeq) -> None:
        self._unwritten.cursors[name] = seq

    def undo(self) -> None:
        """Leave nothing of what was appended."""
        if self._savepoint is not None and self._savepoint.is_active:
            self._savepoint.rollback()

    def settle(self) -> None:
        """Hand over what was appended to the transaction shared with others."""
        if self._savepoint is not None:
            self._savepoint.commit()
        self._batch.settle(self._end, self._own, self._answers, self._recorded, self._unwritten)

    def last_fact(self) -> FactSeq:
        return self._end.seq

    def kept_answer(self, owner: UserName, key: str) -> KeptAnswer:
        kept = self._answers.get((owner, key)) or self._batch.answers.get((owner, key))
        if kept is not None:
            return kept[0]
        if (owner, key) not in self._batch.looked_up:
            return super().kept_answer(owner, key)
        if (before := self._batch.looked_up[owner, key]) is None:
            raise NotFoundError("answer kept under the key", key)
        return before

    def kept_answers(self, keys: Collection[tuple[UserName, str]]) -> dict[tuple[UserName, str], KeptAnswer]:
        stored = super().kept_answers(keys)
        self._batch.looked_up |= {key: stored.get(key) for key in keys}
        kept = {key: self._answers.get(key) or self._batch.answers.get(key) for key in keys}
        return stored | {key: answer[0] for key, answer in kept.items() if answer is not None}

    def _find(self, aggregate: Aggregate[R], key: Key) -> R:
        known: R | None = self._own[aggregate].get(key) or self._batch.known[aggregate].get(key)
        if known is None:
            known = self._batch.known[aggregate][key] = super()._find(aggregate, key)
        return known

    def _find_these(self, aggregate: Aggregate[R], keys: Iterable[str | int]) -> dict[Key, R]:
        wanted: set[Key] = {(key,) for key in keys}
        known, own = self._batch.known[aggregate], self._own[aggregate]
        known |= super()._find_these(aggregate, [key[0] for key in wanted - known.keys() - own.keys()])
        return {key: record for key in wanted if (record := own.get(key) or known.get(key)) is not None}

    def _rows(self, statement: Executable) -> Sequence[Row]:
        self._batch.flush()
        if self._unwritten:
            if self._savepoint is None:
                self._savepoint = self._connection.begin_nested()
            self._batch.write(self._unwritten)
            self._unwritten = _Unwritten()
        return super()._rows(statement)
