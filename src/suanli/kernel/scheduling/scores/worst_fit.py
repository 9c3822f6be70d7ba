"""Worst fit: the node that the request leaves with the most, so that load is spread."""

from __future__ import annotations

from suanli.kernel.scheduling.core.criteria import Request
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free, differs
from suanli.kernel.scheduling.scores.best_fit import best_fit
from suanli.kernel.scheduling.scores.largest import Largest


@allocating_entry
def worst_fit(free: Free, row: int, request: Request, largest: Largest) -> tuple[float, int]:
    """The opposite of ``best_fit``; a share goes to the device with the most left."""
    chosen = -1
    if request.number == 1:
        for position in range(free.device.shape[1]):
            if differs(free.device[row], free.model[row], request, position) and (
                chosen < 0 or free.device[row, position] > free.device[row, chosen]
            ):
                chosen = position
    return -best_fit(free, row, request, largest)[0], chosen
