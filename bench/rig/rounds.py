"""A center of device models run round by round on a virtual clock: what a policy makes of arriving jobs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from suanli.kernel.scheduling.heterogeneity.problem import Flags, Ints, Policy, Problem, Reals, blind
from suanli.kernel.scheduling.heterogeneity.rates import JobType, RateTable
from suanli.kernel.scheduling.heterogeneity.rounds import place_round, remember

ROUND_S = 360.0
MEMORY = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Jobs:
    """Jobs in the order in which they come: type, steps to make, instant of arrival in seconds."""

    types: tuple[JobType, ...]
    steps: Reals
    arrival_s: Reals


@dataclass(frozen=True, slots=True)
class Center:
    """Numbers of devices by model of the table, and whether jobs may share devices."""

    table: RateTable
    devices: tuple[int, ...]
    sharing: bool = False

    def problem(self, jobs: Jobs, at: Ints, left: Reals, now: float) -> Problem:
        """What a policy sees of the active jobs ``at``."""
        types = [jobs.types[job] for job in at]
        scale = np.array([kind.scale_factor for kind in types], dtype=np.int64)
        done, age = jobs.steps[at] - left[at], now - jobs.arrival_s[at]
        rates, devices = self.table.of(types).values, np.array(self.devices, dtype=np.int64)
        alone = Problem(rates, devices, scale, np.ones(at.size), left[at], done, age)
        return replace(alone, pairs=self.table.pairs(types)) if self.sharing else alone


def completions(center: Center, jobs: Jobs, policy: Policy, until: int, *, sees_models: bool) -> Reals:
    """Seconds after which each of the first ``until`` jobs is complete; the others only add load.

    A round in which a job ends is its devices' to the end of the round. The policy is asked anew when the active jobs
    have changed. ``sees_models`` False is the blind form, of the policy and of what gives idle devices away.
    """
    plan = policy if sees_models else blind(policy)
    left, ended, active = jobs.steps.copy(), np.full(jobs.steps.size, np.inf), np.zeros(0, dtype=np.int64)
    came, now, received = 0, 0.0, np.zeros((0, len(center.devices)))
    problem = seen = center.problem(jobs, active, left, now)
    allocation = np.zeros(received.shape)
    while not np.isfinite(ended[:until]).all():
        arrived = int(np.searchsorted(jobs.arrival_s, now, side="right"))
        keep = ~np.isfinite(ended[active])
        if arrived > came or not keep.all():
            received = received[: active.size][keep]
            active = np.concatenate([active[keep], np.arange(came, arrived)])
            came = arrived
            problem = center.problem(jobs, active, left, now)
            allocation = plan(problem)
            received = np.concatenate([received, np.zeros((problem.units - received.shape[0], received.shape[1]))])
            seen = problem if sees_models else _alike(problem)
        if active.size:
            placed = place_round(seen, allocation, received)
            received = remember(received, placed, ROUND_S, MEMORY)
            _advance(problem, active, placed, (left, ended), now)
        now += ROUND_S
    return ended[:until] - jobs.arrival_s[:until]


def _alike(problem: Problem) -> Problem:
    """The problem with every model on which a job runs as fast as any other."""
    return replace(problem, rates=(problem.rates > 0).astype(np.float64))


def _advance(problem: Problem, active: Ints, placed: Ints, state: tuple[Reals, Reals], now: float) -> None:
    """Let what is placed run for a round."""
    left, ended = state
    job, unit, rates = problem.members()
    running: Flags = placed[unit] >= 0
    rate = rates[running, placed[unit[running]]]
    at = active[job[running]]
    takes = left[at] / rate
    ends = takes <= ROUND_S
    left[at] -= rate * ROUND_S
    left[at[ends]] = 0.0
    ended[at[ends]] = now + takes[ends]
