"""One thread that waits for new facts on behalf of every reader that follows them.

A reader that waited in the store itself would take a worker thread for as long as it follows; forty of them would leave
none for requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import anyio
import anyio.to_thread
from fastapi import Header
from fastapi.sse import ServerSentEvent

from suanli.api.errors import tell
from suanli.api.language import Language
from suanli.model.errors import StoreUnavailableError, SuanliError
from suanli.model.ids import FactSeq
from suanli.ports.store import Store

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern="^[0-9]{1,15}$",
        description="The id of the last event seen, sent by a reader that comes back; it goes before the query.",
    ),
]

_TURN_S = 1.0
"""How long one wait in the store lasts: the longest a stopping server waits for its thread."""
_PAUSE_S = 0.05
_READERS = 8


class Doorbell:
    """Rings for all who listen when facts newer than theirs are durable."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newest = FactSeq(0)
        self._rung = asyncio.Event()
        self._listeners = 0
        self._wanted = asyncio.Event()

    @property
    def newest(self) -> FactSeq:
        """The newest fact told so far."""
        return self._newest

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the waiting thread at work while anybody listens."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch)
            try:
                yield
            finally:
                group.cancel_scope.cancel()

    async def wait(self, after: FactSeq, timeout_s: float) -> None:
        """Return when a fact newer than ``after`` is durable, or the time is over."""
        self._listeners += 1
        self._wanted.set()
        try:
            with anyio.move_on_after(timeout_s):
                while self._newest <= after:
                    await self._rung.wait()
        finally:
            self._listeners -= 1

    async def pause(self, after: FactSeq, timeout_s: float) -> None:
        """As ``wait``, but never for less than a twentieth of a second.

        So a busy center costs each reader at most twenty questions a second.
        """
        await anyio.sleep(_PAUSE_S)
        await self.wait(after, timeout_s)

    async def _watch(self) -> None:
        alone = anyio.CapacityLimiter(1)
        while True:
            await self._wanted.wait()
            try:
                newest = await anyio.to_thread.run_sync(self._store.wait, self._newest, _TURN_S, limiter=alone)
            except StoreUnavailableError:
                await anyio.sleep(_TURN_S)
                continue
            if newest > self._newest:
                self._newest = newest
                self._rung.set()
                self._rung = asyncio.Event()
            if not self._listeners:
                self._wanted.clear()


class Following:
    """What all readers of one server share: the doorbell, and the few worker threads that read for them.

    Requests have worker threads of their own, so that no number of readers can keep a request waiting.
    """

    def __init__(self, store: Store) -> None:
        self.doorbell = Doorbell(store)
        self.readers = anyio.CapacityLimiter(_READERS)


def problem_event(error: SuanliError, language: Language) -> ServerSentEvent:
    """The last event of a stream that can go no further."""
    return ServerSentEvent(event="problem", raw_data=tell(error, language).document().decode())
