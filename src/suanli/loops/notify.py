"""Notify: tells people what they asked to be told of, after the facts and never before them.

At least once: a server that is killed between sending and remembering sends again. What the other side does not take
is tried again, later each time, for half a day; what it refuses is dropped, and neither keeps others waiting.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from suanli.model.errors import MessageRefusedError, NotifierUnavailableError
from suanli.model.ids import FactSeq
from suanli.ports.notify import Notifier
from suanli.ports.store import Store
from suanli.services.notifications import Letter, Notifications

_log = logging.getLogger("suanli.loops")

_WAIT_S = 0.5
_AT_ONCE = 1000
"""Facts looked at in one turn."""
_UNSAID = 10_000
"""Facts of which nobody is told, before it is put on record that they were looked at."""
_PAUSES_S = (10, 60, 300, 900, 3600, 3600, 7200, 14_400, 14_400)
"""Before each further try."""


@dataclass(slots=True)
class _Waiting:
    letter: Letter
    tries: int = 0
    due_s: float = 0.0


class Notify:
    """Turns over all facts. What was told is on record by a cursor; what waits for another try lies before it."""

    def __init__(self, store: Store, notifications: Notifications, notifier: Notifier) -> None:
        self._store = store
        self._notifications = notifications
        self._notifier = notifier
        self._told = self._seen = notifications.begin()
        self._waiting: list[_Waiting] = []

    @property
    def caught_up(self) -> FactSeq:
        """The last fact that was looked at."""
        return self._seen

    def turn(self) -> None:
        """Wait for facts or for the time of another try, then tell what is due."""
        newest = self._store.wait(self._seen, _WAIT_S)
        if newest > self._seen:
            news = self._store.news(self._seen, _AT_ONCE)
            self._waiting += [_Waiting(letter) for letter in self._notifications.letters(news)]
            self._seen = news[-1].seq if news else self._seen
        before = len(self._waiting)
        self._send()
        upto = self._waiting[0].letter.seq - 1 if self._waiting else self._seen
        if upto > self._told and (len(self._waiting) < before or upto - self._told >= _UNSAID):
            self._notifications.told(FactSeq(upto))
            self._told = FactSeq(upto)

    def _send(self) -> None:
        """Try what is due; a route that fails once is left alone until the next turn, so that others need not wait."""
        failed: set[str] = set()
        left = []
        for waiting in self._waiting:
            route = self._notifier.route(waiting.letter.message.address)
            if waiting.due_s > time.monotonic() or route in failed:
                left.append(waiting)
            elif not self._settled(waiting):
                failed.add(route)
                left.append(waiting)
        self._waiting = left

    def _settled(self, waiting: _Waiting) -> bool:
        """Try to send; True where there is nothing more to try."""
        message = waiting.letter.message
        try:
            self._notifier.send(message)
        except MessageRefusedError as refusal:
            _log.warning("fact %d is not told to %s: %s", waiting.letter.seq, message.address, refusal)
        except NotifierUnavailableError as error:
            if waiting.tries < len(_PAUSES_S):
                waiting.due_s = time.monotonic() + _PAUSES_S[waiting.tries]
                waiting.tries += 1
                return False
            _log.warning("fact %d is not told to %s, and no more tried: %s", waiting.letter.seq, message.address, error)
        return True
