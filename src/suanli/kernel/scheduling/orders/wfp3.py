"""WFP3: large and long-waiting first, against long requests.

Tang, Lan, Desai, Buettner: Fault-aware, utility-based job scheduling on Blue Gene/P systems, CLUSTER 2009; as stated by
Zhang et al. (RLScheduler, SC 2020): minus (wait / requested) cubed, times processors.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.orders.asked import Asked, processors, seconds, waited


@compiled
def wfp3(asked: Asked, now_us: int) -> float:
    """The key, smaller first. Processors, negative."""
    return -((waited(asked, now_us) / seconds(asked.requested_us)) ** 3) * processors(asked.tasks, asked.cpu_milli)
