"""Slurm's accounting as ``sacct --parsable2`` prints it: a header, then fields between bars, columns in any order.

Durations and instants as in sacct(1): ``[D-]HH:MM:SS``, ``YYYY-MM-DDTHH:MM:SS`` (taken as UTC), or whole seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from suanli.kernel.replay.trace import UNKNOWN, Trace, coded, make_trace
from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import WHOLE_CPU, parse_duration, parse_memory

_SECOND_US: Final = 1_000_000
_UNKNOWN: Final = frozenset({"", "Unknown", "None", "UNLIMITED", "Partition_Limit", "INVALID"})
_STEP = re.compile(r"([^.]*)\.")
_PROCESSOR_TIME = re.compile(r"(?:([0-9]+)-)?(?:([0-9]+):)?([0-9]+):([0-9]+)(?:\.([0-9]+))?")
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
    names: tuple[str, str, str, str, str]
    used_cpu_us: int
    used_memory_bytes: int = UNKNOWN


def read_sacct(text: str) -> Trace:
    """Read jobs; the origin is the first submission.

    What a job used is known where there is ``TotalCPU`` (not ``CPUTime``, which is what it held), and of memory where
    its steps are listed with ``MaxRSS`` and ``NTasks``: that of the largest step, its tasks all taken to be as large as
    the largest of them. Nothing else of steps is looked at.

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
    peaks: dict[str, int] = {}
    dropped = 0
    for place, line in enumerate(lines[1:], start=2):
        words = line.split("|")
        if not line:
            continue
        if len(words) != len(header):
            raise InvalidRequestError(f"lines.{place}", f"line {place}: {len(words)} columns, not {len(header)}")
        row = dict(zip(header, words, strict=True))
        step = _STEP.match(_first(row, ("JobIDRaw", "JobID")))
        try:
            if step is not None:
                peaks[step[1]] = max(peaks.get(step[1], UNKNOWN), _resident(row))
                continue
            job = _job(row)
        except (InvalidRequestError, ValueError) as error:
            raise InvalidRequestError(f"lines.{place}", f"line {place}: {error}") from error
        if job is None:
            dropped += 1
        else:
            jobs.append(job)
    known = [replace(job, used_memory_bytes=peaks.get(str(job.number), UNKNOWN)) for job in jobs]
    return _trace(known, dropped)


def _trace(jobs: Sequence[_Job], dropped: int) -> Trace:
    origin = min((job.submitted_s for job in jobs), default=0)
    named = (coded(job.names[place] for job in jobs) for place in range(5))
    users, projects, queues, applications, reservations = named
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
            "reservation": reservations[0],
            "used_cpu_us": [job.used_cpu_us for job in jobs],
            "used_memory_bytes": [job.used_memory_bytes for job in jobs],
        },
        names={
            "users": users[1],
            "projects": projects[1],
            "queues": queues[1],
            "applications": applications[1],
            "reservations": reservations[1],
        },
        dropped=dropped,
    )


def _job(row: Mapping[str, str]) -> _Job | None:
    """One job, or nothing where it did not run to an end."""
    if row["Start"] in _UNKNOWN or row.get("End", "-") in _UNKNOWN or row.get("State", "") in {"PENDING", "RUNNING"}:
        return None
    runtime = int(row["ElapsedRaw"]) if row.get("ElapsedRaw") else parse_duration(row.get("Elapsed", ""))
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
        names=(
            row.get("User", ""),
            row.get("Account", ""),
            row.get("Partition", ""),
            row.get("JobName", ""),
            row.get("Reservation", ""),
        ),
        used_cpu_us=_processor_time(row.get("TotalCPU", "")),
    )


def _processor_time(text: str) -> int:
    """Microseconds of ``[D-][HH:]MM:SS[.ssssss]``, where not unknown; Slurm says 0 of what it did not measure."""
    match = _PROCESSOR_TIME.fullmatch(text)
    if match is None:
        if text in _UNKNOWN:
            return UNKNOWN
        raise InvalidRequestError("TotalCPU", f"{text!r} is not a time", "[D-][HH:]MM:SS[.ssssss]")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    fraction = int((match[5] or "").ljust(6, "0")[:6])
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * _SECOND_US + fraction or UNKNOWN


def _resident(row: Mapping[str, str]) -> int:
    """Bytes that the tasks of a step had at most, as far as is known."""
    text = row.get("MaxRSS", "")
    return parse_memory(text) * int(row.get("NTasks") or 1) if text not in _UNKNOWN else UNKNOWN


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
