"""One turn over all that waits, in order. Its cost is a glance at each waiting job, and work for what can start.

Room only shrinks within a turn, so a kind that cannot start once cannot start later in it. The first job that cannot
start becomes the head and gets the reservation that everything after it must respect.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from suanli.kernel.scheduling.core import lists
from suanli.kernel.scheduling.core.feasible import holdable, refresh
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.place import choose_now, hold, lay, shift
from suanli.kernel.scheduling.core.preempt import preempt
from suanli.kernel.scheduling.core.reserve import choose_beside, meet, reserve, startable_beside
from suanli.kernel.scheduling.core.tables import (
    ACTIVE,
    ARRAY,
    BARRED,
    BEHIND,
    BLOCKED,
    END,
    HOLD,
    KEPT_SIZE,
    KIND,
    KIND_BEHIND,
    KINDS,
    LEAVING_SIZE,
    LEFT,
    LIMIT,
    LOG_SIZE,
    LONG,
    MOST,
    NEED,
    NEVER,
    NOBODY,
    SEEN,
    SHAPE,
    TURN,
    WAITING_SIZE,
    Center,
    Ints,
)

NO_BACKFILL, EASY = range(2)


class Rules(NamedTuple):
    """How a turn decides: the score and backfill policies, and how many placements at most.

    With ``shortest_first`` those behind the head are tried in the order of their limits and not of the queue, with
    ``preempt`` the head may take the place of running work.
    """

    score: int
    backfill: int
    most: int
    shortest_first: bool = False
    preempt: bool = False


class Decided(NamedTuple):
    """What a turn decided: how many started, who is the head (-1: nobody) and when it is reserved to start.

    ``complete`` is False where the bound on placements ended the turn early.
    """

    started: int
    head: int
    start_us: int
    complete: bool


@compiled
def turn(center: Center, now: int, soon: int, rules: Rules, started: Ints) -> Decided:
    """Start what can start; write those jobs into ``started``, in the order in which they were decided.

    Work past its expected end is taken to end at the instant ``soon``.
    """
    sizes, jobs, kinds, bounds = center.sizes, center.jobs, center.kinds, center.bounds
    sizes[TURN] += 1
    sizes[LEAVING_SIZE] = 0
    size, this = sizes[WAITING_SIZE], sizes[TURN]
    queue, kind_of = lists.waiting(center)
    place, count, blocked = 0, 0, sizes[BARRED]
    head, head_start, complete = NOBODY, NEVER, True
    while place < size and blocked < sizes[KINDS]:
        job, kind = queue[place], kind_of[place]
        place += 1
        if kinds[kind, BLOCKED] == this or _is_full(jobs, bounds, job):
            continue
        long = head != NOBODY and now + jobs[job, LIMIT] > head_start
        if long and kinds[kind, LONG] == this:
            continue
        if count == rules.most:
            complete = False
            break
        if _fits(center, job, rules.score):
            if _try(center, job, now, long):
                started[count] = job
                center.lists[LEFT, count] = place - 1
                count += 1
            else:
                kinds[kind, LONG] = this
            continue
        if rules.backfill == NO_BACKFILL:
            head = job
            break
        kinds[kind, BLOCKED] = this
        blocked += 1
        if head == NOBODY:
            if rules.preempt:
                preempt(center, job)
            head_start = reserve(center, job, now, soon)
            if head_start != NEVER:
                head = job
                queue, kind_of = _behind(center, place) if rules.shortest_first else (queue, kind_of)
    if count:
        _close_ranks(center, count, rules.shortest_first)
    return Decided(count, head, head_start, complete)


@compiled
def _is_full(jobs: Ints, bounds: Ints, job: int) -> bool:
    """Tell whether as many of the job's array run as may."""
    array = jobs[job, ARRAY]
    return bool(array > 0 and bounds[array, ACTIVE] >= bounds[array, MOST])


