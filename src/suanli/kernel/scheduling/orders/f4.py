"""F4: requested x sqrt(processors) + 530,000 x log10(submitted).

Carastan-Santos, de Camargo: Obtaining dynamic scheduling policies with simulation and machine learning, SC 2017.
Submission is in seconds since the trace began, at least one: on a clock that began long before, the last term is flat.
"""

from __future__ import annotations

import math

from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.orders.asked import Asked, processors, seconds


@compiled
def f4(asked: Asked, now_us: int) -> float:
    """The key, smaller first. Without unit."""
    request, size = seconds(asked.requested_us), processors(asked.tasks, asked.cpu_milli)
    return request * math.sqrt(size) + 530_000.0 * math.log10(seconds(asked.submitted_us))
