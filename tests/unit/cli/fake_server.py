"""A fake of the server: real HTTP, canned answers in the contract's form, and a record of what was asked."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; header names in lower case, ``peer`` the client's port."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    peer: int


@dataclass(frozen=True)
class Reply:
    """An answer. ``drop`` closes the connection instead of (or, in a stream, after) answering."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    events: Sequence[str] | None = None
    drop: bool = False


Answer = Reply | Sequence[Reply] | Callable[[Asked], Reply]


class FakeServer:
    """Answers each route with its replies in turn, the last one again and again; unknown routes with 404."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], Answer] = {}
        self._turns: dict[tuple[str, str], int] = {}

    def on(self, method: str, path: str, answer: Answer) -> None:
        """Say what a route answers."""
        self._answers[method, path] = answer
        self._turns[method, path] = 0

    def asked_of(self, method: str, path: str) -> list[Asked]:
        """What one route was asked."""
        return [asked for asked in self.asked if (asked.method, asked.path) == (method, path)]

    def reply(self, asked: Asked) -> Reply:
        """What to answer now."""
        self.asked.append(asked)
        route = (asked.method, asked.path)
        answer = self._answers.get(route)
        if answer is None:
            return problem(404, "not_found", f"no route {route}")
        if callable(answer):
            return answer(asked)
        if isinstance(answer, Reply):
            return answer
        turn = min(self._turns[route], len(answer) - 1)
        self._turns[route] += 1
        return answer[turn]


def problem(status: int, code: str, detail: str, **more: Any) -> Reply:
    """A problem document, as RFC 9457 has it."""
    body = {"type": f"urn:suanli:error:{code}", "status": status, "code": code, "detail": detail, **more}
    return Reply(body, status, {"Content-Type": "application/problem+json"})


@contextmanager
def fake_server() -> Iterator[FakeServer]:
    """A fake on a free port of loopback."""
    server = _Listener(("127.0.0.1", 0), _Handler)
    fake = server.fake
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Listener(ThreadingHTTPServer):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.fake = FakeServer(f"http://127.0.0.1:{self.server_port}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may leave in the middle of an answer; anything else is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        asked = Asked(
            method=self.command,
            path=parts.path,
            query=parse_qs(parts.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=json.loads(raw) if raw else None,
            peer=self.client_address[1],
        )
        assert isinstance(self.server, _Listener)
        reply = self.server.fake.reply(asked)
        if reply.events is not None:
            self._stream(reply)
        elif reply.drop:
            self.close_connection = True
        else:
            self._send(reply)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815  the base class's names

    def _send(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in reply.events or ():
            data = event.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        if reply.drop:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""
