"""What waits and what runs, as the tables' rows mean it."""

from __future__ import annotations

from dataclasses import dataclass

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import NO_DEADLINE, Demand
from suanli.kernel.scheduling.plan import MICROSECONDS
from suanli.model.devices import Precision
from suanli.model.errors import NotFoundError
from suanli.model.ids import ProjectName, QosName, QueueName, ReservationName, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.spec import NORMAL, Request, WorkloadSpec
from suanli.model.workload import Run, Workload, WorkloadState

NEVER = Instant(t.NEVER)
"""The expected end of work without a time limit."""


def found(job: Job | None, noun: str, name: str | int) -> Job:
    """The job, if there is one.

    Raises:
        NotFoundError: there is none of that noun and name.
    """
    if job is None:
        raise NotFoundError(noun, name)
    return job


@dataclass(frozen=True, slots=True)
class Job:
    """What a row of jobs is: a workload that waits, in one of its forms, or one of its runs."""

    row: int
    workload: WorkloadId
    attempt: int
    generation: int
    queue: QueueName
    project: ProjectName
    owner: UserName
    since: Instant
    time_limit_s: int
    demand: Demand
    association: int
    asks: int
    reservation: ReservationName = ReservationName("")
    latest: int = NO_DEADLINE
    """Until when it must start to be done by its deadline."""
    end: Instant = Instant(0)
    """When a run is taken to end."""
    form: int = 0
    """Which request of its spec this is: 0 the spec's own, 1 that of the first alternative."""
    requests: tuple[Request, ...] = ()
    """All of them, where there are alternatives."""
    qos: QosName = NORMAL
    priority: int = 0
    preemptible: bool = False
    """Whether it says itself that it may lose its place."""
    work: tuple[tuple[Precision, int], ...] = ()
    """10^12 operations to be done, by precision."""

    @property
    def limit_us(self) -> int:
        """How long it may run, in microseconds, ``NEVER`` without end."""
        return self.time_limit_s * MICROSECONDS or NEVER


def imagined(spec: WorkloadSpec, owner: UserName, workload: WorkloadId, first: WorkloadId, now: Instant) -> Workload:
    """The record of a workload that waits as if it had been submitted now; ``first`` is that of its array, if any."""
    return Workload(
        id=workload,
        submission=first,
        owner=owner,
        project=spec.project,
        kind=spec.kind,
        name=spec.name,
        queue=spec.queue,
        qos=spec.qos,
        state=WorkloadState.WAITING,
        priority=spec.priority,
        time_limit_s=spec.time_limit_s,
        array_id=WorkloadId(0) if spec.array is None else first,
        preemptible=spec.preemptible,
        submitted_at=now,
        eligible_at=now,
    )


def expected_end(run: Run) -> Instant:
    """When a run will have ended at the latest: its time limit after its start, or after its placement until then."""
    if not run.time_limit_s:
        return NEVER
    return Instant((run.started_at or run.placed_at) + run.time_limit_s * MICROSECONDS)
