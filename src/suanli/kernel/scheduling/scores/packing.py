"""GPU packing: devices already shared first, then free devices of nodes in use, then free nodes."""

from __future__ import annotations

from suanli.kernel.scheduling.core.criteria import Request, packed
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free, without
from suanli.kernel.scheduling.scores.largest import Largest


@allocating_entry
def packing(free: Free, row: int, request: Request, _largest: Largest) -> tuple[float, int]:
    """As ``criteria.packed`` grades it; requests without devices score all nodes alike."""
    if request.number == 0:
        return 0.0, -1
    return packed(free.device[row], without(free, row, request), free.model[row]), -1
