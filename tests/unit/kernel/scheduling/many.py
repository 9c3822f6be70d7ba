"""Judges plans with more than one reservation: everybody in order gets the first start that delays nobody in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from suanli.kernel.scheduling.plan import Plan, Reason
from suanli.model.resources import Allocation
from suanli.model.workload import Workload
from tests.unit.kernel.scheduling.bounded import asked as amounts
from tests.unit.kernel.scheduling.bounded import full, licenses_free, members, over
from tests.unit.kernel.scheduling.center import SECOND, Center
from tests.unit.kernel.scheduling.rooms import FOREVER, Room, asked, both, end_of, fits, is_near, room


@dataclass(frozen=True)
class Laid:
    """What is held from one instant until before another."""

    allocation: Allocation
    start: int
    end: int


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


def has_room(center: Center, laid: Sequence[Laid], workload: Workload, instant: int) -> bool:
    """Whether work could be where it is from an instant on for as long as it may run."""
    end = end_of(workload.time_limit_s, instant)
    return fits(room_while(center, laid, instant, end), asked(center, workload, instant))


def candidates(center: Center, laid: Sequence[Laid]) -> list[int]:
    """Nothing becomes free but where something ends, or a window opens."""
    return sorted({center.now, *(one.end for one in laid if one.end < FOREVER)} | windows_turn(center))


def promised(center: Center, plan: Plan) -> dict[int, Laid]:
    """What is reserved, by workload."""
    found = {}
    for one in plan.reservations:
        spec, limit = center.specs[one.workload], center.waiting[one.workload].time_limit_s
        allocation = Allocation(engine=one.engine, nodes=one.nodes, exclusive=spec.exclusive)
        found[int(one.workload)] = Laid(allocation, one.start, end_of(limit, one.start))
    return found


def check_many(center: Center, plan: Plan) -> None:
    """All placements and reservations of a plan, one after the other in the order of the queue."""
    from tests.unit.kernel.scheduling import checker  # noqa: PLC0415  which asks this one

    laid = [Laid(allocation, 0, end) for allocation, end in checker.held(center, plan, [])]
    placed, kept = {int(row.workload): row for row in plan.placements}, promised(center, plan)
    assert len(placed) == len(plan.placements)
    assert len(kept) == len(plan.reservations) <= center.policy.reservations
    assert list(kept) == [one.id for one in checker.in_order(center) if one.id in kept]
    running, left = members(center, replace(plan, placements=())), center.policy.reservations
    for workload in checker.in_order(center):
        spec, wanted = center.specs[workload.id], asked(center, workload, center.now)
        if workload.id in placed:
            row = placed[workload.id]
            assert row.generation == workload.generation
            assert row.node_generations == tuple(center.nodes[hold.node].generation for hold in row.allocation.nodes)
            found = room_while(center, laid, center.now, wanted.end)
            assert is_near(found, row.allocation, wanted)
            assert row.allocation.tasks == checker.most_tasks(center, found, FOREVER, workload, wanted, running)
            checker.check_windows(found, row.allocation, wanted)
            checker.check_allocation(found, row.allocation, spec)
            member = (workload, amounts(spec, row.allocation.tasks))
            assert not over(center, member, running)
            running.append(member)
            laid.append(Laid(row.allocation, center.now, wanted.end))
        elif workload.id in kept:
            one, left = kept[workload.id], left - 1
            assert one.start > center.now
            earlier = [instant for instant in candidates(center, laid) if instant < one.start]
            assert not any(has_room(center, laid, workload, instant) for instant in earlier)
            found, then = room_while(center, laid, one.start, one.end), asked(center, workload, one.start)
            assert is_near(found, one.allocation, then)
            assert one.allocation.tasks == then.least
            checker.check_windows(found, one.allocation, then)
            checker.check_allocation(found, one.allocation, spec)
            laid.append(one)
        elif plan.complete and may_start(center, plan, workload):
            instants = candidates(center, laid) if left else [center.now]
            assert not any(has_room(center, laid, workload, instant) for instant in instants)
    for name in {name for row in plan.placements for name in center.specs[row.workload].licenses}:
        assert licenses_free(center, plan, name) >= 0
    checker.check_kept_licenses(center, plan)


def may_start(center: Center, plan: Plan, workload: Workload) -> bool:
    """Whether nothing but room can be what work waits for."""
    spec, wanted = center.specs[workload.id], asked(center, workload, center.now)
    windows = [window for window in center.reservations.values() if window.name == spec.reservation]
    is_open = not spec.reservation or wanted.lies_within(windows)
    return is_open and not spec.licenses and not full(center, workload, plan)


def beside_all(center: Center, plan: Plan) -> list[Laid]:
    """All that is held and reserved once a plan is carried out."""
    from tests.unit.kernel.scheduling import checker  # noqa: PLC0415  which asks this one

    found = [Laid(allocation, 0, end) for allocation, end in checker.held(center, plan, plan.placements)]
    return [*found, *promised(center, plan).values()]


def would_delay_one(center: Center, plan: Plan, workload: Workload, reason: Reason) -> bool:
    """Whether work cannot start beside what is reserved in front of it, and the reservation told begins when told.

    Until then there is room for it beside what started and is reserved in front of it, unless others like it in front
    took that too.
    """
    from tests.unit.kernel.scheduling import checker  # noqa: PLC0415  which asks this one

    kept, early = promised(center, plan), checker.ahead_of(center, workload.id)
    assert reason.ahead in early
    until = kept[reason.ahead].start
    assert (until - center.now) // SECOND == reason.available
    wanted = asked(center, workload, center.now)
    assert wanted.end > until
    everything = [Laid(allocation, 0, end) for allocation, end in checker.held(center, plan, plan.placements)]
    ahead = [one for name, one in kept.items() if name in early]
    if workload.id in kept:
        before = [row for row in plan.placements if row.workload in early]
        at_its_turn = [Laid(allocation, 0, end) for allocation, end in checker.held(center, plan, before)]
        assert fits(room_while(center, [*at_its_turn, *ahead], center.now, until), wanted)
    return not has_room(center, [*everything, *ahead], workload, center.now)


def foreseen_beside(center: Center, plan: Plan, workload: Workload) -> int | None:
    """The first instant at which it fits beside all that is held and reserved, and has its licenses."""
    laid, asks = beside_all(center, plan), center.specs[workload.id].licenses
    for instant in candidates(center, laid):
        is_licensed = all(licenses_free(center, plan, name, instant) >= count for name, count in asks.items())
        if is_licensed and has_room(center, laid, workload, instant):
            return instant
    return None
