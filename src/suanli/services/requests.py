"""Requests that change something: done once however often they are sent, when they carry an idempotency key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from suanli.model.errors import IdempotencyMismatchError, InvalidRequestError, NotFoundError
from suanli.model.tenancy import Caller
from suanli.ports.store import KeptAnswer, Outcome, Store, Transaction

_MAX_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """The answer to a request; ``replayed`` if it was given before and nothing was done now."""

    body: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request as a transaction: it does ``work`` and keeps the answer; under a key seen before it only gives that.

    ``fingerprint`` stands for the whole request. Answer and change are durable together or not at all; a request that
    fails keeps no answer, so it may be sent again under its key.

    Raises:
        InvalidRequestError: the key is empty or longer than 255 characters.
    """

    caller: Caller
    key: str | None
    fingerprint: str
    work: Callable[[Transaction], str]

    def __post_init__(self) -> None:
        if self.key is not None and not 0 < len(self.key) <= _MAX_KEY:
            raise InvalidRequestError("Idempotency-Key", f"a key has 1..{_MAX_KEY} characters")

    def __call__(self, tx: Transaction) -> Once:
        """Do it, or find the answer.

        Raises:
            IdempotencyMismatchError: the key was used for another request.
        """
        if self.key is None:
            return Once(body=self.work(tx), replayed=False)
        try:
            kept = tx.kept_answer(self.caller.user, self.key)
        except NotFoundError:
            body = self.work(tx)
            tx.keep_answer(self.caller.user, self.key, KeptAnswer(fingerprint=self.fingerprint, body=body))
            return Once(body=body, replayed=False)
        if kept.fingerprint != self.fingerprint:
            raise IdempotencyMismatchError("this idempotency key was used for another request", "use a fresh key")
        return Once(body=kept.body, replayed=True)


class Requests:
    """Runs changes as transactions of their own and keeps their answers under the caller's keys."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def once(self, request: Keyed) -> Once:
        """Do a request; raises what it raises, and what the store does."""
        return self._store.transact(request)

    def each(self, requests: Sequence[Keyed]) -> Sequence[Outcome[Once]]:
        """Do several, each by itself; tell what became of each when all are durable.

        Raises:
            StoreUnavailableError: the store is closed.
        """
        keys = [(request.caller.user, request.key) for request in requests if request.key is not None]
        if len(keys) < 2:
            return self._store.transact_each(requests)

        def first(tx: Transaction) -> Once:
            # Asked for together, they need not be asked for one by one.
            tx.kept_answers(keys)
            return requests[0](tx)

        return self._store.transact_each([first, *requests[1:]])
