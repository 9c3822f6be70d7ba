"""Workloads over HTTP: submitted, listed, shown, changed, explained."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.http.center import RunningCenter

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_a_submitted_workload_runs_and_is_shown_whole(center: RunningCenter) -> None:
    workload = center.submit(
        name="whole", resources={"cpus": 0.5, "memory": "1GiB"}, time_limit="1h30m", labels={"a": "b"}
    )
    run = center.started(workload)
    center.engine.end(run, exit_code=3)
    shown = center.wait_state(workload, "failed")
    assert (shown["owner"], shown["name"], shown["exit_code"], shown["signal"]) == ("ann", "whole", 3, None)
    assert shown["spec"]["resources"]["memory"] == 1024**3
    assert shown["spec"]["time_limit"] == 5400
    assert shown["spec"]["labels"] == {"a": "b"}
    assert shown["usage"] == {"cpu_seconds": 1.5, "memory_peak_bytes": 64 * 1024 * 1024}
    assert [r["id"] for r in shown["runs"]] == [run]
    assert shown["nodes"] == [shown["runs"][0]["nodes"][0]["node"]]
    for name in ("submitted_at", "eligible_at", "started_at", "ended_at"):
        assert INSTANT.fullmatch(shown[name]), name


def test_the_spec_that_is_shown_can_be_sent_back(center: RunningCenter) -> None:
    with center.client("ann") as client:
        first = center.submit(name="again", array="3-5%2", dependencies=["singleton"], environment={"A": "1"})
        spec = client.get(f"/v1/workloads/{first}").json()["spec"]
        second = client.post("/v1/workloads", json=spec)
        assert second.status_code == 201
        assert client.get(f"/v1/workloads/{second.json()['id']}").json()["spec"] == spec


def test_an_array_is_consecutive_ids_and_answers_to_refs(center: RunningCenter) -> None:
    with center.client("ann") as client:
        made = client.post("/v1/workloads?hold=true", json={"command": ["true"], "array": "1,4-6:2"}).json()
        assert (made["count"], made["state"]) == (3, "held")
        first = made["id"]
        element = client.get(f"/v1/workloads/{first}_4").json()
        assert element["id"] == first + 1
        assert element["ref"] == f"{first}_4"
        assert element["array"] == {"id": first, "index": 4, "size": 3, "by_state": {"held": 3}}
        changed = client.post(f"/v1/workloads/{first}_4/cancel").json()
        assert changed == {"changed": [first + 1], "unchanged": []}
        changed = client.post(f"/v1/workloads/{first}/cancel").json()
        assert changed == {"changed": [first, first + 2], "unchanged": [first + 1]}


def test_a_batch_is_accepted_whole_or_not_at_all(center: RunningCenter) -> None:
    with center.client("bob") as client:
        good = {"command": ["true"], "name": "batch"}
        answer = client.post(
            "/v1/workloads/batch?hold=true", json={"workloads": [good, {**good, "array": "0-4"}, good]}
        )
        ids = [(item["id"], item["count"]) for item in answer.json()["workloads"]]
        first = ids[0][0]
        assert answer.status_code == 201
        assert ids == [(first, 1), (first + 1, 5), (first + 6, 1)]
        bad = client.post("/v1/workloads/batch", json={"workloads": [good, {**good, "queue": "nowhere"}]})
        assert bad.status_code == 422
        assert bad.json()["errors"][0]["field"] == "workloads.1.queue"
        misspelt = client.post("/v1/workloads/batch", json={"workloads": [good, good, {**good, "memroy": 1}]})
        assert misspelt.json()["errors"][0]["field"] == "workloads.2.memroy"
        assert client.get("/v1/workloads/counts?name=batch").json() == {"by_state": {"held": 7}}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"memroy": 1}, "memroy"),
        ({"tasks": "two"}, "tasks"),
        ({"tasks": 0}, "tasks"),
        ({"resources": {"memory": "lots"}}, "resources.memory"),
        ({"resources": {"devices": {"class": "abacus"}}}, "resources.devices.class"),
        ({"time_limit": "soon"}, "time_limit"),
        ({"array": "9-1"}, "array"),
        ({"array": "0-99999999"}, "array"),
        ({"dependencies": ["afterwards:1"]}, "dependencies.0"),
        ({"dependencies": ["afterok:999999999"]}, "dependencies.0"),
        ({"queue": "nowhere"}, "queue"),
        ({"command": []}, "command"),
        ({"script": "#!/bin/sh\n"}, "command"),
        ({"environment": {"1A": "x"}}, "environment.1A"),
        ({"name": "a\nb"}, "name"),
        ({"labels": {"a": "\u0000"}}, "labels.a"),
        ({"priority": 10**30}, "priority"),
    ],
)
def test_a_wrong_field_is_named(center: RunningCenter, change: dict[str, Any], field: str) -> None:
    with center.client("ann") as client:
        answer = client.post("/v1/workloads", json={"command": ["true"], **change})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "invalid_request"
        assert field in [error["field"] for error in answer.json()["errors"]]


def test_pages_are_stable_while_work_arrives(center: RunningCenter) -> None:
    made = [center.submit(name="paged", dependencies=["singleton"]) for _ in range(7)]
    with center.client("ann") as client:
        seen: list[int] = []
        cursor = None
        while True:
            query = {"name": "paged", "limit": "3"} | ({"cursor": cursor} if cursor else {})
            page = client.get("/v1/workloads", params=query).json()
            seen += [item["id"] for item in page["items"]]
            center.submit(name="paged", dependencies=["singleton"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == sorted(made, reverse=True)
        refused = client.get("/v1/workloads", params={"cursor": "nonsense"})
        assert (refused.status_code, refused.json()["params"]["field"]) == (422, "cursor")


def test_only_the_fields_asked_for_are_told(center: RunningCenter) -> None:
    workload = center.submit(name="fields", array="0")
    with center.client("ann") as client:
        page = client.get("/v1/workloads?name=fields&fields=id,array,name").json()
        assert page["items"] == [{"id": workload, "array": {"id": workload, "index": 0}, "name": "fields"}]
        assert client.get("/v1/workloads?fields=id,secret").status_code == 422


def test_what_is_not_a_parameter_is_refused(center: RunningCenter) -> None:
    with center.client("ann") as client:
        answer = client.get("/v1/workloads?sate=running")
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": "sate", "detail": "There is no such query parameter"}]
        assert client.post("/v1/workloads/1/cancel?ref=2").status_code == 422


def test_held_work_waits_for_its_release(center: RunningCenter) -> None:
    with center.client("ann") as client:
        workload = client.post("/v1/workloads?hold=true", json={"command": ["true"]}).json()["id"]
        why = client.get(f"/v1/workloads/{workload}/why").json()
        assert [reason["code"] for reason in why["reasons"]] == ["held"]
        assert client.post(f"/v1/workloads/{workload}/release").json()["changed"] == [workload]
        center.started(workload)
        assert client.post(f"/v1/workloads/{workload}/hold").json()["unchanged"] == [workload]


def test_why_says_in_both_languages_what_blocks(center: RunningCenter) -> None:
    workload = center.submit(resources={"devices": {"class": "npu"}})
    with center.client("ann", **{"Accept-Language": "zh-CN"}) as client:
        why = client.get(f"/v1/workloads/{workload}/why").json()
    reason = next(reason for reason in why["reasons"] if reason["code"] == "device_class")
    assert reason["text"] == "2 个节点中有 2 个没有足够的 npu"
    assert (reason["nodes_failing"], reason["nodes_total"], reason["constraint"]) == (2, 2, "resources.devices.class")
    assert why["earliest_start_known"] is False
    with center.client("ann") as client:
        why = client.get(f"/v1/workloads/{workload}/why").json()
        assert "2 of 2 nodes have no npu" in [reason["text"][:24] for reason in why["reasons"]]


def test_a_dependency_is_told_as_the_reason(center: RunningCenter) -> None:
    first = center.submit()
    second = center.submit(dependencies=[f"afterok:{first}"])
    with center.client("ann") as client:
        why = client.get(f"/v1/workloads/{second}/why").json()
        assert [(r["code"], r["params"]["wanted"]) for r in why["reasons"]] == [("dependency", f"afterok:{first}")]
    center.engine.end(center.started(first))
    center.engine.end(center.started(second))
    center.wait_state(second, "completed")


def test_a_preview_says_where_it_would_start_and_records_nothing(center: RunningCenter) -> None:
    with center.client("bob") as client:
        before = client.get("/v1/workloads?limit=1").json()["items"]
        spec = {"command": ["true"], "resources": {"devices": {"class": "gpu", "share": 0.25}}}
        seen = client.post("/v1/workloads/preview", json=spec).json()
        assert seen["decision"] == "now"
        assert [hold["node"] for hold in seen["placement"]] == ["n1"]
        assert seen["placement"][0]["devices"][0]["share"] == 0.25
        assert seen["spec"]["project"] == "default"
        never = client.post("/v1/workloads/preview", json={"command": ["true"], "resources": {"cpus": 4000}}).json()
        assert never["decision"] == "never"
        assert client.get("/v1/workloads?limit=1").json()["items"] == before


def test_signals_reach_the_engine_by_name_and_number(center: RunningCenter) -> None:
    workload = center.submit()
    run = center.started(workload)
    with center.client("ann") as client:
        assert client.post(f"/v1/workloads/{workload}/signal", json={"signal": "USR1"}).json()["changed"] == [workload]
        assert center.engine.wait_signals(run, 20) == (10,)
        assert client.post(f"/v1/workloads/{workload}/signal", json={"signal": "NOPE"}).status_code == 422


def test_time_limit_and_priority_change(center: RunningCenter) -> None:
    with center.client("ann") as client:
        workload = client.post("/v1/workloads?hold=true", json={"command": ["true"]}).json()["id"]
        changed = client.patch(f"/v1/workloads/{workload}", json={"time_limit": "30m", "priority": -5})
        assert changed.json()["changed"] == [workload]
        shown = client.get(f"/v1/workloads/{workload}").json()
        assert (shown["time_limit_s"], shown["priority"]) == (1800, -5)
        assert client.patch(f"/v1/workloads/{workload}", json={"priority": 5}).status_code == 403


def test_a_requeued_workload_runs_again(center: RunningCenter) -> None:
    workload = center.submit()
    center.engine.end(center.started(workload), exit_code=1)
    center.wait_state(workload, "failed")
    with center.client("ann") as client:
        assert client.post(f"/v1/workloads/{workload}/requeue").json()["changed"] == [workload]
    center.engine.end(center.started(workload, 2))
    assert len(center.wait_state(workload, "completed")["runs"]) == 2
