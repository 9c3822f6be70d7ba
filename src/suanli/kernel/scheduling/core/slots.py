"""Slices of devices that are parted by templates: which a new part may take, and what of a device is left then.

A device is free, shared or whole, or parted. Of a parted one nothing is free as far as shares go; which slices are
taken are bits of one number. A template is known to the loops by its code: slices at evenly spaced starts, or so many
of one or two groups of which any will do. No two starts of a template have a slice in common, so that how many parts
still fit does not depend on which of them is made first.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.tables import Center, Devices, Ints

COUNTED = 1 << 40
"""The bit of a code whose slices may be any of their group."""
FIELD = 4
"""Bits of each number in a code: of starts the first, their distance, how many, and how many slices from each on; of
each group where it begins, how many slices it has, and how many of them are taken."""
_DIGIT = (1 << FIELD) - 1
_GROUP = 3 * FIELD
PARTS_MOST = 15
"""Slices of a device at most, and so parts."""
_PLENTY = 2**30
ALL = -1
"""Slices of a device that takes no part: it is shared or whole at another instant of those that count."""


@compiled
def fitting(code: int, taken: int) -> int:
    """How many more parts of a template fit where these slices are taken; 0 where the device does not have it."""
    if code & COUNTED:
        return min(_of_group(code, taken), _of_group(code >> _GROUP, taken))
    mask, found = _first(code), 0
    for _ in range((code >> 2 * FIELD) & _DIGIT):
        found += int(mask & taken == 0)
        mask <<= (code >> FIELD) & _DIGIT
    return found


@compiled
def _first(code: int) -> int:
    """The slices of a part at the first start."""
    return ((1 << ((code >> 3 * FIELD) & _DIGIT)) - 1) << (code & _DIGIT)


@compiled
def _of_group(code: int, taken: int) -> int:
    """How many parts the free slices of the group suffice for that the last bits of a code tell."""
    first, size, needed = code & _DIGIT, (code >> FIELD) & _DIGIT, (code >> 2 * FIELD) & _DIGIT
    if needed == 0:
        return _PLENTY
    free = 0
    for place in range(first, first + size):
        free += int((taken >> place) & 1 == 0)
    return free // needed


@compiled
def _some_of_group(code: int, taken: int) -> int:
    """The first free slices of a group, as many as one part takes."""
    first, needed, found = code & _DIGIT, (code >> 2 * FIELD) & _DIGIT, 0
    for place in range(first, first + ((code >> FIELD) & _DIGIT)):
        if needed > 0 and (taken >> place) & 1 == 0:
            found |= 1 << place
            needed -= 1
    return found


@compiled
def fitting_on(devices: Devices, node: int, position: int, code: int) -> int:
    """How many parts of a template fit on a device, which may be parted already or wholly free."""
    taken = int(devices[node, position, t.SLOTS])
    return fitting(code, taken) if takes_parts(int(devices[node, position, t.FREE]), taken) else 0


@compiled
def takes_parts(free: int, taken: int) -> bool:
    """Tell whether a device is not held whole, nor any share of it: of a parted one nothing more is held then."""
    return bool(free >= (t.WHOLE if taken == 0 else 0))


@compiled
def worth(templates: Ints, taken: int) -> int:
    """What a device can still hold: of each template [n, 2] all that fit, each by its thousandths of the device."""
    total = 0
    for place in range(templates.shape[0]):
        if templates[place, 0] == 0:
            break
        total += fitting(templates[place, 0], taken) * templates[place, 1]
    return total


@compiled
def best_slots(templates: Ints, code: int, taken: int) -> int:
    """The free slices of one part after which a device can still hold most, the first of equals. There must be some."""
    if code & COUNTED:
        return _some_of_group(code, taken) | _some_of_group(code >> _GROUP, taken)
    mask, best, most = _first(code), 0, -1
    for _ in range((code >> 2 * FIELD) & _DIGIT):
        if mask & taken == 0:
            left = worth(templates, taken | mask)
            if left > most:
                best, most = mask, left
        mask <<= (code >> FIELD) & _DIGIT
    return best


@compiled
def next_part(center: Center, devices: Devices, shape: int, laid: Ints) -> tuple[int, int]:
    """The position on a node (rows of devices), and the slices, of the next part that a shape takes; -1 if none fits.

    ``laid`` are the slices that the parts before take, by position. Parted devices go before whole ones; of these the
    one that loses least of what it can still hold, of equals the fuller, then the first; of whole ones the first.
    """
    best, slots, least, fullest = t.NOBODY, 0, 0, 0
    for position in range(devices.shape[0]):
        kind, before = devices[position, t.TYPE], int(devices[position, t.SLOTS])
        if kind < 0 or not (center.shapes[shape, t.TYPES] >> kind) & 1 or devices[position, t.HEALTHY] == 0:
            continue
        if not takes_parts(int(devices[position, t.FREE]), before):
            continue
        code, taken = center.shapes[shape, t.PARTS_OF + kind], before | laid[position]
        if fitting(code, taken) == 0:
            continue
        mask, there = best_slots(center.templates[kind], code, taken), worth(center.templates[kind], taken)
        lost = there - worth(center.templates[kind], taken | mask) if taken != 0 else _PLENTY
        if best < 0 or lost < least or (lost == least and taken != 0 and there < fullest):
            best, slots, least, fullest = position, mask, lost, there
    return best, slots


@compiled
def opened(center: Center, node: int, shape: int, parts: int) -> int:
    """How many wholly free devices of a node are parted for so many parts of a shape; these must fit."""
    devices, laid, found = center.devices[node], center.trial[0], 0
    laid[:] = 0
    for _ in range(parts):
        position, slots = next_part(center, devices, shape, laid)
        if position < 0:
            break
        found += int(laid[position] == 0 and devices[position, t.SLOTS] == 0)
        laid[position] |= slots
    return found


@compiled
def put(devices: Devices, held: Ints, row: int, sign: int) -> None:
    """Give back (1) or take (-1), in these devices, what a row of device holds says of one.

    The slices of several add up, whatever comes first: a part may be told before the end of who had its slices.
    """
    node, position, slots = held[row, t.DEVICE_NODE], held[row, t.POSITION], held[row, t.HELD_SLOTS]
    if slots == 0:
        devices[node, position, t.FREE] += sign * held[row, t.HELD_SHARE]
    else:
        part(devices, node, position, -sign * slots)


@compiled
def part(devices: Devices, node: int, position: int, slots: int) -> None:
    """Take slices of a device, or give them back where below 0. What is left of it, while any is taken, is no share."""
    before = int(devices[node, position, t.SLOTS])
    after = before + slots
    if before == 0:
        devices[node, position, t.FREE] -= t.WHOLE
    if after == 0:
        devices[node, position, t.FREE] += t.WHOLE
    devices[node, position, t.SLOTS] = after


@compiled
def meet_device(devices: Devices, node: int, position: int, free: int, slots: int) -> None:
    """Let no more of a device be free than also where so much of it is, and these slices are taken."""
    before, was_free = int(devices[node, position, t.SLOTS]), int(devices[node, position, t.FREE])
    devices[node, position, t.FREE] = min(was_free, free)
    if before != 0 or slots != 0:
        is_shared = (before == 0 and was_free < t.WHOLE) or (slots == 0 and free < t.WHOLE)
        devices[node, position, t.SLOTS] = ALL if is_shared else before | slots
