"""Nodes for a job found by the index: the same that ``place`` chooses by what is remembered of its shape.

Nothing is remembered of the shape here. It serves turns in which many nodes change between one question of a shape and
its next, and in which many shapes ask: to judge all of those nodes for all of those shapes would cost more.
"""

from __future__ import annotations

from typing import NamedTuple

from suanli.kernel.scheduling.core.feasible import tasks_on
from suanli.kernel.scheduling.core.index import Index, index_of, level, node_of, tighten
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.tables import (
    AISLE_TYPES,
    ALONE,
    BY_NODES,
    CHOSEN,
    DEVICES,
    FIRST_SHELF,
    GROUPS,
    GROUPS_MOST,
    IS_KEPT,
    IS_LOOSE,
    LEVELS,
    NEXT_SHELF,
    ROOM_CPU,
    ROOM_IDLE,
    ROOM_MEMORY,
    ROOM_PART,
    ROOM_SHARES,
    ROOM_WHOLE,
    SHARE,
    SHELF_SIZE,
    TASK_CPU,
    TASK_MEMORY,
    TASKS,
    TYPES,
    UNIT,
    WHOLE,
    Center,
    Ints,
)

_NO_KEY = 2**63 - 1
_FIRST_KEY = -(2**63)
_ANY = 2**31
"""More tasks than fit anywhere."""

Wanted = tuple[int, int, int, int, int, int]
Sought = tuple[Wanted, tuple[int, int, int], int, int]


class Sight(NamedTuple):
    """What is looked at: nodes as they are, and kept ones as they are to be judged. Few tables, for many calls."""

    nodes: Ints
    devices: Ints
    kept_nodes: Ints
    kept_devices: Ints
    shapes: Ints
    standing: Index


@compiled
def seek(center: Center, shape: int, need: int, beside: bool) -> int:
    """Choose nodes for all of the need as ``choose`` does, and return how many; 0 where there is no room.

    The index must be up to date, and there be only one engine. ``beside`` where only what is not kept may be taken.
    """
    both_nodes, both_devices = (center.both_nodes, center.both_devices) if beside else (center.nodes, center.devices)
    sight = Sight(center.nodes, center.devices, both_nodes, both_devices, center.shapes, index_of(center))
    return _seek(sight, shape, need, center.scratch[CHOSEN], center.scratch[TASKS])


@compiled
def _seek(sight: Sight, shape: int, need: int, chosen: Ints, tasks: Ints) -> int:
    unit = sight.shapes[shape, UNIT]
    if sight.shapes[shape, BY_NODES]:
        return _seek_nodes(sight, shape, need, chosen, tasks)
    if need == 1:
        key = _first(sight, shape, (unit, _ANY, 0), _FIRST_KEY)
        chosen[0], tasks[0] = node_of(key), 1
        return int(key != _NO_KEY)
    count, rest, most = 0, need, _most(sight, shape, (need + 1, need))
    while most >= unit:
        floor = _FIRST_KEY
        while rest > most:
            key = _first(sight, shape, (most, most, most), floor)
            if key == _NO_KEY:
                break
            chosen[count], tasks[count] = node_of(key), most
            count, rest, floor = count + 1, rest - most, key
        if rest <= most:
            # Of those that hold the rest, none that was chosen: they hold more, or as much and came before.
            key = _first(sight, shape, (max(rest, unit), most if most < need else _ANY, most), floor)
            if key != _NO_KEY:
                chosen[count], tasks[count] = node_of(key), rest
                return count + 1
        most = _most(sight, shape, (most, _ANY))
    return 0


@compiled
def _seek_nodes(sight: Sight, shape: int, need: int, chosen: Ints, tasks: Ints) -> int:
    """Choose so many nodes that hold a unit each, the first in order."""
    unit, floor = sight.shapes[shape, UNIT], _FIRST_KEY
    for place in range(need):
        floor = _first(sight, shape, (unit, _ANY, 0), floor)
        if floor == _NO_KEY:
            return 0
        chosen[place], tasks[place] = node_of(floor), unit
    return need


@compiled
def _first(sight: Sight, shape: int, asked: tuple[int, int, int], floor: int) -> int:
    """The first key, in the order of all aisles, of a node on which so many tasks fit; ``_NO_KEY`` if there is none.

    ``asked`` are the least tasks, the most, and from how many on only keys above the floor count.
    """
    shapes, aisles, shelved = sight.shapes, sight.standing.aisles, sight.standing.shelved
    wanted, best, types = _wanted(shapes, shape, asked[0]), _NO_KEY, shapes[shape, TYPES]
    for row in range(_lowest(shapes, shape, wanted), LEVELS):
        for group in range(sight.standing.sizes[GROUPS]):
            shelf = aisles[FIRST_SHELF, row * GROUPS_MOST + group]
            if shelf < 0 or shelved[shelf, 0] >= best:
                continue
            if shapes[shape, DEVICES] == 0 or aisles[AISLE_TYPES, group] & types:
                best = _first_of(sight, shape, shelf, (wanted, asked, floor, best))
    return best


