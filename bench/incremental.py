"""Milliseconds (p99) of processor time of one turn after one event: a run ended or a workload came; no peer.

On 10,000 nodes with 8 devices each of 8 models, filled, with 100,000 workloads of 500 demands waiting. What the turn
lets start is started; telling the tables of the event and of that is counted too. The garbage collector leaves alone
what the rig made.
"""

from __future__ import annotations

import gc

from bench.cycle import NODES, WAITING
from bench.rig.mixed import Mixed
from bench.rig.report import figure, machine, spread

EVENTS = 500


def main() -> None:
    """Measure and print the figure."""
    print(machine())
    mixed = Mixed(NODES)
    mixed.fill(WAITING)
    mixed.turn()
    gc.freeze()  # what the rig itself keeps of a center is a service's to keep in a store
    found = spread([1000 * mixed.live_on(number) for number in range(EVENTS)])
    print(f"{found} ms, p99 {found.p99:.4g} ms")
    print(figure("incremental", found.p99, None, "ms", lower_is_better=True))


if __name__ == "__main__":
    main()
