"""How the cost of a turn grows with nodes (1,000 to 100,000) and with the queue (1,000 to 1,000,000); no peer.

Seconds of processor time of a full turn with EASY (every demand judged on every node anew) and of a turn after one
event, on the mixed center of `cycle`, filled; with 100,000 waiting where nodes grow, on 10,000 nodes where the queue
does. The exponent is the slope of a straight line through the logarithms. Draws `bench/scale.png`. Takes some minutes
and 10 GB of memory.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from bench.cycle import NODES, REPETITIONS, WAITING
from bench.rig.mixed import Mixed
from bench.rig.report import figure, machine, spread

NODES_TRIED = (1_000, 3_000, 10_000, 30_000, 100_000)
QUEUES_TRIED = (1_000, 10_000, 100_000, 1_000_000)
EVENTS = 100
PLOT = Path(__file__).with_name("scale.png")


class Cost(NamedTuple):
    """Seconds of processor time of a full turn, and of one after an event: medians."""

    full_s: float
    event_s: float


def cost(nodes: int, waiting: int) -> Cost:
    """What turns cost in a center of so many nodes, filled, with so many waiting."""
    mixed = Mixed(nodes)
    mixed.fill(waiting)
    gc.freeze()
    full = [mixed.judge_anew() for _ in range(REPETITIONS)]
    event = [mixed.live_on(number) for number in range(EVENTS)]
    gc.unfreeze()
    found = Cost(spread(full).median, spread(event).median)
    running = len(mixed.active)
    print(
        f"{nodes} nodes, {running} run, {waiting} wait: full {found.full_s:.4g} s, event {1000 * found.event_s:.4g} ms"
    )
    return found


def exponent(sizes: tuple[int, ...], seconds: list[float]) -> float:
    """By which power of the size the seconds grow."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> None:
    """Measure, draw and print the exponents."""
    print(machine())
    by_nodes = [cost(nodes, WAITING) for nodes in NODES_TRIED]
    by_queue = [cost(NODES, waiting) for waiting in QUEUES_TRIED]
    drawn = Figure(figsize=(9, 4), layout="constrained")
    sides = (
        (NODES_TRIED, by_nodes, f"nodes, {WAITING:,} waiting"),
        (QUEUES_TRIED, by_queue, f"waiting, {NODES:,} nodes"),
    )
    for axes, (sizes, costs, label) in zip(drawn.subplots(1, 2, sharey=True), sides, strict=True):
        for kind, name in enumerate(("full turn", "turn after an event")):
            seconds = [found[kind] for found in costs]
            power = exponent(sizes, seconds)
            axes.loglog(sizes, seconds, marker="o", label=f"{name}: size ** {power:.2f}")
            print(f"{name} by {label}: exponent {power:.2f}")
        axes.set_xlabel(label)
        axes.legend()
        axes.grid(alpha=0.3)
    drawn.axes[0].set_ylabel("seconds of processor time")
    drawn.savefig(PLOT, dpi=96, metadata={"Software": ""})
    full_s = [found.full_s for found in by_nodes]
    print(figure("scale", exponent(NODES_TRIED, full_s), None, "exponent", lower_is_better=True))


if __name__ == "__main__":
    main()
