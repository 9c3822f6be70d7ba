"""Which devices of a node are near each other, by walking from one to the next: slowly, and apart from the kernel."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from random import Random

from suanli.model.devices import DeviceRequest, Interconnect
from suanli.model.resources import Device, Node, NodeHold
from suanli.model.spec import TaskResources, WorkloadSpec


def linked(chance: Random, node: Node, others: Iterable[Device]) -> Node:
    """The node with more devices, some of them near each other; a group now and then names one that is not there."""
    devices = {one.index: one for one in (*others, *node.devices)} if chance.random() < 0.6 else {}
    devices = devices or {one.index: one for one in node.devices}
    indices, links = [*devices, *([9] if chance.random() < 0.2 else [])], {}
    for word in Interconnect:
        if chance.random() < 0.5 and len(indices) > 1:
            several = [sorted(chance.sample(indices, chance.randint(2, len(indices)))) for _ in range(2)]
            links[word] = tuple(tuple(group) for group in several[: chance.randint(1, 2)])
    cpu_milli, memory = 2 * node.cpu_milli, 2 * node.memory_bytes
    return replace(node, devices=tuple(devices.values()), links=links, cpu_milli=cpu_milli, memory_bytes=memory)


def interconnected(chance: Random, spec: WorkloadSpec) -> WorkloadSpec:
    """Let some work ask for several devices near each other, in each of its forms as it comes."""

    def asking(resources: TaskResources) -> TaskResources:
        asked = resources.devices
        if asked is None or asked.share < 1000 or chance.random() < 0.3:
            return resources
        word = chance.choice([None, Interconnect.LINK, Interconnect.LINK, *Interconnect])
        count = chance.choice([1, 2, 2, 2, 3, 4])
        return replace(resources, devices=replace(asked, count=count, interconnect=word, model=""))

    others = tuple(replace(one, resources=asking(one.resources)) for one in spec.alternatives)
    return replace(spec, resources=asking(spec.resources), alternatives=others)


def neighbours(node: Node, one: int, at: Interconnect) -> set[int]:
    """Whom a device is told to be so near as that, or nearer."""
    nearer = [word for word in Interconnect if list(Interconnect).index(word) <= list(Interconnect).index(at)]
    told = [group for word in nearer for group in node.links.get(word, ()) if one in group]
    there = {device.index for device in node.devices}
    return {one}.union(*told) & there


def group_of(node: Node, one: int, at: Interconnect) -> frozenset[int]:
    """All that are reached from a device by going from neighbour to neighbour."""
    reached, last = {one}, set[int]()
    while reached != last:
        last = set(reached)
        reached = {other for device in last for other in neighbours(node, device, at)}
    return frozenset(reached)


def groups(node: Node, at: Interconnect) -> set[frozenset[int]]:
    return {group_of(node, device.index, at) for device in node.devices}


def tasks_in_groups(node: Node, usable: Collection[int], request: DeviceRequest) -> int:
    """How many tasks can each have their devices, of those, within one group."""
    if request.interconnect is None or request.count == 1:
        return len(usable) // request.count
    return sum(len(group.intersection(usable)) // request.count for group in groups(node, request.interconnect))


def are_near(node: Node, hold: NodeHold, request: DeviceRequest) -> bool:
    """Whether what is held of a node can be dealt out so that each task has devices of one group."""
    held = [device.index for device in hold.devices]
    return tasks_in_groups(node, held, request) == hold.tasks


def tightest(node: Node, usable: Collection[int], count: int) -> int:
    """How many of those devices lie in the group with the fewest that has so many."""
    sizes = [len(group.intersection(usable)) for at in Interconnect for group in groups(node, at)]
    return min(size for size in [*sizes, len(usable), *([1] if usable else [])] if size >= count)


def are_tightest(node: Node, usable: Collection[int], held: Iterable[int]) -> bool:
    """Whether devices were taken, of those that would have done, within a group of the fewest that has as many."""
    taken = set(held)
    least = tightest(node, usable, len(taken))
    every = [group for at in Interconnect for group in groups(node, at)]
    fitting = [*every, frozenset(usable), *(frozenset({one}) for one in taken)]
    return any(taken <= group and len(group.intersection(usable)) == least for group in fitting)
