"""Talking with supervisors: start them, see whether they live, say a word to them, close the runs of dead ones."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from suanli.adapters.engines.local.records import Started, read_started
from suanli.model.errors import EngineUnavailableError

PROGRAM = Path(__file__).parent / "supervise" / "suanli-supervise"
_BATCH = 256
_START_S = 120.0
_TRANSIENT = {errno.EAGAIN, errno.ENOMEM, errno.ECHILD, errno.EMFILE, errno.ENFILE}


class StartRefusedError(Exception):
    """The supervisor refused a run directory for good; ``args`` are errno and what it was about."""


def start(program: Path, directories: Sequence[Path]) -> dict[str, StartRefusedError]:
    """Start a supervisor for each directory; returns the refusals by the directory's name.

    Raises:
        EngineUnavailableError: of some directories nothing can be said now; starting them again is safe.
    """
    refused: dict[str, StartRefusedError] = {}
    for first in range(0, len(directories), _BATCH):
        batch = directories[first : first + _BATCH]
        said = _words(program, batch)
        for directory in batch:
            verdict, _, rest = said.get(directory.name, "").partition(" ")
            if verdict == "error":
                number, _, what = rest.partition(" ")
                if int(number) in _TRANSIENT:
                    raise EngineUnavailableError(f"{directory.name} did not start: {what}: {os.strerror(int(number))}")
                refused[directory.name] = StartRefusedError(int(number), what)
            elif verdict not in {"ok", "already", "busy"}:
                raise EngineUnavailableError(f"the supervisor of {directory.name} said nothing")
    return refused


def _words(program: Path, batch: Sequence[Path]) -> dict[str, str]:
    try:
        done = subprocess.run(
            [program, *batch],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            cwd="/",
            env={},
            start_new_session=True,
            timeout=_START_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineUnavailableError(f"{program} cannot be started: {error}", "was it built? run make") from error
    lines = done.stdout.decode(errors="replace").splitlines()
    return {name: words for name, _, words in (line.partition(" ") for line in lines)}


def can_sandbox() -> bool:
    """Whether the kernel lets supervisors make namespaces for runs."""
    try:
        done = subprocess.run(
            [PROGRAM, "--sandbox-possible"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env={},
            timeout=_START_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def lives(directory: Path) -> bool:
    """Whether a supervisor holds the run directory. To be asked only where ``started`` exists."""
    with _lock(directory, fcntl.LOCK_SH) as taken:
        return not taken


@contextmanager
def unless_started(directory: Path) -> Iterator[bool]:
    """Keep supervisors out of the directory for the duration; False when one is there already."""
    with _lock(directory, fcntl.LOCK_EX) as taken:
        yield taken and not (directory / "started").exists()


@contextmanager
def _lock(directory: Path, kind: int) -> Iterator[bool]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def say(directory: Path, word: str) -> bool:
    """Send one control word; False when nobody listens: not yet, or no more."""
    started = read_started(directory)
    if started is None:
        return False
    try:
        process = os.pidfd_open(started.supervisor)
    except ProcessLookupError:
        return False
    try:
        # While the supervisor lives nobody else has its number.
        if not lives(directory):
            return False
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(directory / "control", flags, 0o600), "wb") as control:
            control.write(f"{word}\n".encode())
        signal.pidfd_send_signal(process, signal.SIGUSR1)
    except ProcessLookupError:
        return False
    finally:
        os.close(process)
    return True


def kill_orphans(started: Started, marker: str, uid: int) -> bool:
    """Kill what a dead supervisor left without a control group; True when nothing was found.

    Its tasks died with it, but not what they had forked. Those carry the run's ``marker`` in their environment and
    belong to ``uid``; after a boot there can be none.
    """
    if started.boot_id != Path("/proc/sys/kernel/random/boot_id").read_text().strip():
        return True
    sought = b"\0" + os.fsencode(marker) + b"\0"
    found = False
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            mine = entry.stat().st_uid == uid and sought in b"\0" + (entry / "environ").read_bytes()
            if mine:
                os.kill(int(entry.name), signal.SIGKILL)
                found = True
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return not found
