"""What work draws and may draw, worked out apart from the kernel: hold by hold, node by node."""

from __future__ import annotations

from collections.abc import Iterable

from suanli.model.resources import Allocation
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import Center
from tests.unit.kernel.scheduling.parting import most_parts
from tests.unit.kernel.scheduling.rooms import FOREVER, Asked, Free, mended, suits, tasks_fitting


def part(whole_mw: int, thousandths: int) -> int:
    exact = whole_mw * thousandths
    return exact // 1000 + (exact % 1000 > 0)


def drawn(center: Center, allocation: Allocation) -> int:
    """Milliwatts of what is held, of a device that is gone nothing."""
    total = 0
    for hold in allocation.nodes:
        node = center.nodes[hold.node]
        total += part(node.cpu_power_mw, hold.cpu_milli)
        for held in hold.devices:
            total += sum(part(one.power_mw, held.share) for one in node.devices if one.index == held.index)
    return total


def most(center: Center, spec: WorkloadSpec) -> int:
    """Milliwatts that work could draw at most with the fewest tasks on nodes that hold its part when empty."""
    wanted, least = Asked(spec, center.now, FOREVER).anytime(), spec.tasks // spec.nodes if spec.nodes else 1
    room = [free for free in mended(center).values() if tasks_fitting(free, wanted) >= least]
    if not room:
        return 0
    if spec.exclusive:
        hungriest = sorted((whole(free) for free in room), reverse=True)
        return sum(hungriest[: wanted.need])
    return wanted.least * max(of_task(free, spec) for free in room)


def most_with(center: Center, spec: WorkloadSpec, tasks: int) -> int:
    """The same with so many tasks, each more (or each node more) counted as one of the fewest."""
    wanted, least = Asked(spec, center.now, FOREVER), most(center, spec)
    more = (tasks - wanted.least) * wanted.need // wanted.least
    return least + more * -(-least // wanted.need)


def whole(free: Free) -> int:
    return part(free.node.cpu_power_mw, free.node.cpu_milli) + sum(one.power_mw for one in free.node.devices)


def of_task(free: Free, spec: WorkloadSpec) -> int:
    total, request = part(free.node.cpu_power_mw, spec.resources.cpu_milli), spec.resources.devices
    if request is None:
        return total
    suiting = [one for one in free.node.devices if suits(one, request)]
    if request.partition:
        suiting = [one for one in suiting for _ in range(most_parts(one, request.partition))]
    found = [part(one.power_mw, request.thousandths) for one in suiting]
    return total + sum(sorted(found)[-request.count :])


def power_free(center: Center, held: Iterable[tuple[Allocation, int]], instant: int | None = None) -> int:
    """What the cap leaves beside what is held, now or when all that ends by an instant has ended."""
    if not center.power_cap.watts:
        return FOREVER
    there = [allocation for allocation, end in held if instant is None or end > instant]
    return center.power_cap.watts * 1000 - sum(drawn(center, allocation) for allocation in there)


def is_powered(center: Center, spec: WorkloadSpec, free: int) -> bool:
    """Whether so much does for what work could draw; what draws nothing needs none."""
    wanted = most(center, spec)
    return wanted == 0 or wanted <= free
