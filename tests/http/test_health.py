"""Health for everybody, metrics for operators."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.http.center import RunningCenter


def test_the_center_says_that_it_lives_and_works(center: RunningCenter) -> None:
    with center.client() as client:
        assert client.get("/v1/health").json()["status"] == "alive"
        assert client.get("/v1/ready").json() == {"ready": True, "store": True, "dead_loops": []}


def test_metrics_count_requests_by_route_and_the_center_by_state(center: RunningCenter) -> None:
    with center.client("bob") as client:
        workload = client.post("/v1/workloads?hold=true", json={"command": ["true"]}).json()["id"]
    with center.client("opal") as client:
        client.get(f"/v1/workloads/{workload}")
        text = client.get("/metrics").text
        held = client.get("/v1/workloads/counts?state=held").json()["by_state"]["held"]
    told = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    shown = (("method", "GET"), ("route", "/v1/workloads/{ref}"), ("status", "200"))
    assert told["suanli_http_requests_total", shown] >= 1
    assert told["suanli_http_request_seconds_count", shown[:2]] >= 1
    assert told["suanli_facts", ()] > 0
    assert told["suanli_nodes", (("state", "ready"),)] >= 1
    assert told["suanli_workloads", (("state", "held"),)] == held
    assert str(workload) not in {value for _, labels in told for _, value in labels}
    assert center.tokens["opal"] not in text
