"""Slowdown: what a wait costs against what a run takes from others, with ageing, and one overdue row before all.

A wait adds wait / run time to a slowdown, and every processor held keeps others waiting. The key is minus (wait +
patience) / (predicted x processors): the response ratio of Brinch Hansen (1971) for each processor. It is meant for
predictions of the kind in ``prediction.learned``, and for reservations by the request.

No key of that form bounds the longest wait. So it is multiplied by 1 + (wait / tolerated) cubed, and the one row whose
wait is the most beyond its limit goes before all, hence gets the head's reservation. Both spans hold for a row that
needs little of the center, and shrink with the part it leaves free: a row that needs nearly all of it is overtaken by
everything else and has to be drained for, which takes long, so it must be begun with early.

A long wait makes a large slowdown only of a run that turns out short. So both spans are longer the longer the least run
time is that must be reckoned with: the request times the least part of a request that one of the last runs took. Where
runs crash, that is seconds, and the spans are as they are; where requests are exact, hardly anything is ever overdue.
"""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.core.tables import Floats, Ints
from suanli.kernel.scheduling.orders.asked import MICROSECONDS, MILLI, processors
from suanli.kernel.scheduling.prediction.history import FLOOR_US

_PATIENCE = 6 * 3600.0
"""Seconds counted as waited by every row, so that short work that has just come passes long work that has waited."""

_TOLERATED = 24 * 3600.0
"""Seconds of wait at which the key of a small row that may be short has doubled: one day and night."""

_LIMIT = 48 * 3600.0
"""Seconds of wait at which a small row that may be short is overdue: two."""

_SHORT_US = 60_000_000
"""A run that may be this short may be short."""

_LEAST_FREE = 0.1
"""The least part of the center taken to be left free; else a row that needs all would go first at once."""


@allocating_entry
def slowdown(
    submitted_us: Ints,
    requested_us: Ints,
    predicted_us: Ints,
    tasks: Ints,
    cpu_milli: Ints,
    now_us: int,
    center_milli: int,
    least_part: float,
) -> Floats:
    """One key a row, smaller first; minus infinity for the row most overdue.

    Takes besides the center's milli-cpus and the least part of its request that one of the last runs took.
    """
    keys = np.empty(submitted_us.size, dtype=np.float64)
    most, overdue = 1.0, -1
    for row in range(keys.size):
        waited = max(now_us - submitted_us[row], 0) / MICROSECONDS
        size = processors(tasks[row], cpu_milli[row])
        free = max(1 - size * MILLI / center_milli, _LEAST_FREE)
        least = max(requested_us[row] * least_part / _SHORT_US, 1.0)
        ageing = 1 + (waited / (_TOLERATED * free * least)) ** 3
        run = max(predicted_us[row], FLOOR_US) / MICROSECONDS
        keys[row] = -(waited + _PATIENCE) * ageing / (run * size)
        beyond = waited / (_LIMIT * free * least)
        if beyond > most:
            most, overdue = beyond, row
    if overdue >= 0:
        keys[overdue] = -np.inf
    return keys
