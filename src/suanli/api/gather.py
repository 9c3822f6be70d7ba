"""Requests that change something, done in groups: those that come while one group is written make up the next.

Each request would otherwise take a worker thread to wait in, and threads that wait for the same lock cost more than
what they do. A group costs one hand-over to a thread and shares one commit; each request in it keeps its own
transaction, its own idempotency key and its own error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import anyio
import anyio.to_thread
from fastapi import Response

from suanli.ports.store import Outcome
from suanli.services.requests import Keyed, Once, Requests


@dataclass(frozen=True, slots=True)
class Change:
    """What a request wants changed, read and not yet done: its transaction, and the answer to what that leaves."""

    work: Keyed
    respond: Callable[[Once], Response]


class _Asked:
    """A request in the line: how it is read, and what became of it."""

    __slots__ = ("change", "outcome", "read", "settled")

    def __init__(self, read: Callable[[], Change], settled: asyncio.Future[None]) -> None:
        self.read = read
        self.settled = settled
        self.change: Change | None = None
        self.outcome: Outcome[Once] = Outcome()

    def prepare(self) -> bool:
        """Read the request; what that raises is its own outcome."""
        try:
            self.change = self.read()
        except Exception as error:  # noqa: BLE001 - whatever one request raises must reach it and no other
            self.outcome = Outcome(error=error)
        return self.change is not None

    def response(self) -> Response:
        """The answer, once the request is settled; what it ended with is raised here."""
        once = self.outcome.result()
        assert self.change is not None  # noqa: S101 - only a change that was read has an outcome without an error
        return self.change.respond(once)


class Gathering:
    """The line of requests and the one thread at a time that works through it."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._alone = anyio.CapacityLimiter(1)
        self._line: list[_Asked] = []
        self._turning: asyncio.Task[None] | None = None

    async def answer(self, read: Callable[[], Change]) -> Response:
        """Read the request and do its change together with others that are there; raises what either of them raises."""
        loop = asyncio.get_running_loop()
        asked = _Asked(read, loop.create_future())
        self._line.append(asked)
        if self._turning is None:
            self._turning = loop.create_task(self._turn())
        await asked.settled
        return asked.response()

    async def answer_alone(self, read: Callable[[], Change]) -> Response:
        """As ``answer``, in a thread of its own: for what takes so long to read that nobody should wait for it."""
        return await anyio.to_thread.run_sync(lambda: self.alone(read()))

    def alone(self, change: Change) -> Response:
        """Do a change in the thread that asks for it."""
        [outcome] = self._requests.each([change.work])
        return change.respond(outcome.result())

    async def _turn(self) -> None:
        try:
            while self._line:
                await self._settle(self._line)
        finally:
            self._turning = None

    async def _settle(self, group: list[_Asked]) -> None:
        self._line = []
        try:
            await anyio.to_thread.run_sync(self._do, group, limiter=self._alone)
            for asked in group:
                if not asked.settled.done():
                    asked.settled.set_result(None)
        finally:
            for asked in group:
                # Of those that are not settled now nobody will say any more what became of them.
                asked.settled.cancel()

    def _do(self, group: list[_Asked]) -> None:
        ready = [asked for asked in group if asked.prepare()]
        try:
            outcomes = self._requests.each([asked.change.work for asked in ready if asked.change is not None])
        except Exception as error:  # noqa: BLE001 - it is the outcome of each of them
            outcomes = [Outcome(error=error)] * len(ready)
        for asked, outcome in zip(ready, outcomes, strict=True):
            asked.outcome = outcome
