"""Percent of one core that a server with nothing to do uses, and the memory it holds; peer: all daemons of Slurm.

The peer's are munged, mariadbd, slurmdbd, slurmctld and four slurmd together, with nothing to do either. Resident
memory is counted whole for each process, shared pages too. Ours is watched twice, before anything was ever planned and
after work has run; the second counts, for then the planner's machine code is loaded. Lower is better: ratio = peer /
ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.rig.center import center
from bench.rig.jobs import spec
from bench.rig.processes import Weight, wait_until
from bench.rig.report import Spread, figure, machine, spread
from bench.rig.slurm import peer

SETTLE_S = 5
SPAN_S = 20
SPANS = 3
_WORK_S = 120.0


def watch(what: str, weigh: Callable[[], Weight]) -> Spread:
    """Percent of one core in each span of time."""
    time.sleep(SETTLE_S)
    used = []
    before = weigh()
    for _ in range(SPANS):
        time.sleep(SPAN_S)
        after = weigh()
        used.append(100 * (after.cpu_s - before.cpu_s) / SPAN_S)
        before = after
    found = spread(used)
    print(f"{what}: {found} % of a core over {SPANS} x {SPAN_S} s, resident {before.resident_bytes / 1e6:.1f} MB")
    return found


def main() -> None:
    """Watch both sides and print the figure."""
    print(machine())
    with peer() as cluster:
        beside = watch("peer", cluster.tree.weight).median if cluster else None
    with center() as client:
        watch("ours, before any work", client.center.weight)
        client.ask("POST", "/v1/workloads", spec("/bin/true"))
        wait_until(client.idle, _WORK_S, "the work to end")
        mine = watch("ours, after work", client.center.weight).median
    print(figure("idle", mine, beside, "percent", lower_is_better=True))


if __name__ == "__main__":
    main()
