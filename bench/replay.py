"""Seconds of processor time in which KTH-SP2 (28,481 jobs) is replayed with EASY, machine code ready; peer: AccaSim.

On one node of 100 processors, and on 100 nodes of one, where each job's nodes are chosen one by one. Median of 5;
AccaSim replays the same log with its EASY once for each, without writing what it decided. It reads the log as it goes,
so the time to read it is part of the figure; it is also printed without.
"""

from __future__ import annotations

import time

from bench.rig.accasim_peer import replayed_s
from bench.rig.logs import log
from bench.rig.report import figure, machine, spread
from suanli.kernel.replay.center import CenterDescription, NodeGroup
from suanli.kernel.replay.formats.swf import from_swf_header
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import POLICIES

LOG = "KTH-SP2-filtered.swf"
REPETITIONS = 5


def main() -> None:
    """Measure and print the figure."""
    print(machine())
    kth, reading = log(LOG), []
    for _ in range(REPETITIONS):
        began = time.process_time()
        log(LOG)
        reading.append(time.process_time() - began)
    read = spread(reading)
    print(f"reading the log: {read} s")
    group = NodeGroup(prefix="all", count=1, cpu_milli=1000 * kth.header.max_procs, memory_bytes=2**62)
    found, beside = {}, {}
    for name, center in (
        ("one node", CenterDescription(groups=(group,))),
        ("100 nodes", from_swf_header(kth.header)),
    ):
        replay(kth.trace.select(slice(100)), center, POLICIES["easy"])
        took = []
        for _ in range(REPETITIONS):
            began = time.process_time()
            replay(kth.trace, center, POLICIES["easy"])
            took.append(time.process_time() - began)
        found[name] = spread(took)
        beside[name] = replayed_s(LOG, center.nodes, center.cpu_milli // center.nodes // 1000)
        a_job = 1e6 * found[name].median / len(kth.trace)
        print(f"{name}: {found[name]} s, {a_job:.1f} us a job; peer, reading included, {beside[name]} s")
    print(figure("replay", read.median + found["one node"].median, beside["one node"], "s", lower_is_better=True))


if __name__ == "__main__":
    main()
