"""What a run held, day by day."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.usage import used
from suanli.model.ids import EngineName, NodeName, ProjectName, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation, DeviceHold, NodeHold
from suanli.model.usage import DAY_US, UsageDay
from suanli.model.workload import Run, RunState

ANN, P = UserName("ann"), ProjectName("p")
HOUR = 3600 * 1_000_000
GIB = 2**30


def run(started: int, ended: int, *nodes: NodeHold) -> Run:
    return Run(
        id=run_id(WorkloadId(1), 1),
        workload=WorkloadId(1),
        attempt=1,
        state=RunState.ENDED,
        allocation=Allocation(engine=EngineName("local"), nodes=nodes),
        time_limit_s=0,
        placed_at=Instant(started),
        started_at=Instant(started),
        ended_at=Instant(ended),
    )


HOLD = NodeHold(node=NodeName("n"), tasks=2, cpu_milli=1500, memory_bytes=3 * GIB, devices=(DeviceHold(index=0),))
OTHER = NodeHold(
    node=NodeName("m"), tasks=1, cpu_milli=500, memory_bytes=GIB, devices=(DeviceHold(index=3, share=250),)
)


def test_all_nodes_of_a_run_count_together_and_midnight_parts_them() -> None:
    noon = 5 * DAY_US + 23 * HOUR
    assert list(used(run(noon, noon + 3 * HOUR, HOLD, OTHER), P, ANN)) == [
        UsageDay(
            day=5,
            project=P,
            owner=ANN,
            runs=0,
            cpu_us=2 * HOUR,
            memory_mib_ms=4096 * 3600 * 1000,
            device_us=5 * HOUR // 4,
        ),
        UsageDay(
            day=6,
            project=P,
            owner=ANN,
            runs=1,
            cpu_us=4 * HOUR,
            memory_mib_ms=2 * 4096 * 3600 * 1000,
            device_us=5 * HOUR // 2,
        ),
    ]


def test_a_run_that_never_began_held_nothing() -> None:
    assert list(used(replace(run(0, DAY_US, HOLD), placed_at=Instant(7)), P, ANN)) == []


def test_a_clock_that_went_back_leaves_a_run_without_amounts() -> None:
    (day,) = used(run(2 * DAY_US + 5, 2 * DAY_US - 5, HOLD), P, ANN)
    assert (day.day, day.runs, day.cpu_us, day.memory_mib_ms, day.device_us) == (1, 1, 0, 0, 0)


@given(
    started=st.integers(1, 40 * DAY_US),
    took=st.integers(0, 40 * DAY_US),
    cpu_milli=st.integers(0, 10**6),
    memory_bytes=st.integers(0, 2**42),
    shares=st.lists(st.integers(1, 1000), max_size=3),
)
def test_days_add_up_to_the_whole(
    started: int, took: int, cpu_milli: int, memory_bytes: int, shares: list[int]
) -> None:
    devices = tuple(DeviceHold(index=index, share=share) for index, share in enumerate(shares))
    hold = NodeHold(node=NodeName("n"), tasks=1, cpu_milli=cpu_milli, memory_bytes=memory_bytes, devices=devices)
    days = list(used(run(started, started + took, hold), P, ANN))
    assert [day.day for day in days] == list(range(started // DAY_US, (started + took) // DAY_US + 1))
    assert sum(day.runs for day in days) == days[-1].runs == 1
    wholes = (cpu_milli * took / 1000, memory_bytes * took / (2**20 * 1000), sum(shares) * took / 1000)
    for whole, name in zip(wholes, ("cpu_us", "memory_mib_ms", "device_us"), strict=True):
        amounts = [getattr(day, name) for day in days]
        assert min(amounts) >= 0
        assert whole * (1 + 1e-9) + 1 >= sum(amounts) >= whole * (1 - 1e-9) - len(days)
