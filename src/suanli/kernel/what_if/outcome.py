"""What came of living on: each workload's stay, the figures of many, and both sides of a comparison."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil

from suanli.kernel.scheduling.plan import MICROSECONDS, ReasonCode
from suanli.model.ids import NodeName, RunId, UserName, WorkloadId
from suanli.model.quantities import Instant

_SHORT_S = 10
"""Slowdowns of shorter work are bounded, as usual: they are counted as if it ran for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """What becomes of a workload that waits: its first start and its last end, on the nodes of its last start.

    ``start`` is None where none was found, ``end`` where it runs for ever or does not start.
    """

    workload: WorkloadId
    owner: UserName
    since: Instant
    """Since when it waits."""
    time_limit_s: int
    start: Instant | None = None
    end: Instant | None = None
    nodes: tuple[NodeName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a center lives on until nothing can start any more, everything taken to run to its limit.

    ``last_end`` is when the last run with a limit has ended. The parts of processors and devices that are held from now
    to then are of the nodes that take work or hold some. ``never`` says of each workload that does not start what
    stands against it when all that ends has ended.
    """

    now: Instant
    stays: Mapping[WorkloadId, Stay]
    never: Mapping[WorkloadId, ReasonCode]
    last_end: Instant
    cpu_part: float
    device_part: float
    preempted: int
    turns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRun:
    """A run on a node that goes down; ``is_sent_back`` where its workload waits again."""

    run: RunId
    workload: WorkloadId
    owner: UserName
    is_sent_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The center as it is beside what it would be; ``waiting`` are those that wait now and on both sides."""

    before: Course
    after: Course
    waiting: tuple[WorkloadId, ...]
    submitted: tuple[WorkloadId, ...]
    """Those imagined, under ids that nobody has yet."""
    lost: tuple[LostRun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Of at least one amount; one in a hundred exceeds ``p99``."""

    mean: float
    median: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Seconds of waiting of those that start, before now too, and bounded slowdowns of those of them with a limit.

    None where there are none.
    """

    started: int = 0
    never: int = 0
    wait_s: Spread | None = None
    slowdown: Spread | None = None


def figures(course: Course, workloads: Collection[WorkloadId]) -> Figures:
    """The figures of these workloads, all of which wait in the course."""
    waits, slowdowns, never = [], [], 0
    for stay in map(course.stays.__getitem__, workloads):
        if stay.start is None:
            never += 1
            continue
        wait_s = (stay.start - stay.since) / MICROSECONDS
        waits.append(wait_s)
        if stay.time_limit_s:
            bounded_s = max(stay.time_limit_s, _SHORT_S)
            slowdowns.append(max(1.0, (wait_s + stay.time_limit_s) / bounded_s))
    return Figures(started=len(waits), never=never, wait_s=_spread(waits), slowdown=_spread(slowdowns))


def most_affected(comparison: Comparison, workloads: Collection[WorkloadId], most: int) -> list[WorkloadId]:
    """Of these, which wait on both sides, those whose starts differ most; one that starts on one side alone leads."""
    differences = []
    for workload in workloads:
        before, after = comparison.before.stays[workload].start, comparison.after.stays[workload].start
        if before != after:
            apart = None if before is None or after is None else abs(after - before)
            differences.append((apart is not None, -(apart or 0), workload))
    return [workload for _, _, workload in sorted(differences)[:most]]


def _spread(values: list[float]) -> Spread | None:
    if not values:
        return None
    ordered = sorted(values)

    def rank(part: float) -> float:
        """The smallest that so large a part of them does not exceed (nearest rank)."""
        return ordered[ceil(part * len(ordered)) - 1]

    return Spread(mean=sum(ordered) / len(ordered), median=rank(0.5), p99=rank(0.99), most=ordered[-1])
