"""A center that lives on under a clock of its own: from end to end, each followed by the turns a planner would take.

The turns are those of the live planner (``cycle.Turn``) on a copy of its own state, and what they decide is told to
that copy as facts would tell it. So whatever the planner minds (order, shares, priorities, preemption, reservations) is
minded here, and nothing is said twice. Everything is taken to run to its limit; who is asked to end leaves when the
planner takes it to.
"""

from __future__ import annotations

import heapq
from collections.abc import Set as AbstractSet
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.cycle import Turn
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.holdings import held_by
from suanli.kernel.scheduling.job import NEVER, Job
from suanli.kernel.scheduling.plan import MICROSECONDS, Policy, ReasonCode
from suanli.kernel.scheduling.state import ClusterState
from suanli.kernel.what_if.changes import Bounds
from suanli.kernel.what_if.outcome import Course, Stay
from suanli.model.altered import altered
from suanli.model.devices import DeviceRequest
from suanli.model.errors import TooFarAheadError
from suanli.model.ids import ReservationName, RunId, WorkloadId, run_id
from suanli.model.quantities import WHOLE_DEVICE, Instant
from suanli.model.resources import Allocation
from suanli.model.spec import ArraySpec, Kind, Request, TaskResources, WorkloadSpec
from suanli.model.workload import Run, RunState, StopCause, Workload, WorkloadState


def live_on(state: ClusterState, now: Instant, policy: Policy, bounds: Bounds, sent_back: AbstractSet[RunId]) -> Course:
    """Let a center live on until nothing more can start. The state is used up.

    Runs of ``sent_back`` that were asked to end before now wait again when they have.

    Raises:
        NotFoundError: the policy names what does not exist.
        TooFarAheadError: that takes more turns, or lies further ahead, than the bounds allow.
    """
    return _Onward(state, now, policy, bounds, sent_back).course()


def waiting_jobs(state: ClusterState) -> list[Job]:
    """All that waits, in order."""
    return [state.jobs[row] for row in t.queued(state.tables).tolist()]


def running_jobs(state: ClusterState) -> list[Job]:
    """All that runs, by end."""
    tables = state.tables
    return [state.jobs[row] for row in tables.lists[t.RUNNING, : tables.sizes[t.RUNNING_SIZE]].tolist()]


def stopping(state: ClusterState) -> list[Job]:
    """Runs that were asked to end."""
    return [job for job in running_jobs(state) if job.end == t.LEAVES]


def run_of(job: Job) -> RunId:
    """The name of a job that runs."""
    return run_id(job.workload, job.attempt)


def record_of(state: ClusterState, job: Job) -> tuple[Workload, WorkloadSpec]:
    """A workload and a spec of which the state would make this job, and its other forms, were it told that it waits."""
    job = state.waiting(job.workload) if state.waits(job.workload) else job
    workload = Workload(
        id=job.workload,
        submission=job.workload,
        owner=job.owner,
        project=job.project,
        kind=Kind.JOB,
        name="",
        queue=job.queue,
        state=WorkloadState.WAITING,
        qos=job.qos,
        priority=job.priority,
        time_limit_s=job.time_limit_s,
        array_id=state.bounds.key(job.association).array,
        preemptible=job.preemptible,
        attempt=job.attempt,
        submitted_at=job.since,
        eligible_at=job.since,
        generation=job.generation,
    )
    deadline = Instant(job.latest + job.time_limit_s * MICROSECONDS if job.latest < NEVER else 0)
    spec = _spec_of(job.demand.anytime, state.bounds.max_running(job.association), job.reservation)
    if job.work:
        spec = altered(spec, work=dict(job.work), **_pursued(job.demand))
    if job.requests:
        asked = {field.name: getattr(job.requests[0], field.name) for field in fields(Request)}
        spec = altered(spec, alternatives=job.requests[1:], **asked)
    return workload, altered(spec, deadline=deadline) if deadline else spec


def _pursued(demand: Demand) -> dict[str, Any]:
    """What a spec says beside its work, and what names its job class."""
    pursuit = demand.pursuit
    if pursuit is None:
        return {}
    name, application = pursuit.job_class.name, pursuit.job_class.application
    project = {} if application else {"project": pursuit.job_class.project}
    return {"objective": pursuit.objective, "application": application, "name": name, **project}


def end_run(state: ClusterState, run: RunId, at: Instant, *, is_sent_back: bool) -> None:
    """A run ends, and its workload waits again where it is sent back.

    Raises:
        NotFoundError: there is no such run.
    """
    job = state.running(run)
    workload, spec = record_of(state, job)
    state.vacate(run)
    if is_sent_back:
        state.enqueue(altered(workload, eligible_at=at), spec)


