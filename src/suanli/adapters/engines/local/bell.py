"""The doorbell: supervisors ring when a run has started or ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from suanli.model.errors import InvalidRequestError
from suanli.model.ids import RunId, parse_run_id

_PIPE_BYTES = 1 << 20
_READ_BYTES = 1 << 16
_HELD_S = 0.05


class Bell:
    """A named pipe in the engine's folder. What it tells is a hint; a lost ring costs only time.

    A pipe and no datagram socket, because a socket holds ten rings (net.unix.max_dgram_qlen) and this tens of
    thousands: a batch ends faster than anybody listens.
    """

    def __init__(self, path: Path) -> None:
        """Open the pipe, made where it is missing; supervisors of an earlier server ring the same."""
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        # Open for writing too, else the end of the last writer would look like the end of all rings.
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        if not stat.S_ISFIFO(os.fstat(self._pipe).st_mode):
            os.close(self._pipe)
            raise FileExistsError(f"{path} is no pipe")
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._rest = b""
        self._begun: dict[RunId, float] = {}

    def ring(self, run: RunId) -> None:
        """Ring on behalf of a run that has no supervisor."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._pipe, f"{run} ended\n".encode())

    def wait(self, timeout_s: float) -> list[RunId]:
        """Runs that rang, each once; empty when the time is over.

        A start is told a moment late: a short run has ended by then, and its end says all that its start would.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            now_s = time.monotonic()
            wake_s = min([until_s, *(since_s + _HELD_S for since_s in self._begun.values())])
            select.select([self._pipe], [], [], max(0.0, wake_s - now_s))
            rang = self._rang()
            if rang or now_s >= until_s:
                return rang

    def _rang(self) -> list[RunId]:
        now_s = time.monotonic()
        rang: dict[RunId, None] = {}
        for run, event in self._read():
            if event == "started":
                self._begun.setdefault(run, now_s)
            else:
                self._begun.pop(run, None)
                rang[run] = None
        for run in [run for run, since_s in self._begun.items() if now_s >= since_s + _HELD_S]:
            del self._begun[run]
            rang[run] = None
        return list(rang)

    def _read(self) -> Iterator[tuple[RunId, str]]:
        try:
            *lines, self._rest = (self._rest + os.read(self._pipe, _READ_BYTES)).split(b"\n")
        except BlockingIOError:
            return
        for line in lines:
            name, _, event = line.decode("ascii", errors="replace").partition(" ")
            with contextlib.suppress(InvalidRequestError):
                parse_run_id(name)
                yield RunId(name), event

    def close(self) -> None:
        """Stop listening."""
        os.close(self._pipe)
