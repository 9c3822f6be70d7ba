"""Work that will do with less or with something else, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.center import RunningCenter, running


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCenter]:
    """A center for these tests alone: what others leave running on theirs would be in the way."""
    with running(tmp_path_factory.mktemp("forms") / "home") as up:
        yield up


def test_moldable_work_has_as_many_tasks_as_there_is_room_for(center: RunningCenter) -> None:
    with center.client("ann") as client:
        cpus = {item["name"]: item["cpus"] for item in client.get("/v1/nodes").json()["items"]}
        refused = client.post("/v1/workloads", json={"command": ["true"], "tasks": 2, "min_tasks": 3})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "min_tasks")
    workload = center.submit("ann", tasks=10_000, min_tasks=2, resources={"cpus": 1, "memory": "1MiB"})
    run = center.started(workload)
    with center.client("ann") as client:
        shown = client.get(f"/v1/workloads/{workload}").json()
    assert {hold["node"]: hold["tasks"] for hold in shown["runs"][0]["nodes"]} == cpus
    assert shown["spec"]["min_tasks"] == 2
    center.engine.end(run)


def test_work_runs_with_an_alternative_and_says_which(center: RunningCenter) -> None:
    gpu = {"resources": {"devices": {"class": "gpu", "count": 2}}}
    first = center.submit("bob", **gpu)
    busy = center.started(first)
    asked = {**gpu, "alternatives": [{"resources": {"cpus": 4}, "tasks": 2, "time_limit": "7m"}], "time_limit": "5m"}
    with center.client("ann") as client:
        preview = client.post("/v1/workloads/preview", json={"command": ["true"], **asked}).json()
        assert (preview["decision"], preview["alternative"]) == ("now", 1)
        wrong = {"command": ["true"], "alternatives": [{}, {"nodes": 2}]}
        refused = client.post("/v1/workloads", json=wrong).json()
        assert refused["errors"][0]["field"] == "alternatives.1.nodes"
    workload = center.submit("ann", **asked)
    run = center.started(workload)
    never = {"resources": {"cpus": 9999}}
    waits = center.submit("ann", **gpu, alternatives=[never])
    with center.client("ann") as client:
        (shown,) = client.get(f"/v1/workloads/{workload}").json()["runs"]
        assert (shown["alternative"], shown["time_limit_s"]) == (1, 420)
        assert sum(hold["cpus"] for hold in shown["nodes"]) == 8
        why = client.get(f"/v1/workloads/{waits}/why").json()
        assert "device_free" in {reason["code"] for reason in why["reasons"]}
        (other,) = why["alternatives"]
        assert (other["alternative"], other["earliest_start"]) == (1, None)
        assert "impossible" in {reason["code"] for reason in other["reasons"]}
        assert client.get(f"/v1/workloads/{waits}").json()["spec"]["alternatives"][0]["resources"]["cpus"] == 9999
    for one in (busy, run):
        center.engine.end(one)
