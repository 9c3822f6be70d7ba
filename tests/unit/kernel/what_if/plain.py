"""A center that lives on told in plain objects: slow, obvious, every plan of it judged by the checker."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from suanli.kernel.scheduling.job import NEVER
from suanli.kernel.scheduling.plan import Plan
from suanli.kernel.what_if.changes import Changes
from suanli.model.ids import NodeName, RunId, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.resources import NodeState
from suanli.model.workload import Run, RunState, Workload, WorkloadState
from tests.unit.kernel.scheduling.center import SECOND, Center
from tests.unit.kernel.scheduling.checker import check


@dataclass
class Lived:
    """First starts of those that started, and the nodes of their last start."""

    starts: dict[WorkloadId, Instant] = field(default_factory=dict)
    nodes: dict[WorkloadId, tuple[NodeName, ...]] = field(default_factory=dict)


def stopping(center: Center) -> frozenset[RunId]:
    """Runs that were asked to end and then wait again."""
    return frozenset(run.id for run in center.runs.values() if run.state is RunState.STOPPING)


def change(center: Center, changes: Changes) -> None:
    """Let nodes, cancels and other limits happen to a center now."""
    for workload in changes.cancelled:
        center.withdraw(workload)
    for one in changes.altered:
        center.change(one.workload, priority=one.priority, time_limit_s=one.time_limit_s, qos=one.qos)
    for node in changes.nodes:
        center.set_node(node)
    down = {node.name for node in changes.nodes if node.state is NodeState.DOWN}
    for run in list(center.runs.values()):
        if down & {hold.node for hold in run.allocation.nodes}:
            _end(center, run, is_sent_back=run.id in changes.sent_back)


def _end(center: Center, run: Run, *, is_sent_back: bool) -> None:
    del center.runs[run.id]
    workload: Workload = center.active.pop(run.workload)
    center.state.vacate(run.id)
    if is_sent_back:
        again = replace(workload, state=WorkloadState.WAITING, eligible_at=center.now)
        center.waiting[again.id] = again
        center.state.enqueue(again, center.specs[again.id])


def live_on(center: Center) -> Lived:
    """Turn and let runs end at their limits until nothing more ends, and no advance reservation starts or ends."""
    lived = Lived()
    ends: dict[RunId, int] = {}
    overrun = center.policy.overrun_s * SECOND
    expect = partial(_expect, center, ends, overrun)
    for run in center.runs.values():
        expect(run)
    while True:
        for workload in center.state.deadlines.missed(center.now):
            center.withdraw(workload)
        while (plan := _turn(center, lived)).placements or plan.preemptions:
            for victim in plan.preemptions:
                ends[victim.run] = center.now + overrun
            for run in center.runs.values():
                if run.id not in ends:
                    expect(run)
        due = {run: end for run, end in ends.items() if run in center.runs}
        # As the loop that plans: it asks whether advance reservations are heeded as they must be, or work is late.
        turn = min(center.state.windows.until, center.state.deadlines.next) + 1 if center.waiting else NEVER
        if not due and turn >= NEVER:
            return lived
        center.now = Instant(min([*due.values(), turn]))
        for name in sorted(run for run, end in due.items() if end == center.now):
            ended = center.runs[name]
            _end(center, ended, is_sent_back=ended.state is RunState.STOPPING)


def _expect(center: Center, ends: dict[RunId, int], overrun: int, run: Run) -> None:
    if run.state is RunState.STOPPING:
        ends[run.id] = center.now + overrun
    elif run.time_limit_s:
        end = (run.started_at or run.placed_at) + run.time_limit_s * SECOND
        ends[run.id] = end if end > center.now else center.now + overrun


def _turn(center: Center, lived: Lived) -> Plan:
    check(center, center.plan())
    plan = center.turn()
    for row in plan.placements:
        lived.starts.setdefault(row.workload, center.now)
        lived.nodes[row.workload] = tuple(hold.node for hold in row.allocation.nodes)
    return plan
