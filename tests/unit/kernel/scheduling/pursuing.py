"""What work with an objective takes and waits for, worked out apart from the kernel by lists of devices and ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from suanli.kernel.scheduling.plan import Placement, Plan, Reason, ReasonCode
from suanli.model.ids import NodeName, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.rates import EFFICIENCY, class_of
from suanli.model.resources import Allocation, Device, NodeState
from suanli.model.spec import Objective, WorkloadSpec
from suanli.model.workload import RunState, Workload
from tests.unit.kernel.scheduling.center import SECOND, Center
from tests.unit.kernel.scheduling.priced import an_hour, holding
from tests.unit.kernel.scheduling.rooms import FOREVER, Free, Room, end_of, suits

UNKNOWN = float("inf")

Work = tuple[WorkloadSpec, UserName]
"""What is to be done, and whose it is."""


def owned(center: Center, spec: WorkloadSpec, workload: WorkloadId) -> Work:
    known = center.waiting.get(workload) or center.active[workload]
    return spec, known.owner


def takes(center: Center, work: Work, device: Device) -> float:
    """Seconds that one such device takes for 10^12 operations of the work; infinite where nobody knows."""
    spec, owner = work
    learned = center.rates.get((class_of(spec, owner), device.model))
    if learned is not None:
        return 1000 / learned.rate
    total = sum(spec.work.values())
    parts = {precision: max(1, 1000 * amount // total) for precision, amount in spec.work.items()}
    if not parts.keys() <= device.rates.keys():
        return UNKNOWN
    seconds = sum(1000 * part / device.rates[precision] for precision, part in parts.items())
    return seconds / sum(parts.values()) / EFFICIENCY


def merit(center: Center, work: Work, device: Device) -> float:
    """What speaks against a device by the work's own objective; nothing does where it has none."""
    spec, _ = work
    if spec.objective is None or not spec.work:
        return 0.0
    of_time = takes(center, work, device)
    if spec.objective is Objective.TIME:
        return of_time
    if spec.objective is Objective.COST:
        price = an_hour(holding(center.tariffs, center.now), spec, device)
        return UNKNOWN if price is None or of_time == UNKNOWN else of_time * float(price)
    return of_time * device.power_mw if device.power_mw else UNKNOWN


def devices_of(center: Center, allocation: Allocation) -> list[Device]:
    found = []
    for hold in allocation.nodes:
        known = {device.index: device for device in center.nodes[hold.node].devices}
        found += [known[held.index] for held in hold.devices if held.index in known]
    return found


def parts(spec: WorkloadSpec, tasks: int) -> int:
    """Thousandths of devices that so many tasks have."""
    request = spec.resources.devices
    return 0 if request is None else tasks * request.count * request.share


def duration_us(spec: WorkloadSpec, tasks: int, of_unit: float) -> float:
    return sum(spec.work.values()) * of_unit * SECOND * 1000 / parts(spec, tasks)


def expected_end(center: Center, work: Work, allocation: Allocation, begin: int, limit: int) -> int:
    """When work that began there is done, where that is known and before its limit; else that."""
    spec, _ = work
    if not spec.work:
        return limit
    slowest = max((takes(center, work, device) for device in devices_of(center, allocation)), default=UNKNOWN)
    done = begin + duration_us(spec, allocation.tasks, slowest)
    return int(done) if done < limit else limit


