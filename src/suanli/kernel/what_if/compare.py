"""The center as it is beside the center as it would be: the same life twice, once after the changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.job import Job, imagined
from suanli.kernel.scheduling.plan import Policy
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.scheduling.state import ClusterState
from suanli.kernel.what_if.changes import MOST_SUBMITTED, Bounds, Changes, Submitted
from suanli.kernel.what_if.onward import end_run, live_on, record_of, run_of, running_jobs, waiting_jobs
from suanli.kernel.what_if.outcome import Comparison, LostRun
from suanli.model.altered import altered
from suanli.model.errors import ConflictError, InvalidRequestError
from suanli.model.facts import WorkloadUpdated
from suanli.model.ids import NodeName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.resources import NodeState

_EXACT = 50_000
"""With so much work at most, every end is looked at by itself."""
_GRAIN_S = 5


def bounds_for(state: ClusterState) -> Bounds:
    """How finely a center is looked at, so that a large one is looked through in seconds."""
    return Bounds(grain_s=0 if len(state.jobs) <= _EXACT else _GRAIN_S)


def compare(state: ClusterState, now: Instant, policy: Policy, changes: Changes, bounds: Bounds) -> Comparison:
    """Live on with and without the changes. The state is used up.

    Raises:
        ConflictError: what is altered does not wait, or what is cancelled neither waits nor runs.
        InvalidRequestError: too much is submitted, or nodes have more devices than can be told apart.
        NotFoundError: the policy names what does not exist.
        TooFarAheadError: looking ahead takes more turns, or goes further, than the bounds allow.
    """
    other = snapshot(state)
    lost, submitted = _apply(other, now, changes)
    kept = set(changes.cancelled)
    waiting = tuple(job.workload for job in waiting_jobs(state) if job.workload not in kept)
    before = live_on(state, now, policy, bounds, changes.sent_back)
    after = live_on(other, now, policy, bounds, changes.sent_back)
    return Comparison(before=before, after=after, waiting=waiting, submitted=submitted, lost=lost)


def holding(state: ClusterState, nodes: Collection[NodeName]) -> list[Job]:
    """Runs that hold something of one of these nodes."""
    tables, rows = state.tables, set()
    for name in nodes:
        if name in state.nodes:
            hold = int(tables.nodes[state.nodes[name], t.HELD])
            while hold >= 0:
                rows.add(int(tables.holds[hold, t.HELD_BY]))
                hold = int(tables.holds[hold, t.AFTER])
    return sorted((state.jobs[row] for row in rows), key=lambda job: job.workload)


def _apply(state: ClusterState, now: Instant, changes: Changes) -> tuple[tuple[LostRun, ...], tuple[WorkloadId, ...]]:
    """Let the changes happen; say which runs are lost, and what is submitted."""
    submitted = _submit(state, now, changes.submitted)
    _cancel(state, now, changes.cancelled)
    for change in changes.altered:
        _alter(state, change)
    down = [node.name for node in changes.nodes if node.state is NodeState.DOWN]
    lost = tuple(
        LostRun(run=run_of(job), workload=job.workload, owner=job.owner, is_sent_back=run_of(job) in changes.sent_back)
        for job in holding(state, down)
    )
    for node in changes.nodes:
        state.set_node(node)
    if changes.power_cap is not None:
        state.set_power_cap(changes.power_cap)
    for gone in lost:
        end_run(state, gone.run, now, is_sent_back=gone.is_sent_back)
    return lost, submitted


def _cancel(state: ClusterState, now: Instant, cancelled: Iterable[WorkloadId]) -> None:
    """What waits does so no longer, what runs ends at once."""
    runs: dict[WorkloadId, Job] = {}
    for workload in cancelled:
        if state.waits(workload):
            state.dequeue(workload)
            continue
        runs = runs or {job.workload: job for job in running_jobs(state)}
        if workload not in runs:
            raise ConflictError(f"workload {workload} neither waits nor runs", "see `suanli ps`")
        end_run(state, run_of(runs[workload]), now, is_sent_back=False)


def _alter(state: ClusterState, change: WorkloadUpdated) -> None:
    if not state.waits(change.workload):
        raise ConflictError(f"workload {change.workload} does not wait", "see `suanli why`")
    workload, spec = record_of(state, state.waiting(change.workload))
    changed = {"time_limit_s": change.time_limit_s, "priority": change.priority, "qos": change.qos or workload.qos}
    state.enqueue(altered(workload, **changed), spec)


def _submit(state: ClusterState, now: Instant, submitted: Iterable[Submitted]) -> tuple[WorkloadId, ...]:
    """Let specs be submitted now, under the ids after the highest that the planner knows."""
    sizes = [(one, 1 if one.spec.array is None else len(one.spec.array.indices)) for one in submitted]
    if sum(one.times * size for one, size in sizes) > MOST_SUBMITTED:
        raise InvalidRequestError("submit", f"at most {MOST_SUBMITTED} workloads can be imagined at once")
    highest = max((job.workload for job in state.jobs.values()), default=0)
    made: list[WorkloadId] = []
    for one, size in sizes:
        for _ in range(one.times):
            first = WorkloadId(highest + len(made) + 1)
            for element in range(size):
                workload = WorkloadId(first + element)
                state.enqueue(imagined(one.spec, one.owner, workload, first, now), one.spec)
                made.append(workload)
    return tuple(made)