@cache
def _spec_of(demand: Demand, max_running: int, reservation: ReservationName) -> WorkloadSpec:
    """A spec of which this demand is made."""
    devices = None
    if demand.device_class is not None:
        share = WHOLE_DEVICE if demand.device_partition else demand.device_share
        devices = DeviceRequest(
            device_class=demand.device_class,
            count=demand.device_count,
            share=share,
            model=demand.device_model,
            min_memory_bytes=demand.device_memory_bytes * share // WHOLE_DEVICE,
            precision=demand.device_precision,
            at_least=demand.device_rate * share // WHOLE_DEVICE,
            partition=demand.device_partition,
            interconnect=demand.device_interconnect,
            bitstream=demand.device_bitstream,
        )
    return WorkloadSpec(
        tasks=demand.tasks,
        min_tasks=demand.min_tasks,
        nodes=demand.nodes,
        exclusive=demand.exclusive,
        licenses=dict(demand.licenses),
        features=frozenset(demand.features),
        max_tasks_per_node=demand.max_tasks_per_node,
        reservation=reservation,
        resources=TaskResources(
            cpu_milli=demand.cpu_milli,
            memory_bytes=demand.memory_bytes,
            disk_bytes=demand.disk_bytes,
            devices=devices,
        ),
        array=ArraySpec(indices=(0,), max_running=max_running) if max_running else None,
    )


