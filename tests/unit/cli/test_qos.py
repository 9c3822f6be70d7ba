"""Qualities of service at the command line."""

from __future__ import annotations

from typing import Any

import pytest

from suanli_cli.main import run
from tests.unit.cli.fake_server import FakeServer, Reply

URGENT: dict[str, Any] = {
    "name": "urgent",
    "priority": 100,
    "usage_factor": 2.0,
    "preemptible": False,
    "users": ["ada"],
    "projects": ["oxides"],
}
IDLE: dict[str, Any] = {**URGENT, "name": "idle", "preemptible": True, "users": [], "projects": []}


@pytest.mark.parametrize(("language", "everybody", "yes"), [("en", "everybody", "yes"), ("zh", "所有人", "是")])
def test_they_are_listed_with_whose_they_are(
    server: FakeServer, capsys: pytest.CaptureFixture[str], language: str, everybody: str, yes: str
) -> None:
    server.on("GET", "/v1/qos", Reply({"items": [IDLE, URGENT]}))
    assert run(["qos", "list", "--lang", language]) == 0
    _, idle, urgent = capsys.readouterr().out.splitlines()
    assert idle.split() == ["idle", "100", "2", yes, everybody]
    assert urgent.split() == ["urgent", "100", "2", "ada", "@oxides"]


def test_one_is_set_whole(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("PUT", "/v1/qos/urgent", Reply(URGENT))
    words = ["--priority", "-5", "--usage-factor", "0.5", "--preemptible", "--user", "bob", "--user", "ada"]
    assert run(["qos", "set", "urgent", *words, "--project", "oxides"]) == 0
    assert server.asked[0].body == {
        "priority": -5,
        "usage_factor": 0.5,
        "preemptible": True,
        "users": ["ada", "bob"],
        "projects": ["oxides"],
    }
    assert "urgent" in capsys.readouterr().out
    assert run(["qos", "set", "urgent"]) == 0
    assert server.asked[1].body == {}
    assert run(["qos", "set", "urgent", "--priority", "0", "--usage-factor", "0"]) == 0
    assert server.asked[2].body == {"priority": 0, "usage_factor": 0}


def test_one_is_removed(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("DELETE", "/v1/qos/urgent", Reply(status=204))
    assert run(["qos", "remove", "urgent"]) == 0
    assert "urgent" in capsys.readouterr().out


def test_work_is_given_another(server: FakeServer) -> None:
    server.on("PATCH", "/v1/workloads/12", Reply({"changed": [12], "unchanged": []}))
    assert run(["update", "12", "--qos", "urgent"]) == 0
    assert server.asked[0].body == {"qos": "urgent"}


def test_quotas_may_be_of_them(server: FakeServer) -> None:
    made = {"scope": "qos_user", "name": "urgent", "runs": 2, "cpus": None, "memory_bytes": None, "devices": None}
    server.on("PUT", "/v1/quotas/qos_user/urgent", Reply(made))
    assert run(["quota", "set", "qos_user", "urgent", "--runs", "2"]) == 0
