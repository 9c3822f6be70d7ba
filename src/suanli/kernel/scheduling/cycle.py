"""One turn of a live center: the compiled steps in their order, over all that waits, and what they decided as a plan.

The turn is worked out on the center's own tables and then taken back: what it decided comes to them again as facts, if
it still holds when it is applied.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import numpy as np

from suanli.kernel.scheduling.constraints import shortfall
from suanli.kernel.scheduling.core import changes, foresee
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WORST_FIT
from suanli.kernel.scheduling.core.turn import EASY, Rules
from suanli.kernel.scheduling.demand import Demand
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
from suanli.kernel.scheduling.state import ClusterState, Job
from suanli.model.errors import NotFoundError
from suanli.model.ids import run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation, DeviceHold, NodeHold

SCORES = {"best_fit": BEST_FIT, "first_fit": FIRST_FIT, "worst_fit": WORST_FIT}

CODES = (
    ReasonCode.NODE_STATE,
    ReasonCode.EXCLUSIVE,
    ReasonCode.DEVICE_CLASS,
    ReasonCode.DEVICE_MODEL,
    ReasonCode.DEVICE_MEMORY,
    ReasonCode.DEVICE_PRECISION,
    ReasonCode.DEVICE_HEALTH,
    ReasonCode.DEVICE_FREE,
    ReasonCode.CPU,
    ReasonCode.MEMORY,
)
"""By what a node fails first in the tables."""


def cycle(state: ClusterState, now: Instant, policy: Policy) -> Plan:
    """Decide what starts, what is preempted, what is reserved, and why the rest waits. The state stays as it is.

    Raises:
        NotFoundError: the policy names a score that does not exist.
    """
    with Turn(state, now, policy) as turn:
        return turn.plan()


class Turn:
    """One turn worked out to its end: until it is left, the state's tables are as if it had been carried out."""

    def __init__(self, state: ClusterState, now: Instant, policy: Policy) -> None:
        if policy.score not in SCORES:
            raise NotFoundError("score policy", policy.score)
        self.state = state
        self.now = now
        self._soon = now + policy.overrun_s * MICROSECONDS
        self._score = SCORES[policy.score]
        self._placements = policy.placements

    def __enter__(self) -> Self:
        self.state.make_room(self._placements)
        tables = self.state.tables
        self.ordered = tables.lists[t.WAITING, : tables.sizes[t.WAITING_SIZE]].copy()
        self._bar_impossible()
        started = np.zeros(self._placements, dtype=np.int64)
        rules = Rules(self._score, EASY, self._placements, shortest_first=False, preempt=True)
        self._decided = changes.plan(tables, self.now, self._soon, rules, started)
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
    def complete(self) -> bool:
        """Whether it came to an end before its bound on placements."""
        return bool(self._decided.complete)

    @property
    def head(self) -> Job | None:
        """Who has the reservation, if anybody."""
        return None if self._decided.head == t.NOBODY else self.state.jobs[int(self._decided.head)]

    @property
    def head_start(self) -> int:
        """When the head starts."""
        return int(self._decided.start_us)

    def plan(self) -> Plan:
        """What was decided, in the model's words."""
        head = self.head
        return Plan(
            placements=tuple(self._placement(self.state.jobs[int(row)]) for row in self.started),
            preemptions=tuple(
                Preemption(run=run_id(job.workload, job.attempt), workload=job.workload, by=head.workload)
                for job in sorted(self._leaving, key=lambda job: job.workload)
                if head is not None
            ),
            reservations=() if head is None else (self._reservation(head),),
            refusals=(*self._arrays_full(), *self._kinds_refused()),
            complete=self.complete,
        )

    def allocation(self, job: Job) -> Allocation:
        """What the turn gave to a workload that it starts."""
        held, devices = self.state.held(job.row)
        return self._allocation(job, held, devices)

    def startable(self, job: Job) -> bool:
        """Tell whether there is still room for a workload beside all that the turn starts."""
        return bool(foresee.startable(self.state.tables, job.row, self._score))

    def earliest(self, job: Job) -> int:
        """When a workload that the turn does not start may start, ``NEVER`` where that cannot be foreseen."""
        if job is self.head:
            return self.head_start
        tables, head, start = self.state.tables, self._decided.head, self._decided.start_us
        return int(foresee.foresee(tables, job.row, self.now, self._soon, head, start, self._score))

    def array_full(self, array: int) -> Reason | None:
        """Why no more elements of an array start, None where they may."""
        active, most = self.state.tables.bounds[array].tolist()
        if not array or active < most:
            return None
        return Reason(code=ReasonCode.ARRAY_LIMIT, needed=active, available=most)

    def window(self, time_limit_s: int, head: Job) -> Reason:
        """Why a workload that fits now does not start beside the reservation."""
        window_s = (self.head_start - self.now) // MICROSECONDS
        return Reason(code=ReasonCode.BACKFILL_WINDOW, needed=time_limit_s, available=window_s, ahead=head.workload)

    def _bar_impossible(self) -> None:
        """Keep work that can never be held from being tried, and from becoming the head."""
        tables, state = self.state.tables, self.state
        never = [state.demands[demand] for demand in state.demands if state.impossible(demand)]
        tables.kinds[never, t.BLOCKED] = tables.sizes[t.TURN] + 1
        tables.sizes[t.BARRED] = len(never)

    def _placement(self, job: Job) -> Placement:
        allocation = self.allocation(job)
        return Placement(
            workload=job.workload,
            generation=job.generation,
            allocation=allocation,
            node_generations=tuple(self.state.generations[self.state.nodes[hold.node]] for hold in allocation.nodes),
        )

    def _reservation(self, head: Job) -> Reservation:
        allocation = self._allocation(head, *self.state.reserved())
        start = Instant(self.head_start)
        return Reservation(workload=head.workload, start=start, engine=allocation.engine, nodes=allocation.nodes)

    def _allocation(self, job: Job, held: list[list[int]], devices: list[list[int]]) -> Allocation:
        of_node: dict[int, list[DeviceHold]] = {}
        for node, position, share in devices:
            of_node.setdefault(node, []).append(DeviceHold(index=self.state.indices[node][position], share=share))
        nodes = tuple(
            NodeHold(
                node=self.state.names[node],
                tasks=tasks,
                cpu_milli=cpu,
                memory_bytes=memory,
                devices=tuple(sorted(of_node.get(node, []), key=lambda device: device.index)),
            )
            for node, tasks, cpu, memory, _ in held
        )
        engine = list(self.state.engines)[int(self.state.tables.nodes[held[0][0], t.ENGINE])]
        return Allocation(engine=engine, nodes=nodes, exclusive=job.demand.exclusive)

    def _waiting(self) -> tuple[t.Ints, t.Ints]:
        """The jobs that still wait, and which of them are of full arrays."""
        tables = self.state.tables
        jobs = tables.jobs[tables.lists[t.WAITING, : tables.sizes[t.WAITING_SIZE]]]
        arrays = jobs[:, t.ARRAY]
        full = (arrays > 0) & (tables.bounds[arrays, t.ACTIVE] >= tables.bounds[arrays, t.MOST])
        return jobs, full

    def _arrays_full(self) -> list[Refusal]:
        jobs, full = self._waiting()
        pairs, counts = np.unique(jobs[full][:, [t.KIND, t.ARRAY]], axis=0, return_counts=True)
        refusals = []
        for (kind, array), count in zip(pairs.tolist(), counts.tolist(), strict=True):
            demand, reason = self.state.demands.key(kind), self.array_full(array)
            if reason is not None:
                named = self.state.arrays.key(array)
                refusals.append(Refusal(demand=demand, waiting=count, reason=reason, array=named))
        return refusals

    def _kinds_refused(self) -> list[Refusal]:
        jobs, full = self._waiting()
        kinds, limits, refusals = jobs[~full, t.KIND], jobs[~full, t.LIMIT], []
        this, marks, head = self.state.tables.sizes[t.TURN], self.state.tables.kinds, self.head
        for kind, count in enumerate(np.bincount(kinds).tolist()):
            if not count:
                continue
            demand = self.state.demands.key(kind)
            if self.state.impossible(demand):
                refusals.append(Refusal(demand=demand, waiting=count, reason=Reason(code=ReasonCode.IMPOSSIBLE)))
            elif marks[kind, t.BLOCKED] == this:
                refusals.append(Refusal(demand=demand, waiting=count, reason=self._lacking(demand)))
            elif marks[kind, t.LONG] == this and head is not None:
                long = (kinds == kind) & (limits > self.head_start - self.now)
                reason = self.window(0, head)
                too_long = int(np.count_nonzero(long))
                refusals.append(Refusal(demand=demand, waiting=too_long, reason=reason, window_s=reason.available))
        return refusals

    def _lacking(self, demand: Demand) -> Reason:
        """The constraint that most nodes fail first, or what is missing together where some nodes would do."""
        tables, shape, total = self.state.tables, self.state.shape(demand), len(self.state.names)
        failing = tables.failing[shape].copy()
        failing[t.FAILS_STATE] -= tables.nodes.shape[0] - total
        if failing.sum() < total or not total:
            return shortfall(tables.total[shape], demand)
        most = int(failing.argmax())
        first = int(failing[most])
        return Reason(code=CODES[most], nodes_failing=first, nodes_failing_first=first, nodes_total=total)
