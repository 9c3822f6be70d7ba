"""Devices near each other over HTTP: what a node tells, what may be asked for, and why it is not to be had."""

from __future__ import annotations

from typing import Any

from tests.http.center import RunningCenter

PAIR: dict[str, Any] = {"class": "gpu", "count": 2, "interconnect": "node"}


def preview(center: RunningCenter, language: str = "en", **changes: Any) -> dict[str, Any]:
    asked = {"command": ["/bin/true"], "resources": {"devices": {**PAIR, **changes}}}
    with center.client("ann") as client:
        answer = client.post("/v1/workloads/preview", json=asked, headers={"Accept-Language": language})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def test_a_node_tells_which_of_its_devices_are_near_each_other(center: RunningCenter) -> None:
    with center.client("ann") as client:
        nodes = {node["name"]: node["links"] for node in client.get("/v1/nodes").json()["items"]}
    assert nodes == {"n1": {"node": [[0, 1]]}, "n2": {}}


def test_near_devices_are_had_and_told_again_as_they_were_asked_for(center: RunningCenter) -> None:
    workload = center.submit(resources={"devices": PAIR})
    with center.client("ann") as client:
        shown = client.get(f"/v1/workloads/{workload}").json()["spec"]["resources"]["devices"]
    assert (shown["count"], shown["interconnect"]) == (2, "node")
    center.engine.end(center.started(workload))


def test_what_no_node_links_is_told_with_what_would_help(center: RunningCenter) -> None:
    told = preview(center, interconnect="link")
    (reason,) = [one for one in told["reasons"] if one["code"] == "device_interconnect"]
    assert reason["constraint"] == "resources.devices.interconnect"
    assert reason["text"] == "1 of 2 nodes have too few fitting devices as near each other as link: 2 needed"
    assert "suanli devices --topology" in reason["helps"]
    assert (reason["params"]["needed"], reason["params"]["wanted"]) == (2000, "link")
    chinese = preview(center, "zh", interconnect="link")
    (reason,) = [one for one in chinese["reasons"] if one["code"] == "device_interconnect"]
    assert "link 级互联" in reason["text"]


def test_a_group_of_which_some_is_taken_is_told(center: RunningCenter) -> None:
    run = center.started(center.submit(resources={"devices": {"class": "gpu", "count": 1}}))
    (reason,) = [one for one in preview(center)["reasons"] if one["code"] == "device_free"]
    assert reason["constraint"] == "resources.devices.interconnect"
    assert "no node group has enough fitting devices free: 2 needed, at most 1 free" in reason["text"]
    plain = preview(center, interconnect=None)
    (reason,) = [one for one in plain["reasons"] if one["code"] == "device_free"]
    assert reason["constraint"] == "resources.devices"
    center.engine.end(run)


def test_only_distances_within_a_node_may_be_asked_for(center: RunningCenter) -> None:
    with center.client("ann") as client:
        for word in ("nvlink", "self", "system", "", 1):
            asked = {"command": ["/bin/true"], "resources": {"devices": {**PAIR, "interconnect": word}}}
            assert client.post("/v1/workloads", json=asked).status_code == 422, word


def test_of_one_device_or_a_share_it_says_nothing(center: RunningCenter) -> None:
    for one in ({"count": 1}, {"count": 1, "share": 0.5}):
        assert preview(center, **one, interconnect="link")["decision"] == "now"
