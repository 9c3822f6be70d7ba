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
        assert shown["watts"] is None
        # Each cpu of 10 W, of whatever others left running.
        before = round(shown["drawn_watts"])
        by_name = {item["name"]: item for item in client.get("/v1/nodes").json()["items"]}
        assert by_name["n1"]["cpu_power_watts"] == 10.0
        assert by_name["n1"]["devices"][0]["power_watts"] is None
    with center.client("admin") as client:
        cap = before + 15
        assert client.put("/v1/power-cap", json={"watts": cap}).json() == {"watts": cap}
    run = center.started(center.submit("ann"))
    second = center.submit("bob")
    with center.client("bob", **{"Accept-Language": "zh"}) as client:
        (reason,) = client.get(f"/v1/workloads/{second}/why").json()["reasons"]
        assert (reason["code"], reason["constraint"]) == ("power", "resources")
        assert "10 W" in reason["text"]
        assert f"功率上限 {cap} W" in reason["text"]
        told = {name: reason["params"][name] for name in ("needed", "available", "in_use", "cap")}
        assert told == {"needed": 10_000, "available": 5_000, "in_use": 1000 * (cap - 5), "cap": 1000 * cap}
    with center.client("bob") as client:
        (reason,) = client.get(f"/v1/workloads/{second}/why").json()["reasons"]
        assert f"the power cap leaves 5 W: {cap} W, of which running work draws {cap - 5} W" in reason["text"]
        assert client.get("/v1/power-cap").json()["drawn_watts"] == cap - 5
    with center.client("admin") as client:
        metrics = client.get("/metrics").text
        assert f"suanli_power_cap_watts {float(cap)}" in metrics
        assert f"suanli_power_draw_watts {float(cap - 5)}" in metrics
        answer = client.post("/v1/what-if", json={"power_cap": 0}).json()
        assert answer["after"]["started"] == 1
        assert client.put("/v1/power-cap", json={"watts": 0}).json() == {"watts": None}
        assert "suanli_power_cap_watts" not in client.get("/metrics").text
    center.engine.end(run)
    center.engine.end(center.started(second))
