"""Judges plans and explanations, apart from the kernel: plain Python on the model's objects, slow and obvious."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from suanli.kernel.scheduling.plan import Decision, Explanation, Placement, Plan, Reason, ReasonCode, Reservation
from suanli.model.ids import RunId, WorkloadId
from suanli.model.resources import Allocation, NodeHold, NodeState
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import RunState, Workload
from tests.unit.kernel.scheduling.bounded import BOUNDS, Member, full, lacks, licenses_free, members, over
from tests.unit.kernel.scheduling.bounded import asked as amounts
from tests.unit.kernel.scheduling.center import SECOND, Center
from tests.unit.kernel.scheduling.many import check_many, foreseen_beside, promised, would_delay_one
from tests.unit.kernel.scheduling.rooms import (
    FOREVER,
    Asked,
    Free,
    Room,
    asked,
    both,
    end_of,
    engine_totals,
    fails,
    fits,
    is_near,
    mended,
    reserved,
    room,
    suits,
)

Held = tuple[Allocation, int]
"""An allocation and the instant at which it is taken to end."""


def possible(center: Center, workload: Workload) -> bool:
    """Whether the center could hold it some day."""
    totals, wanted = {name: one.total for name, one in center.licenses.items()}, center.specs[workload.id].licenses
    is_licensed = all(totals.get(name, 0) >= count for name, count in wanted.items())
    return is_licensed and fits(mended(center), asked(center, workload, center.now).anytime())


def standing(center: Center, workload: Workload) -> tuple[int, int]:
    queue = center.queues.get(workload.queue)
    return (queue.priority if queue else 0, workload.priority)


def in_order(center: Center) -> list[Workload]:
    def key(workload: Workload) -> tuple[int, ...]:
        queue, own = standing(center, workload)
        return (-queue, -own, workload.eligible_at - center.credit_us(workload.owner), workload.id)

    return sorted(center.waiting.values(), key=key)


def held(center: Center, plan: Plan, placements: Iterable[Placement]) -> list[Held]:
    """All that is held, by runs or these placements of the plan, with the instants at which it is taken to end."""
    victims = {preemption.run for preemption in plan.preemptions}
    soon = center.now + center.policy.overrun_s * SECOND
    found: list[Held] = []
    for run in center.runs.values():
        end = end_of(run.time_limit_s, run.started_at or run.placed_at)
        leaving = run.state is RunState.STOPPING or run.id in victims or end <= center.now
        found.append((run.allocation, soon if leaving else end))
    for row in placements:
        limit = center.waiting[row.workload].time_limit_s
        found.append((row.allocation, end_of(limit, center.now)))
    return found


def room_at(center: Center, everything: list[Held], instant: int) -> Room:
    return room(center, [allocation for allocation, end in everything if end > instant])


def now_room(center: Center, everything: list[Held]) -> Room:
    return room(center, [allocation for allocation, _ in everything])


def check(center: Center, plan: Plan) -> None:
    """Everything that must hold of a plan made for this center (before it is carried out)."""
    if center.policy.reservations > 1:
        check_many(center, plan)
    else:
        check_placements(center, plan)
        check_reservation(center, plan)
    check_preemptions(center, plan)
    check_refusals(center, plan)


def check_placements(center: Center, plan: Plan) -> None:
    seen = [row.workload for row in plan.placements]
    assert len(seen) == len(set(seen))
    before, beside_head = now_room(center, held(center, plan, [])), beside_of(center, plan)
    early = {ahead for one in plan.reservations for ahead in ahead_of(center, one.workload)}
    running = members(center, replace(plan, placements=()))
    for row in plan.placements:
        workload, spec = center.waiting[row.workload], center.specs[row.workload]
        assert row.generation == workload.generation
        assert row.node_generations == tuple(center.nodes[hold.node].generation for hold in row.allocation.nodes)
        wanted = asked(center, workload, center.now)
        is_beside = row.workload not in early and any(wanted.end > one.start for one in plan.reservations)
        found = both(before, beside_head) if is_beside else before
        assert is_near(found, row.allocation, wanted)
        assert row.allocation.tasks == most_tasks(center, found, workload, wanted, running)
        check_allocation(before, row.allocation, spec)
        if is_beside:
            take(beside_head, row.allocation)
        check_windows(before, row.allocation, wanted)
        member = (workload, amounts(spec, row.allocation.tasks))
        assert not over(center, member, running)
        running.append(member)
        for name in spec.licenses:
            assert licenses_free(center, plan, name) >= 0
    check_kept_licenses(center, plan)


def most_tasks(center: Center, found: Room, workload: Workload, wanted: Asked, running: list[Member]) -> int:
    """With how many tasks work can start in a room, beside these: as many as there is room for and bounds leave."""

    def can_start(tasks: int) -> bool:
        within = not over(center, (workload, amounts(wanted.spec, tasks)), running)
        return within and fits(found, wanted.exactly(tasks))

    step = wanted.spec.tasks // wanted.spec.nodes if wanted.spec.nodes else 1
    return max(tasks for tasks in range(wanted.least, wanted.spec.tasks + 1, step) if can_start(tasks))


def beside_of(center: Center, plan: Plan) -> Room:
    """What is free at the head's start beside the head and all that started before it; nothing where there is none."""
    for reservation in plan.reservations:
        early = ahead_of(center, reservation.workload)
        before = held(center, plan, [row for row in plan.placements if row.workload in early])
        return beside(center, before, reservation)
    return {}


