"""Who waits and who runs, kept in order: a search and one move of memory for each change."""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.copying import copy
from suanli.kernel.scheduling.core.jit import allocating, compiled
from suanli.kernel.scheduling.core.tables import Center, Floats, Ints


@compiled
def _goes_first(center: Center, one: int, other: int) -> bool:
    keys = center.keys
    for row in range(keys.shape[0]):
        if keys[row, one] != keys[row, other]:
            return bool(keys[row, one] < keys[row, other])
    return one < other


@compiled
def waiting(center: Center) -> tuple[Ints, Ints]:
    """Who waits, in order, and the kind of each: views."""
    first, last = center.sizes[t.FIRST], center.sizes[t.FIRST] + center.sizes[t.WAITING_SIZE]
    return center.lists[t.WAITING, first:last], center.lists[t.KIND_OF, first:last]


@compiled
def _place_in_queue(center: Center, job: int) -> int:
    queue, _ = waiting(center)
    low, high = 0, queue.size
    while low < high:
        middle = (low + high) // 2
        if _goes_first(center, queue[middle], job):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _insert(entries: Ints, size: int, place: int, entry: int) -> None:
    """Put an entry into a place of what has so many."""
    for moved in range(size, place, -1):
        entries[moved] = entries[moved - 1]
    entries[place] = entry


@compiled
def _delete(entries: Ints, left: int, place: int) -> None:
    """Take the entry out of a place; so many are left."""
    for moved in range(place, left):
        entries[moved] = entries[moved + 1]


@compiled
def enqueue(center: Center, job: int) -> None:
    """Let a job wait, at the place that its keys give it."""
    put_in(center, _place_in_queue(center, job), job)
    count_waiting(center, job, 1)


@compiled
def dequeue(center: Center, job: int) -> None:
    """Take a job, whose keys are as they were when it was enqueued, out of the queue."""
    take_out(center, _place_in_queue(center, job))
    count_waiting(center, job, -1)


@compiled
def put_in(center: Center, place: int, job: int) -> None:
    """Put a job into a place of the queue; the shorter part of the others moves, as far as there is room."""
    sizes, capacity = center.sizes, center.lists.shape[1]
    first, size = sizes[t.FIRST], sizes[t.WAITING_SIZE]
    goes_forward = first > 0 and (2 * place < size or first + size == capacity)
    here = first + place - int(goes_forward)
    for row in (t.WAITING, t.KIND_OF):
        entries = center.lists[row]
        if goes_forward:
            for moved in range(first - 1, here):
                entries[moved] = entries[moved + 1]
        else:
            for moved in range(first + size, here, -1):
                entries[moved] = entries[moved - 1]
    center.lists[t.WAITING, here], center.lists[t.KIND_OF, here] = job, center.jobs[job, t.KIND]
    sizes[t.FIRST] -= int(goes_forward)
    sizes[t.WAITING_SIZE] += 1


@compiled
def take_out(center: Center, place: int) -> None:
    """Take the job out of a place of the queue; the shorter part of the others moves."""
    sizes = center.sizes
    first, size = sizes[t.FIRST], sizes[t.WAITING_SIZE]
    goes_back = 2 * place < size
    for row in (t.WAITING, t.KIND_OF):
        entries = center.lists[row]
        if goes_back:
            for moved in range(first + place, first, -1):
                entries[moved] = entries[moved - 1]
        else:
            for moved in range(first + place, first + size - 1):
                entries[moved] = entries[moved + 1]
    sizes[t.FIRST] += int(goes_back)
    sizes[t.WAITING_SIZE] -= 1


@compiled
def count_waiting(center: Center, job: int, change: int) -> None:
    """Count one more or one less of the job's kind as waiting, or of those of its forms."""
    kind = center.jobs[job, t.KIND]
    if center.kinds[kind, t.OF_SHAPE] != t.NOBODY:
        _count_kind(center, kind, change)
        return
    while job != t.NOBODY:
        _count_kind(center, center.jobs[job, t.FORM_KIND], change)
        job = center.jobs[job, t.OTHER]


@compiled
def _count_kind(center: Center, kind: int, change: int) -> None:
    before = center.kinds[kind, t.WAITING_OF]
    center.kinds[kind, t.WAITING_OF] = before + change
    if before == 0 or before + change == 0:
        center.sizes[t.KINDS] += change


@compiled
def sort_waiting(center: Center) -> None:
    """Put the queue into order after first keys changed; equal ones keep the order of jobs."""
    queue, kind_of = waiting(center)
    _sort(queue, center.keys[0])
    for place in range(queue.size):
        kind_of[place] = center.jobs[queue[place], t.KIND]


