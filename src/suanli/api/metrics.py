"""Metrics: requests counted as they pass, the center counted when asked, in Prometheus' text form."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterator
from functools import cache

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from suanli.api.operations import Responses, refuses
from suanli.api.services import Services
from suanli.api.visit import AnyVisit
from suanli.model.errors import NotPermittedError
from suanli.model.power import MILLIWATTS
from suanli.model.tenancy import Caller, Role
from suanli.ports.store import WorkloadFilter

router = APIRouter(tags=["metrics"])

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_TEXT: Responses = {
    200: {
        "description": "Prometheus' text form.",
        "content": {
            "text/plain": {
                "schema": {"type": "string"},
                "example": '# TYPE suanli_workloads gauge\nsuanli_workloads{state="running"} 8.0\n',
            }
        },
    }
}


class Traffic:
    """Counts requests and how long each took, by the template of the route, never by what was asked."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route")
        self._requests = Counter("suanli_http_requests", "Requests answered.", (*labels, "status"), registry=registry)
        self._seconds = Histogram(
            "suanli_http_request_seconds", "Time until the answer began.", labels, buckets=_BUCKETS, registry=registry
        )

        # Looking up by labels takes longer than counting; there are as many as routes and their answers.
        self._counting = cache(lambda method, route, status: self._requests.labels(method, route, str(status)))
        self._timing = cache(self._seconds.labels)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Take in one request."""
        self._counting(method, route, status).inc()
        self._timing(method, route).observe(seconds)


_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Passage:
    """What every request passes on its way: its time is taken, and its answer gets the headers that keep it safe."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in _HEADERS if h[0] not in named)]
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._traffic.count(method, route, message["status"], time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, sending)


class _Center(Collector):
    """The center as one caller may see it, counted while it is collected."""

    def __init__(self, services: Services, caller: Caller) -> None:
        self._services = services
        self._caller = caller

    def collect(self) -> Iterator[GaugeMetricFamily]:
        counts = self._services.workloads.counts(self._caller, WorkloadFilter()).by_state
        workloads = GaugeMetricFamily("suanli_workloads", "Workloads by state.", labels=["state"])
        for state, count in sorted(counts.items()):
            workloads.add_metric([state], count)
        yield workloads
        nodes = GaugeMetricFamily("suanli_nodes", "Nodes by state.", labels=["state"])
        standing = Tally(view.node.state for view in self._services.inventory.nodes(self._caller))
        for standing_state, count in sorted(standing.items()):
            nodes.add_metric([standing_state], count)
        yield nodes
        power = self._services.power.standing(self._caller)
        drawn = "Watts that running work is expected to draw beyond idling."
        yield GaugeMetricFamily("suanli_power_draw_watts", drawn, value=power.drawn_mw / MILLIWATTS)
        if power.cap.watts:
            yield GaugeMetricFamily("suanli_power_cap_watts", "Most that it may draw.", value=power.cap.watts)
        with self._services.store.read() as tables:
            yield GaugeMetricFamily("suanli_facts", "Facts on record.", value=tables.last_fact())


@router.get("/metrics", response_class=Response, responses={**_TEXT, **refuses()})
def metrics(visit: AnyVisit) -> Response:
    """Show the center's metrics in Prometheus' text form; for operators."""
    if visit.caller.role is Role.USER:
        raise NotPermittedError("this is for operators of the center", "ask an operator")
    now = CollectorRegistry(auto_describe=False)
    now.register(_Center(visit.services, visit.caller))
    text = generate_latest(visit.registry) + generate_latest(now)
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)
