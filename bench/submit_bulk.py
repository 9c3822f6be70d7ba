"""Submissions acknowledged as durable each second, through HTTP in batches of 1,000; peer: sbatch.

Both sides take the same one-cpu job held, so that nothing but submission is measured. Both are tried with several
submitters at a time, and the best of each side counts. Ours are on disk when they are acknowledged: at the end the
server is killed with SIGKILL, and every one must be there when it is back. Writing the JSON is part of our time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.rig.center import Client, center
from bench.rig.jobs import sbatch_rate, spec
from bench.rig.report import Spread, figure, machine, spread
from bench.rig.slurm import peer
from bench.rig.wire import drive

BATCH = 1_000
BATCHES = 10
SUBMITTERS = (1, 2, 4)
REPETITIONS = 5


def ours() -> Spread:
    """Workloads a second, with that number of submitters at a time that did best."""
    found = []
    with center() as client:
        _round(client, 1, 2)
        for count in SUBMITTERS:
            found.append(spread([_round(client, count, BATCHES) for _ in range(REPETITIONS)]))
            print(f"ours, batches of {BATCH} from {count} submitters: {found[-1]} per second")
        sent = BATCH * (2 + BATCHES * REPETITIONS * len(SUBMITTERS))
        client.center.kill()
        client.center.start()
        client.center.ready()
        there = client.counts().get("held", 0)
        if there != sent:
            raise RuntimeError(f"{sent} were acknowledged and {there} are there")
        print(f"ours: all {sent} acknowledged are there after SIGKILL")
    return max(found, key=lambda values: values.median)


def _round(client: Client, submitters: int, batches: int) -> float:
    began = time.perf_counter()
    with client.wires(submitters) as wires:
        for _ in drive(wires, _requests(client, batches)):
            pass
    return batches * BATCH / (time.perf_counter() - began)


def _requests(client: Client, batches: int) -> Iterator[bytes]:
    for _ in range(batches):
        body = {"workloads": [spec("/bin/true") for _ in range(BATCH)]}
        yield client.address.request("POST", "/v1/workloads/batch?hold=true", body, key=f"bulk-{time.time_ns()}")


def main() -> None:
    """Measure both sides and print the figure."""
    print(machine())
    with peer() as cluster:
        beside = sbatch_rate(cluster, (1, 4)).median if cluster else None
    print(figure("submit-bulk", ours().median, beside, "1/s"))


if __name__ == "__main__":
    main()
