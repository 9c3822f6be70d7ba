"""What nodes have room for, and which constraints they fail, worked out apart from the kernel: slow and obvious."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations

from suanli.kernel.scheduling.plan import ReasonCode
from suanli.model.devices import DeviceClass, DeviceRequest
from suanli.model.ids import EngineName, NodeName, ReservationName
from suanli.model.reservations import AdvanceReservation
from suanli.model.resources import Allocation, Device, Node, NodeHold, NodeState
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import Workload
from tests.unit.kernel.scheduling.center import SECOND, Center
from tests.unit.kernel.scheduling.near import tasks_in_groups
from tests.unit.kernel.scheduling.parting import NONE, Slices, slices, tasks_by_parts, template

FOREVER = 2**62


def end_of(limit_s: int, start: int) -> int:
    return start + limit_s * SECOND if limit_s else FOREVER


@dataclass
class Free:
    """What is free on one node."""

    node: Node
    cpu: int
    memory: int
    disk: int
    holders: int = 0
    exclusive: int = 0
    devices: dict[int, int] = field(default_factory=dict)
    windows: tuple[AdvanceReservation, ...] = ()
    """All that it is ever set aside for."""
    parts: dict[int, Slices] = field(default_factory=dict)
    """By device, the slices that its parts take."""

    def closed(self, device: Device) -> bool:
        """Whether none of a device may be had whole, or as a share."""
        return device.is_parted or bool(self.parts.get(device.index))

    def take(self, hold: NodeHold, *, exclusive: bool) -> None:
        self.cpu -= hold.cpu_milli
        self.memory -= hold.memory_bytes
        self.disk -= hold.disk_bytes
        self.holders += 1
        self.exclusive += exclusive
        for device in hold.devices:
            if device.slices:
                self.parts[device.index] = self.parts.get(device.index, NONE) | slices(device)
                continue
            self.devices[device.index] = self.devices.get(device.index, 1000) - device.share


@dataclass(frozen=True)
class Asked:
    """What work asks that would start at one instant and end before another."""

    spec: WorkloadSpec
    begin: int
    end: int

    def runs_into(self, window: AdvanceReservation) -> bool:
        other = window.name != self.spec.reservation
        return other and window.starts_at < self.end and self.begin < window.ends_at

    def lies_within(self, windows: Iterable[AdvanceReservation]) -> bool:
        own = [window for window in windows if window.name == self.spec.reservation]
        return any(one.starts_at <= self.begin < self.end <= one.ends_at for one in own)

    @property
    def is_late(self) -> bool:
        """Whether it is not done by its deadline, or not begun by then if it may run for ever."""
        done = self.end if self.end < FOREVER else self.begin
        return 0 < self.spec.deadline < done

    @property
    def least(self) -> int:
        """Fewest tasks that will do."""
        return self.spec.min_tasks or self.spec.tasks

    @property
    def need(self) -> int:
        """How many tasks that is, or nodes where nodes are asked for."""
        return self.least * self.spec.nodes // self.spec.tasks if self.spec.nodes else self.least

    def exactly(self, tasks: int) -> Asked:
        """The same with so many tasks and no fewer."""
        nodes = tasks * self.spec.nodes // self.spec.tasks
        return replace(self, spec=replace(self.spec, tasks=tasks, min_tasks=0, nodes=nodes))

    def anytime(self) -> Asked:
        return replace(self, spec=replace(self.spec, reservation=ReservationName("")))


def asked(center: Center, workload: Workload, instant: int, form: int = 0) -> Asked:
    limit = center.limit_s(workload, form)
    return Asked(center.specs[workload.id].form(form), instant, end_of(limit, instant))


def forms(center: Center, workload: Workload, instant: int) -> list[Asked]:
    """What work asks in each of its forms, in order."""
    return [asked(center, workload, instant, form) for form in range(1 + len(center.specs[workload.id].alternatives))]


Room = dict[NodeName, Free]


def room(center: Center, held: Iterable[Allocation]) -> Room:
    found = {
        name: Free(
            node, node.cpu_milli, node.memory_bytes, node.disk_bytes, devices={d.index: 1000 for d in node.devices}
        )
        for name, node in center.nodes.items()
    }
    for window in center.reservations.values():
        for name in window.nodes:
            if name in found:
                found[name].windows += (window,)
    for allocation in held:
        for hold in allocation.nodes:
            found[hold.node].take(hold, exclusive=allocation.exclusive)
    return found


def suits(device: Device, request: DeviceRequest, upto: ReasonCode = ReasonCode.DEVICE_HEALTH) -> bool:
    """Whether a device meets the request's constraints from the first up to the given one."""
    tests = {
        ReasonCode.DEVICE_CLASS: request.device_class in {DeviceClass.ANY, device.device_class},
        ReasonCode.DEVICE_MODEL: is_meant(request.model, device.model),
        ReasonCode.DEVICE_PARTITION: not request.partition or template(device, request.partition) is not None,
        ReasonCode.DEVICE_MEMORY: memory_of(device, request) * request.share >= request.min_memory_bytes * 1000,
        ReasonCode.DEVICE_PRECISION: request.precision is None or request.precision in device.precisions,
        ReasonCode.DEVICE_RATE: not request.at_least or is_fast_enough(device, request),
        ReasonCode.DEVICE_BITSTREAM: request.bitstream in {"", device.bitstream, *device.bitstreams},
        ReasonCode.DEVICE_INTERCONNECT: True,
        ReasonCode.DEVICE_HEALTH: device.healthy,
    }
    judged = list(tests)[: list(tests).index(upto) + 1]
    return all(tests[code] for code in judged)


