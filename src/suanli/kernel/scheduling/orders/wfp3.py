"""WFP3: large and long-waiting first, against long requests.

Tang, Lan, Desai, Buettner: Fault-aware, utility-based job scheduling on Blue Gene/P systems, CLUSTER 2009; as stated by
Zhang et al. (RLScheduler, SC 2020): minus (wait / requested) cubed, times processors.
"""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core.jit import entry
from suanli.kernel.scheduling.orders.units import MICROSECONDS, processors, seconds
from suanli.kernel.scheduling.score import Scores
from suanli.kernel.scheduling.snapshot import Ints


@entry
def wfp3(
    submitted_us: Ints,
    requested_us: Ints,
    predicted_us: Ints,
    tasks: Ints,
    cpu_milli: Ints,
    since_us: Ints,
    now_us: int,
) -> Scores:
    """One key a row, smaller first. Processors, negative."""
    keys = np.empty(submitted_us.size, dtype=np.float64)
    for row in range(keys.size):
        waited = max(now_us - submitted_us[row], 0) / MICROSECONDS
        keys[row] = -((waited / seconds(requested_us[row])) ** 3) * processors(tasks[row], cpu_milli[row])
    return keys
