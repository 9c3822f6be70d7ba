"""Sample nouns for tests: whole and plausible, with only what a test is about left to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from suanli.model.devices import DeviceClass, Precision
from suanli.model.facts import RunEnded, RunPlaced, RunStarted, WorkloadSubmitted
from suanli.model.ids import EngineName, NodeName, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation, Device, Node, NodeHold
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import EndCause, Usage
from suanli.ports.store import Transaction

GIB = 1024**3
ANN, BOB = UserName("ann"), UserName("bob")


class SetClock:
    """A clock that stands still until a test sets it (port ``Clock``)."""

    def __init__(self, at_us: int = 1_000_000) -> None:
        self.at_us = at_us

    def now(self) -> Instant:
        return Instant(self.at_us)


def spec(**changes: Any) -> WorkloadSpec:
    """The spec of a job that succeeds at once, but for ``changes``."""
    return replace(WorkloadSpec(name="sample", command=("/bin/true",)), **changes)


def node(name: str = "n1", **changes: Any) -> Node:
    """A node with eight cpus, 32 GiB and two GPUs, but for ``changes``."""
    gpus = tuple(
        Device(
            index=index,
            device_class=DeviceClass.GPU,
            model="sample-80",
            memory_bytes=80 * GIB,
            precisions=frozenset({Precision.FP64, Precision.BF16}),
        )
        for index in range(2)
    )
    whole = Node(name=NodeName(name), engine=EngineName("local"), cpu_milli=8000, memory_bytes=32 * GIB, devices=gpus)
    return replace(whole, **changes)


def allocation(node_name: str = "n1", tasks: int = 1) -> Allocation:
    """Tasks with one cpu and half a GiB each on a node."""
    hold = NodeHold(node=NodeName(node_name), tasks=tasks, cpu_milli=1000 * tasks, memory_bytes=GIB // 2 * tasks)
    return Allocation(engine=EngineName("local"), nodes=(hold,))


def submit(tx: Transaction, *, owner: UserName = ANN, held: bool = False, **changes: Any) -> WorkloadId:
    """Record a submission of ``spec(**changes)`` and return the first workload's id."""
    wanted = spec(**changes)
    count = 1 if wanted.array is None else len(wanted.array.indices)
    first = tx.allocate(count)
    tx.append(WorkloadSubmitted(first=first, count=count, owner=owner, spec=wanted, held=held), actor=owner)
    return first


def place(tx: Transaction, workload: WorkloadId, tasks: int = 1, **changes: Any) -> None:
    """Record the next run of a waiting workload."""
    run = run_id(workload, tx.workload(workload).attempt + 1)
    placed = RunPlaced(workload=workload, run=run, allocation=allocation(tasks=tasks), **changes)
    tx.append(placed, actor=UserName("system"))


def start(tx: Transaction, workload: WorkloadId) -> None:
    """Record that the last run of a workload began."""
    run = tx.run(run_id(workload, tx.workload(workload).attempt))
    tx.append(
        RunStarted(workload=workload, run=run.id, started_at=Instant(run.placed_at + 1)), actor=UserName("system")
    )


def end(tx: Transaction, workload: WorkloadId, *, exit_code: int = 0, started_at: int = 0, ended_at: int = 0) -> None:
    """Record that the last run of a workload is over, by default soon after it was placed."""
    run = tx.run(run_id(workload, tx.workload(workload).attempt))
    ended = RunEnded(
        workload=workload,
        run=run.id,
        cause=EndCause.EXITED,
        exit_code=exit_code,
        started_at=Instant(started_at or run.started_at),
        ended_at=Instant(ended_at or run.placed_at + 2),
        usage=Usage(cpu_us=1500, memory_peak_bytes=GIB // 4),
    )
    tx.append(ended, actor=UserName("system"))
