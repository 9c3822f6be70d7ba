"""Milliseconds from submission to the first instruction of a small program, one at a time; peer: sbatch and srun.

The program is `date +%s%N`, which says when it reads the clock; starting it and loading its libraries, about a
millisecond, is in the figures of both sides. Time begins before the request is made, or before sbatch or srun is
started. Submissions follow each other at a pace that lets each end first. Lower is better: ratio = peer / ours.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.rig.center import Client, center
from bench.rig.jobs import SBATCH, spec
from bench.rig.processes import wait_until
from bench.rig.report import Spread, figure, machine, spread
from bench.rig.slurm import Slurm, peer

OURS = 300
THEIRS = 80
PACE_S = 0.25
CLOCK = ("/bin/date", "+%s%N")


def ours() -> Spread:
    """Milliseconds of each submission."""
    with center() as client, client.wires(1) as (wire,):
        began = dict(_each(OURS, lambda: int(wire.call("POST", "/v1/workloads", spec(*CLOCK))["id"])))
        wait_until(client.idle, 60, "all to have ended")
        found = {one: int(wire.exchange(_log(client, one))[1]) for one in began}
    return _latencies(began, found)


def _log(client: Client, workload: int) -> bytes:
    return client.address.request("GET", f"/v1/workloads/{workload}/logs?stream=stdout")


def by_sbatch(cluster: Slurm) -> Spread:
    """Milliseconds of each batch job."""
    words = [*SBATCH, "--parsable", f"--output={cluster.root}/%j.out", "--wrap", " ".join(CLOCK)]
    began = dict(_each(THEIRS, lambda: int(cluster.ask(*words))))
    wait_until(cluster.empty, 60, "all to have ended")
    return _latencies(began, {job: int(Path(cluster.root, f"{job}.out").read_text("ascii")) for job in began})


def by_srun(cluster: Slurm) -> Spread:
    """Milliseconds of each interactive job."""
    found: dict[int, int] = {}

    def run() -> int:
        found[len(found)] = int(cluster.ask("srun", *CLOCK))
        return len(found) - 1

    return _latencies(dict(_each(THEIRS, run)), found)


def _each(count: int, submit: Callable[[], int]) -> Iterator[tuple[int, int]]:
    """Submit at an even pace; yield the name that each got, and when it was about to be submitted (ns)."""
    for _ in range(count):
        began = time.time_ns()
        yield submit(), began
        time.sleep(max(0.0, PACE_S - (time.time_ns() - began) / 1e9))


def _latencies(began: dict[int, int], found: dict[int, int]) -> Spread:
    return spread([(found[one] - began[one]) / 1e6 for one in began])


def _show(what: str, found: Spread) -> float:
    print(f"{what}: {found}, p99 {found.p99:.4g} ms")
    return found.median


def main() -> None:
    """Measure both sides and print the figure."""
    print(machine())
    beside = None
    with peer() as cluster:
        if cluster:
            try:
                beside = min(_show("peer, sbatch", by_sbatch(cluster)), _show("peer, srun", by_srun(cluster)))
            except subprocess.CalledProcessError as error:
                raise RuntimeError(error.stderr) from error
    median = _show("ours", ours())
    print(figure("launch", median, beside, "ms", lower_is_better=True))


if __name__ == "__main__":
    main()