def take(found: Room, allocation: Allocation) -> None:
    for hold in allocation.nodes:
        found[hold.node].take(hold, exclusive=allocation.exclusive)


def check_kept_licenses(center: Center, plan: Plan) -> None:
    """The first in order that lacks a license has it as soon as it could, whoever started behind it."""
    if not plan.complete:
        return
    started = {row.workload: row for row in plan.placements}
    for workload in in_order(center):
        early = ahead_of(center, workload.id)
        before = replace(plan, placements=tuple(started[one] for one in early if one in started), preemptions=())
        waits = workload.id not in started and not full(center, workload, before)
        if not waits or not lacks(center, before, workload) or plan.preemptions:
            continue
        asks, wanted = center.specs[workload.id].licenses, asked(center, workload, center.now)
        if not fits(now_room(center, held(center, before, before.placements)), wanted) or not possible(
            center, workload
        ):
            continue
        ends = {end for _, end in held(center, before, before.placements) if end < FOREVER}
        instants = [
            instant
            for instant in sorted(ends)
            if all(licenses_free(center, before, name, instant) >= count for name, count in asks.items())
        ]
        if instants:
            assert all(licenses_free(center, plan, name, instants[0]) >= count for name, count in asks.items())
        return


def check_allocation(before: Room, allocation: Allocation, spec: WorkloadSpec) -> None:
    """One allocation, taken out of the room: never more than is there, and just what was asked for."""
    holds = allocation.nodes
    assert (spec.min_tasks or spec.tasks) <= allocation.tasks <= spec.tasks
    assert len({hold.node for hold in holds}) == len(holds)
    assert not spec.nodes or {hold.tasks for hold in holds} == {spec.tasks // spec.nodes}
    assert allocation.exclusive == spec.exclusive
    for hold in holds:
        free = before[hold.node]
        assert free.node.engine == allocation.engine
        assert free.node.state is NodeState.READY
        assert not free.exclusive
        assert not (spec.exclusive and free.holders)
        assert spec.features <= free.node.features
        assert hold.tasks <= (spec.max_tasks_per_node or hold.tasks)
        check_hold(free, hold, spec)
        free.take(hold, exclusive=allocation.exclusive)
        assert free.cpu >= 0
        assert free.memory >= 0
        assert all(share >= 0 for share in free.devices.values())


def check_windows(before: Room, allocation: Allocation, wanted: Asked) -> None:
    assert all(not reserved(before[hold.node], wanted) for hold in allocation.nodes)


def check_hold(free: Free, hold: NodeHold, spec: WorkloadSpec) -> None:
    resources, request = spec.resources, spec.resources.devices
    healthy = {device.index: device for device in free.node.devices if device.healthy}
    shares = {device.index: device.share for device in hold.devices}
    assert len(shares) == len(hold.devices)
    if spec.exclusive:
        assert (hold.cpu_milli, hold.memory_bytes) == (free.node.cpu_milli, free.node.memory_bytes)
        assert shares == dict.fromkeys(healthy, 1000)
        return
    assert hold.cpu_milli == hold.tasks * resources.cpu_milli
    assert hold.memory_bytes == hold.tasks * resources.memory_bytes
    if request is None:
        assert not shares
        return
    assert sum(shares.values()) == hold.tasks * request.count * request.share
    assert all(suits(healthy[index], request) and share % request.share == 0 for index, share in shares.items())


def ahead_of(center: Center, id: WorkloadId) -> set[WorkloadId]:
    order = [workload.id for workload in in_order(center)]
    return set(order[: order.index(id)])


def check_reservation(center: Center, plan: Plan) -> None:
    """The head could not start, gets the first instant at which it can, and keeps it whatever was started behind it."""
    assert len(plan.reservations) <= 1
    for reservation in plan.reservations:
        spec, everything = center.specs[reservation.workload], held(center, plan, plan.placements)
        early, head = ahead_of(center, reservation.workload), center.waiting[reservation.workload]
        before = held(center, plan, [row for row in plan.placements if row.workload in early])
        assert not fits(now_room(center, before), asked(center, head, center.now))
        for instant in sorted({end for _, end in before} | turns(center)):
            if instant < reservation.start:
                assert not fits(room_at(center, before, instant), asked(center, head, instant))
        at_start = room_at(center, everything, reservation.start)
        promised = Allocation(engine=reservation.engine, nodes=reservation.nodes, exclusive=spec.exclusive)
        check_allocation(at_start, promised, spec)
        assert promised.tasks == asked(center, head, reservation.start).least
        check_windows(at_start, promised, asked(center, head, reservation.start))
        assert is_near(room_at(center, before, reservation.start), promised, asked(center, head, reservation.start))


def turns(center: Center) -> set[int]:
    """Instants from which on a window may give somebody a place."""
    windows = center.reservations.values()
    return {instant for one in windows for instant in (one.starts_at, one.ends_at) if instant > center.now}


def check_preemptions(center: Center, plan: Plan) -> None:
    """Only by right, only where it helps, and nobody who need not go."""
    if not plan.preemptions:
        return
    (by,) = {preemption.by for preemption in plan.preemptions}
    assert plan.reservations[0].workload == by
    head = center.waiting[by]
    assert not head.preemptible
    for preemption in plan.preemptions:
        run, victim = center.runs[preemption.run], center.active[preemption.workload]
        assert run.state is not RunState.STOPPING
        assert victim.preemptible
        assert standing(center, victim) < standing(center, head)
    early = ahead_of(center, by)
    first = [row.allocation for row in plan.placements if row.workload in early]
    gone, wanted = {preemption.run for preemption in plan.preemptions}, asked(center, head, center.now)

    def suffices(victims: set[RunId]) -> bool:
        staying = [run for run in center.runs.values() if run.state is not RunState.STOPPING and run.id not in victims]
        return fits(room(center, [run.allocation for run in staying] + first), wanted)

    assert suffices(gone)
    assert all(not suffices(gone - {spared}) for spared in gone)


def check_refusals(center: Center, plan: Plan) -> None:
    """Nobody waits who could start; everybody who waits has a true reason."""
    placed = {row.workload for row in plan.placements}
    everything = held(center, plan, plan.placements)
    final = now_room(center, everything)
    for workload in center.waiting.values():
        wanted = asked(center, workload, center.now)
        reason = plan.reason(workload, center.state.waiting(workload.id).demand)
        if workload.id in placed or not plan.complete:
            continue
        assert reason is not None
        if reason.code is ReasonCode.IMPOSSIBLE:
            assert not possible(center, workload)
        elif reason.code in BOUNDS:
            assert reason.code in full(center, workload, plan)
        elif reason.code is ReasonCode.LICENSE:
            assert lacks(center, plan, workload) or reason.ahead
        elif reason.code is ReasonCode.BACKFILL_WINDOW:
            assert would_delay(center, plan, workload, reason)
        else:
            assert not fits(final, wanted)
            assert fits_nowhere(final, wanted, reason)
    counts = sum(refusal.waiting for refusal in plan.refusals)
    assert counts == len(center.waiting) - len(placed) or not plan.complete


def fits_nowhere(final: Room, wanted: Asked, reason: Reason) -> bool:
    """The nodes said to fail do fail, by the final room; for what is missing together there is enough on none."""
    if reason.nodes_total:
        return sum(reason.code in fails(free, wanted) for free in final.values()) >= 1
    return max(engine_totals(final, wanted).values(), default=0) <= reason.available < reason.needed or (
        reason.code is ReasonCode.ENGINE
    )


def would_delay(center: Center, plan: Plan, workload: Workload, reason: Reason) -> bool:
    if center.policy.reservations > 1:
        return would_delay_one(center, plan, workload, reason)
    (reservation,) = plan.reservations
    wanted, everything = asked(center, workload, center.now), held(center, plan, plan.placements)
    assert reason.ahead == reservation.workload
    assert wanted.end > reservation.start
    return not fits(both(now_room(center, everything), beside(center, everything, reservation)), wanted)


def beside(center: Center, everything: list[Held], reservation: Reservation) -> Room:
    """What is free at the head's start beside the head."""
    found = room_at(center, everything, reservation.start)
    for hold in reservation.nodes:
        found[hold.node].take(hold, exclusive=center.specs[reservation.workload].exclusive)
    return found


def check_explanation(center: Center, plan: Plan, explained: Explanation) -> None:
    """Every reason of one explanation, and its earliest start."""
    workload = center.waiting[explained.workload]
    wanted = asked(center, workload, center.now)
    placed = {row.workload: row.allocation for row in plan.placements}
    assert explained.ahead == len(ahead_of(center, workload.id))
    assert explained.allocation == placed.get(workload.id)
    assert (explained.decision is Decision.NOW) == (workload.id in placed)
    if explained.decision is Decision.NOW:
        assert not explained.reasons
        assert explained.earliest_start == center.now
        return
    assert (explained.decision is Decision.NEVER) == (not possible(center, workload))
    assert explained.reasons
    before = mended(center) if explained.decision is Decision.NEVER else room(center, allocations(center))
    wanted = wanted.anytime() if explained.decision is Decision.NEVER else wanted
    blocked = not fits(before, wanted)
    codes = {reason.code for reason in explained.reasons}
    for reason in explained.reasons:
        if reason.code is ReasonCode.BACKFILL_WINDOW and plan.complete:
            assert would_delay(center, plan, workload, reason)
    assert codes.isdisjoint({ReasonCode.PRIORITY, ReasonCode.BACKFILL_WINDOW}) or not blocked
    if explained.decision is Decision.LATER:
        assert bool(codes & BOUNDS) == bool(full(center, workload, plan))
        assert codes & BOUNDS <= full(center, workload, plan)
        assert ReasonCode.LICENSE in codes or not lacks(center, plan, workload)
    if blocked:
        check_constraints(before, wanted, explained)
        check_names(before, wanted, explained)
    if explained.unforeseen is ReasonCode.LICENSE:
        assert center.specs[workload.id].licenses
    elif plan.complete:
        assert explained.earliest_start == foreseen(center, plan, workload)
    assert (explained.earliest_start is None) == (explained.unforeseen is not None)
    deadline, start = center.specs[workload.id].deadline, explained.earliest_start
    is_late = bool(deadline) and start is not None and start + workload.time_limit_s * SECOND > deadline
    assert (ReasonCode.DEADLINE in codes) == is_late


def allocations(center: Center) -> list[Allocation]:
    return [run.allocation for run in center.runs.values()]


def check_names(before: Room, wanted: Asked, explained: Explanation) -> None:
    """A reason that is about an advance reservation names one that bars, with its times."""
    for reason in explained.reasons:
        told = (reason.reservation, reason.starts_at, reason.ends_at)
        windows = {window for free in before.values() for window in free.windows}
        if reason.code is ReasonCode.RESERVED:
            assert told in {(one.name, one.starts_at, one.ends_at) for one in windows if wanted.runs_into(one)}
        elif reason.code is ReasonCode.RESERVATION:
            own = {(one.name, one.starts_at, one.ends_at) for one in windows if one.name == wanted.spec.reservation}
            assert told[0] == wanted.spec.reservation
            assert not own or own == {told}
        else:
            assert told == ("", 0, 0)


def check_constraints(before: Room, wanted: Asked, explained: Explanation) -> None:
    told, spec = {reason.code: reason for reason in explained.reasons}, wanted.spec
    failing = [fails(free, wanted) for free in before.values()]
    for code in list(ReasonCode)[: list(ReasonCode).index(ReasonCode.MEMORY) + 1]:
        at_all, first = sum(code in one for one in failing), sum(one[:1] == [code] for one in failing)
        assert (code in told) == (at_all > 0)
        if code is ReasonCode.FEATURE and at_all:
            check_lacking(before, spec, told[code])
        if at_all:
            counted = (told[code].nodes_failing, told[code].nodes_failing_first, told[code].nodes_total)
            assert counted == (at_all, first, len(before))
    together = told.keys() & {ReasonCode.NODES_COUNT, ReasonCode.TASKS_COUNT, ReasonCode.ENGINE}
    assert len(together) == (any(not one for one in failing) or not failing)
    for code in together:
        totals = engine_totals(before, wanted).values()
        assert told[code].available == max(totals, default=0) < told[code].needed == wanted.need
        assert (code is ReasonCode.ENGINE) == (sum(totals) >= told[code].needed)


def check_lacking(before: Room, spec: WorkloadSpec, reason: Reason) -> None:
    """The features said to be missing are those that no node has, or else all that some node lacks."""
    nodes = [free.node.features for free in before.values()]
    nowhere = [name for name in sorted(spec.features) if not any(name in one for one in nodes)]
    lacking = [name for name in sorted(spec.features) if not all(name in one for one in nodes)]
    assert reason.wanted == ", ".join(nowhere or lacking)
    assert reason.available == sum(spec.features <= one for one in nodes)


def foreseen(center: Center, plan: Plan, workload: Workload) -> int | None:
    """The first instant at which it fits beside all that is held and the head's reservation, tried one by one."""
    everything = held(center, plan, plan.placements)
    if full(center, workload, plan) or not possible(center, workload):
        return None
    if center.policy.reservations > 1:
        own = promised(center, plan).get(int(workload.id))
        return foreseen_beside(center, plan, workload) if own is None else own.start
    instants = {center.now, *(end for _, end in everything), *turns(center)}
    for reservation in plan.reservations:
        if reservation.workload == workload.id:
            return reservation.start
        instants.add(end_of(center.waiting[reservation.workload].time_limit_s, reservation.start))
    for instant in sorted(instants - {FOREVER}):
        if starts(center, plan, everything, workload, instant):
            return instant
    return None


def starts(center: Center, plan: Plan, everything: list[Held], workload: Workload, instant: int) -> bool:
    spec, found = center.specs[workload.id], room_at(center, everything, instant)
    if any(licenses_free(center, plan, name, instant) < count for name, count in spec.licenses.items()):
        return False
    for reservation in plan.reservations:
        head = center.waiting[reservation.workload]
        if instant < reservation.start < end_of(workload.time_limit_s, instant):
            found = both(found, beside(center, everything, reservation))
        elif reservation.start <= instant < end_of(head.time_limit_s, reservation.start):
            for hold in reservation.nodes:
                found[hold.node].take(hold, exclusive=center.specs[head.id].exclusive)
    return fits(found, asked(center, workload, instant))
