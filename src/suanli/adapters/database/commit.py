"""Group commit: callers line up, one of them leads, and the group shares one transaction and one wait for the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Engine

from suanli.adapters.database.connections import RowRefusedError
from suanli.adapters.database.transaction import Batch
from suanli.model.errors import StoreError, StoreUnavailableError
from suanli.model.facts import RecordedFact
from suanli.model.ids import WorkloadId
from suanli.ports.clock import Clock
from suanli.ports.store import Fold, Outcome, Transaction

T = TypeVar("T")

_GROUP = 1000
"""Most works in one transaction, so that the first of them does not wait for too many others."""


class _Ticket:
    """A caller's place in the line, and what became of its work."""

    __slots__ = ("error", "result", "settled", "turn", "work")

    def __init__(self, work: Callable[[Transaction], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.settled = False
        # Opened once: when the work is settled, or when it is this caller's turn to lead.
        self.turn = Lock()
        self.turn.acquire()

    def attempt(self, batch: Batch) -> None:
        """Run the work; what it raises is its caller's, unless it is the store itself that fails."""
        self.result = self.error = None
        try:
            self.result = batch.attempt(self.work)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a caller's work raises must reach that caller and no other
            self.error = error

    def fail(self, error: StoreError) -> None:
        """Settle with the group's failure; a copy, since its traceback is the thread's that raises it."""
        if self.error is None:
            self.error = copy(error)


class Committer:
    """The line of works and its leader. ``durable`` is told after each commit what it recorded, in order."""

    def __init__(self, engine: Engine, fold: Fold, clock: Clock, durable: Callable[[list[RecordedFact]], None]) -> None:
        self._engine = engine
        self._fold = fold
        self._clock = clock
        self._durable = durable
        self._mutex = Lock()
        self._line: list[_Ticket] = []
        self._led = False
        self._closed = False
        self._next_workload = WorkloadId(1)

    def run(self, work: Callable[[Transaction], T]) -> T:
        """Run the work in its turn and return its result when it is durable.

        Raises:
            StoreUnavailableError: the store is closed or does not answer.
            StoreError: the store failed; nothing of the work happened.
        """
        [outcome] = self.run_each([work])
        return outcome.result()

    def run_each(self, works: Sequence[Callable[[Transaction], T]]) -> list[Outcome[T]]:
        """Run the works in their turn, in this order, and tell what became of each when all of them are settled.

        Raises:
            StoreUnavailableError: the store is closed.
        """
        tickets = [_Ticket(work) for work in works]
        self._enter(tickets, closing=False)
        return [Outcome(ticket.result, ticket.error) for ticket in tickets]

    def close(self) -> None:
        """Let everybody in the line finish, and nobody join it any more."""
        if not self._closed:
            self._enter([_Ticket(lambda _: None)], closing=True)

    def _enter(self, tickets: list[_Ticket], *, closing: bool) -> None:
        if not tickets:
            return
        with self._mutex:
            if self._closed:
                raise StoreUnavailableError("the store is closed")
            self._closed = closing
            self._line += tickets
            leads, self._led = not self._led, True
        if leads:
            tickets[0].turn.release()
        for ticket in tickets:
            ticket.turn.acquire()
            if not ticket.settled:
                self._lead()

    def _lead(self) -> None:
        with self._mutex:
            group, self._line = self._line[:_GROUP], self._line[_GROUP:]
        try:
            self._commit(group)
        except BaseException:
            for ticket in group:
                ticket.fail(StoreUnavailableError("the thread that was writing was stopped"))
            raise
        finally:
            for ticket in group:
                ticket.settled = True
            with self._mutex:
                heir = self._line[0] if self._line else None
                self._led = heir is not None
            if heir is not None:
                heir.turn.release()
            for ticket in group:
                ticket.turn.release()

    def _commit(self, group: list[_Ticket]) -> None:
        try:
            self._together(group)
        except RowRefusedError as error:
            if len(group) > 1:
                # One of them is at fault; alone, each answers for itself.
                for ticket in group:
                    self._commit([ticket])
            else:
                group[0].fail(error)
        except StoreError as error:
            for ticket in group:
                ticket.fail(error)

    def _together(self, group: list[_Ticket]) -> None:
        with self._engine.begin() as connection:
            batch = Batch(connection, self._fold, self._clock, self._next_workload)
            try:
                for ticket in group:
                    ticket.attempt(batch)
                batch.finish()
            finally:
                self._next_workload = batch.next_workload
        self._durable(batch.recorded)
