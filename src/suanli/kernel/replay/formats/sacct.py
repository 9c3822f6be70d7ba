"""Slurm's accounting as ``sacct --parsable2`` prints it: a header, then fields between bars, columns in any order.

Durations and instants as in sacct(1): ``[D-]HH:MM:SS``, ``YYYY-MM-DDTHH:MM:SS`` (taken as UTC), or whole seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from suanli.kernel.replay.trace import Trace, coded, make_trace
from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import WHOLE_CPU, parse_duration, parse_memory

_SECOND_US: Final = 1_000_000
_UNKNOWN: Final = frozenset({"", "Unknown", "None", "UNLIMITED", "Partition_Limit", "INVALID"})
_STEP = re.compile(r"[^.]*\.")
_NUMBER = re.compile(r"[0-9]+")
_ASKED_MEMORY = re.compile(r"(.*?)([cn]?)")
_NEEDED: Final = (
    ("JobIDRaw", "JobID"),
    ("Submit",),
    ("Start",),
    ("ElapsedRaw", "Elapsed"),
    ("NCPUS", "AllocCPUS", "ReqCPUS"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    number: int
    submitted_s: int
    runtime_s: int
    requested_s: int
    tasks: int
    cpu_milli: int
    memory_bytes: int
    devices: int
    names: tuple[str, str, str, str]


def read_sacct(text: str) -> Trace:
    """Read jobs; the origin is the first submission. Steps are skipped.

    A job of n nodes becomes n tasks of equal parts of its cpus, rounded up to milli-cpus; one whose devices do not
    divide by its nodes becomes one task for each device. ``application`` is the job's name. Jobs that never began, or
    have not ended, are dropped and counted.

    Raises:
        InvalidRequestError: a column is missing or a line is damaged; ``field`` names it.
    """
    lines = text.splitlines()
    header = lines[0].split("|") if lines else []
    for choices in _NEEDED:
        if not set(choices) & set(header):
            raise InvalidRequestError(
                "lines.1", f"line 1: no column {' or '.join(choices)}", "sacct --parsable2 --format"
            )
    jobs: list[_Job] = []
    dropped = 0
    for place, line in enumerate(lines[1:], start=2):
        words = line.split("|")
        if not line:
            continue
        if len(words) != len(header):
            raise InvalidRequestError(f"lines.{place}", f"line {place}: {len(words)} columns, not {len(header)}")
        row = dict(zip(header, words, strict=True))
        if _STEP.match(_first(row, ("JobIDRaw", "JobID"))):
            continue
        try:
            job = _job(row)
        except (InvalidRequestError, ValueError) as error:
            raise InvalidRequestError(f"lines.{place}", f"line {place}: {error}") from error
        if job is None:
            dropped += 1
        else:
            jobs.append(job)
    return _trace(jobs, dropped)


def _trace(jobs: Sequence[_Job], dropped: int) -> Trace:
    origin = min((job.submitted_s for job in jobs), default=0)
    users, projects, queues, applications = (coded(job.names[place] for job in jobs) for place in range(4))
    return make_trace(
        {
            "number": [job.number for job in jobs],
            "submitted_us": [(job.submitted_s - origin) * _SECOND_US for job in jobs],
            "runtime_us": [job.runtime_s * _SECOND_US for job in jobs],
            "requested_us": [job.requested_s * _SECOND_US for job in jobs],
            "tasks": [job.tasks for job in jobs],
            "cpu_milli": [job.cpu_milli for job in jobs],
            "memory_bytes": [job.memory_bytes for job in jobs],
            "device_count": [job.devices for job in jobs],
            "user": users[0],
            "project": projects[0],
            "queue": queues[0],
            "application": applications[0],
        },
        names={"users": users[1], "projects": projects[1], "queues": queues[1], "applications": applications[1]},
        dropped=dropped,
    )


def _job(row: Mapping[str, str]) -> _Job | None:
    """One job, or nothing where it did not run to an end."""
    if row["Start"] in _UNKNOWN or row.get("End", "-") in _UNKNOWN or row.get("State", "") in {"PENDING", "RUNNING"}:
        return None
    runtime = int(row["ElapsedRaw"]) if row.get("ElapsedRaw") else parse_duration(row["Elapsed"])
    cpus = int(_first(row, ("NCPUS", "AllocCPUS", "ReqCPUS")) or 0)
    if runtime <= 0 or cpus <= 0:
        return None
    resources = _tres(_first(row, ("AllocTRES", "ReqTRES")))
    nodes = max(1, int(row.get("NNodes") or resources.get("node", "1")))
    devices = int(resources.get("gres/gpu", "0"))
    tasks = nodes if devices % nodes == 0 else devices
    return _Job(
        number=_number(_first(row, ("JobIDRaw", "JobID"))),
        submitted_s=_instant(row["Submit"]),
        runtime_s=runtime,
        requested_s=_limit(row) or runtime,
        tasks=tasks,
        cpu_milli=-(-cpus * WHOLE_CPU // tasks),
        memory_bytes=-(-_memory(row, resources, cpus, nodes) // tasks),
        devices=devices // tasks,
        names=(row.get("User", ""), row.get("Account", ""), row.get("Partition", ""), row.get("JobName", "")),
    )


def _first(row: Mapping[str, str], names: Sequence[str]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _number(text: str) -> int:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise InvalidRequestError("JobIDRaw", f"{text!r} is not a job's number", "print JobIDRaw, not JobID")
    return int(text)


def _instant(text: str) -> int:
    """Seconds since the epoch."""
    if text.isdecimal():
        return int(text)
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _limit(row: Mapping[str, str]) -> int:
    """The time limit in seconds, 0 where unknown; ``TimelimitRaw`` is in minutes."""
    raw, text = row.get("TimelimitRaw", ""), row.get("Timelimit", "")
    if raw not in _UNKNOWN:
        return int(raw) * 60
    return 0 if text in _UNKNOWN else parse_duration(text)


def _tres(text: str) -> dict[str, str]:
    """``cpu=4,mem=8G,gres/gpu=2`` as pairs."""
    return dict(part.split("=", 1) for part in text.split(",") if "=" in part)


def _memory(row: Mapping[str, str], resources: Mapping[str, str], cpus: int, nodes: int) -> int:
    """Memory of the whole job in bytes, 0 where unknown. Older Slurm appends ``c`` (a cpu) or ``n`` (a node)."""
    if "mem" in resources:
        return parse_memory(resources["mem"])
    match = _ASKED_MEMORY.fullmatch(row.get("ReqMem", ""))
    if match is None or match[1] in _UNKNOWN:
        return 0
    return parse_memory(match[1]) * {"c": cpus, "n": nodes, "": 1}[match[2]]
