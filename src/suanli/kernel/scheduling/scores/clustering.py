"""GPU clustering: requests of the same kind of device demand onto the same nodes.

Source: the comparison policy "GpuClustering" of the FGD paper (USENIX ATC 2023) with the grades of its simulator.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free, Request, kind_of
from suanli.kernel.scheduling.scores.largest import Largest


@allocating_entry
def clustering(free: Free, row: int, request: Request, largest: Largest) -> tuple[float, int]:
    """Best a node of this kind alone, then one of several kinds with it, then an empty one, then others; fuller first.

    Requests without devices score all nodes alike.
    """
    if request.number == 0:
        return 0.0, -1
    present = 0
    for kind in range(free.kinds.shape[1]):
        present += free.kinds[row, kind] > 0
    grade = 0
    if free.kinds[row, kind_of(request)] > 0:
        grade = 75 if present == 1 else 50
    elif present == 0:
        grade = 25
    used = largest.device - free.device[row].sum()
    return -float(grade + int(25 * used / largest.device)), -1
