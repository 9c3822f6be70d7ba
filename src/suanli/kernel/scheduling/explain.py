"""Step 7: why one workload waits, what would help, and when it may start; the same for a spec that is not queued."""

from __future__ import annotations

import itertools
from collections.abc import Set as AbstractSet
from dataclasses import fields, replace

import numpy as np

from suanli.kernel.scheduling.cycle import Turn
from suanli.kernel.scheduling.demand import Demand, demand_of
from suanli.kernel.scheduling.feasible import (
    STATE_AND_HEALTH,
    fit,
    holds,
    impossible,
    narrowings,
    shortfall,
    stages,
)
from suanli.kernel.scheduling.place import allocation
from suanli.kernel.scheduling.plan import (
    Decision,
    Explanation,
    Policy,
    Reason,
    ReasonCode,
)
from suanli.kernel.scheduling.reserve import Reserved, Timeline, first_instant
from suanli.kernel.scheduling.snapshot import NEVER, Ints, Nodes, Room, Snapshot, Waiting, empty_room
from suanli.model.errors import NotFoundError
from suanli.model.ids import WorkloadId
from suanli.model.quantities import Instant
from suanli.model.spec import WorkloadSpec

_UNQUEUED = WorkloadId(2**62)
"""Stands behind every real workload in order."""


def explain(snapshot: Snapshot, workload: WorkloadId, now: Instant, policy: Policy) -> Explanation:
    """Explain one waiting workload.

    Raises:
        NotFoundError: it does not wait, or the policy names what does not exist.
    """
    row = snapshot.row(workload)
    if row < 0:
        raise NotFoundError("waiting workload", workload)
    return _explain(Turn(snapshot, now, policy), row)


def preview(snapshot: Snapshot, spec: WorkloadSpec, now: Instant, policy: Policy) -> Explanation:
    """Explain a spec as if it were queued now, last of its standing: where it would start, or why not (workload 0).

    Of an array it is the first element that is judged. A queue not set has priority 0.

    Raises:
        NotFoundError: the policy names what does not exist.
    """
    queues = np.append(snapshot.queue_priority, 0)
    queue = snapshot.queues.get(spec.queue, queues.size - 1)
    demand = demand_of(spec)
    never = {demand} if impossible(snapshot.nodes, demand) else set()
    line = (_UNQUEUED, len(snapshot.demands), queue, spec.priority, now, spec.time_limit_s, 0, spec.preemptible, 0)
    columns = [getattr(snapshot.waiting, field.name) for field in fields(Waiting)]
    queued = replace(
        snapshot,
        queue_priority=queues,
        demands=(*snapshot.demands, demand),
        impossible=snapshot.impossible | never,
        waiting=Waiting(*(np.append(column, value) for column, value in zip(columns, line, strict=True))),
    )
    explained = _explain(Turn(queued, now, policy), columns[0].size)
    return replace(explained, workload=WorkloadId(0))


def _explain(turn: Turn, row: int) -> Explanation:
    snapshot, demand = turn.snapshot, turn.demand(row)
    workload = WorkloadId(int(snapshot.waiting.id[row]))
    ahead = int(np.flatnonzero(turn.ordered == row)[0])
    if row in turn.placed:
        given = allocation(snapshot.nodes, turn.placed[row], demand)
        return Explanation(
            workload=workload, decision=Decision.NOW, earliest_start=turn.now, ahead=ahead, allocation=given
        )
    if demand in snapshot.impossible:
        empty = empty_room(snapshot.nodes)
        short_of = _short_of(snapshot.nodes, empty, demand, ignoring=STATE_AND_HEALTH)
        reasons = (Reason(code=ReasonCode.IMPOSSIBLE), *short_of)
        unforeseen = ReasonCode.IMPOSSIBLE
        return Explanation(
            workload=workload, decision=Decision.NEVER, reasons=reasons, unforeseen=unforeseen, ahead=ahead
        )
    start, unforeseen_code = _foresee(turn, row, demand)
    return Explanation(
        workload=workload,
        decision=Decision.LATER,
        reasons=_reasons(turn, row, demand, ahead),
        earliest_start=start,
        unforeseen=unforeseen_code,
        ahead=ahead,
    )


def _reasons(turn: Turn, row: int, demand: Demand, ahead: int) -> tuple[Reason, ...]:
    """What blocks a workload that could be held some day."""
    snapshot, found = turn.snapshot, []
    group = int(snapshot.waiting.array[row])
    if turn.is_full(group):
        found.append(turn.array_full(group))
    if not holds(snapshot.nodes, snapshot.room, demand):
        found += _short_of(snapshot.nodes, snapshot.room, demand)
    elif not turn.complete or not holds(snapshot.nodes, turn.room, demand):
        found.append(Reason(code=ReasonCode.PRIORITY, available=ahead))
    elif turn.reserved is not None and not turn.is_full(group):
        found.append(turn.window(row, turn.reserved))
    return tuple(found)


