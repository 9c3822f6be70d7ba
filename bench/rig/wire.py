"""A lean HTTP/1.1 client for load: the clients of a measurement share the machine with what they measure.

One thread drives any number of kept-alive connections; only what an answer needs is parsed (status and length).
"""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 60.0


class WireError(ConnectionError):
    """The connection broke, or what came back was no HTTP: whether the request was carried out is not known."""


class RefusedError(RuntimeError):
    """The server answered, and not with success."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"status {status}: {body[:2000].decode(errors='replace')}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, and the bearer token that it takes."""

    url: str
    token: str

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def request(self, method: str, path: str, body: object = None, *, key: str = "") -> bytes:
        """A whole request, ready to be sent."""
        payload = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        host, port = self.place
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{port}", f"Authorization: Bearer {self.token}"]
        if key:
            lines.append(f"Idempotency-Key: {key}")
        if body is not None:
            lines.append("Content-Type: application/json")
        lines.append(f"Content-Length: {len(payload)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


class Wire:
    """One kept-alive connection with one request under way at a time; opened at the first use."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._socket: socket.socket | None = None
        self._buffer = bytearray()

    def close(self) -> None:
        """Close the connection; the next request opens one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._buffer.clear()

    def call(self, method: str, path: str, body: object = None, *, key: str = "") -> Any:
        """Ask once and return the answer's JSON.

        Raises:
            WireError: no answer came.
            RefusedError: the answer was not a success.
        """
        status, payload = self.exchange(self.address.request(method, path, body, key=key))
        if status >= 300:
            raise RefusedError(status, payload)
        return json.loads(payload) if payload else None

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a whole request and return status and body.

        Raises:
            WireError: no answer came.
        """
        self.send(request)
        while (answer := self.receive()) is None:
            pass
        return answer

    def send(self, request: bytes) -> None:
        """Send a whole request.

        Raises:
            WireError: nobody takes it.
        """
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self.address.place, timeout=_TIMEOUT_S)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(request)
        except OSError as error:
            self.close()
            raise WireError(str(error)) from error

    def receive(self) -> tuple[int, bytes] | None:
        """Read once what is there; status and body when the answer is whole, else None.

        Raises:
            WireError: the connection broke, or took too long.
        """
        if self._socket is None:
            raise WireError("not connected")
        try:
            piece = self._socket.recv(1 << 18)
        except OSError as error:
            self.close()
            raise WireError(str(error)) from error
        if not piece:
            self.close()
            raise WireError("closed before the answer was whole")
        self._buffer += piece
        return self._answer()

    def _answer(self) -> tuple[int, bytes] | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self._buffer[:end]).lower()
        _, _, after = head.partition(b"content-length:")
        if not after and not head.startswith(b"http/1.1 204"):
            self.close()
            raise WireError("an answer without a length")
        length = int(after.partition(b"\r\n")[0] or 0)
        if len(self._buffer) < end + 4 + length:
            return None
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        self._buffer.clear()
        return int(head[9:12]), body

    def fileno(self) -> int:
        """The socket, for a selector."""
        if self._socket is None:
            raise WireError("not connected")
        return self._socket.fileno()


def drive(wires: Sequence[Wire], requests: Iterable[bytes]) -> Iterator[tuple[float, bytes]]:
    """Send all requests, one under way on each wire; yield seconds and body of each answer as it comes.

    Raises:
        WireError: an answer did not come.
        RefusedError: an answer was not a success.
    """
    left = iter(requests)
    began: dict[Wire, float] = {}
    with selectors.DefaultSelector() as selector:
        for wire in wires:
            if (request := next(left, None)) is not None:
                began[wire] = time.perf_counter()
                wire.send(request)
                selector.register(wire, selectors.EVENT_READ, wire)
        while began:
            ready = selector.select(_TIMEOUT_S)
            if not ready:
                raise WireError("no answer within the time")
            for key, _ in ready:
                wire = key.data
                answer = wire.receive()
                if answer is None:
                    continue
                status, body = answer
                if status >= 300:
                    raise RefusedError(status, body)
                yield time.perf_counter() - began.pop(wire), body
                if (request := next(left, None)) is None:
                    selector.unregister(wire)
                    continue
                began[wire] = time.perf_counter()
                wire.send(request)
