"""The planner's own picture of the center, kept up with the facts: a change costs what changed, never a rebuild."""

from __future__ import annotations

from collections.abc import Sequence

from suanli.kernel.lifecycle import fold
from suanli.kernel.scheduling.fair_share import FairShare
from suanli.kernel.scheduling.job import expected_end
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.facts import (
    AdvanceReservationRemoved,
    AdvanceReservationSet,
    CenterFact,
    LicenseDefined,
    NodeRegistered,
    NodeStateChanged,
    PowerCapSet,
    ProjectDefined,
    QosDefined,
    QosRemoved,
    QueueDefined,
    QuotaDefined,
    RecordedFact,
    TariffSet,
    WorkloadFact,
    WorkloadSubmitted,
)
from suanli.model.ids import FactSeq, NodeName, ReservationName, RunId, WorkloadId
from suanli.model.qos import Qos
from suanli.model.rates import class_of
from suanli.model.resources import Node
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import Run, Workload, WorkloadState
from suanli.ports.store import Reading, Store
from suanli.services.scheduling.blocked import Blocked

_CHUNK = 2_000
_SPECS_KEPT = 20_000


class Follower:
    """Reads facts once, in order, and brings ``state``, ``blocked`` and ``fair_share`` up to them."""

    def __init__(self, store: Store, state: ClusterState, blocked: Blocked, fair_share: FairShare) -> None:
        self._store = store
        self._state = state
        self._blocked = blocked
        self._fair_share = fair_share
        self._upto: FactSeq | None = None
        self._queued: set[WorkloadId] = set()
        self._runs: dict[WorkloadId, RunId] = {}
        self._specs: dict[WorkloadId, WorkloadSpec] = {}

    def catch_up(self) -> None:
        """Take in every fact that is durable now."""
        if self._upto is None:
            with self._store.read() as tables:
                self._begin(tables)
            return
        while news := self._store.news(self._upto, _CHUNK):
            # The tables may be ahead of these facts; then later facts lead here again, and the last look counts.
            with self._store.read() as tables:
                self._take(tables, news)
            self._upto = news[-1].seq

    def _begin(self, tables: Reading) -> None:
        """From the tables, once: everything that is queued or holds something."""
        for queue in tables.queues():
            self._state.set_queue(queue)
        for quota in tables.quotas():
            self._state.set_quota(quota)
        for there in tables.licenses():
            self._state.set_license(there)
        self._state.set_power_cap(tables.power_cap())
        for tariff in tables.tariffs():
            self._state.set_tariff(tariff)
        for qos in tables.every_qos():
            self._set_qos(qos)
        for node in tables.nodes():
            self._set_node(node)
        for reservation in tables.advance_reservations():
            self._state.set_reservation(reservation)
        for rate in tables.learned_rates():
            self._state.set_rate(rate)
        self._fair_share.set_projects(tables.projects())
        for workload, submission in tables.queued():
            self._follow(tables, workload, submission.spec, None)
        runs = {run.workload: run for run in tables.active_runs()}
        for workload in tables.these(sorted(runs)):
            self._follow(tables, workload, None, runs[workload.id])
        self._upto = tables.last_fact()

    def _set_node(self, node: Node) -> None:
        self._state.set_node(node)
        self._fair_share.set_node(node)

    def _set_qos(self, qos: Qos) -> None:
        self._state.set_qos(qos.counted)
        self._fair_share.set_qos(qos.counted)

    def _take(self, tables: Reading, news: Sequence[RecordedFact]) -> None:
        specs: dict[WorkloadId, WorkloadSpec] = {}
        fresh: dict[WorkloadId, Workload] = {}
        touched: set[WorkloadId] = set()
        for recorded in news:
            fact = recorded.fact
            if isinstance(fact, WorkloadSubmitted):
                specs[fact.first] = fact.spec
                # From work on hold nothing follows until another fact touches it.
                if not fact.held:
                    fresh.update((made.id, made) for made in fold(tables, recorded) if isinstance(made, Workload))
            elif isinstance(fact, WorkloadFact):
                touched.add(fact.workload)
            else:
                self._take_center(tables, fact)
        for workload in (made for name, made in fresh.items() if name not in touched):
            self._follow(tables, workload, specs[workload.submission], None)
        runs = tables.last_runs(sorted(touched))
        for workload in tables.these(sorted(touched)):
            self._follow(tables, workload, specs.get(workload.submission), runs.get(workload.id))
            if workload.state is WorkloadState.COMPLETED:
                self._learn(tables, workload, runs[workload.id])

    def _take_center(self, tables: Reading, fact: CenterFact) -> None:
        match fact:
            case NodeRegistered():
                self._set_node(tables.node(fact.node.name))
            case NodeStateChanged():
                self._set_node(tables.node(fact.node))
            case QueueDefined():
                self._state.set_queue(tables.queue(fact.queue.name))
            case QuotaDefined():
                self._state.set_quota(tables.quota(fact.quota.scope, fact.quota.name))
            case LicenseDefined():
                self._state.set_license(tables.license(fact.license.name))
            case PowerCapSet():
                self._state.set_power_cap(tables.power_cap())
            case TariffSet():
                self._state.set_tariff(fact.tariff)
            case QosDefined():
                self._set_qos(tables.qos(fact.qos.name))
            case QosRemoved():
                self._set_qos(tables.qos(fact.name))
            case AdvanceReservationSet() | AdvanceReservationRemoved():
                self._take_reservation(tables, fact)
            case ProjectDefined():
                self._fair_share.set_projects(tables.projects())

    def _take_reservation(self, tables: Reading, fact: AdvanceReservationSet | AdvanceReservationRemoved) -> None:
        name, nodes = _named(fact)
        before, now = self._state.windows.named(name), tables.advance_reservation(name)
        if now.removed:
            self._state.remove_reservation(name)
        else:
            self._state.set_reservation(now)
        # Their generations grew with the fact; what the tables say of it may be later than that.
        for node in {*nodes, *now.nodes, *(() if before is None else before.nodes)}:
            self._state.set_node(tables.node(node))

    def _follow(self, tables: Reading, workload: Workload, spec: WorkloadSpec | None, run: Run | None) -> None:
        self._blocked.follow(workload)
        if workload.id in self._queued:
            self._state.dequeue(workload.id)
            self._queued.discard(workload.id)
        held = self._runs.get(workload.id)
        active = workload.state.active and run is not None
        if held is not None and (not active or (run is not None and run.id != held)):
            self._state.vacate(held)
            self._fair_share.end(held)
            del self._runs[workload.id]
        if workload.state is WorkloadState.WAITING:
            self._state.enqueue(workload, spec or self._spec(tables, workload))
            self._queued.add(workload.id)
        elif active and run is not None:
            self._state.occupy(run, workload, spec or self._spec(tables, workload), expected_end(run))
            self._fair_share.begin(run, workload.project, workload.owner, workload.qos)
            self._runs[workload.id] = run.id

    def _learn(self, tables: Reading, workload: Workload, run: Run) -> None:
        """Take in what a run that ended well may have taught; one without devices taught nothing."""
        if not run.allocation.device_share:
            return
        spec = self._spec(tables, workload).form(run.alternative)
        for rate in tables.rates_of(class_of(spec, workload.owner)) if spec.work else ():
            self._state.set_rate(rate)

    def _spec(self, tables: Reading, workload: Workload) -> WorkloadSpec:
        spec = self._specs.get(workload.submission)
        if spec is None:
            if len(self._specs) >= _SPECS_KEPT:
                self._specs.clear()
            spec = self._specs[workload.submission] = tables.submission(workload.submission).spec
        return spec


def _named(fact: AdvanceReservationSet | AdvanceReservationRemoved) -> tuple[ReservationName, tuple[NodeName, ...]]:
    """The reservation that a fact is about, and the nodes that the fact itself names."""
    if isinstance(fact, AdvanceReservationRemoved):
        return fact.name, ()
    return fact.reservation.name, fact.reservation.nodes
