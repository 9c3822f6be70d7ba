"""Step 7: why one workload waits, what would help, and when it may start; the same for a spec that is not queued."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from suanli.kernel.scheduling.constraints import (
    STATE_AND_HEALTH,
    DeviceType,
    Room,
    Stage,
    holds,
    largest_group,
    memory_of,
    narrowings,
    shortfall,
    stages,
    suffices,
    tasks_fitting,
    totals,
)
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.cycle import Turn
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.expected import Expected
from suanli.kernel.scheduling.held_back import bounded
from suanli.kernel.scheduling.job import NEVER, Job, imagined
from suanli.kernel.scheduling.merits import expected
from suanli.kernel.scheduling.plan import MICROSECONDS, Decision, Explanation, Policy, Reason, ReasonCode
from suanli.kernel.scheduling.power import power_of, power_reason
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.altered import altered
from suanli.model.ids import UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.spec import WorkloadSpec

_UNQUEUED = WorkloadId(2**62)
"""Stands behind every real workload in order."""


def explain(state: ClusterState, workload: WorkloadId, now: Instant, policy: Policy) -> Explanation:
    """Explain one waiting workload. The state stays as it is.

    Raises:
        NotFoundError: it does not wait, or the policy names what does not exist.
    """
    with Turn(state, now, policy) as turn:
        state.waiting(workload)
        forms = [(job, _After.of(turn, job)) for job in state.forms(workload)]
    told = [
        replace(after.explain(state, job), level=state.levels.of(job), expected=_expected(state, job))
        for job, after in forms
    ]
    return told[0] if len(told) == 1 else _of_forms(told, [job.latest for job, _ in forms])


def _of_forms(told: Sequence[Explanation], latest: Sequence[int]) -> Explanation:
    """What is so of work that may run in each of several forms."""
    decisions = {one.decision for one in told}
    if Decision.NOW in decisions:
        return next(one for one in told if one.decision is Decision.NOW)
    starts = [one.earliest_start for one in told if one.earliest_start is not None]
    in_time = [
        one.earliest_start
        for one, by in zip(told, latest, strict=True)
        if one.earliest_start is not None and one.earliest_start <= by
    ]
    return replace(
        told[0],
        decision=Decision.LATER if Decision.LATER in decisions else Decision.NEVER,
        earliest_start=min(in_time or starts, default=None),
        unforeseen=None if starts else told[0].unforeseen,
        forms=tuple(told),
    )


def preview(state: ClusterState, spec: WorkloadSpec, owner: UserName, now: Instant, policy: Policy) -> Explanation:
    """Explain a spec as if its owner queued it now: where it would start, or why not (workload 0).

    Of an array it is the first element that is judged. A queue not set has priority 0. The state stays as it is.

    Raises:
        NotFoundError: the policy names what does not exist.
    """
    alone = altered(spec, array=None)
    state.enqueue(imagined(alone, owner, _UNQUEUED, _UNQUEUED, now), alone)
    try:
        explained = explain(state, _UNQUEUED, now, policy)
    finally:
        state.dequeue(_UNQUEUED)
    return replace(explained, workload=WorkloadId(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _After:
    """What a turn leaves for one workload: asked before the turn is taken back, told afterwards."""

    now: Instant
    ahead: int
    given: Explanation | None
    bounded: Reason | None
    unlicensed: Reason | None
    unpowered: Reason | None
    is_crowded_out: bool
    window: Reason | None
    patient: Reason | None
    start: int

    @classmethod
    def of(cls, turn: Turn, job: Job) -> _After:
        first = turn.state.waiting(job.workload).row
        ahead = int(np.flatnonzero(turn.ordered == first)[0])
        given, held_back = None, bounded(turn.state, job.association, job.asks)
        if job.row in turn.started:
            given = Explanation(
                workload=job.workload,
                decision=Decision.NOW,
                earliest_start=turn.now,
                ahead=ahead,
                allocation=turn.allocation(job),
                alternative=job.form,
            )
        settled = given is not None or held_back is not None or turn.state.impossible(job.demand)
        patient, is_crowded_out = turn.patient(job), not turn.complete or not turn.startable(job)
        start = turn.earliest(job) if patient is None else patient.starts_at
        return cls(
            now=turn.now,
            ahead=ahead,
            given=given,
            bounded=held_back,
            unlicensed=turn.unlicensed(job),
            unpowered=turn.unpowered(job),
            is_crowded_out=is_crowded_out,
            window=None if settled or is_crowded_out or patient is not None else turn.in_the_way(job),
            patient=patient,
            start=NEVER if settled else start,
        )

    @property
    def _is_foreseen(self) -> bool:
        return self.start not in {NEVER, t.NOBODY}

    def explain(self, state: ClusterState, job: Job) -> Explanation:
        """The explanation, by the state as it is without the turn."""
        if self.given is not None:
            return self.given
        if state.impossible(job.demand):
            short_of = _lacking_for_good(state, job.demand.anytime)
            return Explanation(
                workload=job.workload,
                decision=Decision.NEVER,
                reasons=(Reason(code=ReasonCode.IMPOSSIBLE), *short_of),
                unforeseen=ReasonCode.IMPOSSIBLE,
                ahead=self.ahead,
                alternative=job.form,
            )
        return Explanation(
            workload=job.workload,
            decision=Decision.LATER,
            reasons=(*self._reasons(state, job), *self._too_late(job)),
            earliest_start=Instant(self.start) if self._is_foreseen else None,
            unforeseen=None if self._is_foreseen else self._unforeseen(state, job),
            ahead=self.ahead,
            alternative=job.form,
        )

    def _reasons(self, state: ClusterState, job: Job) -> tuple[Reason, ...]:
        """What blocks a workload that could be held some day."""
        held_back, room = (self.bounded, self.unlicensed, self.unpowered), state.room
        found = [one for one in held_back if one is not None]
        judged = stages(room, job.demand)
        if not suffices(room, judged, job.demand):
            found += [_naming(state, job, reason) for reason in _short_of(room, judged, job.demand)]
        elif self.patient is not None:
            found.append(self.patient)
        elif self.is_crowded_out:
            found.append(Reason(code=ReasonCode.PRIORITY, available=self.ahead))
        elif self.window is not None and not found:
            found.append(self.window)
        return tuple(found)

    def _too_late(self, job: Job) -> tuple[Reason, ...]:
        if not self._is_foreseen or self.start <= job.latest:
            return ()
        needed, available = (max(instant - self.now, 0) // MICROSECONDS for instant in (self.start, job.latest))
        return (Reason(code=ReasonCode.DEADLINE, needed=needed, available=available),)

    def _unforeseen(self, state: ClusterState, job: Job) -> ReasonCode:
        """What stands against any start of a demand that is possible."""
        demand = job.demand.anytime
        if self.bounded is not None:
            return self.bounded.code
        if self.unlicensed is not None or self.start == t.NOBODY:
            return ReasonCode.LICENSE
        if job.reservation:
            return ReasonCode.RESERVATION
        if holds(state.empty_room, demand):
            return ReasonCode.NO_TIME_LIMIT
        if holds(state.empty_room, demand, frozenset({ReasonCode.NODE_STATE})):
            return ReasonCode.NODE_STATE
        return ReasonCode.DEVICE_HEALTH


def _expected(state: ClusterState, job: Job) -> tuple[Expected, ...]:
    """How long a waiting workload takes with all its tasks on each type of devices that will do."""
    demand = job.demand
    if demand.pursuit is None:
        return ()
    steps = narrowings(state.types, demand)
    meeting = steps[-1][1] if steps else np.ones(len(state.types) + 1, dtype=np.bool_)
    types = [kind for kind, will_do in zip(state.types, meeting[:-1].tolist(), strict=True) if will_do]
    return tuple(expected(demand, sum(amount for _, amount in job.work), state.known._replace(types=types)))


def _lacking_for_good(state: ClusterState, demand: Demand) -> list[Reason]:
    """What the center has too little of, whatever ends and mends."""
    room, lacking = state.empty_room, state.bounds.lacking(demand)
    judged = stages(room, demand, STATE_AND_HEALTH)
    found = [] if suffices(room, judged, demand) else _short_of(room, judged, demand)
    if lacking is not None:
        needed, total = dict(demand.licenses)[lacking], state.bounds.total(lacking)
        found.append(Reason(code=ReasonCode.LICENSE, needed=needed, available=total, wanted=lacking))
    if state.is_overpowered(demand):
        reason = power_reason(state.most_drawn(demand), power_of(state.tables))
        found.append(replace(reason, available=reason.cap))
    return found


def _short_of(room: Room, found: Sequence[Stage], demand: Demand) -> list[Reason]:
    """Every constraint that some node fails, and what is missing together where some nodes would do."""
    counts, total = room.counts, int(room.counts.sum())
    failed, narrowed = np.zeros(counts.size, dtype=np.bool_), np.zeros(counts.size, dtype=np.bool_)
    reasons = []
    for code, tasks in found:
        fails = tasks < demand.tasks_a_node
        first = fails & ~failed
        failed |= fails
        if code.startswith("device_"):
            fails = fails & ~narrowed
            narrowed |= fails
        if fails.any():
            needed, available = _amounts(room, demand, code, int(tasks.max(initial=0)))
            reason = Reason(
                code=code,
                nodes_failing=int(counts[fails].sum()),
                nodes_failing_first=int(counts[first].sum()),
                nodes_total=total,
                needed=needed,
                available=available,
                wanted=_wanted(room, demand, code),
                devices=_devices_having(room, demand) if code is ReasonCode.DEVICE_FREE else 0,
            )
            reasons.append(reason)
    if not failed.all() or not total:
        reasons.append(shortfall(totals(room, tasks_fitting(found), demand), demand))
    return reasons


def _naming(state: ClusterState, job: Job, reason: Reason) -> Reason:
    """The reason, with the advance reservation that it is about, if it is about one."""
    named = None
    if reason.code is ReasonCode.RESERVATION:
        reason = replace(reason, reservation=job.reservation)
        named = state.windows.named(job.reservation)
    elif reason.code is ReasonCode.RESERVED:
        lying_in, barring = state.room.nodes[:, t.RESERVED], state.windows.those(job.demand.kept_off)
        _, named = max(barring, key=lambda pair: int(np.count_nonzero(lying_in & pair[0])))
    if named is None:
        return reason
    return replace(reason, reservation=named.name, starts_at=named.starts_at, ends_at=named.ends_at)


def _amounts(room: Room, demand: Demand, code: ReasonCode, tasks: int) -> tuple[int, int]:
    """What a node must give, and the most that one in service could, in the unit of the constraint."""
    ready = room.nodes[:, t.READY] > 0
    share, nodes = demand.tasks_a_node, demand.need if demand.nodes else 1
    match code:
        case ReasonCode.CPU:
            return share * demand.cpu_milli, int(room.nodes[ready, t.FREE_CPU].max(initial=0))
        case ReasonCode.MEMORY:
            return share * demand.memory_bytes, int(room.nodes[ready, t.FREE_MEMORY].max(initial=0))
        case ReasonCode.DISK:
            return share * demand.disk_bytes, int(room.nodes[ready, t.FREE_DISK].max(initial=0))
        case ReasonCode.RESERVED | ReasonCode.RESERVATION:
            bits = room.nodes[:, t.RESERVED]
            is_open = bits & demand.kept_off == 0 if code is ReasonCode.RESERVED else demand.within & ~bits == 0
            return nodes, int(room.counts[is_open].sum())
        case ReasonCode.FEATURE:
            return nodes, int(room.counts[room.having(demand.features)].sum())
        case ReasonCode.NODE_STATE | ReasonCode.EXCLUSIVE:
            usable = ready if code is ReasonCode.NODE_STATE else room.nodes[:, t.HOLDERS] == 0
            return nodes, int(room.counts[usable].sum())
        case ReasonCode.DEVICE_MEMORY | ReasonCode.DEVICE_RATE:
            return _of_one_device(demand, code, _left(room, demand, code))
        case _:
            return _of_devices(room, demand, code, tasks)


def _of_devices(room: Room, demand: Demand, code: ReasonCode, tasks: int) -> tuple[int, int]:
    """What a node must give of devices, and the most that one could; a group, where those of a task must be near."""
    share, unit = demand.tasks_a_node, demand.device_count * (1 if demand.device_partition else demand.device_share)
    of_groups = demand.device_interconnect is not None and share == 1
    if of_groups and code in {ReasonCode.DEVICE_INTERCONNECT, ReasonCode.DEVICE_FREE}:
        return unit, largest_group(room, demand, free=code is ReasonCode.DEVICE_FREE) * t.WHOLE
    return share * unit, tasks * unit


def _of_one_device(demand: Demand, code: ReasonCode, types: Sequence[DeviceType]) -> tuple[int, int]:
    """What one device must have or do, and the most that one of these types does."""
    if code is ReasonCode.DEVICE_MEMORY:
        return demand.device_memory_bytes, max((memory_of(one, demand) for one in types), default=0)
    return demand.device_rate, max((one.rate(demand.device_precision) for one in types), default=0)


def _left(room: Room, demand: Demand, code: ReasonCode) -> list[DeviceType]:
    """The types of devices there that meet the constraints before one."""
    *_, (_, before) = itertools.takewhile(lambda step: step[0] is not code, narrowings(room.types, demand))
    return [room.types[kind] for kind in np.unique(room.devices[:, :, t.TYPE]).tolist() if kind >= 0 and before[kind]]


def _devices_having(room: Room, demand: Demand) -> int:
    """How many devices of the center are of a type that has the parts asked for."""
    if not demand.device_partition:
        return 0
    suiting = narrowings(room.types, demand)[-1][1][room.devices[:, :, t.TYPE]]
    return int((suiting.sum(axis=1) * room.counts).sum())


def _wanted(room: Room, demand: Demand, code: ReasonCode) -> str:
    if code is ReasonCode.FEATURE:
        having = [(name, room.having([name])) for name in demand.features]
        # What no node has helps most to know; of what is here and there, all that some node lacks.
        nowhere = [name for name, nodes in having if not nodes.any()]
        return ", ".join(nowhere or [name for name, nodes in having if not nodes.all()])
    wanted = {
        ReasonCode.DEVICE_CLASS: demand.device_class,
        ReasonCode.DEVICE_MODEL: demand.device_model,
        ReasonCode.DEVICE_PARTITION: demand.device_partition,
        ReasonCode.DEVICE_PRECISION: demand.device_precision,
        ReasonCode.DEVICE_RATE: demand.device_precision,
        ReasonCode.DEVICE_BITSTREAM: demand.device_bitstream,
        ReasonCode.DEVICE_INTERCONNECT: demand.device_interconnect,
        ReasonCode.DEVICE_FREE: demand.device_partition or demand.device_interconnect,
    }
    return str(wanted.get(code) or "")
