"""Dot product: the node whose free resources are least in proportion to the request, large requests to full nodes.

Source: the alignment score of Grandl et al., "Multi-resource packing for cluster schedulers" (Tetris), SIGCOMM 2014,
which takes the largest product; here, as in the comparisons of the FGD paper, the smallest is taken.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free, Request
from suanli.kernel.scheduling.scores.largest import Largest


@allocating_entry
def dot_product(free: Free, row: int, request: Request, largest: Largest) -> tuple[float, int]:
    """Half the product of what is free and what is asked, in parts of the largest node's, in whole hundredths."""
    cpus = free.cpu[row] / largest.cpu * request.cpu / largest.cpu
    devices = free.device[row].sum() / largest.device * request.number * request.share / largest.device
    return -float(int(100.0 * (1.0 - 0.5 * (cpus + devices)))), -1
