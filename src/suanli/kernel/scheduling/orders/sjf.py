"""Shortest job first, by the predicted run time; by the requested one where the prediction is the request."""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core.jit import entry
from suanli.kernel.scheduling.score import Scores
from suanli.kernel.scheduling.snapshot import Ints


@entry
def sjf(
    submitted_us: Ints,
    requested_us: Ints,
    predicted_us: Ints,
    tasks: Ints,
    cpu_milli: Ints,
    since_us: Ints,
    now_us: int,
) -> Scores:
    """One key a row, smaller first. Microseconds."""
    keys = np.empty(submitted_us.size, dtype=np.float64)
    for row in range(keys.size):
        keys[row] = predicted_us[row]
    return keys
