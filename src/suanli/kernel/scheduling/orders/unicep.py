"""UNICEP: small and short first, growing with the wait.

Tang, Lan, Desai, Buettner: Fault-aware, utility-based job scheduling on Blue Gene/P systems, CLUSTER 2009; as stated by
Zhang et al. (RLScheduler, SC 2020): minus wait / (log2 processors x requested). The logarithm of one processor is zero:
there 1e-15 stands for it, so that such rows go before all others and their waits still order them.
"""

from __future__ import annotations

import math

from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.orders.asked import Asked, processors, seconds, waited


@compiled
def unicep(asked: Asked, now_us: int) -> float:
    """The key, smaller first. Without unit, negative."""
    size = max(math.log2(processors(asked.tasks, asked.cpu_milli)), 1e-15)
    return -waited(asked, now_us) / (size * seconds(asked.requested_us))
