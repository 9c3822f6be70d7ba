"""One order of the nodes for all shapes, fullest first, so that a placement looks at few of them.

The score of a node is the same for every shape; only whether it has room differs. So nodes stand in aisles, by the
device types that they have and by how many of the devices are wholly free (a level), in the order of their scores, and
in shelves of a few. A shelf knows the most that any of its nodes has free of each resource: where that is too little it
is passed by. A node that changes moves from a shelf to another; that is read from the log when the index is next asked.

What is known here of a node says what surely has no room; what may have some is judged by ``tasks_on`` as ever.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from suanli.kernel.scheduling.core.copying import copy
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.score import score
from suanli.kernel.scheduling.core.tables import (
    AISLE_TYPES,
    EXCLUSIVE,
    FIRST_SHELF,
    FREE,
    FREE_CPU,
    FREE_MEMORY,
    GROUPS,
    GROUPS_MOST,
    HEALTHY,
    HOLDERS,
    INDEX_SEEN,
    IS_LOOSE,
    LAST,
    LAST_SHELF,
    LEVELS,
    LOG_SIZE,
    NEXT_SHELF,
    NOBODY,
    ON_SHELF,
    ORDER_KEY,
    READY,
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
    SHELF_UNUSED,
    SHELVES_USED,
    TYPE,
    WHOLE,
    Center,
    Ints,
)

AMOUNTS = 6
"""Columns of room that are amounts; shelves have the most of each."""
_SPARSE, _FILLED = SHELF // 4, 3 * SHELF // 4
"""A shelf with as few takes in the next one, if both together are no more than that."""


class Index(NamedTuple):
    """The tables of the index alone: what is handed on at each call is copied, and these calls are many."""

    room: Ints
    shelves: Ints
    shelved: Ints
    aisles: Ints
    sizes: Ints


@compiled
def index_of(center: Center) -> Index:
    """The index of a center."""
    return Index(center.room, center.shelves, center.shelved, center.aisles, center.sizes)


@compiled
def read_changes(center: Center, policy: int) -> None:
    """Bring the index up to date with all nodes that changed."""
    sizes, log, nodes, devices, index = center.sizes, center.log, center.nodes, center.devices, index_of(center)
    seen, size = sizes[INDEX_SEEN], sizes[LOG_SIZE]
    if seen < 0:
        _clear(index)
        for node in range(nodes.shape[0]):
            _put(index, nodes, devices, node, policy)
    else:
        for place in range(seen, size):
            node = log[place]
            if nodes[node, LAST] == place:
                _take(index, node)
                _put(index, nodes, devices, node, policy)
    sizes[INDEX_SEEN] = size


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
def tighten(index: Index, shelf: int) -> None:
    """Work out anew the most that the nodes on a shelf have."""
    shelves, size = index.shelves, index.shelves[shelf, SHELF_SIZE]
    for column in range(AMOUNTS):
        shelves[shelf, column] = 0
    for place in range(size):
        _raise(index, shelf, node_of(index.shelved[shelf, place]))
    shelves[shelf, IS_LOOSE] = 0


@compiled
def node_of(key: int) -> int:
    """The node that a key orders."""
    return key & 0xFFFFFFFF


@compiled
def _raise(index: Index, shelf: int, node: int) -> None:
    for column in range(AMOUNTS):
        index.shelves[shelf, column] = max(index.shelves[shelf, column], index.room[node, column])


@compiled
def _clear(index: Index) -> None:
    sizes, aisles, room = index.sizes, index.aisles, index.room
    sizes[SHELVES_USED] = sizes[GROUPS] = 0
    sizes[SHELF_UNUSED] = NOBODY
    for aisle in range(aisles.shape[1]):
        aisles[FIRST_SHELF, aisle] = aisles[LAST_SHELF, aisle] = NOBODY
        aisles[AISLE_TYPES, aisle] = 0
    for node in range(room.shape[0]):
        room[node, ON_SHELF] = NOBODY


@compiled
def _put(index: Index, nodes: Ints, devices: Ints, node: int, policy: int) -> None:
    """Let a node, if work may start on it, stand where it belongs."""
    room = index.room
    if nodes[node, READY] == 0 or nodes[node, EXCLUSIVE] != 0:
        return
    whole = most = shares = types = 0
    for position in range(devices.shape[1]):
        kind, free = devices[node, position, TYPE], devices[node, position, FREE]
        if kind >= 0 and devices[node, position, HEALTHY] != 0:
            types |= 1 << kind
            whole += int(free >= WHOLE)
            most = max(most, free)
            shares += max(free, 0)
    room[node, ROOM_CPU], room[node, ROOM_MEMORY] = nodes[node, FREE_CPU], nodes[node, FREE_MEMORY]
    room[node, ROOM_WHOLE], room[node, ROOM_PART], room[node, ROOM_SHARES] = whole, most, shares
    room[node, ROOM_IDLE] = int(nodes[node, HOLDERS] == 0)
    room[node, ORDER_KEY] = key_of(score(policy, nodes, devices, index.sizes, node), node)
    _insert(index, node, level(whole, most) * GROUPS_MOST + _group(index, types))


@compiled
def _group(index: Index, types: int) -> int:
    """The group of nodes that have devices of these types."""
    of_groups, count = index.aisles[AISLE_TYPES], index.sizes[GROUPS]
    for group in range(count):
        if of_groups[group] == types:
            return group
    if count < GROUPS_MOST:
        index.sizes[GROUPS] += 1
        of_groups[count] = types
        return int(count)
    of_groups[count - 1] |= types
    return int(count - 1)


@compiled
def _insert(index: Index, node: int, aisle: int) -> None:
    """Put a node on the shelf of an aisle that its key tells."""
    shelves, shelved, aisles, key = index.shelves, index.shelved, index.aisles, index.room[node, ORDER_KEY]
    shelf = aisles[LAST_SHELF, aisle]
    if shelf < 0:
        shelf = _new_shelf(index, aisle, NOBODY)
    elif key < shelved[shelf, 0]:
        last, shelf = shelf, aisles[FIRST_SHELF, aisle]
        while shelf != last and shelved[shelves[shelf, NEXT_SHELF], 0] <= key:
            shelf = shelves[shelf, NEXT_SHELF]
    if shelves[shelf, SHELF_SIZE] == SHELF:
        following = _split(index, shelf)
        if key >= shelved[following, 0]:
            shelf = following
    row, place = shelved[shelf], shelves[shelf, SHELF_SIZE]
    while place > 0 and row[place - 1] > key:
        row[place] = row[place - 1]
        place -= 1
    row[place] = key
    shelves[shelf, SHELF_SIZE] += 1
    index.room[node, ON_SHELF] = shelf
    _raise(index, shelf, node)


@compiled
def _new_shelf(index: Index, aisle: int, before: int) -> int:
    """An empty shelf behind another one (-1: it is the only one) of an aisle."""
    shelves, sizes = index.shelves, index.sizes
    shelf = sizes[SHELF_UNUSED]
    if shelf < 0:
        shelf = sizes[SHELVES_USED]
        sizes[SHELVES_USED] += 1
    else:
        sizes[SHELF_UNUSED] = shelves[shelf, NEXT_SHELF]
    after = NOBODY if before < 0 else shelves[before, NEXT_SHELF]
    for column in range(AMOUNTS):
        shelves[shelf, column] = 0
    shelves[shelf, SHELF_SIZE] = shelves[shelf, IS_LOOSE] = 0
    shelves[shelf, NEXT_SHELF], shelves[shelf, SHELF_BEFORE], shelves[shelf, SHELF_AISLE] = after, before, aisle
    _join(index, aisle, before, shelf)
    _join(index, aisle, shelf, after)
    return int(shelf)


@compiled
def _join(index: Index, aisle: int, shelf: int, after: int) -> None:
    """Let one shelf of an aisle follow another one; -1 is its end on either side."""
    if shelf >= 0:
        index.shelves[shelf, NEXT_SHELF] = after
    else:
        index.aisles[FIRST_SHELF, aisle] = after
    if after >= 0:
        index.shelves[after, SHELF_BEFORE] = shelf
    else:
        index.aisles[LAST_SHELF, aisle] = shelf


@compiled
def _split(index: Index, shelf: int) -> int:
    """Move the second half of a full shelf to one of its own behind it, and return that."""
    shelves, row, half = index.shelves, index.shelved[shelf], SHELF // 2
    following = _new_shelf(index, shelves[shelf, SHELF_AISLE], shelf)
    shelves[shelf, SHELF_SIZE] = half
    _stand(index, following, row[half:])
    tighten(index, shelf)
    return following


@compiled
def _stand(index: Index, shelf: int, keys: Ints) -> None:
    """Put nodes, whose keys are greater than all there, on a shelf that has room for them."""
    size = index.shelves[shelf, SHELF_SIZE]
    copy(index.shelved[shelf, size:], keys)
    index.shelves[shelf, SHELF_SIZE] = size + keys.size
    for place in range(keys.size):
        index.room[node_of(keys[place]), ON_SHELF] = shelf
        _raise(index, shelf, node_of(keys[place]))


@compiled
def _take(index: Index, node: int) -> None:
    """Let a node stand nowhere."""
    shelves, shelf, key = index.shelves, index.room[node, ON_SHELF], index.room[node, ORDER_KEY]
    if shelf < 0:
        return
    index.room[node, ON_SHELF] = NOBODY
    size, row, place = shelves[shelf, SHELF_SIZE] - 1, index.shelved[shelf], 0
    while row[place] != key:
        place += 1
    while place < size:
        row[place] = row[place + 1]
        place += 1
    shelves[shelf, SHELF_SIZE], shelves[shelf, IS_LOOSE] = size, 1
    after = shelves[shelf, NEXT_SHELF]
    if size == 0:
        _remove(index, shelf)
    elif size <= _SPARSE and after >= 0 and size + shelves[after, SHELF_SIZE] <= _FILLED:
        _stand(index, shelf, index.shelved[after, : shelves[after, SHELF_SIZE]])
        _remove(index, after)


@compiled
def _remove(index: Index, shelf: int) -> None:
    """Take an empty shelf out of its aisle."""
    shelves = index.shelves
    _join(index, shelves[shelf, SHELF_AISLE], shelves[shelf, SHELF_BEFORE], shelves[shelf, NEXT_SHELF])
    shelves[shelf, NEXT_SHELF] = index.sizes[SHELF_UNUSED]
    index.sizes[SHELF_UNUSED] = shelf
