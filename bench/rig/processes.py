"""Processes of a measurement: started, waited for, weighed, and stopped by the ids they were given at their start."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_STOP_S = 20.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class NotUpError(RuntimeError):
    """Something that was started did not come up in time."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What processes have used so far, and hold now: processor seconds and resident bytes."""

    cpu_s: float
    resident_bytes: int


class Tree:
    """Daemons started one after the other, stopped in reverse; what they say goes to files under ``log``."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._log.mkdir(mode=0o700)
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with ExitStack() as stack:
            for process in self._started:
                stack.callback(stop, process)

    def start(
        self, name: str, words: Sequence[str], *, account: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a daemon that stays in the foreground, as ``account``."""
        entry = pwd.getpwnam(account)
        with (self._log / name).open("wb") as said:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=environment,
                user=entry.pw_uid,
                group=entry.pw_gid,
                extra_groups=[],
                start_new_session=True,
            )
        self._started.append(process)

    def weight(self) -> Weight:
        """All of these daemons together, without what they started in turn."""
        return weigh(process.pid for process in self._started)


def weigh(pids: Iterable[int]) -> Weight:
    """What these processes used and hold."""
    cpu_s, resident = 0.0, 0
    for pid in pids:
        # After the name, which may hold anything and ends with the last bracket: field 3 of proc(5) comes first.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        cpu_s += (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
        resident += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return Weight(cpu_s, resident)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, insist after a while, and reap it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(true: Callable[[], bool], seconds: float, what: str, *, pause_s: float = 0.05) -> None:
    """Ask again and again until the answer is yes.

    Raises:
        NotUpError: it still was no after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise NotUpError(f"waited {seconds:.0f} s for {what}")
        time.sleep(pause_s)


def free_ports(count: int) -> list[int]:
    """Different loopback ports that nobody listened on a moment ago."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
