"""Which devices of a node are near each other, and the tightest group of them that holds what is asked.

At each distance devices form groups by single linkage: a device belongs where it is that near to any. Groups of a
longer distance hold whole ones of a shorter, so there is an order of a node's devices in which each group is a run. A
node's column NEAR is that order: each row names a position, and the distance from the device before, at which the two
groups that end and begin there become one. The first row says the longest distance, a row of 0 ends the order; where
the first row is 0, no device is near another. Distances are those of `suanli.model.discovery`.

Sets of devices are bits of one number, by position.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.tables import Devices

SELF, LINK, SYSTEM = 0, 1, 6
"""The distance of a device from itself, the shortest from another, and the longest: all of a node are within it."""
STEP = 64
"""What a row of the order is beside the position, for each unit of distance."""


@compiled
def is_linked(devices: Devices) -> bool:
    """Tell whether any devices of a node (rows of devices) are near each other."""
    return bool(devices.shape[0] > 0 and devices[0, t.NEAR] != 0)


@compiled
def number_of(some: int) -> int:
    """How many devices a set has."""
    count = 0
    while some != 0:
        some &= some - 1
        count += 1
    return count


@compiled
def around(devices: Devices, place: int, among: int, distance: int) -> int:
    """Those of a set that lie in one group, at a distance, with the device at a place of the order."""
    first, found = place, 0
    while first > 0 and devices[first, t.NEAR] // STEP <= distance:
        first -= 1
    while True:
        found |= among & (1 << int(devices[first, t.NEAR] % STEP))
        first += 1
        if first == devices.shape[0] or devices[first, t.NEAR] == 0 or devices[first, t.NEAR] // STEP > distance:
            return found


@compiled
def tightest(devices: Devices, among: int, count: int, farthest: int) -> int:
    """Those of a set that lie in the group with the fewest of them that has so many, at no more than a distance.

    Of equal groups it is the nearest, then the one that lies in smaller groups at longer distances, so that large
    groups stay whole, then the first in order. Nothing where there is no such group.
    """
    best, best_place, best_distance = 0, 0, 0
    for place in range(devices.shape[0]):
        if devices[place, t.NEAR] == 0:
            break
        if not (among >> int(devices[place, t.NEAR] % STEP)) & 1:
            continue
        for distance in range(farthest + 1):
            found = around(devices, place, among, distance)
            if number_of(found) >= count:
                if best == 0 or _is_tighter(devices, among, (place, distance), (best_place, best_distance)):
                    best, best_place, best_distance = found, place, distance
                break
    return best


@compiled
def _is_tighter(devices: Devices, among: int, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Compare two groups, each the one around a place of the order at a distance."""
    size = number_of(around(devices, one[0], among, one[1]))
    size_of_other = number_of(around(devices, other[0], among, other[1]))
    if size != size_of_other or one[1] != other[1]:
        return size < size_of_other or (size == size_of_other and one[1] < other[1])
    for distance in range(one[1] + 1, SYSTEM):
        size = number_of(around(devices, one[0], among, distance))
        size_of_other = number_of(around(devices, other[0], among, distance))
        if size != size_of_other:
            return size < size_of_other
    return False


@compiled
def nearest(devices: Devices, among: int, count: int) -> int:
    """So many devices of a set, which has them, as near together as can be: of the tightest group that has so many.

    Of a group with more, its largest parts with no more than are wanted go first, each whole, then the rest alike.
    """
    taken = 0
    while count > 0:
        group = tightest(devices, among, count, SYSTEM)
        part = group if number_of(group) == count else _largest_part(devices, group, count)
        if part == 0:
            break
        taken |= part
        among = group & ~part
        count -= number_of(part)
    return taken


@compiled
def _largest_part(devices: Devices, among: int, most: int) -> int:
    """The largest group within a set with no more than so many of it; of equal ones the first in order."""
    best = 0
    for place in range(devices.shape[0]):
        if devices[place, t.NEAR] == 0:
            break
        if (among >> int(devices[place, t.NEAR] % STEP)) & 1:
            for distance in range(SYSTEM):
                found = around(devices, place, among, distance)
                if number_of(found) > most:
                    break
                if number_of(found) > number_of(best):
                    best = found
    return best


@compiled
def extent(devices: Devices, some: int) -> tuple[int, int]:
    """At which distance some devices are all of one group, and the first of their places in the order."""
    for place in range(devices.shape[0]):
        if devices[place, t.NEAR] != 0 and (some >> int(devices[place, t.NEAR] % STEP)) & 1:
            distance = SELF
            while around(devices, place, some, distance) != some:
                distance += 1
            return distance, place
    return SELF, 0
