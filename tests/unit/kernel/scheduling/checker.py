"""Judges plans and explanations, apart from the kernel: plain Python on the model's objects, slow and obvious."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from suanli.kernel.scheduling.plan import Placement, Plan, Reason, ReasonCode, Reservation
from suanli.model.ids import RunId, WorkloadId
from suanli.model.resources import Allocation, NodeHold, NodeState
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import RunState, Workload
from tests.unit.kernel.scheduling.bounded import BOUNDS, Member, full, lacks, licenses_free, members, over
from tests.unit.kernel.scheduling.bounded import asked as amounts
from tests.unit.kernel.scheduling.center import SECOND, Center
from tests.unit.kernel.scheduling.many import check_many, would_delay_one
from tests.unit.kernel.scheduling.near import are_near, are_tightest
from tests.unit.kernel.scheduling.parting import check_part, slices
from tests.unit.kernel.scheduling.powered import drawn, is_powered, most, most_with, power_free
from tests.unit.kernel.scheduling.pursuing import check_patience, is_best
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
    forms,
    is_near,
    mended,
    reserved,
    room,
    suits,
)

Held = tuple[Allocation, int]
"""An allocation and the instant at which it is taken to end."""


def possible(center: Center, wanted: Asked) -> bool:
    """Whether the center could hold it some day."""
    totals = {name: one.total for name, one in center.licenses.items()}
    is_licensed = all(totals.get(name, 0) >= count for name, count in wanted.spec.licenses.items())
    is_licensed &= is_powered(center, wanted.spec, power_free(center, []))
    return is_licensed and fits(mended(center), wanted.anytime())


def standing(center: Center, workload: Workload) -> tuple[int, int, int]:
    queue, qos = center.queues.get(workload.queue), center.qualities.get(workload.qos)
    return (queue.priority if queue else 0, qos.priority if qos else 0, workload.priority)


def gives_way(center: Center, workload: Workload) -> bool:
    qos = center.qualities.get(workload.qos)
    return workload.preemptible or (qos is not None and qos.preemptible)


def in_order(center: Center) -> list[Workload]:
    def key(workload: Workload) -> tuple[int, ...]:
        queue, qos, own = standing(center, workload)
        return (-queue, -qos, -own, workload.eligible_at - center.credit_us(workload.owner), workload.id)

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
    return found + [(row.allocation, end_of(row.time_limit_s, center.now)) for row in placements]


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
        check_power(center, plan)
    check_patience(center, plan, in_order(center))
    check_preemptions(center, plan)
    check_refusals(center, plan)


def check_placements(center: Center, plan: Plan) -> None:
    seen = [row.workload for row in plan.placements]
    assert len(seen) == len(set(seen))
    before, beside_head = now_room(center, held(center, plan, [])), beside_of(center, plan)
    early = {ahead for one in plan.reservations for ahead in ahead_of(center, one.workload)}
    running = members(center, replace(plan, placements=()))
    for row in plan.placements:
        workload = center.waiting[row.workload]
        assert row.generation == workload.generation
        assert row.time_limit_s == center.limit_s(workload, row.alternative)
        assert row.node_generations == tuple(center.nodes[hold.node].generation for hold in row.allocation.nodes)
        wanted = asked(center, workload, center.now, row.alternative)
        spec, is_beside = wanted.spec, is_long(plan, row.workload, early, wanted)
        found = both(before, beside_head) if is_beside else before
        for other in forms(center, workload, center.now)[: row.alternative]:
            room_for_it = both(before, beside_head) if is_long(plan, row.workload, early, other) else before
            may = not other.is_late and not over(center, (workload, amounts(other.spec, other.least)), running)
            power = power_for(center, plan, row, is_beside=is_long(plan, row.workload, early, other))
            may &= is_powered(center, other.spec, power)
            assert spec.licenses or not (may and fits(room_for_it, other))
        assert is_near(found, row.allocation, wanted)
        assert is_beside or is_best(center, found, row)
        assert all(is_tight(found[hold.node], hold, spec) for hold in row.allocation.nodes)
        power = power_for(center, plan, row, is_beside=is_beside)
        assert row.allocation.tasks == most_tasks(center, found, power, workload, wanted, running)
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


def is_long(plan: Plan, workload: WorkloadId, early: set[WorkloadId], wanted: Asked) -> bool:
    """Whether work behind the head would still run when that is to start."""
    return workload not in early and any(wanted.end > one.start for one in plan.reservations)


def power_for(center: Center, plan: Plan, placement: Placement, *, is_beside: bool) -> int:
    """What there was for a placement, beside what is kept for the head where it runs past that start."""
    before = held(center, plan, plan.placements[: plan.placements.index(placement)])
    free = power_free(center, before)
    return min([free, *(power_beside(center, before, one) for one in plan.reservations if is_beside)])


def most_tasks(
    center: Center, found: Room, power: int, workload: Workload, wanted: Asked, running: list[Member]
) -> int:
    """With how many tasks work can start in a room, beside these: as many as room, bounds and power leave."""

    def can_start(tasks: int) -> bool:
        within = not over(center, (workload, amounts(wanted.spec, tasks)), running)
        draws = most_with(center, wanted.spec, tasks)
        return within and (draws == 0 or draws <= power) and fits(found, wanted.exactly(tasks))

    step = wanted.spec.tasks // wanted.spec.nodes if wanted.spec.nodes else 1
    return max(tasks for tasks in range(wanted.least, wanted.spec.tasks + 1, step) if can_start(tasks))


def check_power(center: Center, plan: Plan) -> None:
    """Nothing starts that could draw more than the cap leaves, nor more than is kept for the head at its start."""
    for count, row in enumerate(plan.placements):
        before = held(center, plan, plan.placements[:count])
        spec, free = center.specs[row.workload].form(row.alternative), power_free(center, before)
        assert is_powered(center, spec, free)
        assert drawn(center, row.allocation) <= max(free, 0) or not center.power_cap.watts
    for reservation in plan.reservations:
        everything = held(center, plan, plan.placements)
        assert is_powered(center, reserved_form(center, reservation), power_free(center, everything, reservation.start))


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
        waits = workload.id not in started and not all(
            full(center, workload, before, form) for form in range(1 + len(center.specs[workload.id].alternatives))
        )
        if not waits or not lacks(center, before, workload) or plan.preemptions:
            continue
        asks, now = center.specs[workload.id].licenses, now_room(center, held(center, before, before.placements))
        could = [form for form, one in enumerate(forms(center, workload, center.now)) if fits(now, one)]
        could = [form for form in could if not full(center, workload, before, form)]
        if not any(possible(center, asked(center, workload, center.now, form)) for form in could):
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
        # Of what shrank more may be held than there is; who asks for none is not kept off for that.
        assert free.disk >= 0 or not hold.disk_bytes
        assert all(share >= 0 for share in free.devices.values())


def check_windows(before: Room, allocation: Allocation, wanted: Asked) -> None:
    assert all(not reserved(before[hold.node], wanted) for hold in allocation.nodes)


def check_hold(free: Free, hold: NodeHold, spec: WorkloadSpec) -> None:
    resources, request = spec.resources, spec.resources.devices
    healthy = {device.index: device for device in free.node.devices if device.healthy}
    if request is not None and request.partition:
        check_parts(free, hold, spec)
        return
    shares = {device.index: device.share for device in hold.devices}
    assert len(shares) == len(hold.devices)
    assert not any(device.partition or device.slices for device in hold.devices)
    assert not any(free.closed(healthy[index]) for index in shares if not spec.exclusive)
    if spec.exclusive:
        assert (hold.cpu_milli, hold.memory_bytes) == (free.node.cpu_milli, free.node.memory_bytes)
        assert hold.disk_bytes == free.node.disk_bytes
        assert shares == dict.fromkeys(healthy, 1000)
        return
    assert hold.cpu_milli == hold.tasks * resources.cpu_milli
    assert hold.memory_bytes == hold.tasks * resources.memory_bytes
    assert hold.disk_bytes == hold.tasks * resources.disk_bytes
    if request is None:
        assert not shares
        return
    assert sum(shares.values()) == hold.tasks * request.count * request.share
    assert all(suits(healthy[index], request) and share % request.share == 0 for index, share in shares.items())
    assert are_near(free.node, hold, request) or request.share < 1000


def is_tight(free: Free, hold: NodeHold, spec: WorkloadSpec) -> bool:
    """Whether whole devices of a node, where work ranks none, are of the group with the fewest that had so many."""
    request = spec.resources.devices
    is_free_to_choose = request is not None and request.share == 1000 and not spec.exclusive
    if request is None or not is_free_to_choose or spec.objective is not None or request.interconnect is not None:
        return True
    usable = [one.index for one in free.node.devices if suits(one, request) and free.devices[one.index] >= 1000]
    return are_tightest(free.node, usable, [device.index for device in hold.devices])


def check_parts(free: Free, hold: NodeHold, spec: WorkloadSpec) -> None:
    """As many parts as were asked for, of devices of which nothing is held otherwise, none over another."""
    request, taken = spec.resources.devices, dict(free.parts)
    healthy = {device.index: device for device in free.node.devices if device.healthy}
    assert request is not None
    assert len(hold.devices) == hold.tasks * request.count
    for held in hold.devices:
        assert suits(healthy[held.index], request)
        assert free.devices[held.index] == 1000
        before = taken.get(held.index, frozenset())
        check_part(healthy[held.index], held, before, request)
        taken[held.index] = before | slices(held)


def ahead_of(center: Center, id: WorkloadId) -> set[WorkloadId]:
    order = [workload.id for workload in in_order(center)]
    return set(order[: order.index(id)])


def check_reservation(center: Center, plan: Plan) -> None:
    """The head could not start, gets the first instant at which it can, and keeps it whatever was started behind it."""
    assert len(plan.reservations) <= 1
    for reservation in plan.reservations:
        everything, own = held(center, plan, plan.placements), reservation.alternative
        early, head = ahead_of(center, reservation.workload), center.waiting[reservation.workload]
        before = held(center, plan, [row for row in plan.placements if row.workload in early])
        waiting = forms_waiting(center, plan, head)
        assert own in waiting
        for form in waiting:
            of_form = asked(center, head, center.now, form)
            lacks_power = not is_powered(center, of_form.spec, power_free(center, before))
            assert lacks_power or not fits(now_room(center, before), of_form)
            for instant in sorted({reservation.start, *(end for _, end in before), *turns(center)}):
                is_powered_then = is_powered(center, of_form.spec, power_free(center, before, instant))
                is_before = instant < reservation.start or (instant == reservation.start and form < own)
                if is_before and is_powered_then:
                    assert not fits(room_at(center, before, instant), asked(center, head, instant, form))
        at_start, wanted = room_at(center, everything, reservation.start), asked(center, head, reservation.start, own)
        promised = Allocation(engine=reservation.engine, nodes=reservation.nodes, exclusive=wanted.spec.exclusive)
        check_allocation(at_start, promised, wanted.spec)
        assert promised.tasks == wanted.least
        check_windows(at_start, promised, wanted)
        assert is_near(room_at(center, before, reservation.start), promised, wanted)


def forms_waiting(center: Center, plan: Plan, head: Workload) -> list[int]:
    """In which forms nothing but room keeps the head from starting; where it asks for licenses, those alone tell."""
    early, found = ahead_of(center, head.id), []
    before = replace(plan, placements=tuple(row for row in plan.placements if row.workload in early))
    own = {one.alternative for one in plan.reservations if one.workload == head.id}
    for form, wanted in enumerate(forms(center, head, center.now)):
        is_open = not wanted.spec.reservation or wanted.lies_within(center.reservations.values())
        may = is_open and not wanted.is_late and not full(center, head, before, form) and possible(center, wanted)
        if may or not center.specs[head.id].alternatives:
            found.append(form)
    return [form for form in found if form in own] if center.specs[head.id].licenses else found


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
    assert not gives_way(center, head)
    ahead = [row for row in plan.placements if row.workload in ahead_of(center, by)]
    power = power_free(center, held(center, plan, ahead))
    assert any(is_powered(center, wanted.spec, power) for wanted in forms(center, head, center.now))
    for preemption in plan.preemptions:
        run, victim = center.runs[preemption.run], center.active[preemption.workload]
        assert run.state is not RunState.STOPPING
        assert gives_way(center, victim)
        assert standing(center, victim) < standing(center, head)
    early = ahead_of(center, by)
    first = [row.allocation for row in plan.placements if row.workload in early]
    gone, right = {preemption.run for preemption in plan.preemptions}, may_go(center, head)
    waiting = [asked(center, head, center.now, form) for form in forms_waiting(center, plan, head)]

    def suffices(victims: set[RunId], wanted: Asked) -> bool:
        staying = [run for run in center.runs.values() if run.state is not RunState.STOPPING and run.id not in victims]
        return fits(room(center, [run.allocation for run in staying] + first), wanted)

    assert not any(suffices(set(), wanted) for wanted in waiting)
    wanted = next(one for one in waiting if suffices(right, one))
    assert suffices(gone, wanted)
    assert all(not suffices(gone - {spared}, wanted) for spared in gone)


def may_go(center: Center, head: Workload) -> set[RunId]:
    """Runs whose place the head may take."""
    lower = [one for one in center.active.values() if standing(center, one) < standing(center, head)]
    of_lower = {one.id for one in lower if gives_way(center, one)}
    return {run.id for run in center.runs.values() if run.workload in of_lower and run.state is not RunState.STOPPING}


def check_refusals(center: Center, plan: Plan) -> None:
    """Nobody waits who could start; everybody who waits has a true reason, of each form."""
    placed, told = {row.workload for row in plan.placements}, 0
    final = now_room(center, held(center, plan, plan.placements))
    if not plan.complete:
        return
    for workload in [one for one in center.waiting.values() if one.id not in placed]:
        for job, wanted in zip(center.state.forms(workload.id), forms(center, workload, center.now), strict=True):
            limited = replace(workload, time_limit_s=center.limit_s(workload, job.form))
            reason = plan.reason(limited, job.demand)
            told += reason is not None
            if reason is not None and (not wanted.is_late or center.policy.reservations == 1):
                check_refusal(center, plan, workload, (job.form, reason), final)
            else:
                # It is in time in another form.
                assert wanted.is_late
    assert sum(refusal.waiting for refusal in plan.refusals) == told


def check_refusal(center: Center, plan: Plan, workload: Workload, told: tuple[int, Reason], final: Room) -> None:
    form, reason = told
    wanted = asked(center, workload, center.now, form)
    if reason.code is ReasonCode.IMPOSSIBLE:
        assert not possible(center, wanted)
    elif reason.code in BOUNDS:
        assert reason.code in full(center, workload, plan, form)
    elif reason.code is ReasonCode.LICENSE:
        assert lacks(center, plan, workload) or reason.ahead
    elif reason.code is ReasonCode.FASTER_DEVICE:
        # Whether it is true is asked in the order of the queue.
        assert not form
    elif reason.code is ReasonCode.POWER:
        check_power_reason(center, held(center, plan, plan.placements), wanted.spec, reason)
    elif reason.code is ReasonCode.BACKFILL_WINDOW:
        assert would_delay(center, plan, wanted, reason, workload)
    else:
        assert not fits(final, wanted)
        assert fits_nowhere(final, wanted, reason)


def check_power_reason(center: Center, everything: list[Held], spec: WorkloadSpec, reason: Reason) -> None:
    free, cap = power_free(center, everything), center.power_cap.watts * 1000
    assert (reason.cap, reason.in_use, reason.available) == (cap, cap - free, max(free, 0))
    assert reason.needed == most(center, spec) > reason.available


def fits_nowhere(final: Room, wanted: Asked, reason: Reason) -> bool:
    """The nodes said to fail do fail, by the final room; for what is missing together there is enough on none."""
    if reason.nodes_total:
        return sum(reason.code in fails(free, wanted) for free in final.values()) >= 1
    return max(engine_totals(final, wanted).values(), default=0) <= reason.available < reason.needed or (
        reason.code is ReasonCode.ENGINE
    )


def would_delay(center: Center, plan: Plan, wanted: Asked, reason: Reason, workload: Workload) -> bool:
    if center.policy.reservations > 1:
        return would_delay_one(center, plan, wanted, reason, workload)
    (reservation,), everything = plan.reservations, held(center, plan, plan.placements)
    assert reason.ahead == reservation.workload
    assert wanted.end > reservation.start
    if not is_powered(center, wanted.spec, power_beside(center, everything, reservation)):
        return True
    return not fits(both(now_room(center, everything), beside(center, everything, reservation)), wanted)


def beside(center: Center, everything: list[Held], reservation: Reservation) -> Room:
    """What is free at the head's start beside the head."""
    found = room_at(center, everything, reservation.start)
    for hold in reservation.nodes:
        found[hold.node].take(hold, exclusive=reserved_form(center, reservation).exclusive)
    return found


def reserved_form(center: Center, reservation: Reservation) -> WorkloadSpec:
    return center.specs[reservation.workload].form(reservation.alternative)


def power_beside(center: Center, everything: list[Held], reservation: Reservation) -> int:
    """What the cap leaves at the head's start beside what the head could draw."""
    return power_free(center, everything, reservation.start) - most(center, reserved_form(center, reservation))
