"""Fragmentation gradient descent: the node where typical requests lose the least of what is free.

A node's fragmentation is what of its free devices a typical request, drawn at random, cannot use: all of it where the
request does not fit, else what lies on devices with too little left for one of its shares. Source: Weng et al., "Beware
of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent", USENIX ATC 2023.
"""

from __future__ import annotations

import math

from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.core.tables import Ints
from suanli.kernel.scheduling.scores.arrays import Free, Request, differs, without
from suanli.kernel.scheduling.scores.typical import Typical, weight_within
from suanli.model.quantities import WHOLE_DEVICE


@allocating_entry
def usable(cpu: int, device: Ints, model: Ints, known: Typical) -> float:
    """Thousandths of free devices that a typical request can use; what is free less this is the fragmentation."""
    expected = 0.0
    for bucket in range(known.number.size):
        share = known.share[bucket]
        found = 0
        held = 0
        for position in range(device.size):
            if (
                device[position] >= share
                and model[position] >= 0
                and (known.models[bucket] >> model[position]) & 1 == 1
            ):
                found += 1
                held += device[position]
        if found >= known.number[bucket]:
            expected += weight_within(known, bucket, cpu) * held
    return expected


@allocating_entry
def graded(lost: float) -> float:
    """The paper's simulator's grade of a growth of fragmentation, in thousandths: -100 (much less) to 0 (much more).

    The growth goes through a sigmoid and is cut to whole hundredths. The cut belongs to the policy: growths that differ
    by less than about a 25th of a device count as equal, and the first of equal nodes is filled up before the next.
    """
    return -math.floor(100.0 / (1.0 + math.exp(lost / WHOLE_DEVICE)))


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
