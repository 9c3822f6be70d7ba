"""The request, believed: an upper bound where work is ended at its limit, and all that plain EASY knows."""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import entry
from suanli.kernel.scheduling.prediction.history import History


@entry
def predict(past: History, user: int, requested_us: int, size_milli: int) -> int:
    """The run time to expect, in us."""
    return requested_us