def memory_of(device: Device, request: DeviceRequest) -> int:
    part = template(device, request.partition)
    return device.memory_bytes if part is None else part.memory_bytes


@cache
def is_meant(asked: str, model: str) -> bool:
    """Whether a model has all words of one of the names; those of a range are counted out."""
    names = [name for part in asked.split("|") for name in counted_out(part)]
    return asked in {"", model} or any(set(name.lower().split()) <= set(model.lower().split()) for name in names)


def counted_out(part: str) -> list[str]:
    if ".." not in part:
        return [part]
    first, last = part.split("..")
    word = first.rstrip("0123456789")
    return [f"{word}{number}" for number in range(int(first[len(word) :]), int(last[len(word) :]) + 1)]


def is_fast_enough(device: Device, request: DeviceRequest) -> bool:
    """Whether the part of a device that is asked for is known to do its part of the rate."""
    known = None if request.precision is None else device.rates.get(request.precision)
    return known is not None and known * request.share >= request.at_least * 1000


def tasks_by_devices(
    free: dict[int, int], devices: Iterable[Device], request: DeviceRequest, node: Node | None = None
) -> int:
    """Tasks that can each be given their devices, dealt out one by one; near each other where the node is given."""
    if node is not None and request.interconnect is not None and request.count > 1:
        return tasks_in_groups(node, {one.index for one in devices if free[one.index] >= request.share}, request)
    left = {device.index: free[device.index] for device in devices}
    tasks = 0
    while True:
        usable = [index for index, share in left.items() if share >= request.share]
        if len(usable) < request.count:
            return tasks
        for index in usable[: request.count]:
            left[index] -= request.share
        tasks += 1


def fails(free: Free, wanted: Asked) -> list[ReasonCode]:
    """Constraints that this node fails to hold its part (a node's share of the tasks, or one task), in order."""
    spec = wanted.spec
    part = spec.tasks // spec.nodes if spec.nodes else 1
    found = []
    if free.node.state is not NodeState.READY:
        found.append(ReasonCode.NODE_STATE)
    found += reserved(free, wanted)
    if not spec.features <= free.node.features:
        found.append(ReasonCode.FEATURE)
    if free.exclusive or (spec.exclusive and free.holders):
        found.append(ReasonCode.EXCLUSIVE)
    found += device_failure(free, spec, part)
    if free.cpu < part * spec.resources.cpu_milli:
        found.append(ReasonCode.CPU)
    if free.memory < part * spec.resources.memory_bytes:
        found.append(ReasonCode.MEMORY)
    if spec.resources.disk_bytes > 0 and free.disk < part * spec.resources.disk_bytes:
        found.append(ReasonCode.DISK)
    return found


def reserved(free: Free, wanted: Asked) -> list[ReasonCode]:
    found = []
    if any(wanted.runs_into(window) for window in free.windows):
        found.append(ReasonCode.RESERVED)
    if wanted.spec.reservation and not wanted.lies_within(free.windows):
        found.append(ReasonCode.RESERVATION)
    return found


