"""Which devices of a node work takes: the tightest that will do, those of the best types first where it ranks types.

Of a node of which some are near each other it takes whole ones near together.
What work pursues is a column of its shape; of most it is nothing, and then nothing else is asked.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.nearness import SYSTEM, is_linked, nearest, number_of, tightest
from suanli.kernel.scheduling.core.tables import Center, Devices


@compiled
def ranks_types(center: Center, shape: int) -> bool:
    """Tell whether a shape takes better types of devices before worse ones."""
    return bool(center.shapes[shape, t.PURSUES] >= t.BY_RANK)


@compiled
def next_device(center: Center, devices: Devices, shape: int, taken: int) -> int:
    """The position of the device of a node (rows of devices) to be taken next; -1 where none will do.

    Positions whose bit is set in ``taken`` do not count.
    """
    share, types, best = center.shapes[shape, t.SHARE], center.shapes[shape, t.TYPES], t.NOBODY
    are_ranked, ranks, least = ranks_types(center, shape), center.merits[shape, t.RANK], 0.0
    for position in range(devices.shape[0]):
        kind, free = devices[position, t.TYPE], devices[position, t.FREE]
        fits = kind >= 0 and free >= share and devices[position, t.HEALTHY] != 0 and (types >> kind) & 1
        if fits and not (taken >> position) & 1:
            rank = ranks[kind] if are_ranked else 0.0
            if best < 0 or rank < least or (rank == least and free < devices[best, t.FREE]):
                best, least = position, rank
    return best


@compiled
def worst_taken(center: Center, devices: Devices, shape: int, tasks: int, merit: int) -> float:
    """The largest merit of a row of merits among the devices that so many tasks take of a node; 0 without devices.

    Such tasks must fit.
    """
    wanted, share = tasks * center.shapes[shape, t.DEVICES], center.shapes[shape, t.SHARE]
    taken, worst = 0, 0.0
    if goes_by_nearness(center, devices, shape):
        taken = near_together(center, devices, shape, tasks)
        for position in range(devices.shape[0]):
            if (taken >> position) & 1:
                worst = max(worst, center.merits[shape, merit, devices[position, t.TYPE]])
        return float(worst)
    while wanted > 0:
        best = next_device(center, devices, shape, taken)
        if best < 0:
            break
        taken |= 1 << best
        wanted -= devices[best, t.FREE] // share
        worst = max(worst, center.merits[shape, merit, devices[best, t.TYPE]])
    return float(worst)


@compiled
def goes_by_nearness(center: Center, devices: Devices, shape: int) -> bool:
    """Tell whether it is nearness that says which devices of a node a shape takes: whole ones, and some are near."""
    shapes = center.shapes
    are_whole = shapes[shape, t.SHARE] == t.WHOLE and shapes[shape, t.DEVICES] > 0 and shapes[shape, t.PARTED] == 0
    return bool(are_whole and is_linked(devices))


@compiled
def near_together(center: Center, devices: Devices, shape: int, tasks: int) -> int:
    """The devices that so many tasks take, which must fit, of a node of which some are near each other.

    Of better types first, where the shape ranks types. Those of one task lie within as short a distance as it asks
    for, and all of them in the tightest group that holds them; without such a bound those of all tasks do.
    """
    count, farthest, taken = center.shapes[shape, t.DEVICES], center.shapes[shape, t.APART], 0
    free = free_for(center.shapes[shape, t.TYPES], devices)
    if farthest == 0:
        if ranks_types(center, shape):
            return _best_first(center, devices, shape, (free, count * tasks))
        free = tightest(devices, free, count * tasks, SYSTEM)
        for _ in range(tasks):
            taken |= nearest(devices, free & ~taken, count)
        return taken
    for _ in range(tasks):
        group, among, left = 0, 0, free & ~taken
        while number_of(group) < count and left != 0:
            best = _best_of(center, devices, shape, left)
            among |= best
            left &= ~best
            group = tightest(devices, among, count, farthest)
        taken |= _best_first(center, devices, shape, (group, count))
    return taken


@compiled
def free_for(types: int, devices: Devices) -> int:
    """The devices of a node, as a set, that are wholly free, in health, and of one of these types."""
    found = 0
    for position in range(devices.shape[0]):
        kind = devices[position, t.TYPE]
        is_free = kind >= 0 and devices[position, t.FREE] >= t.WHOLE and devices[position, t.HEALTHY] != 0
        if is_free and (types >> kind) & 1:
            found |= 1 << position
    return found


@compiled
def _best_first(center: Center, devices: Devices, shape: int, wanted: tuple[int, int]) -> int:
    """So many devices of a set, of better types before worse ones, and of one rank near together."""
    among, count = wanted
    taken = 0
    while count > 0 and among != 0:
        best = _best_of(center, devices, shape, among)
        part = best if number_of(best) <= count else nearest(devices, best, count)
        taken |= part
        among &= ~part
        count -= number_of(part)
    return taken


@compiled
def _best_of(center: Center, devices: Devices, shape: int, among: int) -> int:
    """Those of a set that are of the best types by the shape's rank; all of them where it ranks none."""
    if not ranks_types(center, shape):
        return among
    best, least, ranks = 0, 0.0, center.merits[shape, t.RANK]
    for position in range(devices.shape[0]):
        if (among >> position) & 1:
            rank = ranks[devices[position, t.TYPE]]
            if best == 0 or rank < least:
                best, least = 0, rank
            if rank == least:
                best |= 1 << position
    return best
