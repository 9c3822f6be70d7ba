"""The distribution of the user's runs that resemble this one, summed up in the one number an order by slowdown needs.

Bounded slowdown divides a wait by the run time, so what a wait costs is told by the mean of one over the run time,
and what a run takes from others by the mean of the run time. Where a user's runs either crash in seconds or last for
hours the two differ a hundredfold, and neither alone is a fair guess. The prediction is the geometric mean of the
mean run time and the harmonic mean run time (each run at least ten seconds in the latter): dividing by it twice is
the rule of Smith (1956), weight over length, for the weighted sum of waits.

Weights are similarity: a later run, a nearer request and a nearer size count more. A user without history is judged
by what ended in the same class of requested times.
"""

from __future__ import annotations

import math

from suanli.kernel.scheduling.core.jit import entry
from suanli.kernel.scheduling.prediction.history import (
    DEPTH,
    FLOOR_US,
    RUNTIME,
    URGENCY,
    WEIGHT,
    History,
    class_of,
)

_OTHERS = 0.3
"""The class of requested times counts as three tenths of one run of the user's own that is alike in every respect."""

_RECENT = 0.9
"""Each run counts nine tenths of the next: the last ten carry two thirds, which spans a session of work."""

_REQUEST = 4.0
"""Weight falls as the fourth power of the ratio of requests: a program is known by its limit, seldom edited."""

_SIZE = 0.5
"""Weight falls as the square root of the ratio of sizes: users vary sizes of one program more than its limit."""


@entry
def predict(past: History, user: int, requested_us: int, size_milli: int) -> int:
    """The run time to expect, in us, at least one and at most the request."""
    of = past.classes[class_of(requested_us)]
    total = _OTHERS
    runtime = _OTHERS * of[RUNTIME] / of[WEIGHT]
    urgency = _OTHERS * of[URGENCY] / of[WEIGHT]
    ended = past.ended[user]
    recent = 1.0
    for back in range(1, min(ended, DEPTH) + 1):
        place = (ended - back) % DEPTH
        request = abs(math.log(past.requested_us[user, place] / max(requested_us, 1)))
        size = abs(math.log(past.size_milli[user, place] / max(size_milli, 1)))
        weight = recent * math.exp(-_REQUEST * request - _SIZE * size)
        ran = min(past.runtime_us[user, place], requested_us)
        total += weight
        runtime += weight * ran
        urgency += weight / max(ran, FLOOR_US)
        recent *= _RECENT
    mean, harmonic = runtime / total, min(total / urgency, requested_us)
    return min(max(int(math.sqrt(mean * harmonic)), 1), requested_us)
