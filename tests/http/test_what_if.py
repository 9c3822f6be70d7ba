"""What if, over HTTP: by role, in both languages, with what cannot be asked refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from suanli.api.what_if import NEVER
from suanli.kernel.scheduling.plan import ReasonCode
from tests.http.center import RunningCenter, running
from tests.http.test_errors import problem

WHOLE = {"cpus": 64, "memory": "1GiB"}


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCenter]:
    """A center for these tests alone: what others leave running on theirs would be in the way."""
    with running(tmp_path_factory.mktemp("what-if") / "home") as up:
        yield up


@pytest.fixture(scope="module")
def full(center: RunningCenter) -> tuple[int, int]:
    """Both nodes held by bob, one of whose works ann's waits for."""
    spec = {"resources": WHOLE, "time_limit": "1h", "name": "full"}
    held = [center.submit("bob", **spec) for _ in range(2)]
    for workload in held:
        center.started(workload)
    return held[0], center.submit("ann", **spec)


def look(center: RunningCenter, user: str, **body: Any) -> dict[str, Any]:
    with center.client(user) as client:
        answered = client.post("/v1/what-if", json=body)
        assert answered.status_code == 200, answered.text
        found: dict[str, Any] = answered.json()
        return found


def item(found: dict[str, Any], workload: int) -> dict[str, Any]:
    one: dict[str, Any]
    (one,) = [item for item in found["items"] if item["id"] == workload]
    return one


def test_nodes_that_go_down_end_runs_and_delay_what_waits(center: RunningCenter, full: tuple[int, int]) -> None:
    found = look(center, "opal", down=["n2"])
    assert found["down"] == ["n2"]
    (lost,) = found["lost"]
    assert (lost["owner"], lost["name"], lost["waits_again"], lost["start"]) == ("bob", "full", False, None)
    assert found["before"]["makespan_s"] > 0
    assert 0 < found["before"]["cpus_held"] <= 1
    gone = look(center, "admin", down_count=2)
    (never,) = [one for one in gone["never"] if one["id"] == full[1]]
    assert (never["reason"], never["starts_as_it_is"], never["owner"]) == ("node_state", True, "ann")
    assert item(gone, full[1])["after"] == {"start": None, "end": None, "nodes": []}
    assert item(gone, full[1])["start_later_s"] is None
    assert gone["after"]["never"] >= 1


def test_nodes_that_come_let_it_start_now(center: RunningCenter, full: tuple[int, int]) -> None:
    found = look(center, "opal", add_nodes=1, like="n1")
    assert found["added"] == ["n1.new1"]
    one = item(found, full[1])
    assert one["after"]["nodes"] == ["n1.new1"]
    assert one["after"]["start"] == found["now"]
    assert one["start_later_s"] < 0
    assert one["end_later_s"] == one["start_later_s"]


def test_a_plain_user_asks_about_their_own_and_hears_of_nobody_else(
    center: RunningCenter, full: tuple[int, int]
) -> None:
    held, waiting = full
    found = look(
        center,
        "ann",
        update=[{"ref": str(waiting), "time_limit": "30m", "priority": -1}],
        submit=[{"spec": {"command": ["x"], "resources": WHOLE, "time_limit": "1h"}, "times": 2}],
    )
    assert item(found, waiting)["end_later_s"] == pytest.approx(-1800, abs=3600)
    assert {one["owner"] for one in found["items"]} == {"ann"}
    assert found["submitted"] == 2
    assert [one["ref"] for one in found["items"]].count(None) == 2
    assert look(center, "bob", show=[str(held)])["before"]["started"] == 0
    with center.client("ann") as client:
        body: dict[str, Any]
        for body in ({"cancel": [str(held)]}, {"show": [str(held)]}, {"update": [{"ref": str(held)}]}):
            problem(client.post("/v1/what-if", json=body), 404, "not_found")
        for body in ({"down": ["n1"]}, {"down_count": 1}, {"add_nodes": 1, "like": "n1"}):
            problem(client.post("/v1/what-if", json=body), 403, "not_permitted")
        raised = {"update": [{"ref": str(waiting), "priority": 5}]}
        problem(client.post("/v1/what-if", json=raised), 403, "not_permitted")
    with center.client("bob") as client:
        running = {"update": [{"ref": str(held), "time_limit": "10m"}]}
        problem(client.post("/v1/what-if", json=running), 409, "conflict")


def test_assumptions_and_reasons_are_told_in_the_reader_s_language(
    center: RunningCenter, full: tuple[int, int]
) -> None:
    for language, assumed, why in (("en", "Nothing is submitted", "draining or down"), ("zh", "没有新的提交", "离线")):
        with center.client("opal", **{"Accept-Language": language}) as client:
            found = client.post("/v1/what-if", json={"down": ["n1", "n2"]}).json()
        assert any(assumed in line for line in found["assumptions"])
        assert [why in one["text"] for one in found["never"] if one["id"] == full[1]] == [True]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"down": ["nowhere"]}, 404, "not_found"),
        ({"down_count": 99}, 422, "invalid_request"),
        ({"add_nodes": 2}, 422, "invalid_request"),
        ({"like": "n1"}, 422, "invalid_request"),
        ({"model": "T-100"}, 422, "invalid_request"),
        ({"submit": [{"spec": {"command": ["x"], "array": "0-9"}, "times": 10000}]}, 422, "invalid_request"),
        ({"submit": [{"spec": {"command": ["x"], "queue": "none"}}]}, 422, "invalid_request"),
        ({"cancel": ["0"]}, 422, "invalid_request"),
        ({"most": 0}, 422, "invalid_request"),
        ({"unknown": 1}, 422, "invalid_request"),
    ],
)
def test_what_cannot_be_asked_is_refused(center: RunningCenter, body: dict[str, Any], status: int, code: str) -> None:
    with center.client("admin") as client:
        problem(client.post("/v1/what-if", json=body), status, code)


def test_nothing_otherwise_leaves_both_sides_equal(center: RunningCenter, full: tuple[int, int]) -> None:
    found = look(center, "ann", show=[str(full[1])])
    assert found["before"] == found["after"]
    assert (item(found, full[1])["start_later_s"], found["lost"], found["grain_s"]) == (0, [], 0)


def test_every_reason_for_which_nothing_ever_starts_has_words() -> None:
    quotas = {code for code in ReasonCode if code.endswith("quota")}
    others = {"impossible", "no_time_limit", "node_state", "device_health", "array_limit", "license", "reservation"}
    assert set(NEVER) == quotas | others | {"deadline", "power"}


def test_what_is_foreseen_to_be_late_is_told_so(center: RunningCenter, full: tuple[int, int]) -> None:
    assert full
    soon = datetime.now(UTC) + timedelta(minutes=10)
    spec = {"command": ["x"], "resources": WHOLE, "time_limit": "5m", "deadline": soon.strftime("%Y-%m-%dT%H:%M:%SZ")}
    late = center.submit("ann", **spec)
    (told,) = [one for one in look(center, "ann")["never"] if one["id"] == late]
    assert (told["reason"], told["text"]) == ("deadline", NEVER["deadline"].en)
    with center.client("ann") as client:
        client.post(f"/v1/workloads/{late}/cancel")
