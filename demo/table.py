"""The table at the end: what happened to each workload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.table import Table

from suanli_cli.answers import Shown


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line; times in seconds, memory in MiB, -1 where there is none."""

    ref: str
    name: str
    kind: str
    state: str
    where: str
    waited: float
    ran: float
    cpu: float
    memory: float
    finding: str

    @staticmethod
    def of(workload: Shown, finding: str) -> Outcome:
        """Take the line from what the API shows."""
        usage = workload["usage"]
        started = workload["started_at"]
        return Outcome(
            ref=workload["ref"],
            name=workload["name"],
            kind=workload["kind"],
            state=workload["state"],
            where=", ".join(workload["nodes"]) or "nowhere",
            waited=_seconds(workload["submitted_at"], started or workload["ended_at"]),
            ran=_seconds(started, workload["ended_at"]),
            cpu=usage["cpu_seconds"] if usage else -1,
            memory=usage["memory_peak_bytes"] / 1024**2 if usage else -1,
            finding=finding,
        )


def show(outcomes: list[Outcome]) -> None:
    """Print the table."""
    table = Table(header_style="bold", box=None, padding=(0, 1))
    for title in ("ref", "workload", "kind", "state", "where"):
        table.add_column(title, no_wrap=True)
    for title in ("waited s", "ran s", "cpu s", "peak MiB"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("result", overflow="fold")
    for line in outcomes:
        numbers = (line.waited, line.ran, line.cpu, line.memory)
        texts = ["-" if number < 0 else f"{number:.1f}" for number in numbers]
        table.add_row(line.ref, line.name, line.kind, line.state, line.where, *texts, line.finding)
    Console(width=None if Console().is_terminal else 180).print(table)


def _seconds(since: str | None, until: str | None) -> float:
    if since is None or until is None:
        return -1
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()
