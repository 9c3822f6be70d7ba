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
from suanli.kernel.scheduling.holdings import Booked
from suanli.kernel.scheduling.job import Job
from suanli.kernel.scheduling.plan import MICROSECONDS, Reason, ReasonCode, Refusal
from suanli.kernel.scheduling.power import power_of, power_reason
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.ids import WorkloadId
from suanli.model.quantities import Instant

CODES = (
    ReasonCode.NODE_STATE,
    ReasonCode.RESERVED,
    ReasonCode.RESERVATION,
    ReasonCode.FEATURE,
    ReasonCode.EXCLUSIVE,
    ReasonCode.DEVICE_CLASS,
    ReasonCode.DEVICE_MODEL,
    ReasonCode.DEVICE_PARTITION,
    ReasonCode.DEVICE_MEMORY,
    ReasonCode.DEVICE_PRECISION,
    ReasonCode.DEVICE_RATE,
    ReasonCode.DEVICE_INTERCONNECT,
    ReasonCode.DEVICE_HEALTH,
    ReasonCode.DEVICE_FREE,
    ReasonCode.CPU,
    ReasonCode.MEMORY,
    ReasonCode.DISK,
)
"""By what a node fails first in the tables."""


def refused(state: ClusterState, started: t.Ints, head: Job | None, now: int, head_start: int) -> Sequence[Refusal]:
    """Why everything that waits after the turn just taken does, given what it started and who has the reservation."""
    patient = _patient(state, now)
    if head is None:
        return _refused(state, started, now, lambda places: _InTheWay(np.full(places.size, t.NEVER), {}), patient)
    window_us = head_start - now
    reason = window(0, window_us // MICROSECONDS, head.workload)

    def in_the_way(places: t.Ints) -> _InTheWay:
        return _InTheWay(np.full(places.size, window_us), dict.fromkeys(places.tolist(), reason))

    return _refused(state, started, now, in_the_way, patient)


def refused_beside_many(state: ClusterState, started: t.Ints, kept: Sequence[Booked], now: int) -> Sequence[Refusal]:
    """The same where there are many reservations: each that has room now is told whose is in its way."""
    tables, kinds, jobs = state.tables, state.kinds, state.jobs

    def in_the_way(places: t.Ints) -> _InTheWay:
        columns = tables.kinds[kinds.rows[places]][:, [t.SHORTEST_LONG, t.LONG_UNTIL, t.LONG_BEHIND]]
        reasons = {
            place: window(0, (until - now) // MICROSECONDS, jobs[behind].workload)
            for place, (_, until, behind) in zip(places.tolist(), columns.tolist(), strict=True)
            if behind != t.NOBODY
        }
        # What may run for the shortest that could not start cannot either.
        return _InTheWay(columns[:, 0] - 1, reasons)

    alone = _alone(state, [one for one in kept if one.until >= 0], now)
    return _refused(state, started, now, in_the_way, alone)


@dataclass(frozen=True, slots=True)
class _InTheWay:
    """Of kinds: the longest that work may run and still start, and the reason of what may run longer, by place."""

    windows_us: t.Ints
    reasons: Mapping[int, Reason]


def _refused(
    state: ClusterState,
    started: t.Ints,
    now: int,
    in_the_way: Callable[[t.Ints], _InTheWay],
    of_their_own: Mapping[int, Refusal],
) -> Sequence[Refusal]:
    """``in_the_way`` is asked of the places of kinds that have room, but not beside what is reserved.

    ``of_their_own`` are those that have room and are told for themselves alone, by row of jobs.
    """
    tables, kinds = state.tables, state.kinds
    waiting = tables.kinds.take(kinds.rows, axis=0)
    blocked, long = waiting[:, t.BLOCKED] == tables.sizes[t.TURN], waiting[:, t.LONG] == tables.sizes[t.TURN]
    without = [one for one in unlicensed(state, now) if not blocked[one.place]]
    apart = np.array(list(of_their_own), dtype=np.int64)
    windows = np.full(kinds.rows.size, t.NEVER)
    for one in without:
        windows[one.place] = one.window_us
    unlicensed_of = _count_long(state, kinds.rows, windows < t.NEVER, windows, apart)
    asked = long & ~blocked
    places = np.flatnonzero(asked)
    found, limits = in_the_way(places), np.full(kinds.rows.size, t.NEVER)
    limits[places] = found.windows_us
    too_long = _count_long(state, kinds.rows, asked & (limits < t.NEVER), np.minimum(windows, limits), apart)
    too_long -= np.where(asked, unlicensed_of, 0)
    return Refusals(
        _Numbers(
            demands=kinds.demands,
            impossible=kinds.impossible,
            closed=kinds.closed,
            waiting=waiting[:, t.WAITING_OF],
            blocked=blocked,
            failing=tables.failing.take(waiting[:, t.OF_SHAPE], axis=0),
            total=tables.total.take(waiting[:, t.OF_SHAPE], axis=0),
            nodes=len(state.names),
            unused=tables.nodes.shape[0] - len(state.names),
            draws=waiting[:, t.DRAWS],
            power=power_of(tables),
            windows=found.reasons,
            limits_s=limits // MICROSECONDS,
            too_long=too_long,
            alone=tuple(of_their_own.values()),
            held_back=held_back(state, started),
            unlicensed=tuple((one, int(unlicensed_of[one.place])) for one in without),
            rows=kinds.rows,
        ).tell
    )


def _alone(state: ClusterState, alone: Sequence[Booked], now: int) -> dict[int, Refusal]:
    """Of those that have room now and no bound in their way, whose reservation is in it; by row of jobs."""
    tables, found = state.tables, dict[int, Refusal]()
    for one in alone:
        job, row = state.jobs[one.job], tables.jobs[one.job]
        is_over = bool(state.bounds) and bool(are_over(tables, row[None, [t.ASSOCIATION, t.ASKS]]).any())
        if is_over or tables.kinds[row[t.FORM_KIND], t.BLOCKED] == tables.sizes[t.TURN] or one.behind == t.NOBODY:
            continue
        reason = window(job.time_limit_s, (one.until - now) // MICROSECONDS, state.jobs[one.behind].workload)
        found[one.job] = Refusal(demand=job.demand, waiting=1, reason=reason, alone=job.workload)
    return found


def _patient(state: ClusterState, now: int) -> dict[int, Refusal]:
    """Of those that could start and have no bound in their way, who rather waits for faster devices; by row of jobs."""
    tables, found = state.tables, dict[int, Refusal]()
    if tables.sizes[t.READY_TURN] != tables.sizes[t.TURN]:
        return found
    for row in np.flatnonzero(tables.pursuits[:, t.CHOSE] == tables.sizes[t.TURN]).tolist():
        job, asked = state.jobs[row], tables.jobs[row][None, [t.ASSOCIATION, t.ASKS]]
        reason = rather_waiting(state, job, now)
        if reason is not None and not (bool(state.bounds) and bool(are_over(tables, asked).any())):
            found[row] = Refusal(demand=job.demand, waiting=1, reason=reason, alone=job.workload)
    return found


def rather_waiting(state: ClusterState, job: Job, now: int) -> Reason | None:
    """That a workload which could start in the turn just taken rather waits for faster devices, if it does."""
    tables = state.tables
    chose, kind, until, then, at_once = tables.pursuits[job.row, t.CHOSE : t.ENDS_NOW + 1].tolist()
    if chose != tables.sizes[t.TURN]:
        return None
    return Reason(
        code=ReasonCode.FASTER_DEVICE,
        needed=(at_once - now) // MICROSECONDS,
        available=(then - now) // MICROSECONDS,
        wanted=state.types[kind].model,
        starts_at=Instant(until),
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
    failing: t.Ints
    total: t.Ints
    draws: t.Ints
    power: t.Ints
    nodes: int
    unused: int
    windows: Mapping[int, Reason]
    """By place, of kinds that have room but not beside what is reserved."""
    limits_s: t.Ints
    """The longest that such may run and still start."""
    too_long: t.Ints
    """How many may run longer."""
    alone: Sequence[Refusal]
    held_back: Sequence[HeldBack]
    unlicensed: Sequence[tuple[Unlicensed, int]]
    """With how many of the kind wait for it."""
    rows: t.Ints
    """Of the tables."""

    def tell(self) -> list[Refusal]:
        """All of them."""
        waiting, found = self.waiting.copy(), list(self.alone)
        kinds = {demand: place for place, demand in enumerate(self.demands)} if self.alone else {}
        for apart in self.alone:
            waiting[kinds[apart.demand]] -= 1
        places = {row: place for place, row in enumerate(self.rows.tolist())} if self.held_back else {}
        for one in self.held_back:
            kind = places[one.kind]
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
            elif kind in self.windows:
                seconds, too_long = int(self.limits_s[kind]), int(self.too_long[kind])
                found.append(Refusal(demand=demand, waiting=too_long, reason=self.windows[kind], window_s=seconds))
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
        demand, code = self.demands[kind], CODES[most]
        wanted = (demand.device_interconnect or "") if most in {t.FAILS_NEAR, t.FAILS_FREE} else ""
        if most == t.FAILS_RATE and demand.device_bitstream:
            code, wanted = ReasonCode.DEVICE_BITSTREAM, demand.device_bitstream
        return Reason(
            code=code,
            nodes_failing=first,
            nodes_failing_first=first,
            nodes_total=self.nodes,
            wanted=str(wanted),
        )


def _count_long(state: ClusterState, kinds: t.Ints, asked: t.Flags, windows_us: t.Ints, apart: t.Ints) -> t.Ints:
    """By kind, how many wait that may run longer than its window and have no bound in their way; 0 where not asked.

    ``apart`` are rows of jobs that do not count.
    """
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
    if apart.size:
        counted &= ~np.isin(rows, apart)
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
