"""Features over HTTP: shown of nodes, asked for by work, and given as the reason in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.center import RunningCenter, running


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCenter]:
    """A center for these tests alone: what others leave running on theirs would be in the way."""
    with running(tmp_path_factory.mktemp("features") / "home") as up:
        yield up


def test_tasks_are_spread_over_nodes(center: RunningCenter) -> None:
    spread = center.submit("ann", tasks=2, max_tasks_per_node=1)
    run = center.started(spread)
    with center.client("ann") as client:
        shown = client.get(f"/v1/workloads/{spread}").json()
        assert (sorted(shown["nodes"]), shown["spec"]["max_tasks_per_node"]) == (["n1", "n2"], 1)
        never = client.post(
            "/v1/workloads", json={"command": ["true"], "tasks": 4, "nodes": 2, "max_tasks_per_node": 1}
        )
        assert (never.status_code, never.json()["code"]) == (422, "invalid_request")
    center.engine.end(run)


def test_work_that_names_a_feature_waits_for_the_node_that_has_it(center: RunningCenter) -> None:
    with center.client("ann") as client:
        having = {item["name"]: item["features"] for item in client.get("/v1/nodes").json()["items"]}
        assert having["n2"] == ["ib", "x86_64"]
        refused = client.post("/v1/workloads", json={"command": ["true"], "features": ["x86_46"]})
        assert (refused.status_code, refused.json()["code"]) == (403, "admission_refused")
        assert client.post("/v1/workloads", json={"command": ["true"], "features": ["a b"]}).status_code == 422
    first = center.submit("bob", features=["ib"], exclusive=True)
    run = center.started(first)
    second = center.submit("ann", features=["ib", "x86_64"])
    with center.client("ann") as client:
        why = client.get(f"/v1/workloads/{second}/why").json()
        reason = why["reasons"][0]
        assert (reason["code"], reason["constraint"], reason["nodes_failing"]) == ("feature", "features", 1)
        assert "lacking: ib" in reason["text"]
        assert "1 nodes have all of them" in reason["helps"]
        assert client.get(f"/v1/workloads/{second}").json()["spec"]["features"] == ["ib", "x86_64"]
    with center.client("ann", **{"Accept-Language": "zh"}) as client:
        assert "缺少：ib" in client.get(f"/v1/workloads/{second}/why").json()["reasons"][0]["text"]
    center.engine.end(run)
    center.engine.end(center.started(second))
