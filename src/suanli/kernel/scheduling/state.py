"""The center as the kernel knows it, kept up to date change by change; a change costs what changed, not the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from suanli.kernel.scheduling.bounds import Bounds
from suanli.kernel.scheduling.codes import Codes
from suanli.kernel.scheduling.constraints import STATE_AND_HEALTH, stages, suffices
from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.criteria import Request
from suanli.kernel.scheduling.deadlines import Deadlines
from suanli.kernel.scheduling.demand import Demand, Forms, demand_of, latest_start
from suanli.kernel.scheduling.fair_share import Account, Owed, Standings
from suanli.kernel.scheduling.holdings import held_by, rows_from, running_on
from suanli.kernel.scheduling.job import Job, found
from suanli.kernel.scheduling.kinds import Kinds, rows_of, rows_of_turn
from suanli.kernel.scheduling.levels import Levels
from suanli.kernel.scheduling.merits import expect, write_merits
from suanli.kernel.scheduling.nodes import Nodes
from suanli.kernel.scheduling.plan import MICROSECONDS, Association
from suanli.kernel.scheduling.power import most_drawn
from suanli.kernel.scheduling.scoring import has_changed, learn, requests_of
from suanli.kernel.scheduling.shapes import write_shape
from suanli.kernel.scheduling.windows import Heed, Windows
from suanli.model.altered import altered
from suanli.model.ids import ReservationName, RunId, WorkloadId
from suanli.model.power import MILLIWATTS, PowerCap
from suanli.model.qos import Qos
from suanli.model.quantities import Instant
from suanli.model.quota import License, Quota
from suanli.model.rates import LearnedRate
from suanli.model.reservations import AdvanceReservation
from suanli.model.resources import Node, Queue
from suanli.model.spec import MAX_ALTERNATIVES, WorkloadSpec
from suanli.model.workload import Run, RunState, Workload

_JUDGED = 4096
"""Demands of which it is remembered whether they are possible, waiting or not."""
_LEARNING = 60 * MICROSECONDS


class ClusterState(Nodes):
    """Nodes, queues, waiting workloads and running work as tables of the compiled loops, folded from changes.

    Not for use by several threads at once. The same changes in any order that keeps each workload's own order, and any
    number of times, give the same center; only row numbers differ.
    """

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[int, Job] = {}
        """By row, all that waits or runs."""
        self.demands: Codes[Demand | Forms] = Codes()
        """Kinds of waiting work, and what several forms are together."""
        self.bounds = Bounds()
        self.classes: Counter[tuple[int, int, int]] = Counter()
        """How many wait, by rows of kinds, associations and asks."""
        self.windows = Windows()
        """Advance reservations, and what waiting work must heed of them."""
        self.levels = Levels()
        self._owed = Owed()
        self.deadlines = Deadlines()
        self._waiting: dict[WorkloadId, Job] = {}
        """The first form of each."""
        self._forms: dict[WorkloadId, list[int]] = {}
        """The rows of all forms of what waits with several."""
        self._running: dict[RunId, Job] = {}
        self._rows: Codes[WorkloadId | tuple[WorkloadId, int] | RunId] = Codes()
        self._held = self._devices_held = 0
        self._alive: Counter[Demand] = Counter()
        """Of what waits or runs, how many there are of each demand."""
        self._learned: dict[Request, int] = {}
        self._learned_at = Instant(0)
        self._judged: dict[Demand, tuple[bool, int]] = {}
        self._kinds: Kinds | None = None

    def set_node(self, node: Node) -> None:
        """A node is there, or is otherwise than before. What is held of it stays held.

        Raises:
            InvalidRequestError: it has more devices, or the center more types of them, than the tables can tell apart.
        """
        self._write_node(node, self.windows.of_node(node.name))
        for row in running_on(self.tables, self.nodes[node.name]):
            expect(self.tables, self.jobs[row], self.types, self.rates)
        self._judged.clear()

    def set_reservation(self, reservation: AdvanceReservation) -> None:
        """An advance reservation is there, or is otherwise than before; it is heeded from the next turn on."""
        self.windows.tell(reservation)

    def remove_reservation(self, name: ReservationName) -> None:
        """An advance reservation is there no longer."""
        self.windows.forget(name)

    def set_queue(self, queue: Queue) -> None:
        """A queue is there, or has another priority."""
        if self.levels.set_queue(queue):
            self._level_anew([job for job in self.jobs.values() if job.queue == queue.name])

    def set_qos(self, qos: Qos) -> None:
        """A quality of service is there, or is otherwise than before."""
        if self.levels.set_qos(qos):
            self._level_anew([job for job in self.jobs.values() if job.qos == qos.name])

    def _level_anew(self, jobs: Sequence[Job]) -> None:
        self.levels.write(self.tables, jobs)
        t.sort_queue(self.tables)

    def set_quota(self, quota: Quota) -> None:
        """A quota holds, or another one."""
        if self.bounds.set_quota(quota):
            self.bounds.retake()
            self._reach(**self.bounds.rows)
            running = [job.row for job in self._running.values()]
            self.bounds.rewrite(self.tables, np.array(running, dtype=np.int64))

    def set_license(self, there: License) -> None:
        """A license is there, or there are more or fewer of it. What is held of it stays held."""
        row = self.bounds.set_license(there)
        self._reach(**self.bounds.rows)
        self.tables.licenses[row, t.TOTAL] = there.total
        self._judged.clear()
        self._are_kinds_stale = True

    def set_rate(self, rate: LearnedRate) -> None:
        """A rate was learned, or is another one; of what runs another end is expected."""
        super().set_rate(rate)
        for job in self._running.values():
            expect(self.tables, job, self.types, self.rates)

    @property
    def is_power_capped(self) -> bool:
        """Whether there is a power cap."""
        return bool(self.tables.sizes[t.POWER_CAP] < t.NEVER)

    def set_power_cap(self, cap: PowerCap) -> None:
        """What runs may draw so much in all. What draws more runs on."""
        changes.cap_power(self.tables, cap.watts * MILLIWATTS or t.NEVER)
        self._judged.clear()
        self._are_kinds_stale = True

    def advance(self, now: Instant) -> None:
        """Let it be now for tariffs and reservations; every turn says so. It costs nothing until one is to be heeded.

        Raises:
            InvalidRequestError: more of them have not ended than there are bits.
        """
        self.price(now)
        if self.windows.are_current(now):
            return
        if self.windows.move(now):
            self.windows.write(self.tables, self.nodes)
        for heed, rows in self.windows.moved():
            for row in rows:
                self._class_anew(self.jobs[row], heed)
        t.tell_kinds(self.tables)
        self.tables.sizes[t.HEAD] = t.NOBODY

    def rank(self, standings: Standings) -> None:
        """Among work of equal standing, let the order be that of these credits, for what waits and what will."""
        if self._owed.take(standings, self.accounts()):
            waiting = list(self._waiting.values())
            owed = [self._owed.since(job.since, (job.project, job.owner), job.demand, job.latest) for job in waiting]
            self.tables.keys[2, [job.row for job in waiting]] = owed
            t.sort_queue(self.tables)

    def learn(self, now: Instant) -> None:
        """Let scores know of requests to come, by what waits and runs: once a minute, where that is otherwise."""
        if now < self._learned_at + _LEARNING:
            return
        self._learned_at, requests = now, requests_of(self._alive, self.types)
        if requests and has_changed(self._learned, requests):
            self._learned = requests
            learn(self.tables, requests)

    def accounts(self) -> set[Account]:
        """Whose work waits, and in which projects."""
        return {(job.project, job.owner) for job in self._waiting.values()}

    def enqueue(self, workload: Workload, spec: WorkloadSpec) -> None:
        """A workload may start as soon as there is room: it is WAITING. Said again, the last word holds.

        Its time limit is the record's own. Until its queue is set, that queue has priority 0.

        Raises:
            InvalidRequestError: waiting work names more features of nodes than there are bits.
        """
        self._features.admit(spec.features_named)
        if workload.id in self._waiting:
            self.dequeue(workload.id)
        first = self._form(workload, spec, 0)
        latest = first.latest
        if spec.alternatives:
            forms = [first, *(self._form(workload, spec, 1 + number) for number in range(len(spec.alternatives)))]
            rows = self._forms[workload.id] = [job.row for job in forms]
            self.tables.jobs[rows[:-1], t.OTHER] = rows[1:]
            self._gather(workload.id)
            latest = max(job.latest for job in forms)
        self.deadlines.join(workload.id, latest)
        changes.wait(self.tables, first.row)

    def dequeue(self, workload: WorkloadId) -> None:
        """A workload waits no longer: it was placed, held, or ended.

        Raises:
            NotFoundError: it does not wait.
        """
        first = found(self._waiting.pop(workload, None), "waiting workload", workload)
        changes.wait_no_longer(self.tables, first.row)
        self.deadlines.leave(workload)
        rows = self._forms.pop(workload, None)
        if rows is not None:
            self.demands.leave(int(self.tables.jobs[first.row, t.KIND]))
        for job in [self.jobs[row] for row in rows or [first.row]]:
            self.windows.leave(job)
            self._class_no_more(job)
            self._drop(job)

    def waits(self, workload: WorkloadId) -> bool:
        """Tell whether the workload is in the queue."""
        return workload in self._waiting

    def waiting(self, workload: WorkloadId) -> Job:
        """A waiting workload. Alone of all methods it may be asked while another thread makes changes.

        Raises:
            NotFoundError: it does not wait.
        """
        return found(self._waiting.get(workload), "waiting workload", workload)

    @property
    def has_forms(self) -> bool:
        """Whether any work waits in several forms."""
        return bool(self._forms)

    def forms(self, workload: WorkloadId) -> list[Job]:
        """The forms of a waiting workload, in order.

        Raises:
            NotFoundError: it does not wait.
        """
        rows = self._forms.get(workload)
        return [self.waiting(workload)] if rows is None else [self.jobs[row] for row in rows]

    def occupy(self, run: Run, workload: Workload, spec: WorkloadSpec, end: Instant) -> None:
        """A run that has not ended holds its allocation, presumably until ``end``. Said again, the last word holds.

        Raises:
            NotFoundError: its allocation names a node that was never set.
        """
        nodes = [self._node_row(hold.node) for hold in run.allocation.nodes]
        if run.id in self._running:
            self.vacate(run.id)
        pairs = list(zip(nodes, run.allocation.nodes, strict=True))
        alone = int(run.allocation.exclusive)
        held = [(node, hold.tasks, hold.cpu_milli, hold.memory_bytes, alone, hold.disk_bytes) for node, hold in pairs]
        devices = [device for node, hold in pairs for device in self._devices(node, hold)]
        self._held += len(held)
        self._devices_held += len(devices)
        self._reach(holds=self._held, device_holds=self._devices_held)
        end = Instant(t.LEAVES) if run.state is RunState.STOPPING else end
        job = self._job(run.id, workload, spec, (run.alternative, run.allocation.tasks), end)
        row = self.tables.jobs[job.row]
        row[t.STARTED] = run.started_at or run.placed_at
        row[t.END] = job.end
        self._running[run.id] = job
        changes.run(self.tables, job.row, rows_from(held, 6), rows_from(devices, 4))
        expect(self.tables, job, self.types, self.rates)

    def vacate(self, run: RunId) -> None:
        """A run has ended and holds nothing.

        Raises:
            NotFoundError: it held nothing before.
        """
        job = found(self._running.pop(run, None), "run with an allocation", run)
        held, devices = held_by(self.tables, job.row)
        self._held -= len(held)
        self._devices_held -= len(devices)
        changes.end(self.tables, job.row)
        self._drop(job)

    def holds(self, run: RunId) -> bool:
        """Tell whether the run holds an allocation."""
        return run in self._running

    def running(self, run: RunId) -> Job:
        """A run that holds its allocation.

        Raises:
            NotFoundError: it holds none.
        """
        return found(self._running.get(run), "run with an allocation", run)

    def impossible(self, demand: Demand) -> bool:
        """Tell whether the center could never hold the demand, even empty, in service, all devices in health.

        Or could never power it under the cap.
        """
        return not self._judge(demand.anytime)[0] or self.is_overpowered(demand)

    def is_overpowered(self, demand: Demand) -> bool:
        """Tell whether work of the demand could draw more than the power cap even alone."""
        return self.most_drawn(demand) > int(self.tables.sizes[t.POWER_CAP])

    def most_drawn(self, demand: Demand) -> int:
        """What work of the demand can draw at most, in milliwatts; 0 where there is no power cap."""
        return self._judge(demand.anytime)[1]

    def _judge(self, demand: Demand) -> tuple[bool, int]:
        """Whether the center could ever hold the demand, and what it could draw there."""
        if demand not in self._judged:
            if len(self._judged) >= _JUDGED:
                self._judged.clear()
            found, is_capped = stages(self.empty_room, demand, STATE_AND_HEALTH), self.is_power_capped
            is_held = self.bounds.lacking(demand) is None and suffices(self.empty_room, found, demand)
            self._judged[demand] = is_held, most_drawn(self.empty_room, found, demand) if is_capped else 0
        return self._judged[demand]

    def shape(self, demand: Demand) -> int:
        """The row of shapes of work that waits."""
        return self._shapes[demand.of_one_node]

    def make_room(self, placements: int, reservations: int) -> None:
        """Have rows enough for all that one turn may let start, and for the trial of a reservation, or for many."""
        held, forms = (self._held, self._devices_held), 1 + MAX_ALTERNATIVES if self.has_forms else 1
        self._reach(**rows_of_turn(self.tables, self.kinds, (len(self.names), *held, forms), placements, reservations))

    @property
    def kinds(self) -> Kinds:
        """What waits, by kind."""
        if self._are_kinds_stale or self._kinds is None:
            demands = tuple(key for key in self.demands if isinstance(key, Demand))
            rows = np.array([self.demands[demand] for demand in demands], dtype=np.int64)
            if self._are_kinds_stale:
                for demand, row in zip(demands, rows.tolist(), strict=True):
                    self._measure_kind(demand, row)
                self._are_kinds_stale = False
            impossible = self.tables.kinds[rows, t.IMPOSSIBLE] > 0
            closed = np.array([demand.within >= t.CLOSED for demand in demands], dtype=np.bool_)
            self._kinds = Kinds(demands, rows, impossible, closed)
        return self._kinds

    def _class(self, job: Job, heed: Heed) -> Job:
        """The job as it waits from now on, in the class of what it demands and must heed."""
        job = altered(job, demand=job.demand._replace(kept_off=heed.kept_off, within=heed.within))
        kind, is_new = self.demands.take(job.demand)
        self._reach(kinds=len(self.demands))
        shape = self._shape(job.demand)
        if is_new:
            self.tables.kinds[kind, : t.HOLDS_OF] = (0, 0, 0, shape)
            self._measure_kind(job.demand, kind)
            self._kinds = None
        row = self.tables.jobs[job.row]
        row[t.SHAPE], row[t.KIND], row[t.FORM_KIND] = shape, kind, kind
        self.classes[kind, job.association, job.asks] += 1
        self.jobs[job.row] = job
        if not job.form:
            self._waiting[job.workload] = job
        return job

    def _gather(self, workload: WorkloadId) -> None:
        """Let the queue know waiting work by the kind that all its forms are together."""
        rows = self._forms[workload]
        kind, is_new = self.demands.take(Forms(tuple(self.jobs[row].demand for row in rows)))
        self._reach(kinds=len(self.demands))
        if is_new:
            self.tables.kinds[kind] = 0
            self.tables.kinds[kind, t.OF_SHAPE] = t.NOBODY
        self.tables.jobs[rows[0], t.KIND] = kind

    def _class_no_more(self, job: Job) -> None:
        self._shapes.leave(int(self.tables.jobs[job.row, t.SHAPE]))
        self._features.leave(job.demand.features)
        kind = int(self.tables.jobs[job.row, t.FORM_KIND])
        self.classes[kind, job.association, job.asks] -= 1
        if not self.classes[kind, job.association, job.asks]:
            del self.classes[kind, job.association, job.asks]
        if self.demands.leave(kind):
            self._kinds = None

    def _class_anew(self, job: Job, heed: Heed) -> None:
        """Let a waiting job be of another class; the queue is told afterwards of all of them."""
        first = self._waiting[job.workload].row
        together = int(self.tables.jobs[first, t.KIND])
        self.tables.kinds[self.demands[job.demand], t.WAITING_OF] -= 1
        self._class_no_more(job)
        job = self._class(job, heed)
        self.tables.kinds[self.demands[job.demand], t.WAITING_OF] += 1
        if job.workload in self._forms:
            self.demands.leave(together)
            self._gather(job.workload)

    def _measure_kind(self, demand: Demand, kind: int) -> None:
        width = self.tables.devices.shape[1]
        measured = (*rows_of(demand, width), self.impossible(demand), self.most_drawn(demand))
        self.tables.kinds[kind, t.HOLDS_OF : t.SHORTEST_LONG] = measured

    def _form(self, workload: Workload, spec: WorkloadSpec, number: int) -> Job:
        """A workload that waits, in one of its forms."""
        name: WorkloadId | tuple[WorkloadId, int] = workload.id
        if number:
            limit = spec.alternatives[number - 1].time_limit_s or workload.time_limit_s
            name, workload = (workload.id, number), altered(workload, time_limit_s=limit)
        job = self._job(name, workload, spec, (number, 0), Instant(0))
        job = self._class(job, self.windows.join(job))
        row = self.tables.jobs[job.row]
        row[t.NEED], row[t.MORE], row[t.LIMIT] = job.demand.need, job.demand.more, job.limit_us
        row[t.END], row[t.START_BY] = 0, job.latest
        return job

    def _job(
        self,
        name: WorkloadId | tuple[WorkloadId, int] | RunId,
        workload: Workload,
        spec: WorkloadSpec,
        form: tuple[int, int],
        end: Instant,
    ) -> Job:
        """A row for a workload that waits or runs, with all columns that both have.

        ``form`` is which request of the spec this is, and with how many tasks it runs (0: it waits).
        """
        row, _ = self._rows.take(name)
        asked, max_running = spec.form(form[0]), 0 if spec.array is None else spec.array.max_running
        demand = demand_of(asked, workload.owner)
        array = workload.array_id if max_running else WorkloadId(0)
        of = Association(workload.queue, workload.project, workload.owner, array, workload.qos)
        counted = demand.held_with(form[1]) if form[1] else demand
        association, asks, are_new = self.bounds.take(of, max_running, counted)
        self._reach(jobs=len(self._rows), **self.bounds.rows)
        if are_new:
            self.bounds.write(self.tables, association, asks)
        self.tables.pursuits[row] = 0
        self.tables.pursuits[row, t.WORK] = sum(asked.work.values())
        columns, may_leave = [t.ASSOCIATION, t.ASKS, t.PREEMPTIBLE, t.OTHER], self.levels.is_preemptible(workload)
        self.tables.jobs[row, columns] = (association, asks, may_leave, t.NOBODY)
        since, latest = workload.eligible_at or workload.submitted_at, latest_start(spec, workload.time_limit_s)
        owed = self._owed.since(since, (workload.project, workload.owner), demand, latest)
        self.tables.keys[:, row] = (*self.levels.of(workload).keys, owed, workload.id)
        job = Job(
            row=row,
            workload=workload.id,
            attempt=workload.attempt,
            generation=workload.generation,
            queue=workload.queue,
            qos=workload.qos,
            priority=workload.priority,
            preemptible=workload.preemptible,
            project=workload.project,
            owner=workload.owner,
            since=since,
            time_limit_s=workload.time_limit_s,
            demand=demand,
            association=association,
            asks=asks,
            reservation=spec.reservation,
            latest=latest,
            end=end,
            form=form[0],
            requests=spec.requests if spec.alternatives else (),
            work=tuple(asked.work.items()),
        )
        self.jobs[row] = job
        self._alive[demand] += 1
        return job

    def _drop(self, job: Job) -> None:
        del self.jobs[job.row]
        demand = job.demand.anytime
        self._alive[demand] -= 1
        if not self._alive[demand]:
            del self._alive[demand]
        self.bounds.leave(job.association, job.asks)
        self._rows.leave(job.row)

    def _shape(self, demand: Demand) -> int:
        """The row of shapes for what one task of the demand asks, and how many must find room on a node."""
        shape, is_new = self._shapes.take(demand.of_one_node)
        self._reach(shapes=len(self._shapes), parted_types=t.DEVICE_TYPES if demand.device_partition else 0)
        if is_new:
            write_shape(self.tables.shapes[shape], demand, self.types)
            write_merits(self.tables, shape, demand, self.known)
        if demand.features and self._features.take(self.tables, shape, demand.features):
            self._empty = None
        return shape
