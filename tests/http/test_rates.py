"""Rates and work over HTTP: devices asked for by what they do, why not, and what finished work teaches to whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.http.center import RunningCenter, running

DEVICE = {"class": "gpu", "precision": "bf16", "at_least": 3e14}


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCenter]:
    """A center for these tests alone: what others leave running on theirs is held too."""
    with running(tmp_path_factory.mktemp("rates") / "home") as up:
        yield up


def supply(center: RunningCenter, precision: str) -> dict[str, Any]:
    with center.client("ann") as client:
        items = client.get("/v1/supply").json()["items"]
        return next(item for item in items if item["precision"] == precision)


def test_devices_are_had_by_their_rate_or_it_is_told_why_not(center: RunningCenter) -> None:
    with center.client("ann") as client:
        (device, _) = client.get("/v1/nodes/n1").json()["devices"]
        assert device["rates"] == {"bf16": 3e14}
        for devices in ({**DEVICE, "at_least": 3.1e14}, {"class": "gpu", "precision": "fp32", "at_least": 1}):
            asked = {"command": ["/bin/true"], "resources": {"devices": devices}}
            reasons = client.post("/v1/workloads/preview", json=asked).json()["reasons"]
            assert "device_rate" in {reason["code"] for reason in reasons}, devices
    workload = center.submit(resources={"devices": DEVICE})
    center.engine.end(center.started(workload))
    center.wait_state(workload, "completed")


def test_what_the_devices_can_do_and_what_of_it_is_held(center: RunningCenter) -> None:
    before = supply(center, "bf16")
    assert (before["devices"], before["unknown_devices"]) == (2, 0)
    assert before["operations_per_hour"] == 2 * 3e14 * 3600
    assert supply(center, "fp32")["unknown_devices"] == 2
    run = center.started(center.submit(resources={"devices": DEVICE}))
    held = supply(center, "bf16")["held_operations_per_hour"]
    assert held == before["held_operations_per_hour"] + 3e14 * 3600
    center.engine.end(run)


def test_finished_work_teaches_a_rate_to_its_owner(center: RunningCenter) -> None:
    work = {"name": "relax", "work": {"bf16": 1e15}, "resources": {"devices": DEVICE}}
    workload = center.submit("ann", **work)
    center.engine.end(center.started(workload))
    center.wait_state(workload, "completed")
    with center.client("ann") as client:
        found = client.get("/v1/rates").json()
        (own,) = [item for item in found["items"] if item["name"] == "relax"]
        told = (own["owner"], own["project"], own["application"], own["precisions"], own["model"], own["runs"])
        assert told == ("ann", "default", None, ["bf16"], "T-100", 1)
        assert own["nominal"] == 3e14
        assert own["rate"] > 0
        assert found["efficiency"] == 0.35
    with center.client("bob") as client:
        assert not [item for item in client.get("/v1/rates").json()["items"] if item["owner"] == "ann"]
    with center.client("admin") as client:
        assert own in client.get("/v1/rates").json()["items"]


def test_what_cannot_be_pursued_is_refused(center: RunningCenter) -> None:
    device = {"devices": DEVICE}
    with center.client("ann") as client:
        for odd in (
            {"work": {"bf16": 1e15}},
            {"work": {"bf16": -1}, "resources": device},
            {"work": {"bf17": 1e15}, "resources": device},
            {"objective": "time", "resources": device},
            {"objective": "fame", "work": {"bf16": 1e15}, "resources": device},
            {"resources": {"devices": {"class": "gpu", "at_least": 3e14}}},
        ):
            assert client.post("/v1/workloads", json={"command": ["/bin/true"], **odd}).status_code == 422, odd
