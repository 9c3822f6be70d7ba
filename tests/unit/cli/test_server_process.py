"""The lock is the truth about a running server: shown with real processes that hold it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from suanli_cli.errors import NotStarted
from suanli_cli.main import run
from suanli_cli.server_process import ServerProcess

HOLDER = """
import fcntl, os, signal, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.write(f"{os.getpid()}\\n"); lock.flush()
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(home: Path, manner: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock as the server does, until its stdin ends."""
    words = [sys.executable, "-c", HOLDER, str(home / "suanlid.lock"), manner]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.close()


def test_a_held_lock_is_a_running_server(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    assert server.pid() is None
    with holder(tmp_path, "meek") as process:
        assert server.pid() == process.pid
    assert server.pid() is None


def test_an_id_without_the_lock_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "suanlid.lock").write_text("1\n")
    assert ServerProcess(tmp_path).pid() is None
    assert run(["down", "--home", str(tmp_path)]) == 0


def test_down_ends_the_holder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with holder(tmp_path, "meek") as process:
        assert run(["down", "--home", str(tmp_path)]) == 0
        assert process.wait() == -15
    assert "did not say what was running" in capsys.readouterr().out


def test_one_that_does_not_end_is_told(tmp_path: Path) -> None:
    with holder(tmp_path, "stubborn") as process:
        with pytest.raises(NotStarted, match=f"process {process.pid}"):
            ServerProcess(tmp_path).stop(process.pid, 0)
        assert process.poll() is None
