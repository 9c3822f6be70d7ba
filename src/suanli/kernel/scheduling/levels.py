"""What goes before all waiting: the queue's priority, then the quality of service's, then the work's own.

The last two are one key of the order (``keys``), for the first difference between them decides.
"""

from __future__ import annotations

from collections.abc import Iterable

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.job import Job
from suanli.kernel.scheduling.plan import Level
from suanli.model.ids import QosName, QueueName
from suanli.model.qos import Qos, plain
from suanli.model.resources import Queue
from suanli.model.workload import Workload


class Levels:
    """Queues and qualities of service. One that was never told has priority 0, and lets its work keep its place."""

    def __init__(self) -> None:
        self._queues: dict[QueueName, int] = {}
        self._qos: dict[QosName, Qos] = {}

    def set_queue(self, queue: Queue) -> bool:
        """A queue is there; tell whether work in it stands otherwise than before."""
        before = self._queues.get(queue.name, 0)
        self._queues[queue.name] = queue.priority
        return before != queue.priority

    def set_qos(self, qos: Qos) -> bool:
        """A quality of service is there; tell whether work that has it stands otherwise than before."""
        before = self._of(qos.name)
        self._qos[qos.name] = qos
        return (before.priority, before.preemptible) != (qos.priority, qos.preemptible)

    def of(self, work: Workload | Job) -> Level:
        """Where work stands."""
        return Level(self._queues.get(work.queue, 0), self._of(work.qos).priority, work.priority)

    def is_preemptible(self, work: Workload | Job) -> bool:
        """Whether work may lose its place: because it says so, or its quality of service does."""
        return work.preemptible or self._of(work.qos).preemptible

    def write(self, tables: t.Center, jobs: Iterable[Job]) -> None:
        """Let jobs stand as they do by now; the queue is to be put in order after that."""
        for job in jobs:
            tables.keys[:2, job.row] = self.of(job).keys
            may_leave, row = int(self.is_preemptible(job)), tables.jobs[job.row]
            if job.end:
                tables.sizes[t.PREEMPTIBLES] += may_leave - int(row[t.PREEMPTIBLE])
            row[t.PREEMPTIBLE] = may_leave
        tables.sizes[t.HEAD] = t.NOBODY

    def copied(self) -> Levels:
        """As it is now, and on its own from then on."""
        other = Levels()
        other._queues, other._qos = dict(self._queues), dict(self._qos)
        return other

    def _of(self, name: QosName) -> Qos:
        return self._qos.get(name) or plain(name)
