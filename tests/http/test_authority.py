"""Every route tried as everybody: what each is answered stands in one table, and a route that is not in it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from suanli.api.openapi import document
from tests.http.center import RunningCenter

PEOPLE = ("nobody", "other", "reader", "owner", "operator", "admin")
"""No token; another user; the owner with a token that may only read; the owner; an operator; an administrator."""

PUBLIC = (200, 200, 200, 200, 200, 200)
KNOWN = (401, 200, 200, 200, 200, 200)
MINE_TO_SEE = (401, 404, 200, 200, 200, 200)
MINE_TO_CHANGE = (401, 404, 403, 200, 200, 200)
STAFF_SEES = (401, 403, 403, 403, 200, 200)
STAFF_CHANGES = (401, 403, 403, 403, 200, 200)
ADMIN_CHANGES = (401, 403, 403, 403, 403, 200)
SUBMITS = (401, 201, 403, 201, 201, 201)


@dataclass(frozen=True)
class Rule:
    """What each of PEOPLE is answered; ``body`` may name the trial it is sent in."""

    expected: tuple[int, int, int, int, int, int]
    body: dict[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)


HELD = {"hold": "true"}
RESERVED = {"starts_at": "9000-01-01T00:00:00Z", "ends_at": "9000-01-02T00:00:00Z", "nodes": ["n2"]}
SPEC = {"command": ["true"], "name": "authority"}

RULES: Mapping[str, Rule] = {
    "POST /v1/workloads": Rule(SUBMITS, SPEC, HELD),
    "POST /v1/workloads/batch": Rule(SUBMITS, {"workloads": [SPEC]}, HELD),
    "POST /v1/workloads/preview": Rule(KNOWN, SPEC),
    "POST /v1/what-if": Rule(KNOWN, {"submit": [{"spec": SPEC}]}),
    "GET /v1/workloads": Rule(KNOWN),
    "GET /v1/workloads/counts": Rule(KNOWN),
    "GET /v1/workloads/{ref}": Rule(MINE_TO_SEE),
    "PATCH /v1/workloads/{ref}": Rule(MINE_TO_CHANGE, {"time_limit": 60}),
    "GET /v1/workloads/{ref}/why": Rule(MINE_TO_SEE),
    "POST /v1/workloads/{ref}/cancel": Rule(MINE_TO_CHANGE),
    "POST /v1/workloads/{ref}/hold": Rule(MINE_TO_CHANGE),
    "POST /v1/workloads/{ref}/release": Rule(MINE_TO_CHANGE),
    "POST /v1/workloads/{ref}/requeue": Rule(MINE_TO_CHANGE),
    "POST /v1/workloads/{ref}/signal": Rule(MINE_TO_CHANGE, {"signal": "USR1"}),
    "GET /v1/workloads/{ref}/logs": Rule(MINE_TO_SEE),
    "GET /v1/workloads/{ref}/logs/live": Rule(MINE_TO_SEE),
    "GET /v1/workloads/{ref}/outputs": Rule(MINE_TO_SEE),
    "GET /v1/workloads/{ref}/outputs/{name}": Rule(MINE_TO_SEE),
    "GET /v1/events": Rule(KNOWN, query={"follow": "false"}),
    "GET /v1/nodes": Rule(KNOWN),
    "GET /v1/nodes/{name}": Rule(KNOWN),
    "GET /v1/nodes/{name}/devices/readings": Rule(KNOWN),
    "POST /v1/nodes/{name}/drain": Rule(STAFF_CHANGES, {"reason": "authority"}),
    "POST /v1/nodes/{name}/resume": Rule(STAFF_CHANGES),
    "GET /v1/engines": Rule(KNOWN),
    "GET /v1/queues": Rule(KNOWN),
    "PUT /v1/queues/{name}": Rule(ADMIN_CHANGES, {"priority": 1}),
    "GET /v1/quotas": Rule(KNOWN),
    "PUT /v1/quotas/{scope}/{name}": Rule(ADMIN_CHANGES, {"runs": 1000}),
    "GET /v1/licenses": Rule(KNOWN),
    "PUT /v1/licenses/{name}": Rule(ADMIN_CHANGES, {"total": 1}),
    "GET /v1/power-cap": Rule(KNOWN),
    "PUT /v1/power-cap": Rule(STAFF_CHANGES, {"watts": 0}),
    "GET /v1/qos": Rule(KNOWN),
    "GET /v1/qos/{name}": Rule(KNOWN),
    "PUT /v1/qos/{name}": Rule(ADMIN_CHANGES, {"priority": 0}),
    "DELETE /v1/qos/{name}": Rule((401, 403, 403, 403, 403, 204)),
    "GET /v1/tariff": Rule(KNOWN),
    "PUT /v1/tariff": Rule(ADMIN_CHANGES, {"currency": "CNY"}),
    "GET /v1/reservations": Rule(KNOWN),
    "GET /v1/reservations/{name}": Rule(KNOWN),
    "PUT /v1/reservations/{name}": Rule(ADMIN_CHANGES, RESERVED),
    "DELETE /v1/reservations/{name}": Rule((401, 403, 403, 403, 403, 204)),
    "GET /v1/whoami": Rule(KNOWN),
    "GET /v1/users": Rule(STAFF_SEES),
    "POST /v1/users": Rule((401, 403, 403, 403, 403, 201), {"name": "made_by_{who}"}),
    "GET /v1/users/{name}": Rule(MINE_TO_SEE),
    "PATCH /v1/users/{name}": Rule(ADMIN_CHANGES, {"account": "ann"}),
    "GET /v1/users/{name}/tokens": Rule((401, 403, 200, 200, 403, 200)),
    "POST /v1/users/{name}/tokens": Rule((401, 403, 403, 201, 403, 201), {"scopes": ["read"]}),
    "DELETE /v1/tokens/{id}": Rule((401, 404, 403, 204, 404, 204)),
    "GET /v1/projects": Rule(KNOWN),
    "PUT /v1/projects/{name}": Rule(ADMIN_CHANGES, {"members": ["ann"]}),
    "GET /v1/shares": Rule(KNOWN),
    "GET /v1/usage": Rule(KNOWN),
    "GET /v1/rates": Rule(KNOWN),
    "GET /v1/supply": Rule(KNOWN),
    "GET /v1/health": Rule(PUBLIC),
    "GET /v1/ready": Rule(PUBLIC),
    "GET /v1/openapi.json": Rule(PUBLIC),
    "GET /metrics": Rule(STAFF_SEES),
}


def operations() -> list[str]:
    return [f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods]


@dataclass(frozen=True)
class Stage:
    """What all trials share: the owner's lesser token, and how each of PEOPLE comes."""

    center: RunningCenter
    reader: str

    def client(self, who: str) -> httpx.Client:
        if who == "reader":
            return self.center.client(Authorization=f"Bearer {self.reader}")
        user = {"nobody": "", "other": "bob", "owner": "ann", "operator": "opal", "admin": "admin"}[who]
        return self.center.client(user)

    def token(self, scope: str) -> dict[str, Any]:
        with self.center.client("ann") as client:
            issued: dict[str, Any] = client.post("/v1/users/ann/tokens", json={"scopes": [scope]}).json()
            return issued

    def finished(self) -> int:
        workload = self.center.submit(name="authority", outputs=[{"name": "fit", "path": "fit"}])
        run = self.center.started(workload)
        self.center.engine.leave(run, "fit", b"42")
        self.center.engine.end(run)
        self.center.wait_state(workload, "completed")
        return workload


