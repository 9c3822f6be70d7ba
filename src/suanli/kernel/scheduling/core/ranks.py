"""The queue while a turn goes through it: in another order behind the head, and without those that started."""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core import lists
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import allocating, compiled
from suanli.kernel.scheduling.core.tables import Center, Ints


@compiled
def behind(center: Center, place: int) -> tuple[Ints, Ints]:
    """The queue with what is behind a place sorted by limit, and the kinds; in front of the place they say nothing."""
    waiting, _ = lists.waiting(center)
    queue, kind_of, size = center.lists[t.BEHIND], center.lists[t.KIND_BEHIND], waiting.size
    for entry in range(place, size):
        queue[entry] = waiting[entry]
    _sort(queue[place:size], center.jobs)
    for entry in range(place, size):
        kind_of[entry] = center.jobs[queue[entry], t.KIND]
    return queue[:size], kind_of[:size]


_FEW = 8
"""As many are better taken out of the queue one after the other: often they stand near its front."""


@allocating
def _sort(entries: Ints, jobs: Ints) -> None:
    """Sort by limit."""
    keys = np.empty(entries.size)
    for place in range(keys.size):
        keys[place] = jobs[entries[place], t.LIMIT]
    lists.sort_by(entries, keys, keys.size)


@compiled
def close_ranks(center: Center, count: int, are_mixed: bool) -> None:
    """Take so many that started out of the queue; ``are_mixed`` where ``LEFT`` does not say from where."""
    if are_mixed:
        _find_left(center)
    queue, kind_of = lists.waiting(center)
    left, gone = center.lists[t.LEFT], center.lists[t.BEHIND]
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
    center.sizes[t.WAITING_SIZE] -= count


@compiled
def open_ranks(center: Center, count: int) -> None:
    """Put those that started in this turn, so many, back into the places of the queue that they left."""
    left, gone = center.lists[t.LEFT], center.lists[t.BEHIND]
    for row in range(count):
        lists.count_waiting(center, gone[row], 1)
    if count <= _FEW:
        for row in range(count):
            lists.put_in(center, left[row], gone[row])
        return
    center.sizes[t.WAITING_SIZE] += count
    queue, kind_of = lists.waiting(center)
    end = queue.size
    for row in range(count - 1, -1, -1):
        for place in range(end - 1, left[row], -1):
            queue[place] = queue[place - row - 1]
            kind_of[place] = kind_of[place - row - 1]
        end = left[row]
        queue[end], kind_of[end] = gone[row], center.jobs[gone[row], t.KIND]


@compiled
def _has_started(center: Center, job: int) -> bool:
    """Tell whether a job of the queue holds something, in whatever form."""
    has_forms = center.kinds[center.jobs[job, t.KIND], t.OF_SHAPE] == t.NOBODY
    while job != t.NOBODY and center.jobs[job, t.HOLD] == t.NOBODY:
        job = center.jobs[job, t.OTHER] if has_forms else t.NOBODY
    return bool(job != t.NOBODY)


@compiled
def _find_left(center: Center) -> None:
    """Write down which places of the queue have a job that started: it now holds something."""
    queue, _ = lists.waiting(center)
    count = 0
    for place in range(queue.size):
        if _has_started(center, queue[place]):
            center.lists[t.LEFT, count] = place
            count += 1
