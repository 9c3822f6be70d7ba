"""A real center on this machine as people know it: brought up and down by ``suanli``, spoken to over HTTP."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.rig.processes import free_ports, wait_until

PROGRAMS = Path(sys.executable).parent
PATIENCE_S = 60.0
UNTIL_TOLD = "while :; do sleep 0.05; done"
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_FINAL = {"completed", "failed", "cancelled", "timeout", "out_of_memory", "lost"}
_LIVE: dict[str, Any] = {"state": ["held", "blocked", "waiting", "starting", "running", "ending"], "limit": 1000}


class Person:
    """Somebody with a token."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_S, verify=_NO_TLS
        )

    def asks(self, method: str, path: str, body: object = None, *, status: int = 200, **query: Any) -> Any:
        """Ask and expect this status; the answer's JSON, or its bytes where it is none."""
        answer = self._client.request(method, f"/v1/{path}", json=body, params=query)
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.content

    def submits(self, *command: str, hold: bool = False, **spec: Any) -> int:
        """Submit a command; by default it asks for a tenth of a processor."""
        resources = {"cpus": 0.1, "memory": "64MiB"}
        body = {"command": list(command), "resources": resources, **spec}
        return int(self.asks("POST", "workloads", body, status=201, hold=hold)["id"])

    def shell(self, script: str, **spec: Any) -> int:
        """Submit a line of shell."""
        return self.submits("/bin/sh", "-c", script, **spec)

    def sees(self, workload: int | str) -> dict[str, Any]:
        """The workload as it stands."""
        shown: dict[str, Any] = self.asks("GET", f"workloads/{workload}")
        return shown

    def awaits(self, workload: int | str, *states: str) -> dict[str, Any]:
        """The workload once it is in one of these states (given none: once it is over)."""
        wanted = set(states) or _FINAL

        def there() -> bool:
            state = self.sees(workload)["state"]
            assert state in wanted or state not in _FINAL, self.sees(workload)
            return state in wanted

        wait_until(there, PATIENCE_S, f"workload {workload} to be {wanted}")
        return self.sees(workload)

    def reads(self, workload: int | str, stream: str = "stdout") -> str:
        """What the latest run has written so far."""
        data: bytes = self.asks("GET", f"workloads/{workload}/logs", stream=stream)
        return data.decode()

    def awaits_line(self, workload: int, line: str) -> None:
        """Wait until the run has written this line."""
        self.awaits(workload, "running")
        wait_until(lambda: line in self.reads(workload).splitlines(), PATIENCE_S, f"{workload} to write {line}")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class House:
    """One home and its server, always on the same port."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.home = folder / "center"
        self.url = ""
        self._port = str(free_ports(1)[0])
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            # Else each house would make the planner's machine code anew.
            "NUMBA_CACHE_DIR": os.environ["NUMBA_CACHE_DIR"],
            "SUANLI_HOME": str(self.home),
            "SUANLI_LOCAL_CPUS": "8",
            **environment,
        }

    def runs(self, program: str, *words: str) -> str:
        """Run a program of Suanli and expect it to succeed; what it printed."""
        done = subprocess.run(
            [PROGRAMS / program, *words], env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def up(self) -> None:
        """Bring the server up."""
        self.url = json.loads(self.runs("suanli", "up", "--port", self._port, "--json"))["url"]

    def down(self) -> str:
        """Bring the server down; what that says."""
        return self.runs("suanli", "down", "--lang", "en")

    def kill(self) -> None:
        """End the server at once."""
        pid = json.loads((self.home / "connection.json").read_text(encoding="utf-8"))["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not _runs(pid), PATIENCE_S, "the server to be gone")

    def admin(self) -> Person:
        """The administrator."""
        return Person(self.url, (self.home / "admin-token").read_text(encoding="utf-8").strip())


def _runs(pid: int) -> bool:
    try:
        # Nobody here may reap it: what has ended and was not waited for is a zombie.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def standing(**environment: str) -> Iterator[House]:
    """A house that is up, where accounts without rights can pass; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="suanli-live-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        house = House(folder, **environment)
        house.up()
        try:
            yield house
        finally:
            if (house.home / "connection.json").exists():
                _clear(house)
                house.down()


def _clear(house: House) -> None:
    """End everything, so that no process is left behind when the server is gone."""
    admin = house.admin()
    live = admin.asks("GET", "workloads", **_LIVE)["items"]
    for item in live:
        admin.asks("POST", f"workloads/{item['id']}/cancel")
    for item in live:
        admin.awaits(item["id"])
    admin.close()
