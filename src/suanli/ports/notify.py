"""Notify: how the center reaches people who asked to be told. One notifier for each kind of address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one person or program is told: a line, a text for reading, and the same as names and values."""

    address: str
    subject: str
    text: str
    content: Mapping[str, str | int]


class Notifier(Protocol):
    """Sends messages. Sending one twice tells twice, so whoever calls keeps count of what was sent."""

    def check(self, address: str) -> None:
        """Let an address pass that messages can be sent to; nothing is sent.

        Raises:
            InvalidRequestError: it is no address; ``field`` is ``address``.
            UnsupportedError: this center does not send to such addresses.
        """
        ...

    def route(self, address: str) -> str:
        """What addresses share that are reached the same way: where it is out of order, nobody on it is reached."""
        ...

    def send(self, message: Message) -> None:
        """Hand a message over for delivery; when this returns, it is another's to deliver.

        Raises:
            NotifierUnavailableError: it cannot be handed over now; later it may.
            MessageRefusedError: it will never be taken.
        """
        ...