@compiled
def _first_of(sight: Sight, shape: int, shelf: int, sought: Sought) -> int:
    """The first key of an aisle, from its first shelf on, if it comes before the best; else the best.

    What is sought are the amounts that must be free, what is asked, the floor and the best so far.
    """
    wanted, asked, floor, best = sought
    shelves, shelved, room = sight.standing.shelves, sight.standing.shelved, sight.standing.room
    while shelf >= 0:
        row = shelved[shelf]
        if row[0] >= best:
            return best
        size = shelves[shelf, SHELF_SIZE]
        if _may_hold(shelves[shelf], wanted) and (asked[0] < asked[2] or row[size - 1] > floor):
            for place in range(size):
                key = row[place]
                if key >= best:
                    return best
                if _may_hold(room[node_of(key)], wanted):
                    tasks = _tasks(sight, shape, node_of(key))
                    if asked[0] <= tasks <= asked[1] and (tasks < asked[2] or key > floor):
                        return int(key)
            if shelves[shelf, IS_LOOSE]:
                tighten(sight.standing, shelf)
        shelf = shelves[shelf, NEXT_SHELF]
    return best


@compiled
def _most(sight: Sight, shape: int, bounds: tuple[int, int]) -> int:
    """The most tasks, but fewer than the first bound, that fit on any node; more than the second count as that many."""
    shapes, aisles, below, most = sight.shapes, sight.standing.aisles, bounds[0], 0
    types = shapes[shape, TYPES]
    lowest = _lowest(shapes, shape, _wanted(shapes, shape, 1))
    for row in range(LEVELS - 1, lowest - 1, -1):
        for group in range(sight.standing.sizes[GROUPS]):
            if shapes[shape, DEVICES] == 0 or aisles[AISLE_TYPES, group] & types:
                shelf = aisles[FIRST_SHELF, row * GROUPS_MOST + group]
                most = _most_of(sight, shape, shelf, (below, bounds[1], most))
                if most == below - 1:
                    return most
    return most


@compiled
def _most_of(sight: Sight, shape: int, shelf: int, bounds: tuple[int, int, int]) -> int:
    """The same of an aisle from a shelf on, if it is more than the third bound; else that."""
    below, cap, most = bounds
    shelves, room, wanted = sight.standing.shelves, sight.standing.room, _wanted(sight.shapes, shape, most + 1)
    while shelf >= 0:
        if _may_hold(shelves[shelf], wanted):
            if shelves[shelf, IS_LOOSE]:
                tighten(sight.standing, shelf)
            for place in range(shelves[shelf, SHELF_SIZE]):
                node = node_of(sight.standing.shelved[shelf, place])
                if _may_hold(room[node], wanted):
                    tasks = min(_tasks(sight, shape, node), cap)
                    if most < tasks < below:
                        most, wanted = tasks, _wanted(sight.shapes, shape, tasks + 1)
                        if most == below - 1:
                            return most
        shelf = shelves[shelf, NEXT_SHELF]
    return most


@compiled
def _wanted(shapes: Ints, shape: int, tasks: int) -> Wanted:
    """What must be free of a node for so many tasks: amounts as in room."""
    devices, share = tasks * shapes[shape, DEVICES], shapes[shape, SHARE]
    whole = devices if share == WHOLE else 0
    part = share if devices > 0 else 0
    cpu, memory = tasks * shapes[shape, TASK_CPU], tasks * shapes[shape, TASK_MEMORY]
    # What is not asked for may be owed: a node that shrank has less than nothing free.
    least = -_NO_KEY
    return (
        cpu if cpu > 0 else least,
        memory if memory > 0 else least,
        whole,
        part,
        devices * share,
        shapes[shape, ALONE],
    )


@compiled
def _lowest(shapes: Ints, shape: int, wanted: Wanted) -> int:
    """The lowest level at which a node may have what is wanted."""
    if shapes[shape, DEVICES] == 0:
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
def _tasks(sight: Sight, shape: int, node: int) -> int:
    """How many tasks fit on a node."""
    if sight.nodes[node, IS_KEPT] != 0:
        return tasks_on(sight.kept_nodes, sight.kept_devices, sight.shapes, shape, node)[0]
    return tasks_on(sight.nodes, sight.devices, sight.shapes, shape, node)[0]
