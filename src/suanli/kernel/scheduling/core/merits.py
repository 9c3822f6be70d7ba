"""Which devices of a node work takes: the tightest that will do, those of the best types first where it ranks types.

What work pursues is a column of its shape; of most it is nothing, and then nothing else is asked.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.tables import (
    BY_RANK,
    DEVICES,
    FREE,
    HEALTHY,
    NOBODY,
    PURSUES,
    RANK,
    SHARE,
    TYPE,
    TYPES,
    Center,
    Devices,
)


@compiled
def ranks_types(center: Center, shape: int) -> bool:
    """Tell whether a shape takes better types of devices before worse ones."""
    return bool(center.shapes[shape, PURSUES] >= BY_RANK)


@compiled
def next_device(center: Center, devices: Devices, shape: int, taken: int) -> int:
    """The position of the device of a node (rows of devices) to be taken next; -1 where none will do.

    Positions whose bit is set in ``taken`` do not count.
    """
    share, types, best = center.shapes[shape, SHARE], center.shapes[shape, TYPES], NOBODY
    are_ranked, ranks, least = ranks_types(center, shape), center.merits[shape, RANK], 0.0
    for position in range(devices.shape[0]):
        kind, free = devices[position, TYPE], devices[position, FREE]
        fits = kind >= 0 and free >= share and devices[position, HEALTHY] != 0 and (types >> kind) & 1
        if fits and not (taken >> position) & 1:
            rank = ranks[kind] if are_ranked else 0.0
            if best < 0 or rank < least or (rank == least and free < devices[best, FREE]):
                best, least = position, rank
    return best


@compiled
def worst_taken(center: Center, devices: Devices, shape: int, tasks: int, merit: int) -> float:
    """The largest merit of a row of merits among the devices that so many tasks take of a node; 0 without devices.

    Such tasks must fit.
    """
    wanted, share = tasks * center.shapes[shape, DEVICES], center.shapes[shape, SHARE]
    taken, worst = 0, 0.0
    while wanted > 0:
        best = next_device(center, devices, shape, taken)
        if best < 0:
            break
        taken |= 1 << best
        wanted -= devices[best, FREE] // share
        worst = max(worst, center.merits[shape, merit, devices[best, TYPE]])
    return float(worst)
