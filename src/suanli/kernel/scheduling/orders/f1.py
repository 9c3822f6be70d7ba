"""F1: log10(requested) x processors + 870 x log10(submitted).

Carastan-Santos, de Camargo: Obtaining dynamic scheduling policies with simulation and machine learning, SC 2017.
Submission is in seconds since the trace began, at least one: on a clock that began long before, the last term is flat.
"""

from __future__ import annotations

import math

import numpy as np

from suanli.kernel.scheduling.core.jit import entry
from suanli.kernel.scheduling.orders.units import processors, seconds
from suanli.kernel.scheduling.score import Scores
from suanli.kernel.scheduling.snapshot import Ints


@entry
def f1(
    submitted_us: Ints,
    requested_us: Ints,
    predicted_us: Ints,
    tasks: Ints,
    cpu_milli: Ints,
    since_us: Ints,
    now_us: int,
) -> Scores:
    """One key a row, smaller first. Without unit."""
    keys = np.empty(submitted_us.size, dtype=np.float64)
    for row in range(keys.size):
        request, size = seconds(requested_us[row]), processors(tasks[row], cpu_milli[row])
        submitted = seconds(submitted_us[row])
        keys[row] = math.log10(request) * size + 870.0 * math.log10(submitted)
    return keys
