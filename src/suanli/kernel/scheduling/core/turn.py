"""One turn over all that waits, in order. Its cost is a glance at each waiting job, and work for what can start.

Room only shrinks within a turn, so a kind that cannot start once cannot start later in it. The first job that cannot
start becomes the head and gets the reservation that everything after it must respect, the only one: ``conserve`` has
the turn where there are more.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import licensing, lists, power
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.admit import fits, is_full
from suanli.kernel.scheduling.core.feasible import read_ahead
from suanli.kernel.scheduling.core.forms import NO_ROOM, STARTED, attempt, reserve_first, start_first
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.preempt import preempt
from suanli.kernel.scheduling.core.ranks import behind, close_ranks
from suanli.kernel.scheduling.core.reserve import reserve
from suanli.kernel.scheduling.core.rules import NO_BACKFILL, Decided, Rules
from suanli.kernel.scheduling.core.tables import Center, Ints


@compiled
def turn(center: Center, now: int, soon: int, rules: Rules, started: Ints) -> Decided:
    """Start what can start; write those jobs into ``started``, in the order in which they were decided.

    Of a job with several forms that is the row of the form, and so is the head. Work past its expected end is taken to
    end at the instant ``soon``.
    """
    sizes, jobs, kinds = center.sizes, center.jobs, center.kinds
    sizes[t.TURN] += 1
    sizes[t.LEAVING_SIZE] = 0
    read_ahead(center)
    power.keep_none(center)
    size, this = sizes[t.WAITING_SIZE], sizes[t.TURN]
    queue, kind_of = lists.waiting(center)
    place, count, noted, blocked = 0, 0, 0, sizes[t.BARRED]
    head, head_start, complete = t.NOBODY, t.NEVER, True
    while place < size and blocked < sizes[t.KINDS]:
        job, kind = queue[place], kind_of[place]
        place += 1
        has_forms = kinds[kind, t.OF_SHAPE] == t.NOBODY
        if kinds[kind, t.BLOCKED] == this or (not has_forms and _is_held_back(center, job, now, soon)):
            place = _next_open(kinds, kind_of, place, this)
            continue
        long = head != t.NOBODY and now + jobs[job, t.LIMIT] > head_start
        if long and not has_forms and kinds[kind, t.LONG] == this:
            continue
        if count == rules.most:
            complete = False
            break
        if has_forms:
            form, outcome, found = start_first(center, job, (now, soon, head_start), rules.score)
        else:
            form, outcome, found = attempt(center, job, kind, (now, soon, long, True), rules.score)
        blocked += found
        if outcome == STARTED:
            started[count] = form
            center.lists[t.LEFT, count] = place - 1
            count += 1
            if center.licenses.shape[0] > 0:
                # Who waits for a license looks at the ends of all that runs.
                lists.start_all(center, started[noted:count])
                noted = count
        elif outcome == NO_ROOM and head == t.NOBODY:
            if rules.reservations == NO_BACKFILL:
                head = job
                break
            lists.start_all(center, started[noted:count])
            noted = count
            head, head_start = _reserve(center, job, now, soon, rules)
            are_sorted = rules.shortest_first and head != t.NOBODY
            queue, kind_of = behind(center, place) if are_sorted else (queue, kind_of)
    lists.start_all(center, started[noted:count])
    if count:
        close_ranks(center, count, rules.shortest_first)
    return Decided(count, head, head_start, complete)


@compiled
def _is_held_back(center: Center, job: int, now: int, soon: int) -> bool:
    """Tell whether a bound or a license keeps a job from starting."""
    return is_full(center, job) or licensing.must_wait(center, job, now, soon)


@compiled
def _next_open(kinds: Ints, kind_of: Ints, place: int, this: int) -> int:
    """The first place from this one on of a kind that is not blocked; the length where there is none.

    By itself, because one that comes last in a long queue costs little more than a look at each of the others.
    """
    while place < kind_of.size and kinds[kind_of[place], t.BLOCKED] == this:
        place += 1
    return place


@compiled
def _reserve(center: Center, job: int, now: int, soon: int, rules: Rules) -> tuple[int, int]:
    """Let the first that cannot start take its right, and reserve for it; who has the reservation, and the start.

    -1 and NEVER where no start is foreseen. Nobody gives way to who lacks power.
    """
    if center.kinds[center.jobs[job, t.KIND], t.OF_SHAPE] == t.NOBODY:
        head, start = reserve_first(center, job, now, soon, rules)
    else:
        fits(center, job, rules.score)
        if rules.preempt and not power.lacks(center, job):
            preempt(center, job)
        head, start = job, reserve(center, job, now, soon)
    if start == t.NEVER:
        return t.NOBODY, t.NEVER
    licensing.keep(center, head, start, (now, soon))
    power.keep(center, head, start, (now, soon))
    return head, start