@allocating
def _sort(entries: Ints, key_of: Floats) -> None:
    """Sort entries by their keys, equal ones by themselves."""
    entries.sort()
    keys = np.empty(entries.size)
    for place in range(keys.size):
        keys[place] = key_of[entries[place]]
    sort_by(entries, keys, keys.size)


_SINGLE = 8
"""As many are better put among others one after the other."""
_FEW = 4
"""Different keys that are looked for one after the other before everything is sorted."""


@allocating
def sort_by(entries: Ints, keys: Floats, wanted: int) -> None:
    """Sort entries by their keys, smaller first, equal ones in their order; only the first ``wanted`` must be right.

    Keys are often few (which nodes are free now, and which are not); then a pass for each key costs less than a sort.
    """
    if _is_sorted(keys):
        return
    before, done, least = entries.copy(), 0, -np.inf
    for _ in range(_FEW):
        least = _next_key(keys, least)
        done = _copy_key(entries, done, before, keys, least)
        if done >= wanted:
            break
    if done < wanted:
        order = np.argsort(keys, kind="mergesort")
        for place in range(order.size):
            entries[place] = before[order[place]]
        return
    for place in range(keys.size):
        if keys[place] > least:
            entries[done] = before[place]
            done += 1


@compiled
def _is_sorted(keys: Floats) -> bool:
    for place in range(1, keys.size):
        if keys[place] < keys[place - 1]:
            return False
    return True


@compiled
def _next_key(keys: Floats, floor: float) -> float:
    least = np.inf
    for place in range(keys.size):
        if floor < keys[place] < least:
            least = keys[place]
    return least


@compiled
def _copy_key(entries: Ints, done: int, before: Ints, keys: Floats, key: float) -> int:
    for place in range(keys.size):
        if keys[place] == key:
            entries[done] = before[place]
            done += 1
    return done


@compiled
def _place_in_running(center: Center, job: int) -> int:
    jobs, low, high = center.jobs, 0, center.sizes[t.RUNNING_SIZE]
    end_us = jobs[job, t.END]
    while low < high:
        middle = (low + high) // 2
        other = center.lists[t.RUNNING, middle]
        if jobs[other, t.END] < end_us or (jobs[other, t.END] == end_us and other < job):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def start(center: Center, job: int) -> None:
    """Put a job among those that run, at the place that its end gives it."""
    _insert(center.lists[t.RUNNING], center.sizes[t.RUNNING_SIZE], _place_in_running(center, job), job)
    center.sizes[t.RUNNING_SIZE] += 1
    center.sizes[t.PREEMPTIBLES] += center.jobs[job, t.PREEMPTIBLE]


@compiled
def start_all(center: Center, started: Ints) -> None:
    """Put jobs among those that run; of many this costs less than one after the other."""
    if started.size <= _SINGLE:
        for place in range(started.size):
            start(center, started[place])
        return
    jobs = center.lists[t.LIFTED, : started.size]
    copy(jobs, started)
    _sort_by_end(jobs, center.jobs)
    running, size, place = center.lists[t.RUNNING], center.sizes[t.RUNNING_SIZE], jobs.size - 1
    center.sizes[t.RUNNING_SIZE] += jobs.size
    while place >= 0:
        if size > 0 and _ends_later(center.jobs, running[size - 1], jobs[place]):
            running[size + place] = running[size - 1]
            size -= 1
        else:
            running[size + place] = jobs[place]
            center.sizes[t.PREEMPTIBLES] += center.jobs[jobs[place], t.PREEMPTIBLE]
            place -= 1


@compiled
def _ends_later(jobs: Ints, one: int, other: int) -> bool:
    if jobs[one, t.END] != jobs[other, t.END]:
        return bool(jobs[one, t.END] > jobs[other, t.END])
    return one > other


@allocating
def _sort_by_end(entries: Ints, jobs: Ints) -> None:
    entries.sort()
    keys = np.empty(entries.size)
    for place in range(keys.size):
        keys[place] = jobs[entries[place], t.END]
    sort_by(entries, keys, keys.size)


@compiled
def end(center: Center, job: int) -> None:
    """Take a job, whose end is as it was when it started, away from those that run."""
    place = _place_in_running(center, job)
    center.sizes[t.RUNNING_SIZE] -= 1
    _delete(center.lists[t.RUNNING], center.sizes[t.RUNNING_SIZE], place)
    center.sizes[t.PREEMPTIBLES] -= center.jobs[job, t.PREEMPTIBLE]
