"""Every text of a report, in one table for each language."""

from __future__ import annotations

from typing import Final, NamedTuple


class Label(NamedTuple):
    """A text and its unit; ``factor`` takes the stored number to that unit."""

    text: str
    unit: str = ""
    factor: float = 1.0

    def __str__(self) -> str:
        return f"{self.text} ({self.unit})" if self.unit else self.text


FIGURES: Final = {
    "bounded_slowdown_mean": Label("Bounded slowdown, mean"),
    "bounded_slowdown_median": Label("Bounded slowdown, median"),
    "bounded_slowdown_p99": Label("Bounded slowdown, 99th percentile"),
    "bounded_slowdown_max": Label("Bounded slowdown, maximum"),
    "wait_mean_s": Label("Wait, mean", "h", 1 / 3600),
    "wait_p99_s": Label("Wait, 99th percentile", "h", 1 / 3600),
    "makespan_s": Label("Makespan", "d", 1 / 86_400),
    "cpu_utilization": Label("Cpus held", "%", 100.0),
    "device_utilization": Label("Devices held", "%", 100.0),
    "loss_of_capacity": Label("Loss of capacity", "%", 100.0),
    "jain_user_slowdown": Label("Jain's index, slowdown by user"),
    "jain_project_slowdown": Label("Jain's index, slowdown by project"),
    "energy_j": Label("Energy (model)", "MWh", 1 / 3.6e9),
}
CURVES: Final = {
    "cpu": Label("Cpus held", "%", 100.0),
    "device": Label("Devices held", "%", 100.0),
    "waiting": Label("Jobs waiting"),
}
SAMPLES: Final = {
    "wait_s": Label("Wait, less than a second drawn as one", "s"),
    "bounded_slowdown": Label("Bounded slowdown"),
}
CLASSES: Final = {
    "by_size": Label("Size of the job", "cpus or devices"),
    "by_runtime": Label("Run time of the job"),
}
TIME: Final = Label("Time since the first submission", "d", 1 / 86_400)
SHARE: Final = Label("Share of jobs", "%", 100.0)
MEAN: Final = Label("Mean bounded slowdown")
POLICY: Final = "Policy"
MISSING: Final = "the library {name} is not installed"
MISSING_HINT: Final = "pip install 'suanli[replay]'"
