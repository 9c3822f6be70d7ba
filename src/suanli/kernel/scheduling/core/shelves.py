"""Columns of the tables of the index: what it knows of nodes, and how these stand in aisles and on shelves."""

from __future__ import annotations

(
    ROOM_CPU,
    ROOM_MEMORY,
    ROOM_WHOLE,
    ROOM_PART,
    ROOM_SHARES,
    ROOM_IDLE,
    ON_SHELF,
    ORDER_KEY,
) = range(8)
"""Columns of room, what the index knows of a node: free milli-cpus and bytes, healthy devices that are wholly free, the
most thousandths free of one, those of all, 1 where nobody holds any of it; and the shelf on which it stands (-1: none),
and by which key."""

SHELF_SIZE, IS_LOOSE, NEXT_SHELF, SHELF_BEFORE, SHELF_AISLE, FIRST_KEY = range(6, 12)
"""Columns of shelves after the first six, which say the most that any node on it has (as in room): how many nodes stand
on it, 1 where that most may be too much since one was taken away, its neighbours in its aisle, and which that is. From
FIRST_KEY on are the keys of its nodes."""

FIRST_SHELF, LAST_SHELF, LEAST_KEY, AISLE_TYPES = range(4)
"""Rows of aisles [4, groups * levels]: their ends (-1: empty) and the first key (``NO_KEY``: none); and by group the
bits of its nodes' device types."""
NO_KEY = 2**63 - 1
"""Comes after the key of every node."""

SHELF = 32
"""Nodes on one shelf at most: all are looked at where the most that they have does not tell."""
GROUPS_MOST = 64
"""Groups of nodes by device types. Where a center has more combinations, the last one stands for all the rest."""
LEVELS = 16
"""Levels of a group: 0 to 4 without a wholly free device, by how much of one is, and then by how many are."""
