"""UNICEP: small and short first, growing with the wait.

Tang, Lan, Desai, Buettner: Fault-aware, utility-based job scheduling on Blue Gene/P systems, CLUSTER 2009; as stated by
Zhang et al. (RLScheduler, SC 2020): minus wait / (log2 processors x requested). The logarithm of one processor is zero:
there 1e-15 stands for it, so that such rows go before all others and their waits still order them.
"""

from __future__ import annotations

import math

import numpy as np

from suanli.kernel.scheduling.core.jit import entry
from suanli.kernel.scheduling.orders.units import MICROSECONDS, processors, seconds
from suanli.kernel.scheduling.score import Scores
from suanli.kernel.scheduling.snapshot import Ints


@entry
def unicep(
    submitted_us: Ints,
    requested_us: Ints,
    predicted_us: Ints,
    tasks: Ints,
    cpu_milli: Ints,
    since_us: Ints,
    now_us: int,
) -> Scores:
    """One key a row, smaller first. Without unit, negative."""
    keys = np.empty(submitted_us.size, dtype=np.float64)
    for row in range(keys.size):
        waited = max(now_us - submitted_us[row], 0) / MICROSECONDS
        size = max(math.log2(processors(tasks[row], cpu_milli[row])), 1e-15)
        keys[row] = -waited / (size * seconds(requested_us[row]))
    return keys
