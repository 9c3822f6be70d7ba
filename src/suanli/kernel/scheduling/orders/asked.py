"""What an order sees of one row of the queue, in the units in which published orders are stated."""

from __future__ import annotations

from typing import NamedTuple

from suanli.kernel.scheduling.core.jit import compiled

MICROSECONDS = 1e6
MILLI = 1e3


class Asked(NamedTuple):
    """One row: instants and run times in microseconds, and the milli-cpus of one of its tasks."""

    submitted_us: int
    requested_us: int
    predicted_us: int
    tasks: int
    cpu_milli: int
    since_us: int
    """The instant since which it is eligible."""


@compiled
def seconds(duration_us: int) -> float:
    """A duration in seconds; below one second counts as one, since formulas divide by it or take its logarithm."""
    return max(duration_us / MICROSECONDS, 1.0)


@compiled
def processors(tasks: int, cpu_milli: int) -> float:
    """Processors of all tasks together; below one counts as one."""
    return max(tasks * cpu_milli / MILLI, 1.0)


@compiled
def waited(asked: Asked, now_us: int) -> float:
    """Seconds since it was submitted."""
    return max(now_us - asked.submitted_us, 0) / MICROSECONDS
