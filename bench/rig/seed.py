"""A past for a center: facts appended through its own store and fold, only not lived through."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from suanli.adapters.clock import SystemClock
from suanli.model.facts import SYSTEM, RunEnded, RunPlaced, RunStarted, WorkloadSubmitted
from suanli.model.ids import EngineName, ProjectName, UserName, run_id
from suanli.model.quantities import WHOLE_CPU, Instant
from suanli.model.resources import Allocation, Node, NodeHold
from suanli.model.spec import TaskResources, WorkloadSpec
from suanli.model.workload import EndCause, Usage
from suanli.ports.store import Transaction
from suanli.wiring.build import build_store
from suanli.wiring.settings import Settings

_AT_ONCE = 1_000
_MEMORY = 64 << 20
_OWNER = UserName("admin")


def finished(home: Path, count: int) -> None:
    """Record ``count`` workloads that were submitted, placed, started and ended; no server may run on ``home``."""
    store = build_store(Settings(home=home))
    try:
        with store.read() as tables:
            node = tables.nodes()[0]
            project = tables.user(_OWNER).default_project
        for start in range(0, count, _AT_ONCE):
            size = min(_AT_ONCE, count - start)
            store.transact(partial(_live_through, count=size, node=node, project=project))
    finally:
        store.close()


def _live_through(tx: Transaction, *, count: int, node: Node, project: ProjectName) -> None:
    spec = WorkloadSpec(
        name="past",
        project=project,
        command=("/bin/true",),
        resources=TaskResources(cpu_milli=WHOLE_CPU, memory_bytes=_MEMORY),
        time_limit_s=3600,
    )
    hold = NodeHold(node=node.name, tasks=1, cpu_milli=WHOLE_CPU, memory_bytes=_MEMORY)
    allocation = Allocation(engine=EngineName(node.engine), nodes=(hold,))
    first = tx.allocate(count)
    now = SystemClock().now()
    for number in range(first, first + count):
        workload = type(first)(number)
        run = run_id(workload, 1)
        ended = RunEnded(
            workload=workload,
            run=run,
            cause=EndCause.EXITED,
            exit_code=0,
            started_at=now,
            ended_at=Instant(now + 1_000_000),
            usage=Usage(cpu_us=1_000, memory_peak_bytes=1 << 20),
        )
        tx.append(WorkloadSubmitted(first=workload, count=1, owner=_OWNER, spec=spec), actor=_OWNER)
        tx.append(RunPlaced(workload=workload, run=run, allocation=allocation), actor=SYSTEM)
        tx.append(RunStarted(workload=workload, run=run, started_at=now), actor=SYSTEM)
        tx.append(ended, actor=SYSTEM)
