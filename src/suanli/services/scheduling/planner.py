"""The planner: a picture of the center kept up with the facts, the kernel asked, its plan recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suanli.kernel.scheduling.cycle import cycle
from suanli.kernel.scheduling.explain import explain, preview
from suanli.kernel.scheduling.fair_share import FairShare, Standings
from suanli.kernel.scheduling.plan import Explanation, Placement, Plan, Policy, ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.errors import NotFoundError
from suanli.model.facts import SYSTEM, DeadlineMissed, DependenciesMet, DependencyFailed, PreemptRequested, RunPlaced
from suanli.model.ids import RunId, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.spec import WorkloadSpec
from suanli.model.usage import DAY_US
from suanli.model.workload import RunState, Workload, WorkloadState
from suanli.ports.clock import Clock
from suanli.ports.store import Store, Transaction, UsageBy, UsageFilter
from suanli.services.scheduling.answers import TurnReport, Why
from suanli.services.scheduling.blocked import Blocked
from suanli.services.scheduling.follower import Follower
from suanli.services.scheduling.look import Look

_RANK_US = 60 * 1_000_000
"""How long an order holds: what is owed moves by days."""


class Planner:
    """Plans and explains; only :meth:`reasons` and :meth:`is_due` may be asked while another thread does either."""

    def __init__(self, store: Store, clock: Clock, policy: Policy) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        self._state = ClusterState()
        self._blocked = Blocked()
        self._fair_share = FairShare(policy.shares)
        self._follower = Follower(store, self._state, self._blocked, self._fair_share)
        self._ranked_at = Instant(0)
        self._plan = Plan()

    def turn(self) -> TurnReport:
        """Take in all that happened, plan, and record what was decided, in one transaction.

        The plan is applied under generations: a row whose workload or nodes have changed since is dropped, and planned
        anew in the next turn. Nobody gives way to what waits no longer.
        """
        self._catch_up()
        late = self._give_up_late()
        plan = cycle(self._state, self._clock.now(), self._policy)
        self._plan = plan
        if not (plan.placements or plan.preemptions or self._blocked.due):
            return TurnReport(late=late)
        report = self._store.transact(lambda tx: _apply(tx, plan, self._blocked.judge(tx)))
        self._blocked.judged()
        return replace(report, late=late)

    def _give_up_late(self) -> int:
        """Let work end that cannot be done by its deadline any more; return how much."""
        late = self._state.deadlines.missed(self._clock.now())
        if late:
            self._store.transact(lambda tx: _give_up(tx, late))
            self._catch_up()
        return len(late)

    def is_due(self) -> bool:
        """Tell whether waiting work must heed other advance reservations than in the last turn, or is late by now."""
        now = self._clock.now()
        return not self._state.windows.are_current(now) or self._state.deadlines.next < now

    def reasons(self, workloads: Sequence[Workload]) -> dict[WorkloadId, ReasonCode]:
        """The one reason in short that the last plan gave for each of these that waits."""
        plan, found = self._plan, {}
        for workload in workloads:
            if workload.state is WorkloadState.WAITING:
                try:
                    demand = self._state.waiting(workload.id).demand
                except NotFoundError:
                    continue  # it moved on after it was read
                reason = plan.reason(workload, demand)
                if reason is not None:
                    found[workload.id] = reason.code
        return found

    def explain(self, workload: WorkloadId) -> Why:
        """Why a workload waits: every constraint that blocks it, and the earliest start now foreseen.

        Raises:
            NotFoundError: there is no such workload.
        """
        found = self._followed(workload)
        if found.state is not WorkloadState.WAITING:
            return Why(workload=found, explanation=None)
        return Why(workload=found, explanation=explain(self._state, workload, self._clock.now(), self._policy))

    def preview(self, spec: WorkloadSpec, owner: UserName) -> Explanation:
        """Where a spec would start if its owner submitted it now, or why it would wait; nothing is recorded."""
        self._catch_up()
        return preview(self._state, spec, owner, self._clock.now(), self._policy)

    def look(self) -> Look:
        """The center as it is now, to look ahead from; others may go on with this planner meanwhile."""
        self._catch_up()
        return Look(self._store, snapshot(self._state), self._clock.now(), self._policy)

    def standings(self) -> Standings:
        """How projects and their members stand at this instant."""
        self._follower.catch_up()
        return self._standings(self._clock.now())

    def _catch_up(self) -> None:
        """Take in all that happened; now and then, let the queue have the order that is owed."""
        self._follower.catch_up()
        now = self._clock.now()
        if self._policy.shares.count and not 0 <= now - self._ranked_at < _RANK_US:
            self._state.rank(self._standings(now))
            self._ranked_at = now

    def _standings(self, now: Instant) -> Standings:
        with self._store.read() as tables:
            days = UsageFilter(first=self._policy.shares.first_day(now), last=now // DAY_US)
            past = tables.usage(days, frozenset(UsageBy))
        return self._fair_share.standings(now, self._state.accounts(), past)

    def _followed(self, workload: WorkloadId) -> Workload:
        """The workload, once the picture of the center shows it as its record does."""
        while True:
            with self._store.read() as tables:
                found = tables.workload(workload)
            self._catch_up()
            if self._state.waits(workload) is (found.state is WorkloadState.WAITING):
                return found


def _give_up(tx: Transaction, late: Sequence[WorkloadId]) -> None:
    for workload in late:
        # Whoever moved on meanwhile is not late for it.
        if tx.workload(workload).state is WorkloadState.WAITING:
            tx.append(DeadlineMissed(workload=workload), actor=SYSTEM)


def _placed(row: Placement, run: RunId) -> RunPlaced:
    limit = row.time_limit_s if row.alternative else 0
    return RunPlaced(
        workload=row.workload,
        run=run,
        allocation=row.allocation,
        alternative=row.alternative,
        time_limit_s=limit,
    )


def _apply(tx: Transaction, plan: Plan, judgements: Sequence[DependenciesMet | DependencyFailed]) -> TurnReport:
    for judgement in judgements:
        tx.append(judgement, actor=SYSTEM)
    placed = preempted = 0
    for row in plan.placements:
        workload = tx.workload(row.workload)
        holds = row.allocation.nodes
        generations = tuple(tx.node(hold.node).generation for hold in holds)
        if workload.generation != row.generation or generations != row.node_generations:
            continue
        run = run_id(workload.id, workload.attempt + 1)
        tx.append(_placed(row, run), actor=SYSTEM)
        placed += 1
    for victim in plan.preemptions:
        wanted = tx.workload(victim.by).state is WorkloadState.WAITING
        if wanted and tx.run(victim.run).state in {RunState.PLACED, RunState.RUNNING}:
            tx.append(PreemptRequested(workload=victim.workload, run=victim.run, by=victim.by), actor=SYSTEM)
            preempted += 1
    stale = len(plan.placements) + len(plan.preemptions) - placed - preempted
    return TurnReport(placed=placed, preempted=preempted, judged=len(judgements), stale=stale)
