"""The virtual clock: from event to event, each followed by one turn of the scheduling loops.

An event is the end of one job or the submission of one. At one instant ends come first, in the order in which those
jobs started, then submissions in the order of the trace. A turn after every single event, and not after all of an
instant, is what a scheduler does that reacts at once; it is also how the published figures for EASY on the logs of the
Parallel Workloads Archive were made.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from suanli.kernel.scheduling.core import lists
from suanli.kernel.scheduling.core.jit import compiled, entry
from suanli.kernel.scheduling.core.place import lift
from suanli.kernel.scheduling.core.tables import (
    ACTIVE,
    ARRAY,
    BY_NODES,
    DEVICE_HOLD,
    DEVICE_NEXT,
    HELD_CPU,
    HELD_SHARE,
    HOLD,
    NEED,
    NEVER,
    NEXT,
    RUNNING_SIZE,
    SHAPE,
    TASK_CPU,
    UNIT,
    WAITING_SIZE,
    Center,
    Ints,
)
from suanli.kernel.scheduling.core.turn import Rules, turn

SUBMITTED, ENDING, EVENTS = range(3)
"""Places in ``Course.at``: jobs submitted so far, jobs whose end is still to come, events so far."""

TIME, ALLOCATED_CPU, ALLOCATED_DEVICES, WAITING, RUNNING, WAITING_CPU = range(6)
"""Rows of ``Course.history``: microseconds, milli-cpus, thousandths of devices, jobs, jobs, milli-cpus."""


class Course(NamedTuple):
    """Where a replay stands. Jobs are rows of the center's and numbered in the order in which they are submitted.

    ``submitted_us``, ``runtime_us``, ``started_us``, ``ended_us`` [J]; ``ends`` [J] is a heap of running jobs by their
    true end, ``started`` [J] what the last turn started. ``history`` [6, 2 J] has the sums after each event's turn,
    ``sums`` [6] those now.
    """

    submitted_us: Ints
    runtime_us: Ints
    started_us: Ints
    ended_us: Ints
    ends: Ints
    started: Ints
    history: Ints
    sums: Ints
    at: Ints


def begin(submitted_us: Ints, runtime_us: Ints) -> Course:
    """A course before its first event."""
    jobs = submitted_us.size
    return Course(
        submitted_us,
        runtime_us,
        started_us=np.full(jobs, NEVER, dtype=np.int64),
        ended_us=np.full(jobs, NEVER, dtype=np.int64),
        ends=np.zeros(jobs, dtype=np.int64),
        started=np.zeros(jobs, dtype=np.int64),
        history=np.zeros((6, 2 * jobs), dtype=np.int64),
        sums=np.zeros(6, dtype=np.int64),
        at=np.zeros(3, dtype=np.int64),
    )


@entry
def advance(center: Center, course: Course, rules: Rules, events: int) -> int:
    """Live through at most so many events more and return how many there were; 0 when nothing is left to come."""
    at, count = course.at, 0
    while count < events:
        submission = course.submitted_us[at[SUBMITTED]] if at[SUBMITTED] < course.submitted_us.size else NEVER
        ending = course.ended_us[course.ends[0]] if at[ENDING] > 0 else NEVER
        now = min(submission, ending)
        if now == NEVER:
            break
        if ending == now:
            job = _pop(course)
            _add(course, _held(center, job), -1)
            _end(center, job)
        else:
            lists.enqueue(center, at[SUBMITTED])
            course.sums[WAITING_CPU] += _asked(center, at[SUBMITTED])
            at[SUBMITTED] += 1
        decided = turn(center, now, now, rules, course.started)
        for place in range(decided.started):
            job = course.started[place]
            course.started_us[job] = now
            course.ended_us[job] = now + course.runtime_us[job]
            _push(course, job)
            course.sums[WAITING_CPU] -= _asked(center, job)
            _add(course, _held(center, job), 1)
        _note(center, course, now)
        count += 1
    return count


@compiled
def _end(center: Center, job: int) -> None:
    lift(center, job)
    lists.end(center, job)
    center.bounds[center.jobs[job, ARRAY], ACTIVE] -= 1


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
def _held(center: Center, job: int) -> tuple[int, int]:
    """Milli-cpus and thousandths of devices that a job holds."""
    cpu = devices = 0
    column = center.jobs[job, HOLD]
    while column >= 0:
        cpu += center.holds[column, HELD_CPU]
        column = center.holds[column, NEXT]
    column = center.jobs[job, DEVICE_HOLD]
    while column >= 0:
        devices += center.device_holds[column, HELD_SHARE]
        column = center.device_holds[column, DEVICE_NEXT]
    return cpu, devices


@compiled
def _asked(center: Center, job: int) -> int:
    """Milli-cpus that a job asks for, all tasks together."""
    shapes, shape, need = center.shapes, center.jobs[job, SHAPE], center.jobs[job, NEED]
    return int(need * shapes[shape, TASK_CPU] * (shapes[shape, UNIT] if shapes[shape, BY_NODES] else 1))


@compiled
def _note(center: Center, course: Course, now: int) -> None:
    """Write down the sums after a turn."""
    row = course.at[EVENTS]
    course.history[:, row] = course.sums
    course.history[TIME, row] = now
    course.history[WAITING, row] = center.sizes[WAITING_SIZE]
    course.history[RUNNING, row] = center.sizes[RUNNING_SIZE]
    course.at[EVENTS] = row + 1


@compiled
def _add(course: Course, held: tuple[int, int], sign: int) -> None:
    course.sums[ALLOCATED_CPU] += sign * held[0]
    course.sums[ALLOCATED_DEVICES] += sign * held[1]
