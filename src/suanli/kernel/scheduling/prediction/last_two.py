"""The mean of the user's last two runs, at most the request.

Tsafrir, Etsion, Feitelson: Backfilling using system-generated predictions rather than user runtime estimates, TPDS
2007.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import entry
from suanli.kernel.scheduling.prediction.history import DEPTH, History


@entry
def predict(past: History, user: int, requested_us: int, size_milli: int) -> int:
    """The run time to expect, in us; the request of a user of whom fewer than two runs ended."""
    ended = past.ended[user]
    if ended < 2:
        return requested_us
    both = past.runtime_us[user, (ended - 1) % DEPTH] + past.runtime_us[user, (ended - 2) % DEPTH]
    return int(min(max(both // 2, 1), requested_us))
