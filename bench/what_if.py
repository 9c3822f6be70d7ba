"""Seconds of processor time to answer what if 40 nodes went down, by 1,000 and 10,000 nodes; no peer.

The nodes have 8 devices each of 8 models and are filled by work that started at any time within its limit, with twice
as many workloads waiting as there are nodes. The answer is both sides, each lived on until nothing can start any more.
Beside it, for how long the planner is kept from its turns: while its state is copied.
"""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from typing import NamedTuple

from bench.rig.mixed import POLICY, Mixed
from bench.rig.report import figure, machine, spread
from suanli.kernel.scheduling.job import expected_end
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.what_if.changes import Changes
from suanli.kernel.what_if.compare import bounds_for, compare
from suanli.kernel.what_if.onward import record_of
from suanli.kernel.what_if.outcome import Comparison, figures
from suanli.model.ids import EngineName, NodeName
from suanli.model.quantities import Instant
from suanli.model.resources import Node, NodeState

NODES_TRIED = (1_000, 10_000)
REPETITIONS = 3
DOWN = 40


class Answer(NamedTuple):
    """Milliseconds of processor time for the copy, seconds for both sides, and what came of it."""

    copy_ms: float
    sides_s: float
    found: Comparison


def aged(nodes: int) -> Mixed:
    """A filled center whose work started at any time within its limit."""
    mixed = Mixed(nodes)
    mixed.fill(2 * nodes)
    for run in mixed.active.values():
        begun = Instant(mixed.now - mixed.chance.randrange(run.time_limit_s * 1_000_000))
        older = replace(run, placed_at=begun, started_at=begun)
        workload, spec = record_of(mixed.state, mixed.state.running(run.id))
        mixed.state.occupy(older, workload, spec, expected_end(older))
    return mixed


def cost(nodes: int) -> float:
    """What an answer costs in a center of so many nodes, in seconds."""
    mixed = aged(nodes)
    down = tuple(
        Node(
            name=NodeName(f"n{number}"),
            engine=EngineName("slurm"),
            cpu_milli=1,
            memory_bytes=1,
            state=NodeState.DOWN,
            generation=2,
        )
        for number in range(DOWN)
    )
    gc.freeze()
    answers = [_answer(mixed, Changes(nodes=down)) for _ in range(REPETITIONS)]
    gc.unfreeze()
    copying, looking = spread([one.copy_ms for one in answers]), spread([one.sides_s for one in answers])
    found = answers[-1].found
    sides = [figures(side, found.waiting) for side in (found.before, found.after)]
    waits = " and ".join(f"{side.wait_s.mean:.0f} s" for side in sides if side.wait_s is not None)
    turns = found.before.turns + found.after.turns
    print(
        f"{nodes} nodes, {len(mixed.active)} run, {len(found.waiting)} wait: {looking} s, {turns} turns; "
        f"copy {copying} ms; {len(found.lost)} runs lost, mean waits {waits}"
    )
    return looking.median


def _answer(mixed: Mixed, changes: Changes) -> Answer:
    began = time.process_time()
    state = snapshot(mixed.state)
    copied = time.process_time()
    found = compare(state, mixed.now, POLICY, changes, bounds_for(state))
    return Answer(1000 * (copied - began), time.process_time() - copied, found)


def main() -> None:
    """Measure and print the figure."""
    print(machine())
    costs = [cost(nodes) for nodes in NODES_TRIED]
    print(figure("what-if", costs[-1], None, "s", lower_is_better=True))


if __name__ == "__main__":
    main()
