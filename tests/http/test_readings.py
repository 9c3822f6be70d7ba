"""How devices are now over HTTP, and that what is simulated says so."""

from __future__ import annotations

from suanli.model.discovery import Health, Readings
from suanli.model.ids import NodeName
from suanli.ports.engine import DeviceReading
from tests.http.center import RunningCenter

N1 = NodeName("n1")


def test_readings_are_shown_as_the_engine_tells_them(center: RunningCenter) -> None:
    hot = Readings(temperature_c=61.0, power_w=312.5, utilization_percent=93.0, memory_used_bytes=1 << 30)
    center.engine.read[N1] = (
        DeviceReading(index=0, health=Health.OK, readings=hot),
        DeviceReading(index=1, health=Health.FAILED, reason="fell off the bus"),
    )
    with center.client("ann") as client:
        shown = client.get("/v1/nodes/n1/devices/readings").json()
        assert (shown["node"], shown["taken_at"][-1]) == ("n1", "Z")
        first, second = shown["devices"]
        assert first == {
            "index": 0,
            "health": "ok",
            "reason": "",
            "temperature_celsius": 61.0,
            "power_watts": 312.5,
            "busy": 0.93,
            "memory_used_bytes": 1 << 30,
        }
        assert (second["health"], second["reason"], second["power_watts"]) == ("failed", "fell off the bus", None)
        assert client.get("/v1/nodes/n9/devices/readings").status_code == 404
    with center.client() as client:
        assert client.get("/v1/nodes/n1/devices/readings").status_code == 401


def test_an_engine_that_is_no_real_one_says_so(center: RunningCenter) -> None:
    with center.client("ann") as client:
        (engine,) = client.get("/v1/engines").json()["items"]
        assert engine["simulated"]
        assert "ReadsDevices" in engine["abilities"]
        assert [node["simulated"] for node in client.get("/v1/nodes").json()["items"]] == [False, False]
