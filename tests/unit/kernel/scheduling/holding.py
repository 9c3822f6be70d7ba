"""Runs that hold something, for who counts what is held."""

from __future__ import annotations

from suanli.model.ids import EngineName, NodeName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation, DeviceHold, NodeHold
from suanli.model.workload import Run, RunState
from tests.unit.kernel.scheduling.center import GIB


def run(
    number: int, since: int = 0, *, cpus: float = 0, gib: int = 0, devices: int = 0, placed: int | None = None
) -> Run:
    """A run on one node that started at an instant, and was placed then unless said otherwise."""
    hold = NodeHold(
        node=NodeName("n0"),
        tasks=1,
        cpu_milli=round(1000 * cpus),
        memory_bytes=gib * GIB,
        devices=tuple(DeviceHold(index=index) for index in range(devices)),
    )
    return Run(
        id=run_id(WorkloadId(number), 1),
        workload=WorkloadId(number),
        attempt=1,
        state=RunState.RUNNING,
        allocation=Allocation(engine=EngineName("local"), nodes=(hold,)),
        time_limit_s=0,
        placed_at=Instant(since if placed is None else placed),
        started_at=Instant(since),
    )
