"""How much sooner jobs end when policies know each job's rate on each device model; peer: Gavel's published factors.

Throughputs and traces are those of D. Narayanan et al., "Heterogeneity-Aware Cluster Scheduling Policies for Deep
Learning Workloads", OSDI 2020 (Gavel), from ``../shared/data/gavel``. Jobs are sampled as there: types uniform over the
table, Poisson arrivals, run time on a V100 of 10^u minutes with u uniform in 1.5 to 3 (four in five jobs) or 3 to 4,
scale factor 1, 2, 4, 8 for 70, 10, 15, 5 % of jobs where gangs are wanted. The center has 36 V100, 36 P100 and 36 K80;
for jobs of one device, a third of these and of the arrivals; for the two traces 8, 16 and 24. A round lasts 360 s.

Compared are an aware policy and the blind form of the same policy with the same mechanism of rounds, jobs and seeds:
the average completion time of jobs 200 to 500 (arrivals go on behind them), or the makespan of jobs that are all there
at once. Beside each stands the factor of the authors for the same kind of policy and load, from the outputs kept in the
notebooks of their repository: ``continuous_jobs.ipynb`` for jobs of one device (Figure 8 of the paper),
``continuous_jobs_multigpu.ipynb`` for gangs (Figures 9 and 10), and ``makespan.ipynb``, where their blind side is first
come first served. They measured jobs 4,000 to 5,000. At 5.2 an hour, where the blind side's queue grows with time, ours
are the same part of a third: 1,333 to 1,667.

The figure is the geometric mean of our median factors over those comparisons that have a published one, beside theirs.
"""

from __future__ import annotations

import ast
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bench.rig.report import Spread, figure, machine, spread
from bench.rig.rounds import Center, Jobs, completions
from bench.rig.shared import DATA, present
from suanli.kernel.scheduling.heterogeneity.completion import (
    first_come_first_served,
    min_makespan,
    min_total_completion,
    shortest_first,
)
from suanli.kernel.scheduling.heterogeneity.fairness import finish_time_fairness, max_min
from suanli.kernel.scheduling.heterogeneity.problem import Policy
from suanli.kernel.scheduling.heterogeneity.rates import JobType, RateTable

GAVEL = DATA / "gavel"
MODELS = ("v100", "p100", "k80")
SEEDS = (0, 1, 2)
HOUR_S = 3600.0


def table() -> RateTable:
    """The published throughputs of consolidated jobs; a zero there means that the job cannot run so."""
    alone, shared = {}, {}
    for model, types in json.loads((GAVEL / "simulation_throughputs.json").read_text(encoding="utf-8")).items():
        for name, others in types.items() if model in MODELS else ():
            kind = JobType(*ast.literal_eval(name))
            alone[kind, model] = float(others["null"])
            for other, rates in others.items():
                if other != "null":
                    shared[kind, JobType(*ast.literal_eval(other)), model] = (float(rates[0]), float(rates[1]))
    return RateTable(MODELS, alone, shared)


def sampled(rates: RateTable, number: int, per_hour: float, seed: int, *, gangs: bool) -> Jobs:
    """Jobs as the paper samples them; all at once where ``per_hour`` is infinite."""
    chance = np.random.default_rng(seed)
    scale = chance.choice([1, 2, 4, 8], number, p=[0.7, 0.1, 0.15, 0.05]) if gangs else np.ones(number, dtype=np.int64)
    of_scale = {s: sorted({kind for kind, _ in rates.alone if kind.scale_factor == s}) for s in (1, 2, 4, 8)}
    types = [of_scale[int(s)][int(chance.integers(len(of_scale[int(s)])))] for s in scale]
    exponent = np.where(chance.random(number) < 0.8, chance.uniform(1.5, 3, number), chance.uniform(3, 4, number))
    steps = 60 * 10**exponent * np.array([rates.alone[kind, "v100"] for kind in types])
    return Jobs(tuple(types), steps, np.cumsum(chance.exponential(HOUR_S / per_hour, number)))


def traced(name: str) -> Jobs:
    """The jobs of a published trace: type, steps, scale factor and arrival are its columns 0, 5, 6 and 9."""
    lines = (GAVEL / name).read_text(encoding="utf-8").splitlines()
    rows = sorted((line.split("\t") for line in lines), key=lambda row: float(row[9]))
    types = tuple(JobType(row[0], int(row[6])) for row in rows)
    return Jobs(types, np.array([float(row[5]) for row in rows]), np.array([float(row[9]) for row in rows]))


class Setting(NamedTuple):
    """The devices by model, the jobs that are measured, and whether jobs of the aware side may share devices."""

    devices: tuple[int, ...]
    skip: int = 200
    until: int = 500
    makespan: bool = False
    sharing: bool = False


ONE_DEVICE, LATE, GANGS = Setting((12, 12, 12)), Setting((12, 12, 12), 1333, 1667), Setting((36, 36, 36))
ONCE = Setting((36, 36, 36), 0, 1000, makespan=True)
TRACE, TRACE_SHARED = Setting((8, 16, 24), 0), Setting((8, 16, 24), 0, sharing=True)
TRACE_ONCE = Setting((8, 16, 24), 0, makespan=True)


