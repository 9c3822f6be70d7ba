"""Upkeep: what an engine has is looked at twice a minute, and what its old runs left is cleaned away."""

from __future__ import annotations

import threading
import time

from suanli.model.quantities import Instant
from suanli.ports.clock import Clock
from suanli.ports.engine import Engine, Forgets
from suanli.services.inventory import Inventory

_DESCRIBE_S = 30.0
_CLEAN_S = 600.0


class Upkeep:
    """Turns of one engine. Runs are forgotten ``retention_s`` after their end, never before that end is on record."""

    def __init__(self, inventory: Inventory, engine: Engine, clock: Clock, retention_s: int) -> None:
        self._inventory = inventory
        self._engine = engine
        self._clock = clock
        self._retention_us = retention_s * 1_000_000
        self._pause = threading.Event()
        self._cleaned_at = time.monotonic()

    def wake(self) -> None:
        """End the pause between turns, for good."""
        self._pause.set()

    def turn(self) -> None:
        """Pause, look, and clean when it is time."""
        if self._pause.wait(_DESCRIBE_S):
            return
        self._inventory.refresh(self._engine.name)
        if isinstance(self._engine, Forgets) and time.monotonic() - self._cleaned_at >= _CLEAN_S:
            self._engine.forget(Instant(self._clock.now() - self._retention_us))
            self._cleaned_at = time.monotonic()
