"""Step 5 where more than the head is kept a place: each of the first so many that cannot start gets the earliest one.

With a reservation for everybody this is conservative backfilling, as in A. Mu'alem and D. Feitelson, "Utilization,
predictability, workloads, and user runtime estimates in scheduling the IBM SP2 with backfilling", IEEE TPDS 12(6),
2001: work starts ahead of its turn only if that delays nobody in front of it. Every turn reserves anew, in the
order of the queue, so that who is in front may change and room that becomes free early is used at once.

Power is kept like nodes: the profiles know what the cap leaves from when. Work in several forms gets one reservation.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import licensing, power
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.admit import fits, is_full
from suanli.kernel.scheduling.core.booking import begin_beside, book, earliest_start, in_the_way, note
from suanli.kernel.scheduling.core.forms import may_try, may_wait, preempt_first
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.lists import waiting
from suanli.kernel.scheduling.core.preempt import preempt
from suanli.kernel.scheduling.core.profile import build
from suanli.kernel.scheduling.core.ranks import behind, close_ranks
from suanli.kernel.scheduling.core.reserve import release
from suanli.kernel.scheduling.core.rules import Decided, Rules
from suanli.kernel.scheduling.core.tables import Center, Ints

Given = tuple[int, int, int, bool, bool]
"""The present; when work past its end is taken to end; how many were leaving when the profiles were last built (-1:
never); whether there are reservations left, and none was made yet."""
Found = tuple[int, int, int, int, bool]


@compiled
def turn_with_many(center: Center, now: int, soon: int, rules: Rules, started: Ints) -> Decided:
    """Take a turn as ``turn`` does, with more than one reservation; ``booked`` has them afterwards."""
    sizes, kinds, this = center.sizes, center.kinds, _open(center)
    queue, kind_of = waiting(center)
    place, count, kept, blocked, built = 0, 0, 0, sizes[t.BARRED], t.NOBODY
    head, head_start, complete = t.NOBODY, t.NEVER, True
    while place < queue.size and (blocked < sizes[t.KINDS] or kept < rules.reservations):
        job, kind, may_wait = queue[place], kind_of[place], kept < rules.reservations
        place += 1
        has_forms = kinds[kind, t.OF_SHAPE] == t.NOBODY
        if has_forms and not may_wait and kinds[kind, t.BLOCKED] == this:
            continue
        if not has_forms and _is_out(center, job, kinds[kind], (now, soon), may_wait):
            continue
        if count == rules.most:
            complete = False
            break
        given = (now, soon, built, may_wait, kept == 0)
        found = _try_forms(center, job, given, rules) if has_forms else _try(center, job, kind, given, rules)
        form, start, built, newly, has_place = found
        blocked += newly
        if start == now:
            started[count] = form
            center.lists[t.LEFT, count] = place - 1
            count += 1
        elif start < t.NEVER:
            kept = kept + 1 if has_place else rules.reservations
            if has_place and head == t.NOBODY:
                head, head_start = form, start
            if kept == rules.reservations and rules.shortest_first:
                queue, kind_of = behind(center, place)
    if count:
        close_ranks(center, count, rules.shortest_first)
    return Decided(count, head, head_start, complete)


@compiled
def _try(center: Center, job: int, kind: int, given: Given, rules: Rules) -> Found:
    """Start a job of a kind, or reserve for it if it may wait for that.

    Returns the job, its start (NEVER if there is none), how many were leaving when the profiles were last built, how
    many more kinds are known to be blocked, and whether there was room in the tables for its reservation.
    """
    kinds, this = center.kinds, center.sizes[t.TURN]
    now, soon, built, may_wait_now, is_first = given
    has_room, newly = fits(center, job, rules.score) and not power.lacks(center, job), 0
    if not has_room:
        newly = int(kinds[kind, t.BLOCKED] != this)
        kinds[kind, t.BLOCKED] = this
        if not may_wait_now:
            return job, t.NEVER, built, newly, False
        if rules.preempt and is_first and not power.lacks(center, job):
            preempt(center, job)
        built = _look_ahead(center, now, soon, built)
    last = t.NEVER - 1 if may_wait_now else now
    start = now if built == t.NOBODY else earliest_start(center, job, (now, now), last)
    if start == now:
        begin_beside(center, job, now, built != t.NOBODY)
        return job, now, built, newly, True
    told = in_the_way(center, job, now) if has_room and rules.tells else (t.NOBODY, t.NOBODY)
    if has_room:
        _remember_long(kinds[kind], this, center.jobs[job, t.LIMIT], told)
    if start == t.NEVER:
        if has_room and may_wait_now:
            note(center, job, told)
        return job, t.NEVER, built, newly, False
    return job, start, built, newly, book(center, job, (start, now, soon), told)


@compiled
def _try_forms(center: Center, job: int, given: Given, rules: Rules) -> Found:
    """The same of a job with several forms: in the first that can start, or else for that which can start first.

    Of equal ones it is the first in order.
    """
    jobs, kinds, this = center.jobs, center.kinds, center.sizes[t.TURN]
    now, soon, built, may_wait_now, _ = given
    form, newly, lacking, is_shut, is_held_back = job, 0, t.NOBODY, True, True
    while form != t.NOBODY:
        kind = kinds[jobs[form, t.FORM_KIND]]
        if may_try(center, form, now):
            if licensing.first_lacking(center, form, now) >= 0:
                lacking = form
            else:
                is_held_back = False
                if may_wait_now or not _is_hopeless(kind, this, jobs[form, t.LIMIT]):
                    has_started, is_new = _begin_form(center, form, now, built, rules)
                    newly += is_new
                    if has_started:
                        return form, now, built, newly, True
        is_shut &= kind[t.BLOCKED] == this
        form = jobs[form, t.OTHER]
    if is_shut:
        kinds[jobs[job, t.KIND], t.BLOCKED] = this
    if is_held_back:
        if lacking != t.NOBODY:
            licensing.must_wait(center, lacking, now, soon)
        return job, t.NEVER, built, newly, False
    if not may_wait_now:
        return job, t.NEVER, built, newly, False
    return _reserve_forms(center, job, given, newly, rules)


@compiled
def _begin_form(center: Center, form: int, now: int, built: int, rules: Rules) -> tuple[bool, int]:
    """Start a form that nothing but room and power keep from it; whether it did, and how many kinds that blocks."""
    kind, this = center.kinds[center.jobs[form, t.FORM_KIND]], center.sizes[t.TURN]
    if not fits(center, form, rules.score) or power.lacks(center, form):
        is_new = int(kind[t.BLOCKED] != this)
        kind[t.BLOCKED] = this
        return False, is_new
    if built == t.NOBODY or earliest_start(center, form, (now, now), now) == now:
        begin_beside(center, form, now, built != t.NOBODY)
        return True, 0
    told = in_the_way(center, form, now) if rules.tells else (t.NOBODY, t.NOBODY)
    _remember_long(kind, this, center.jobs[form, t.LIMIT], told)
    return False, 0


@compiled
def _reserve_forms(center: Center, job: int, given: Given, newly: int, rules: Rules) -> Found:
    """Reserve for the form of a job that can start first; of others that have room write down what is in the way."""
    jobs, kinds, this = center.jobs, center.kinds, center.sizes[t.TURN]
    now, soon, built, _, is_first = given
    if rules.preempt and is_first:
        preempt_first(center, job, now)
    built = _look_ahead(center, now, soon, built)
    best, best_start, form = t.NOBODY, t.NEVER, job
    while form != t.NOBODY:
        if may_wait(center, form, now):
            start = earliest_start(center, form, (now, now), best_start - 1)
            if start < best_start:
                best, best_start = form, start
        form = jobs[form, t.OTHER]
    told, form = (t.NOBODY, t.NOBODY), job
    while form != t.NOBODY:
        if rules.tells and kinds[jobs[form, t.FORM_KIND], t.BLOCKED] != this and may_wait(center, form, now):
            of_form = in_the_way(center, form, now)
            if form == best:
                told = of_form
            else:
                note(center, form, of_form)
        form = jobs[form, t.OTHER]
    if best == t.NOBODY:
        return job, t.NEVER, built, newly, False
    # What there is then, where it was last looked for, may be another form's.
    earliest_start(center, best, (now, now), best_start)
    return best, best_start, built, newly, book(center, best, (best_start, now, soon), told)


@compiled
def _open(center: Center) -> int:
    """Begin a turn in which nothing is kept for anybody, and return its number."""
    sizes = center.sizes
    sizes[t.TURN] += 1
    sizes[t.LEAVING_SIZE] = sizes[t.BOOKED] = sizes[t.BOOKED_DEVICES] = 0
    release(center)
    power.keep_none(center)
    sizes[t.HEAD] = t.NOBODY
    return int(sizes[t.TURN])


@compiled
def _is_out(center: Center, job: int, kind: Ints, times: tuple[int, int], may_wait: bool) -> bool:
    """Tell whether a job of a kind can neither start in this turn nor get a reservation.

    What names an advance reservation that is not open has its room there, and none is kept for it here.
    """
    jobs, this = center.jobs, center.sizes[t.TURN]
    if kind[t.IMPOSSIBLE] or is_full(center, job) or center.shapes[jobs[job, t.SHAPE], t.WITHIN] >= t.CLOSED:
        return True
    if not may_wait and kind[t.BLOCKED] == this:
        return True
    if licensing.must_wait(center, job, times[0], times[1]):
        return True
    return not may_wait and _is_hopeless(kind, this, jobs[job, t.LIMIT])


@compiled
def _is_hopeless(kind: Ints, this: int, limit: int) -> bool:
    """Tell whether work of a kind that may run so long is known to have no room, or none beside the reservations."""
    return bool(kind[t.BLOCKED] == this or (kind[t.LONG] == this and limit >= kind[t.SHORTEST_LONG]))


@compiled
def _remember_long(kind: Ints, this: int, limit: int, told: tuple[int, int]) -> None:
    """Note that work of a kind that may run so long cannot start beside the reservations; less and less can.

    ``told`` are until when there was room, and whose reservation began then.
    """
    if kind[t.LONG] != this or limit < kind[t.SHORTEST_LONG]:
        kind[t.LONG], kind[t.SHORTEST_LONG] = this, limit
        kind[t.LONG_UNTIL], kind[t.LONG_BEHIND] = told


@compiled
def _look_ahead(center: Center, now: int, soon: int, built: int) -> int:
    """See what running work leaves when, unless that is known.

    ``built`` is how many were leaving when the profiles were last built (-1: never), and that is returned.
    """
    if built != center.sizes[t.LEAVING_SIZE]:
        build(center, now, soon)
    return int(center.sizes[t.LEAVING_SIZE])
