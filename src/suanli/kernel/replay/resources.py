"""What was held, used and waited for of each resource while a replay lasted: step functions over its instants.

An outcome says when each job started and ended, the trace what it asked for and, where it is known, what it used. A job
is taken to use evenly while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.replay.center import UNKNOWN_MEMORY_BYTES, CenterDescription
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.trace import UNKNOWN, Int64s, Trace
from suanli.kernel.scheduling.core import tables as t
from suanli.model.quantities import WHOLE_CPU

CPU, MEMORY, DISK, DEVICE = RESOURCES = ("cpu", "memory", "disk", "device")

Floats: TypeAlias = NDArray[np.float64]
_LEAST_KNOWN: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resource:
    """One resource over the outcome's instants, all in one unit: milli-cpus, bytes, or thousandths of devices.

    ``waited_for`` is what waiting jobs asked for. ``used`` is by the jobs that tell what they used, and ``told`` what
    these held; it is 0 throughout where none does. Use above what was held is kept as the trace has it.
    """

    capacity: int
    held: Floats
    waited_for: Floats
    used: Floats
    told: Floats

    @property
    def is_told(self) -> bool:
        """Whether the trace tells of anybody what was used."""
        return bool(self.told.max(initial=0.0) > 0)

    @property
    def lost(self) -> Floats:
        """What was free though waiting jobs asked for it."""
        return np.minimum(np.maximum(self.capacity - self.held, 0.0), self.waited_for)


def resources(trace: Trace, outcome: Outcome, center: CenterDescription) -> dict[str, Resource]:
    """Each resource that the center has: memory and disk where the center bounds it and the trace speaks of it."""
    jobs = np.arange(len(trace))
    held = {
        CPU: trace.cpu_milli_total,
        MEMORY: trace.memory_total,
        DISK: trace.disk_total,
        DEVICE: trace.devices_total,
    }
    capacity = {
        CPU: center.cpu_milli,
        MEMORY: center.memory_bytes,
        DISK: center.disk_bytes if trace.disk_bytes.any() else 0,
        DEVICE: center.device_share,
    }
    nothing_told = np.full(len(trace), UNKNOWN, dtype=np.float64)
    used = {CPU: _cpu_milli_used(trace), MEMORY: trace.used_memory_bytes.astype(np.float64)}
    if not trace.memory_bytes.any() or any(group.memory_bytes == UNKNOWN_MEMORY_BYTES for group in center.groups):
        capacity[MEMORY] = 0
    waits = (trace.submitted_us, outcome.started_us)
    runs = (outcome.started_us, outcome.ended_us)
    found = {}
    for name in RESOURCES:
        if capacity[name]:
            amount, of_jobs = held[name].astype(np.float64), used.get(name, nothing_told)
            known = jobs[of_jobs >= 0]
            found[name] = Resource(
                capacity=capacity[name],
                held=during(outcome, runs, amount, jobs),
                waited_for=during(outcome, waits, amount, jobs),
                used=during(outcome, runs, of_jobs, known),
                told=during(outcome, runs, amount, known),
            )
    return found


def during(outcome: Outcome, whiles: tuple[Int64s, Int64s], amount: Floats, jobs: Int64s) -> Floats:
    """The sum of the amounts of these jobs at each instant, each counted from one instant of its own to another."""
    steps = np.zeros(outcome.time_us.size + 1)
    for instants, sign in zip(whiles, (1.0, -1.0), strict=True):
        there = jobs[instants[jobs] < t.NEVER]
        np.add.at(steps, np.searchsorted(outcome.time_us, instants[there]), sign * amount[there])
    sums: Floats = np.cumsum(steps)[:-1]
    # Sums of fractions that add up to nothing leave less than anybody can hold.
    return np.where(np.abs(sums) < _LEAST_KNOWN * max(1.0, float(amount.max(initial=0.0))), 0.0, sums)


def _cpu_milli_used(trace: Trace) -> Floats:
    known = (trace.used_cpu_us >= 0) & (trace.runtime_us < t.NEVER)
    return np.where(known, trace.used_cpu_us * float(WHOLE_CPU) / trace.runtime_us, float(UNKNOWN))
