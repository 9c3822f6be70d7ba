"""What a run that ended held, parted by days: a sum over its allocation, however much of it was put to use."""

from __future__ import annotations

from collections.abc import Iterator

from suanli.model.ids import ProjectName, UserName
from suanli.model.quantities import WHOLE_CPU, WHOLE_DEVICE
from suanli.model.usage import DAY_US, UsageDay
from suanli.model.workload import Run

_MIB_MS = 2**20 * 1000
"""Byte-microseconds in a mebibyte-millisecond."""


def used(run: Run, project: ProjectName, owner: UserName) -> Iterator[UsageDay]:
    """Each day that the run touched, in order, with what it held on it; none of a run that never began.

    Amounts are rounded down. An end that lies before the start, as clocks may have it, leaves a run without amounts.
    """
    if not run.started_at:
        return
    nodes = run.allocation.nodes
    cpu_milli, memory_bytes = sum(hold.cpu_milli for hold in nodes), sum(hold.memory_bytes for hold in nodes)
    share = sum(device.share for hold in nodes for device in hold.devices)
    start, last = run.started_at, run.ended_at // DAY_US
    for day in range(min(start // DAY_US, last), last + 1):
        held_us = max(min(run.ended_at, (day + 1) * DAY_US) - max(start, day * DAY_US), 0)
        yield UsageDay(
            day=day,
            project=project,
            owner=owner,
            runs=int(day == last),
            cpu_us=cpu_milli * held_us // WHOLE_CPU,
            memory_mib_ms=memory_bytes * held_us // _MIB_MS,
            device_us=share * held_us // WHOLE_DEVICE,
        )
