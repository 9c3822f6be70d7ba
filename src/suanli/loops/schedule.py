"""Schedule: whenever something happened, let the kernel plan and record what it decided."""

from __future__ import annotations

import time

from suanli.model.ids import FactSeq
from suanli.ports.store import Store
from suanli.services.scheduling import Scheduling

_WAIT_S = 0.5
"""The longest wait of one turn, so that a loop told to stop soon does."""
_ANYWAY_S = 10.0
"""Without news it plans this often, because time passes."""
_GATHER_S = 0.002
_LONGEST_GATHER_S = 0.04
"""A pause after each turn, this long for each run placed: in a burst the next one then plans for many changes at once;
the first never waits."""


class Schedule:
    """Turns of the center's one planner."""

    def __init__(self, store: Store, scheduling: Scheduling) -> None:
        self._store = store
        self._scheduling = scheduling
        self._seen = FactSeq(0)
        self._planned_at = float("-inf")

    def turn(self) -> None:
        """Wait for facts, or for an advance reservation to start or to end, then plan."""
        newest = self._store.wait(self._seen, _WAIT_S)
        is_idle = newest == self._seen and not self._scheduling.is_due()
        if is_idle and time.monotonic() - self._planned_at < _ANYWAY_S:
            return
        report = self._scheduling.turn()
        self._seen = newest
        self._planned_at = time.monotonic()
        time.sleep(min(_LONGEST_GATHER_S, _GATHER_S * (1 + report.placed)))
