"""From microseconds and milli-cpus to the seconds and processors in which published orders are stated."""

from __future__ import annotations

from suanli.kernel.scheduling.core.jit import compiled

MICROSECONDS = 1e6
MILLI = 1e3


@compiled
def seconds(duration_us: int) -> float:
    """A duration in seconds; below one second counts as one, since formulas divide by it or take its logarithm."""
    return max(duration_us / MICROSECONDS, 1.0)


@compiled
def processors(tasks: int, cpu_milli: int) -> float:
    """Processors of all tasks together; below one counts as one."""
    return max(tasks * cpu_milli / MILLI, 1.0)
