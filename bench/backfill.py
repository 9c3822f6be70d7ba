"""Average bounded slowdown on KTH-SP2 by our order with learned run times; peer: the best of 5,770 published variants.

The threshold is 10 s. Published on this log (Gaussier, Glesser, Reis, Trystram, SC 2015, and its repository): EASY
92.577, EASY with shortest-first backfilling and clairvoyant run times 49.848, and 45.797 for the best of 5,770 variants
that know requested times and what has ended. Then the orders of RLScheduler's comparison (Zhang et al., SC 2020) on its
two logs: 10 sequences of 1,024 consecutive jobs, drawn with a seed, each from an empty machine. Lower is better.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.rig.logs import log
from bench.rig.report import figure, machine
from suanli.kernel.replay.center import CenterDescription, NodeGroup
from suanli.kernel.replay.formats.swf import SwfLog
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.metrics import bounded_slowdown, run_s, wait_s
from suanli.kernel.replay.policy import BACKFILLS, POLICIES, Policy
from suanli.kernel.replay.trace import Trace

PUBLISHED = {"easy": 92.577, "easy-clairvoyant-sjbf": 49.848}
BEST_PUBLISHED = 45.797
SEQUENCES, LENGTH = 10, 1_024
ORDERS = ("fcfs", "sjf", "wfp3", "unicep", "f1")


def on(trace: Trace, log: SwfLog, policy: Policy) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Slowdown and wait (s) of each job, and the part of the processors that was used until the last job ended."""
    processors = log.header.max_procs or log.header.max_nodes
    group = NodeGroup(prefix="all", count=1, cpu_milli=1000 * processors, memory_bytes=2**62)
    outcome = replay(trace, CenterDescription(groups=(group,)), policy)
    wait, run = wait_s(trace, outcome), run_s(outcome)
    span = float(outcome.ended_us.max() - trace.submitted_us.min()) / 1e6
    return bounded_slowdown(wait, run), wait, float((run * trace.tasks).sum()) / span / processors


def kth() -> float:
    """Print all policies on the whole log; return our average."""
    kth = log("KTH-SP2-filtered.swf")
    print(
        f"KTH-SP2, {len(kth.trace)} jobs: average, p99 and maximum bounded slowdown; mean wait (s); published average"
    )
    found: dict[str, float] = {}
    for name, policy in POLICIES.items():
        slow, wait, _ = on(kth.trace, kth, policy)
        found[name] = float(slow.mean())
        told = PUBLISHED.get(name, "-")
        print(
            f"  {name:24}{slow.mean():10.3f}{np.quantile(slow, 0.99):10.1f}{slow.max():10.1f}{wait.mean():9.0f}  {told}"
        )
    return found["slowdown"]


def sequences(name: str) -> None:
    """Print the orders with each way of backfilling on sequences of a log."""
    whole = log(name)
    draws = np.random.default_rng(0).integers(0, len(whole.trace) - LENGTH, SEQUENCES)
    traces = [whole.trace.select(slice(int(first), int(first) + LENGTH)) for first in draws]
    print(f"{name}, {SEQUENCES} sequences of {LENGTH} jobs: average bounded slowdown / wait (s) / utilization")
    for order in ORDERS:
        cells = [f"{way} {_cell(traces, whole, Policy(order=order, backfill=way)):28}" for way in BACKFILLS]
        print(f"  {order:10}" + " ".join(cells))
    print(f"  {'slowdown':10}{'':34}easy {_cell(traces, whole, POLICIES['slowdown'])}")


def _cell(traces: Sequence[Trace], whole: SwfLog, policy: Policy) -> str:
    found = [on(trace, whole, policy) for trace in traces]
    slow = np.mean([each[0].mean() for each in found])
    return (
        f"{slow:.2f} / {np.mean([each[1].mean() for each in found]):.0f} / {np.mean([each[2] for each in found]):.3f}"
    )


def main() -> None:
    """Print the tables and the figure."""
    print(machine())
    ours = kth()
    sequences("lublin_256.swf")
    sequences("hpc2n.swf")
    print(figure("backfill", ours, BEST_PUBLISHED, "slowdown", lower_is_better=True))


if __name__ == "__main__":
    main()
