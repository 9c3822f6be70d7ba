"""Workloads and their runs, as the tables hold them: folds of the facts, never written otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from suanli.model.ids import ProjectName, QosName, QueueName, RunId, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation
from suanli.model.spec import NORMAL, Dependency, Kind, RetryPolicy, WorkloadSpec


class WorkloadState(StrEnum):
    """Where a workload stands. The first six are live, the rest final (a requeue alone leaves them)."""

    HELD = "held"
    BLOCKED = "blocked"
    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    ENDING = "ending"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    LOST = "lost"

    @property
    def final(self) -> bool:
        """No run exists and none will, unless somebody requeues."""
        return self in _FINAL

    @property
    def active(self) -> bool:
        """A run exists and holds an allocation."""
        return self in _ACTIVE


_ACTIVE = frozenset({WorkloadState.STARTING, WorkloadState.RUNNING, WorkloadState.ENDING})
_FINAL = frozenset(WorkloadState) - _ACTIVE - {WorkloadState.HELD, WorkloadState.BLOCKED, WorkloadState.WAITING}


class RunState(StrEnum):
    """PLACED: holds an allocation, the engine may or may not have it yet. STOPPING: an end was asked for."""

    PLACED = "placed"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


class EndCause(StrEnum):
    """Why a run ended, or why a workload ended with none."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    PREEMPTED = "preempted"
    REQUEUED = "requeued"
    OUT_OF_MEMORY = "out_of_memory"
    LAUNCH_FAILED = "launch_failed"
    LOST = "lost"
    DEPENDENCY = "dependency"
    DEADLINE = "deadline"


class StopCause(StrEnum):
    """Why the center asks a run to end."""

    CANCELLED = "cancelled"
    PREEMPTED = "preempted"
    REQUEUED = "requeued"

    @property
    def end(self) -> EndCause:
        """Why a run ended that did as it was asked."""
        return EndCause(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a run was measured to use, all tasks together. ``memory_peak_bytes`` is 0 where nothing could measure it."""

    cpu_us: int = 0
    memory_peak_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A spec as accepted, as its fact says it, for all the workloads it made; named by the first of them."""

    id: WorkloadId
    spec: WorkloadSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One thing to be done. ``array_id`` is 0 outside arrays, else the id of the array's first element.

    ``attempt`` counts the runs so far. ``started_at`` is when the latest of them began. ``cause`` says why a final
    state was reached, ``exit_code`` and ``signal`` what the last run left (-1 and 0: no run ended it). Back in the
    queue after a run, a workload has none of these: that run keeps its own. ``generation`` grows with every change of
    this record. Instants are 0 until they happened.
    """

    id: WorkloadId
    submission: WorkloadId
    owner: UserName
    project: ProjectName
    kind: Kind
    name: str
    queue: QueueName
    state: WorkloadState
    qos: QosName = NORMAL
    priority: int = 0
    time_limit_s: int = 0
    array_id: WorkloadId = WorkloadId(0)
    array_index: int = 0
    dependencies: tuple[Dependency, ...] = ()
    """Those not yet met."""
    retry: RetryPolicy = RetryPolicy()
    preemptible: bool = False
    attempt: int = 0
    cause: EndCause | None = None
    detail: str = ""
    exit_code: int = -1
    signal: int = 0
    submitted_at: Instant = Instant(0)
    eligible_at: Instant = Instant(0)
    started_at: Instant = Instant(0)
    ended_at: Instant = Instant(0)
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt at a workload and the allocation it holds until it has ended."""

    id: RunId
    workload: WorkloadId
    attempt: int
    state: RunState
    allocation: Allocation
    time_limit_s: int
    placed_at: Instant
    started_at: Instant = Instant(0)
    ended_at: Instant = Instant(0)
    stop: StopCause | None = None
    cause: EndCause | None = None
    detail: str = ""
    exit_code: int = -1
    signal: int = 0
    usage: Usage = Usage()
    truncated: bool = False
    """Output past the size cap was dropped."""
    alternative: int = 0
    """Which request of its spec it was given: 0 the spec's own, 1 that of the first alternative."""
    generation: int = 0
