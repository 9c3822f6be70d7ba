"""The clock: time is handed in, so that tests and replay have their own."""

from __future__ import annotations

from typing import Protocol

from suanli.model.quantities import Instant


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> Instant:
        """The present instant; may step back when the machine's clock is set."""
        ...
