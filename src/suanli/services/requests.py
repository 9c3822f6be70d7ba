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


class Requests:
    """Runs changes as transactions of their own and keeps their answers under the caller's keys."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def once(self, caller: Caller, key: str | None, fingerprint: str, work: Callable[[Transaction], str]) -> Once:
        """Do what :func:`keyed` makes of ``work``; raises what that raises."""
        return self._store.transact(keyed(caller, key, fingerprint, work))

    def each(self, works: Sequence[Callable[[Transaction], Once]]) -> Sequence[Outcome[Once]]:
        """Do several, each made by :func:`keyed`, each by itself; tell what became of each when all are durable.

        Raises:
            StoreUnavailableError: the store is closed.
        """
        return self._store.transact_each(works)


def keyed(
    caller: Caller, key: str | None, fingerprint: str, work: Callable[[Transaction], str]
) -> Callable[[Transaction], Once]:
    """The transaction that does ``work`` and keeps its answer; under a key seen before it only gives the kept answer.

    ``fingerprint`` stands for the whole request. Answer and change are durable together or not at all; a request that
    fails keeps no answer, so it may be sent again under its key.

    Raises:
        InvalidRequestError: the key is empty or longer than 255 characters.
        IdempotencyMismatchError: the transaction raises it; the key was used for another request.
    """
    if key is None:
        return lambda tx: Once(body=work(tx), replayed=False)
    if not 0 < len(key) <= _MAX_KEY:
        raise InvalidRequestError("Idempotency-Key", f"a key has 1..{_MAX_KEY} characters")

    def once(tx: Transaction) -> Once:
        try:
            kept = tx.kept_answer(caller.user, key)
        except NotFoundError:
            body = work(tx)
            tx.keep_answer(caller.user, key, KeptAnswer(fingerprint=fingerprint, body=body))
            return Once(body=body, replayed=False)
        if kept.fingerprint != fingerprint:
            raise IdempotencyMismatchError("this idempotency key was used for another request", "use a fresh key")
        return Once(body=kept.body, replayed=True)

    return once
