"""Quotas and licenses over HTTP: set by administrators, told to those whom they bind, and given as the reason."""

from __future__ import annotations

import pytest

from tests.http.center import RunningCenter


def test_a_quota_is_set_shown_and_lifted(center: RunningCenter) -> None:
    with center.client("admin") as client:
        asked = {"runs": 1, "cpus": 2.5, "memory": "2TiB", "devices": 1.5}
        made = client.put("/v1/quotas/user/bob", json=asked)
        assert made.status_code == 200
        shown = {"scope": "user", "name": "bob", "runs": 1, "cpus": 2.5, "memory_bytes": 2 * 1024**4, "devices": 1.5}
        assert made.json() == shown
    with center.client("bob") as client:
        assert shown in client.get("/v1/quotas").json()["items"]
    with center.client("ann") as client:
        assert shown not in client.get("/v1/quotas").json()["items"]
    with center.client("admin") as client:
        assert client.put("/v1/quotas/user/bob", json={}).json()["runs"] is None
        assert "bob" not in [item["name"] for item in client.get("/v1/quotas").json()["items"]]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("quotas/user/nobody", {"runs": 1}, 404),
        ("quotas/node/n1", {"runs": 1}, 422),
        ("quotas/user/ann", {"runs": -1}, 422),
        ("quotas/user/ann", {"gpus": 1}, 422),
        ("licenses/solver", {}, 422),
        ("licenses/solver", {"total": -1}, 422),
    ],
)
def test_what_cannot_be_is_refused(center: RunningCenter, path: str, body: dict[str, int], status: int) -> None:
    with center.client("admin") as client:
        assert client.put(f"/v1/{path}", json=body).status_code == status


def test_why_tells_of_a_quota_and_of_a_license_in_both_languages(center: RunningCenter) -> None:
    """What others left running counts for nothing: nobody else is cleo."""
    with center.client("admin") as client:
        client.put("/v1/quotas/user/cleo", json={"runs": 1})
        assert client.put("/v1/licenses/solver", json={"total": 1}).json() == {"name": "solver", "total": 1}
    first = center.submit("cleo", licenses={"solver": 1})
    run = center.started(first)
    second, other = center.submit("cleo"), center.submit("ann", licenses={"solver": 1})
    with center.client("cleo", **{"Accept-Language": "zh"}) as client:
        (reason,) = client.get(f"/v1/workloads/{second}/why").json()["reasons"]
        assert (reason["code"], reason["constraint"]) == ("user_quota", "owner")
        assert "2 个运行" in reason["text"]
        told = {name: reason["params"][name] for name in ("needed", "available", "wanted")}
        assert told == {"needed": 2, "available": 1, "wanted": "runs"}
    with center.client("ann") as client:
        why = client.get(f"/v1/workloads/{other}/why").json()
        assert [reason["code"] for reason in why["reasons"]] == ["license"]
        assert "1 of license solver" in why["reasons"][0]["text"]
        assert why["earliest_start_known"]
        assert {"name": "solver", "total": 1, "in_use": 1} in client.get("/v1/licenses").json()["items"]
        refused = client.post("/v1/workloads", json={"command": ["true"], "licenses": {"solver": 2}})
        assert (refused.status_code, refused.json()["code"]) == (403, "admission_refused")
    center.engine.end(run)
    center.engine.end(center.started(other))
    center.engine.end(center.started(second))
    with center.client("admin") as client:
        client.put("/v1/quotas/user/cleo", json={})
