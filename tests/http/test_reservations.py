"""Advance reservations over HTTP: what is set aside, who may, and what work is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.http.center import RunningCenter

HOUR_S = 3600


def times(begin_s: float, end_s: float) -> dict[str, str]:
    """Instants so many seconds from now."""
    now = datetime.now(UTC)
    found = {"starts_at": now + timedelta(seconds=begin_s), "ends_at": now + timedelta(seconds=end_s)}
    return {name: at.isoformat().replace("+00:00", "Z") for name, at in found.items()}


def set_aside(center: RunningCenter, name: str, **body: Any) -> dict[str, Any]:
    with center.client("admin") as client:
        answer = client.put(f"/v1/reservations/{name}", json={"nodes": ["n1", "n2"], **body})
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made


def remove(center: RunningCenter, name: str) -> None:
    with center.client("admin") as client:
        assert client.delete(f"/v1/reservations/{name}").status_code == 204


def test_maintenance_keeps_work_waiting_and_why_names_it(center: RunningCenter) -> None:
    made = set_aside(center, "repair", **times(-1, HOUR_S), reason="new switches")
    try:
        workload = center.submit("ann", time_limit=60)
        with center.client("ann") as client:
            assert client.get("/v1/reservations/repair").json() == made
            assert "repair" in [item["name"] for item in client.get("/v1/reservations").json()["items"]]
            why = client.get(f"/v1/workloads/{workload}/why").json()
            (reason,) = why["reasons"]
            assert (reason["code"], reason["params"]["reservation"]) == ("reserved", "repair")
            assert why["earliest_start"] == made["ends_at"]
            told = client.get(f"/v1/workloads/{workload}/why", headers={"Accept-Language": "zh"}).json()
            assert "repair" in told["reasons"][0]["text"]
            preview = client.post("/v1/workloads/preview", json={"command": ["true"], "time_limit": 60}).json()
            assert (preview["decision"], preview["earliest_start"]) == ("later", made["ends_at"])
    finally:
        remove(center, "repair")
    run = center.started(workload)
    center.engine.end(run)
    center.wait_state(workload, "completed")


def test_work_of_a_course_runs_within_its_reservation(center: RunningCenter) -> None:
    set_aside(center, "course", **times(-1, HOUR_S), nodes=["n2"], purpose="use", users=["ann"])
    try:
        inside = center.submit("ann", time_limit=60, reservation="course")
        run = center.started(inside)
        with center.client("ann") as client:
            shown = client.get(f"/v1/workloads/{inside}").json()
            assert shown["spec"]["reservation"] == "course"
            assert [hold["node"] for hold in shown["runs"][0]["nodes"]] == ["n2"]
            assert run not in client.get("/v1/reservations/course").json()["overlapping_runs"]
        center.engine.end(run)
        center.wait_state(inside, "completed")
        spec = {"command": ["true"], "time_limit": 60, "reservation": "course"}
        with center.client("bob") as client:
            refused = client.post("/v1/workloads", json=spec)
            assert (refused.status_code, refused.json()["code"]) == (403, "admission_refused")
            assert refused.json()["params"]["reason"] == "reservation_not_yours"
        with center.client("ann") as client:
            refused = client.post("/v1/workloads", json=spec | {"time_limit": 2 * HOUR_S})
            assert refused.json()["params"]["reason"] == "reservation_too_short"
    finally:
        remove(center, "course")


def test_runs_that_may_still_be_there_are_told(center: RunningCenter) -> None:
    workload = center.submit("ann", time_limit=2 * HOUR_S)
    run = center.started(workload)
    made = set_aside(center, "soon", **times(HOUR_S, 3 * HOUR_S))
    remove(center, "soon")
    # The center is shared with other tests, whose runs may be there too.
    assert run in made["overlapping_runs"]
    later = set_aside(center, "later", **times(3 * HOUR_S, 4 * HOUR_S))
    remove(center, "later")
    assert run not in later["overlapping_runs"]
    center.engine.end(run)
    center.wait_state(workload, "completed")


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"nodes": []}, 422, "nodes"),
        ({"nodes": ["n9"]}, 422, "nodes.0"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, 422, "ends_at"),
        ({"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2020-01-02T00:00:00Z"}, 422, "ends_at"),
        ({"starts_at": "today"}, 422, "starts_at"),
        ({"starts_at": 5}, 422, "starts_at"),
        ({"starts_at": "2020-01-01T00:00:00"}, 422, "starts_at"),
        ({"ends_at": "9999-12-31T23:59:59-14:00"}, 422, "ends_at"),
        ({"ends_at": "2026-02-30T00:00:00Z"}, 422, "ends_at"),
        ({"purpose": "use"}, 422, "projects"),
        ({"purpose": "use", "projects": ["nothing"]}, 422, "projects"),
        ({"users": ["ann"]}, 422, "purpose"),
    ],
)
def test_what_cannot_be_is_refused(center: RunningCenter, changes: dict[str, Any], status: int, field: str) -> None:
    with center.client("admin") as client:
        body = {"nodes": ["n1"], **times(HOUR_S, 2 * HOUR_S), **changes}
        refused = client.put("/v1/reservations/wrong", json=body)
        assert (refused.status_code, [error["field"] for error in refused.json()["errors"]]) == (status, [field])
        for method in (client.get, client.delete):
            gone = method("/v1/reservations/wrong")
            assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


def test_two_promises_of_one_node_conflict(center: RunningCenter) -> None:
    promised = {**times(HOUR_S, 2 * HOUR_S), "nodes": ["n1"], "purpose": "use", "users": ["ann"]}
    set_aside(center, "first", **promised)
    try:
        with center.client("admin") as client:
            refused = client.put("/v1/reservations/second", json=promised)
            assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    finally:
        remove(center, "first")
