"""What parts of devices there is room for, worked out apart from the kernel by sets of slices: slow and obvious."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from random import Random

from suanli.model.devices import DeviceClass, DeviceRequest
from suanli.model.partitions import PartitionTemplate, Units
from suanli.model.resources import Device, DeviceHold, Node
from suanli.model.spec import Request, TaskResources, WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB

Slices = frozenset[int]
NONE: Slices = frozenset()
SMALL = (
    PartitionTemplate(name="1g.5gb", memory_bytes=5 * GIB, size=1, starts=(0, 1, 2, 3)),
    PartitionTemplate(name="2g.10gb", memory_bytes=10 * GIB, size=2, starts=(0, 2)),
)
LARGE = (
    PartitionTemplate(name="1g.5gb", memory_bytes=5 * GIB, size=1, starts=(0, 1, 2, 3, 4, 5, 6)),
    PartitionTemplate(name="2g.10gb", memory_bytes=10 * GIB, size=2, starts=(0, 2, 4)),
    PartitionTemplate(name="3g.20gb", memory_bytes=20 * GIB, size=4, starts=(0, 4)),
    PartitionTemplate(name="7g.40gb", memory_bytes=40 * GIB, size=8, starts=(0,)),
)
CORES, CPUS = Units(first=0, count=4, needed=1), Units(first=4, count=3, needed=1)
UNITS = (
    PartitionTemplate(name="vir02", memory_bytes=6 * GIB, units=(CORES, CPUS)),
    PartitionTemplate(name="vir04", memory_bytes=12 * GIB, units=(replace(CORES, needed=2), replace(CPUS, needed=2))),
)
"""Ways to part a device: as MIG does small ones and large ones, and by cores and cpus as vNPUs."""


def slices(held: DeviceHold) -> Slices:
    return frozenset(place for place in range(16) if (held.slices >> place) & 1)


def template(device: Device, name: str) -> PartitionTemplate | None:
    return next((one for one in device.partitions if one.name == name), None)


def places(one: PartitionTemplate) -> list[Slices]:
    """Every set of slices that a part may take of an empty device."""
    if one.starts:
        return [frozenset(range(start, start + one.size)) for start in one.starts]
    found = [NONE]
    for unit in one.units:
        some = combinations(range(unit.first, unit.first + unit.count), unit.needed)
        found = [before | frozenset(more) for more in some for before in found]
    return found


def most(one: PartitionTemplate, taken: Slices) -> int:
    """How many parts fit beside these slices, one made after the other."""
    free, count = [place for place in places(one) if not place & taken], 0
    while free:
        count += 1
        free = [place for place in free if not place & free[0]]
    return count


def most_parts(device: Device, name: str) -> int:
    """How many parts an empty device can have."""
    one = template(device, name)
    return 0 if one is None else most(one, NONE)


def tasks_by_parts(taken: dict[int, Slices], devices: list[Device], request: DeviceRequest) -> int:
    """Tasks that can be given their parts of these devices, none of which is shared."""
    known = [(template(device, request.partition), taken.get(device.index, NONE)) for device in devices]
    return sum(most(one, held) for one, held in known if one is not None) // request.count


def check_part(device: Device, held: DeviceHold, taken: Slices, request: DeviceRequest) -> None:
    """A part is just one of what was asked for, and has no slice in common with another."""
    one = template(device, request.partition)
    assert one is not None
    assert held.partition == request.partition
    assert held.share == one.thousandths
    assert slices(held) in places(one)
    assert not slices(held) & taken


def parted(chance: Random, node: Node) -> Node:
    """The node with room enough that devices are what is short; some may be parted, of some the parts are made."""
    devices = node.devices or (Device(index=0, device_class=DeviceClass.GPU, model="small", memory_bytes=16 * GIB),)
    ways = [(), SMALL, SMALL, LARGE, UNITS]
    devices = tuple(replace(one, partitions=chance.choice(ways)) for one in devices)
    devices = tuple(replace(one, is_parted=bool(one.partitions) and chance.random() < 0.2) for one in devices)
    return replace(node, devices=devices, cpu_milli=4 * node.cpu_milli, memory_bytes=4 * node.memory_bytes)


def asking_for_parts(chance: Random, spec: WorkloadSpec) -> WorkloadSpec:
    """Let much work ask for parts, in each of its forms as it comes."""
    asked = [with_part(chance, one) for one in spec.requests]
    others = tuple(replace(one, resources=own) for one, own in zip(spec.alternatives, asked[1:], strict=True))
    return replace(spec, resources=asked[0], alternatives=others)


def with_part(chance: Random, asked: Request) -> TaskResources:
    if asked.exclusive or asked.work or chance.random() < 0.3:
        return asked.resources
    request = asked.resources.devices or DeviceRequest()
    name = chance.choice(["1g.5gb", "1g.5gb", "2g.10gb", "2g.10gb", "3g.20gb", "vir02", "vir04", "7g.40gb"])
    least = chance.choice([0, 0, 0, 4, 12]) * GIB
    count = chance.choice([1, 1, 1, 2, 3])
    model = chance.choice(["", "", "", request.model])
    precision = chance.choice([None, None, request.precision])
    part = DeviceRequest(
        device_class=request.device_class,
        count=count,
        model=model,
        min_memory_bytes=least,
        precision=precision,
        partition=name,
    )
    return replace(asked.resources, devices=part)
