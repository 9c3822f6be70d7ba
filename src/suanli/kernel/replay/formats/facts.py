"""Our own facts as a trace: what a center of Suanli lived through can be replayed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from suanli.kernel.replay.trace import UNKNOWN, Trace, coded, make_trace
from suanli.model.altered import altered
from suanli.model.devices import DeviceRequest
from suanli.model.discovery import Distance
from suanli.model.facts import RecordedFact, RunEnded, RunPlaced, RunStarted, WorkloadSubmitted
from suanli.model.ids import RunId, UserName, WorkloadId
from suanli.model.quantities import WHOLE_DEVICE, Instant
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import Usage


@dataclass(frozen=True, slots=True)
class _Submitted:
    at: Instant
    owner: UserName
    spec: WorkloadSpec


def read_facts(facts: Iterable[RecordedFact]) -> Trace:
    """The workloads whose last run began and ended; the origin is the first submission among them.

    A workload counts once, with the length of its last run that began. Others are dropped and counted. A trace knows no
    dependencies and no holds: each workload waits from its submission. The time limit is that of the spec, the runtime
    where it has none. What it asked for is the request that was taken, with as many tasks as it got. Where the engine
    gave no instant, that of the record stands, as in the tables. Of memory the peak is known, and taken to have been
    used all along.
    """
    submitted: dict[WorkloadId, _Submitted] = {}
    placed: dict[RunId, RunPlaced] = {}
    started: dict[RunId, Instant] = {}
    runtimes: dict[WorkloadId, int] = {}
    usages: dict[WorkloadId, Usage] = {}
    for recorded in facts:
        match recorded.fact:
            case WorkloadSubmitted(first=first, count=count, owner=owner, spec=spec):
                one = _Submitted(recorded.at, owner, spec)
                submitted.update((WorkloadId(first + place), one) for place in range(count))
            case RunPlaced(run=run) as placement:
                placed[run] = placement
            case RunStarted(run=run, started_at=at):
                started[run] = at or recorded.at
            case RunEnded(workload=workload, run=run) as ended:
                begun = ended.started_at or started.get(run, Instant(0))
                if begun:
                    if run in placed and workload in submitted:
                        submitted[workload] = _as_placed(submitted[workload], placed[run])
                    runtimes[workload] = max(1, (ended.ended_at or recorded.at) - begun)
                    usages[workload] = ended.usage
            case _:
                pass
    ran = {workload: submitted[workload] for workload in runtimes if workload in submitted}
    return _trace(ran, runtimes, usages, dropped=len(submitted) - len(ran))


def _as_placed(one: _Submitted, placement: RunPlaced) -> _Submitted:
    """What was submitted, asking for just what it got."""
    spec, tasks = one.spec.form(placement.alternative), placement.allocation.tasks
    if spec is one.spec and spec.tasks == tasks:
        return one
    return _Submitted(one.at, one.owner, altered(spec, tasks=tasks))


def _apart(asked: DeviceRequest | None) -> int:
    """How far apart the devices of one task may be, as in a trace."""
    if asked is None or asked.interconnect is None or asked.count == 1:
        return 0
    return Distance[asked.interconnect.name]


def _trace(
    ran: dict[WorkloadId, _Submitted], runtimes: dict[WorkloadId, int], usages: dict[WorkloadId, Usage], dropped: int
) -> Trace:
    origin = min((one.at for one in ran.values()), default=0)
    specs = [one.spec for one in ran.values()]
    asked = [spec.resources.devices for spec in specs]
    models = {name: bit for bit, name in enumerate(dict.fromkeys(one.model for one in asked if one and one.model))}
    parted = ["", *(one.partition if one else "" for one in asked)]
    partition, partitions = coded(parted)
    user, users = coded(one.owner for one in ran.values())
    project, projects = coded(spec.project for spec in specs)
    application, applications = coded(spec.application or spec.name for spec in specs)
    queue, queues = coded(spec.queue for spec in specs)
    reservation, reservations = coded(spec.reservation for spec in specs)
    return make_trace(
        {
            "number": list(ran),
            "submitted_us": [one.at - origin for one in ran.values()],
            "runtime_us": [runtimes[workload] for workload in ran],
            "requested_us": [one.spec.time_limit_s * 1_000_000 or runtimes[workload] for workload, one in ran.items()],
            "tasks": [spec.tasks for spec in specs],
            "cpu_milli": [spec.resources.cpu_milli for spec in specs],
            "memory_bytes": [spec.resources.memory_bytes for spec in specs],
            "disk_bytes": [spec.resources.disk_bytes for spec in specs],
            "device_count": [one.count if one else 0 for one in asked],
            "device_share": [one.thousandths if one else WHOLE_DEVICE for one in asked],
            "partition": partition[1:],
            "interconnect": [_apart(one) for one in asked],
            "device_models": [1 << models[one.model] if one and one.model else 0 for one in asked],
            "user": user,
            "project": project,
            "application": application,
            "queue": queue,
            "reservation": reservation,
            "used_cpu_us": [usages[workload].cpu_us or UNKNOWN for workload in ran],
            "used_memory_bytes": [usages[workload].memory_peak_bytes or UNKNOWN for workload in ran],
        },
        models=tuple(models),
        names={
            "partitions": partitions,
            "users": users,
            "projects": projects,
            "applications": applications,
            "queues": queues,
            "reservations": reservations,
        },
        dropped=dropped,
    )
