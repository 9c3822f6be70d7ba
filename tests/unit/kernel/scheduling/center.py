"""A small center told to the kernel change by change, and remembered in plain objects for the checker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from suanli.kernel.scheduling.constraints import stages, tasks_fitting
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.foresee import startable
from suanli.kernel.scheduling.core.score import BEST_FIT
from suanli.kernel.scheduling.cycle import cycle
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.fair_share import ShareWeights, Standing, Standings
from suanli.kernel.scheduling.job import expected_end
from suanli.kernel.scheduling.plan import Plan, Policy, ReasonCode
from suanli.kernel.scheduling.refusals import CODES
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.devices import DeviceClass, DeviceRequest
from suanli.model.ids import (
    EngineName,
    LicenseName,
    NodeName,
    ProjectName,
    QosName,
    QueueName,
    ReservationName,
    RunId,
    UserName,
    WorkloadId,
    run_id,
)
from suanli.model.power import PowerCap
from suanli.model.qos import Qos
from suanli.model.quantities import Instant
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.rates import JobClass, LearnedRate
from suanli.model.reservations import AdvanceReservation, ReservationPurpose
from suanli.model.resources import Allocation, Device, Node, Queue
from suanli.model.spec import TaskResources, WorkloadSpec
from suanli.model.tariff import Tariff
from suanli.model.workload import Run, RunState, StopCause, Workload, WorkloadState

SECOND = 1_000_000
GIB = 1024**3
BEGIN = Instant(1_700_000_000 * SECOND)
PROJECT = ProjectName("p")
OWNERS = (UserName("ann"), UserName("bob"), UserName("cat"))


def node(name: str, cpus: int = 4, gib: int = 16, *devices: Device, engine: str = "local") -> Node:
    return Node(
        name=NodeName(name),
        engine=EngineName(engine),
        cpu_milli=cpus * 1000,
        memory_bytes=gib * GIB,
        devices=devices,
        generation=1,
    )


def gpu(index: int, model: str = "a100", gib: int = 80, watts: int = 0) -> Device:
    kind = DeviceClass.GPU
    return Device(index=index, device_class=kind, model=model, memory_bytes=gib * GIB, power_mw=watts * 1000)


def asks(cpus: float = 1, gib: int = 1, devices: DeviceRequest | None = None, disk_gib: int = 0) -> TaskResources:
    disk = disk_gib * GIB
    return TaskResources(cpu_milli=round(cpus * 1000), memory_bytes=gib * GIB, disk_bytes=disk, devices=devices)


@dataclass
class Center:
    """What was told to ``state``, in plain objects."""

    now: Instant = BEGIN
    policy: Policy = Policy()
    state: ClusterState = field(default_factory=ClusterState)
    nodes: dict[NodeName, Node] = field(default_factory=dict)
    queues: dict[QueueName, Queue] = field(default_factory=dict)
    qualities: dict[QosName, Qos] = field(default_factory=dict)
    specs: dict[WorkloadId, WorkloadSpec] = field(default_factory=dict)
    waiting: dict[WorkloadId, Workload] = field(default_factory=dict)
    active: dict[WorkloadId, Workload] = field(default_factory=dict)
    runs: dict[RunId, Run] = field(default_factory=dict)
    reservations: dict[ReservationName, AdvanceReservation] = field(default_factory=dict)
    last: int = 0
    quotas: dict[tuple[QuotaScope, str], Quota] = field(default_factory=dict)
    licenses: dict[LicenseName, License] = field(default_factory=dict)
    power_cap: PowerCap = PowerCap()
    rates: dict[tuple[JobClass, str], LearnedRate] = field(default_factory=dict)
    tariffs: list[Tariff] = field(default_factory=list)
    held: dict[UserName, int] = field(default_factory=dict)
    """How often over each user held their share of late; each time halves an hour's credit."""

    def with_nodes(self, *nodes: Node) -> Center:
        for one in nodes:
            self.set_node(one)
        return self

    def set_node(self, one: Node) -> None:
        known = self.nodes.get(one.name)
        self.nodes[one.name] = one if known is None else replace(one, generation=known.generation + 1)
        self.state.set_node(self.nodes[one.name])

    def set_queue(self, name: str, priority: int) -> None:
        self.queues[QueueName(name)] = Queue(name=QueueName(name), priority=priority)
        self.state.set_queue(self.queues[QueueName(name)])

    def set_qos(self, name: str, priority: int = 0, *, preemptible: bool = False, usage_factor: int = 1000) -> None:
        qos = Qos(name=QosName(name), priority=priority, preemptible=preemptible, usage_factor=usage_factor)
        self.qualities[qos.name] = qos
        self.state.set_qos(qos)

    def set_quota(self, quota: Quota) -> None:
        self.quotas[quota.scope, quota.name] = quota
        self.state.set_quota(quota)

    def set_license(self, name: str, total: int) -> None:
        self.licenses[LicenseName(name)] = License(name=LicenseName(name), total=total)
        self.state.set_license(self.licenses[LicenseName(name)])

    def cap_power(self, watts: int) -> None:
        self.power_cap = PowerCap(watts=watts)
        self.state.set_power_cap(self.power_cap)

    def learn(self, rate: LearnedRate) -> None:
        self.rates[rate.job_class, rate.model] = rate
        self.state.set_rate(rate)

    def set_tariff(self, tariff: Tariff) -> None:
        self.tariffs.append(tariff)
        self.state.set_tariff(tariff)

    def reserve(self, name: str, begin_s: int, end_s: int, *nodes: str, use: bool = False) -> None:
        """Set nodes aside from one second after the center's present until another."""
        reservation = AdvanceReservation(
            name=ReservationName(name),
            starts_at=Instant(self.now + begin_s * SECOND),
            ends_at=Instant(self.now + end_s * SECOND),
            nodes=tuple(NodeName(one) for one in nodes),
            purpose=ReservationPurpose.USE if use else ReservationPurpose.MAINTENANCE,
            projects=frozenset({PROJECT} if use else ()),
        )
        self.reservations[reservation.name] = reservation
        self.state.set_reservation(reservation)

    def unreserve(self, name: str) -> None:
        del self.reservations[ReservationName(name)]
        self.state.remove_reservation(ReservationName(name))

    def submit(self, spec: WorkloadSpec, count: int = 1) -> list[WorkloadId]:
        """``count`` workloads, an array where the spec has one."""
        first = WorkloadId(self.last + 1)
        made = []
        for position in range(count):
            self.last += 1
            workload = Workload(
                id=WorkloadId(self.last),
                submission=first,
                owner=OWNERS[self.last % len(OWNERS)],
                project=PROJECT,
                kind=spec.kind,
                name=spec.name,
                queue=spec.queue,
                qos=spec.qos,
                state=WorkloadState.WAITING,
                priority=spec.priority,
                time_limit_s=spec.time_limit_s,
                array_id=WorkloadId(0) if spec.array is None else first,
                array_index=position,
                preemptible=spec.preemptible,
                submitted_at=self.now,
                eligible_at=self.now,
                generation=1,
            )
            self.specs[workload.id] = spec
            self.waiting[workload.id] = workload
            self.state.enqueue(workload, spec)
            made.append(workload.id)
        return made

    def add(self, spec: WorkloadSpec) -> WorkloadId:
        return self.submit(spec)[0]

    def change(self, id: WorkloadId, *, priority: int, time_limit_s: int, qos: str = "") -> None:
        before = self.waiting[id]
        changed = replace(before, priority=priority, time_limit_s=time_limit_s, generation=before.generation + 1)
        changed = replace(changed, qos=QosName(qos) or before.qos)
        self.waiting[id] = changed
        self.state.enqueue(changed, self.specs[id])

    def rank(self, *held: int) -> None:
        self.held = dict(zip(OWNERS, held, strict=True))
        self.state.rank(self.standings())

    def standings(self) -> Standings:
        members = {(PROJECT, owner): Standing(1.0, float(held)) for owner, held in self.held.items()}
        return Standings(weights=ShareWeights(member_s=3600), projects={}, members=members)

    def credit_us(self, owner: UserName) -> int:
        """Of an hour what is left, in whole minutes."""
        return round(60 / 2 ** self.held[owner]) * 60 * SECOND if self.held else 0

    def withdraw(self, id: WorkloadId) -> None:
        del self.waiting[id]
        self.state.dequeue(id)

    def plan(self) -> Plan:
        return cycle(self.state, self.now, self.policy)

    def queue(self) -> list[WorkloadId]:
        """All that waits, in order."""
        tables = self.state.tables
        rows = t.queued(tables).tolist()
        return [self.state.jobs[row].workload for row in rows]

    def fit(self, demand: Demand) -> list[tuple[int, ReasonCode | None]]:
        """For waiting work of that demand and by node: tasks that fit, and what the node fails first."""
        tables = self.state.tables
        jobs = (job for workload in self.queue() for job in self.state.forms(workload))
        row = next(job.row for job in jobs if job.demand == demand)
        startable(tables, row, BEST_FIT)
        shape, count = self.state.shape(demand), len(self.state.names)
        blockers = [None if code < 0 else CODES[code] for code in tables.blocker[shape, :count].tolist()]
        return list(zip(tables.tasks[shape, :count].tolist(), blockers, strict=True))

    def turn(self) -> Plan:
        """Plan, and do what the plan says: start placements, ask victims to end."""
        plan = self.plan()
        for row in plan.placements:
            self.start(row.workload, row.allocation, row.alternative)
        for victim in plan.preemptions:
            self.stop(victim.run)
        return plan

    def limit_s(self, workload: Workload, form: int) -> int:
        """How long work may run in one of its forms."""
        own = self.specs[workload.id].alternatives[form - 1].time_limit_s if form else 0
        return own or workload.time_limit_s

    def start(self, id: WorkloadId, allocation: Allocation, form: int = 0) -> RunId:
        workload = self.waiting[id]
        self.withdraw(id)
        workload = replace(workload, state=WorkloadState.STARTING, attempt=workload.attempt + 1)
        run = Run(
            id=run_id(id, workload.attempt),
            workload=id,
            attempt=workload.attempt,
            state=RunState.PLACED,
            allocation=allocation,
            time_limit_s=self.limit_s(workload, form),
            placed_at=self.now,
            alternative=form,
        )
        self.active[id] = workload
        self._occupy(run)
        return run.id

    def begin(self, id: RunId) -> None:
        self._occupy(replace(self.runs[id], state=RunState.RUNNING, started_at=self.now))

    def stop(self, id: RunId) -> None:
        self._occupy(replace(self.runs[id], state=RunState.STOPPING, stop=StopCause.PREEMPTED))

    def end(self, id: RunId) -> None:
        """The run ends; it waits again if it was preempted."""
        run = self.runs.pop(id)
        workload = self.active.pop(run.workload)
        self.state.vacate(id)
        if run.state is RunState.STOPPING:
            again = replace(workload, state=WorkloadState.WAITING, eligible_at=self.now)
            self.waiting[again.id] = again
            self.state.enqueue(again, self.specs[again.id])

    def run_of(self, id: WorkloadId) -> RunId:
        return next(run.id for run in self.runs.values() if run.workload == id)

    def pass_time(self, seconds: int) -> None:
        self.now = Instant(self.now + seconds * SECOND)

    def rebuilt(self, *, backwards: bool = False) -> ClusterState:
        """A state told nothing but what is so now, once, in one order or the other."""
        state = ClusterState()
        for one in self.nodes.values():
            state.set_node(one)
        for reservation in self.reservations.values():
            state.set_reservation(reservation)
        if backwards:
            self._tell_qos(state)
            self._tell_rates(state)
            state.advance(self.now)
            state.set_power_cap(self.power_cap)
        if self.held and backwards:
            state.rank(self.standings())
        runs, waiting = _in_order([*self.runs.values()], [*self.waiting.values()], backwards=backwards)
        for run in runs:
            state.occupy(run, self.active[run.workload], self.specs[run.workload], expected_end(run))
        for workload in waiting:
            state.enqueue(workload, self.specs[workload.id])
        for queue in self.queues.values():
            state.set_queue(queue)
        self._tell_qos(state)
        for quota in self.quotas.values():
            state.set_quota(quota)
        for license_ in self.licenses.values():
            state.set_license(license_)
        state.set_power_cap(self.power_cap)
        self._tell_rates(state)
        if self.held and not backwards:
            state.rank(self.standings())
        state.advance(self.now)
        return state

    def _tell_qos(self, state: ClusterState) -> None:
        for qos in self.qualities.values():
            state.set_qos(qos)

    def _tell_rates(self, state: ClusterState) -> None:
        for rate in self.rates.values():
            state.set_rate(rate)
        for tariff in self.tariffs:
            state.set_tariff(tariff)

    def _occupy(self, run: Run) -> None:
        self.runs[run.id] = run
        self.state.occupy(run, self.active[run.workload], self.specs[run.workload], expected_end(run))


def _in_order(
    runs: Sequence[Run], waiting: Sequence[Workload], *, backwards: bool
) -> tuple[Sequence[Run], Sequence[Workload]]:
    return (runs[::-1], waiting[::-1]) if backwards else (runs, waiting)


def as_explained(center: Center, demand: Demand) -> list[tuple[int, ReasonCode | None]]:
    """By node, tasks of a demand that fit and the first constraint that the node fails, as explaining judges it."""
    found = stages(center.state.room, demand)
    failing = np.stack([tasks for _, tasks in found]) < demand.tasks_a_node
    first = [
        found[place][0] if fails else None
        for place, fails in zip(failing.argmax(axis=0).tolist(), np.any(failing, axis=0).tolist(), strict=True)
    ]
    return list(zip(tasks_fitting(found).tolist(), first, strict=True))
