"""Tasks that arrive one by one and never leave, each placed by fragmentation gradient descent or dropped for good.

It is how the FGD paper (USENIX ATC 2023) measures policies: how much of a center is allocated once nothing more fits.
"""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core.criteria import Request, Typical
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.core.tables import Ints
from suanli.kernel.scheduling.scores.arrays import Free, take
from suanli.kernel.scheduling.scores.gradient import Gradient, choose, rescore


@allocating_entry
def place_arriving(memory: Gradient, free: Free, classes: Ints, arriving: Ints, known: Typical) -> Ints:
    """Place tasks of these classes [class, 5] in turn and return the node of each, -1 where none had room.

    ``free`` and the memory of it are then as the last task left them.
    """
    placed = np.full(arriving.size, -1)
    for task in range(arriving.size):
        of = arriving[task]
        request = Request(classes[of, 0], classes[of, 1], classes[of, 2], classes[of, 3], classes[of, 4])
        row = choose(memory, free, of, request.memory)
        if row >= 0:
            take(free, row, request, memory.position[memory.kind_of[of], row])
            rescore(memory, free, row, known)
            placed[task] = row
    return placed