def _short_of(
    nodes: Nodes, room: Room, demand: Demand, ignoring: AbstractSet[ReasonCode] = frozenset()
) -> list[Reason]:
    """Every constraint that some node fails, and what is missing together where some nodes would do."""
    found = stages(nodes, room, demand, ignoring=ignoring)
    failing = np.stack([tasks for _, tasks in found]) < demand.tasks_a_node
    first = failing & (np.cumsum(failing, axis=0) == 1)
    total = len(nodes.names)
    reasons, narrowed = [], np.zeros(total, dtype=np.bool_)
    for place, (code, tasks) in enumerate(found):
        fails = failing[place]
        if code.startswith("device_"):
            fails = fails & ~narrowed
            narrowed |= fails
        if fails.any():
            needed, available = _amounts(nodes, room, demand, code, int(tasks.max(initial=0)))
            reason = Reason(
                code=code,
                nodes_failing=int(fails.sum()),
                nodes_failing_first=int(first[place].sum()),
                nodes_total=total,
                needed=needed,
                available=available,
                wanted=_wanted(demand, code),
            )
            reasons.append(reason)
    fitting = fit(nodes, room, demand, ignoring=ignoring).tasks
    if not failing.any(axis=0).all() or not total:
        reasons.append(shortfall(nodes, fitting, demand))
    return reasons


def _amounts(nodes: Nodes, room: Room, demand: Demand, code: ReasonCode, tasks: int) -> tuple[int, int]:
    """What a node must give, and the most that one in service could, in the unit of the constraint."""
    ready = nodes.ready > 0
    share = demand.tasks_a_node
    match code:
        case ReasonCode.CPU:
            return share * demand.cpu_milli, int(room.cpu_milli[ready].max(initial=0))
        case ReasonCode.MEMORY:
            return share * demand.memory_bytes, int(room.memory_bytes[ready].max(initial=0))
        case ReasonCode.NODE_STATE | ReasonCode.EXCLUSIVE:
            usable = ready if code is ReasonCode.NODE_STATE else room.holders == 0
            return demand.nodes or 1, int(usable.sum())
        case ReasonCode.DEVICE_MEMORY:
            before = itertools.takewhile(lambda step: step[0] is not code, narrowings(nodes, demand))
            candidates = np.logical_and.reduce([meeting for _, meeting in before])
            memory = np.where(candidates, nodes.devices.memory_bytes, 0)
            return demand.device_memory_bytes, int(memory.max(initial=0))
        case _:
            unit = demand.device_count * demand.device_share
            return share * unit, tasks * unit


def _wanted(demand: Demand, code: ReasonCode) -> str:
    wanted = {
        ReasonCode.DEVICE_CLASS: demand.device_class,
        ReasonCode.DEVICE_MODEL: demand.device_model,
        ReasonCode.DEVICE_PRECISION: demand.device_precision,
    }
    return str(wanted.get(code) or "")


def _foresee(turn: Turn, row: int, demand: Demand) -> tuple[Instant | None, ReasonCode | None]:
    """The earliest start beside running work, what the turn places and the head's reservation; or why there is none."""
    group = int(turn.snapshot.waiting.array[row])
    if turn.is_full(group):
        return None, ReasonCode.ARRAY_LIMIT
    times, reserved = turn.timeline(), turn.reserved
    if reserved is not None and reserved.row == row:
        return Instant(reserved.start), None
    nodes = turn.snapshot.nodes
    if reserved is None:
        start = first_instant(nodes, demand, _from_now(turn, times, NEVER), times.room_at)
    else:
        start = _beside(turn, row, times, reserved)
    if start is None:
        return None, _unforeseen(nodes, times, demand)
    return Instant(start), None


def _beside(turn: Turn, row: int, times: Timeline, reserved: Reserved) -> int | None:
    """The earliest start that leaves the head its reservation: before it and gone by then, beside it, or after."""
    nodes, demand = turn.snapshot.nodes, turn.demand(row)
    head_end = turn.end(reserved.row, reserved.start)
    early = _from_now(turn, times, reserved.start)

    def beside(instant: int) -> Room:
        room = times.room_at(instant)
        room.meet(room, reserved.room, slice(None))
        return room

    def after(instant: int) -> Room:
        room = times.room_at(instant)
        if instant < head_end:
            room.shift(reserved.gang.holds, -1)
        return room

    first = first_instant(nodes, demand, early, times.room_at)
    if first is not None and turn.end(row, first) <= reserved.start:
        return first
    first = first_instant(nodes, demand, early, beside)
    if first is not None:
        return first
    late = np.append(times.instants, head_end)
    late = np.unique(late[(late >= reserved.start) & (late < NEVER)])
    return first_instant(nodes, demand, late, after)


def _from_now(turn: Turn, times: Timeline, before: int) -> Ints:
    instants = np.append(np.int64(turn.now), times.instants)
    return instants[instants < before]


def _unforeseen(nodes: Nodes, times: Timeline, demand: Demand) -> ReasonCode:
    """What stands against any start of a demand that is possible."""
    at_last = times.room_at(NEVER)
    if holds(nodes, at_last, demand):
        return ReasonCode.NO_TIME_LIMIT
    if holds(nodes, at_last, demand, frozenset({ReasonCode.NODE_STATE})):
        return ReasonCode.NODE_STATE
    return ReasonCode.DEVICE_HEALTH
