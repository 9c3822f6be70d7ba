"""What every measurement prints: the machine, the spread, and one last line that a program can read."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Spread:
    """Values of repeated measurements, kept whole."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one: what a figure is."""
        return statistics.median(self.values)

    @property
    def p99(self) -> float:
        """The value that one in a hundred exceeds (nearest rank)."""
        return sorted(self.values)[min(len(self.values) - 1, int(0.99 * len(self.values)))]

    def __str__(self) -> str:
        low, high = min(self.values), max(self.values)
        return f"min {low:.4g} / median {self.median:.4g} / max {high:.4g} of {len(self.values)}"


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    return Spread(tuple(values))


def machine() -> str:
    """Processor, cores, memory, kernel, Python, disk, present load and date, in one line."""
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in information if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"machine: {models[0] if models else platform.machine()}, {len(os.sched_getaffinity(0))} cores, "
        f"{memory:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}, "
        f"fsync {1000 * _fsync_s():.2g} ms, load before {load}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def _fsync_s() -> float:
    """Seconds (median of 50) in which 4 KiB more are on the disk of the folder where measurements are made."""
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def figure(name: str, ours: float, peer: float | None, unit: str, *, lower_is_better: bool = False) -> str:
    """The last line of a measurement. ``ratio`` says how many times better we are: above 1 is ours."""
    if not peer:
        return f"figure {name} ours={ours:.4g} peer=- ratio=- unit={unit}"
    ratio = peer / ours if lower_is_better else ours / peer
    return f"figure {name} ours={ours:.4g} peer={peer:.4g} ratio={ratio:.3g} unit={unit}"
