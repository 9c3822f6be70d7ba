"""Placements a second of processor time by fragmentation gradient descent (FGD), while 10,000 nodes fill; no peer.

Nodes with 8 devices each of 8 models, empty at first, and tasks of 500 different demands in mixed order, more than fit:
shares, whole devices of one model or of any, or none, as in `placements-bestfit` but each task by itself. The time to
score the empty nodes is counted. Median of 5; `tests/unit/kernel/scheduling/scores/test_gradient.py` holds the choices
against a look at every node.
"""

from __future__ import annotations

import time
from random import Random

import numpy as np

from bench.rig.report import figure, machine, spread
from suanli.kernel.replay.arriving import place_arriving
from suanli.kernel.scheduling.core.criteria import KINDS, Request
from suanli.kernel.scheduling.core.tables import Ints
from suanli.kernel.scheduling.scores.arrays import Free
from suanli.kernel.scheduling.scores.gradient import gradient
from suanli.kernel.scheduling.scores.typical import typical
from suanli.model.quantities import WHOLE_DEVICE

NODES = 10_000
MODELS = 8
DEVICES = 8
DEMANDS = 500
TASKS = 100_000
REPETITIONS = 5


def empty() -> Free:
    """The nodes, of whose models each is as frequent; memory in GiB."""
    model = np.repeat(np.arange(NODES)[:, None] % MODELS, DEVICES, axis=1)
    cpu = np.full(NODES, 128_000)
    return Free(cpu, np.full(NODES, 1024), np.full_like(model, WHOLE_DEVICE), model, cpu.copy(), _none())


def _none() -> Ints:
    return np.zeros((NODES, KINDS), dtype=np.int64)


def demands(chance: Random) -> Ints:
    """Different demands [class, 5]: cpu, memory, count, share, models."""
    found: set[tuple[int, int, int, int, int]] = set()
    while len(found) < DEMANDS:
        kind, count, share, models = chance.random(), 0, 0, -1
        if kind < 0.2:
            count, share = 1, chance.choice((100, 200, 250, 500))
        elif kind < 0.9:
            count, share = chance.choice((1, 1, 2, 4, 8)), WHOLE_DEVICE
        if 0.2 <= kind < 0.75:
            models = 1 << chance.randrange(MODELS)
        cpus, memory = chance.choice((1, 2, 4, 6, 8, 12)), chance.choice((4, 8, 16, 32, 48))
        found.add((1000 * cpus, memory, count, share, models))
    return np.array(sorted(found))


def main() -> None:
    """Measure and print the figure."""
    print(machine())
    classes = demands(Random(1))  # noqa: S311 - the same tasks again are the point
    arriving = np.random.default_rng(1).integers(DEMANDS, size=TASKS)
    known = typical([Request(*row) for row in classes.tolist()], np.bincount(arriving, minlength=DEMANDS))
    rates, placed, free = list[float](), 0, empty()
    # The first compiles, or loads what was compiled.
    for number in range(REPETITIONS + 1):
        free = empty()
        began = time.process_time()
        placed = int((place_arriving(gradient(free, classes, known), free, classes, arriving, known) >= 0).sum())
        if number:
            rates.append(placed / (time.process_time() - began))
    print(f"{placed} of {TASKS} placed, {free.device.sum() / NODES / DEVICES / 10:.3g} % of devices left")
    print(f"{spread(rates)} 1/s")
    print(figure("placements-fgd", spread(rates).median, None, "1/s"))


if __name__ == "__main__":
    main()
