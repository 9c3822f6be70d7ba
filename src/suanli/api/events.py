"""Events: every fact as it is recorded, from any point on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from suanli.api.doorbell import LastEventId, problem_event
from suanli.api.operations import follows, refuses
from suanli.api.schemas.events import event_view
from suanli.api.visit import AnyVisit, Visit, write
from suanli.model.errors import NotFoundError, SuanliError
from suanli.model.facts import RecordedFact
from suanli.model.ids import FactSeq, WorkloadId

router = APIRouter(prefix="/v1/events", tags=["events"])

_PAGE = 500
_PATIENCE_S = 30.0

Sequence = Annotated[int, Query(ge=0, lt=2**63, description="The last fact already known; 0 for none.")]


@dataclass(frozen=True, slots=True)
class Feed:
    """An opened stream of facts: the first page has been read, so its caller is known to be allowed."""

    visit: Visit
    after: FactSeq
    workload: WorkloadId
    follow: bool
    first: list[RecordedFact]

    def read(self, after: FactSeq) -> list[RecordedFact]:
        """The next page."""
        return list(self.visit.services.workloads.events(self.visit.authenticate(), after, self.workload, _PAGE))


def open_feed(
    visit: AnyVisit,
    after: Sequence = 0,
    workload: Annotated[int | None, Query(ge=1, lt=10**18, description="Only facts about this workload.")] = None,
    follow: Annotated[bool, Query(description="Stay and tell what happens; else end at the present.")] = True,
    last_event_id: LastEventId = None,
) -> Feed:
    """Open a stream of facts; runs before the answer begins, so that a refusal is still a refusal."""
    if last_event_id is not None:
        after = int(last_event_id)
    subjects = WorkloadId(workload or 0)
    page = visit.services.workloads.events(visit.caller, FactSeq(after), subjects, _PAGE)
    return Feed(visit, FactSeq(after), subjects, follow, list(page))


_TOLD = (
    'event: WorkloadReleased\ndata: {"seq":84,"at":"2026-11-24T11:00:00.000000Z","actor":"ada",'
    '"type":"WorkloadReleased","workload":120,"fact":{"workload":120}}\nid: 84\n\n'
)


@router.get("", response_class=EventSourceResponse, responses={**follows(_TOLD), **refuses(NotFoundError)})
async def follow_events(feed: Annotated[Feed, Depends(open_feed)]) -> AsyncIterator[ServerSentEvent]:
    """Follow what happens, as server-sent events: `event` is the fact's type, `id` its number, `data` an Event.

    Users are told facts about their own workloads, operators all. A reader that comes back with `Last-Event-ID` misses
    nothing and sees nothing twice.
    """
    following = feed.visit.following
    after, page = feed.after, feed.first
    while True:
        for recorded in page:
            after = recorded.seq
            yield ServerSentEvent(
                event=type(recorded.fact).__name__, id=str(after), raw_data=write(event_view(recorded)).decode()
            )
        if len(page) < _PAGE:
            if not feed.follow:
                return
            await following.doorbell.pause(after, _PATIENCE_S)
        try:
            page = await anyio.to_thread.run_sync(feed.read, after, limiter=following.readers)
        except SuanliError as error:
            yield problem_event(error, feed.visit.language)
            return
