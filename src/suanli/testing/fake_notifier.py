"""A fake notifier: keeps what it is given; a test says whom it refuses and which routes are out of order."""

from __future__ import annotations

from dataclasses import dataclass, field

from suanli.model.errors import InvalidRequestError, MessageRefusedError, NotifierUnavailableError
from suanli.ports.notify import Message


@dataclass
class FakeNotifier:
    """Takes NAME@ROUTE (port ``Notifier``)."""

    sent: list[Message] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    out_of_order: set[str] = field(default_factory=set)

    def check(self, address: str) -> None:
        if "@" not in address:
            raise InvalidRequestError("address", f"{address!r} is not NAME@ROUTE")

    def route(self, address: str) -> str:
        return address.rpartition("@")[2]

    def send(self, message: Message) -> None:
        if self.route(message.address) in self.out_of_order:
            raise NotifierUnavailableError(f"{self.route(message.address)} is out of order")
        if message.address in self.refused:
            raise MessageRefusedError(f"{message.address} is refused")
        self.sent.append(message)
