"""Step 3: which of the nodes that can hold it. A policy gives a score by node; the lowest is taken, then the first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.scheduling.snapshot import Ints, Nodes, Room
from suanli.model.errors import NotFoundError
from suanli.model.quantities import WHOLE_DEVICE

Scores = NDArray[np.float64]
ScorePolicy = Callable[[Nodes, Room, Ints], Scores]
"""From nodes, what is free, and the rows to judge, to one score a row."""


def best_fit(nodes: Nodes, room: Room, at: Ints) -> Scores:
    """What is free: cpus and memory in parts of the largest node, plus free devices.

    Fuller nodes go first, so that large requests find whole nodes; a free device weighs more than all cpus and memory
    of a node without one, so that work without devices keeps off nodes that have some.
    """
    kind = nodes.devices.kind[at] > 0
    devices = np.where(kind, room.device[at], 0).sum(axis=1) / WHOLE_DEVICE
    cpu = room.cpu_milli[at] / max(1, int(nodes.cpu_milli.max(initial=1)))
    memory = room.memory_bytes[at] / max(1, int(nodes.memory_bytes.max(initial=1)))
    return np.asarray(cpu + memory + 2 * devices, dtype=np.float64)


SCORES: dict[str, ScorePolicy] = {"best_fit": best_fit}


def score_policy(name: str) -> ScorePolicy:
    """The score policy of that name.

    Raises:
        NotFoundError: there is none.
    """
    if name not in SCORES:
        raise NotFoundError("score policy", name)
    return SCORES[name]
