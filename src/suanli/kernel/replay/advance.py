"""The virtual clock: from event to event, each followed by one turn of the scheduling loops.

An event is the end of one job or the submission of one. At one instant ends come first, in the order in which those
jobs started, then submissions in the order of the trace. A turn after every single event, and not after all of an
instant, is what a scheduler does that reacts at once; it is also how the published figures for EASY on the logs of the
Parallel Workloads Archive were made.
"""

from __future__ import annotations

from suanli.kernel.replay.course import (
    ALLOCATED_CPU,
    ALLOCATED_DEVICES,
    BEGAN,
    DRAWN,
    ENDING,
    EVENTS,
    OVER,
    RUNNING,
    SUBMITTED,
    TIME,
    WAITING,
    WAITING_CPU,
    Course,
    Ways,
)
from suanli.kernel.replay.queue import guess, reorder, set_key
from suanli.kernel.scheduling.core import lists
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.admit import tally
from suanli.kernel.scheduling.core.conserve import turn_with_many
from suanli.kernel.scheduling.core.copying import copy
from suanli.kernel.scheduling.core.jit import compiled, entry
from suanli.kernel.scheduling.core.place import lift
from suanli.kernel.scheduling.core.power import drawn
from suanli.kernel.scheduling.core.rules import EASY, Rules
from suanli.kernel.scheduling.core.tables import RUNNING as RUNNERS
from suanli.kernel.scheduling.core.tables import Center
from suanli.kernel.scheduling.core.turn import turn
from suanli.kernel.scheduling.prediction.history import correct, learn


@entry
def advance(center: Center, course: Course, rules: Rules, ways: Ways, first: int, events: int, until: int) -> int:
    """Live through at most so many events more, none later than an instant, and return how many there were.

    Before them a turn is taken at the instant ``first`` (NEVER: none is) though nothing is submitted or ends then:
    an advance reservation has begun or ended.
    """
    at, count = course.at, 0
    if first < t.NEVER:
        _decide(center, course, rules, ways, first)
    while count < events:
        submission = course.submitted_us[at[SUBMITTED]] if at[SUBMITTED] < course.submitted_us.size else t.NEVER
        ending = course.ended_us[course.ends[0]] if at[ENDING] > 0 else t.NEVER
        now = min(submission, ending)
        if now == t.NEVER or now > until:
            break
        if ending == now:
            _end(center, course, ways, _pop(course))
        else:
            _submit(center, course, ways, now)
        _decide(center, course, rules, ways, now)
        count += 1
    return count


@compiled
def _decide(center: Center, course: Course, rules: Rules, ways: Ways, now: int) -> None:
    if ways.believed:
        _correct(center, course, now)
    if ways.moving:
        reorder(center, course, ways.order, now)
    if ways.reserving:
        _bar_closed(center)
    if rules.reservations > EASY:
        decided = turn_with_many(center, now, now, rules, course.started)
    else:
        decided = turn(center, now, now, rules, course.started)
    for place in range(decided.started):
        _start(center, course, course.started[place], now)
    _note(center, course, now)


@compiled
def _bar_closed(center: Center) -> None:
    """Keep work whose reservation is not open from being the head: it has its room there and takes none from others."""
    kinds, sizes = center.kinds, center.sizes
    sizes[t.BARRED] = 0
    for kind in range(kinds.shape[0]):
        if kinds[kind, t.WAITING_OF] > 0 and center.shapes[kinds[kind, t.OF_SHAPE], t.WITHIN] >= t.CLOSED:
            kinds[kind, t.BLOCKED] = sizes[t.TURN] + 1
            sizes[t.BARRED] += 1


@compiled
def _submit(center: Center, course: Course, ways: Ways, now: int) -> None:
    job = course.at[SUBMITTED]
    course.at[SUBMITTED] += 1
    guess(course, ways.prediction, job)
    if ways.believed:
        center.jobs[job, t.LIMIT] = course.predicted_us[job]
    if not ways.moving:
        set_key(center, course, ways.order, job, now)
    lists.enqueue(center, job)
    course.sums[WAITING_CPU] += course.tasks[job] * course.cpu_milli[job]


@compiled
def _start(center: Center, course: Course, job: int, now: int) -> None:
    course.started_us[job] = now
    course.began[course.at[BEGAN]] = job
    course.at[BEGAN] += 1
    course.ended_us[job] = min(now + _runtime(center, course, job), t.NEVER)
    if course.ended_us[job] < t.NEVER:
        _push(course, job)
    course.sums[WAITING_CPU] -= course.tasks[job] * course.cpu_milli[job]
    _add(course, _held(center, job), 1)


