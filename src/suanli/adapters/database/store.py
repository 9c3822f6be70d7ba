"""The store: one writer, many snapshots (port ``Store``), on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Condition
from time import monotonic
from typing import TypeVar

from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from suanli.adapters.database.commit import Committer
from suanli.adapters.database.connections import Engines, connect
from suanli.adapters.database.migrate import upgrade
from suanli.adapters.database.replay import Replay
from suanli.model.errors import StoreUnavailableError
from suanli.model.facts import RecordedFact
from suanli.model.ids import FactSeq
from suanli.ports.clock import Clock
from suanli.ports.store import ChainReport, FactFilter, Fold, Outcome, TableDifference, Transaction

T = TypeVar("T")

_REMEMBERED = 4_000
"""Facts kept in memory, at least, for those who follow them closely: a few megabytes."""
_LOOK_S = 0.5
"""How often, at most, waiters look for commits of other processes. Looking was chosen over LISTEN/NOTIFY: it needs no
connection and thread of its own, cannot miss a notice while reconnecting, and serves SQLite with the same lines."""


class DatabaseStore:
    """Facts and tables in a database. Safe for use by many threads."""

    def __init__(self, engines: Engines, *, fold: Fold, clock: Clock) -> None:
        self._engines = engines
        self._fold = fold
        self._committer = Committer(engines.writer, fold, clock, self._committed)
        self._closed = False
        self._news = Condition()
        self._recent: list[RecordedFact] = []
        self._looked_at_s = monotonic()
        with self.read() as reading:
            self._durable = reading.last_fact()

    def transact(self, work: Callable[[Transaction], T]) -> T:
        return self._committer.run(work)

    def transact_each(self, works: Sequence[Callable[[Transaction], T]]) -> Sequence[Outcome[T]]:
        return self._committer.run_each(works)

    @contextmanager
    def read(self) -> Iterator[Replay]:
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        try:
            connection = self._engines.reader.connect()
        except PoolTimeoutError as error:
            raise StoreUnavailableError("too many reads at a time", "try again") from error
        with connection, connection.begin():
            yield Replay(connection)

    def wait(self, after: FactSeq, timeout_s: float) -> FactSeq:
        until_s = monotonic() + timeout_s
        while True:
            with self._news:
                now_s = monotonic()
                if self._durable > after or now_s >= until_s:
                    return self._durable
                looks = now_s >= self._looked_at_s + _LOOK_S
                if looks:
                    self._looked_at_s = now_s
                else:
                    self._news.wait(min(until_s, self._looked_at_s + _LOOK_S) - now_s)
            if looks:
                with self.read() as reading:
                    self._now_durable(reading.last_fact())

    def news(self, after: FactSeq, limit: int) -> Sequence[RecordedFact]:
        with self._news:
            if after >= self._durable:
                return []
            if self._recent and self._recent[-1].seq == self._durable and self._recent[0].seq <= after + 1:
                start = after + 1 - self._recent[0].seq
                return self._recent[start : start + limit]
        with self.read() as reading:
            return reading.facts(after, FactFilter(), limit)

    def verify(self) -> ChainReport:
        with self.read() as reading:
            return reading.verify()

    def differences(self) -> Iterator[TableDifference]:
        with self.read() as reading:
            yield from reading.differences(self._fold)

    def close(self) -> None:
        self._committer.close()
        self._closed = True
        self._engines.dispose()

    def _committed(self, recorded: list[RecordedFact]) -> None:
        if not recorded:
            return
        with self._news:
            if self._recent and self._recent[-1].seq + 1 != recorded[0].seq:
                # Another process recorded facts between ours.
                self._recent.clear()
            self._recent += recorded
            if len(self._recent) > 2 * _REMEMBERED:
                del self._recent[:-_REMEMBERED]
        self._now_durable(recorded[-1].seq)

    def _now_durable(self, newest: FactSeq) -> None:
        with self._news:
            if newest > self._durable:
                self._durable = newest
                self._news.notify_all()


def open_store(url: str, *, fold: Fold, clock: Clock, readers: int = 48) -> DatabaseStore:
    """Open the database, make or upgrade its tables, and let nobody else see SQLite's file.

    ``url`` is ``sqlite:////absolute/path`` or ``postgresql://user:password@host/name``; ``readers`` bounds the
    snapshots that may be open at a time (a thread that wants one more waits up to 30 s).

    Raises:
        InvalidRequestError: the URL names no database that Suanli knows.
        StoreUnavailableError: the database does not answer.
        StoreVersionError: the database was written by a newer version of Suanli.
    """
    engines = connect(url, readers=readers)
    with ExitStack() as undoing:
        undoing.callback(engines.dispose)
        upgrade(engines.writer)
        store = DatabaseStore(engines, fold=fold, clock=clock)
        undoing.pop_all()
    return store
