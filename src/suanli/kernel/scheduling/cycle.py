"""One turn: the steps in their order, over all that waits. Its cost grows with classes of demand and placements.

Workloads are taken in order. Those of one class stand in one line; the class leaves the turn as soon as one of it
cannot be held, because room only shrinks within a turn. The first that cannot start becomes the head: it may preempt,
and it gets the reservation that everything after it must respect.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.feasible import Fits, refusal
from suanli.kernel.scheduling.order import order
from suanli.kernel.scheduling.place import Gang, allocation, node_holds, place
from suanli.kernel.scheduling.plan import (
    MICROSECONDS,
    Placement,
    Plan,
    Policy,
    Preemption,
    Reason,
    ReasonCode,
    Refusal,
    Reservation,
)
from suanli.kernel.scheduling.preempt import victims
from suanli.kernel.scheduling.reserve import Reserved, Timeline, ends_of, reserve, timeline
from suanli.kernel.scheduling.score import score_policy
from suanli.kernel.scheduling.snapshot import NEVER, Flags, Ints, Room, Snapshot
from suanli.model.ids import WorkloadId, run_id
from suanli.model.quantities import Instant


def cycle(snapshot: Snapshot, now: Instant, policy: Policy) -> Plan:
    """Decide what starts, what is preempted, what is reserved, and why the rest waits.

    Raises:
        NotFoundError: the policy names an order or a score that does not exist.
    """
    return Turn(snapshot, now, policy).plan()


@dataclass(frozen=True, slots=True)
class _Shadow:
    """What is free at the head's start beside it, and what is free both then and now."""

    reserved: Reserved
    both: Room
    fits: Fits


