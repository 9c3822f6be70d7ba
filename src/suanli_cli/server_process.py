"""The person's own server as a process: is it there, start it in the background, stop it.

`suanlid` holds a lock on ``suanlid.lock`` in its home for as long as it lives and writes its process id into it; the
lock is the truth, the id alone could be another process's by now.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from suanli_cli.client import Client
from suanli_cli.connection import Connection, read_connection
from suanli_cli.errors import NotStarted, Unavailable, Unreachable
from suanli_cli.language import say
from suanli_cli.transport import Transport

_LOOK_S = 0.05
_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """The server whose state is kept in ``home``."""

    home: Path

    @property
    def log(self) -> Path:
        """What the server says; kept across restarts."""
        return self.home / "suanlid.log"

    def pid(self) -> int | None:
        """Its process id; None when it does not run."""
        try:
            with (self.home / "suanlid.lock").open(encoding="ascii") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    written = lock.read().strip()
                    return int(written) if written.isdecimal() else None
        except FileNotFoundError:
            pass
        return None

    def ready(self) -> Connection | None:
        """How to reach it, once it says that it serves; None until then."""
        connection = read_connection(self.home)
        if connection is None:
            return None
        with closing(Client(Transport(connection))) as client:
            try:
                client.ready()
            except (Unavailable, Unreachable):
                return None
        return connection

    def start(self, port: int, timeout_s: float) -> Connection:
        """Start it detached from this terminal and wait until it serves.

        Raises:
            NotStarted: it is not installed, ended, or did not serve in time.
        """
        self.home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        words = [_program(), "serve", "--home", str(self.home), "--listen", f"127.0.0.1:{port}"]
        opened = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=opened, stderr=opened, cwd=self.home, start_new_session=True
            )
        finally:
            os.close(opened)
        return self.wait_ready(timeout_s, process)

    def wait_ready(self, timeout_s: float, process: subprocess.Popen[bytes] | None = None) -> Connection:
        """Wait until it serves.

        Raises:
            NotStarted: it ended, or did not serve in time.
        """
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            connection = self.ready()
            if connection is not None:
                return connection
            if process is not None and process.poll() is not None:
                raise NotStarted(say("error.server_ended", code=process.returncode, log=self._tail()), str(self.log))
            time.sleep(_LOOK_S)
        raise NotStarted(say("error.not_ready", seconds=int(timeout_s)), say("hint.log", path=self.log))

    def stop(self, pid: int, timeout_s: float) -> None:
        """Ask it to end and wait until it has.

        Raises:
            NotStarted: it belongs to somebody else, or did not end in time.
        """
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise NotStarted(say("error.not_yours", pid=pid)) from error
        until = time.monotonic() + timeout_s
        while self.pid() == pid:
            if time.monotonic() >= until:
                raise NotStarted(
                    say("error.not_stopped", pid=pid, seconds=int(timeout_s)), say("hint.log", path=self.log)
                )
            time.sleep(_LOOK_S)

    def _tail(self) -> str:
        return self.log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").strip()


def _program() -> str:
    beside = Path(sys.executable).with_name("suanlid")
    found = str(beside) if beside.exists() else shutil.which("suanlid")
    if found is None:
        raise NotStarted(say("error.no_suanlid"), say("hint.install_server"))
    return found
