"""Judges plans with more than one reservation: everybody in order gets the first start that delays nobody in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from suanli.kernel.scheduling.plan import Placement, Plan, Reason
from suanli.model.resources import Allocation
from suanli.model.workload import Workload
from tests.unit.kernel.scheduling.bounded import Member, full, licenses_free, members, over
from tests.unit.kernel.scheduling.bounded import asked as amounts
from tests.unit.kernel.scheduling.center import SECOND, Center
from tests.unit.kernel.scheduling.powered import drawn, most
from tests.unit.kernel.scheduling.rooms import FOREVER, Asked, Room, asked, both, end_of, fits, forms, is_near, room


@dataclass(frozen=True)
class Laid:
    """What is held from one instant until before another."""

    allocation: Allocation
    start: int
    end: int
    draws: int
    """Milliwatts: of what is held what it draws, of what is reserved what it could."""
    form: int = 0


def windows_turn(center: Center) -> set[int]:
    """Instants from which on a window may give somebody a place."""
    windows = center.reservations.values()
    return {instant for one in windows for instant in (one.starts_at, one.ends_at) if instant > center.now}


def room_while(center: Center, laid: Sequence[Laid], begin: int, end: int) -> Room:
    """What is free all the while from one instant until before another."""
    found: Room = {}
    for instant in sorted({begin, *(one.start for one in laid if begin < one.start < end)}):
        there = room(center, [one.allocation for one in laid if one.start <= instant < one.end])
        found = both(found, there) if found else there
    return found


def power_while(center: Center, laid: Sequence[Laid], begin: int, end: int) -> int:
    """The least that the power cap leaves all the while."""
    if not center.power_cap.watts:
        return FOREVER
    instants = {begin, *(one.start for one in laid if begin < one.start < end)}
    there = [sum(one.draws for one in laid if one.start <= instant < one.end) for instant in instants]
    return center.power_cap.watts * 1000 - max(there)


def has_room(center: Center, laid: Sequence[Laid], wanted: Asked) -> bool:
    """Whether work could be there for as long as it may run, and draw what it could."""
    draws = most(center, wanted.spec)
    if draws and draws > power_while(center, laid, wanted.begin, wanted.end):
        return False
    return fits(room_while(center, laid, wanted.begin, wanted.end), wanted)


def running(center: Center, held: Sequence[tuple[Allocation, int]]) -> list[Laid]:
    return [Laid(allocation, 0, end, drawn(center, allocation)) for allocation, end in held]


def candidates(center: Center, laid: Sequence[Laid]) -> list[int]:
    """Nothing becomes free but where something ends, or a window opens."""
    return sorted({center.now, *(one.end for one in laid if one.end < FOREVER)} | windows_turn(center))


def promised(center: Center, plan: Plan) -> dict[int, Laid]:
    """What is reserved, by workload."""
    found = {}
    for one in plan.reservations:
        workload, form = center.waiting[one.workload], one.alternative
        spec = center.specs[one.workload].form(form)
        allocation = Allocation(engine=one.engine, nodes=one.nodes, exclusive=spec.exclusive)
        end = end_of(center.limit_s(workload, form), one.start)
        found[int(one.workload)] = Laid(allocation, one.start, end, most(center, spec), form)
    return found


def check_many(center: Center, plan: Plan) -> None:
    """All placements and reservations of a plan, one after the other in the order of the queue."""
    from tests.unit.kernel.scheduling import checker  # noqa: PLC0415  which asks this one

    laid = running(center, checker.held(center, plan, []))
    placed, kept = {int(row.workload): row for row in plan.placements}, promised(center, plan)
    assert len(placed) == len(plan.placements)
    assert len(kept) == len(plan.reservations) <= center.policy.reservations
    assert list(kept) == [one.id for one in checker.in_order(center) if one.id in kept]
    counted, left = members(center, replace(plan, placements=())), center.policy.reservations
    for workload in checker.in_order(center):
        if workload.id in placed:
            laid.append(check_start(center, laid, workload, placed[workload.id], counted))
        elif workload.id in kept:
            left -= 1
            check_promise(center, plan, laid, workload, kept[workload.id])
            laid.append(kept[workload.id])
        elif plan.complete:
            instants = candidates(center, laid) if left else [center.now]
            for form in may_start(center, plan, workload):
                assert not any(has_room(center, laid, asked(center, workload, instant, form)) for instant in instants)
    for name in {name for row in plan.placements for name in center.specs[row.workload].licenses}:
        assert licenses_free(center, plan, name) >= 0
    checker.check_kept_licenses(center, plan)


def check_start(
    center: Center, laid: Sequence[Laid], workload: Workload, row: Placement, counted: list[Member]
) -> Laid:
    """It starts in the first form that can, as wide as it may, beside all that is held and reserved in front of it."""
    from tests.unit.kernel.scheduling import checker  # noqa: PLC0415  which asks this one

    assert row.generation == workload.generation
    assert row.time_limit_s == center.limit_s(workload, row.alternative)
    assert row.node_generations == tuple(center.nodes[hold.node].generation for hold in row.allocation.nodes)
    wanted = asked(center, workload, center.now, row.alternative)
    for other in forms(center, workload, center.now)[: row.alternative]:
        is_out = other.is_late or over(center, (workload, amounts(other.spec, other.least)), counted)
        assert is_out or wanted.spec.licenses or not has_room(center, laid, other)
    assert has_room(center, laid, wanted)
    found = room_while(center, laid, center.now, wanted.end)
    power = power_while(center, laid, center.now, wanted.end)
    assert is_near(found, row.allocation, wanted)
    assert row.allocation.tasks == checker.most_tasks(center, found, power, workload, wanted, counted)
    checker.check_windows(found, row.allocation, wanted)
    checker.check_allocation(found, row.allocation, wanted.spec)
    member = (workload, amounts(wanted.spec, row.allocation.tasks))
    assert not over(center, member, counted)
    counted.append(member)
    return Laid(row.allocation, center.now, wanted.end, drawn(center, row.allocation))


def check_promise(center: Center, plan: Plan, laid: Sequence[Laid], workload: Workload, one: Laid) -> None:
    """It is for the form that can start first, of equal ones the first in order, and then there is room and power."""
    from tests.unit.kernel.scheduling import checker  # noqa: PLC0415  which asks this one

    assert one.start > center.now
    for form in {one.form, *may_start(center, plan, workload)}:
        for instant in candidates(center, laid):
            if instant < one.start or (instant == one.start and form < one.form):
                assert not has_room(center, laid, asked(center, workload, instant, form))
    then = asked(center, workload, one.start, one.form)
    assert has_room(center, laid, then)
    found = room_while(center, laid, one.start, one.end)
    assert is_near(found, one.allocation, then)
    assert one.allocation.tasks == then.least
    checker.check_windows(found, one.allocation, then)
    checker.check_allocation(found, one.allocation, then.spec)


def may_start(center: Center, plan: Plan, workload: Workload) -> list[int]:
    """In which forms nothing but room can be what work waits for."""
    if center.specs[workload.id].licenses:
        return []
    return [
        form
        for form, wanted in enumerate(forms(center, workload, center.now))
        if not wanted.is_late and is_open(center, wanted) and not full(center, workload, plan, form)
    ]


def is_open(center: Center, wanted: Asked) -> bool:
    return not wanted.spec.reservation or wanted.lies_within(center.reservations.values())


def beside_all(center: Center, plan: Plan) -> dict[int, Laid]:
    """All that is held and reserved once a plan is carried out; what is reserved by workload."""
    from tests.unit.kernel.scheduling import checker  # noqa: PLC0415  which asks this one

    found = enumerate(running(center, checker.held(center, plan, plan.placements)), 1)
    return {-number: one for number, one in found} | promised(center, plan)


def would_delay_one(center: Center, plan: Plan, wanted: Asked, reason: Reason, workload: Workload) -> bool:
    """Whether work cannot start beside what is reserved in front of it, and the reservation told begins when told.

    Until then there is room for it beside what started and is reserved in front of it, unless others like it in front
    took that too.
    """
    from tests.unit.kernel.scheduling import checker  # noqa: PLC0415  which asks this one

    kept, early = promised(center, plan), checker.ahead_of(center, workload.id)
    assert reason.ahead in early
    until = kept[reason.ahead].start
    assert (until - center.now) // SECOND == reason.available
    assert wanted.end > until
    everything = running(center, checker.held(center, plan, plan.placements))
    ahead = [one for name, one in kept.items() if name in early]
    if workload.id in kept:
        before = [row for row in plan.placements if row.workload in early]
        at_its_turn = [*running(center, checker.held(center, plan, before)), *ahead]
        assert has_room(center, at_its_turn, replace(wanted, end=until))
    return not has_room(center, [*everything, *ahead], wanted)


def foreseen_beside(center: Center, plan: Plan, workload: Workload, form: int) -> int | None:
    """The first instant at which it fits beside all that is held and others have reserved, and has its licenses."""
    laid = [one for of, one in beside_all(center, plan).items() if of != workload.id]
    asks, all_of_it = center.specs[workload.id].licenses, [*beside_all(center, plan).values()]
    for instant in candidates(center, all_of_it):
        is_licensed = all(licenses_free(center, plan, name, instant) >= count for name, count in asks.items())
        if is_licensed and has_room(center, laid, asked(center, workload, instant, form)):
            return instant
    return None
