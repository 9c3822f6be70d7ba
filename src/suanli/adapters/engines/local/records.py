"""The files of a run directory, written for and read from the supervisor (``specs/3-run-directory.md``)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from suanli.model.errors import EngineError
from suanli.model.quantities import Instant
from suanli.model.workload import EndCause, Usage

Record = tuple[str, str | int]
"""Key and value of one record of a plan."""

_CAUSES = {
    "exited": EndCause.EXITED,
    "signal": EndCause.SIGNALLED,
    "timeout": EndCause.TIMEOUT,
    "cancelled": EndCause.CANCELLED,
    "preempted": EndCause.PREEMPTED,
    "requeued": EndCause.REQUEUED,
    "out_of_memory": EndCause.OUT_OF_MEMORY,
    "launch_failed": EndCause.LAUNCH_FAILED,
    "lost": EndCause.LOST,
}
_PLAN_END = b"\0end=\0"
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What the supervisor recorded before the user's first instruction. ``tasks`` are session ids, one for each."""

    at: Instant
    supervisor: int
    boot_id: str
    tasks: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended. ``exit_code`` is -1 where a signal or a failed launch leaves none.

    The supervisor's own cost (``supervisor_cpu_us``, ``supervisor_memory_bytes``) is no part of ``usage``.
    """

    cause: EndCause
    exit_code: int
    signal: int
    detail: str
    started_at: Instant
    ended_at: Instant
    usage: Usage
    truncated: bool
    supervisor_cpu_us: int
    supervisor_memory_bytes: int
    control_ignored: int


def encode_plan(records: Iterable[Record]) -> bytes:
    """Lay out a plan: every record closed by a NUL, the first naming the version, the last one ``end=``.

    Raises:
        EngineError: a value holds a NUL, which no argument, path or environment can.
    """
    parts = [os.fsencode(f"{key}={value}") for key, value in (("version", 1), *records, ("end", ""))]
    if any(b"\0" in part for part in parts):
        raise EngineError("a value of the run holds a NUL byte")
    return b"\0".join(parts) + b"\0"


def write_plan(directory: Path, lines: Iterable[Record]) -> None:
    """Write a plan. Cut short anywhere it lacks its end and is none (``plan_is_whole``).

    Raises:
        EngineError: a value holds a NUL.
    """
    _write(directory / "plan", encode_plan(lines), durable=False)


def write_end(directory: Path, content: bytes) -> None:
    """Put an ``ended`` in place, whole or not at all; durable when the caller has synced the folder."""
    replace_file(directory / "ended", content)


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in place, whole or not at all; durable when the caller has synced the folder."""
    temporary = path.with_name(f"{path.name}.tmp")
    _write(temporary, content, durable=True)
    temporary.rename(path)


def _write(path: Path, content: bytes, *, durable: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if durable:
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the folder's names durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plan_is_whole(directory: Path) -> bool:
    """Whether the plan is there to its end; after a power failure only its name might be."""
    try:
        with (directory / "plan").open("rb") as file:
            file.seek(-min(len(_PLAN_END), file.seek(0, os.SEEK_END)), os.SEEK_END)
            return file.read() == _PLAN_END
    except FileNotFoundError:
        return False


def read_started(directory: Path) -> Started | None:
    """The start on record, or None when the run has not started."""
    fields = _read(directory / "started")
    if fields is None:
        return None
    return Started(
        at=Instant(_number(fields, "started_us")),
        supervisor=_number(fields, "supervisor"),
        boot_id=fields["boot_id"][0],
        tasks=tuple(int(value) for value in fields["task"]),
    )


def read_ended(directory: Path) -> Ended | None:
    """The end on record, or None when there is none."""
    fields = _read(directory / "ended")
    if fields is None:
        return None
    cause = _CAUSES[fields["cause"][0]]
    return Ended(
        cause=cause,
        exit_code=_number(fields, "exit_code", -1),
        signal=_number(fields, "signal"),
        detail=_detail(fields),
        started_at=Instant(_number(fields, "started_us")),
        ended_at=Instant(_number(fields, "ended_us")),
        usage=Usage(
            cpu_us=_number(fields, "user_us") + _number(fields, "system_us"),
            memory_peak_bytes=max(_number(fields, "peak_rss_bytes"), _number(fields, "peak_cgroup_bytes")),
        ),
        truncated=bool(_number(fields, "stdout_truncated") or _number(fields, "stderr_truncated")),
        supervisor_cpu_us=_number(fields, "supervisor_cpu_us"),
        supervisor_memory_bytes=_number(fields, "supervisor_peak_rss_bytes"),
        control_ignored=_number(fields, "control_ignored"),
    )


def encode_end(
    cause: EndCause, ended_at: Instant, *, started_at: Instant = Instant(0), what: str = "", error: int = 0
) -> bytes:
    """An ``ended`` that the engine writes itself: for a run that never began, or whose supervisor died."""
    word = next(word for word, known in _CAUSES.items() if known is cause)
    shown = "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in os.fsencode(what))
    lines = ["version=1", f"cause={word}", f"errno={error}", f"what={shown}"]
    return "\n".join([*lines, f"started_us={started_at}", f"ended_us={ended_at}", "end=", ""]).encode()


def plan_values(directory: Path, *keys: str) -> list[str]:
    """The values of these keys in the plan of a run, in order; none where there is no plan."""
    try:
        content = (directory / "plan").read_bytes()
    except FileNotFoundError:
        return []
    pairs = (os.fsdecode(record).partition("=") for record in content.split(b"\0"))
    return [value for key, _, value in pairs if key in keys]


def _read(path: Path) -> dict[str, list[str]] | None:
    try:
        # Unbuffered: for a file of a few hundred bytes the layers of text and buffer cost more than the reading.
        with path.open("rb", buffering=0) as file:
            text = file.readall().decode("ascii")
    except FileNotFoundError:
        return None
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        fields.setdefault(key, []).append(value)
    if fields.get("version") != ["1"] or "end" not in fields:
        raise EngineError(f"{path} is not a record of this version", "a newer Suanli may have written it")
    return fields


def _number(fields: dict[str, list[str]], key: str, absent: int = 0) -> int:
    return int(fields[key][0]) if key in fields else absent


def _detail(fields: dict[str, list[str]]) -> str:
    raw = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), fields.get("what", [""])[0]).encode("latin-1")
    error = _number(fields, "errno")
    return raw.decode(errors="replace") + (f": {os.strerror(error)}" if error else "")
