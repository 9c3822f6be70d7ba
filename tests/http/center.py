"""A whole center over real HTTP: real store, services, kernel, loops. Only the engine is a fake that tests direct."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from suanli.adapters.clock import SystemClock
from suanli.adapters.identity.secrets import SystemSecrets
from suanli.adapters.notify.none import NoNotifier
from suanli.api.app import Services, create_app
from suanli.kernel.scheduling.plan import Policy
from suanli.model.devices import DeviceClass, Interconnect, Precision
from suanli.model.ids import EngineName, NodeName, RunId
from suanli.model.resources import Device, Node
from suanli.ports.admission import AdmissionCheck
from suanli.services.accounting import Accounting
from suanli.services.deadlines import DeadlineCheck
from suanli.services.features import FeatureAdmission
from suanli.services.inventory import Inventory
from suanli.services.power import Power
from suanli.services.qualities import QosCheck, Qualities
from suanli.services.quotas import QuotaCheck, Quotas
from suanli.services.rates import Rates
from suanli.services.requests import Requests
from suanli.services.reservations import ReservationAdmission, Reservations
from suanli.services.scheduling import Scheduling
from suanli.services.scheduling.planner import Planner
from suanli.services.tariffs import TariffCheck, Tariffs
from suanli.services.tenants import Tenants
from suanli.services.workloads import Runs, Workloads
from suanli.testing.fake_engine import FakeEngine
from suanli.wiring.build import Center, Turning, build_store
from suanli.wiring.settings import Settings

PATIENCE_S = 20.0
GIB = 1024**3

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Spares every client the reading of all the world's certificates."""


@dataclass(frozen=True)
class RunningCenter:
    """Where it listens, the engine that tests direct, and a token of each of its people."""

    url: str
    engine: FakeEngine
    tokens: dict[str, str]

    def client(self, user: str = "", **headers: str) -> httpx.Client:
        """A client that shows this user's token; nobody's for the empty name."""
        shown = {"Authorization": f"Bearer {self.tokens[user]}"} if user else {}
        return httpx.Client(base_url=self.url, headers={**shown, **headers}, timeout=PATIENCE_S, verify=_NO_TLS)

    def submit(self, user: str = "ann", **spec: Any) -> int:
        """Submit a workload and return its id."""
        with self.client(user) as client:
            answer = client.post("/v1/workloads", json={"command": ["/bin/true"], **spec})
            assert answer.status_code == 201, answer.text
            return int(answer.json()["id"])

    def started(self, workload: int, attempt: int = 1) -> RunId:
        """The run of a workload, once the engine has it and the center knows that it runs."""
        run = RunId(f"{workload}.{attempt}")
        assert self.engine.wait_accepted(run, PATIENCE_S)
        self.wait_state(workload, "running")
        return run

    def wait_state(self, workload: int, state: str) -> dict[str, Any]:
        """The workload once it stands so, told by its events and not by asking in turn."""
        with self.client("admin") as client:
            while True:
                shown: dict[str, Any] = client.get(f"/v1/workloads/{workload}").json()
                if shown["state"] == state:
                    return shown
                deadline = time.monotonic() + PATIENCE_S
                seen = len(shown["runs"]), shown["state"]
                with client.stream("GET", "/v1/events", params={"workload": workload}) as events:
                    for _ in events.iter_lines():
                        shown = client.get(f"/v1/workloads/{workload}").json()
                        if (len(shown["runs"]), shown["state"]) != seen:
                            break
                        assert time.monotonic() < deadline, shown


def nodes() -> list[Node]:
    """Two nodes of a small center, one of them with two GPUs."""
    gpus = tuple(
        Device(
            index=n,
            device_class=DeviceClass.GPU,
            model="T-100",
            memory_bytes=16 * GIB,
            precisions=frozenset({Precision.FP32, Precision.BF16}),
            rates={Precision.BF16: 300_000},
        )
        for n in range(2)
    )
    bare = Node(
        name=NodeName("n1"),
        engine=EngineName("fake"),
        cpu_milli=64_000,
        memory_bytes=256 * GIB,
        features=frozenset({"x86_64"}),
        cpu_power_mw=10_000,
    )
    return [
        replace(bare, devices=gpus, links={Interconnect.NODE: ((0, 1),)}),
        replace(bare, name=NodeName("n2"), features=bare.features | {"ib"}),
    ]


@contextmanager
def running(home: Path, having: Iterable[Node] = ()) -> Iterator[RunningCenter]:
    """Bring a center up on a free port of this machine, with its people, of these nodes or its own; take it down."""
    settings = Settings(home=home)
    clock = SystemClock()
    store = build_store(settings)
    engine = FakeEngine([*having] or nodes(), clock)
    engines = {engine.name: engine}
    checks: list[AdmissionCheck] = [
        QuotaCheck(clock),
        ReservationAdmission(clock),
        DeadlineCheck(clock),
        TariffCheck(clock),
        QosCheck(),
        FeatureAdmission(),
    ]
    center = Center(
        store=store,
        clock=clock,
        engines=dict(engines),
        requests=Requests(store),
        workloads=Workloads(store, engines, checks=checks, notifier=NoNotifier()),
        runs=Runs(store),
        tenants=Tenants(store, clock, SystemSecrets()),
        notifier=NoNotifier(),
        inventory=Inventory(store, engines),
        reservations=Reservations(store, clock),
        scheduling=Scheduling(store, lambda: Planner(store, clock, Policy())),
        quotas=Quotas(store),
        power=Power(store),
        tariffs=Tariffs(store, clock),
        qualities=Qualities(store),
        rates=Rates(store),
        accounting=Accounting(store, clock),
        ending=ExitStack(),
    )
    center.ending.callback(store.close)
    center.inventory.bootstrap()
    center.inventory.refresh(engine.name)
    turning = Turning(center, settings)
    turning.start()
    try:
        with _serving(center, turning) as url:
            yield RunningCenter(url, engine, _people(url, center.tenants.bootstrap().secret))
    finally:
        turning.stop()
        center.close()


@contextmanager
def _serving(center: Center, turning: Turning) -> Iterator[str]:
    services = Services(
        requests=center.requests,
        workloads=center.workloads,
        tenants=center.tenants,
        inventory=center.inventory,
        scheduling=center.scheduling,
        quotas=center.quotas,
        power=center.power,
        rates=center.rates,
        tariffs=center.tariffs,
        qualities=center.qualities,
        reservations=center.reservations,
        accounting=center.accounting,
        store=center.store,
        alive=lambda: [loop.name for loop in turning.loops if not loop.alive],
    )
    server = uvicorn.Server(
        uvicorn.Config(create_app(services), port=0, log_level="warning", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run, name="uvicorn")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _people(url: str, admin: str) -> dict[str, str]:
    tokens = {"admin": admin}
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {admin}"}) as client:
        for name, role in (("ann", "user"), ("bob", "user"), ("cleo", "user"), ("opal", "operator")):
            assert client.post("/v1/users", json={"name": name, "role": role}).status_code == 201
            issued = client.post(f"/v1/users/{name}/tokens", json={"scopes": ["read", "write"], "expires_in": "90d"})
            assert issued.status_code == 201, issued.text
            tokens[name] = issued.json()["secret"]
    return tokens
