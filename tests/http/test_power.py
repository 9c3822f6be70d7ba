"""The power cap over HTTP: set by operators, shown to all, in metrics, and given as the reason in both languages."""

from __future__ import annotations

import pytest

from tests.http.center import RunningCenter


@pytest.mark.parametrize("body", [{}, {"watts": -1}, {"watts": 1.5}, {"watts": 10**10}, {"volts": 3}])
def test_what_cannot_be_is_refused(center: RunningCenter, body: dict[str, float]) -> None:
    with center.client("admin") as client:
        assert client.put("/v1/power-cap", json=body).status_code == 422


def test_it_is_set_shown_told_and_lifted(center: RunningCenter) -> None:
    with center.client("ann") as client:
        shown = client.get("/v1/power-cap").json()
        assert (shown["watts"], shown["drawn_watts"]) == (None, 0.0)
        by_name = {item["name"]: item for item in client.get("/v1/nodes").json()["items"]}
        assert by_name["n1"]["cpu_power_watts"] == 10.0
        assert by_name["n1"]["devices"][0]["power_watts"] is None
    with center.client("admin") as client:
        assert client.put("/v1/power-cap", json={"watts": 15}).json() == {"watts": 15}
    run = center.started(center.submit("ann"))
    second = center.submit("bob")
    with center.client("bob", **{"Accept-Language": "zh"}) as client:
        (reason,) = client.get(f"/v1/workloads/{second}/why").json()["reasons"]
        assert (reason["code"], reason["constraint"]) == ("power", "resources")
        assert "10 W" in reason["text"]
        assert "功率上限 15 W" in reason["text"]
        told = {name: reason["params"][name] for name in ("needed", "available", "in_use", "cap")}
        assert told == {"needed": 10_000, "available": 5_000, "in_use": 10_000, "cap": 15_000}
    with center.client("bob") as client:
        (reason,) = client.get(f"/v1/workloads/{second}/why").json()["reasons"]
        assert "the power cap leaves 5 W: 15 W, of which running work draws 10 W" in reason["text"]
        assert client.get("/v1/power-cap").json()["drawn_watts"] == 10.0
    with center.client("admin") as client:
        metrics = client.get("/metrics").text
        assert "suanli_power_cap_watts 15.0" in metrics
        assert "suanli_power_draw_watts 10.0" in metrics
        answer = client.post("/v1/what-if", json={"power_cap": 0}).json()
        assert answer["after"]["started"] == 1
        assert client.put("/v1/power-cap", json={"watts": 0}).json() == {"watts": None}
        assert "suanli_power_cap_watts" not in client.get("/metrics").text
    center.engine.end(run)
    center.engine.end(center.started(second))
