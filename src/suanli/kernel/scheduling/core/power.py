"""The power cap: what running work is expected to draw beyond idling, in the center as a whole, never exceeds it.

Work is let in by the most that it can draw wherever it is placed, and counted by what its place draws. For the first
that lacks power it is kept, as nodes are (EASY): work behind may run past the reserved start only if enough is left.
All amounts are milliwatts.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.tables import Center


@compiled
def drawn(center: Center, job: int) -> int:
    """What a job is expected to draw by what it holds, each hold rounded up; 0 of what is not known."""
    draws, holds, held, total = center.draws, center.holds, center.device_holds, 0
    row = center.jobs[job, t.HOLD]
    while row >= 0:
        total += _part(draws[holds[row, t.HELD_NODE], 0], holds[row, t.HELD_CPU])
        row = holds[row, t.NEXT]
    row = center.jobs[job, t.DEVICE_HOLD]
    while row >= 0:
        total += _part(draws[held[row, t.DEVICE_NODE], 1 + held[row, t.POSITION]], held[row, t.HELD_SHARE])
        row = held[row, t.DEVICE_NEXT]
    return total


@compiled
def _part(whole: int, thousandths: int) -> int:
    return int(-(-whole * thousandths // t.WHOLE))


@compiled
def weigh(center: Center, job: int) -> None:
    """Note what a job draws that holds its place; nothing where there is no cap."""
    center.jobs[job, t.DRAW] = drawn(center, job) if center.sizes[t.POWER_CAP] < t.NEVER else 0


@compiled
def lacks(center: Center, job: int) -> bool:
    """Tell whether a waiting job could draw more than the cap leaves now; who draws nothing never lacks it."""
    sizes = center.sizes
    return bool(
        center.kinds[center.jobs[job, t.FORM_KIND], t.DRAWS] > max(sizes[t.POWER_CAP] - sizes[t.POWER_IN_USE], 0)
    )


@compiled
def would_take(center: Center, job: int, instant: int) -> bool:
    """Tell whether a waiting job that starts at an instant could take of what is kept for another."""
    sizes, jobs = center.sizes, center.jobs
    if instant + jobs[job, t.LIMIT] <= sizes[t.POWER_KEPT_FROM]:
        return False
    return bool(center.kinds[jobs[job, t.FORM_KIND], t.DRAWS] > max(sizes[t.POWER_SPARE], 0))


@compiled
def most_more(center: Center, job: int, beside: bool) -> int:
    """How many tasks (or nodes) more than it needs a job may have, each counted as one of those.

    ``beside`` where it would have them past the start that is reserved for another.
    """
    sizes, draws = center.sizes, center.kinds[center.jobs[job, t.FORM_KIND], t.DRAWS]
    if draws == 0:
        return t.NEVER
    left = sizes[t.POWER_CAP] - sizes[t.POWER_IN_USE]
    if beside:
        left = min(left, sizes[t.POWER_SPARE])
    return int((left - draws) // -(-draws // center.jobs[job, t.NEED]))


@compiled
def powered_from(center: Center, job: int, now: int, soon: int, beside: int) -> int:
    """The first instant at which running work leaves what a waiting job could draw, and so much beside it.

    NEVER if there is none. Work past its expected end is taken to end at the instant ``soon``.
    """
    sizes, jobs, running = center.sizes, center.jobs, center.lists[t.RUNNING]
    free, wanted = sizes[t.POWER_CAP] - sizes[t.POWER_IN_USE], center.kinds[jobs[job, t.FORM_KIND], t.DRAWS] + beside
    if wanted <= max(free, 0):
        return now
    size, place, late = sizes[t.RUNNING_SIZE], 0, 0
    while place < size and jobs[running[place], t.END] <= now:
        late += jobs[running[place], t.DRAW]
        place += 1
    while free < wanted:
        end = jobs[running[place], t.END] if place < size else t.NEVER
        if late > 0 and soon <= end:
            free, late = free + late, 0
            if free >= wanted:
                return soon
        if end >= t.NEVER:
            return t.NEVER
        free += jobs[running[place], t.DRAW]
        place += 1
    return int(jobs[running[place - 1], t.END])


@compiled
def keep(center: Center, job: int, start: int, times: tuple[int, int]) -> None:
    """Keep what a waiting job could draw from its reserved start on.

    ``times`` are the present, and when work past its expected end is taken to end.
    """
    sizes, jobs, running = center.sizes, center.jobs, center.lists[t.RUNNING]
    if sizes[t.POWER_CAP] >= t.NEVER:
        return
    free = sizes[t.POWER_CAP] - sizes[t.POWER_IN_USE]
    for place in range(sizes[t.RUNNING_SIZE]):
        end = jobs[running[place], t.END]
        if end > start:
            break
        if end > times[0] or times[1] <= start:
            free += jobs[running[place], t.DRAW]
    sizes[t.POWER_KEPT_FROM], sizes[t.POWER_SPARE] = start, free - center.kinds[jobs[job, t.FORM_KIND], t.DRAWS]


@compiled
def keep_none(center: Center) -> None:
    """Keep nothing for anybody."""
    center.sizes[t.POWER_KEPT_FROM] = center.sizes[t.POWER_SPARE] = t.NEVER


@compiled
def take(center: Center, job: int, now: int) -> None:
    """Let a job that starts now have what it draws of what is spare at the reserved start, if it runs past that."""
    if now + center.jobs[job, t.LIMIT] > center.sizes[t.POWER_KEPT_FROM]:
        center.sizes[t.POWER_SPARE] -= center.jobs[job, t.DRAW]
