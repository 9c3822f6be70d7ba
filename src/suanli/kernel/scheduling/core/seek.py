"""Nodes for a job found by the index: the same that ``place`` chooses by what is remembered of its shape.

Nothing is remembered of the shape here. It serves turns in which many nodes change between one question of a shape and
its next, and in which many shapes ask: to judge all of those nodes for all of those shapes would cost more.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import tasks_on
from suanli.kernel.scheduling.core.index import level, node_of, tighten
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.shelves import (
    AISLE_TYPES,
    FIRST_KEY,
    FIRST_SHELF,
    IS_LOOSE,
    LEAST_KEY,
    LEVELS,
    NEXT_SHELF,
    NO_KEY,
    ROOM_CPU,
    ROOM_IDLE,
    ROOM_MEMORY,
    ROOM_PART,
    ROOM_SHARES,
    ROOM_WHOLE,
    SHELF_SIZE,
)
from suanli.kernel.scheduling.core.tables import Center, Ints

_FIRST_KEY = -(2**63)
_ANY = 2**31
"""More tasks than fit anywhere."""

Wanted = tuple[int, int, int, int, int, int]
Sought = tuple[Wanted, tuple[int, int, int], int, int]


@compiled
def seek(center: Center, shape: int, need: int, beside: bool) -> int:
    """Choose nodes for all of the need as ``choose`` does, and return how many; 0 where there is no room.

    The index must be up to date, and there be only one engine. ``beside`` where only what is not kept may be taken.
    """
    unit = center.shapes[shape, t.UNIT]
    chosen, tasks = center.scratch[t.CHOSEN], center.scratch[t.TASKS]
    if center.shapes[shape, t.BY_NODES]:
        return _seek_nodes(center, shape, need, beside)
    if need == 1:
        key = _first(center, shape, (unit, _ANY, 0), _FIRST_KEY, beside)
        chosen[0], tasks[0] = node_of(key), 1
        return int(key != NO_KEY)
    count, rest, most = 0, need, _most(center, shape, (need + 1, need), beside)
    while most >= unit:
        floor = _FIRST_KEY
        while rest > most:
            key = _first(center, shape, (most, most, most), floor, beside)
            if key == NO_KEY:
                break
            chosen[count], tasks[count] = node_of(key), most
            count, rest, floor = count + 1, rest - most, key
        if rest <= most:
            # Of those that hold the rest, none that was chosen: they hold more, or as much and came before.
            key = _first(center, shape, (max(rest, unit), most if most < need else _ANY, most), floor, beside)
            if key != NO_KEY:
                chosen[count], tasks[count] = node_of(key), rest
                return count + 1
        most = _most(center, shape, (most, _ANY), beside)
    return 0


@compiled
def _seek_nodes(center: Center, shape: int, need: int, beside: bool) -> int:
    """Choose so many nodes that hold a unit each, the first in order."""
    chosen, tasks, unit = center.scratch[t.CHOSEN], center.scratch[t.TASKS], center.shapes[shape, t.UNIT]
    floor = _FIRST_KEY
    for place in range(need):
        floor = _first(center, shape, (unit, _ANY, 0), floor, beside)
        if floor == NO_KEY:
            return 0
        chosen[place], tasks[place] = node_of(floor), unit
    return need


@compiled
def _first(center: Center, shape: int, asked: tuple[int, int, int], floor: int, beside: bool) -> int:
    """The first key, in the order of all aisles, of a node on which so many tasks fit; ``NO_KEY`` if there is none.

    ``asked`` are the least tasks, the most, and from how many on only keys above the floor count.
    """
    shapes, aisles = center.shapes, center.aisles
    wanted, best, types = _wanted(shapes, shape, asked[0]), NO_KEY, shapes[shape, t.TYPES]
    lowest, any_type = _lowest(shapes, shape, wanted), shapes[shape, t.DEVICES] == 0
    for group in range(center.sizes[t.GROUPS]):
        if any_type or aisles[AISLE_TYPES, group] & types:
            for aisle in range(group * LEVELS + lowest, group * LEVELS + LEVELS):
                if aisles[LEAST_KEY, aisle] < best:
                    best = _first_of(center, shape, aisles[FIRST_SHELF, aisle], (wanted, asked, floor, best), beside)
    return best


@compiled
def _first_of(center: Center, shape: int, shelf: int, sought: Sought, beside: bool) -> int:
    """The first key of an aisle, from its first shelf on, if it comes before the best; else the best.

    What is sought are the amounts that must be free, what is asked, the floor and the best so far.
    """
    wanted, asked, floor, best = sought
    shelves, room = center.shelves, center.room
    while shelf >= 0:
        row = shelves[shelf, FIRST_KEY:]
        if row[0] >= best:
            return best
        size = shelves[shelf, SHELF_SIZE]
        if _may_hold(shelves[shelf], wanted) and (asked[0] < asked[2] or row[size - 1] > floor):
            for place in range(size):
                key = row[place]
                if key >= best:
                    return best
                if _may_hold(room[node_of(key)], wanted):
                    tasks = _tasks(center, shape, node_of(key), beside)
                    if asked[0] <= tasks <= asked[1] and (tasks < asked[2] or key > floor):
                        return int(key)
            if shelves[shelf, IS_LOOSE]:
                tighten(center, shelf)
        shelf = shelves[shelf, NEXT_SHELF]
    return best


@compiled
def _most(center: Center, shape: int, bounds: tuple[int, int], beside: bool) -> int:
    """The most tasks, but fewer than the first bound, that fit on any node; more than the second count as that many."""
    shapes, aisles, below, most = center.shapes, center.aisles, bounds[0], 0
    types, any_type = shapes[shape, t.TYPES], shapes[shape, t.DEVICES] == 0
    lowest = _lowest(shapes, shape, _wanted(shapes, shape, 1))
    for group in range(center.sizes[t.GROUPS]):
        if any_type or aisles[AISLE_TYPES, group] & types:
            for aisle in range(group * LEVELS + LEVELS - 1, group * LEVELS + lowest - 1, -1):
                if aisles[FIRST_SHELF, aisle] >= 0:
                    most = _most_of(center, shape, aisles[FIRST_SHELF, aisle], (below, bounds[1], most), beside)
                    if most == below - 1:
                        return most
    return most


@compiled
def _most_of(center: Center, shape: int, shelf: int, bounds: tuple[int, int, int], beside: bool) -> int:
    """The same of an aisle from a shelf on, if it is more than the third bound; else that."""
    below, cap, most = bounds
    shelves, room, wanted = center.shelves, center.room, _wanted(center.shapes, shape, most + 1)
    while shelf >= 0:
        if _may_hold(shelves[shelf], wanted):
            if shelves[shelf, IS_LOOSE]:
                tighten(center, shelf)
            for place in range(shelves[shelf, SHELF_SIZE]):
                node = node_of(shelves[shelf, FIRST_KEY + place])
                if _may_hold(room[node], wanted):
                    tasks = min(_tasks(center, shape, node, beside), cap)
                    if most < tasks < below:
                        most, wanted = tasks, _wanted(center.shapes, shape, tasks + 1)
                        if most == below - 1:
                            return most
        shelf = shelves[shelf, NEXT_SHELF]
    return most


@compiled
def _wanted(shapes: Ints, shape: int, tasks: int) -> Wanted:
    """What must be free of a node for so many tasks: amounts as in room."""
    # Of what is free of parted devices it knows nothing: that is judged by the node itself.
    devices, share = tasks * shapes[shape, t.DEVICES] * int(shapes[shape, t.PARTED] == 0), shapes[shape, t.SHARE]
    whole = devices if share == t.WHOLE else 0
    part = share if devices > 0 else 0
    cpu, memory = tasks * shapes[shape, t.TASK_CPU], tasks * shapes[shape, t.TASK_MEMORY]
    # What is not asked for may be owed: a node that shrank has less than nothing free.
    least = -NO_KEY
    return (
        cpu if cpu > 0 else least,
        memory if memory > 0 else least,
        whole,
        part,
        devices * share,
        shapes[shape, t.ALONE],
    )


@compiled
def _lowest(shapes: Ints, shape: int, wanted: Wanted) -> int:
    """The lowest level at which a node may have what is wanted."""
    if shapes[shape, t.DEVICES] == 0:
        return 0
    return level(wanted[ROOM_WHOLE], wanted[ROOM_PART])


@compiled
def _may_hold(amounts: Ints, wanted: Wanted) -> bool:
    """Tell whether there is as much of everything as is wanted."""
    return bool(
        amounts[ROOM_CPU] >= wanted[ROOM_CPU]
        and amounts[ROOM_MEMORY] >= wanted[ROOM_MEMORY]
        and amounts[ROOM_PART] >= wanted[ROOM_PART]
        and amounts[ROOM_WHOLE] >= wanted[ROOM_WHOLE]
        and amounts[ROOM_SHARES] >= wanted[ROOM_SHARES]
        and amounts[ROOM_IDLE] >= wanted[ROOM_IDLE]
    )


@compiled
def _tasks(center: Center, shape: int, node: int, beside: bool) -> int:
    """How many tasks fit on a node."""
    if beside and center.nodes[node, t.IS_KEPT] != 0:
        return tasks_on(center.both_nodes, center.both_devices, center.shapes, shape, node)[0]
    return tasks_on(center.nodes, center.devices, center.shapes, shape, node)[0]
