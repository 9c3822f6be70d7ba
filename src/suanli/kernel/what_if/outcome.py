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
class Figures:
    """Of those that start: seconds of waiting, before now too, and bounded slowdowns of those with a limit."""

    started: int = 0
    never: int = 0
    wait_mean_s: float = 0.0
    wait_median_s: float = 0.0
    wait_p99_s: float = 0.0
    wait_max_s: float = 0.0
    slowdown_mean: float = 0.0
    slowdown_median: float = 0.0
    slowdown_p99: float = 0.0
    slowdown_max: float = 0.0


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
    waits.sort()
    slowdowns.sort()
    return Figures(
        started=len(waits),
        never=never,
        wait_mean_s=_mean(waits),
        wait_median_s=_rank(waits, 0.5),
        wait_p99_s=_rank(waits, 0.99),
        wait_max_s=_rank(waits, 1.0),
        slowdown_mean=_mean(slowdowns),
        slowdown_median=_rank(slowdowns, 0.5),
        slowdown_p99=_rank(slowdowns, 0.99),
        slowdown_max=_rank(slowdowns, 1.0),
    )


def most_affected(comparison: Comparison, workloads: Collection[WorkloadId], most: int) -> list[WorkloadId]:
    """Of these, which wait on both sides, those whose starts differ most; one that starts on one side alone leads."""
    differences = []
    for workload in workloads:
        before, after = comparison.before.stays[workload].start, comparison.after.stays[workload].start
        if before != after:
            apart = None if before is None or after is None else abs(after - before)
            differences.append((apart is not None, -(apart or 0), workload))
    return [workload for _, _, workload in sorted(differences)[:most]]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _rank(values: list[float], part: float) -> float:
    """The smallest of the sorted values that this part of them does not exceed (nearest rank)."""
    return values[max(ceil(part * len(values)) - 1, 0)] if values else 0.0
