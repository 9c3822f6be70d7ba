"""What bounds and licenses allow, apart from the kernel: for the checker, in plain Python on the model's objects."""

from __future__ import annotations

from collections.abc import Iterable

from suanli.kernel.scheduling.plan import Plan, ReasonCode
from suanli.model.ids import LicenseName
from suanli.model.quota import QuotaScope
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import RunState, Workload
from tests.unit.kernel.scheduling.center import SECOND, Center
from tests.unit.kernel.scheduling.rooms import end_of

BOUNDS = {
    ReasonCode.ARRAY_LIMIT,
    ReasonCode.QUEUE_QUOTA,
    ReasonCode.QUEUE_USER_QUOTA,
    ReasonCode.QOS_QUOTA,
    ReasonCode.QOS_USER_QUOTA,
    ReasonCode.PROJECT_QUOTA,
    ReasonCode.PROJECT_USER_QUOTA,
    ReasonCode.USER_QUOTA,
}
Amounts = tuple[int, int, int, int]
"""Runs, milli-cpus, bytes, thousandths of devices."""


def scopes(center: Center, workload: Workload) -> dict[tuple[str, ...], tuple[ReasonCode, Amounts]]:
    """Every bound on what may be asked for at once with this workload, by whose work it bounds together (0: none)."""
    array, queue, project, owner = (
        center.specs[workload.id].array,
        str(workload.queue),
        str(workload.project),
        str(workload.owner),
    )
    found: dict[tuple[str, ...], tuple[ReasonCode, Amounts]] = {}
    if array is not None:
        found["array", str(workload.array_id)] = (ReasonCode.ARRAY_LIMIT, (array.max_running, 0, 0, 0))
    for scope, names, code in (
        (QuotaScope.QUEUE, (queue,), ReasonCode.QUEUE_QUOTA),
        (QuotaScope.QUEUE_USER, (queue, owner), ReasonCode.QUEUE_USER_QUOTA),
        (QuotaScope.QOS, (str(workload.qos),), ReasonCode.QOS_QUOTA),
        (QuotaScope.QOS_USER, (str(workload.qos), owner), ReasonCode.QOS_USER_QUOTA),
        (QuotaScope.PROJECT, (project,), ReasonCode.PROJECT_QUOTA),
        (QuotaScope.PROJECT_USER, (project, owner), ReasonCode.PROJECT_USER_QUOTA),
        (QuotaScope.USER, (owner,), ReasonCode.USER_QUOTA),
    ):
        quota = center.quotas.get((scope, names[0]))
        if quota is not None:
            most = (quota.runs, quota.cpu_milli, quota.memory_bytes, quota.device_share)
            found[str(scope), *names] = (code, most)
    return found


Member = tuple[Workload, Amounts]
"""A workload, and what it counts for."""


def asked(spec: WorkloadSpec, tasks: int) -> Amounts:
    """What a spec asks for with so many tasks."""
    resources, devices = spec.resources, spec.resources.devices
    of_devices = 0 if devices is None else tasks * devices.count * devices.thousandths
    return 1, tasks * resources.cpu_milli, tasks * resources.memory_bytes, of_devices


def over(center: Center, member: Member, others: Iterable[Member]) -> set[ReasonCode]:
    """Bounds that the workload would break if it ran beside these."""
    workload, own = member
    found = [(scopes(center, one), amounts) for one, amounts in others]
    broken = set()
    for scope, (code, most) in scopes(center, workload).items():
        together = [own, *(amounts for within, amounts in found if scope in within)]
        if any(
            bound and sum(of_amount) > bound for bound, of_amount in zip(most, zip(*together, strict=True), strict=True)
        ):
            broken.add(code)
    return broken


def members(center: Center, plan: Plan) -> list[Member]:
    """All that runs once the plan is carried out."""
    held = [(center.active[run.workload], run.alternative, run.allocation) for run in center.runs.values()]
    held += [(center.waiting[row.workload], row.alternative, row.allocation) for row in plan.placements]
    return [
        (workload, asked(center.specs[workload.id].form(form), allocation.tasks)) for workload, form, allocation in held
    ]


def full(center: Center, workload: Workload, plan: Plan, form: int = 0) -> set[ReasonCode]:
    """Bounds that hold a waiting workload back after the plan, with as few tasks as will do."""
    spec = center.specs[workload.id].form(form)
    return over(center, (workload, asked(spec, spec.min_tasks or spec.tasks)), members(center, plan))


def licenses_free(center: Center, plan: Plan, name: LicenseName, instant: int | None = None) -> int:
    """How many of a license are free after the plan, now or when all that ends by an instant has ended."""
    total, soon = center.licenses[name].total if name in center.licenses else 0, center.now + SECOND
    victims = {preemption.run for preemption in plan.preemptions}
    for run in center.runs.values():
        end = end_of(run.time_limit_s, run.started_at or run.placed_at)
        end = soon if run.state is RunState.STOPPING or run.id in victims or end <= center.now else end
        if instant is None or end > instant:
            total -= center.specs[run.workload].licenses.get(name, 0)
    for row in plan.placements:
        if instant is None or end_of(row.time_limit_s, center.now) > instant:
            total -= center.specs[row.workload].licenses.get(name, 0)
    return total


def lacks(center: Center, plan: Plan, workload: Workload) -> bool:
    """Whether fewer of a license are free after the plan than the workload asks for."""
    asks = center.specs[workload.id].licenses
    return any(licenses_free(center, plan, name) < count for name, count in asks.items())
