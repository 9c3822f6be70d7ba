"""Logs and outputs: what runs wrote, as ranges and live."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from suanli.api.doorbell import LastEventId, problem_event
from suanli.api.operations import Responses, follows, gives, refuses
from suanli.api.schemas.fields import Name
from suanli.api.schemas.logs import EndView, OutputsView, OutputView, TextView
from suanli.api.visit import AnyVisit, Visit, answer, write
from suanli.api.workloads import Ref
from suanli.model.errors import (
    EngineUnavailableError,
    NotFoundError,
    SuanliError,
    UnsupportedError,
)
from suanli.model.workload import RunState
from suanli.ports.engine import LogChunk, Stream
from suanli.services.workloads import WorkloadRef, parse_ref

router = APIRouter(prefix="/v1/workloads", tags=["logs"])

_MEBI = 1024 * 1024
_PIECE = 256 * 1024
_SOON_S, _LATE_S = 0.1, 1.0
"""A silent file is looked at after 0.1 s, then ever later up to 1 s. Files tell nobody that they grow over a network
file system, which is where logs of a cluster lie, so looking is the way that always works."""

Streamed = Annotated[Stream, Query(description="Which output.")]
Attempt = Annotated[int, Query(ge=0, lt=10**9, description="Which attempt; 0 for the latest.")]
Offset = Annotated[int, Query(gt=-(2**53), lt=2**53, description="First byte; negative counts from the end.")]
_BYTES: Responses = {
    200: {
        "description": "The bytes.",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": "hello\n"}
        },
        "headers": {
            "Suanli-Log-Offset": {"description": "Offset of the first byte.", "schema": {"type": "integer"}},
            "Suanli-Log-Size": {"description": "Length of the whole so far.", "schema": {"type": "integer"}},
        },
    }
}


@router.get(
    "/{ref}/logs",
    response_class=Response,
    responses={**_BYTES, **refuses(NotFoundError, UnsupportedError, EngineUnavailableError)},
)
def read_log(
    visit: AnyVisit,
    ref: Ref,
    stream: Streamed = Stream.STDOUT,
    run: Attempt = 0,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=16 * _MEBI, description="Most bytes.")] = _MEBI,
) -> Response:
    """Read a piece of the output of a run."""
    chunk = visit.services.workloads.log(
        visit.caller, parse_ref(ref), attempt=run, stream=stream, offset=offset, limit=limit
    )
    headers = {"Suanli-Log-Offset": str(chunk.offset), "Suanli-Log-Size": str(chunk.size)}
    return Response(chunk.data, 200, headers, "application/octet-stream")


_TOLD = 'event: chunk\ndata: {"offset":0,"text":"hello\\n"}\nid: 6\n\nevent: end\ndata: {"state":"completed"}\n\n'


@dataclass(slots=True)
class Tail:
    """A followed output. Reading it is left to worker threads, a few for all tails together."""

    visit: Visit
    ref: WorkloadRef
    stream: Stream
    attempt: int
    offset: int

    def read(self) -> LogChunk | None:
        """The next piece; None while there is no run yet.

        Raises:
            NotAuthenticatedError: the token is good no more.
            NotFoundError: the output was cleaned away.
        """
        caller = self.visit.authenticate()
        if self.attempt == 0:
            self.attempt = self.visit.services.workloads.show(caller, self.ref).workload.attempt
        if self.attempt == 0:
            return None
        return self.visit.services.workloads.log(
            caller, self.ref, attempt=self.attempt, stream=self.stream, offset=self.offset, limit=_PIECE
        )

    def ended(self) -> str | None:
        """The workload's state once the followed run is over, or once no run will ever be."""
        shown = self.visit.services.workloads.show(self.visit.caller, self.ref)
        over = any(run.attempt == self.attempt and run.state is RunState.ENDED for run in shown.runs)
        return shown.workload.state if over or shown.workload.state.final else None


def open_tail(
    visit: AnyVisit,
    ref: Ref,
    stream: Streamed = Stream.STDOUT,
    run: Attempt = 0,
    offset: Offset = 0,
    last_event_id: LastEventId = None,
) -> Tail:
    """Open a tail; runs before the answer begins, so that a refusal is still a refusal."""
    if last_event_id is not None:
        offset = int(last_event_id)
    named = parse_ref(ref)
    shown = visit.services.workloads.show(visit.caller, named)
    if run > shown.workload.attempt:
        raise NotFoundError("run", f"{named}.{run}")
    return Tail(visit, named, stream, run or shown.workload.attempt, offset)


