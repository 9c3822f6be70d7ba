"""A center that reaches nobody: whoever asks to be told learns so when they submit."""

from __future__ import annotations

from suanli.model.errors import MessageRefusedError, UnsupportedError
from suanli.ports.notify import Message


class NoNotifier:
    """Takes no address (port ``Notifier``)."""

    def check(self, address: str) -> None:
        kind = "web services" if address.startswith("https:") else "mail addresses"
        raise UnsupportedError("notify", f"this center sends nothing to {kind}", "follow the events instead")

    def route(self, address: str) -> str:
        return address

    def send(self, message: Message) -> None:
        raise MessageRefusedError(f"this center sends nothing to {message.address}")