@compiled
def _runtime(center: Center, course: Course, job: int) -> int:
    """How long a job that begins runs, by the slowest type of device that it holds where that matters."""
    if course.factors.shape[0] == 0 or center.jobs[job, t.DEVICE_HOLD] < 0:
        return int(course.runtime_us[job])
    held, row, slowest = center.device_holds, center.jobs[job, t.DEVICE_HOLD], 0.0
    while row >= 0:
        kind = center.devices[held[row, t.DEVICE_NODE], held[row, t.POSITION], t.TYPE]
        slowest = max(slowest, course.factors[course.application[job], kind])
        row = held[row, t.DEVICE_NEXT]
    return int(min(course.runtime_us[job] * slowest, float(t.NEVER)))


@compiled
def _end(center: Center, course: Course, ways: Ways, job: int) -> None:
    course.over[course.at[OVER]] = job
    course.at[OVER] += 1
    _add(course, _held(center, job), -1)
    lift(center, job)
    lists.end(center, job)
    tally(center, job, -1)
    size = course.tasks[job] * course.cpu_milli[job]
    learn(course.past, course.user[job], course.requested_us[job], size, course.runtime_us[job])
    if ways.moving:
        queue, _ = lists.waiting(center)
        for other in queue:
            if course.user[other] == course.user[job]:
                guess(course, ways.prediction, other)


@compiled
def _correct(center: Center, course: Course, now: int) -> None:
    """Expect those that have outlived their predictions, and do not end at this instant, to run for longer."""
    ending = 0
    while ending < center.sizes[t.RUNNING_SIZE]:
        job = center.lists[RUNNERS, ending]
        if center.jobs[job, t.END] > now:
            break
        if course.ended_us[job] == now:
            ending += 1
            continue
        lists.end(center, job)
        elapsed = now - course.started_us[job]
        center.jobs[job, t.END] = course.started_us[job] + correct(course.requested_us[job], elapsed)
        lists.start(center, job)
        # What was foreseen for the head counted on the former end.
        center.sizes[t.HEAD_SEEN] = t.NOBODY


@compiled
def _ends_first(course: Course, one: int, other: int) -> bool:
    ends, starts = course.ended_us, course.started_us
    if ends[one] != ends[other]:
        return bool(ends[one] < ends[other])
    return bool(starts[one] < starts[other] or (starts[one] == starts[other] and one < other))


@compiled
def _push(course: Course, job: int) -> None:
    heap, place = course.ends, course.at[ENDING]
    course.at[ENDING] += 1
    while place > 0 and _ends_first(course, job, heap[(place - 1) // 2]):
        heap[place] = heap[(place - 1) // 2]
        place = (place - 1) // 2
    heap[place] = job


@compiled
def _pop(course: Course) -> int:
    heap, place = course.ends, 0
    first = heap[0]
    course.at[ENDING] -= 1
    size = course.at[ENDING]
    last = heap[size]
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and _ends_first(course, heap[child + 1], heap[child]):
            child += 1
        if not _ends_first(course, heap[child], last):
            break
        heap[place] = heap[child]
        place = child
    heap[place] = last
    return int(first)


@compiled
def _held(center: Center, job: int) -> tuple[int, int, int]:
    """Milli-cpus and thousandths of devices that a job holds, and the milliwatts that it draws."""
    cpu = devices = 0
    row = center.jobs[job, t.HOLD]
    while row >= 0:
        cpu += center.holds[row, t.HELD_CPU]
        row = center.holds[row, t.NEXT]
    row = center.jobs[job, t.DEVICE_HOLD]
    while row >= 0:
        devices += center.device_holds[row, t.HELD_SHARE]
        row = center.device_holds[row, t.DEVICE_NEXT]
    return cpu, devices, drawn(center, job)


@compiled
def _note(center: Center, course: Course, now: int) -> None:
    """Write down the sums after a turn."""
    row = course.at[EVENTS]
    copy(course.history[:, row], course.sums)
    course.history[TIME, row] = now
    course.history[WAITING, row] = center.sizes[t.WAITING_SIZE]
    course.history[RUNNING, row] = center.sizes[t.RUNNING_SIZE]
    course.at[EVENTS] = row + 1


@compiled
def _add(course: Course, held: tuple[int, int, int], sign: int) -> None:
    course.sums[ALLOCATED_CPU] += sign * held[0]
    course.sums[ALLOCATED_DEVICES] += sign * held[1]
    course.sums[DRAWN] += sign * held[2]
