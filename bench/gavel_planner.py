"""How much sooner jobs end when the planner of a center knows each job's rate on each device model.

Throughputs are those of D. Narayanan et al., "Heterogeneity-Aware Cluster Scheduling Policies for Deep Learning
Workloads", OSDI 2020 (Gavel), from ``../shared/data/gavel``, jobs of one device sampled as there (``gavel``). Unlike
``gavel``, which runs the policies of the paper in rounds, here the planner itself plans: the turns of a live center, in
a replay (``suanlid replay``), first come first served with EASY backfilling; nothing that runs is moved. The center has
12 nodes each with one V100, one P100 and one K80; the loads are a third of the paper's for 36 of each.

Both sides are the same kernel on the same jobs, which take as long as the table says on what they get. The one ranks
device types by expected time and waits where that ends sooner (policy ``easy-time``), the other knows no rates
(``easy``).
Measured is the average completion time of jobs 200 to 500; arrivals go on behind them.

Beside it stands the authors' factor for first come first served (continuous_jobs.ipynb of their repository at 4 an
hour: 25.38 / 17.08 h), and the range that they give for all their policies, 1.2 to 3.5.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.gavel import GAVEL, HOUR_S, sampled, table
from bench.rig.report import figure, machine, spread
from bench.rig.rounds import Jobs
from bench.rig.shared import present
from suanli.kernel.replay.center import CenterDescription, from_mapping
from suanli.kernel.replay.formats.gavel import Throughputs, read_gavel
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.trace import Trace
from suanli.kernel.scheduling.heterogeneity.rates import RateTable

SEEDS = (0, 1, 2, 3, 4)
LOADS = (2, 4)
"""Jobs an hour for three times the center, as the paper has it."""
MEASURED = slice(200, 500)
PUBLISHED = 25.38 / 17.08
"""First come first served at 4 an hour, of which the authors kept both sides."""
MODELS = ("v100", "p100", "k80")
BLIND, AWARE = "easy", "easy-time"


def center() -> CenterDescription:
    """Twelve devices of each model, in turn, so that the first free node says nothing of the model."""
    groups = [
        {"prefix": f"{model}-{place}-", "cpus": 1, "memory": "1GiB", "devices": [{"model": model}]}
        for place in range(12)
        for model in MODELS
    ]
    return from_mapping({"nodes": groups})


def throughputs(rates: RateTable) -> Throughputs:
    """The rates of jobs alone, as a trace's reader wants them."""
    return {
        model: {(kind.name, kind.scale_factor): rate for (kind, of), rate in rates.alone.items() if of == model}
        for model in MODELS
    }


def trace(jobs: Jobs, rates: RateTable) -> Trace:
    """The jobs as lines of a Gavel trace."""
    lines = (
        f"{kind.name}\tx\tx\t-n\t0\t{max(1, round(steps))}\t{kind.scale_factor}\t1\t-1\t{arrival}"
        for kind, steps, arrival in zip(jobs.types, jobs.steps.tolist(), jobs.arrival_s.tolist(), strict=True)
    )
    return read_gavel("\n".join(lines), throughputs(rates), MODELS[0])


def average_h(jobs: Trace, policy: str) -> float:
    """The average completion time of what is measured, in hours."""
    outcome = replay(jobs, center(), POLICIES[policy])
    return float((outcome.ended_us - jobs.submitted_us)[MEASURED].mean()) / 1e6 / HOUR_S


def sides(rates: RateTable, load: int) -> tuple[Sequence[float], Sequence[float]]:
    """Hours of the aware and of the blind side, by seed."""
    sampled_jobs = [trace(sampled(rates, 900, load / 3, seed, gangs=False), rates) for seed in SEEDS]
    aware, blind = ([average_h(jobs, policy) for jobs in sampled_jobs] for policy in (AWARE, BLIND))
    return aware, blind


def main() -> None:
    """Run both sides at each load and print the figure."""
    print(machine())
    present(GAVEL)
    rates, factors = table(), []
    for load in LOADS:
        aware, blind = sides(rates, load)
        factor = spread(np.divide(blind, aware).tolist())
        print(f"{load}/h: aware {spread(list(aware))} h, blind {spread(list(blind))} h, factor {factor}", flush=True)
        factors.append(factor.median)
    print(f"published: first come first served at 4/h {PUBLISHED:.2f}; all policies 1.2 to 3.5")
    print(figure("gavel-planner", factors[LOADS.index(4)], PUBLISHED, "times-shorter"))


if __name__ == "__main__":
    main()
