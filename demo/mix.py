"""The mix: seven things to be done, each a plain spec as anybody would submit it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suanli_cli.client import Client

Spec = dict[str, Any]

PROGRAMS = Path(__file__).parent / "workloads"


@dataclass(frozen=True, slots=True)
class Mix:
    """The ids of what was submitted."""

    liquid: int
    scan: int
    gather: int
    training: int
    service: int
    npu: int
    overrun: int

    @property
    def finite(self) -> dict[int, str]:
        """Workloads that end by themselves, with the state in which each must."""
        ends = {self.liquid: "completed", self.gather: "completed", self.training: "completed", self.overrun: "timeout"}
        return ends | {self.scan + element: "completed" for element in range(8)}

    @property
    def all(self) -> list[int]:
        """Every id, in order of submission."""
        return sorted([*self.finite, self.service, self.npu])


def submit(client: Client, environment: Path, results: Path) -> Mix:
    """Submit the mix; each workload leaves its files in a folder of its own below ``results``."""

    def send(name: str, program: str, words: list[str], **fields: Any) -> int:
        folder, script = program.split("/")
        directory = results / folder
        directory.mkdir(parents=True, exist_ok=True)
        spec: Spec = {
            "name": name,
            "command": ["environment/bin/python", f"program/{script}", *words],
            "working_directory": str(directory),
            "environment": {"PATH": f"{environment}/bin:/usr/bin:/bin"},
            "inputs": [
                {"source": str(environment), "target": "environment"},
                {"source": str(PROGRAMS / folder), "target": "program"},
            ],
            "time_limit": "10m",
        }
        return client.submit(spec | fields)["id"]

    memory = {"cpus": 1, "memory": "1GiB"}
    little = {"cpus": 0.1, "memory": "256MiB"}
    overrun = send("overrun", "overrun/overrun.py", ["600"], resources=little, time_limit=3)
    scan = send("bond-scan", "bond_scan/point.py", [], array="0-7", resources=memory)
    gather = send("bond-length", "bond_scan/gather.py", [], dependencies=[f"afterok:{scan}"], resources=memory)
    training = send("digits-training", "digits/train.py", [], tasks=2, launcher="torchrun", resources=memory)
    service = send(
        "digits-service",
        "digits/serve.py",
        [],
        kind="service",
        dependencies=[f"afterok:{training}"],
        resources=little,
        time_limit=0,
    )
    liquid = send("lennard-jones", "lennard_jones/liquid.py", [], tasks=2, launcher="mpi", resources=memory)
    npu = send(
        "on-an-npu", "overrun/overrun.py", ["1"], resources={**memory, "devices": {"class": "npu", "precision": "bf16"}}
    )
    return Mix(liquid, scan, gather, training, service, npu, overrun)
