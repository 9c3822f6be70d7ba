"""Best fit: the node that the request leaves with the least."""

from __future__ import annotations

from suanli.kernel.scheduling.core.criteria import Request
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free
from suanli.kernel.scheduling.scores.largest import Largest


@allocating_entry
def best_fit(free: Free, row: int, request: Request, largest: Largest) -> tuple[float, int]:
    """What is left of cpus and devices, each in parts of the largest node's: their mean in whole hundredths.

    The cut to hundredths is that of the FGD paper's simulator: nearly equal nodes are filled up one after the other.
    """
    devices = free.device[row].sum() - request.number * request.share
    left = 0.5 * (free.cpu[row] - request.cpu) / largest.cpu + 0.5 * devices / largest.device
    return -float(int(100.0 * (1.0 - left))), -1