class Turn:
    """One turn worked out to its end. ``room`` is what is then free, ``placed`` the gangs by row of the queue."""

    def __init__(self, snapshot: Snapshot, now: Instant, policy: Policy) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.now = now
        self.room = snapshot.room.copy()
        self.placed: dict[int, Gang] = {}
        self.refusals: list[Refusal] = []
        self.complete = True
        self.ordered = order(snapshot, policy.order)
        self._score = score_policy(policy.score)
        self._fits = Fits(snapshot.nodes, self.room, dict(snapshot.fits))
        self._active = snapshot.arrays.active.copy()
        self._leaving: Flags = np.zeros(snapshot.running.workload.size, dtype=np.bool_)
        self._head = -1
        self._shadow: _Shadow | None = None
        self._lines: dict[int, Ints] = {}
        self._work()

    @property
    def reserved(self) -> Reserved | None:
        """The head's reservation, if there is one."""
        return None if self._shadow is None else self._shadow.reserved

    def plan(self) -> Plan:
        """What was decided, in the model's words."""
        waiting = self.snapshot.waiting
        reservations = () if self.reserved is None else (self._reservation(self.reserved),)
        running = self.snapshot.running
        preemptions = tuple(
            Preemption(
                run=run_id(WorkloadId(int(running.workload[run])), int(running.attempt[run])),
                workload=WorkloadId(int(running.workload[run])),
                by=WorkloadId(int(waiting.id[self._head])),
            )
            for run in np.flatnonzero(self._leaving)
        )
        return Plan(
            placements=tuple(self._placement(row, gang) for row, gang in self.placed.items()),
            preemptions=preemptions,
            reservations=reservations,
            refusals=tuple(self.refusals),
            complete=self.complete,
        )

    def timeline(self) -> Timeline:
        """What is free when, with all that this turn has placed and asked to end so far."""
        running = self.snapshot.running
        soon = self.now + self.policy.overrun_s * MICROSECONDS
        ends = ends_of(running, self._leaving, self.now, soon)
        planned = [(gang, self.end(row, self.now)) for row, gang in self.placed.items()]
        return timeline(self.room, (self.snapshot.holds, ends), planned)

    def demand(self, row: int) -> Demand:
        """What a waiting workload demands."""
        return self.snapshot.demands[int(self.snapshot.waiting.demand[row])]

    def end(self, row: int, start: int) -> int:
        """The latest end of a waiting workload that starts then."""
        limit = int(self.snapshot.waiting.time_limit_s[row])
        return start + limit * MICROSECONDS if limit else NEVER

    def is_full(self, group: int) -> bool:
        """Tell whether as many elements of the array run as may."""
        bound = self.snapshot.arrays.max_running[group]
        return bool(bound and self._active[group] >= bound)

    def array_full(self, group: int) -> Reason:
        """Why no more elements of a full array start."""
        running, bound = int(self._active[group]), int(self.snapshot.arrays.max_running[group])
        return Reason(code=ReasonCode.ARRAY_LIMIT, needed=running, available=bound)

    def window(self, row: int, reserved: Reserved) -> Reason:
        """Why a workload that fits now does not start beside the reservation."""
        head = WorkloadId(int(self.snapshot.waiting.id[reserved.row]))
        needed, available = int(self.snapshot.waiting.time_limit_s[row]), (reserved.start - self.now) // MICROSECONDS
        return Reason(code=ReasonCode.BACKFILL_WINDOW, needed=needed, available=available, ahead=head)

    def _work(self) -> None:
        self._line_up()
        front = [(int(line[0]), code) for code, line in self._lines.items()]
        heapify(front)
        while front and len(self.placed) < self.policy.placements:
            _, code = heappop(front)
            self._advance(code)
            if self._lines[code].size:
                heappush(front, (int(self._lines[code][0]), code))
        self.complete = not front

    def _line_up(self) -> None:
        """Put the workloads of each class into a line of their own (places in the order), refuse what cannot start."""
        waiting, arrays = self.snapshot.waiting, self.snapshot.arrays
        demands, groups = waiting.demand[self.ordered], waiting.array[self.ordered]
        full = (arrays.max_running > 0) & (self._active >= arrays.max_running)
        barred = full[groups]
        for code, group in sorted({*zip(demands[barred].tolist(), groups[barred].tolist(), strict=True)}):
            count = int(np.count_nonzero(barred & (demands == code) & (groups == group)))
            self._refuse(self.snapshot.demands[code], count, self.array_full(group), array=group)
        places = np.flatnonzero(~barred)
        # Sixteen bits are sorted by radix, several times faster than by comparison.
        keys = demands[places].astype(np.uint16 if len(self.snapshot.demands) < 2**16 else np.int64)
        places = places[np.argsort(keys, kind="stable")]
        sizes = np.bincount(keys, minlength=len(self.snapshot.demands))
        for code, (end, size) in enumerate(zip(np.cumsum(sizes).tolist(), sizes.tolist(), strict=True)):
            if size and self.snapshot.demands[code] in self.snapshot.impossible:
                self._refuse(self.snapshot.demands[code], size, Reason(code=ReasonCode.IMPOSSIBLE))
            elif size:
                self._lines[code] = places[end - size : end]

    def _advance(self, code: int) -> None:
        """Decide the first of a line: it starts, or it and all that cannot start for the same reason leave the line."""
        row = int(self.ordered[self._lines[code][0]])
        demand, group = self.snapshot.demands[code], int(self.snapshot.waiting.array[row])
        everyone = np.ones(self._lines[code].size, dtype=np.bool_)
        if self.is_full(group):
            same = self.snapshot.waiting.array[self.ordered[self._lines[code]]] == group
            self._dismiss(code, same, self.array_full(group), array=group)
        elif not self._fits.startable(demand):
            if self._shadow is None:
                self._lead(row, demand)
            self._dismiss(code, everyone, refusal(self.snapshot.nodes, demand, self._fits.of(demand)))
        elif self._shadow is None or self.end(row, self.now) <= self._shadow.reserved.start:
            self._start(code, row, self.room, self._fits)
        elif self._shadow.fits.startable(demand):
            self._start(code, row, self._shadow.both, self._shadow.fits)
        else:
            self._dismiss_long(code, self.window(row, self._shadow.reserved))

    def _start(self, code: int, row: int, room: Room, fits: Fits) -> None:
        demand = self.snapshot.demands[code]
        gang = place(self.snapshot.nodes, room, fits.of(demand).tasks, demand, self._score)
        self.placed[row] = gang
        self._lines[code] = self._lines[code][1:]
        self._active[self.snapshot.waiting.array[row]] += 1
        self.room.shift(gang.holds, -1)
        self._fits.touch(gang.node)
        if self._shadow is not None:
            if self.end(row, self.now) > self._shadow.reserved.start:
                self._shadow.reserved.room.shift(gang.holds, -1)
            self._shadow.both.meet(self.room, self._shadow.reserved.room, gang.node)
            self._shadow.fits.touch(gang.node)

    def _lead(self, row: int, demand: Demand) -> None:
        """Make the first that cannot start the head, unless no start of it can be foreseen."""
        self._leaving[victims(self.snapshot, self.room, row, self._score)] = True
        found = reserve(self.snapshot.nodes, self.timeline(), row, demand, self._score)
        if found is None:
            return
        self._head = row
        both = self.room.copy()
        both.meet(self.room, found.room, slice(None))
        self._shadow = _Shadow(found, both, Fits(self.snapshot.nodes, both, {}))

    def _dismiss_long(self, code: int, reason: Reason) -> None:
        limits = self.snapshot.waiting.time_limit_s[self.ordered[self._lines[code]]]
        long = (limits == 0) | (limits > reason.available)
        self._dismiss(code, long, reason, window_s=reason.available)

    def _dismiss(self, code: int, leaving: Flags, reason: Reason, *, array: int = 0, window_s: int = -1) -> None:
        self._refuse(self.snapshot.demands[code], int(leaving.sum()), reason, array=array, window_s=window_s)
        self._lines[code] = self._lines[code][~leaving]

    def _refuse(self, demand: Demand, count: int, reason: Reason, *, array: int = 0, window_s: int = -1) -> None:
        named = WorkloadId(int(self.snapshot.arrays.id[array]))
        self.refusals.append(Refusal(demand=demand, waiting=count, reason=reason, array=named, window_s=window_s))

    def _placement(self, row: int, gang: Gang) -> Placement:
        waiting = self.snapshot.waiting
        return Placement(
            workload=WorkloadId(int(waiting.id[row])),
            generation=int(waiting.generation[row]),
            allocation=allocation(self.snapshot.nodes, gang, self.demand(row)),
            node_generations=tuple(self.snapshot.nodes.generation[gang.node].tolist()),
        )

    def _reservation(self, reserved: Reserved) -> Reservation:
        nodes = self.snapshot.nodes
        return Reservation(
            workload=WorkloadId(int(self.snapshot.waiting.id[reserved.row])),
            start=Instant(reserved.start),
            engine=nodes.engines[reserved.gang.engine],
            nodes=node_holds(nodes, reserved.gang),
        )
