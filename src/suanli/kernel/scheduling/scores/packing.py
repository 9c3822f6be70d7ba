"""GPU packing: devices already shared first, then free devices of nodes in use, then free nodes.

Source: the comparison policy "GpuPacking" of the FGD paper (USENIX ATC 2023) with the grades of its simulator.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free, Request, without
from suanli.kernel.scheduling.scores.largest import Largest
from suanli.model.quantities import WHOLE_DEVICE


@allocating_entry
def packing(free: Free, row: int, request: Request, _largest: Largest) -> tuple[float, int]:
    """Up to -50 where shared devices suffice, by what they have free; to -33 by free devices used; above, a free node.

    Requests without devices score all nodes alike.
    """
    if request.number == 0:
        return 0.0, -1
    before, after = free.device[row], without(free, row, request)
    devices, whole, opened, shared = 0, 0, 0, 0
    for position in range(before.size):
        devices += free.model[row, position] >= 0
        whole += before[position] == WHOLE_DEVICE
        if after[position] != before[position]:
            opened += before[position] == WHOLE_DEVICE
            shared += 100 * before[position] // WHOLE_DEVICE
    if whole == devices:
        return -float(max(33 - whole, whole)), -1
    if opened:
        return -float(max(50 - opened, 33)), -1
    return -float(max(100 - shared // 10, 50)), -1
