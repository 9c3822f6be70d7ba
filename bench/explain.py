"""Milliseconds (the longest) of processor time to explain any of 1,000 waiting workloads on 10,000 nodes; no peer.

The nodes have 8 devices each of 8 models and are filled. Each explanation names every constraint, on how many nodes,
and the earliest start beside running work and the reservation of the head. The machine code is loaded before, and the
garbage collector leaves alone what the rig made.
"""

from __future__ import annotations

import gc
import time

from bench.cycle import NODES
from bench.rig.mixed import POLICY, Mixed
from bench.rig.report import figure, machine, spread
from suanli.kernel.scheduling.explain import explain

WAITING = 1_000


def main() -> None:
    """Measure and print the figure."""
    print(machine())
    mixed = Mixed(NODES)
    mixed.fill(WAITING)
    gc.freeze()  # what the rig itself keeps of a center is a service's to keep in a store
    took = []
    for workload in sorted(mixed.waiting):
        began = time.process_time()
        explain(mixed.state, workload, mixed.now, POLICY)
        took.append(1000 * (time.process_time() - began))
    found = spread(took[1:])
    print(f"{found} ms, p99 {found.p99:.4g} ms; the first, which judges every node: {took[0]:.4g} ms")
    print(figure("explain", max(found.values), None, "ms", lower_is_better=True))


if __name__ == "__main__":
    main()
