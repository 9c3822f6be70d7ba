"""One turn of a live center: the compiled steps in their order, over all that waits, and what they decided as a plan.

The turn is worked out on the center's own tables and then taken back: what it decided comes to them again as facts, if
it still holds when it is applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from itertools import starmap
from types import TracebackType
from typing import Self

import numpy as np

from suanli.kernel.scheduling.core import changes, foresee, many
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import EASY, Rules
from suanli.kernel.scheduling.held_back import license_reason
from suanli.kernel.scheduling.holdings import Rows, booked, held_by, reserved
from suanli.kernel.scheduling.job import NEVER, Job
from suanli.kernel.scheduling.plan import (
    MICROSECONDS,
    Placement,
    Plan,
    Policy,
    Preemption,
    Reason,
    Refusal,
    Reservation,
)
from suanli.kernel.scheduling.power import power_of, power_reason
from suanli.kernel.scheduling.refusals import rather_waiting, refused, refused_beside_many, window
from suanli.kernel.scheduling.scoring import scoring, weigh
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.ids import run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation, DeviceHold, NodeHold


def cycle(state: ClusterState, now: Instant, policy: Policy) -> Plan:
    """Decide what starts, what is preempted, what is reserved, and why the rest waits. The state stays as it is.

    Raises:
        NotFoundError: the policy names a score that does not exist.
        InvalidRequestError: it weighs criteria by what are no weights.
    """
    with Turn(state, now, policy) as turn:
        return turn.plan()


class Turn:
    """One turn worked out to its end: until it is left, the state's tables are as if it had been carried out."""

    def __init__(self, state: ClusterState, now: Instant, policy: Policy) -> None:
        self._scoring = scoring(policy.score)
        self.state = state
        self.now = now
        self._soon = now + policy.overrun_s * MICROSECONDS
        self._score = self._scoring.policy
        self._placements, self._reservations = policy.placements, policy.reservations

    def __enter__(self) -> Self:
        self.state.advance(self.now)
        self.state.make_room(self._placements, self._reservations)
        tables = self.state.tables
        weigh(tables, self._scoring)
        if self._scoring.foresees:
            self.state.learn(self.now)
        self._bar_hopeless()
        started = np.zeros(self._placements, dtype=np.int64)
        are_many = self._reservations > EASY
        rules = Rules(self._score, self._reservations, self._placements, preempt=True, tells=are_many)
        take = many.plan_many if are_many else changes.plan
        self._decided = take(tables, self.now, self._soon, rules, started)
        self._booked = booked(tables) if are_many else []
        self.started = started[: self._decided.started]
        leaving = tables.lists[t.LEAVING, : tables.sizes[t.LEAVING_SIZE]]
        self._leaving = [self.state.jobs[int(row)] for row in leaving]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ends = np.array([job.end for job in self._leaving], dtype=np.int64)
        changes.undo(self.state.tables, self.started, ends)

    @property
    def ordered(self) -> t.Ints:
        """The rows of all that waited before the turn, in order."""
        lists, count = self.state.tables.lists, self.started.size
        return np.insert(t.queued(self.state.tables), lists[t.LEFT, :count] - np.arange(count), lists[t.BEHIND, :count])

    @property
    def complete(self) -> bool:
        """Whether it came to an end before its bound on placements."""
        return bool(self._decided.complete)

    @property
    def head(self) -> Job | None:
        """Who has the reservation, if anybody, in the form that it is for."""
        return None if self._decided.head == t.NOBODY else self.state.jobs[int(self._decided.head)]

    @property
    def leaving(self) -> Sequence[Job]:
        """The runs that are asked to end, so that the head can have their place."""
        return self._leaving

    @property
    def head_start(self) -> int:
        """When the head starts."""
        return int(self._decided.start_us)

    @property
    def window_s(self) -> int:
        """In how many whole seconds the head starts."""
        return self._seconds(self.head_start)

    def plan(self) -> Plan:
        """What was decided, in the model's words."""
        head = self.head
        changes.judge(self.state.tables, self._score)
        return Plan(
            placements=tuple(self._placement(self.state.jobs[int(row)]) for row in self.started),
            preemptions=tuple(
                Preemption(run=run_id(job.workload, job.attempt), workload=job.workload, by=head.workload)
                for job in sorted(self._leaving, key=lambda job: job.workload)
                if head is not None
            ),
            reservations=self._reserved(head),
            refusals=self._refusals(),
            complete=self.complete,
        )

    def allocation(self, job: Job) -> Allocation:
        """What the turn gave to a workload that it starts."""
        return self._allocation(job, *held_by(self.state.tables, job.row))

    def startable(self, job: Job) -> bool:
        """Tell whether there is still room for a workload beside all that the turn starts."""
        return bool(foresee.startable(self.state.tables, job.row, self._score))

    def unlicensed(self, job: Job) -> Reason | None:
        """Which license a workload lacks after the turn, if any."""
        row = foresee.lacking(self.state.tables, job.row, self.now)
        if row == t.NOBODY:
            return None
        return license_reason(self.state, int(row), int(self.state.tables.asks[job.asks, t.AMOUNTS + row]))

    def unpowered(self, job: Job) -> Reason | None:
        """That the power cap leaves too little for a workload after the turn, if it does."""
        reason = power_reason(self.state.most_drawn(job.demand), power_of(self.state.tables))
        return reason if reason.needed > reason.available else None

    def patient(self, job: Job) -> Reason | None:
        """That a workload which could start rather waits for faster devices, if it does."""
        return rather_waiting(self.state, job, self.now)

    def in_the_way(self, job: Job) -> Reason | None:
        """Whose reservation keeps a workload from starting for which there is room, if one does."""
        head = self.head
        if self._reservations <= EASY:
            return None if head is None else window(job.time_limit_s, self.window_s, head.workload)
        own = next((one for one in self._booked if one.job == job.row and one.until >= 0), None)
        until, row = (own.until, own.behind) if own else many.what_is_in_the_way(self.state.tables, job.row, self.now)
        if row == t.NOBODY:
            return None
        return window(job.time_limit_s, self._seconds(until), self.state.jobs[row].workload)

    def earliest(self, job: Job) -> int:
        """When a workload that the turn does not start may start, ``NEVER`` where that cannot be foreseen.

        ``NOBODY`` where a license that is kept for another stands in the way.
        """
        tables, head, start = self.state.tables, self._decided.head, self._decided.start_us
        if self._reservations > EASY:
            kept = (one for one in self._booked if one.start < t.NEVER)
            own = {one.job: one.start for one in kept if self.state.jobs[one.job].workload == job.workload}
            if job.row in own:
                return own[job.row]
            form = next(iter(own), t.NOBODY)
            return int(many.foresee_many(tables, job.row, self.now, self._soon, form, self._score))
        if self.head is not None and self.head.workload == job.workload:
            if job.row == head:
                return self.head_start
            # Its own reservation, for another form, does not stand in the way.
            head, start = t.NOBODY, NEVER
        return int(foresee.foresee(tables, job.row, self.now, self._soon, head, start, self._score))

    def _bar_hopeless(self) -> None:
        """Keep work that can never be held, or whose reservation is not open, from being tried and from being the head.

        What waits for its reservation has its room there and keeps none from others.
        """
        tables, kinds = self.state.tables, self.state.kinds
        never = kinds.rows[kinds.impossible | kinds.closed]
        tables.kinds[never, t.BLOCKED] = tables.sizes[t.TURN] + 1
        tables.sizes[t.BARRED] = never.size

    def _placement(self, job: Job) -> Placement:
        allocation = self.allocation(job)
        return Placement(
            workload=job.workload,
            generation=job.generation,
            allocation=allocation,
            node_generations=tuple(self.state.generations[self.state.nodes[hold.node]] for hold in allocation.nodes),
            alternative=job.form,
            time_limit_s=job.time_limit_s,
        )

    def _reserved(self, head: Job | None) -> tuple[Reservation, ...]:
        jobs = self.state.jobs
        if self._reservations > EASY:
            kept = [(jobs[one.job], one.start, one.held, one.devices) for one in self._booked if one.start < t.NEVER]
        else:
            kept = [] if head is None else [(head, self.head_start, *reserved(self.state.tables))]
        return tuple(self._reservation(*one) for one in kept)

    def _reservation(self, job: Job, start: int, held: Rows, devices: Rows) -> Reservation:
        allocation = self._allocation(job, held, devices)
        return Reservation(
            workload=job.workload,
            start=Instant(start),
            engine=allocation.engine,
            nodes=allocation.nodes,
            alternative=job.form,
        )

    def _refusals(self) -> Sequence[Refusal]:
        if self._reservations > EASY:
            return refused_beside_many(self.state, self.started, self._booked, self.now)
        return refused(self.state, self.started, self.head, self.now, self.head_start)

    def _seconds(self, instant: int) -> int:
        """In how many whole seconds an instant comes."""
        return (instant - self.now) // MICROSECONDS

    def _allocation(self, job: Job, held: Rows, devices: Rows) -> Allocation:
        of_node: dict[int, list[tuple[int, int, int]]] = {}
        for node, position, share, slices in devices:
            of_node.setdefault(node, []).append((self.state.indices[node][position], share, slices))
        of_device = partial(_device, job.demand.device_partition)
        nodes = tuple(
            NodeHold(
                node=self.state.names[node],
                tasks=tasks,
                cpu_milli=cpu,
                memory_bytes=memory,
                disk_bytes=disk,
                devices=tuple(starmap(of_device, sorted(of_node.get(node, ())))),
            )
            for node, tasks, cpu, memory, _, disk in held
        )
        engine = list(self.state.engines)[self.state.tables.nodes[held[0][0], t.ENGINE]]
        return Allocation(engine=engine, nodes=nodes, exclusive=job.demand.exclusive)


@cache
def _device(partition: str, index: int, share: int, slices: int) -> DeviceHold:
    """One of the few that there can be: making them anew for each reservation took a third of the rest of a turn."""
    return DeviceHold(index=index, share=share, partition=partition if slices else "", slices=slices)
