"""What a turn with many reservations does for one job: start it beside them, keep it a place, say whose is in its way.

All of it goes by the profiles (``profile``), which know of nodes and of power what is left from when.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import licensing, power
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.admit import begin, widen
from suanli.kernel.scheduling.core.copying import copy
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.lists import start as let_run
from suanli.kernel.scheduling.core.place import choose, choose_now, hold, unchain
from suanli.kernel.scheduling.core.profile import (
    draw_between,
    earliest,
    earliest_from,
    least_power,
    occupy,
    open_between,
    powered_until,
    room_until,
    share_between,
    shift_between,
)
from suanli.kernel.scheduling.core.tables import Center, Ints


@compiled
def earliest_start(center: Center, job: int, times: tuple[int, int], last: int) -> int:
    """The first start of a job beside all that is reserved, of power too, up to a last instant; NEVER if there is none.

    ``times`` are the present, and the first instant of interest.
    """
    jobs, (now, least) = center.jobs, times
    asked = (int(jobs[job, t.LIMIT]), int(center.kinds[jobs[job, t.FORM_KIND], t.DRAWS]))
    if least > last:
        return t.NEVER
    if least > now:
        return earliest_from(center, jobs[job, t.SHAPE], jobs[job, t.NEED], asked, (least, last))
    return earliest(center, jobs[job, t.SHAPE], jobs[job, t.NEED], asked, (now, last))


@compiled
def in_the_way(center: Center, job: int, now: int) -> tuple[int, int]:
    """Until when there is room and power for a job that has both now, and whose reservation begins then (-1: nobody's).

    ``row`` stays as it is.
    """
    if center.sizes[t.BOOKED] == 0:
        return t.NEVER, t.NOBODY
    jobs, kinds, saved = center.jobs, center.kinds, center.scratch[t.CANDIDATE]
    end = min(now + jobs[job, t.LIMIT], t.NEVER)
    powered = powered_until(center, kinds[jobs[job, t.FORM_KIND], t.DRAWS], now)
    copy(saved, center.row)
    until, node = room_until(center, jobs[job, t.SHAPE], jobs[job, t.NEED], (now, min(end, powered)))
    copy(center.row, saved)
    if until == t.NEVER and powered < end:
        until, node = powered, t.NOBODY
    for row in range(center.sizes[t.BOOKED]):
        booked = center.booked[row]
        if booked[t.BOOKED_START] == until:
            of_power = node == t.NOBODY and kinds[jobs[booked[t.BOOKED_JOB], t.FORM_KIND], t.DRAWS] > 0
            if of_power or booked[t.BOOKED_HOLD + t.HELD_NODE] == node:
                return until, int(booked[t.BOOKED_JOB])
    return until, t.NOBODY


@compiled
def begin_beside(center: Center, job: int, now: int, is_beside: bool) -> None:
    """Start a job; where it ``is_beside`` reservations, on nodes that ``row`` says."""
    licensing.take(center, job, now)
    shape = center.jobs[job, t.SHAPE]
    if not is_beside:
        begin(center, job, now, choose_now(center, shape, widen(center, job, center.total[shape], False)), False)
        let_run(center, job)
        return
    end = min(now + center.jobs[job, t.LIMIT], t.NEVER)
    if center.kinds[center.jobs[job, t.FORM_KIND], t.DRAWS] > 0:
        center.sizes[t.POWER_SPARE] = least_power(center, now, end)
    # What there is room for beside the reservations was added up there by who found the instant.
    count = choose(center, shape, widen(center, job, center.spare[0], True), center.row, center.score[shape])
    _keep(center, shape, count, (now, end))
    begin(center, job, now, count, True)
    let_run(center, job)
    _let_go(center, count)
    occupy(center, job, now, end, now)
    draw_between(center, center.jobs[job, t.DRAW], now, end)
    power.keep_none(center)


@compiled
def _keep(center: Center, shape: int, count: int, times: tuple[int, int]) -> None:
    """Let only what is free of the chosen nodes from one instant to another be held of them."""
    for place in range(count):
        open_between(center, shape, center.scratch[t.CHOSEN, place], times[0], times[1])
        center.nodes[center.scratch[t.CHOSEN, place], t.IS_KEPT] = 1


@compiled
def _let_go(center: Center, count: int) -> None:
    for place in range(count):
        center.nodes[center.scratch[t.CHOSEN, place], t.IS_KEPT] = 0


@compiled
def book(center: Center, job: int, times: tuple[int, int, int], told: tuple[int, int]) -> bool:
    """Reserve for a job from an instant on, on nodes that ``row`` says; False where the tables have no room for it.

    Nodes of which least is free now are kept first, so that most of what is free stays open to others. ``times`` are
    the instant, the present, and when work past its expected end is taken to end; ``told`` is written down with it.
    """
    jobs, sizes, holds, held = center.jobs, center.sizes, center.holds, center.device_holds
    start, now, soon = times
    shape, end = jobs[job, t.SHAPE], min(start + jobs[job, t.LIMIT], t.NEVER)
    for node in range(center.busy.size):
        center.busy[node] = center.tasks[shape, node]
    count = choose(center, shape, jobs[job, t.NEED], center.row, center.busy)
    _keep(center, shape, count, (start, end))
    hold(center, job, count, True)
    _let_go(center, count)
    of_devices = _length(held, jobs[job, t.DEVICE_HOLD])
    has_room = count <= center.booked.shape[0] - sizes[t.BOOKED]
    has_room &= of_devices <= center.booked_devices.shape[0] - sizes[t.BOOKED_DEVICES]
    if has_room:
        occupy(center, job, start, end, now)
        draw_between(center, center.kinds[jobs[job, t.FORM_KIND], t.DRAWS], start, end)
        licensing.keep(center, job, start, (now, soon))
        row = jobs[job, t.HOLD]
        while row >= 0:
            booked = center.booked[sizes[t.BOOKED]]
            booked[t.BOOKED_JOB], booked[t.BOOKED_START] = job, start
            booked[t.BOOKED_UNTIL], booked[t.BOOKED_BEHIND] = told
            copy(booked[t.BOOKED_HOLD :], holds[row, : t.HELD_BY])
            sizes[t.BOOKED] += 1
            row = holds[row, t.NEXT]
        row = jobs[job, t.DEVICE_HOLD]
        while row >= 0:
            center.booked_devices[sizes[t.BOOKED_DEVICES], 0] = job
            copy(center.booked_devices[sizes[t.BOOKED_DEVICES], 1:], held[row, : t.DEVICE_NEXT])
            sizes[t.BOOKED_DEVICES] += 1
            row = held[row, t.DEVICE_NEXT]
    unchain(holds, sizes, t.UNUSED, jobs[job], t.HOLD)
    unchain(held, sizes, t.DEVICE_UNUSED, jobs[job], t.DEVICE_HOLD)
    return bool(has_room)


@compiled
def note(center: Center, job: int, told: tuple[int, int]) -> None:
    """Write down what stands in the way of a job that has room now and for which no start is foreseen.

    It is a row of what is booked that begins never, on no node.
    """
    sizes = center.sizes
    if sizes[t.BOOKED] < center.booked.shape[0]:
        booked = center.booked[sizes[t.BOOKED]]
        booked[t.BOOKED_JOB], booked[t.BOOKED_START] = job, t.NEVER
        booked[t.BOOKED_UNTIL], booked[t.BOOKED_BEHIND] = told
        booked[t.BOOKED_HOLD + t.HELD_NODE] = t.NOBODY
        sizes[t.BOOKED] += 1


@compiled
def give_back(center: Center, job: int, sign: int) -> None:
    """Let what is reserved for a job be free (1), and reserved again (-1), in the profiles alone."""
    booked, devices, sizes, end, draws = center.booked, center.booked_devices, center.sizes, t.NEVER, 0
    start = t.NEVER
    for row in range(sizes[t.BOOKED]):
        if booked[row, t.BOOKED_JOB] == job and booked[row, t.BOOKED_START] < t.NEVER:
            start = booked[row, t.BOOKED_START]
            end = min(start + center.jobs[job, t.LIMIT], t.NEVER)
            draws = center.kinds[center.jobs[job, t.FORM_KIND], t.DRAWS]
            shift_between(center, booked[row, t.BOOKED_HOLD :], (start, end), sign)
    for row in range(sizes[t.BOOKED_DEVICES]):
        if devices[row, 0] == job:
            share_between(center, devices[row, 1:], (start, end), sign)
    if draws > 0:
        draw_between(center, -sign * draws, start, end)


@compiled
def _length(table: Ints, row: int) -> int:
    count = 0
    while row >= 0:
        count += 1
        row = table[row, table.shape[1] - 1]
    return count
