"""A real center in a folder of its own: ``suanlid serve`` as a process, found by what it writes there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.rig.processes import NotUpError, Weight, free_ports, stop, wait_until, weigh
from bench.rig.wire import Address, Wire, WireError

CPUS = 64
"""What the local node offers, as many as the four virtual nodes of the Slurm beside it."""
SUANLID = (str(Path(sys.executable).with_name("suanlid")),)
_UP_S = 60.0


class Center:
    """One home, and the server on it: started, killed and started again, always on the same loopback port."""

    def __init__(self, home: Path, *, main: Sequence[str] = SUANLID, cpus: int = CPUS) -> None:
        self.home = home
        self._main = tuple(main)
        self._environment = {**os.environ, "SUANLI_LOCAL_CPUS": str(cpus)}
        self._listen = f"127.0.0.1:{free_ports(1)[0]}"
        self._process: subprocess.Popen[bytes] | None = None
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The server that was started last."""
        if self._process is None:
            raise NotUpError("no server was started")
        return self._process

    @property
    def said(self) -> str:
        """All that servers of this home have logged."""
        return (self.home.parent / f"{self.home.name}.log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start the server and do not wait for it."""
        with (self.home.parent / f"{self.home.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._main, "serve", "--home", str(self.home), "--listen", self._listen],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    def ready(self) -> Address:
        """Wait until the server started last says that it is ready.

        Raises:
            NotUpError: it ended, or took longer than a minute.
        """
        wait_until(self._is_ready, _UP_S, f"suanlid at {self.home} to be ready; it said:\n{self.said[-4000:]}")
        return self.address()

    def address(self) -> Address:
        """Where the server listens, by the file that it wrote."""
        found = json.loads((self.home / "connection.json").read_text(encoding="utf-8"))
        return Address(found["url"], found["token"])

    def kill(self) -> None:
        """End the server with SIGKILL and reap it."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server as `suanli down` does."""
        stop(self.process)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command of the server's program on this home."""
        command = [*self._main, words[0], "--home", str(self.home), *words[1:]]
        return subprocess.run(command, env=self._environment, check=False, capture_output=True, text=True)

    def weight(self) -> Weight:
        """What the server has used and holds."""
        return weigh([self.process.pid])

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise NotUpError(f"suanlid ended with {self.process.returncode}; it said:\n{self.said[-4000:]}")
        connection = self.home / "connection.json"
        if not connection.exists():
            return False
        found = json.loads(connection.read_text(encoding="utf-8"))
        if found["pid"] != self.process.pid:
            return False
        wire = Wire(Address(found["url"], found["token"]))
        try:
            return bool(wire.exchange(wire.address.request("GET", "/v1/ready"))[0] == 200)
        except WireError:
            return False
        finally:
            wire.close()


@contextmanager
def center(*, home: Path | None = None) -> Iterator[Client]:
    """A center that is ready, fresh or on a home made before; its runs are ended and its server stopped afterwards."""
    with tempfile.TemporaryDirectory(prefix="suanli-bench-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        running = Center(home or Path(folder) / "home")
        running.start()
        try:
            client = Client(running, running.ready())
            yield client
            client.clear()
        finally:
            running.stop()


@dataclass(frozen=True, slots=True)
class Client:
    """A center that is ready, and the questions that measurements ask of it."""

    center: Center
    address: Address

    @contextmanager
    def wires(self, count: int) -> Iterator[list[Wire]]:
        """Connections of one's own."""
        made = [Wire(self.address) for _ in range(count)]
        try:
            yield made
        finally:
            for wire in made:
                wire.close()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask once on a fresh connection and return the answer's JSON."""
        with self.wires(1) as (wire,):
            return wire.call(method, path, body)

    def counts(self) -> dict[str, int]:
        """How many workloads stand in each state; states with none are left out."""
        found: dict[str, int] = self.ask("GET", "/v1/workloads/counts")["by_state"]
        return {state: count for state, count in found.items() if count}

    def idle(self) -> bool:
        """Whether nothing waits to be run, runs, or is on the way to either."""
        return not set(self.counts()) & {"blocked", "waiting", "starting", "running", "ending"}

    def clear(self) -> None:
        """End everything that has a run, so that no process is left behind when the server is gone."""
        for node in self.ask("GET", "/v1/nodes")["items"]:
            # Else what waits would take the place of what is cancelled.
            self.ask("POST", f"/v1/nodes/{node['name']}/drain", {"reason": "the measurement is over"})
        live = "/v1/workloads?state=starting&state=running&state=ending&limit=1000&fields=id"
        for item in self.ask("GET", live)["items"]:
            self.ask("POST", f"/v1/workloads/{item['id']}/cancel")
        wait_until(lambda: not self.ask("GET", live)["items"], _UP_S, "all runs to end")
