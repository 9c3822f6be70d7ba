"""The same small job for both sides, and how fast sbatch takes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bench.rig.report import Spread, spread
from bench.rig.slurm import MEMORY_PER_CPU_MB, Slurm

SBATCH = ("sbatch", "--output=/dev/null", "--job-name=bench")
_JOBS = 400
_REPETITIONS = 3


def spec(*command: str, **more: Any) -> dict[str, Any]:
    """A workload of one task on one cpu with the memory that a job of the Slurm beside it gets."""
    return {
        "command": list(command),
        "name": "bench",
        "resources": {"cpus": 1, "memory": f"{MEMORY_PER_CPU_MB}MiB"},
        **more,
    }


def sbatch_rate(cluster: Slurm, submitters: Iterable[int]) -> Spread:
    """Held jobs a second that sbatch submits, with that number of submitters at a time that did best."""
    found = []
    for count in submitters:
        values = []
        for _ in range(_REPETITIONS):
            each = _JOBS // count
            values.append(each * count / cluster.at_once(count, each, [*SBATCH, "--hold", "--wrap=/bin/true"]))
            cluster.drain()
        found.append(spread(values))
        print(f"peer, sbatch --hold from {count} submitters: {found[-1]} per second")
    return max(found, key=lambda values: values.median)
