"""Shortest job first, by the predicted run time; by the requested one where the prediction is the request."""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.orders.asked import Asked


@compiled
def sjf(asked: Asked, now_us: int) -> float:
    """The key, smaller first. Microseconds."""
    return float(asked.predicted_us)
