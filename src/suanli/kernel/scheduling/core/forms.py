"""How a waiting job starts, one with several forms in the first that can; and for which of them its place is kept.

A form is one of several requests that will do for the same work. Each has a row of jobs of its own, so that every step
takes it for a job; here is only what makes them one.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import licensing, power
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.admit import BY_SHAPE, begin, find, fits, is_full, widen
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.patience import would_wait
from suanli.kernel.scheduling.core.place import choose_now
from suanli.kernel.scheduling.core.preempt import leaving_suffices, preempt
from suanli.kernel.scheduling.core.reserve import (
    choose_beside,
    first_start,
    meet,
    meet_kept,
    reserve,
    startable_beside,
)
from suanli.kernel.scheduling.core.rules import Rules
from suanli.kernel.scheduling.core.seek import seek
from suanli.kernel.scheduling.core.tables import Center

STARTED, NO_ROOM, TOO_LONG, HELD_BACK, PATIENT = range(5)
"""What became of a job that was tried: it starts, there is no room for it, it would delay the head, something else
than room is in its way, or it rather waits for faster devices."""


Times = tuple[int, int, bool, bool]
"""The present; when work past its end is taken to end; whether a job may run longer than until the head starts; and
whether it may rather wait for faster devices: of several forms the first that can start is taken."""


@compiled
def attempt(center: Center, job: int, kind: int, times: Times, score: int) -> tuple[int, int, int]:
    """Start a job of a kind, unless there is no room, or it would run into the head's reservation and delay it.

    Or it rather waits. Returns the job, what became of it, and how many more kinds that wait are known to be blocked.
    """
    this = center.sizes[t.TURN]
    chosen = find(center, job, score)
    if chosen == 0:
        is_new = center.kinds[kind, t.BLOCKED] != this and center.kinds[kind, t.WAITING_OF] > 0
        center.kinds[kind, t.BLOCKED] = this
        return job, NO_ROOM, int(is_new)
    outcome = _start(center, job, times, chosen)
    if outcome == TOO_LONG:
        center.kinds[kind, t.LONG] = this
    return job, outcome, 0


@compiled
def _start(center: Center, job: int, times: Times, chosen: int) -> int:
    """Start a job that there is room for, unless it is long and there is none, or no power, beside the reservation.

    Or it rather waits. ``chosen`` is how many nodes are chosen where it is not long, or ``BY_SHAPE``.
    """
    shape, need, (now, soon, long, may_wait) = center.jobs[job, t.SHAPE], center.jobs[job, t.NEED], times
    if long and power.would_take(center, job, now):
        return TOO_LONG
    if chosen != BY_SHAPE:
        chosen = seek(center, shape, need, True) if long else chosen
    elif not long:
        chosen = choose_now(center, shape, widen(center, job, center.total[shape], False))
    elif startable_beside(center, shape, need):
        chosen = choose_beside(center, shape, widen(center, job, center.beside[shape], True))
    else:
        chosen = 0
    if chosen == 0:
        return TOO_LONG
    if may_wait and would_wait(center, job, (now, soon), chosen, long):
        return PATIENT
    licensing.take(center, job, now)
    begin(center, job, now, chosen, long)
    if center.sizes[t.KEPT_SIZE] > 0:
        meet(center, job, long)
    return STARTED


@compiled
def start_first(center: Center, job: int, times: tuple[int, int, int], score: int) -> tuple[int, int, int]:
    """Start a job in the first of its forms that can start now.

    ``times`` are the present, when work past its end is taken to end, and when the head is reserved to start (NEVER
    where there is none). Returns what :func:`attempt` does, of the form that starts or of all; where one lacks nothing
    but room, that is what all lack.
    """
    jobs, kinds, this = center.jobs, center.kinds, center.sizes[t.TURN]
    now, soon, head_start = times
    form, found, outcome, lacking, is_shut = job, 0, HELD_BACK, t.NOBODY, True
    while form != t.NOBODY:
        kind = jobs[form, t.FORM_KIND]
        if may_try(center, form, now):
            long = head_start < t.NEVER and now + jobs[form, t.LIMIT] > head_start
            if licensing.first_lacking(center, form, now) >= 0:
                lacking = form
            elif kinds[kind, t.BLOCKED] == this:
                outcome = NO_ROOM
            elif not long or kinds[kind, t.LONG] != this:
                _, became, blocked = attempt(center, form, kind, (now, soon, long, False), score)
                found += blocked
                if became == STARTED:
                    return form, STARTED, found
                outcome = NO_ROOM if became == NO_ROOM else outcome
        is_shut &= kinds[kind, t.BLOCKED] == this
        form = jobs[form, t.OTHER]
    if is_shut:
        kinds[jobs[job, t.KIND], t.BLOCKED] = this
    if lacking != t.NOBODY and outcome == HELD_BACK:
        licensing.must_wait(center, lacking, now, soon)
    return job, outcome, found


@compiled
def may_try(center: Center, form: int, now: int) -> bool:
    """Tell whether at most room and a license keep a form from starting.

    Its deadline, bounds, and a reservation that is not open do not, and it could be held some day.
    """
    if now > center.jobs[form, t.START_BY] or is_full(center, form):
        return False
    is_closed = center.shapes[center.jobs[form, t.SHAPE], t.WITHIN] >= t.CLOSED
    return not is_closed and center.kinds[center.jobs[form, t.FORM_KIND], t.IMPOSSIBLE] == 0


@compiled
def may_wait(center: Center, form: int, now: int) -> bool:
    """Tell whether nothing but room keeps a form from starting."""
    return may_try(center, form, now) and licensing.first_lacking(center, form, now) < 0


@compiled
def reserve_first(center: Center, job: int, now: int, soon: int, rules: Rules) -> tuple[int, int]:
    """Take the right of a job that cannot start, and reserve for the form of it that can start first.

    Of equal ones it is the first. Returns the form, and its start: NEVER, and nothing reserved, where none is foreseen.

    What running work brings is kept for one form, that of the last turn; the others are looked at anew, but no further
    ahead than they would have to start to be taken instead.
    """
    jobs, form, last, first, until = center.jobs, job, t.NOBODY, t.NOBODY, t.NEVER
    while form != t.NOBODY:
        if may_wait(center, form, now):
            fits(center, form, rules.score)
            first = form if first == t.NOBODY else first
            last = form if center.sizes[t.HEAD] == form else last
        form = jobs[form, t.OTHER]
    if rules.preempt:
        preempt_first(center, job, now)
    if last != t.NOBODY:
        until = reserve(center, last, now, soon)
    best, start, is_ahead, form = t.NOBODY, t.NEVER, last != t.NOBODY, job
    while form != t.NOBODY:
        found = t.NEVER
        if form == last:
            found, is_ahead = until, False
        elif may_wait(center, form, now):
            found = first_start(center, form, now, soon, min(start, until + int(is_ahead)))
        if found < start:
            best, start = form, found
        form = jobs[form, t.OTHER]
    if best == last and last != t.NOBODY:
        meet_kept(center)
        return best, start
    best = first if best == t.NOBODY else best
    return best, reserve(center, best, now, soon)


@compiled
def preempt_first(center: Center, job: int, now: int) -> None:
    """Let running work leave for the first form of a job that this makes room for, if none has it without."""
    jobs, sizes, form = center.jobs, center.sizes, job
    if sizes[t.PREEMPTIBLES] == 0:
        return
    while form != t.NOBODY:
        if may_wait(center, form, now) and leaving_suffices(center, form):
            return
        form = jobs[form, t.OTHER]
    form, before = job, sizes[t.LEAVING_SIZE]
    while form != t.NOBODY and sizes[t.LEAVING_SIZE] == before:
        if may_wait(center, form, now) and not power.lacks(center, form):
            preempt(center, form)
        form = jobs[form, t.OTHER]
