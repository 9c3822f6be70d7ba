"""HTTP to one server through the standard library: kept-alive, retried where that is safe, problems made errors."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from suanli_cli import __version__
from suanli_cli.connection import Connection
from suanli_cli.errors import BadAnswer, Unavailable, Unreachable, refused
from suanli_cli.language import active, say
from suanli_cli.sse import ServerEvent, read_events

ANSWER_TIMEOUT_S = 30.0
STREAM_SILENCE_S = 60.0
"""A stream silent for so long is opened anew: the connection may be dead without either side knowing."""
ATTEMPTS = 6
"""How often one request is sent before the server counts as gone."""
OPENINGS = 20
"""How often in a row a followed stream is opened in vain, over most of a minute: time to restart a server."""
_LONGEST_PAUSE_S = 3.0
PIECE_BYTES = 1 << 20

Query = Mapping[str, object]
_BROKEN = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: headers by lower-case name, and the whole body."""

    headers: Mapping[str, str]
    body: bytes


class Transport:
    """One server, spoken to by one thread at a time; `follow` opens a connection of its own and may run beside it.

    An answer may take ``patience_s`` seconds. ``pause`` waits the seconds it is given; tests hand in one that does not.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        patience_s: float = ANSWER_TIMEOUT_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._patience_s = patience_s
        self._url = connection.url
        self._parts = urlsplit(connection.url)
        self._token = connection.token
        self._pause = pause
        self._kept: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, *, query: Query | None = None, body: object = None) -> Answer:
        """Ask once, whatever the network does: each POST carries one idempotency key through all its attempts.

        Raises:
            Unreachable: no connection, or it was lost on every attempt.
            Refused: the server said no.
        """
        headers = self._headers("application/json")
        payload = None
        if body is not None:
            payload = json.dumps(body, ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        if method == "POST":
            headers["Idempotency-Key"] = os.urandom(16).hex()
        target = self._target(path, query)
        for attempt in itertools.count(1):
            try:
                return self._exchange(method, target, payload, headers)
            except TimeoutError as error:
                raise Unreachable(say("error.timeout", url=self._url)) from error
            except _BROKEN as error:
                # Refused at first means no server; after a loss it means one that is being restarted.
                refused_at_once = attempt == 1 and isinstance(error, (ConnectionRefusedError, socket.gaierror))
                if refused_at_once or attempt == ATTEMPTS:
                    raise self._unreachable(error) from error
            self._pause(_backoff_s(attempt))
        raise AssertionError  # itertools.count does not end

    def document(self, method: str, path: str, *, query: Query | None = None, body: object = None) -> Any:
        """`send`, with the answer read as JSON."""
        return _parsed(self.send(method, path, query=query, body=body).body, self._url)

    def events(self, path: str, *, query: Query | None = None) -> Iterator[ServerEvent]:
        """The events of a stream that ends by itself.

        Raises:
            Unreachable: no connection, or it was lost.
            Refused: the server said no.
        """
        try:
            with self._opened(path, query) as response:
                yield from read_events(iter(response.readline, b""))
        except _BROKEN as error:
            raise self._unreachable(error) from error

    def download(self, path: str) -> Iterator[bytes]:
        """The body in pieces, so that a file of any size passes through.

        Raises:
            Unreachable: the connection was lost; what came before is not the whole.
            Refused: the server said no.
        """
        try:
            with self._opened(path, accept="application/octet-stream") as response:
                while piece := response.read(PIECE_BYTES):
                    yield piece
        except _BROKEN as error:
            raise self._unreachable(error) from error

    def follow(self, path: str, *, query: Query | None = None, end: str = "") -> Iterator[ServerEvent]:
        """The events of a stream, opened again after the last one seen whenever it breaks, until the ``end`` event.

        Raises:
            Unreachable: the server did not come back.
            Refused: the server said no.
        """
        last, failures = "", 0
        while True:
            try:
                with self._opened(path, query, last) as response:
                    failures = 0
                    for event in read_events(iter(response.readline, b"")):
                        last = event.id or last
                        yield event
                        if event.type == end:
                            return
            except (*_BROKEN, Unavailable) as error:
                if failures == OPENINGS:
                    raise self._unreachable(error) from error
            failures += 1
            self._pause(_backoff_s(failures))

    def close(self) -> None:
        """Close the kept connection; the next request opens one."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _exchange(self, method: str, target: str, payload: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = self._kept or self._connect(self._patience_s)
        # Kept only after a whole exchange: whatever interrupts one leaves nothing half-read behind.
        self._kept = None
        try:
            connection.request(method, target, payload, dict(headers))
            response = connection.getresponse()
            body = response.read()
        except _BROKEN:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._kept = connection
        if response.status >= 400:
            raise refused(response.status, _problem(body))
        return Answer({name.lower(): value for name, value in response.getheaders()}, body)

    @contextmanager
    def _opened(
        self, path: str, query: Query | None = None, last: str = "", accept: str = "text/event-stream"
    ) -> Iterator[http.client.HTTPResponse]:
        headers = self._headers(accept) | ({"Last-Event-ID": last} if last else {})
        with closing(self._connect(STREAM_SILENCE_S)) as connection:
            connection.request("GET", self._target(path, query), None, headers)
            with connection.getresponse() as response:
                if response.status >= 400:
                    raise refused(response.status, _problem(response.read()))
                yield response

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(self._parts.netloc, timeout=timeout_s)
        return http.client.HTTPConnection(self._parts.netloc, timeout=timeout_s)

    def _target(self, path: str, query: Query | None) -> str:
        given = {name: value for name, value in (query or {}).items() if value not in {None, "", ()}}
        return self._parts.path + (f"{path}?{urlencode(given, doseq=True)}" if given else path)

    def _headers(self, accept: str) -> dict[str, str]:
        headers = {"Accept": accept, "Accept-Language": active(), "User-Agent": f"suanli/{__version__}"}
        return headers | ({"Authorization": f"Bearer {self._token}"} if self._token else {})

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(
            say("error.unreachable", url=self._url, why=str(error) or type(error).__name__), say("hint.up")
        )


def _backoff_s(attempt: int) -> float:
    return float(min(0.05 * 2**attempt, _LONGEST_PAUSE_S))


def _problem(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _parsed(body: bytes, url: str) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError as error:
        raise BadAnswer(say("error.not_json", url=url), say("hint.server_address")) from error
