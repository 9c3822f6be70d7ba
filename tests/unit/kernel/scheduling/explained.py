"""Judges explanations, apart from the kernel: every reason of each form, and its earliest start, tried one by one."""

from __future__ import annotations

from dataclasses import replace

from suanli.kernel.scheduling.plan import Decision, Explanation, Plan, Reason, ReasonCode, Reservation
from suanli.model.resources import Allocation
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import Workload
from tests.unit.kernel.scheduling.bounded import BOUNDS, full, lacks, licenses_free
from tests.unit.kernel.scheduling.center import Center
from tests.unit.kernel.scheduling.checker import (
    Held,
    ahead_of,
    beside,
    check_power_reason,
    held,
    possible,
    power_beside,
    reserved_form,
    room_at,
    turns,
    would_delay,
)
from tests.unit.kernel.scheduling.many import foreseen_beside, promised
from tests.unit.kernel.scheduling.powered import is_powered, most, power_free
from tests.unit.kernel.scheduling.rooms import (
    FOREVER,
    Asked,
    Room,
    asked,
    both,
    end_of,
    engine_totals,
    fails,
    fits,
    mended,
    room,
)


def check_explanation(center: Center, plan: Plan, explained: Explanation) -> None:
    """Every reason of one explanation, and its earliest start."""
    workload = center.waiting[explained.workload]
    placed = {row.workload: row for row in plan.placements}.get(workload.id)
    assert explained.ahead == len(ahead_of(center, workload.id))
    assert (explained.decision is Decision.NOW) == (placed is not None)
    if placed is not None:
        assert (explained.allocation, explained.alternative) == (placed.allocation, placed.alternative)
        assert not explained.reasons
        assert explained.earliest_start == center.now
        return
    told = explained.forms or (explained,)
    assert [one.alternative for one in told] == list(range(1 + len(center.specs[workload.id].alternatives)))
    for one in told:
        check_form(center, plan, one)
    assert explained.reasons == told[0].reasons
    assert (explained.decision is Decision.NEVER) == all(one.decision is Decision.NEVER for one in told)
    starts = [(one.earliest_start, is_late_by(center, one)) for one in told if one.earliest_start is not None]
    in_time = [start for start, late in starts if not late] or [start for start, _ in starts]
    assert explained.earliest_start == min(in_time, default=None)


def is_late_by(center: Center, explained: Explanation) -> bool:
    assert explained.earliest_start is not None
    workload = center.waiting[explained.workload]
    return asked(center, workload, explained.earliest_start, explained.alternative).is_late


def check_form(center: Center, plan: Plan, explained: Explanation) -> None:
    """What is said of work in one of its forms, which does not start now."""
    workload, form = center.waiting[explained.workload], explained.alternative
    wanted = asked(center, workload, center.now, form)
    assert (explained.decision is Decision.NEVER) == (not possible(center, wanted))
    assert explained.reasons
    before = mended(center) if explained.decision is Decision.NEVER else room(center, allocations(center))
    wanted = wanted.anytime() if explained.decision is Decision.NEVER else wanted
    blocked = not fits(before, wanted)
    codes = {reason.code for reason in explained.reasons}
    for reason in explained.reasons:
        if reason.code is ReasonCode.BACKFILL_WINDOW and plan.complete:
            assert would_delay(center, plan, wanted, reason, workload)
    assert codes.isdisjoint({ReasonCode.PRIORITY, ReasonCode.BACKFILL_WINDOW}) or not blocked
    if explained.decision is Decision.LATER:
        assert bool(codes & BOUNDS) == bool(full(center, workload, plan, form))
        assert codes & BOUNDS <= full(center, workload, plan, form)
        assert ReasonCode.LICENSE in codes or not lacks(center, plan, workload)
        check_told_power(center, plan, wanted.spec, explained)
    if blocked:
        check_constraints(before, wanted, explained)
        check_names(before, wanted, explained)
    if explained.unforeseen is ReasonCode.LICENSE:
        assert center.specs[workload.id].licenses
    elif ReasonCode.FASTER_DEVICE in codes:
        (patient,) = [one for one in explained.reasons if one.code is ReasonCode.FASTER_DEVICE]
        assert explained.earliest_start in {patient.starts_at, None if codes & BOUNDS else patient.starts_at}
    elif plan.complete:
        assert explained.earliest_start == foreseen(center, plan, workload, form)
    assert (explained.earliest_start is None) == (explained.unforeseen is not None)
    is_late = explained.earliest_start is not None and is_late_by(center, explained)
    assert (ReasonCode.DEADLINE in codes) == is_late


def check_told_power(center: Center, plan: Plan, spec: WorkloadSpec, explained: Explanation) -> None:
    everything = held(center, plan, plan.placements)
    told = [reason for reason in explained.reasons if reason.code is ReasonCode.POWER]
    assert len(told) == (not is_powered(center, spec, power_free(center, everything)))
    for reason in told:
        check_power_reason(center, everything, spec, reason)


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
    for code in list(ReasonCode)[: list(ReasonCode).index(ReasonCode.DISK) + 1]:
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


def foreseen(center: Center, plan: Plan, workload: Workload, form: int) -> int | None:
    """The first instant at which it fits beside all that is held and the head's reservation, tried one by one."""
    everything, others = held(center, plan, plan.placements), plan
    if full(center, workload, plan, form) or not possible(center, asked(center, workload, center.now, form)):
        return None
    if center.policy.reservations > 1:
        own = promised(center, plan).get(int(workload.id))
        is_own = own is not None and own.form == form
        return own.start if own is not None and is_own else foreseen_beside(center, plan, workload, form)
    instants = {center.now, *(end for _, end in everything), *turns(center)}
    for reservation in plan.reservations:
        if (reservation.workload, reservation.alternative) == (workload.id, form):
            return reservation.start
        if reservation.workload == workload.id:
            others = replace(plan, reservations=())
        instants.add(end_of_head(center, reservation))
    for instant in sorted(instants - {FOREVER}):
        if starts(center, others, everything, asked(center, workload, instant, form)):
            return instant
    return None


def end_of_head(center: Center, reservation: Reservation) -> int:
    head = center.waiting[reservation.workload]
    return end_of(center.limit_s(head, reservation.alternative), reservation.start)


def starts(center: Center, plan: Plan, everything: list[Held], wanted: Asked) -> bool:
    instant, found = wanted.begin, room_at(center, everything, wanted.begin)
    if any(licenses_free(center, plan, name, instant) < count for name, count in wanted.spec.licenses.items()):
        return False
    power = power_free(center, everything, instant)
    for reservation in plan.reservations:
        if instant < reservation.start < wanted.end:
            found = both(found, beside(center, everything, reservation))
            power = min(power, power_beside(center, everything, reservation))
        elif reservation.start <= instant < end_of_head(center, reservation):
            for hold in reservation.nodes:
                found[hold.node].take(hold, exclusive=reserved_form(center, reservation).exclusive)
            power -= most(center, reserved_form(center, reservation))
    return is_powered(center, wanted.spec, power) and fits(found, wanted)
