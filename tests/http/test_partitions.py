"""Parts of devices over HTTP: what still fits, what a run holds, and why one waits, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from suanli.adapters.devices.partitions_known import templates_of
from suanli.model.devices import DeviceClass
from suanli.model.ids import EngineName, NodeName
from suanli.model.resources import Device, Node
from tests.http.center import GIB, RunningCenter, running

A30 = Device(
    index=0,
    device_class=DeviceClass.GPU,
    model="NVIDIA A30",
    memory_bytes=24 * GIB,
    partitions=templates_of("NVIDIA A30"),
)
NODE = Node(name=NodeName("n1"), engine=EngineName("fake"), cpu_milli=64_000, memory_bytes=64 * GIB, devices=(A30,))


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCenter]:
    with running(tmp_path_factory.mktemp("parts") / "home", [NODE]) as up:
        yield up


def asking(partition: str, **more: Any) -> dict[str, Any]:
    return {"resources": {"devices": {"class": "gpu", "partition": partition, **more}}}


def shown(center: RunningCenter) -> dict[str, Any]:
    with center.client("ann") as client:
        device: dict[str, Any] = client.get("/v1/nodes").json()["items"][0]["devices"][0]
        return device


def fitting(center: RunningCenter) -> dict[str, tuple[int, int]]:
    return {one["name"]: (one["free"], one["most"]) for one in shown(center)["partitions"]}


def test_parts_are_given_out_and_what_still_fits_is_told(center: RunningCenter) -> None:
    assert fitting(center) == {"1g.6gb": (4, 4), "2g.12gb": (2, 2), "4g.24gb": (1, 1)}
    assert shown(center)["partitions"][0] == {
        "name": "1g.6gb",
        "memory_bytes": 5949 * 1024**2,
        "share": 0.25,
        "most": 4,
        "free": 4,
    }
    small, pair = center.submit("ann", **asking("1g.6gb")), center.submit("bob", **asking("2g.12gb"))
    runs = [center.started(small), center.started(pair)]
    assert fitting(center) == {"1g.6gb": (1, 4), "2g.12gb": (0, 2), "4g.24gb": (0, 1)}
    assert shown(center)["free_share"] == 0
    with center.client("ann") as client:
        answer = client.get(f"/v1/workloads/{small}").json()
        assert answer["spec"]["resources"]["devices"]["partition"] == "1g.6gb"
        (held,) = answer["runs"][0]["nodes"][0]["devices"]
        assert (held["index"], held["share"], held["partition"], len(held["slices"])) == (0, 0.25, "1g.6gb", 1)
        assert client.get("/v1/engines").json()["items"][0]["partitions"] == "counted"
    waits = center.submit("ann", **asking("2g.12gb"))
    with center.client("ann") as client:
        (reason,) = client.get(f"/v1/workloads/{waits}/why").json()["reasons"]
        assert (reason["code"], reason["constraint"]) == ("device_free", "resources.devices.partition")
        assert reason["text"] == (
            "partition 2g.12gb: no free slots for 1 on 1 of 1 nodes (1 devices of a model that has it);"
            " at most 0 fit on one"
        )
        assert reason["params"]["devices"] == 1
    with center.client("ann", **{"Accept-Language": "zh"}) as client:
        (reason,) = client.get(f"/v1/workloads/{waits}/why").json()["reasons"]
        assert reason["text"].startswith("切分规格 2g.12gb")
    for run in runs:
        center.engine.end(run)
    center.engine.end(center.started(waits))
    center.wait_state(waits, "completed")
    assert fitting(center) == {"1g.6gb": (4, 4), "2g.12gb": (2, 2), "4g.24gb": (1, 1)}
    assert shown(center)["free_share"] == 1


def test_what_no_device_here_is_parted_by_is_told_in_a_preview(center: RunningCenter) -> None:
    with center.client("ann") as client:
        seen = client.post("/v1/workloads/preview", json={"command": ["true"], **asking("1g.10gb")}).json()
    assert seen["decision"] == "never"
    assert [reason["code"] for reason in seen["reasons"]] == ["impossible", "device_partition"]
    assert "may be parted by 1g.10gb" in seen["reasons"][1]["text"]


@pytest.mark.parametrize(
    "body",
    [
        asking("1g.7gb"),
        asking("1g.6gb", share=0.5),
        asking("1g.6gb", precision="bf16", at_least=1e12),
        {**asking("1g.6gb"), "exclusive": True},
        {**asking("1g.6gb"), "work": {"bf16": 1e15}},
        asking("1G 6"),
    ],
)
def test_what_no_part_has_is_refused(center: RunningCenter, body: dict[str, Any]) -> None:
    with center.client("ann") as client:
        answer = client.post("/v1/workloads", json={"command": ["true"], **body})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "resources.devices.partition" in answer.text
