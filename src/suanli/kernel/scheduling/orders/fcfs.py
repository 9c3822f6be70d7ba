"""First come, first served: the instant since which a row is eligible."""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.orders.asked import Asked


@compiled
def fcfs(asked: Asked, now_us: int) -> float:
    """The key, smaller first. Microseconds since the epoch."""
    return float(asked.since_us)