@compiled
def _fits(center: Center, job: int, policy: int) -> bool:
    """Tell whether there is room for all of a job now."""
    shape = center.jobs[job, SHAPE]
    if center.shapes[shape, SEEN] != center.sizes[LOG_SIZE]:
        refresh(center, shape, policy)
    return holdable(center.total, shape, center.jobs[job, NEED])


@compiled
def _behind(center: Center, place: int) -> tuple[Ints, Ints]:
    """The queue with what is behind a place sorted by limit, and the kinds."""
    waiting, _ = lists.waiting(center)
    queue, kind_of, size = center.lists[BEHIND], center.lists[KIND_BEHIND], waiting.size
    keys = np.empty(size - place)
    for entry in range(place, size):
        queue[entry] = waiting[entry]
        keys[entry - place] = center.jobs[queue[entry], LIMIT]
    lists.sort_by(queue[place:size], keys, keys.size)
    for entry in range(place, size):
        kind_of[entry] = center.jobs[queue[entry], KIND]
    return queue, kind_of


@compiled
def _try(center: Center, job: int, now: int, long: bool) -> bool:
    """Start a job that there is room for, unless it would run into the head's reservation (``long``) and delay it."""
    shape, need = center.jobs[job, SHAPE], center.jobs[job, NEED]
    if not long:
        _start(center, job, now, choose_now(center, shape, need), False)
        return True
    if not startable_beside(center, shape, need):
        return False
    _start(center, job, now, choose_beside(center, shape, need), True)
    return True


@compiled
def _start(center: Center, job: int, now: int, chosen: int, long: bool) -> None:
    jobs = center.jobs
    hold(center, job, chosen, long)
    lay(center, job)
    jobs[job, END] = min(now + jobs[job, LIMIT], NEVER)
    center.bounds[jobs[job, ARRAY], ACTIVE] += 1
    lists.start(center, job)
    if center.sizes[KEPT_SIZE] == 0:
        return
    if long:
        shift(center, center.then_nodes, center.then_devices, job, -1)
    meet(center, job)


_FEW = 8
"""As many are better taken out of the queue one after the other: often they stand near its front."""


@compiled
def _close_ranks(center: Center, count: int, are_mixed: bool) -> None:
    """Take so many that started out of the queue; ``are_mixed`` where ``LEFT`` does not say from where."""
    if are_mixed:
        _find_left(center)
    queue, kind_of = lists.waiting(center)
    left, gone = center.lists[LEFT], center.lists[BEHIND]
    for row in range(count):
        gone[row] = queue[left[row]]
        lists.count_waiting(center, gone[row], -1)
    if count <= _FEW:
        for row in range(count - 1, -1, -1):
            lists.take_out(center, left[row])
        return
    for row in range(count):
        end = left[row + 1] if row + 1 < count else queue.size
        for place in range(left[row] + 1, end):
            queue[place - row - 1] = queue[place]
            kind_of[place - row - 1] = kind_of[place]
    center.sizes[WAITING_SIZE] -= count


@compiled
def open_ranks(center: Center, count: int) -> None:
    """Put those that started in this turn, so many, back into the places of the queue that they left."""
    left, gone = center.lists[LEFT], center.lists[BEHIND]
    for row in range(count):
        lists.count_waiting(center, gone[row], 1)
    if count <= _FEW:
        for row in range(count):
            lists.put_in(center, left[row], gone[row])
        return
    center.sizes[WAITING_SIZE] += count
    queue, kind_of = lists.waiting(center)
    end = queue.size
    for row in range(count - 1, -1, -1):
        for place in range(end - 1, left[row], -1):
            queue[place] = queue[place - row - 1]
            kind_of[place] = kind_of[place - row - 1]
        end = left[row]
        queue[end], kind_of[end] = gone[row], center.jobs[gone[row], KIND]


@compiled
def _find_left(center: Center) -> None:
    """Write down which places of the queue have a job that started: it now holds something."""
    queue, _ = lists.waiting(center)
    count = 0
    for place in range(queue.size):
        if center.jobs[queue[place], HOLD] != NOBODY:
            center.lists[LEFT, count] = place
            count += 1