def is_best(center: Center, found: Room, placement: Placement) -> bool:
    """Whether no node could have held a single task, or a node's share of the tasks, with better devices alone."""
    spec = center.specs[placement.workload].form(placement.alternative)
    request = spec.resources.devices
    if request is None or spec.exclusive or spec.min_tasks or len(placement.allocation.nodes) != 1:
        return True
    if (spec.nodes or spec.tasks) != 1:
        return True
    work = owned(center, spec, placement.workload)
    # Sums in another order may differ in the last place.
    worst = max(merit(center, work, device) for device in devices_of(center, placement.allocation)) * (1 - 1e-12)
    for free in found.values():
        if can_hold(free, spec):
            better = [one for one in free.node.devices if merit(center, work, one) < worst and suits(one, request)]
            room = sum(free.devices[one.index] // request.share for one in better)
            if room >= request.count * spec.tasks:
                return False
    return True


def can_hold(free: Free, spec: WorkloadSpec) -> bool:
    """Whether a node has all of the rest for a share of the tasks, and nothing is set aside of it."""
    resources, tasks = spec.resources, spec.tasks
    return (
        free.node.state is NodeState.READY
        and not free.exclusive
        and not free.windows
        and not spec.reservation
        and spec.features <= free.node.features
        and free.cpu >= tasks * resources.cpu_milli
        and free.memory >= tasks * resources.memory_bytes
    )


Kind = tuple[object, ...]


def kind_of(device: Device) -> Kind:
    rates = tuple(sorted(device.rates.items()))
    return (device.device_class, device.model, device.memory_bytes, device.precisions, rates, device.power_mw)


@dataclass
class Ready:
    """When held devices of each kind come free, in order, and how many are free."""

    ends: dict[Kind, list[float]] = field(default_factory=dict)
    free: dict[Kind, int] = field(default_factory=dict)
    kinds: dict[Kind, Device] = field(default_factory=dict)
    """One device of each kind that the center has, whether it may be had or not."""

    def at(self, kind: Kind, wanted: int) -> float:
        lacking = max(1, wanted - self.free.get(kind, 0))
        ends = self.ends.get(kind, [])
        return ends[lacking - 1] if lacking <= len(ends) else FOREVER

    def promise(self, kind: Kind, wanted: int, end: float) -> None:
        lacking = max(1, wanted - self.free.get(kind, 0))
        self.ends[kind] = sorted([*self.ends[kind][lacking:], *[end] * lacking])


def ready(center: Center, placements: Iterable[Placement]) -> Ready:
    soon, now = center.now + center.policy.overrun_s * SECOND, center.now
    ends: dict[tuple[NodeName, int], int] = {}
    shares: dict[tuple[NodeName, int], int] = {}

    def hold(allocation: Allocation, end: int) -> None:
        for one in allocation.nodes:
            for held in one.devices:
                key = (one.node, held.index)
                ends[key] = max(ends.get(key, now), end)
                shares[key] = shares.get(key, 0) + held.share

    for run in center.runs.values():
        begin = run.started_at or run.placed_at
        limit = end_of(run.time_limit_s, begin)
        spec = center.specs[run.workload].form(run.alternative)
        end = expected_end(center, owned(center, spec, run.workload), run.allocation, begin, limit)
        end = end if end > now else limit
        hold(run.allocation, soon if run.state is RunState.STOPPING or end <= now else end)
    for row in placements:
        spec = center.specs[row.workload].form(row.alternative)
        work, limit = owned(center, spec, row.workload), end_of(row.time_limit_s, now)
        hold(row.allocation, expected_end(center, work, row.allocation, now, limit))
    every = [device for node in center.nodes.values() for device in node.devices]
    found = Ready(kinds={kind_of(device): device for device in every})
    aside = {name for one in center.reservations.values() if one.ends_at > now for name in one.nodes}
    for node in center.nodes.values():
        if node.state is NodeState.READY and node.name not in aside:
            for device in node.devices:
                end = ends.get((node.name, device.index), now)
                if device.healthy and end < FOREVER:
                    if shares.get((node.name, device.index), 0) <= 0:
                        found.free[kind_of(device)] = found.free.get(kind_of(device), 0) + 1
                    else:
                        found.ends.setdefault(kind_of(device), []).append(end)
    for one in found.ends.values():
        one.sort()
    return found


def may_wait(center: Center, workload: Workload) -> bool:
    spec = center.specs[workload.id]
    return spec.objective is Objective.TIME and not spec.alternatives


def check_patience(center: Center, plan: Plan, order: Sequence[Workload]) -> None:
    """Who starts would not end sooner by waiting for better devices, and who waits for that would, as it is told."""
    told = {one.alone: one.reason for one in plan.refusals if one.reason.code is ReasonCode.FASTER_DEVICE}
    placed = {row.workload: row for row in plan.placements}
    if plan.preemptions or center.policy.reservations > 1:
        assert not told or plan.preemptions
        return
    known, before = None, list[Placement]()
    for workload in order:
        row, reason, spec = placed.get(workload.id), told.get(workload.id), center.specs[workload.id]
        if may_wait(center, workload) and (row or reason):
            if spec.min_tasks and row is None:
                return
            known = ready(center, before) if known is None else known
            slowest = _slowest(center, known, (spec, workload.owner), row, reason)
            if slowest < UNKNOWN:
                _check_one(center, known, workload, slowest, row, reason)
            assert slowest < UNKNOWN or reason is None
        before += [] if row is None else [row]


def _slowest(center: Center, known: Ready, work: Work, row: Placement | None, reason: Reason | None) -> float:
    """What the slowest device takes of those that it has, or was told it could have had."""
    if row is not None:
        return max(takes(center, work, device) for device in devices_of(center, row.allocation))
    assert reason is not None
    every = [takes(center, work, device) for device in known.kinds.values()]
    return next(one for one in every if one < UNKNOWN and _seconds(work[0], one) == reason.needed)


def _seconds(spec: WorkloadSpec, of_unit: float) -> int:
    return int(duration_us(spec, spec.tasks, of_unit)) // SECOND


def _check_one(
    center: Center,
    known: Ready,
    workload: Workload,
    slowest: float,
    row: Placement | None,
    reason: Reason | None,
) -> None:
    spec, request = center.specs[workload.id], center.specs[workload.id].resources.devices
    assert request is not None
    tasks = spec.tasks if row is None else row.allocation.tasks
    wanted, latest = -(-parts(spec, tasks) // 1000), FOREVER
    if spec.deadline:
        latest = spec.deadline - workload.time_limit_s * SECOND
    best: tuple[float, float, Kind] | None = None
    for device in known.kinds.values():
        of_unit = takes(center, (spec, workload.owner), device)
        if of_unit < slowest and suits(device, request, ReasonCode.DEVICE_RATE):
            start = known.at(kind_of(device), wanted)
            end = start + duration_us(spec, tasks, of_unit)
            if start <= latest and (best is None or end < best[0]):
                best = (end, start, kind_of(device))
    now_end = center.now + duration_us(spec, tasks, slowest)
    if row is not None and not row.allocation.exclusive:
        assert best is None or best[0] >= now_end - 2
    if reason is not None:
        assert best is not None
        assert best[0] < now_end + 2
        assert abs(reason.available - (best[0] - center.now) / SECOND) <= 1
        assert reason.starts_at == Instant(int(best[1]))
        assert reason.available <= reason.needed
        known.promise(best[2], wanted, best[0])
