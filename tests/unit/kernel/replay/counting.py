"""A day on one node told by counting: every turn plans all that waits anew on a list of who holds how much when.

Written apart from the kernel. Slow and obvious: a start is looked for at every instant at which something is given
back, and every instant of the stay is added up. Units are seconds, cpus and whatever memory is counted in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from suanli.kernel.replay.center import CenterDescription, NodeGroup, PowerRange
from suanli.kernel.replay.trace import Trace, make_trace
from tests.unit.kernel.replay import plain
from tests.unit.kernel.replay.plain import SECOND, Job

EVERYBODY = 10**6
"""So many reservations are one for everybody."""


@dataclass(frozen=True)
class Asked(Job):
    """A job of so many tasks of one cpu, each of which needs so much memory."""

    memory: int = 0
    used_s: int = -1
    """Processor time that it used, where that is told."""

    @property
    def amounts(self) -> tuple[int, int]:
        """Of the whole job."""
        return self.cpus, self.cpus * self.memory


@dataclass(frozen=True)
class Node:
    """All that there is; each busy cpu draws ``watts`` beyond the ``idle_w`` of the node."""

    cpus: int
    memory: int = 0
    watts: int = 0
    idle_w: int = 0

    @property
    def amounts(self) -> tuple[int, int]:
        return self.cpus, self.memory

    def center(self, power_cap_w: float = 0) -> CenterDescription:
        power = PowerRange(idle_w=self.idle_w, max_w=self.idle_w + self.watts * self.cpus)
        group = NodeGroup(
            prefix="n", count=1, cpu_milli=1000 * self.cpus, memory_bytes=self.memory, power=power, devices=()
        )
        return CenterDescription(groups=(group,), power_cap_w=power_cap_w)


@dataclass(frozen=True)
class Rule:
    """How a turn decides: the order, how many that cannot start get reservations, and whether the shortest follow."""

    kept: int = 1
    order: str = "fcfs"
    prediction: str = "requested"
    shortest_first: bool = False
    believed: bool = False
    ends_together: bool = False
    """Whether all that ends at an instant has ended before the turn that follows; else each end is followed by one."""


def trace_of(jobs: Sequence[Asked], users: int = 3, projects: int = 1) -> Trace:
    """Users are of projects in turn."""
    return make_trace(
        {
            "number": range(len(jobs)),
            "submitted_us": [job.submitted * SECOND for job in jobs],
            "runtime_us": [job.runtime * SECOND for job in jobs],
            "requested_us": [job.requested * SECOND for job in jobs],
            "tasks": [job.cpus for job in jobs],
            "memory_bytes": [job.memory for job in jobs],
            "user": [job.user for job in jobs],
            "project": [job.user % projects for job in jobs],
            "used_cpu_us": [job.used_s * SECOND if job.used_s >= 0 else -1 for job in jobs],
        },
        names={"users": [f"u{user}" for user in range(users)], "projects": [f"p{one}" for one in range(projects)]},
    )


@dataclass(frozen=True)
class Held:
    """Amounts that are held from one second until another."""

    start: int
    end: int
    amounts: tuple[int, int]


def fits(room: tuple[int, int], held: Sequence[Held], wanted: Held) -> bool:
    """Whether at no second of a stay more is held than there is."""
    instants = [wanted.start, *(one.start for one in held if wanted.start < one.start < wanted.end)]
    for instant in instants:
        there = [one.amounts for one in held if one.start <= instant < one.end]
        for place in (0, 1):
            if sum(amounts[place] for amounts in there) + wanted.amounts[place] > room[place]:
                return False
    return True


def earliest(room: tuple[int, int], held: Sequence[Held], job: Asked, limit: int, now: int) -> int | None:
    """The first second from which on there is room for as long as a job may run; None: there never is."""
    for start in sorted({now, *(one.end for one in held if one.end > now)}):
        if fits(room, held, Held(start, start + limit, job.amounts)):
            return start
    return None


class Day:
    """A day that goes on from event to event; ``starts`` are -1 for what never starts."""

    def __init__(self, jobs: Sequence[Asked], node: Node, rule: Rule) -> None:
        self.jobs, self.room, self.rule = jobs, node.amounts, rule
        self.starts = [-1] * len(jobs)
        self.past = plain.Past()
        self.predicted: dict[int, int] = {}
        self.limits: dict[int, int] = {}
        self.waiting: list[int] = []
        self.running: list[tuple[int, int, int]] = []
        """End, start, job."""

    def live(self) -> list[int]:
        """Ends before submissions at one instant, each followed by a turn, or ends by one for all."""
        coming = list(range(len(self.jobs)))
        while coming or self.running:
            if self.running and (not coming or min(self.running)[0] <= self.jobs[coming[0]].submitted):
                event = min(self.running)
                self.running.remove(event)
                self.past.learn(self.jobs[event[2]])
                if not self.rule.ends_together or all(end > event[0] for end, _, _ in self.running):
                    self._turn(event[0])
            else:
                job = coming.pop(0)
                self._submit(job)
                self._turn(self.jobs[job].submitted)
        return self.starts

    def _submit(self, job: int) -> None:
        asked = self.jobs[job]
        self.predicted[job] = plain.PREDICTIONS[self.rule.prediction](self.past, asked)
        self.limits[job] = self.predicted[job] // SECOND if self.rule.believed else asked.requested
        self.waiting.append(job)

    def _key(self, now: int) -> Callable[[int], tuple[float, int]]:
        if self.rule.order == "sjf":
            return lambda job: (self.predicted[job], job)
        return lambda job: (plain.ORDERS[self.rule.order](self.jobs[job], now), job)

    def _turn(self, now: int) -> None:
        held = [
            Held(now, max(start + self.limits[job], now + 1), self.jobs[job].amounts) for _, start, job in self.running
        ]
        queue, left = sorted(self.waiting, key=self._key(now)), self.rule.kept
        while queue:
            job = queue.pop(0)
            start = earliest(self.room, held, self.jobs[job], self.limits[job], now)
            if start == now:
                self._start(job, now)
            elif self.rule.kept == 0:
                return
            if start is None or (start > now and left == 0):
                # It never fits, or it waits without a reservation.
                continue
            held.append(Held(start, start + self.limits[job], self.jobs[job].amounts))
            if start > now:
                left -= 1
                if left == 0 and self.rule.shortest_first:
                    queue.sort(key=lambda one: self.limits[one])

    def _start(self, job: int, now: int) -> None:
        self.starts[job] = now
        self.waiting.remove(job)
        self.running.append((now + self.jobs[job].runtime, now, job))
