"""One order of the nodes for all shapes, fullest first, so that a placement looks at few of them.

The score of a node is the same for every shape; only whether it has room differs. So nodes stand in aisles, by the
device types that they have and by how many of the devices are wholly free (a level), in the order of their scores, and
in shelves of a few. A shelf knows the most that any of its nodes has free of each resource: where that is too little it
is passed by. A node that changes moves from a shelf to another; that is read from the log when the index is next asked.

What is known here of a node says what surely has no room; what may have some is judged by ``tasks_on`` as ever.
"""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.copying import copy
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.score import score
from suanli.kernel.scheduling.core.shelves import (
    AISLE_TYPES,
    FIRST_KEY,
    FIRST_SHELF,
    GROUPS_MOST,
    IS_LOOSE,
    LAST_SHELF,
    LEAST_KEY,
    LEVELS,
    NEXT_SHELF,
    NO_KEY,
    ON_SHELF,
    ORDER_KEY,
    ROOM_CPU,
    ROOM_IDLE,
    ROOM_MEMORY,
    ROOM_PART,
    ROOM_SHARES,
    ROOM_WHOLE,
    SHELF,
    SHELF_AISLE,
    SHELF_BEFORE,
    SHELF_SIZE,
)
from suanli.kernel.scheduling.core.tables import Center, Ints

AMOUNTS = 6
"""Columns of room that are amounts; shelves have the most of each."""
_SPARSE, _FILLED = SHELF // 4, 3 * SHELF // 4
"""A shelf with as few takes in the next one, if both together are no more than that."""


@compiled
def read_changes(center: Center, policy: int) -> None:
    """Bring the index up to date with all nodes that changed."""
    sizes, log, nodes = center.sizes, center.log, center.nodes
    seen, size = sizes[t.INDEX_SEEN], sizes[t.LOG_SIZE]
    if seen < 0:
        _clear(center)
        for node in range(nodes.shape[0]):
            _put(center, node, policy)
    else:
        for place in range(seen, size):
            node = log[place]
            if nodes[node, t.LAST] == place:
                _take(center, node)
                _put(center, node, policy)
    sizes[t.INDEX_SEEN] = size


@compiled
def level(whole: int, part: int) -> int:
    """The level of a node with so many wholly free devices, and at most so many thousandths free of one."""
    if whole > 0:
        return 4 + min(whole, LEVELS - 5)
    return int(part > 0) + int(part >= 125) + int(part >= 250) + int(part >= 500)


@compiled
def key_of(value: float, node: int) -> int:
    """A number that orders nodes by score, as precisely as scores are remembered, and equal ones by themselves."""
    bits = np.int64(np.float32(value + 0.0).view(np.int32))
    # Of negative numbers a larger magnitude has larger bits.
    return int((bits ^ 0x7FFFFFFF if bits < 0 else bits) << 32) | node


@compiled
def tighten(center: Center, shelf: int) -> None:
    """Work out anew the most that the nodes on a shelf have."""
    shelves, size = center.shelves, center.shelves[shelf, SHELF_SIZE]
    for column in range(AMOUNTS):
        shelves[shelf, column] = 0
    for place in range(size):
        _raise(center, shelf, node_of(center.shelves[shelf, FIRST_KEY + place]))
    shelves[shelf, IS_LOOSE] = 0


@compiled
def node_of(key: int) -> int:
    """The node that a key orders."""
    return key & 0xFFFFFFFF


@compiled
def _raise(center: Center, shelf: int, node: int) -> None:
    for column in range(AMOUNTS):
        center.shelves[shelf, column] = max(center.shelves[shelf, column], center.room[node, column])


@compiled
def _clear(center: Center) -> None:
    sizes, aisles, room = center.sizes, center.aisles, center.room
    sizes[t.SHELVES_USED] = sizes[t.GROUPS] = 0
    sizes[t.SHELF_UNUSED] = t.NOBODY
    for aisle in range(aisles.shape[1]):
        aisles[FIRST_SHELF, aisle] = aisles[LAST_SHELF, aisle] = t.NOBODY
        aisles[AISLE_TYPES, aisle] = 0
        aisles[LEAST_KEY, aisle] = NO_KEY
    for node in range(room.shape[0]):
        room[node, ON_SHELF] = t.NOBODY


@compiled
def _put(center: Center, node: int, policy: int) -> None:
    """Let a node, if work may start on it, stand where it belongs."""
    room, nodes, devices = center.room, center.nodes, center.devices
    if nodes[node, t.READY] == 0 or nodes[node, t.EXCLUSIVE] != 0:
        return
    whole = most = shares = types = 0
    for position in range(devices.shape[1]):
        kind, free = int(devices[node, position, t.TYPE]), int(devices[node, position, t.FREE])
        if kind >= 0 and devices[node, position, t.HEALTHY] != 0:
            types |= 1 << kind
            whole += int(free >= t.WHOLE)
            most = max(most, free)
            shares += max(free, 0)
    room[node, ROOM_CPU], room[node, ROOM_MEMORY] = nodes[node, t.FREE_CPU], nodes[node, t.FREE_MEMORY]
    room[node, ROOM_WHOLE], room[node, ROOM_PART], room[node, ROOM_SHARES] = whole, most, shares
    room[node, ROOM_IDLE] = int(nodes[node, t.HOLDERS] == 0)
    room[node, ORDER_KEY] = key_of(score(center, policy, t.NOBODY, node), node)
    _insert(center, node, _group(center, types) * LEVELS + level(whole, most))


@compiled
def _group(center: Center, types: int) -> int:
    """The group of nodes that have devices of these types."""
    of_groups, count = center.aisles[AISLE_TYPES], center.sizes[t.GROUPS]
    for group in range(count):
        if of_groups[group] == types:
            return group
    if count < GROUPS_MOST:
        center.sizes[t.GROUPS] += 1
        of_groups[count] = types
        return int(count)
    of_groups[count - 1] |= types
    return int(count - 1)


