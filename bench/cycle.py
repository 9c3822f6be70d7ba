"""Seconds of processor time of one full turn with EASY over 100,000 waiting workloads of 500 demands; no peer.

On 10,000 nodes with 8 devices each of 8 models, filled. Full: every demand is judged on every node anew. Median of 5.
"""

from __future__ import annotations

import time

from bench.rig.mixed import POLICY, Mixed
from bench.rig.report import figure, machine, spread
from suanli.kernel.scheduling.cycle import cycle

NODES = 10_000
WAITING = 100_000
REPETITIONS = 5


def main() -> None:
    """Measure and print the figure."""
    print(machine())
    mixed = Mixed(NODES)
    mixed.fill(WAITING)
    print(f"{len(mixed.active)} workloads run, {len(mixed.waiting)} wait")
    cycle(mixed.state, mixed.now, POLICY)
    full: list[float] = []
    known: list[float] = []
    for _ in range(REPETITIONS):
        full.append(mixed.judge_anew())
        began = time.process_time()
        cycle(mixed.state, mixed.now, POLICY)
        known.append(time.process_time() - began)
    print(f"full: {spread(full)} s; when nothing changed since: {spread(known)} s")
    print(figure("cycle", spread(full).median, None, "s", lower_is_better=True))


if __name__ == "__main__":
    main()
