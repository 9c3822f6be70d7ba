"""When one waiting job may start: the first instant at which it fits beside running work and the head's reservation.

All that runs is taken to run to its planned end. Before the head's start the job must be gone by then or leave free
what the head will take; from then on the head holds its nodes for as long as it may run.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import licensing, power
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.copying import copy
from suanli.kernel.scheduling.core.feasible import count, holdable, refresh, tasks_on, weight
from suanli.kernel.scheduling.core.jit import compiled, entry
from suanli.kernel.scheduling.core.outlook import due_by
from suanli.kernel.scheduling.core.place import shift, shift_chains
from suanli.kernel.scheduling.core.reserve import lift_for, meet_kept, meet_node, three_devices
from suanli.kernel.scheduling.core.tables import Center
from suanli.kernel.scheduling.core.windows import next_opening, see_at

_AHEAD, _THERE, _GONE, _ALL = range(4)
"""Where the head stands at an instant: it has not started, it holds its nodes, it has ended; it begins just then."""


@entry
def startable(center: Center, job: int, policy: int) -> bool:
    """Tell whether there is room for all of a job now."""
    refresh(center, center.jobs[job, t.SHAPE], policy)
    return holdable(center.total, center.jobs[job, t.SHAPE], center.jobs[job, t.NEED])


@entry
def lacking(center: Center, job: int, now: int) -> int:
    """The first license that a job lacks now, or that is kept for another; -1 where there is none."""
    return licensing.first_lacking(center, job, now)


@entry
def foresee(center: Center, job: int, now: int, soon: int, head: int, head_start: int, policy: int) -> int:
    """The start of a job that waits and is not the head, NEVER where none can be foreseen.

    -1 where it would then take a license from whom it is kept for.

    ``head`` (-1: nobody) must be the one whose reservation the tables keep. Work past its expected end is taken to end
    at the instant ``soon``.
    """
    jobs, running, lifted = center.jobs, center.lists[t.RUNNING], center.lists[t.LIFTED]
    shape = jobs[job, t.SHAPE]
    refresh(center, shape, policy)
    # Put back as they are, without judging every node once more.
    copy(center.row, center.tasks[shape])
    copy(center.spare[1], center.total[shape])
    kept_off, within, limit = center.shapes[shape, t.KEPT_OFF], center.shapes[shape, t.WITHIN], jobs[job, t.LIMIT]
    size, head_end = center.sizes[t.RUNNING_SIZE], t.NEVER
    if head != t.NOBODY:
        head_end = min(head_start + jobs[head, t.LIMIT], t.NEVER)
    late, stage = due_by(jobs, running[:size], now), _GONE if head == t.NOBODY else _AHEAD
    off, overdue, due, instant = 0, 0, late, now
    # Licenses and power are left by ends alone, so that the first instant that has enough is one met here.
    least = _least(center, job, (now, soon), head)
    while instant < t.NEVER and (instant < least[stage] or not _fits(center, job, instant, head_start, stage)):
        former, instant = instant, head_start if stage == _AHEAD else head_end if stage == _THERE else t.NEVER
        instant = min(instant, next_opening(center, shape, former))
        if overdue < late:
            instant = min(instant, soon)
        if due < size:
            instant = min(instant, jobs[running[due], t.END])
        if stage == _AHEAD and instant >= head_start:
            if center.shapes[shape, t.PARTED]:
                # Bits of slices tell what is free only once those are gone that the head takes over from others.
                off, overdue, due = _let_end(center, job, (off, overdue, due, late), (instant, soon, head_start), _ALL)
            _lay_head(center, shape, -1)
            stage = _THERE
        if stage == _THERE and head_end <= instant < t.NEVER:
            _lay_head(center, shape, 1)
            stage = _GONE
        if instant < t.NEVER:
            see_at(center, shape, limit, instant)
        off, overdue, due = _let_end(center, job, (off, overdue, due, late), (instant, soon, head_start), stage)
    if stage == _THERE:
        _lay_head(center, shape, 1)
    for place in range(off - 1, -1, -1):
        shift(center, center.nodes, center.devices, lifted[place], -1)
    center.shapes[shape, t.KEPT_OFF], center.shapes[shape, t.WITHIN] = kept_off, within
    copy(center.tasks[shape], center.row)
    copy(center.total[shape], center.spare[1])
    if head != t.NOBODY:
        meet_kept(center)
    return instant if instant >= t.NEVER or licensing.first_kept(center, job, instant) < 0 else t.NOBODY


@compiled
def _least(center: Center, job: int, times: tuple[int, int], head: int) -> tuple[int, int, int]:
    """From when on a job may have licenses and power, by where the head then stands."""
    licensed = licensing.licensed_from(center, job, times[0], times[1])
    alone = max(licensed, power.powered_from(center, job, times[0], times[1], 0))
    if head == t.NOBODY:
        return alone, alone, alone
    of_head = center.kinds[center.jobs[head, t.FORM_KIND], t.DRAWS]
    return alone, max(licensed, power.powered_from(center, job, times[0], times[1], of_head)), alone


@compiled
def _let_end(
    center: Center, job: int, counts: tuple[int, int, int, int], times: tuple[int, int, int], stage: int
) -> tuple[int, int, int]:
    """Take off the nodes what ends by an instant, until the job fits.

    More room never takes away a place, so of many ends at one instant only as many are looked at as are needed.
    ``counts`` are how many are off, how many of those past their ends and of all have ended, and how many are past
    their ends; ``times`` are the instant, when work past its end ends, and the head's start. The first three counts
    are returned as they are then. Where the stage is ``_ALL``, all end whether it fits or not.
    """
    jobs, running, size = center.jobs, center.lists[t.RUNNING], center.sizes[t.RUNNING_SIZE]
    shape, need, is_asked = jobs[job, t.SHAPE], jobs[job, t.NEED], False
    off, overdue, due, late = counts
    instant, soon, head_start = times
    while (overdue < late and soon <= instant) or (due < size and jobs[running[due], t.END] <= instant < t.NEVER):
        if overdue < late and soon <= instant:
            off += lift_for(center, running[overdue], shape, off)
            overdue += 1
        else:
            off += lift_for(center, running[due], shape, off)
            due += 1
        if stage != _ALL and not is_asked and holdable(center.total, shape, need):
            is_asked = True
            if _fits(center, job, instant, head_start, stage):
                break
    return off, overdue, due


@compiled
def _fits(center: Center, job: int, instant: int, head_start: int, stage: int) -> bool:
    shape, need = center.jobs[job, t.SHAPE], center.jobs[job, t.NEED]
    if not holdable(center.total, shape, need):
        return False
    if stage != _AHEAD or instant + center.jobs[job, t.LIMIT] <= head_start:
        return True
    if power.would_take(center, job, instant):
        return False
    return _fits_beside(center, shape, need)


@compiled
def _fits_beside(center: Center, shape: int, need: int) -> bool:
    """Tell whether there is room for the need beside what the head will take, as the nodes are now."""
    nodes, devices = (center.nodes, center.then_nodes, center.both_nodes), three_devices(center)
    beside = center.beside[shape]
    copy(beside, center.total[shape])
    for place in range(center.sizes[t.KEPT_SIZE]):
        node = center.scratch[t.KEPT, place]
        meet_node(nodes, devices, node)
        tasks, _ = tasks_on(center.both_nodes, center.both_devices, center.shapes, shape, node)
        lost = weight(center.shapes, shape, center.tasks[shape, node]) - weight(center.shapes, shape, tasks)
        beside[center.nodes[node, t.ENGINE]] -= lost
    return holdable(center.beside, shape, need)


@compiled
def _lay_head(center: Center, shape: int, sign: int) -> None:
    """Take what is reserved for the head (-1) or give it back (1), under the eyes of one shape alone."""
    nodes, devices, sizes = center.nodes, center.devices, center.sizes
    shift_chains(center, nodes, devices, (sizes[t.HEAD_HOLD], sizes[t.HEAD_DEVICE_HOLD]), sign)
    for place in range(sizes[t.KEPT_SIZE]):
        node = center.scratch[t.KEPT, place]
        count(nodes, devices, center.shapes, center.tasks[shape], center.total[shape], shape, node)
