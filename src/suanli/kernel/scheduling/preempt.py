"""Step 6: whose place the head may take: only preemptible work of strictly lower standing, no more than needed."""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.feasible import fit, holds
from suanli.kernel.scheduling.place import place
from suanli.kernel.scheduling.score import ScorePolicy
from suanli.kernel.scheduling.snapshot import Flags, Ints, Room, Snapshot


def victims(snapshot: Snapshot, room: Room, row: int, score: ScorePolicy) -> Ints:
    """Runs to end, by row, so that the waiting workload fits; none where that does not help or is not its right.

    A workload that is not preemptible itself may take the place of preemptible runs whose (queue priority, priority) is
    strictly lower. Those started last go first, since they lose least; then every one that turns out not to be needed
    is spared, longest-running first. While work that was asked to end makes the room, nobody else is asked.
    """
    demand = snapshot.demands[int(snapshot.waiting.demand[row])]
    candidates = _candidates(snapshot, row)
    leaving = snapshot.running.stopping > 0
    if not candidates.size or _suffices(snapshot, room, demand, leaving):
        return candidates[:0]
    count = _fewest(snapshot, room, demand, leaving, candidates)
    if not count:
        return candidates[:0]
    needed = _on_chosen_nodes(snapshot, room, demand, leaving, candidates[:count], score)
    for spared in needed[::-1]:
        others = needed[needed != spared]
        if _suffices(snapshot, room, demand, _with(leaving, others)):
            needed = others
    return needed


def _candidates(snapshot: Snapshot, row: int) -> Ints:
    waiting, running = snapshot.waiting, snapshot.running
    if waiting.preemptible[row]:
        return np.zeros(0, dtype=np.int64)
    queue, mine = snapshot.queue_priority[running.queue], snapshot.queue_priority[waiting.queue[row]]
    lower = (queue < mine) | ((queue == mine) & (running.priority < waiting.priority[row]))
    rows = np.flatnonzero((running.workload > 0) & (running.preemptible > 0) & (running.stopping == 0) & lower)
    return rows[np.lexsort((-running.workload[rows], -running.started_at[rows]))]


def _fewest(snapshot: Snapshot, room: Room, demand: Demand, leaving: Flags, candidates: Ints) -> int:
    """How many of the candidates, in order, must go; 0 where all of them would not do."""
    if not _suffices(snapshot, room, demand, _with(leaving, candidates)):
        return 0
    low, high = 1, candidates.size
    while low < high:
        middle = (low + high) // 2
        if _suffices(snapshot, room, demand, _with(leaving, candidates[:middle])):
            high = middle
        else:
            low = middle + 1
    return low


def _on_chosen_nodes(
    snapshot: Snapshot, room: Room, demand: Demand, leaving: Flags, candidates: Ints, score: ScorePolicy
) -> Ints:
    """Those of the candidates that hold something on the nodes the demand would then take."""
    freed = _freed(snapshot, room, _with(leaving, candidates))
    gang = place(snapshot.nodes, freed, fit(snapshot.nodes, freed, demand).tasks, demand, score)
    there = snapshot.holds.run[np.isin(snapshot.holds.node, gang.node) & (snapshot.holds.holders > 0)]
    return candidates[np.isin(candidates, there)]


def _with(leaving: Flags, rows: Ints) -> Flags:
    flags = leaving.copy()
    flags[rows] = True
    return flags


def _freed(snapshot: Snapshot, room: Room, leaving: Flags) -> Room:
    freed = room.copy()
    freed.shift(snapshot.holds.of(leaving), 1)
    return freed


def _suffices(snapshot: Snapshot, room: Room, demand: Demand, leaving: Flags) -> bool:
    return holds(snapshot.nodes, _freed(snapshot, room, leaving), demand)
