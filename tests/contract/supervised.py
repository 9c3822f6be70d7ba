"""Real supervised runs for tests: lay out, launch, speak to, await."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from suanli.adapters.engines.local import records
from suanli.adapters.engines.local.records import Ended, Record

BINARY = Path(records.__file__).parent / "supervise" / "suanli-supervise"
PATIENCE_S = 30.0


class Room:
    """Run directories of one test, and the doorbell their supervisors ring."""

    def __init__(self, base: Path, bell: int) -> None:
        self.base = base
        self.bell = bell

    def plan(self, name: str, *argv: str, extra: Sequence[Record] = (), out: Path | None = None) -> Path:
        directory = self.base / name
        directory.mkdir(mode=0o700)
        own: list[Record] = [
            ("directory", "/"),
            ("stdout", f"{out or directory}/stdout"),
            ("stderr", f"{out or directory}/stderr"),
            ("doorbell", "../bell"),
            ("env", "PATH=/usr/bin:/bin"),
            *(("arg", word) for word in argv),
        ]
        tasks: list[Record] = [] if any(key == "task" for key, _ in extra) else [("task", 0)]
        records.write_plan(directory, [*own, *tasks, *extra])
        return directory

    def launch(self, *directories: Path) -> list[str]:
        done = subprocess.run([BINARY, *directories], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
        return done.stdout.splitlines()

    def start(self, name: str, *argv: str, extra: Sequence[Record] = (), out: Path | None = None) -> Path:
        directory = self.plan(name, *argv, extra=extra, out=out)
        assert self.launch(directory) == [f"{name} ok"]
        return directory

    def ended(self, directory: Path) -> Ended:
        """Wait for the end. The bell only hints, so the record is looked at again and again."""
        give_up = time.monotonic() + PATIENCE_S
        while (ended := records.read_ended(directory)) is None:
            assert time.monotonic() < give_up, f"{directory.name} did not end"
            if select.select([self.bell], [], [], 0.05)[0]:
                os.read(self.bell, 4096)
        return ended

    def run(self, name: str, *argv: str, extra: Sequence[Record] = ()) -> Ended:
        return self.ended(self.start(name, *argv, extra=extra))

    def until_printed(self, directory: Path, text: str) -> str:
        """Wait until the run has printed the text: it follows its output as a person would."""
        give_up = time.monotonic() + PATIENCE_S
        while text not in (printed := (directory / "stdout").read_text() if (directory / "stdout").exists() else ""):
            assert time.monotonic() < give_up, f"{directory.name} printed {printed!r}"
            time.sleep(0.005)
        return printed


def control(directory: Path, *lines: str) -> None:
    with (directory / "control").open("ab") as words:
        words.write("".join(f"{line}\n" for line in lines).encode())
    os.kill(supervisor_of(directory), signal.SIGUSR1)


def locked(directory: Path) -> bool:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def task_of(directory: Path) -> int:
    started = records.read_started(directory)
    assert started is not None
    return started.tasks[0]


def supervisor_of(directory: Path) -> int:
    started = records.read_started(directory)
    assert started is not None
    return started.supervisor


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def until_dead(*pids: int) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while any(map(alive, pids)):
        assert time.monotonic() < give_up, f"of {pids} some survive"
        time.sleep(0.005)
