"""Launch: tells an engine what the facts decided: runs to start, runs to stop, signals, new time limits.

One thread an engine, so that a launch and a stop of the same run can never cross.
"""

from __future__ import annotations

import time

from suanli.model.facts import RunEnded, RunStarted, WorkloadSubmitted
from suanli.model.ids import FactSeq, RunId
from suanli.model.workload import Run, StopCause
from suanli.ports.engine import ChangesTimeLimit, Engine, ObservedState, Signals
from suanli.ports.store import Store
from suanli.services.workloads import Runs

_WAIT_S = 0.5
"""The longest wait of one turn, so that a loop told to stop soon does."""
_TELL_AGAIN_S = 30.0
_GRACE_S = 10
_NO_ERRAND = (WorkloadSubmitted, RunStarted, RunEnded)
"""What an engine has said itself, and what waits for the planner."""


class Launch:
    """Turns of one engine. What was told is remembered only to spare the engine; after 30 s it is told again."""

    def __init__(self, store: Store, runs: Runs, engine: Engine) -> None:
        self._store = store
        self._runs = runs
        self._engine = engine
        self._seen = FactSeq(0)
        standing = runs.standing(engine.name)
        self._asked = standing.upto
        self._limits = dict(standing.time_limits)
        self._launched: set[RunId] = set()
        self._stopped: dict[RunId, StopCause | None] = {}
        self._told_at = time.monotonic()

    def turn(self) -> None:
        """Wait for facts, then tell the engine what follows from the tables."""
        newest = self._store.wait(self._seen, _WAIT_S)
        again = time.monotonic() - self._told_at > _TELL_AGAIN_S
        if not again and not self._concerned(newest):
            self._seen = newest
            return
        if again:
            self._launched.clear()
            self._stopped.clear()
            self._told_at = time.monotonic()
        errands = self._runs.errands(self._engine.name, self._launched)
        if errands.launch:
            self._engine.submit(errands.launch)
            self._launched.update(order.run for order in errands.launch)
        for run in errands.stop:
            if self._stopped.get(run.id) is not run.stop:
                self._end(run)
        self._pass_on()
        self._seen = newest

    def _concerned(self, newest: FactSeq) -> bool:
        """Whether anything up to ``newest`` could lead to an errand; of a server's first turn everything could."""
        if not self._seen:
            return True
        news = self._store.news(self._seen, newest - self._seen)
        return any(not isinstance(recorded.fact, _NO_ERRAND) for recorded in news)

    def _end(self, run: Run) -> None:
        if run.stop is None:
            return
        self._engine.cancel(run.id, run.stop, _GRACE_S)
        if not run.started_at and self._engine.observe([run.id])[0].state is ObservedState.UNKNOWN:
            self._runs.never_launched(run.id)
        self._stopped[run.id] = run.stop

    def _pass_on(self) -> None:
        requests = self._runs.requests(self._engine.name, self._asked)
        if isinstance(self._engine, Signals):
            for run, number in requests.signals:
                self._engine.signal(run, number)
        self._asked = requests.upto
        self._limits.update(requests.time_limits)
        if isinstance(self._engine, ChangesTimeLimit):
            for run, limit in self._limits.items():
                self._engine.change_time_limit(run, limit)
        self._limits.clear()
