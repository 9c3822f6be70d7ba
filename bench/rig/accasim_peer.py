"""AccaSim, a simulator of workload managers (PyPI: accasim), replaying a log beside us in an environment of its own."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from bench.rig.shared import DATA, present

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".peers" / "bin" / "python"
SCRIPT = Path(__file__).with_name("accasim_run.py")


def replayed_s(name: str, nodes: int, processors: int) -> float | None:
    """Seconds of processor time in which AccaSim replays a log with EASY; None after a line that says why not.

    Without output of the schedule, which it writes in a process of its own.
    """
    if not PYTHON.exists():
        print("peer left out: .peers is not there; `make bench B=replay` makes it")
        return None
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / name
        log.write_text(
            _with_memory(present(DATA / "traces" / "swf" / name).read_text(encoding="utf-8")), encoding="utf-8"
        )
        words = [str(PYTHON), str(SCRIPT), str(log), str(nodes), str(processors), folder]
        ended = subprocess.run(words, check=True, capture_output=True, text=True, cwd=folder)
    return float(ended.stdout.split()[-1])


def _with_memory(log: str) -> str:
    """The log with one kilobyte asked for each processor: where it says nothing, AccaSim divides by nothing."""
    lines = []
    for line in log.splitlines():
        if line and not line.startswith(";"):
            fields = line.split()
            fields[6] = fields[9] = "1"
            line = " ".join(fields)  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines) + "\n"
