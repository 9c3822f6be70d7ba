"""The Standard Workload Format, version 2.2, of the Parallel Workloads Archive.

S. J. Chapin et al., "Benchmarks and standards for the evaluation of parallel job schedulers", JSSPP 1999: eighteen
columns a job, -1 where unknown, and header fields in comments (``; MaxProcs: 100``).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.replay.center import UNKNOWN_MEMORY_BYTES, CenterDescription, NodeGroup
from suanli.kernel.replay.trace import UNKNOWN, Int32s, Int64s, Trace, make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import WHOLE_CPU

_COLUMNS: Final = 18
_LARGEST: Final = 2**63 - 1
_SECOND_US: Final = 1_000_000
_FIELD = re.compile(r";\s*(\w+):\s*(.*?)\s*")

_NUMBER, _SUBMIT, _RUN, _USED_PROCS, _USED_CPU, _USED_KIB = 0, 1, 3, 4, 5, 6
_ASKED_PROCS, _ASKED_TIME, _ASKED_KIB, _USER, _GROUP, _APPLICATION, _QUEUE = 7, 8, 9, 11, 12, 13, 14


@dataclass(frozen=True, slots=True, kw_only=True)
class SwfHeader:
    """Header fields that say what the machine was; 0 and empty where the log does not say."""

    computer: str = ""
    installation: str = ""
    max_procs: int = 0
    max_nodes: int = 0
    unix_start_time: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SwfLog:
    """A log as read."""

    header: SwfHeader
    trace: Trace


def read_swf(text: str) -> SwfLog:
    """Read a log. A job of p processors becomes p tasks of one cpu.

    Requested processors and time stand where they are known, else those used. Processor time and memory used are told
    as the mean over the processors held. Jobs that never ran (no run time or no
    processors) are dropped and counted; a run time beyond the requested time is kept as it is.

    Raises:
        InvalidRequestError: a line has not eighteen numbers, or an amount is beyond all measure; ``field`` names it.
    """
    lines = text.splitlines()
    rows = _numbers(lines)
    procs = np.where(rows[:, _ASKED_PROCS] > 0, rows[:, _ASKED_PROCS], rows[:, _USED_PROCS])
    ran = (rows[:, _RUN] > 0) & (procs > 0)
    rows, procs = rows[ran], procs[ran]
    asked = np.where(rows[:, _ASKED_TIME] > 0, rows[:, _ASKED_TIME], rows[:, _RUN])
    kib = np.where(rows[:, _ASKED_KIB] > 0, rows[:, _ASKED_KIB], rows[:, _USED_KIB])
    user, users = _named(rows[:, _USER])
    project, projects = _named(rows[:, _GROUP])
    application, applications = _named(rows[:, _APPLICATION])
    queue, queues = _named(rows[:, _QUEUE])
    trace = make_trace(
        {
            "number": rows[:, _NUMBER],
            "submitted_us": _times("submitted_us", rows[:, _SUBMIT], _SECOND_US),
            "runtime_us": _times("runtime_us", rows[:, _RUN], _SECOND_US),
            "requested_us": _times("requested_us", asked, _SECOND_US),
            "tasks": procs,
            "memory_bytes": _times("memory_bytes", np.maximum(kib, 0), 1024),
            "user": user,
            "project": project,
            "application": application,
            "queue": queue,
            "used_cpu_us": _used("used_cpu_us", rows, _USED_CPU, _SECOND_US),
            "used_memory_bytes": _used("used_memory_bytes", rows, _USED_KIB, 1024),
        },
        dropped=int(ran.size - ran.sum()),
        names={"users": users, "projects": projects, "applications": applications, "queues": queues},
    )
    return SwfLog(header=_header(lines), trace=trace)


def from_swf_header(header: SwfHeader) -> CenterDescription:
    """The machine of a log: ``MaxProcs`` (else ``MaxNodes``) nodes of one cpu, their memory no limit.

    Raises:
        InvalidRequestError: the log says neither.
    """
    processors = header.max_procs or header.max_nodes
    if not processors:
        raise InvalidRequestError("MaxProcs", "the log does not say how many processors there were", "give --center")
    group = NodeGroup(prefix="cpu", count=processors, cpu_milli=WHOLE_CPU, memory_bytes=UNKNOWN_MEMORY_BYTES)
    return CenterDescription(groups=(group,))


def _used(name: str, rows: Int64s, column: int, unit: int) -> Int64s:
    """What a job used on all the processors that it held, of which the log tells the mean."""
    held = np.where(rows[:, _USED_PROCS] > 0, rows[:, _USED_PROCS], rows[:, _ASKED_PROCS])
    known = rows[:, column] > 0
    wrong = np.flatnonzero(known & (rows[:, column] > t.NEVER // unit // held))
    if wrong.size:
        raise InvalidRequestError(f"{name}.{wrong[0]}", f"{rows[wrong[0], column]} is more than can be counted")
    return np.where(known, rows[:, column] * held * unit, UNKNOWN)


def _numbers(lines: Sequence[str]) -> Int64s:
    """The columns as [job, column], fractions cut off."""
    begin = next((place for place, line in enumerate(lines) if not line.startswith(";")), len(lines))
    jobs = lines[begin:]
    counts = np.fromiter(map(len, map(str.split, jobs)), dtype=np.int64, count=len(jobs))
    # numpy tells text it cannot read as whole numbers by a warning only.
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            if np.isin(counts, (0, _COLUMNS)).all():
                read = np.fromstring(" ".join(jobs), dtype=np.int64, sep=" ").reshape(-1, _COLUMNS)
                # A number too large is read as the largest there is.
                if ((read < _LARGEST) & (read > -_LARGEST)).all():
                    return read
        except (DeprecationWarning, ValueError):
            pass  # Fractions, comments between jobs, or damage: line by line it is found out which.
    rows = [_line(place, words) for place, line in enumerate(lines) if (words := line.split()) and words[0][0] != ";"]
    return np.array(rows, dtype=np.int64).reshape(-1, _COLUMNS)


def _line(place: int, words: Sequence[str]) -> list[int]:
    if len(words) != _COLUMNS:
        raise _bad_line(place, f"{len(words)} columns, not {_COLUMNS}")
    try:
        numbers = [int(float(word)) for word in words]
    except (ValueError, OverflowError) as error:
        raise _bad_line(place, str(error)) from error
    if max(map(abs, numbers)) >= _LARGEST:
        raise _bad_line(place, "a number is too large")
    return numbers


def _times(name: str, values: Int64s, unit: int) -> Int64s:
    """Amounts in a smaller unit."""
    wrong = np.flatnonzero(np.abs(values) > t.NEVER // unit)
    if wrong.size:
        raise InvalidRequestError(f"{name}.{wrong[0]}", f"{values[wrong[0]]} is more than can be counted")
    return values * unit


def _bad_line(place: int, detail: str) -> InvalidRequestError:
    return InvalidRequestError(f"lines.{place + 1}", f"line {place + 1}: {detail}", "a job is 18 numbers on one line")


def _named(codes: Int64s) -> tuple[Int32s, tuple[str, ...]]:
    """Identifiers as places in a tuple of names, -1 as the empty name."""
    values: NDArray[np.int64]
    values, places = np.unique(codes, return_inverse=True)
    return places.astype(np.int32), tuple("" if value < 0 else str(value) for value in values.tolist())


def _header(lines: Sequence[str]) -> SwfHeader:
    found: dict[str, str] = {}
    for line in lines:
        if not line.startswith(";"):
            break
        match = _FIELD.fullmatch(line)
        if match is not None:
            found.setdefault(match[1], match[2])
    return SwfHeader(
        computer=found.get("Computer", ""),
        installation=found.get("Installation", ""),
        max_procs=_whole(found.get("MaxProcs", "")),
        max_nodes=_whole(found.get("MaxNodes", "")),
        unix_start_time=_whole(found.get("UnixStartTime", "")),
    )


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < len(str(_LARGEST)) else 0
