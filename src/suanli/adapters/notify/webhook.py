"""Requests to people's own web services: one POST of JSON for each message."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from suanli.model.errors import (
    InvalidRequestError,
    MessageRefusedError,
    NotifierUnavailableError,
    UnsupportedError,
)
from suanli.ports.notify import Message

_TIMEOUT_S = 20.0
_AGAIN = frozenset({408, 425, 429})


class WebhookNotifier:
    """Posts over https to hosts that the administrator named, and follows no redirect (port ``Notifier``).

    A server that sends requests wherever its users say would lend them its place in the network, so no other host is
    ever spoken to.
    """

    def __init__(self, hosts: Collection[str], tls: ssl.SSLContext | None = None) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._tls = tls or ssl.create_default_context()

    def check(self, address: str) -> None:
        self._parts(address)

    def route(self, address: str) -> str:
        return urlsplit(address).netloc

    def send(self, message: Message) -> None:
        try:
            parts = self._parts(message.address)
        except (InvalidRequestError, UnsupportedError) as error:
            raise MessageRefusedError(str(error)) from error
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        body = json.dumps({"subject": message.subject, "text": message.text, **message.content}, ensure_ascii=False)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=_TIMEOUT_S, context=self._tls
        )
        try:
            connection.request("POST", path, body.encode(), {"Content-Type": "application/json"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise NotifierUnavailableError(f"{parts.hostname} does not answer: {error}") from error
        finally:
            connection.close()
        if status >= 500 or status in _AGAIN:
            raise NotifierUnavailableError(f"{parts.hostname} answers {status}")
        if not 200 <= status < 300:
            raise MessageRefusedError(f"{parts.hostname} answers {status}")

    def _parts(self, address: str) -> SplitResult:
        # No blank and no control character may reach the request line.
        if not address.isascii() or any(character <= " " or character == "\x7f" for character in address):
            raise InvalidRequestError("address", "an address of a web service is of printable ASCII without spaces")
        try:
            parts = urlsplit(address)
            _ = parts.port
        except ValueError as error:
            raise InvalidRequestError("address", f"{address!r} is no address of a web service: {error}") from error
        if parts.scheme != "https" or not parts.hostname or parts.username is not None:
            raise InvalidRequestError("address", "web services are named by https://HOST/..., without a user")
        if parts.netloc.lower() not in self._hosts:
            raise UnsupportedError(
                "notify", f"this center sends nothing to {parts.netloc}", "an administrator may allow the host"
            )
        return parts
