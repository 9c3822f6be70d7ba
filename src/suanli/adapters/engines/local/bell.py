"""The doorbell: supervisors ring when a run has started or ended."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from pathlib import Path

from suanli.model.errors import InvalidRequestError
from suanli.model.ids import RunId, parse_run_id

_RING_BYTES = 256
_RINGS_AT_ONCE = 4096


class Bell:
    """A datagram socket in the engine's folder. What it tells is a hint; a lost ring costs only time."""

    def __init__(self, folder: Path, name: str) -> None:
        """Bind anew; supervisors of an earlier server ring by the same name.

        The path is named through the folder's descriptor, because a socket's path has at most 107 bytes.
        """
        (folder / name).unlink(missing_ok=True)
        self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._address = f"/proc/self/fd/{self._folder}/{name}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(self._address)

    def ring(self, run: RunId) -> None:
        """Ring on behalf of a run that has no supervisor."""
        with contextlib.suppress(BlockingIOError):
            self._socket.sendto(f"{run} ended\n".encode(), self._address)

    def wait(self, timeout_s: float) -> list[RunId]:
        """Runs that rang, each once; empty when the time is over."""
        select.select([self._socket], [], [], timeout_s)
        rang: dict[RunId, None] = {}
        for _ in range(_RINGS_AT_ONCE):
            try:
                name = self._socket.recv(_RING_BYTES).decode("ascii", errors="replace").partition(" ")[0]
                parse_run_id(name)
            except BlockingIOError:
                break
            except InvalidRequestError:
                continue
            rang[RunId(name)] = None
        return list(rang)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        os.close(self._folder)