@compiled
def _insert(center: Center, node: int, aisle: int) -> None:
    """Put a node on the shelf of an aisle that its key tells."""
    shelves, aisles, key = center.shelves, center.aisles, center.room[node, ORDER_KEY]
    shelf = aisles[LAST_SHELF, aisle]
    if shelf < 0:
        shelf = _new_shelf(center, aisle, t.NOBODY)
    elif key < shelves[shelf, FIRST_KEY]:
        last, shelf = shelf, aisles[FIRST_SHELF, aisle]
        while shelf != last and shelves[shelves[shelf, NEXT_SHELF], FIRST_KEY] <= key:
            shelf = shelves[shelf, NEXT_SHELF]
    if shelves[shelf, SHELF_SIZE] == SHELF:
        following = _split(center, shelf)
        if key >= shelves[following, FIRST_KEY]:
            shelf = following
    row, place = shelves[shelf, FIRST_KEY:], shelves[shelf, SHELF_SIZE]
    while place > 0 and row[place - 1] > key:
        row[place] = row[place - 1]
        place -= 1
    row[place] = key
    shelves[shelf, SHELF_SIZE] += 1
    center.room[node, ON_SHELF] = shelf
    aisles[LEAST_KEY, aisle] = min(aisles[LEAST_KEY, aisle], key)
    _raise(center, shelf, node)


@compiled
def _new_shelf(center: Center, aisle: int, before: int) -> int:
    """An empty shelf behind another one (-1: it is the only one) of an aisle."""
    shelves, sizes = center.shelves, center.sizes
    shelf = sizes[t.SHELF_UNUSED]
    if shelf < 0:
        shelf = sizes[t.SHELVES_USED]
        sizes[t.SHELVES_USED] += 1
    else:
        sizes[t.SHELF_UNUSED] = shelves[shelf, NEXT_SHELF]
    after = t.NOBODY if before < 0 else shelves[before, NEXT_SHELF]
    for column in range(AMOUNTS):
        shelves[shelf, column] = 0
    shelves[shelf, SHELF_SIZE] = shelves[shelf, IS_LOOSE] = 0
    shelves[shelf, NEXT_SHELF], shelves[shelf, SHELF_BEFORE], shelves[shelf, SHELF_AISLE] = after, before, aisle
    _join(center, aisle, before, shelf)
    _join(center, aisle, shelf, after)
    return int(shelf)


@compiled
def _join(center: Center, aisle: int, shelf: int, after: int) -> None:
    """Let one shelf of an aisle follow another one; -1 is its end on either side."""
    if shelf >= 0:
        center.shelves[shelf, NEXT_SHELF] = after
    else:
        center.aisles[FIRST_SHELF, aisle] = after
    if after >= 0:
        center.shelves[after, SHELF_BEFORE] = shelf
    else:
        center.aisles[LAST_SHELF, aisle] = shelf


@compiled
def _split(center: Center, shelf: int) -> int:
    """Move the second half of a full shelf to one of its own behind it, and return that."""
    shelves, half = center.shelves, SHELF // 2
    following = _new_shelf(center, shelves[shelf, SHELF_AISLE], shelf)
    shelves[shelf, SHELF_SIZE] = half
    _stand(center, following, shelves[shelf, FIRST_KEY + half :])
    tighten(center, shelf)
    return following


@compiled
def _stand(center: Center, shelf: int, keys: Ints) -> None:
    """Put nodes, whose keys are greater than all there, on a shelf that has room for them."""
    size = center.shelves[shelf, SHELF_SIZE]
    copy(center.shelves[shelf, FIRST_KEY + size :], keys)
    center.shelves[shelf, SHELF_SIZE] = size + keys.size
    for place in range(keys.size):
        center.room[node_of(keys[place]), ON_SHELF] = shelf
        _raise(center, shelf, node_of(keys[place]))


@compiled
def _take(center: Center, node: int) -> None:
    """Let a node stand nowhere."""
    shelves, shelf, key = center.shelves, center.room[node, ON_SHELF], center.room[node, ORDER_KEY]
    if shelf < 0:
        return
    center.room[node, ON_SHELF] = t.NOBODY
    size, row, place = shelves[shelf, SHELF_SIZE] - 1, shelves[shelf, FIRST_KEY:], 0
    while row[place] != key:
        place += 1
    while place < size:
        row[place] = row[place + 1]
        place += 1
    shelves[shelf, SHELF_SIZE], shelves[shelf, IS_LOOSE] = size, 1
    aisle, after = shelves[shelf, SHELF_AISLE], shelves[shelf, NEXT_SHELF]
    if center.aisles[LEAST_KEY, aisle] == key:
        first = shelf if size > 0 else after
        center.aisles[LEAST_KEY, aisle] = NO_KEY if first < 0 else shelves[first, FIRST_KEY]
    if size == 0:
        _remove(center, shelf)
    elif size <= _SPARSE and after >= 0 and size + shelves[after, SHELF_SIZE] <= _FILLED:
        _stand(center, shelf, shelves[after, FIRST_KEY : FIRST_KEY + shelves[after, SHELF_SIZE]])
        _remove(center, after)


@compiled
def _remove(center: Center, shelf: int) -> None:
    """Take an empty shelf out of its aisle."""
    shelves = center.shelves
    _join(center, shelves[shelf, SHELF_AISLE], shelves[shelf, SHELF_BEFORE], shelves[shelf, NEXT_SHELF])
    shelves[shelf, NEXT_SHELF] = center.sizes[t.SHELF_UNUSED]
    center.sizes[t.SHELF_UNUSED] = shelf
