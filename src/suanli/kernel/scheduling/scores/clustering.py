"""GPU clustering: requests of the same kind of device demand onto the same nodes."""

from __future__ import annotations

from suanli.kernel.scheduling.core.criteria import Request, clustered, kind_of
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free
from suanli.kernel.scheduling.scores.largest import Largest


@allocating_entry
def clustering(free: Free, row: int, request: Request, largest: Largest) -> tuple[float, int]:
    """As ``criteria.clustered`` grades it; requests without devices score all nodes alike."""
    if request.number == 0:
        return 0.0, -1
    present = 0
    for kind in range(free.kinds.shape[1]):
        present += free.kinds[row, kind] > 0
    used = (largest.device - free.device[row].sum()) / largest.device
    return clustered(free.kinds[row, kind_of(request)] > 0, present, used), -1