def device_failure(free: Free, spec: WorkloadSpec, part: int) -> list[ReasonCode]:
    request = spec.resources.devices
    if request is None:
        return []
    narrowing = [code for code in ReasonCode if code.startswith("device_") and code is not ReasonCode.DEVICE_FREE]
    for code in narrowing:
        fitting = [device for device in free.node.devices if suits(device, request, code)]
        if request.partition:
            # Of devices that are not known to have the template it is only known that they have at most 15 slices.
            is_known = code not in {ReasonCode.DEVICE_CLASS, ReasonCode.DEVICE_MODEL}
            tasks = tasks_by_parts({}, fitting, request) if is_known else 15 * len(fitting) // request.count
            if tasks < part:
                return [code]
            continue
        is_late = code in {ReasonCode.DEVICE_INTERCONNECT, ReasonCode.DEVICE_HEALTH}
        whole, near = {device.index: 1000 for device in fitting}, free.node if is_late else None
        if tasks_by_devices(whole, fitting, request, near) < part:
            return [code]
    return [] if tasks_now(free, request) >= part else [ReasonCode.DEVICE_FREE]


def tasks_now(free: Free, request: DeviceRequest) -> int:
    """Tasks that can be given their devices of what is free of a node."""
    fitting = [device for device in free.node.devices if suits(device, request)]
    if request.partition:
        return tasks_by_parts(free.parts, [one for one in fitting if free.devices[one.index] >= 1000], request)
    return tasks_by_devices(free.devices, [one for one in fitting if not free.closed(one)], request, free.node)


def tasks_fitting(free: Free, wanted: Asked) -> int:
    spec = wanted.spec
    if reserved(free, wanted) or not spec.features <= free.node.features:
        return 0
    if free.node.state is not NodeState.READY or free.exclusive or (spec.exclusive and free.holders):
        return 0
    fitting = min(free.cpu // spec.resources.cpu_milli, free.memory // spec.resources.memory_bytes)
    if spec.resources.disk_bytes:
        fitting = min(fitting, free.disk // spec.resources.disk_bytes)
    request = spec.resources.devices
    if request is not None:
        fitting = min(fitting, tasks_now(free, request))
    return max(0, min(fitting, spec.max_tasks_per_node or fitting))


def engine_totals(found: Room, wanted: Asked) -> dict[EngineName, int]:
    """By engine: nodes that can hold their part, or tasks that fit where no number of nodes is asked for."""
    totals: dict[EngineName, int] = {}
    for free in found.values():
        tasks, spec = tasks_fitting(free, wanted), wanted.spec
        weight = int(tasks >= spec.tasks // spec.nodes) if spec.nodes else tasks
        totals[free.node.engine] = totals.get(free.node.engine, 0) + weight
    return totals


def fits(found: Room, wanted: Asked) -> bool:
    return any(total >= wanted.need for total in engine_totals(found, wanted).values())


def switches(found: Room, allocation: Allocation, wanted: Asked) -> dict[str, int]:
    """What the nodes of each switch hold in a room together, of the engine of an allocation."""
    of_engine = {name: free for name, free in found.items() if free.node.engine == allocation.engine}
    rooms: dict[str, int] = {}
    for free in of_engine.values():
        for total in engine_totals({free.node.name: free}, wanted).values():
            rooms[free.node.switch] = rooms.get(free.node.switch, 0) + total
    return {switch: total for switch, total in rooms.items() if total}


def is_near(found: Room, allocation: Allocation, wanted: Asked) -> bool:
    """Whether an allocation takes as few switches of a room as can hold it, and one alone no roomier than must be."""
    wanted = wanted.exactly(allocation.tasks)
    rooms, need = switches(found, allocation, wanted), wanted.need
    used = {found[hold.node].node.switch for hold in allocation.nodes}
    if len(allocation.nodes) == 1:
        return True
    for count in range(1, len(used) + 1):
        enough = [some for some in combinations(rooms, count) if sum(rooms[one] for one in some) >= need]
        if enough:
            return count == len(used) and (count > 1 or rooms[min(used)] == min(rooms[one] for (one,) in enough))
    return False


def both(one: Room, other: Room) -> Room:
    """What is free in one room and in the other."""
    return {
        name: Free(
            a.node,
            min(a.cpu, other[name].cpu),
            min(a.memory, other[name].memory),
            min(a.disk, other[name].disk),
            max(a.holders, other[name].holders),
            max(a.exclusive, other[name].exclusive),
            {index: min(share, other[name].devices.get(index, 1000)) for index, share in a.devices.items()},
            a.windows,
            {index: a.parts.get(index, NONE) | other[name].parts.get(index, NONE) for index in a.devices},
        )
        for name, a in one.items()
    }


def mended(center: Center) -> Room:
    """The center with nobody in it, nothing reserved, all nodes in service, all devices in health."""
    found = room(center, [])
    for free in found.values():
        free.windows = ()
        devices = tuple(replace(device, healthy=True) for device in free.node.devices)
        free.node = replace(free.node, state=NodeState.READY, devices=devices)
    return found
