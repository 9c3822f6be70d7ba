"""Mail addresses to one notifier, addresses of web services to another."""

from __future__ import annotations

from suanli.ports.notify import Message, Notifier


class ByAddress:
    """Hands each message to the notifier for its kind of address (port ``Notifier``)."""

    def __init__(self, *, mail: Notifier, web: Notifier) -> None:
        self._mail = mail
        self._web = web

    def check(self, address: str) -> None:
        self._for(address).check(address)

    def route(self, address: str) -> str:
        return self._for(address).route(address)

    def send(self, message: Message) -> None:
        self._for(message.address).send(message)

    def _for(self, address: str) -> Notifier:
        return self._web if "://" in address else self._mail
