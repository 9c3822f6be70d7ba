"""Step 3: which of the nodes that can hold it. A policy gives a score by node; the lowest is taken, then the first."""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.tables import (
    FREE,
    FREE_CPU,
    FREE_MEMORY,
    LARGEST_CPU,
    LARGEST_MEMORY,
    TYPE,
    WHOLE,
    Ints,
)

FIRST_FIT, BEST_FIT, WORST_FIT = range(3)


@compiled
def score(policy: int, nodes: Ints, devices: Ints, sizes: Ints, node: int) -> float:
    """The score of a node that can hold a unit of what is placed."""
    if policy == FIRST_FIT:
        return 0.0
    if policy == BEST_FIT:
        return left(nodes, devices, sizes, node)
    return -left(nodes, devices, sizes, node)


@compiled
def left(nodes: Ints, devices: Ints, sizes: Ints, node: int) -> float:
    """What is free: cpus and memory in parts of the largest node, plus free devices.

    Fuller nodes go first, so that large requests find whole nodes; a free device weighs more than all cpus and memory
    of a node without one, so that work without devices keeps off nodes that have some.
    """
    free = 0
    for position in range(devices.shape[1]):
        if devices[node, position, TYPE] >= 0:
            free += devices[node, position, FREE]
    cpu = nodes[node, FREE_CPU] / max(sizes[LARGEST_CPU], 1)
    memory = nodes[node, FREE_MEMORY] / max(sizes[LARGEST_MEMORY], 1)
    return float(cpu + memory + 2.0 * free / WHOLE)
