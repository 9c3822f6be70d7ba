"""The tariff over HTTP: set by administrators, shown to all, told in previews, and needed to rank work by cost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.center import RunningCenter

WORK = {
    "command": ["/bin/true"],
    "work": {"bf16": 3e15},
    "objective": "cost",
    "resources": {"cpus": 2, "memory": "4GiB", "devices": {"class": "gpu"}},
}
PRICES = {"currency": "CNY", "cpu_hour": "0.50", "memory_gib_hour": "0.250000", "device_hour": {"T-100": "18"}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"currency": "no word"},
        {"currency": "CNY", "cpu_hour": 0.5},
        {"currency": "CNY", "cpu_hour": "-1"},
        {"currency": "CNY", "cpu_hour": "0.1234567"},
        {"currency": "CNY", "cpu_hour": "1e3"},
        {"currency": "CNY", "device_hour": {"|": "1"}},
        {"currency": "CNY", "class_hour": {"any": "1"}},
        {"currency": "CNY", "class_hour": {"tpu": "1"}},
        {"currency": "CNY", "valid_from": "2020-01-01T00:00:00Z"},
        {"currency": "CNY", "version": 7},
    ],
)
def test_what_cannot_be_is_refused(center: RunningCenter, body: dict[str, Any]) -> None:
    with center.client("admin") as client:
        assert client.put("/v1/tariff", json=body).status_code == 422


def test_prices_are_set_shown_and_told_beforehand(center: RunningCenter) -> None:
    with center.client("ann") as client:
        before = client.get("/v1/tariff").json()
        if before["current"] is None:
            refused = client.post("/v1/workloads", json=WORK)
            assert (refused.status_code, refused.json()["reason"]) == (422, "tariff_missing")
    with center.client("admin") as client:
        made = client.put("/v1/tariff", json=PRICES).json()
        shown = {"disk_gb_hour": "0", "class_hour": {}, **PRICES}
        assert {name: made[name] for name in shown} == shown
        last = 0 if before["current"] is None else before["current"]["version"]
        assert made["version"] == last + 1
        coming = client.put("/v1/tariff", json={**PRICES, "cpu_hour": "0", "valid_from": "2100-01-01T00:00:00Z"}).json()
    with center.client("bob") as client:
        assert client.get("/v1/tariff").json() == {"current": made, "coming": [coming]}
        expected = client.post("/v1/workloads/preview", json=WORK).json()["expected"]
        (told,) = [one for one in expected if one["model"] == "T-100"]
        # 18 for the device, 1 for two cpus, 1 for four GiB.
        assert told["currency"] == "CNY"
        assert float(told["cost"]) == pytest.approx(20 * told["seconds"] / 3600, abs=1e-4)
        plain = client.post("/v1/workloads/preview", json={"command": ["/bin/true"]}).json()
        assert plain["expected"] == []
    center.engine.end(center.started(center.submit("bob", **{k: v for k, v in WORK.items() if k != "command"})))
