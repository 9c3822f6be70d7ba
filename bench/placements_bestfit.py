"""Placements a second of processor time by best fit, while a cluster of 10,000 nodes fills in one turn; no peer.

Nodes with 8 devices each of 8 models, empty at first, and 60,000 workloads of 500 demands waiting in mixed order: more
than fit. Median of 5. The turn is the live one, with EASY; what a server does with its plan is not counted. The figure
counts workloads, of which a third are gangs; how many tasks these have in all is printed beside it.
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
    """Measure and print the figure."""
    print(machine())
    mixed = Mixed(NODES)
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
    print(f"{placed} of {WAITING} placed, with {tasks} tasks; {spread(rates)} 1/s")
    print(figure("placements-bestfit", spread(rates).median, None, "1/s"))


if __name__ == "__main__":
    main()
