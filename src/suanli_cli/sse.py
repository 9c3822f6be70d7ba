"""Server-sent events, as the HTML Living Standard, section 9.2.6, says to read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its ``id`` (empty if it has none), its type, and its data lines joined by newlines."""

    id: str
    type: str
    data: str


def read_events(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Yield the events of a stream of lines; one cut off before its blank line is dropped, as the standard says."""
    identity, kind, data = "", "", list[str]()
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            if data:
                yield ServerEvent(identity, kind or "message", "\n".join(data))
            identity, kind, data = "", "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            kind = value
        elif field == "id":
            identity = value