@pytest.fixture(scope="module")
def stage(center: RunningCenter) -> Stage:
    with center.client("ann") as client:
        secret = client.post("/v1/users/ann/tokens", json={"scopes": ["read"]}).json()["secret"]
    with center.client("admin") as client:
        assert client.put("/v1/reservations/authority", json=RESERVED).status_code == 200
        assert client.put("/v1/qos/authority", json={}).status_code == 200
    return Stage(center, secret)


def test_the_table_has_every_route_and_no_other() -> None:
    assert set(operations()) == set(RULES)


@pytest.mark.parametrize("operation", operations())
def test_everybody_is_answered_as_the_table_says(stage: Stage, operation: str) -> None:
    rule = RULES[operation]
    method, path = operation.split()
    names = {"nodes": "n2", "users": "ann", "workloads": "fit", "quotas": "ann"}
    noun = path.split("/")[2] if path.count("/") > 1 else ""
    ref = stage.finished() if "{ref}" in path else 0
    answered = []
    for who in PEOPLE:
        token = stage.token("read")["id"] if "{id}" in path else ""
        body = rule.body and {k: v.format(who=who) if isinstance(v, str) else v for k, v in rule.body.items()}
        with stage.client(who) as client:
            filled = path.format(ref=ref, name=names.get(noun, "authority"), id=token, scope="user")
            answered.append(client.request(method, filled, json=body, params=dict(rule.query)).status_code)
    assert dict(zip(PEOPLE, answered, strict=True)) == dict(zip(PEOPLE, rule.expected, strict=True))


def test_what_is_not_public_asks_for_a_token_in_the_document() -> None:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            public = RULES[f"{method.upper()} {path}"].expected == PUBLIC
            assert ("security" in operation) is not public, path


def test_lists_hold_only_what_the_reader_may_see(stage: Stage) -> None:
    workload = stage.finished()
    seen = {}
    for who in ("other", "owner", "operator"):
        with stage.client(who) as client:
            page = client.get("/v1/workloads", params={"name": "authority", "limit": 1000}).json()
            seen[who] = workload in [item["id"] for item in page["items"]]
            if who == "other":
                assert {item["owner"] for item in page["items"]} <= {"bob"}
                assert client.get("/v1/workloads?owner=ann").status_code == 403
    assert seen == {"other": False, "owner": True, "operator": True}
