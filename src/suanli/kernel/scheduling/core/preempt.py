"""Step 6: whose place the head may take: only preemptible work of strictly lower standing, no more than needed.

The standing is what the first two keys say: the queue's priority, then the work's own. Those started last go first,
since they lose least; then every one that turns out not to be needed is spared, longest-running first. While work that
was asked to end makes the room, nobody else is asked.
"""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core import lists
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.copying import copy
from suanli.kernel.scheduling.core.feasible import holdable
from suanli.kernel.scheduling.core.jit import allocating, compiled
from suanli.kernel.scheduling.core.place import choose
from suanli.kernel.scheduling.core.reserve import move
from suanli.kernel.scheduling.core.tables import Center, Floats, Ints


@compiled
def preempt(center: Center, job: int) -> None:
    """Let running work leave, as far as that makes room for a waiting job whose shape is up to date.

    Nothing changes where it does not help or is not the job's right.
    """
    if center.jobs[job, t.PREEMPTIBLE] or not center.sizes[t.PREEMPTIBLES]:
        return
    shape, need = center.jobs[job, t.SHAPE], center.jobs[job, t.NEED]
    candidates = center.lists[t.BEHIND, : _find_candidates(center, job)]
    if not candidates.size:
        return
    busy = center.busy
    for node in range(busy.size):
        # Of nodes that would do, those with the most room already.
        busy[node] = -center.tasks[shape, node]
    leaving = _lift_leaving(center, shape)
    victims = 0 if holdable(center.total, shape, need) else _fewest(center, shape, need, candidates)
    for place in range(victims):
        move(center, candidates[place], -1, shape)
    _put_back(center, shape, leaving)
    for place in range(victims):
        _let_leave(center, candidates[place])


@compiled
def leaving_suffices(center: Center, job: int) -> bool:
    """Tell whether there is room for a job, whose shape is up to date, once all has left that was asked to."""
    shape = center.jobs[job, t.SHAPE]
    leaving = _lift_leaving(center, shape)
    suffices = holdable(center.total, shape, center.jobs[job, t.NEED])
    _put_back(center, shape, leaving)
    return suffices


@compiled
def _lift_leaving(center: Center, shape: int) -> int:
    """Take off the nodes all that was asked to leave, under the eyes of one shape; how many that is."""
    running, lifted, leaving = center.lists[t.RUNNING], center.lists[t.LIFTED], 0
    while leaving < center.sizes[t.RUNNING_SIZE] and center.jobs[running[leaving], t.END] == t.LEAVES:
        lifted[leaving] = running[leaving]
        move(center, running[leaving], 1, shape)
        leaving += 1
    return leaving


@compiled
def _put_back(center: Center, shape: int, leaving: int) -> None:
    for place in range(leaving):
        move(center, center.lists[t.LIFTED, place], -1, shape)


@compiled
def _find_candidates(center: Center, job: int) -> int:
    """Write down running work whose place the job may take, that which started last in front; how many there is."""
    jobs, keys, running = center.jobs, center.keys, center.lists[t.RUNNING]
    found, count, standing = center.lists[t.BEHIND], 0, (keys[0, job], keys[1, job])
    for place in range(center.sizes[t.RUNNING_SIZE]):
        run = running[place]
        lower = (keys[0, run], keys[1, run]) > standing
        if lower and jobs[run, t.PREEMPTIBLE] and jobs[run, t.END] != t.LEAVES:
            found[count] = run
            count += 1
    _sort(found[:count], keys, jobs)
    return count


@allocating
def _sort(found: Ints, keys: Floats, jobs: Ints) -> None:
    order, count = np.empty(found.size), found.size
    for place in range(count):
        order[place] = -keys[keys.shape[0] - 1, found[place]]
    lists.sort_by(found, order, count)
    for place in range(count):
        order[place] = -jobs[found[place], t.STARTED]
    lists.sort_by(found, order, count)


@compiled
def _fewest(center: Center, shape: int, need: int, candidates: Ints) -> int:
    """Put in front of the candidates those that must go, take them off the nodes, and return how many they are.

    None is taken off where all of them would not make the room.
    """
    count = 0
    while count < candidates.size and not holdable(center.total, shape, need):
        move(center, candidates[count], 1, shape)
        count += 1
    if holdable(center.total, shape, need):
        return _spare(center, shape, need, candidates, _on_chosen_nodes(center, shape, need, candidates, count))
    for place in range(count):
        move(center, candidates[place], -1, shape)
    return 0


@compiled
def _on_chosen_nodes(center: Center, shape: int, need: int, candidates: Ints, count: int) -> int:
    """Keep those that hold something of the nodes that the need would then take, and put the others back."""
    chosen, kept = center.row, 0
    nodes = choose(center, shape, need, center.tasks[shape], center.busy)
    chosen[:] = 0
    for place in range(nodes):
        chosen[center.scratch[t.CHOSEN, place]] = 1
    for place in range(count):
        run, is_there = candidates[place], False
        row = center.jobs[run, t.HOLD]
        while row >= 0:
            is_there |= chosen[center.holds[row, t.HELD_NODE]] == 1
            row = center.holds[row, t.NEXT]
        if is_there:
            candidates[kept] = run
            kept += 1
        else:
            move(center, run, -1, shape)
    return kept


@compiled
def _spare(center: Center, shape: int, need: int, candidates: Ints, count: int) -> int:
    """Put back every one without which there is room all the same."""
    for place in range(count - 1, -1, -1):
        run = candidates[place]
        move(center, run, -1, shape)
        if holdable(center.total, shape, need):
            count -= 1
            copy(candidates[place:count], candidates[place + 1 : count + 1])
        else:
            move(center, run, 1, shape)
    return count


@compiled
def _let_leave(center: Center, job: int) -> None:
    lists.end(center, job)
    center.jobs[job, t.END] = t.LEAVES
    lists.start(center, job)
    center.lists[t.LEAVING, center.sizes[t.LEAVING_SIZE]] = job
    center.sizes[t.LEAVING_SIZE] += 1
