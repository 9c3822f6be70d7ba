"""What every notifier must do, whoever takes its messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pytest

from suanli.model.errors import InvalidRequestError, MessageRefusedError, NotifierUnavailableError
from suanli.ports.notify import Message, Notifier


class Receiver(Protocol):
    """The other side, as a test handles it."""

    @property
    def notifier(self) -> Notifier: ...
    @property
    def good(self) -> str:
        """An address that is taken."""
        ...

    @property
    def bad(self) -> str:
        """One that may be sent to and is refused."""
        ...

    @property
    def malformed(self) -> Sequence[str]:
        """What is no address."""
        ...

    def received(self) -> list[tuple[str, str]]:
        """The subject and the text of what arrived, in order."""
        ...

    def falter(self) -> None:
        """Answer that now is not the time."""
        ...

    def vanish(self) -> None:
        """Answer no more."""
        ...


def message(address: str, subject: str = "[suanli] 风 (7) has ended: completed") -> Message:
    """Something to tell, in letters of two alphabets."""
    text = "relax（7）has ended\n.\nstate: completed\n"
    return Message(address=address, subject=subject, text=text, content={"workload": 7, "state": "completed"})


class NotifierContract:
    """To be run with a fixture ``receiver``."""

    def test_a_message_arrives_as_it_was_sent(self, receiver: Receiver) -> None:
        receiver.notifier.check(receiver.good)
        for _ in range(2):
            receiver.notifier.send(message(receiver.good))
        sent = message(receiver.good)
        assert receiver.received() == [(sent.subject, sent.text)] * 2

    def test_what_is_no_address_is_told_before_anything_is_sent(self, receiver: Receiver) -> None:
        for address in ("", " ", *receiver.malformed):
            with pytest.raises(InvalidRequestError) as caught:
                receiver.notifier.check(address)
            assert caught.value.field == "address"
        assert receiver.received() == []

    def test_a_refusal_is_for_good(self, receiver: Receiver) -> None:
        with pytest.raises(MessageRefusedError):
            receiver.notifier.send(message(receiver.bad))
        receiver.notifier.send(message(receiver.good))
        assert len(receiver.received()) == 1

    def test_what_cannot_be_handed_over_now_may_be_sent_later(self, receiver: Receiver) -> None:
        receiver.falter()
        with pytest.raises(NotifierUnavailableError):
            receiver.notifier.send(message(receiver.good))
        receiver.vanish()
        with pytest.raises(NotifierUnavailableError):
            receiver.notifier.send(message(receiver.good))
        assert receiver.received() == []
