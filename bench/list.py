"""First page of a list of 100,000 finished and 20,000 waiting workloads, and the API while turns are taken; no peer.

The finished ones are facts appended through the center's own store and fold before the server starts; the waiting
ones come through the API while one workload holds the whole node. Then one connection holds and releases a waiting
workload ten times a second, so that every turn plans all of them, and another measures. The figure is the slower of
the two first pages (everything, and what is live), at its 99th percentile, while turns are taken.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.rig.center import CPUS, Client, center
from bench.rig.jobs import spec
from bench.rig.processes import wait_until
from bench.rig.report import Spread, figure, machine, spread
from bench.rig.seed import finished
from bench.rig.wire import Wire, drive

FINISHED = 100_000
WAITING = 20_000
BATCH = 1_000
QUESTIONS = 300
TURN_EVERY_S = 0.1
PACE_S = 0.02
EVERYTHING = "/v1/workloads"
LIVE = "/v1/workloads?state=held&state=blocked&state=waiting&state=starting&state=running&state=ending"


def fill(client: Client) -> int:
    """Make the past, then the queue; return the id of one waiting workload."""
    client.center.stop()
    began = time.perf_counter()
    finished(client.center.home, FINISHED)
    print(f"past: {FINISHED} workloads, {4 * FINISHED} facts through the store in {time.perf_counter() - began:.1f} s")
    client.center.start()
    client.center.ready()
    holder = spec("/bin/sleep", "1800", time_limit=1800) | {"resources": {"cpus": CPUS, "memory": "64MiB"}}
    client.ask("POST", "/v1/workloads", holder)
    wait_until(lambda: client.counts().get("running") == 1, 30, "the node to be full")
    began = time.perf_counter()
    body = {"workloads": [spec("/bin/true") for _ in range(BATCH)]}
    with client.wires(1) as wires:
        batch = client.address.request("POST", "/v1/workloads/batch", body)
        for _ in drive(wires, [batch] * (WAITING // BATCH)):
            pass
    print(f"queue: {WAITING} workloads through the API in {time.perf_counter() - began:.1f} s, while turns were taken")
    found = client.counts()
    if found != {"completed": FINISHED, "running": 1, "waiting": WAITING}:
        raise RuntimeError(f"not as meant: {found}")
    return int(client.ask("GET", "/v1/workloads?state=waiting&limit=1")["items"][0]["id"])


@contextmanager
def turns(client: Client, waiting: int) -> Iterator[None]:
    """Make the scheduler plan anew every tenth of a second."""
    over = threading.Event()

    def stir() -> None:
        with client.wires(1) as (wire,):
            while not over.wait(TURN_EVERY_S / 2):
                wire.call("POST", f"/v1/workloads/{waiting}/hold")
                if over.wait(TURN_EVERY_S / 2):
                    break
                wire.call("POST", f"/v1/workloads/{waiting}/release")

    thread = threading.Thread(target=stir)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def latency(wire: Wire, method: str, path: str, body: object = None) -> Spread:
    """Milliseconds of each answer, asked at an even pace."""
    request = wire.address.request(method, path, body)
    found = []
    for _ in range(QUESTIONS):
        ((seconds, _),) = drive([wire], [request])
        found.append(1000 * seconds)
        time.sleep(PACE_S)
    return spread(found)


def ask_all(when: str, client: Client, waiting: int) -> list[Spread]:
    """Print how long each kind of question takes; return the two first pages'."""
    pages = []
    with client.wires(1) as (wire,):
        for what, path in (("first page of all", EVERYTHING), ("first page of live", LIVE)):
            pages.append(latency(wire, "GET", path))
            print(f"{when}, {what}: {pages[-1]}, p99 {pages[-1].p99:.4g} ms")
        for what, method, path, body in (
            ("one workload", "GET", f"/v1/workloads/{waiting}", None),
            ("health", "GET", "/v1/health", None),
            ("submit one, held", "POST", "/v1/workloads?hold=true", spec("/bin/true")),
        ):
            found = latency(wire, method, path, body)
            print(f"{when}, {what}: {found}, p99 {found.p99:.4g} ms")
    return pages


def main() -> None:
    """Fill a center, ask it calm and while it plans, and print the figure."""
    print(machine())
    with center() as client:
        waiting = fill(client)
        time.sleep(5)
        ask_all("calm", client, waiting)
        print(f"calm: resident {client.center.weight().resident_bytes / 1e6:.1f} MB")
        with turns(client, waiting):
            before = client.center.weight().cpu_s
            began = time.perf_counter()
            pages = ask_all("while turns are taken", client, waiting)
            busy = (client.center.weight().cpu_s - before) / (time.perf_counter() - began)
        print(
            f"resident: {client.center.weight().resident_bytes / 1e6:.1f} MB; processor while turns: {busy:.2f} cores"
        )
    print(figure("list", max(page.p99 for page in pages), None, "ms"))


if __name__ == "__main__":
    main()