class _Onward:
    """One life: what is known of it so far."""

    def __init__(
        self, state: ClusterState, now: Instant, policy: Policy, bounds: Bounds, sent_back: AbstractSet[RunId]
    ) -> None:
        self._state, self._now, self._policy, self._bounds = state, now, policy, bounds
        self._overrun_us = policy.overrun_s * MICROSECONDS
        self._returning = {run_of(job) for job in stopping(state)} & sent_back
        """Runs that end as they were asked to, and whose workloads then wait again."""
        self._ends: list[tuple[int, RunId]] = []
        self._due: dict[RunId, int] = {}
        """When each run ends; what stands among the ends otherwise is outdated."""
        self._stays = {
            job.workload: Stay(workload=job.workload, owner=job.owner, since=job.since, time_limit_s=job.time_limit_s)
            for job in waiting_jobs(state)
        }
        self._room = _room(state)
        self._held = np.zeros(2)
        """Milli-cpus and thousandths of devices, times the microseconds for which they were held from now on."""
        self._last_end = int(now)
        self._turns = self._preempted = 0
        self._late: dict[WorkloadId, ReasonCode] = {}
        for job in running_jobs(state):
            if job.end != NEVER:
                self._expect(run_of(job), job.end if job.end > now else now + self._overrun_us)

    def course(self) -> Course:
        """Live on to the end."""
        self._plan(self._now)
        while self._may_start() and (self._ends or self._next_turn() < NEVER):
            at = self._next_instant()
            if self._end_until(at) or not self._state.windows.are_current(at) or self._state.deadlines.next < at:
                self._plan(at)
        last = max([self._last_end, *self._due.values()])
        for job in running_jobs(self._state):
            self._count_held(job, min(self._due.get(run_of(job), last), last))
        capacity = np.maximum(self._room * float(last - self._now), 1.0)
        cpu_part, device_part = (self._held / capacity).tolist()
        return Course(
            now=self._now,
            stays=self._stays,
            never=self._why_never(),
            last_end=Instant(last),
            cpu_part=cpu_part,
            device_part=device_part,
            preempted=self._preempted,
            turns=self._turns,
        )

    def _may_start(self) -> bool:
        """Tell whether anything waits that could be held, or will."""
        return bool(self._returning) or not bool(self._state.kinds.impossible.all())

    def _next_turn(self) -> int:
        """When waiting work must next heed other advance reservations, or is late."""
        return min(self._state.windows.until + 1, self._state.deadlines.next + 1, NEVER)

    def _next_instant(self) -> Instant:
        grain_us = self._bounds.grain_s * MICROSECONDS
        end = min(self._ends[0][0] if self._ends else NEVER, self._next_turn())
        at = end if not grain_us else self._now - (self._now - end) // grain_us * grain_us
        if at > self._now + self._bounds.horizon_s * MICROSECONDS:
            self._give_up(at)
        return Instant(at)

    def _end_until(self, at: Instant) -> int:
        """End what ends by then; return how many runs did."""
        count = 0
        while self._ends and self._ends[0][0] <= at:
            end, run = heapq.heappop(self._ends)
            if self._due.get(run) == end:
                del self._due[run]
                self._count_held(self._state.running(run), end)
                self._last_end = max(self._last_end, end)
                end_run(self._state, run, at, is_sent_back=run in self._returning)
                self._returning.discard(run)
                count += 1
        return count

    def _plan(self, at: Instant) -> None:
        """Take turns until nothing follows: after one that was complete and asked nobody to leave, nothing does."""
        follows = True
        for workload in self._state.deadlines.missed(at):
            self._late[workload] = ReasonCode.DEADLINE
            self._state.dequeue(workload)
        while follows:
            if self._turns == self._bounds.turns:
                self._give_up(at)
            self._turns += 1
            with Turn(self._state, at, self._policy) as turn:
                jobs = [self._state.jobs[row] for row in turn.started.tolist()]
                started = [(job, turn.allocation(job)) for job in jobs]
                leaving = [(job, turn.allocation(job)) for job in turn.leaving]
                follows = bool(leaving) or not turn.complete
            for job, allocation in started:
                self._start(job, allocation, at)
            for job, allocation in leaving:
                self._stop(job, allocation, at)

    def _start(self, job: Job, allocation: Allocation, at: Instant) -> None:
        workload, spec = record_of(self._state, job)
        self._state.dequeue(job.workload)
        workload = altered(workload, state=WorkloadState.RUNNING, attempt=job.attempt + 1)
        end = Instant(at + job.time_limit_s * MICROSECONDS) if job.time_limit_s else NEVER
        run = _run(workload, allocation, at, job.form)
        self._state.occupy(run, workload, spec, end)
        if end != NEVER:
            self._expect(run.id, end)
        stay = self._stays.get(job.workload)
        if stay is None:
            stay = Stay(workload=job.workload, owner=job.owner, since=job.since, time_limit_s=job.time_limit_s)
        self._stays[job.workload] = altered(
            stay,
            start=at if stay.start is None else stay.start,
            time_limit_s=job.time_limit_s,
            end=None if end == NEVER else end,
            nodes=tuple(hold.node for hold in allocation.nodes),
        )

    def _stop(self, job: Job, allocation: Allocation, at: Instant) -> None:
        """Ask a run to end for the sake of the head; then it waits again."""
        workload, spec = record_of(self._state, job)
        run = _run(workload, allocation, Instant(int(self._state.tables.jobs[job.row, t.STARTED])), job.form)
        asked = replace(run, state=RunState.STOPPING, stop=StopCause.PREEMPTED)
        self._state.occupy(asked, workload, spec, job.end)
        self._returning.add(run.id)
        self._expect(run.id, at + self._overrun_us)
        self._preempted += 1
        if job.workload in self._stays:
            self._stays[job.workload] = altered(self._stays[job.workload], end=None)

    def _expect(self, run: RunId, end: int) -> None:
        self._due[run] = end
        heapq.heappush(self._ends, (end, run))

    def _count_held(self, job: Job, until: int) -> None:
        nodes, devices = held_by(self._state.tables, job.row)
        held_us = until - max(self._now, int(self._state.tables.jobs[job.row, t.STARTED]))
        amounts = (sum(hold[t.HELD_CPU] for hold in nodes), sum(hold[t.HELD_SHARE] for hold in devices))
        self._held += np.array(amounts, dtype=np.float64) * held_us

    def _why_never(self) -> dict[WorkloadId, ReasonCode]:
        """What stands against each that still waits, now that nothing more will end."""
        found: dict[tuple[tuple[Demand, ...], int], ReasonCode] = {}
        of: dict[WorkloadId, ReasonCode] = {}
        at = Instant(max(self._last_end, self._now))
        for job in waiting_jobs(self._state):
            demands = tuple(form.demand for form in self._state.forms(job.workload))
            if (demands, job.association) not in found:
                found[demands, job.association] = self._why(job, demands, at)
            of[job.workload] = found[demands, job.association]
        return {**self._late, **of}

    def _why(self, job: Job, demands: tuple[Demand, ...], at: Instant) -> ReasonCode:
        if all(self._state.impossible(demand) for demand in demands):
            is_overpowered = any(self._state.is_overpowered(demand) for demand in demands)
            return ReasonCode.POWER if is_overpowered else ReasonCode.IMPOSSIBLE
        told = explain(self._state, job.workload, at, self._policy)
        return told.unforeseen or (told.reasons[0].code if told.reasons else ReasonCode.PRIORITY)

    def _give_up(self, at: int) -> None:
        started = sum(stay.start is not None for stay in self._stays.values())
        waiting = int(self._state.tables.sizes[t.WAITING_SIZE])
        raise TooFarAheadError(
            turns=self._turns, ahead_s=(at - self._now) // MICROSECONDS, started=started, waiting=waiting
        )


def _run(workload: Workload, allocation: Allocation, at: Instant, alternative: int) -> Run:
    return Run(
        id=run_id(workload.id, workload.attempt),
        workload=workload.id,
        attempt=workload.attempt,
        state=RunState.RUNNING,
        allocation=allocation,
        time_limit_s=workload.time_limit_s,
        placed_at=at,
        started_at=at,
        alternative=alternative,
    )


def _room(state: ClusterState) -> t.Floats:
    """Milli-cpus and thousandths of devices of the nodes that take work or hold some."""
    room = state.room
    used = (room.nodes[:, t.READY] > 0) | (room.nodes[:, t.HOLDERS] > 0)
    devices = (room.devices[used, :, t.TYPE] != t.NOBODY).sum() * t.WHOLE
    return np.array([room.nodes[used, t.CPU].sum(), devices], dtype=np.float64)
