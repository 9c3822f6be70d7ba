"""Fragmentation gradient descent: the node where typical requests lose the least of what is free."""

from __future__ import annotations

from suanli.kernel.scheduling.core.criteria import Request, Typical, graded, usable
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free, differs, without
from suanli.model.quantities import WHOLE_DEVICE


@allocating_entry
def fragmentation(free: Free, row: int, request: Request, known: Typical) -> tuple[float, int]:
    """The growth of the node's fragmentation, graded, and the device whose sharing grows it least."""
    device, model = free.device[row], free.model[row]
    cpu = free.cpu[row] - request.cpu
    # Fragmentation is what is free less what is usable; a request takes the same of what is free wherever it goes.
    before = usable(free.cpu[row], device, model, known) - request.number * request.share
    if request.number != 1 or request.share == WHOLE_DEVICE:
        return graded(before - usable(cpu, without(free, row, request), model, known)), -1
    after = device.copy()
    best = 0.0
    chosen = -1
    for position in range(device.size):
        if not differs(device, model, request, position):
            continue
        after[position] -= request.share
        score = graded(before - usable(cpu, after, model, known))
        after[position] += request.share
        if chosen < 0 or score < best:
            best, chosen = score, position
    return best, chosen
