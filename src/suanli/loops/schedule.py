"""Schedule: whenever something happened, let the kernel plan and record what it decided."""

from __future__ import annotations

import time

from suanli.model.ids import FactSeq
from suanli.ports.store import Store
from suanli.services.scheduling import Scheduling

_WAIT_S = 10.0
_GATHER_S = 0.005
"""A pause after each turn: in a burst the next one then plans for many changes at once; the first never waits."""


class Schedule:
    """Turns of the center's one planner; with nothing new it plans every ten seconds, because time passes."""

    def __init__(self, store: Store, scheduling: Scheduling) -> None:
        self._store = store
        self._scheduling = scheduling
        self._seen = FactSeq(0)

    def turn(self) -> None:
        """Wait for facts, then plan."""
        self._seen = self._store.wait(self._seen, _WAIT_S)
        self._scheduling.turn()
        time.sleep(_GATHER_S)
