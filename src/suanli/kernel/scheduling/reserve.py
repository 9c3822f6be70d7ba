"""Step 5: what is free when. The head that cannot start gets the earliest instant at which it can (EASY backfill).

EASY as in D. Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995: work behind the head may start only if it cannot
delay the head's reserved start, that is, if it ends before it, or leaves free what the head will take.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.feasible import fit, holds
from suanli.kernel.scheduling.place import Gang, place
from suanli.kernel.scheduling.score import ScorePolicy
from suanli.kernel.scheduling.snapshot import NEVER, Flags, Holds, Ints, Nodes, Room, Running


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is free now, and which holds end when: ``ends`` by run, ``instants`` those to come, in order."""

    room: Room
    holds: Holds
    ends: Ints
    instants: Ints

    def room_at(self, instant: int) -> Room:
        """What will be free at an instant if nothing else starts."""
        room = self.room.copy()
        room.shift(self.holds.of(self.ends <= instant), 1)
        return room


@dataclass(frozen=True, slots=True)
class Reserved:
    """From ``start`` on the gang is kept free; ``room`` is what is free then beside it."""

    row: int
    start: int
    gang: Gang
    room: Room


def ends_of(running: Running, leaving: Flags, now: int, soon: int) -> Ints:
    """When each run is taken to end: work past its end and work asked to leave at the instant ``soon``."""
    ends = np.where(leaving | (running.stopping > 0) | (running.expected_end <= now), soon, running.expected_end)
    return np.where(running.workload > 0, ends, NEVER)


def timeline(room: Room, running: tuple[Holds, Ints], planned: Sequence[tuple[Gang, int]]) -> Timeline:
    """From what is free beside all of them: running holds with their ends, and gangs of this plan with theirs."""
    parts, ends = [running[0]], [running[1]]
    for place_in_plan, (gang, end) in enumerate(planned):
        run = running[1].size + place_in_plan
        columns = [getattr(gang.holds, field.name) for field in fields(Holds)]
        columns[0], columns[6] = np.full_like(columns[0], run), np.full_like(columns[6], run)
        parts.append(Holds(*columns))
        ends.append(np.array([end], dtype=np.int64))
    joined = Holds(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Holds)))
    all_ends = np.concatenate(ends)
    return Timeline(room, joined, all_ends, np.unique(all_ends[all_ends < NEVER]))


def first_instant(nodes: Nodes, demand: Demand, instants: Ints, room_at: Callable[[int], Room]) -> int | None:
    """The first of the instants at which the demand can be held, None where at none.

    Room must not shrink from one instant to the next.
    """
    if not instants.size or not holds(nodes, room_at(int(instants[-1])), demand):
        return None
    found = bisect_left(instants, 1, key=lambda instant: int(holds(nodes, room_at(int(instant)), demand)))
    return int(instants[found])


def reserve(nodes: Nodes, times: Timeline, row: int, demand: Demand, score: ScorePolicy) -> Reserved | None:
    """The earliest reservation for a demand that cannot be held now; None where no start can be foreseen."""
    start = first_instant(nodes, demand, times.instants, times.room_at)
    if start is None:
        return None
    room = times.room_at(start)
    gang = place(nodes, room, fit(nodes, room, demand).tasks, demand, score)
    room.shift(gang.holds, -1)
    return Reserved(row, start, gang, room)
