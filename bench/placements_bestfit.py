"""Placements a second of processor time by best fit, while a cluster of 10,000 nodes fills in one turn; no peer.

Nodes with 8 devices each of 8 models, empty at first, and 60,000 workloads of 500 demands waiting in mixed order: more
than fit. Median of 5. The turn is the live one, with EASY; what a server does with its plan is not counted.

Two figures: requests of one task each, as FGD's tasks and Kubernetes' pods are, so that workloads and placements are
the same; and a mix of which a third are gangs, counted in workloads, with the tasks that found a place told beside it.
"""

from __future__ import annotations

import time
from dataclasses import replace

from bench.cycle import NODES, REPETITIONS
from bench.rig.mixed import POLICY, Mixed
from bench.rig.report import figure, machine, spread
from suanli.kernel.scheduling.core.tables import NEED
from suanli.kernel.scheduling.cycle import Turn

WAITING = 60_000


def main() -> None:
    """Measure and print the figures."""
    print(machine())
    single, gangs = Mixed(NODES), Mixed(NODES)
    single.specs = [replace(spec, tasks=1) for spec in single.specs]
    print(figure("placements-bestfit", _measure("of one task", single), None, "1/s"))
    print(figure("placements-bestfit-gangs", _measure("a third of them gangs", gangs), None, "1/s"))


def _measure(kind: str, mixed: Mixed) -> float:
    """The median of workloads placed a second."""
    mixed.queue(WAITING)
    policy = replace(POLICY, placements=WAITING)
    placed, tasks, rates = 0, 0, list[float]()
    # The first turn makes the tables large enough and judges every demand on every node; the others begin from there.
    for number in range(REPETITIONS + 1):
        began = time.process_time()
        with Turn(mixed.state, mixed.now, policy) as turn:
            took, placed = time.process_time() - began, turn.started.size
            tasks = int(mixed.state.tables.jobs[turn.started, NEED].sum())
        if number:
            rates.append(placed / took)
    print(f"{kind}: {placed} of {WAITING} placed, with {tasks} tasks; {spread(rates)} workloads/s")
    return spread(rates).median


if __name__ == "__main__":
    main()
