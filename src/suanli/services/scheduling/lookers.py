"""Who looks ahead just now: few at a time, for each takes a processor and a copy of the center meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from suanli.model.errors import BusyError
from suanli.model.ids import UserName

AT_ONCE = 2
"""How many may look ahead at a time, each for another user."""


class Lookers:
    """The users for whom somebody looks ahead."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: set[UserName] = set()

    @contextmanager
    def entered(self, user: UserName) -> Iterator[None]:
        """Be one of them for a while.

        Raises:
            BusyError: the user is one already, or there are as many as may be.
        """
        with self._lock:
            if user in self._users:
                raise BusyError("you are asking already", "ask again when that is answered")
            if len(self._users) == AT_ONCE:
                raise BusyError(f"{AT_ONCE} others are asking", "ask again in a few seconds")
            self._users.add(user)
        try:
            yield
        finally:
            with self._lock:
                self._users.remove(user)
