"""Qualities of service over HTTP: set, shown, given to work, told in `why`, in quotas and in usage."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.center import RunningCenter


@pytest.mark.parametrize(
    "body",
    [{"priority": 1.5}, {"usage_factor": -1}, {"users": ["nobody-at-all"]}, {"projects": ["none"]}, {"speed": 1}],
)
def test_what_cannot_be_is_refused(center: RunningCenter, body: dict[str, Any]) -> None:
    with center.client("admin") as client:
        assert client.put("/v1/qos/odd", json=body).status_code == 422
        assert client.get("/v1/qos/odd").status_code == 404


def test_it_is_set_given_told_and_removed(center: RunningCenter) -> None:
    with center.client("admin") as client:
        wanted = {"priority": 100, "usage_factor": 2.5, "users": ["ann"]}
        made = client.put("/v1/qos/rush", json=wanted).json()
        assert made == {"name": "rush", "preemptible": False, "projects": [], **wanted}
        assert client.put("/v1/quotas/qos_user/rush", json={"runs": 1}).json()["runs"] == 1
    with center.client("bob", **{"Accept-Language": "zh"}) as client:
        assert {"normal", "rush"} <= {item["name"] for item in client.get("/v1/qos").json()["items"]}
        assert client.get("/v1/qos/rush").json() == made
        refused = client.post("/v1/workloads", json={"command": ["/bin/true"], "qos": "rush"})
        assert (refused.status_code, refused.json()["reason"]) == (422, "qos_not_yours")
    run = center.started(center.submit("ann", qos="rush"))
    second = center.submit("ann")
    with center.client("ann", **{"Accept-Language": "zh"}) as client:
        center.wait_state(second, "running")
        third = center.submit("ann", qos="rush")
        why = client.get(f"/v1/workloads/{third}/why").json()
        assert why["order"] == {
            "queue": "default",
            "queue_priority": 0,
            "qos": "rush",
            "qos_priority": 100,
            "priority": 0,
        }
        (reason,) = why["reasons"]
        assert (reason["code"], reason["constraint"]) == ("qos_user_quota", "qos")
        assert "QOS" in reason["text"]
        changed = client.patch(f"/v1/workloads/{third}", json={"qos": "normal"}).json()
        assert changed == {"changed": [third], "unchanged": []}
        assert client.get(f"/v1/workloads/{third}").json()["qos"] == "normal"
        unknown = client.patch(f"/v1/workloads/{third}", json={"qos": "never"})
        assert unknown.json().get("reason") in {"qos_unknown", None}
        running = client.patch(f"/v1/workloads/{second}", json={"qos": "rush"})
        assert running.status_code == 409
    for workload in (second, third):
        center.engine.end(center.started(workload))
    center.engine.end(run)
    center.wait_state(int(run.partition(".")[0]), "completed")
    with center.client("ann") as client:
        items = client.get("/v1/usage?by=qos").json()["items"]
        assert {item["qos"] for item in items} >= {"rush", "normal"}
        assert all(item["owner"] is None for item in items)
    with center.client("admin") as client:
        assert client.delete("/v1/qos/rush").status_code == 204
        assert client.delete("/v1/qos/rush").status_code == 404
        client.put("/v1/quotas/qos_user/rush", json={})