class Case(NamedTuple):
    """One comparison of a policy with a blind one, and the authors' factor for it (0 where they give none)."""

    name: str
    policy: Policy
    blind: Policy
    jobs: Callable[[int], Jobs]
    published: float
    setting: Setting


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hours of both sides by seed."""

    aware: Spread
    blind: Spread

    @property
    def factor(self) -> Spread:
        """How many times longer the blind side takes, seed by seed."""
        return spread([b / a for a, b in zip(self.aware.values, self.blind.values, strict=True)])


def compare(case: Case, rates: RateTable) -> Outcome:
    """Run both sides with each seed."""
    sides: tuple[list[float], list[float]] = ([], [])
    devices, skip, until, makespan, sharing = case.setting
    for seed in SEEDS[: 1 if case.jobs in TRACES else None]:
        jobs = case.jobs(seed)
        for hours, policy, aware in zip(sides, (case.policy, case.blind), (True, False), strict=True):
            center = Center(rates, devices, sharing and aware)
            took = completions(center, jobs, policy, min(until, len(jobs.types)), sees_models=aware)[skip:]
            hours.append(float(took.max() if makespan else took.mean()) / HOUR_S)
    return Outcome(spread(sides[0]), spread(sides[1]))


def fairness_trace(_seed: int) -> Jobs:
    """96 jobs that come within 13 hours."""
    return traced("max_min_fairness.trace")


def makespan_trace(_seed: int) -> Jobs:
    """100 jobs that are there at once."""
    return traced("minimize_makespan.trace")


TRACES = (fairness_trace, makespan_trace)


def cases(rates: RateTable) -> list[Case]:
    """All comparisons; the first is the figure."""

    def coming(per_hour: float, number: int = 1200, *, gangs: bool = False) -> Callable[[int], Jobs]:
        return lambda seed: sampled(rates, number, per_hour, seed, gangs=gangs)

    def at_once(number: int) -> Callable[[int], Jobs]:
        return lambda seed: sampled(rates, number, np.inf, seed, gangs=True)

    fcfs, fair, last, total = first_come_first_served, max_min, min_makespan, min_total_completion
    finish, short = finish_time_fairness, shortest_first
    two, four, five, gangs = coming(2 / 3), coming(4 / 3), coming(5.2 / 3, 2200), coming(2.4, gangs=True)
    return [
        Case("max-min, one device, 2/h", fair, fair, two, 23.47 / 16.95, ONE_DEVICE),
        Case("max-min, one device, 4/h", fair, fair, four, 23.49 / 16.82, ONE_DEVICE),
        Case("max-min, one device, 5.2/h", fair, fair, five, 63.78 / 22.02, LATE),
        Case("max-min, gangs, 1.2/h", fair, fair, coming(1.2, gangs=True), 26.10 / 18.49, GANGS),
        Case("max-min, gangs, 2.4/h", fair, fair, gangs, 38.71 / 30.03, GANGS),
        Case("finish-time fairness, one device, 4/h", finish, finish, four, 23.43 / 17.57, ONE_DEVICE),
        Case("first come first served, one device, 4/h", fcfs, fcfs, four, 25.38 / 17.08, ONE_DEVICE),
        Case("least total completion, one device, 4/h", total, total, four, 0, ONE_DEVICE),
        Case("shortest first, gangs, 2.4/h", short, short, gangs, 0, GANGS),
        Case("makespan, 100 jobs", last, last, at_once(100), 0, ONCE),
        Case("makespan, 300 jobs", last, last, at_once(300), 0, ONCE),
        Case("makespan against FCFS, 100 jobs", last, fcfs, at_once(100), 182.3 / 161.2, ONCE),
        Case("makespan against FCFS, 300 jobs", last, fcfs, at_once(300), 295.6 / 161.2, ONCE),
        Case("max-min, trace of 96 jobs", fair, fair, fairness_trace, 0, TRACE),
        Case("max-min sharing devices, trace of 96 jobs", fair, fair, fairness_trace, 0, TRACE_SHARED),
        Case("makespan, trace of 100 jobs", last, last, makespan_trace, 0, TRACE_ONCE),
        Case("makespan against FCFS, trace of 100 jobs", last, fcfs, makespan_trace, 0, TRACE_ONCE),
    ]


def main() -> None:
    """Run every comparison and print the figure."""
    print(machine())
    present(GAVEL)
    rates = table()
    factors = []
    for case in cases(rates):
        began = time.process_time()
        outcome = compare(case, rates)
        published = f"published {case.published:.2f}" if case.published else "none published"
        print(
            f"{case.name}: aware {outcome.aware} h, blind {outcome.blind} h, factor {outcome.factor}; {published}",
            end="",
        )
        print(f" ({time.process_time() - began:.1f} s)", flush=True)
        if case.published:
            factors.append((outcome.factor.median, case.published))
    ours, theirs = (statistics.geometric_mean(side) for side in zip(*factors, strict=True))
    print(figure("gavel", ours, theirs, "times-shorter"))


if __name__ == "__main__":
    main()
