"""Usage and shares over HTTP: what a run held is there once it has ended, and weighs on who held it."""

from __future__ import annotations

import pytest

from tests.http.center import RunningCenter


def test_what_a_run_held_is_summed_up_as_asked(center: RunningCenter) -> None:
    with center.client("bob") as client:
        before = client.get("/v1/usage").json()["items"]
        workload = center.submit("bob", resources={"cpus": 2, "memory": "1GiB"})
        center.engine.end(center.started(workload))
        center.wait_state(workload, "completed")
        found = client.get("/v1/usage").json()
        (after,) = found["items"]
        assert found["since"] < found["until"]
        assert (after["day"], after["project"], after["owner"]) == (None, "default", "bob")
        assert after["runs"] == 1 + sum(item["runs"] for item in before)
        assert after["cpu_hours"] >= sum(item["cpu_hours"] for item in before)
        by_day = client.get("/v1/usage", params={"by": "day", "since": found["until"]}).json()["items"]
        assert [(item["day"], item["project"], item["owner"]) for item in by_day] == [(found["until"], None, None)]
        assert client.get("/v1/usage", params={"owner": "ann"}).json()["items"] == []


@pytest.mark.parametrize(
    ("days", "field"),
    [({"since": "2026-02-02", "until": "2026-02-01"}, "until"), ({"since": "1990-01-01"}, "since")],
)
def test_days_that_cannot_be_are_refused(center: RunningCenter, days: dict[str, str], field: str) -> None:
    with center.client("ann") as client:
        refused = client.get("/v1/usage", params=days)
        assert (refused.status_code, [error["field"] for error in refused.json()["errors"]]) == (422, [field])
        for odd in ("yesterday", "0", "2026-02-30", "1969-12-31", "20260201"):
            assert client.get("/v1/usage", params={"since": odd}).status_code == 422, odd
        assert client.get("/v1/usage", params={"until": "1970-01-01"}).json()["since"] == "1970-01-01"


def test_shares_show_projects_with_their_members(center: RunningCenter) -> None:
    with center.client("admin") as client:
        made = client.put("/v1/projects/spins", json={"members": ["ann", "bob"], "shares": 3}).json()
        assert (made["members"], made["shares"]) == (["ann", "bob"], 3)
        assert client.put("/v1/projects/spins", json={"shares": -1}).status_code == 422
    workload = center.submit(project="spins", resources={"cpus": 1})
    with center.client("ann") as client:
        center.started(workload)
        shares = client.get("/v1/shares").json()
        whole, own = [item for item in shares["items"] if item["project"] == "spins"]
        assert (whole["owner"], own["owner"]) == (None, "ann")
        assert whole["share"] == own["share"] > 0
        assert 0 < whole["factor"] <= 1
        assert not [item for item in shares["items"] if item["owner"] not in {None, "ann"}]
    with center.client("admin") as client:
        assert {"spins"} <= {item["project"] for item in client.get("/v1/shares").json()["items"]}
