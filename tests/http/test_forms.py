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
