"""Observe: asks an engine how its runs stand and records what is new."""

from __future__ import annotations

import time

from suanli.ports.engine import Engine, Watches
from suanli.services.workloads import Runs

_WATCH_S = 0.5
_SURVEY_S = 10.0
_POLL_S = 1.0
_GATHER_S = 0.002
_LONGEST_GATHER_S = 0.02
"""A pause after each turn, this long for each run that rang: in a burst the next turn then records many at once, and of
the short ones their end alone; a single run never waits long."""


class Observe:
    """Turns of one engine: what the engine points at at once, every live run every ten seconds."""

    def __init__(self, runs: Runs, engine: Engine) -> None:
        self._runs = runs
        self._engine = engine
        self._surveyed_at = float("-inf")

    def survey(self) -> None:
        """Ask for every run that is live on record; the first thing a server does, so that nothing is missed."""
        live = self._runs.live(self._engine.name)
        if live:
            self._runs.record(self._engine.observe([run.id for run in live]))
        self._surveyed_at = time.monotonic()

    def turn(self) -> None:
        """Wait for the engine to point at runs, or for the next survey."""
        if isinstance(self._engine, Watches):
            changed = self._engine.watch(_WATCH_S)
            if changed:
                self._runs.record(self._engine.observe(changed))
                time.sleep(min(_LONGEST_GATHER_S, _GATHER_S * len(changed)))
            if time.monotonic() - self._surveyed_at >= _SURVEY_S:
                self.survey()
        else:
            time.sleep(_POLL_S)
            self.survey()
