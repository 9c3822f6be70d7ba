"""A checker written apart from the compiled loops: plain Python, slow, obvious; it looks at facts and not at caches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suanli.kernel.scheduling.core import tables as t
from suanli.model.devices import Interconnect
from tests.unit.kernel.scheduling.core.center import Node, Replayed, Shape


@dataclass
class Free:
    """What is free of one node, by what the jobs hold."""

    node: Node
    cpu: int
    memory: int
    devices: list[int]
    disk: int
    holders: int = 0
    alone: int = 0


def free_beside(replayed: Replayed, jobs: Sequence[int]) -> list[Free]:
    """What is free beside what these jobs hold."""
    free = [Free(node, node.cpu, node.memory, [1000] * len(node.devices), node.disk) for node in replayed.nodes]
    for job in jobs:
        take(free, replayed.holds(job), replayed.device_holds(job))
    return free


Rows = Sequence[tuple[int, ...]]
"""Of nodes (node, tasks, cpus, memory, alone, disk) or of devices (node, position, thousandths)."""


def take(free: Sequence[Free], holds: Rows, devices: Rows) -> None:
    """Let no longer be free what these rows hold."""
    for row, _, cpu, memory, alone, disk in holds:
        free[row].cpu -= cpu
        free[row].memory -= memory
        free[row].disk -= disk
        free[row].holders += 1
        free[row].alone += alone
    for row, position, share in devices:
        free[row].devices[position] -= share


def least(one: Free, other: Free) -> Free:
    """What is free of a node both in one case and in the other."""
    devices = [min(pair) for pair in zip(one.devices, other.devices, strict=True)]
    holders, alone = max(one.holders, other.holders), max(one.alone, other.alone)
    cpu, memory, disk = min(one.cpu, other.cpu), min(one.memory, other.memory), min(one.disk, other.disk)
    return Free(one.node, cpu, memory, devices, disk, holders, alone)


def tasks_on(free: Free, shape: Shape) -> int:
    """How many tasks fit on one node, counted one by one."""
    node = free.node
    if not node.ready or free.alone or (shape.alone and free.holders):
        return 0
    cpu, memory, disk, devices, tasks = free.cpu, free.memory, free.disk, list(free.devices), 0
    while tasks < 1000:
        cpu -= shape.cpu
        memory -= shape.memory
        disk -= shape.disk
        if cpu < 0 or memory < 0 or (shape.disk and disk < 0) or not _take(devices, node, shape):
            return tasks
        tasks += 1
    return tasks


def groups(node: Node, apart: int) -> set[frozenset[int]]:
    """Positions that reach each other from one to the next, each step no farther than that."""
    words = list(Interconnect)[:apart]
    found = {frozenset({position}) for position in range(len(node.devices))}
    for linked in [set(group) for word, told in node.links if word in words for group in told]:
        joined = frozenset[int]().union(*(group for group in found if group & linked))
        found = {group for group in found if not group & linked} | ({joined} if joined else set())
    return found


def _take(devices: list[int], node: Node, shape: Shape) -> bool:
    if shape.apart:
        well = {place for place, (kind, healthy) in enumerate(node.devices) if healthy and kind in shape.types}
        free = {place for place in well if devices[place] == 1000}
        some = [sorted(group & free) for group in groups(node, shape.apart)]
        enough = next((group for group in some if len(group) >= shape.devices), [])
        for position in enough[: shape.devices]:
            devices[position] = 0
        return bool(enough)
    for _ in range(shape.devices):
        good = [
            position
            for position, (kind, healthy) in enumerate(node.devices)
            if healthy and kind in shape.types and devices[position] >= shape.share
        ]
        if not good:
            return False
        devices[min(good, key=lambda position: devices[position])] -= shape.share
    return True


def can_hold(free: Sequence[Free], shape: Shape, need: int) -> bool:
    """Tell whether the nodes of one engine can hold all of the need."""
    engines = {one.node.engine for one in free}
    return any(sum(weight(one, shape) for one in free if one.node.engine == engine) >= need for engine in engines)


def weight(free: Free, shape: Shape) -> int:
    """Tasks that count on one node, or 1 where whole nodes are asked for."""
    tasks = tasks_on(free, shape)
    if shape.unit:
        return int(tasks >= shape.unit)
    return tasks


def check_holds(replayed: Replayed, job: int, holds: Rows, devices: Rows) -> None:
    """What is held for a job is what it asked for, on ready nodes of one engine, of healthy devices that do."""
    asked, shape = replayed.jobs[job], replayed.jobs[job].shape
    rows = [row for row, *_ in holds]
    assert len(set(rows)) == len(rows)
    assert len({replayed.nodes[row].engine for row in rows}) == 1
    if shape.unit:
        assert len(rows) == asked.need
        assert all(tasks == shape.unit for _, tasks, *_ in holds)
    else:
        assert sum(tasks for _, tasks, *_ in holds) == asked.need
    for row, tasks, cpu, memory, alone, disk in holds:
        node = replayed.nodes[row]
        of_node = [(position, share) for at, position, share in devices if at == row]
        assert node.ready
        assert alone == shape.alone
        if shape.alone:
            assert (cpu, memory, disk) == (node.cpu, node.memory, node.disk)
            well = {position for position, (_, healthy) in enumerate(node.devices) if healthy}
            assert {position for position, share in of_node if share == 1000} == well
            continue
        assert (cpu, memory, disk) == (tasks * shape.cpu, tasks * shape.memory, tasks * shape.disk)
        assert sum(share for _, share in of_node) == tasks * shape.devices * shape.share
        for position, share in of_node:
            assert share % shape.share == 0
            assert node.devices[position][1]
            assert node.devices[position][0] in shape.types
        if shape.apart:
            held = {position for position, _ in of_node}
            assert sum(len(group & held) // shape.devices for group in groups(node, shape.apart)) == tasks


def check_room(replayed: Replayed) -> None:
    """Nothing is held twice, and the tables say what is free by what is held."""
    free, center = free_beside(replayed, replayed.running()), replayed.center
    for row, one in enumerate(free):
        assert one.cpu >= 0
        assert one.memory >= 0
        assert one.disk >= 0
        assert all(0 <= share <= 1000 for share in one.devices)
        assert one.alone == 0 or one.holders == one.alone == 1
        assert center.nodes[row, t.FREE_CPU] == one.cpu
        assert center.nodes[row, t.FREE_MEMORY] == one.memory
        assert center.nodes[row, t.FREE_DISK] == one.disk
        assert center.nodes[row, t.HOLDERS] == one.holders
        assert center.nodes[row, t.EXCLUSIVE] == one.alone
        assert center.devices[row, : len(one.devices), t.FREE].tolist() == one.devices


def check_memory(replayed: Replayed) -> None:
    """What shapes remember of nodes that did not change since they looked is what a fresh look finds."""
    free, center = free_beside(replayed, replayed.running()), replayed.center
    for row, shape in enumerate(replayed.shapes):
        seen = int(center.shapes[row, t.SEEN])
        if seen < 0:
            continue
        stale = set(center.log[seen : center.sizes[t.LOG_SIZE]].tolist())
        for place, one in enumerate(free):
            if place not in stale:
                assert center.tasks[row, place] == tasks_on(one, shape)
                useful = tasks_on(one, shape) >= max(shape.unit, 1)
                assert (center.blocker[row, place] < 0) == useful
        if not stale:
            for engine in range(center.total.shape[1]):
                there = sum(weight(one, shape) for one in free if one.node.engine == engine)
                assert center.total[row, engine] == there
            blockers = center.blocker[row][center.blocker[row] >= 0].tolist()
            assert center.failing[row].tolist() == [blockers.count(code) for code in range(t.FAILURES)]


def earliest(replayed: Replayed, holding: Sequence[int], job: int, now: int) -> int | None:
    """The first end of running work at which a job fits, if nothing else starts; None if at none."""
    shape, need = replayed.jobs[job].shape, replayed.jobs[job].need
    ends = sorted({end_of(replayed, other, now) for other in holding})
    for instant in ends:
        left = [other for other in holding if end_of(replayed, other, now) > instant]
        if can_hold(free_beside(replayed, left), shape, need):
            return instant
    return None


def end_of(replayed: Replayed, job: int, now: int) -> int:
    """When a job that has started is taken to end: what is due already, at once."""
    return max(int(replayed.course.started_us[job]) + replayed.jobs[job].limit, now)