@router.get(
    "/{ref}/logs/live",
    response_class=EventSourceResponse,
    responses={
        **follows(
            'event: chunk\ndata: {"offset":0,"text":"hello\\n"}\nid: 6\n\nevent: end\ndata: {"state":"completed"}\n\n'
        ),
        **refuses(NotFoundError, UnsupportedError),
    },
)
async def follow_log(tail: Annotated[Tail, Depends(open_tail)]) -> AsyncIterator[ServerSentEvent]:
    """Follow the output of a run as server-sent events, from before it begins until it has ended.

    Event `chunk` has the offset of the next byte as its id and `{offset, text}` as data; `end` comes with the state of
    the workload when the run is over and all was sent; `problem` with a problem document where no more can be told.
    """
    following = tail.visit.following
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    state: str | None = None
    delay = _SOON_S
    while True:
        seen = following.doorbell.newest
        try:
            chunk = await anyio.to_thread.run_sync(tail.read, limiter=following.readers)
            data = b"" if chunk is None else chunk.data
            if not data and state is None:
                state = await anyio.to_thread.run_sync(tail.ended, limiter=following.readers)
                if state is None:
                    await following.doorbell.pause(seen, delay)
                    delay = min(2 * delay, _LATE_S)
                continue
        except SuanliError as error:
            yield problem_event(error, tail.visit.language)
            return
        event, tail.offset = _text(decoder, chunk, tail.offset)
        if event is not None:
            yield event
        if not data:
            yield ServerSentEvent(event="end", raw_data=write(EndView(state=state or "")).decode())
            return
        delay = _SOON_S


def _text(
    decoder: codecs.IncrementalDecoder, chunk: LogChunk | None, offset: int
) -> tuple[ServerSentEvent | None, int]:
    """The event for a piece, empty for the last, and the offset of the next. Ids stand between characters."""
    held = len(decoder.getstate()[0])
    data = b"" if chunk is None else chunk.data
    begin = offset if chunk is None else chunk.offset
    text = decoder.decode(data, final=not data)
    following = begin + len(data)
    if not text:
        return None, following
    view = TextView(offset=max(0, begin - held), text=text)
    resume = following - len(decoder.getstate()[0])
    return ServerSentEvent(event="chunk", id=str(max(0, resume)), raw_data=write(view).decode()), following


@router.get(
    "/{ref}/outputs",
    response_model=OutputsView,
    responses={
        **gives(200, "The outputs.", {"items": [{"name": "fit.png", "path": "fit.png", "size_bytes": 48211}]}),
        **refuses(NotFoundError, UnsupportedError, EngineUnavailableError),
    },
)
def list_outputs(visit: AnyVisit, ref: Ref) -> Response:
    """List the declared outputs that the latest run left."""
    found = visit.services.workloads.outputs(visit.caller, parse_ref(ref))
    return answer(OutputsView(items=[OutputView(name=o.name, path=o.path, size_bytes=o.size_bytes) for o in found]))


@router.get(
    "/{ref}/outputs/{name}",
    response_class=Response,
    responses={**_BYTES, **refuses(NotFoundError, UnsupportedError, EngineUnavailableError)},
)
def download_output(
    visit: AnyVisit,
    ref: Ref,
    name: Annotated[Name, Path(description="The output.", openapi_examples={"fit": {"value": "fit.png"}})],
) -> Response:
    """Download one declared output of the latest run."""
    workloads, caller, named = visit.services.workloads, visit.caller, parse_ref(ref)
    first = workloads.output(caller, named, name, 0, _PIECE)

    def pieces() -> Iterator[bytes]:
        sent, piece = 0, first.data
        while piece and sent < first.size:
            yield piece[: first.size - sent]
            sent += len(piece)
            piece = workloads.output(caller, named, name, sent, _PIECE).data

    headers = {"Content-Length": str(first.size), "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces(), 200, headers, "application/octet-stream")
