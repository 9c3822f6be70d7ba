"""What tables are told of requests to come, where that takes a compiled loop."""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import entry
from suanli.kernel.scheduling.core.tables import Floats, Ints

ENDING = 0.004
"""The rate at which chances end; fitted with what ``scores.residual_value`` is fitted on."""


@entry
def fill_devices(fill: Floats, share: Ints, weight: Floats) -> None:
    """Say of each number of thousandths free [1 + most] how many devices' worth of requests will come to it.

    ``share`` and ``weight`` are of buckets of requests that accept it; ``scores.residual_value`` has the formula.
    """
    for left in range(1, fill.size):
        chance, gain = ENDING, 0.0
        for bucket in range(share.size):
            if share[bucket] <= left:
                chance += weight[bucket]
                gain += weight[bucket] * (share[bucket] / t.WHOLE + fill[left - share[bucket]])
        fill[left] = gain / chance
