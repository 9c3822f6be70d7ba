"""What a run that ended held, parted by days: a sum over its allocation, however much of it was put to use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from suanli.model.altered import altered
from suanli.model.errors import NotFoundError
from suanli.model.ids import ProjectName, QosName, UserName
from suanli.model.quantities import WHOLE_CPU, WHOLE_DEVICE, Instant
from suanli.model.quota import Amounts
from suanli.model.spec import NORMAL
from suanli.model.usage import DAY_US, MIB_MS, UsageDay
from suanli.model.workload import Run


class Tables(Protocol):
    """Where what was held before is looked up; raises NotFoundError where nothing was."""

    def usage_day(self, day: int, project: ProjectName, owner: UserName, qos: QosName, /) -> UsageDay: ...


def used(run: Run, project: ProjectName, owner: UserName, qos: QosName = NORMAL) -> Iterator[UsageDay]:
    """Each day that the run touched, in order, with what it held on it; none of a run that never began.

    Amounts are rounded down. An end that lies before the start, as clocks may have it, leaves a run without amounts.
    """
    if not run.started_at:
        return
    held = run.allocation
    amounts = Amounts(1, held.cpu_milli, held.memory_bytes, held.device_share)
    for day in parted(amounts, (run.started_at, run.ended_at), project, owner):
        yield altered(day, qos=qos)


def added(tables: Tables, more: UsageDay) -> UsageDay:
    """What was held on a day, with so much more."""
    try:
        before = tables.usage_day(more.day, more.project, more.owner, more.qos)
    except NotFoundError:
        return altered(more, generation=1)
    return altered(
        before,
        runs=before.runs + more.runs,
        cpu_us=before.cpu_us + more.cpu_us,
        memory_mib_ms=before.memory_mib_ms + more.memory_mib_ms,
        device_us=before.device_us + more.device_us,
        generation=before.generation + 1,
    )


def parted(held: Amounts, times: tuple[Instant, Instant], project: ProjectName, owner: UserName) -> Iterator[UsageDay]:
    """Each day that the time from a start to an end touched, with what was held on it: so much, all the while."""
    start, end = times
    last = end // DAY_US
    for day in range(min(start // DAY_US, last), last + 1):
        held_us = max(min(end, (day + 1) * DAY_US) - max(start, day * DAY_US), 0)
        yield UsageDay(
            day=day,
            project=project,
            owner=owner,
            runs=int(day == last),
            cpu_us=held.cpu_milli * held_us // WHOLE_CPU,
            memory_mib_ms=held.memory_bytes * held_us // MIB_MS,
            device_us=held.device_share * held_us // WHOLE_DEVICE,
        )
