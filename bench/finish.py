"""Completed /bin/true each second, from the first submission to the last end, 500 at a time; peer: Slurm.

Ours are submitted in one batch; of Slurm the better of a job array and of 4 sbatch submitters counts. Both sides run
one-cpu jobs on 64 cpus that this machine does not have, measure processor time and peak memory of each, and record
each in a database. That all of them ended well is asked of the server, and of Slurm's accounting.
"""

from __future__ import annotations

import time

from bench.rig.center import Client, center
from bench.rig.jobs import SBATCH, spec
from bench.rig.processes import wait_until
from bench.rig.report import Spread, figure, machine, spread
from bench.rig.slurm import Slurm, peer

RUNS = 500
REPETITIONS = 5
PEER_REPETITIONS = 3


def ours() -> Spread:
    """Runs completed a second."""
    with center() as client:
        found = spread([_round(client, turn) for turn in range(REPETITIONS)])
    print(f"ours, one batch: {found} per second")
    return found


def _round(client: Client, turn: int) -> float:
    body = {"workloads": [spec("/bin/true") for _ in range(RUNS)]}
    began = time.perf_counter()
    client.ask("POST", "/v1/workloads/batch", body)
    wait_until(client.idle, 300, "all to have ended", pause_s=0.1)
    seconds = time.perf_counter() - began
    counts = client.counts()
    if counts != {"completed": RUNS * (turn + 1)}:
        raise RuntimeError(f"not all completed: {counts}")
    return RUNS / seconds


def theirs(cluster: Slurm) -> Spread:
    """Jobs completed a second, submitted in the way that did better."""
    array = [*SBATCH, f"--array=1-{RUNS}", "--wrap=/bin/true"]
    single = [*SBATCH, "--wrap=/bin/true"]
    found, done = [], 0
    for name, submitters, each, words in (("an array", 1, 1, array), ("4 submitters", 4, RUNS // 4, single)):
        values = []
        for _ in range(PEER_REPETITIONS):
            began = time.perf_counter()
            cluster.at_once(submitters, each, words)
            wait_until(cluster.empty, 300, "all to have ended", pause_s=0.2)
            values.append(RUNS / (time.perf_counter() - began))
            done += RUNS
        found.append(spread(values))
        print(f"peer, {name}: {found[-1]} per second")
    wait_until(lambda: cluster.completed() == done, 60, f"all {done} to be on record as completed")
    return max(found, key=lambda values: values.median)


def main() -> None:
    """Measure both sides and print the figure."""
    print(machine())
    with peer() as cluster:
        beside = theirs(cluster).median if cluster else None
    print(figure("finish", ours().median, beside, "1/s"))


if __name__ == "__main__":
    main()
