"""Days of a small center, lived event by event through the planner's own turns: who came when, and who started when."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Explanation, Policy
from suanli.model.devices import DeviceRequest
from suanli.model.ids import RunId, WorkloadId
from suanli.model.resources import Node
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import RunState
from tests.unit.kernel.scheduling.center import BEGIN, SECOND, Center, asks
from tests.unit.kernel.scheduling.checker import check

GRACE = 1
"""Seconds that work takes to leave once it was asked to."""
LAST = 100_000
"""No story is longer."""
PLAIN = Policy()


def work(cpus: float = 1, limit: int = 100, devices: DeviceRequest | None = None, *, gib: int = 1) -> WorkloadSpec:
    """What one task of a job asks for, and how many seconds it may run."""
    return WorkloadSpec(resources=asks(cpus, gib, devices), time_limit_s=limit)


def urgent(spec: WorkloadSpec, priority: int = 1) -> WorkloadSpec:
    return replace(spec, priority=priority)


def yielding(spec: WorkloadSpec) -> WorkloadSpec:
    """Work that may lose its place."""
    return replace(spec, preemptible=True)


@dataclass
class Story:
    """Work by name. Each turn is judged by the checker before it is carried out, unless the story ``is_trusted``."""

    center: Center
    is_trusted: bool = False
    names: dict[WorkloadId, str] = field(default_factory=dict)
    ids: dict[str, WorkloadId] = field(default_factory=dict)
    takes: dict[WorkloadId, int] = field(default_factory=dict)
    runs: dict[str, list[tuple[int, dict[str, int]]]] = field(default_factory=dict)
    """When each started, once for each of its runs, and tasks by node."""
    asked: dict[str, int] = field(default_factory=dict)
    """Who was asked to give way, and when (for the last time)."""
    coming: list[tuple[int, str, WorkloadSpec, int]] = field(default_factory=list)

    @classmethod
    def of(cls, *nodes: Node, policy: Policy = PLAIN) -> Story:
        return cls(Center(policy=policy).with_nodes(*nodes))

    @property
    def second(self) -> int:
        """The present, in seconds since the story began."""
        return (self.center.now - BEGIN) // SECOND

    def comes(self, name: str, spec: WorkloadSpec, at: int = 0, takes: int = 0) -> None:
        """Work will come at a second, and take so many seconds, or all of its limit (for ever without one)."""
        self.coming.append((at, name, spec, takes or spec.time_limit_s or LAST))

    def live(self, until: int = LAST) -> Story:
        """Let time pass to a second, or until nothing comes or ends any more."""
        while True:
            ends = [end for run in self.center.runs if (end := self._end_of(run)) < LAST]
            following = min([*ends, *(one[0] for one in self.coming)], default=LAST)
            if following > until or following == LAST:
                break
            self._come_to(following)
        if until < LAST:
            self._come_to(until)
        return self

    def _come_to(self, second: int) -> None:
        self.center.pass_time(second - self.second)
        for run in [run for run in self.center.runs if self._end_of(run) <= second]:
            self.center.end(run)
        here = [one for one in self.coming if one[0] <= second]
        self.coming = [one for one in self.coming if one[0] > second]
        for _, name, spec, takes in here:
            workload = self.center.add(spec)
            self.names[workload], self.ids[name], self.takes[workload] = name, workload, takes
        self._plan()

    def _plan(self) -> None:
        """Take turns until one has decided all that there is to decide, and let its starts begin."""
        is_complete = False
        while not is_complete:
            if not self.is_trusted:
                check(self.center, self.center.plan())
            plan = self.center.turn()
            for one in plan.preemptions:
                self.asked[self.names[one.workload]] = self.second
            for row in plan.placements:
                self.center.begin(self.center.run_of(row.workload))
                tasks = {str(hold.node): hold.tasks for hold in row.allocation.nodes}
                self.runs.setdefault(self.names[row.workload], []).append((self.second, tasks))
            is_complete = plan.complete

    def _end_of(self, id: RunId) -> int:
        run = self.center.runs[id]
        began = ((run.started_at or run.placed_at) - BEGIN) // SECOND
        end = began + self.takes[run.workload]
        return min(end, self.asked[self.names[run.workload]] + GRACE) if run.state is RunState.STOPPING else end

    @property
    def starts(self) -> dict[str, int]:
        """When each began to run for the first time."""
        return {name: runs[0][0] for name, runs in self.runs.items()}

    def all_starts(self, name: str) -> list[int]:
        return [second for second, _ in self.runs.get(name, [])]

    def nodes_of(self, name: str) -> dict[str, int]:
        """Tasks by node of work's last run."""
        return self.runs[name][-1][1]

    @property
    def waiting(self) -> list[str]:
        """Who waits, in order."""
        return [self.names[workload] for workload in self.center.queue()]

    def kept(self) -> dict[str, tuple[int, dict[str, int]]]:
        """For whom a place is kept: from which second, and tasks by node."""
        return {
            self.names[one.workload]: (
                (one.start - BEGIN) // SECOND,
                {str(hold.node): hold.tasks for hold in one.nodes},
            )
            for one in self.center.plan().reservations
        }

    def why(self, name: str) -> Explanation:
        return explain(self.center.state, self.ids[name], self.center.now, self.center.policy)

    def foreseen(self, name: str) -> int | None:
        """In which second work that waits is expected to start."""
        start = self.why(name).earliest_start
        return None if start is None else (start - BEGIN) // SECOND
