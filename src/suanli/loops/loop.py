"""A loop: one thread that waits for something to do and does one turn at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from suanli.model.errors import SuanliError

_log = logging.getLogger("suanli.loops")

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 30.0


class Loop:
    """Calls ``turn`` until told to stop. ``turn`` itself waits for work, a bounded time.

    A typed error ends the turn, not the loop: it is logged and the next turn comes after a pause that doubles up to
    30 s. Anything else is a defect: it ends the loop, the thread prints it, and the readiness check says so.
    """

    def __init__(self, name: str, turn: Callable[[], None]) -> None:
        self.name = name
        self._turn = turn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._ended = False

    def start(self) -> None:
        """Begin turning."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for the end; the turn under way is finished."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        """Whether it turns."""
        return self._thread.is_alive() and not self._ended

    def _run(self) -> None:
        pause = _FIRST_PAUSE_S
        try:
            while not self._stop.is_set():
                try:
                    self._turn()
                    pause = _FIRST_PAUSE_S
                except SuanliError as error:
                    _log.warning("loop %s: %s: %s; next turn in %.1f s", self.name, error.code, error, pause)
                    self._stop.wait(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE_S)
        finally:
            self._ended = True
