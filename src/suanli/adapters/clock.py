"""The machine's clock."""

from __future__ import annotations

import time

from suanli.model.quantities import Instant


class SystemClock:
    """Tells the machine's own time."""

    def now(self) -> Instant:
        return Instant(time.time_ns() // 1000)
