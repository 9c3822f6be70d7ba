"""Submissions acknowledged as durable each second, one a request from 32 submitters at a time; peer: sbatch.

Both sides take the same one-cpu job held, so that nothing but submission is measured. Ours are 32 kept-alive
connections of one lean client, each with one request under way, each request with an idempotency key as the command
line sends it. Of Slurm the best of 1, 4 and 32 submitters counts. Writing the JSON is part of our time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.rig.center import Client, center
from bench.rig.jobs import sbatch_rate, spec
from bench.rig.report import Spread, figure, machine, spread
from bench.rig.slurm import peer
from bench.rig.wire import drive

SUBMITTERS = 32
REQUESTS = 3_000
REPETITIONS = 5


def ours() -> Spread:
    """Workloads a second."""
    with center() as client:
        _round(client)
        rates, latencies = [], []
        for _ in range(REPETITIONS):
            began = time.perf_counter()
            answered = _round(client)
            rates.append(REQUESTS / (time.perf_counter() - began))
            latencies += answered
    found, answers = spread(rates), spread([1000 * seconds for seconds in latencies])
    print(f"ours, {SUBMITTERS} submitters: {found} per second")
    print(f"ours, time to an answer: {answers}, p99 {answers.p99:.4g} ms")
    return found


def _round(client: Client) -> list[float]:
    with client.wires(SUBMITTERS) as wires:
        return [seconds for seconds, _ in drive(wires, _requests(client))]


def _requests(client: Client) -> Iterator[bytes]:
    for _ in range(REQUESTS):
        key = f"single-{time.time_ns()}"
        yield client.address.request("POST", "/v1/workloads?hold=true", spec("/bin/true"), key=key)


def main() -> None:
    """Measure both sides and print the figure."""
    print(machine())
    with peer() as cluster:
        beside = sbatch_rate(cluster, (1, 4, 32)).median if cluster else None
    print(figure("submit-single", ours().median, beside, "1/s"))


if __name__ == "__main__":
    main()
