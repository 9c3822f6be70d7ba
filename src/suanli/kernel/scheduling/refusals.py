"""Why what waits does not start, after a turn: a reason for each kind of work, told when somebody asks for it.

A turn ends many times a second and hardly anybody asks; so only numbers are copied at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from suanli.kernel.scheduling.constraints import shortfall
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.held_back import HeldBack, Unlicensed, are_over, held_back, unlicensed
from suanli.kernel.scheduling.job import Job
from suanli.kernel.scheduling.plan import MICROSECONDS, Reason, ReasonCode, Refusal
from suanli.kernel.scheduling.power import power_of, power_reason
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.ids import WorkloadId

CODES = (
    ReasonCode.NODE_STATE,
    ReasonCode.RESERVED,
    ReasonCode.RESERVATION,
    ReasonCode.FEATURE,
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


def refused(state: ClusterState, started: t.Ints, head: Job | None, now: int, head_start: int) -> Sequence[Refusal]:
    """Why everything that waits after the turn just taken does, given what it started and who has the reservation."""
    tables, kinds, window_us = state.tables, state.kinds, head_start - now
    waiting = tables.kinds.take(kinds.rows, axis=0)
    blocked, long = waiting[:, t.BLOCKED] == tables.sizes[t.TURN], waiting[:, t.LONG] == tables.sizes[t.TURN]
    too_long, without = waiting[:, t.WAITING_OF], [one for one in unlicensed(state, now) if not blocked[one.place]]
    windows = np.full(kinds.rows.size, t.NEVER)
    for one in without:
        windows[one.place] = one.window_us
    unlicensed_of = _count_long(state, kinds.rows, windows < t.NEVER, windows)
    if head is not None:
        asked = long & ~blocked
        too_long = _count_long(state, kinds.rows, asked, np.minimum(windows, window_us))
        too_long -= np.where(asked, unlicensed_of, 0)
    return Refusals(
        _Numbers(
            demands=kinds.demands,
            impossible=kinds.impossible,
            closed=kinds.closed,
            waiting=waiting[:, t.WAITING_OF],
            blocked=blocked,
            long=long,
            failing=tables.failing.take(waiting[:, t.OF_SHAPE], axis=0),
            total=tables.total.take(waiting[:, t.OF_SHAPE], axis=0),
            nodes=len(state.names),
            unused=tables.nodes.shape[0] - len(state.names),
            draws=waiting[:, t.DRAWS],
            power=power_of(tables),
            window=None if head is None else window(0, window_us // MICROSECONDS, head.workload),
            too_long=too_long,
            held_back=held_back(state, started),
            unlicensed=tuple((one, int(unlicensed_of[one.place])) for one in without),
            places={row: place for place, row in enumerate(kinds.rows.tolist())},
        ).tell
    )


def window(time_limit_s: int, window_s: int, head: WorkloadId) -> Reason:
    """Why work that fits now does not start beside the reservation of ``head``."""
    return Reason(code=ReasonCode.BACKFILL_WINDOW, needed=time_limit_s, available=window_s, ahead=head)


class Refusals(Sequence[Refusal]):
    """Refusals that are made when the first of them is looked at."""

    def __init__(self, tell: Callable[[], list[Refusal]]) -> None:
        self._tell = tell
        self._told: tuple[Refusal, ...] | None = None

    @overload
    def __getitem__(self, place: int) -> Refusal: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Refusal]: ...
    def __getitem__(self, place: int | slice) -> Refusal | Sequence[Refusal]:
        return self._all()[place]

    def __len__(self) -> int:
        return len(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all())

    def _all(self) -> tuple[Refusal, ...]:
        if self._told is None:
            self._told = tuple(self._tell())
        return self._told


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """What was so after the turn, by kind of waiting work [K]."""

    demands: Sequence[Demand]
    impossible: t.Flags
    closed: t.Flags
    waiting: t.Ints
    blocked: t.Flags
    long: t.Flags
    failing: t.Ints
    total: t.Ints
    draws: t.Ints
    power: t.Ints
    nodes: int
    unused: int
    window: Reason | None
    too_long: t.Ints
    held_back: Sequence[HeldBack]
    unlicensed: Sequence[tuple[Unlicensed, int]]
    """With how many of the kind wait for it."""
    places: Mapping[int, int]
    """By row of kinds."""

    def tell(self) -> list[Refusal]:
        """All of them."""
        waiting, found = self.waiting.copy(), []
        for one in self.held_back:
            kind = self.places[one.kind]
            waiting[kind] -= one.waiting
            of, demand = one.association, self.demands[kind]
            found.append(Refusal(demand=demand, waiting=one.waiting, reason=one.reason, association=of))
        for lacking, count in self.unlicensed:
            waiting[lacking.place] -= count
            demand, seconds = self.demands[lacking.place], lacking.window_us // MICROSECONDS
            found.append(Refusal(demand=demand, waiting=count, reason=lacking.reason, window_s=seconds))
        for kind in np.flatnonzero(waiting).tolist():
            demand, count = self.demands[kind], int(waiting[kind])
            if self.draws[kind] > self.power[0]:
                found.append(Refusal(demand=demand, waiting=count, reason=self._lacking(kind)))
            elif self.impossible[kind]:
                found.append(Refusal(demand=demand, waiting=count, reason=Reason(code=ReasonCode.IMPOSSIBLE)))
            elif self.closed[kind]:
                found.append(Refusal(demand=demand, waiting=count, reason=self._not_open()))
            elif self.blocked[kind]:
                found.append(Refusal(demand=demand, waiting=count, reason=self._lacking(kind)))
            elif self.long[kind] and self.window is not None:
                seconds = self.window.available
                too_long = int(self.too_long[kind])
                found.append(Refusal(demand=demand, waiting=too_long, reason=self.window, window_s=seconds))
        return found

    def _not_open(self) -> Reason:
        """The reservation that work names lets it have no node now."""
        count, code = self.nodes, ReasonCode.RESERVATION
        return Reason(code=code, nodes_failing=count, nodes_failing_first=count, nodes_total=count)

    def _lacking(self, kind: int) -> Reason:
        """That power is lacking, the constraint that most nodes fail first, or what is missing together."""
        unpowered = power_reason(int(self.draws[kind]), self.power)
        if unpowered.needed > unpowered.available:
            return unpowered
        failing = self.failing[kind].copy()
        failing[t.FAILS_STATE] -= self.unused
        if failing.sum() < self.nodes or not self.nodes:
            return shortfall(self.total[kind], self.demands[kind])
        most = int(failing.argmax())
        first = int(failing[most])
        return Reason(code=CODES[most], nodes_failing=first, nodes_failing_first=first, nodes_total=self.nodes)


def _count_long(state: ClusterState, kinds: t.Ints, asked: t.Flags, windows_us: t.Ints) -> t.Ints:
    """By kind, how many wait that may run longer than its window and have no bound in their way; 0 where not asked."""
    if not asked.any():
        return np.zeros(kinds.size, dtype=np.int64)
    tables, first = state.tables, state.tables.sizes[t.FIRST]
    queue, window_of = t.queued(tables), np.full(len(tables.kinds), t.NEVER)
    window_of[kinds[asked]] = windows_us[asked]
    # The kinds stand in the order of the queue: so a look at each job, all over memory, is spared for the most part.
    kind_of = tables.lists[t.KIND_OF, first : first + queue.size]
    windows = window_of[kind_of]
    rows, windows = queue[windows < t.NEVER], windows[windows < t.NEVER]
    if state.has_forms:
        forms = _forms(tables, queue[tables.kinds[kind_of, t.OF_SHAPE] == t.NOBODY])
        of_forms = window_of[tables.jobs[forms, t.FORM_KIND]]
        rows, windows = np.append(rows, forms), np.append(windows, of_forms)
    jobs = tables.jobs[rows]
    counted = jobs[:, t.LIMIT] > windows
    if state.bounds:
        counted &= ~are_over(tables, jobs[:, [t.ASSOCIATION, t.ASKS]]).any(axis=1)
    return np.bincount(jobs[counted, t.FORM_KIND], minlength=len(tables.kinds))[kinds]


def _forms(tables: t.Center, jobs: t.Ints) -> t.Ints:
    """The rows of all forms of jobs that have several."""
    found = [jobs]
    while jobs.size:
        jobs = tables.jobs[jobs, t.OTHER]
        jobs = jobs[jobs != t.NOBODY]
        found.append(jobs)
    return np.concatenate(found)
