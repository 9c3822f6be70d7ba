"""Licenses: so many in the center, on whatever nodes. For who waits for one it is kept, as nodes are (EASY).

The first in order that lacks a license gets it kept from the instant at which running work leaves enough, and so does
the head that has nodes kept. Work behind may take of it only if it ends before, or leaves enough at that instant.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.outlook import due_by
from suanli.kernel.scheduling.core.tables import Center


@compiled
def first_lacking(center: Center, job: int, instant: int) -> int:
    """The first license that a job lacks now, or would take from whom it is kept for, at an instant; -1: none."""
    licenses, asks = center.licenses, center.jobs[job, t.ASKS]
    for row in range(licenses.shape[0]):
        asked = center.asks[asks, t.AMOUNTS + row]
        if asked > 0 and asked > licenses[row, t.TOTAL] - licenses[row, t.IN_USE]:
            return row
    return first_kept(center, job, instant)


@compiled
def first_kept(center: Center, job: int, instant: int) -> int:
    """The first license that is kept for another, who would lack it if a job had it from an instant on; -1: none."""
    licenses, asks = center.licenses, center.jobs[job, t.ASKS]
    for row in range(licenses.shape[0]):
        asked = center.asks[asks, t.AMOUNTS + row]
        if asked > 0 and asked > licenses[row, t.SPARE] and _would_stay(center, job, row, instant):
            return row
    return t.NOBODY


@compiled
def _would_stay(center: Center, job: int, row: int, instant: int) -> bool:
    """Tell whether a job that starts at an instant has a license still when it is kept for another."""
    kept = center.licenses[row]
    if kept[t.KEPT_TURN] != center.sizes[t.TURN] or kept[t.KEPT_FOR] == job:
        return False
    return bool(instant + center.jobs[job, t.LIMIT] > kept[t.KEPT_FROM])


@compiled
def must_wait(center: Center, job: int, now: int, soon: int) -> bool:
    """Tell whether a job lacks a license; the first that lacks one gets what it asks for kept."""
    if center.licenses.shape[0] == 0:
        return False
    if first_lacking(center, job, now) < 0:
        return False
    if not _is_kept_any(center, job):
        start = licensed_from(center, job, now, soon)
        if start < t.NEVER:
            keep(center, job, start, (now, soon))
    return True


@compiled
def _is_kept_any(center: Center, job: int) -> bool:
    licenses, asks = center.licenses, center.jobs[job, t.ASKS]
    for row in range(licenses.shape[0]):
        if center.asks[asks, t.AMOUNTS + row] > 0 and licenses[row, t.KEPT_TURN] == center.sizes[t.TURN]:
            return True
    return False


@compiled
def licensed_from(center: Center, job: int, now: int, soon: int) -> int:
    """The first instant at which running work leaves all licenses that a job asks for, NEVER if there is none.

    Work past its expected end is taken to end at the instant ``soon``.
    """
    jobs, running, size, licenses = center.jobs, center.lists[t.RUNNING], center.sizes[t.RUNNING_SIZE], center.licenses
    for row in range(licenses.shape[0]):
        licenses[row, t.THEN] = licenses[row, t.TOTAL] - licenses[row, t.IN_USE]
    late, instant = due_by(jobs, running[:size], now), now
    overdue, due = 0, late
    while not _suffices_then(center, job):
        if overdue < late and (due == size or soon <= jobs[running[due], t.END]):
            instant = soon
            _leave_then(center, running[overdue])
            overdue += 1
        elif due < size and jobs[running[due], t.END] < t.NEVER:
            instant = jobs[running[due], t.END]
            _leave_then(center, running[due])
            due += 1
        else:
            return t.NEVER
    return int(instant)


@compiled
def _suffices_then(center: Center, job: int) -> bool:
    asks = center.jobs[job, t.ASKS]
    for row in range(center.licenses.shape[0]):
        asked = center.asks[asks, t.AMOUNTS + row]
        if asked > 0 and asked > center.licenses[row, t.THEN]:
            return False
    return True


@compiled
def _leave_then(center: Center, job: int) -> None:
    asks = center.jobs[job, t.ASKS]
    for row in range(center.licenses.shape[0]):
        center.licenses[row, t.THEN] += center.asks[asks, t.AMOUNTS + row]


@compiled
def keep(center: Center, job: int, start: int, times: tuple[int, int]) -> None:
    """Keep the licenses that a waiting job asks for from an instant on, beside what is kept of them before.

    ``times`` are the present, and when work past its expected end is taken to end.
    """
    licenses, asks = center.licenses, center.jobs[job, t.ASKS]
    for row in range(licenses.shape[0]):
        asked = center.asks[asks, t.AMOUNTS + row]
        if asked == 0:
            continue
        kept = licenses[row]
        if kept[t.KEPT_TURN] != center.sizes[t.TURN]:
            kept[t.KEPT_TURN], kept[t.KEPT_FROM], kept[t.KEPT_FOR] = center.sizes[t.TURN], start, job
            kept[t.SPARE] = _free_at(center, row, start, times)
        elif start < kept[t.KEPT_FROM]:
            kept[t.SPARE] -= _free_at(center, row, kept[t.KEPT_FROM], times) - _free_at(center, row, start, times)
            kept[t.KEPT_FROM] = start
        kept[t.SPARE] -= asked


@compiled
def _free_at(center: Center, row: int, instant: int, times: tuple[int, int]) -> int:
    """How many of a license running work has left by an instant."""
    jobs, running, size = center.jobs, center.lists[t.RUNNING], center.sizes[t.RUNNING_SIZE]
    free = center.licenses[row, t.TOTAL] - center.licenses[row, t.IN_USE]
    for place in range(size):
        end = jobs[running[place], t.END]
        if end > instant:
            break
        if end > times[0] or times[1] <= instant:
            free += center.asks[jobs[running[place], t.ASKS], t.AMOUNTS + row]
    return int(free)


@compiled
def take(center: Center, job: int, now: int) -> None:
    """Let a job that starts now have what it asks for of what is spare when licenses are kept for others."""
    licenses, asks = center.licenses, center.jobs[job, t.ASKS]
    for row in range(licenses.shape[0]):
        asked = center.asks[asks, t.AMOUNTS + row]
        if asked > 0 and _would_stay(center, job, row, now):
            licenses[row, t.SPARE] -= asked
