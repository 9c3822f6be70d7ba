"""Step 5 where more than the head is kept a place: each of the first so many that cannot start gets the earliest one.

With a reservation for everybody this is conservative backfilling, as in A. Mu'alem and D. Feitelson, "Utilization,
predictability, workloads, and user runtime estimates in scheduling the IBM SP2 with backfilling", IEEE TPDS 12(6),
2001: work starts ahead of its turn only if that delays nobody in front of it. Every turn reserves anew, in the
order of the queue, so that who is in front may change and room that becomes free early is used at once.

Power is kept for the first of them alone; of the others each gets nodes from when it could have power beside that.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import licensing, power
from suanli.kernel.scheduling.core.admit import begin, fits, is_full
from suanli.kernel.scheduling.core.copying import copy
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.lists import start as let_run
from suanli.kernel.scheduling.core.lists import waiting
from suanli.kernel.scheduling.core.place import choose, choose_now, hold, unchain
from suanli.kernel.scheduling.core.preempt import preempt
from suanli.kernel.scheduling.core.profile import build, earliest, earliest_from, occupy, open_between, room_until
from suanli.kernel.scheduling.core.ranks import behind, close_ranks
from suanli.kernel.scheduling.core.reserve import release
from suanli.kernel.scheduling.core.rules import Decided, Rules
from suanli.kernel.scheduling.core.tables import (
    BARRED,
    BLOCKED,
    BOOKED,
    BOOKED_BEHIND,
    BOOKED_DEVICES,
    BOOKED_HOLD,
    BOOKED_JOB,
    BOOKED_START,
    BOOKED_UNTIL,
    CANDIDATE,
    CHOSEN,
    CLOSED,
    DEVICE_HOLD,
    DEVICE_NEXT,
    DEVICE_UNUSED,
    HEAD,
    HELD_BY,
    HELD_NODE,
    HOLD,
    IMPOSSIBLE,
    IS_KEPT,
    KIND,
    KINDS,
    LEAVING_SIZE,
    LEFT,
    LIMIT,
    LONG,
    LONG_BEHIND,
    LONG_UNTIL,
    NEED,
    NEVER,
    NEXT,
    NOBODY,
    POWER_KEPT_FROM,
    SHAPE,
    SHORTEST_LONG,
    TURN,
    UNUSED,
    WITHIN,
    Center,
    Ints,
)


@compiled
def turn_with_many(center: Center, now: int, soon: int, rules: Rules, started: Ints) -> Decided:
    """Take a turn as ``turn`` does, with more than one reservation; ``booked`` has them afterwards."""
    sizes, kinds, jobs, this = center.sizes, center.kinds, center.jobs, _open(center)
    queue, kind_of = waiting(center)
    place, count, kept, blocked, built = 0, 0, 0, sizes[BARRED], NOBODY
    complete = True
    while place < queue.size and (blocked < sizes[KINDS] or kept < rules.reservations):
        job, kind, may_wait = queue[place], kind_of[place], kept < rules.reservations
        place += 1
        if _is_out(center, job, (now, soon), may_wait):
            continue
        if count == rules.most:
            complete = False
            break
        has_room = fits(center, job, rules.score) and not power.lacks(center, job)
        if not has_room:
            blocked += int(kinds[kind, BLOCKED] != this)
            kinds[kind, BLOCKED] = this
            if not may_wait:
                continue
            built = _look_ahead(center, job, (now, soon), built, rules.preempt and kept == 0)
        start = now if built == NOBODY else _earliest(center, job, (now, soon), may_wait)
        if start == now:
            _begin(center, job, now, built != NOBODY)
            started[count] = job
            center.lists[LEFT, count] = place - 1
            count += 1
            continue
        told = _in_the_way(center, job, now) if has_room and rules.tells else (NOBODY, NOBODY)
        if has_room:
            _remember_long(kinds[kind], this, jobs[job, LIMIT], told)
        if start < NEVER:
            kept = kept + 1 if _book(center, job, (start, now, soon), told) else rules.reservations
            if kept == rules.reservations and rules.shortest_first:
                queue, kind_of = behind(center, place)
    if count:
        close_ranks(center, count, rules.shortest_first)
    if sizes[BOOKED] == 0:
        return Decided(count, NOBODY, NEVER, complete)
    return Decided(count, center.booked[0, BOOKED_JOB], center.booked[0, BOOKED_START], complete)


@compiled
def _open(center: Center) -> int:
    """Begin a turn in which nothing is kept for anybody, and return its number."""
    sizes = center.sizes
    sizes[TURN] += 1
    sizes[LEAVING_SIZE] = sizes[BOOKED] = sizes[BOOKED_DEVICES] = 0
    release(center)
    power.keep_none(center)
    sizes[HEAD] = NOBODY
    return int(sizes[TURN])


@compiled
def _is_out(center: Center, job: int, times: tuple[int, int], may_wait: bool) -> bool:
    """Tell whether a job can neither start in this turn nor get a reservation.

    What names an advance reservation that is not open has its room there, and none is kept for it here.
    """
    jobs, kind = center.jobs, center.kinds[center.jobs[job, KIND]]
    if is_full(center, job) or center.shapes[jobs[job, SHAPE], WITHIN] >= CLOSED:
        return True
    is_hopeless = _is_hopeless(kind, center.sizes[TURN], jobs[job, LIMIT], may_wait)
    return is_hopeless or licensing.must_wait(center, job, times[0], times[1])


@compiled
def _is_hopeless(kind: Ints, this: int, limit: int, may_wait: bool) -> bool:
    """Tell whether work of a kind cannot start in this turn, nor get a reservation."""
    if kind[IMPOSSIBLE]:
        return True
    return not may_wait and bool(kind[BLOCKED] == this or (kind[LONG] == this and limit >= kind[SHORTEST_LONG]))


@compiled
def _remember_long(kind: Ints, this: int, limit: int, told: tuple[int, int]) -> None:
    """Note that work of a kind that may run so long cannot start beside the reservations; less and less can.

    ``told`` are until when there was room, and whose reservation began then.
    """
    if kind[LONG] != this or limit < kind[SHORTEST_LONG]:
        kind[LONG], kind[SHORTEST_LONG] = this, limit
        kind[LONG_UNTIL], kind[LONG_BEHIND] = told


@compiled
def _in_the_way(center: Center, job: int, now: int) -> tuple[int, int]:
    """Until when there is room for a job that has room now beside what is reserved, and whose place that is then.

    The same of power. ``row`` stays as it is.
    """
    if power.would_take(center, job, now):
        return int(center.sizes[POWER_KEPT_FROM]), int(center.booked[0, BOOKED_JOB])
    jobs, saved = center.jobs, center.scratch[CANDIDATE]
    copy(saved, center.row)
    end = min(now + jobs[job, LIMIT], NEVER)
    until, node = room_until(center, jobs[job, SHAPE], jobs[job, NEED], (now, end))
    copy(center.row, saved)
    for row in range(center.sizes[BOOKED]):
        booked = center.booked[row]
        if booked[BOOKED_START] == until and booked[BOOKED_HOLD + HELD_NODE] == node:
            return until, int(booked[BOOKED_JOB])
    return until, NOBODY


@compiled
def _look_ahead(center: Center, job: int, times: tuple[int, int], built: int, preempts: bool) -> int:
    """Let the first that cannot start take its right, and see what running work leaves when.

    ``built`` is how many were leaving when the profiles were last built (-1: never), and that is returned.
    """
    if preempts and not power.lacks(center, job):
        preempt(center, job)
    if built != center.sizes[LEAVING_SIZE]:
        build(center, times[0], times[1])
    return int(center.sizes[LEAVING_SIZE])


@compiled
def _earliest(center: Center, job: int, times: tuple[int, int], may_wait: bool) -> int:
    jobs, (now, soon) = center.jobs, times
    shape, need, limit = jobs[job, SHAPE], jobs[job, NEED], jobs[job, LIMIT]
    # What ends at once has not ended yet: what it draws is not left now.
    first, last = power.powered_from(center, job, now, max(soon, now + 1), 0), NEVER - 1 if may_wait else now
    if first < NEVER and power.would_take(center, job, first):
        first = max(first, center.sizes[POWER_KEPT_FROM])
    if first > last:
        return NEVER
    if first > now:
        return earliest_from(center, shape, need, limit, (first, last))
    return earliest(center, shape, need, limit, (now, last))


@compiled
def _begin(center: Center, job: int, now: int, is_beside: bool) -> None:
    """Start a job, beside reservations on nodes that ``row`` says."""
    licensing.take(center, job, now)
    shape, need = center.jobs[job, SHAPE], center.jobs[job, NEED]
    if not is_beside:
        begin(center, job, now, choose_now(center, shape, need), False)
        let_run(center, job)
        return
    end = min(now + center.jobs[job, LIMIT], NEVER)
    count = choose(center, shape, need, center.row, center.score[shape])
    _keep(center, shape, count, (now, end))
    begin(center, job, now, count, True)
    let_run(center, job)
    _let_go(center, count)
    occupy(center, job, now, end, now)


@compiled
def _keep(center: Center, shape: int, count: int, times: tuple[int, int]) -> None:
    """Let only what is free of the chosen nodes from one instant to another be held of them."""
    for place in range(count):
        open_between(center, shape, center.scratch[CHOSEN, place], times[0], times[1])
        center.nodes[center.scratch[CHOSEN, place], IS_KEPT] = 1


@compiled
def _let_go(center: Center, count: int) -> None:
    for place in range(count):
        center.nodes[center.scratch[CHOSEN, place], IS_KEPT] = 0


@compiled
def _book(center: Center, job: int, times: tuple[int, int, int], told: tuple[int, int]) -> bool:
    """Reserve for a job from an instant on, on nodes that ``row`` says; False where the tables have no room for it.

    Nodes of which least is free now are kept first, so that most of what is free stays open to others. ``times`` are
    the instant, the present, and when work past its expected end is taken to end; ``told`` is written down with it.
    """
    jobs, sizes, holds, held = center.jobs, center.sizes, center.holds, center.device_holds
    start, now, soon = times
    shape, end = jobs[job, SHAPE], min(start + jobs[job, LIMIT], NEVER)
    if sizes[BOOKED] == 0:
        power.keep(center, job, start, (now, soon))
    for node in range(center.busy.size):
        center.busy[node] = center.tasks[shape, node]
    count = choose(center, shape, jobs[job, NEED], center.row, center.busy)
    _keep(center, shape, count, (start, end))
    hold(center, job, count, True)
    _let_go(center, count)
    of_devices = _length(held, jobs[job, DEVICE_HOLD])
    has_room = count <= center.booked.shape[0] - sizes[BOOKED]
    has_room &= of_devices <= center.booked_devices.shape[0] - sizes[BOOKED_DEVICES]
    if has_room:
        occupy(center, job, start, end, now)
        licensing.keep(center, job, start, (now, soon))
        row = jobs[job, HOLD]
        while row >= 0:
            booked = center.booked[sizes[BOOKED]]
            booked[BOOKED_JOB], booked[BOOKED_START] = job, start
            booked[BOOKED_UNTIL], booked[BOOKED_BEHIND] = told
            copy(booked[BOOKED_HOLD:], holds[row, :HELD_BY])
            sizes[BOOKED] += 1
            row = holds[row, NEXT]
        row = jobs[job, DEVICE_HOLD]
        while row >= 0:
            center.booked_devices[sizes[BOOKED_DEVICES], 0] = job
            copy(center.booked_devices[sizes[BOOKED_DEVICES], 1:], held[row, :DEVICE_NEXT])
            sizes[BOOKED_DEVICES] += 1
            row = held[row, DEVICE_NEXT]
    unchain(holds, sizes, UNUSED, jobs[job], HOLD)
    unchain(held, sizes, DEVICE_UNUSED, jobs[job], DEVICE_HOLD)
    return bool(has_room)


@compiled
def _length(table: Ints, row: int) -> int:
    count = 0
    while row >= 0:
        count += 1
        row = table[row, table.shape[1] - 1]
    return count
