"""A real PostgreSQL of the tests' own: private files, a socket and no port, gone when the tests are."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psycopg

_STARTS_WITHIN_S = 60


@contextmanager
def running_postgresql() -> Iterator[str]:
    """A server; gives the parameters of a connection to it, lacking ``dbname``."""
    folder = Path(tempfile.mkdtemp(prefix="suanli-pg-"))
    user = _owner()
    shutil.chown(folder, user)
    try:
        _run(
            [_program("initdb"), "--pgdata", str(folder / "data"), "--username", "suanli", "--auth", "trust", "-N"],
            user,
        )
        # Tests end clients and sessions, never the machine, so the disk need not be waited for.
        options = ["-c", "listen_addresses=", "-c", "fsync=off"]
        words = [_program("postgres"), "-D", str(folder / "data"), "-k", str(folder), *options]
        with (folder / "log").open("wb") as log, subprocess.Popen(words, stderr=log, user=user, cwd="/") as server:
            try:
                parameters = f"host={folder} user=suanli"
                _await(parameters, server, folder / "log")
                yield parameters
            finally:
                server.send_signal(signal.SIGINT)
    finally:
        shutil.rmtree(folder)


def emptied(parameters: str) -> str:
    """Throw away everything in the server's one database; gives its URL."""
    with psycopg.connect(f"{parameters} dbname=postgres", autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    host = dict(word.split("=") for word in parameters.split())["host"]
    return f"postgresql://suanli@/postgres?host={host}"


def _program(name: str) -> str:
    found = shutil.which(name) or max(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))
    # initdb looks for its neighbours where it really lies.
    return str(Path(found).resolve())


def _owner() -> str:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _run(words: list[str], user: str) -> None:
    done = subprocess.run(words, user=user, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _await(parameters: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until_s = monotonic() + _STARTS_WITHIN_S
    while True:
        try:
            psycopg.connect(f"{parameters} dbname=postgres").close()
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            assert monotonic() < until_s, log.read_text()
            sleep(0.05)
        else:
            return
