"""What if, at the command line: what is asked of the server, and how its answer is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suanli_cli.main import run
from tests.unit.cli.fake_server import FakeServer, Reply, problem

SIDE: dict[str, Any] = {
    "started": 3,
    "never": 0,
    "wait_s": {"mean": 900.0, "median": 600.0, "p99": 3600.0, "max": 3600.0},
    "slowdown": {"mean": 1.5, "median": 1.25, "p99": 2.0, "max": 2.0},
    "makespan_s": 28799.4,
    "cpus_held": 0.75,
    "devices_held": 0.5,
    "preempted": 0,
}
OTHER = {
    **SIDE,
    "started": 2,
    "never": 1,
    "wait_s": {**SIDE["wait_s"], "mean": 600.0},
    "slowdown": {**SIDE["slowdown"], "mean": 2.5},
    "cpus_held": 0.9,
}
PLACE = {"start": "2026-11-24T12:00:00.000000Z", "end": "2026-11-24T13:00:00.000000Z", "nodes": ["n1"]}
GONE: dict[str, Any] = {"start": None, "end": None, "nodes": []}


def item(number: int, before: Any, after: Any, later: float | None, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "ref": str(number),
        "name": "relax",
        "owner": "ada",
        "before": before,
        "after": after,
        "start_later_s": later,
        "end_later_s": later,
        **changes,
    }


ANSWER = {
    "now": "2026-11-24T11:00:00.000000Z",
    "down": [f"n{number}" for number in range(9)],
    "added": ["n1.new1"],
    "submitted": 1,
    "before": SIDE,
    "after": OTHER,
    "items": [
        item(14, PLACE, {**PLACE, "nodes": ["n2"]}, 3600.0),
        item(15, PLACE, GONE, None),
        item(16, None, PLACE, None, ref=None, name=""),
        item(17, PLACE, PLACE, 0.0),
        item(18, PLACE, PLACE, -60.0),
    ],
    "never": [
        {"id": 15, "ref": "15", "name": "wide", "owner": "ada", "reason": "node_state", "text": "nodes are away"}
        | {"starts_as_it_is": True},
        {"id": 19, "ref": "19", "name": "huge", "owner": "li", "reason": "impossible", "text": "too large"}
        | {"starts_as_it_is": False},
    ],
    "lost": [
        {"run": "9.1", "ref": "9", "name": "fit", "owner": "li", "waits_again": False, "start": None},
        {"run": "8.2", "ref": "8", "name": "fat", "owner": "li", "waits_again": True, "start": PLACE["start"]},
        {"run": "7.1", "ref": "7", "name": "far", "owner": "li", "waits_again": True, "start": None},
    ],
    "grain_s": 0,
    "assumptions": ["Nothing is submitted after now."],
}


@pytest.fixture
def answering(server: FakeServer) -> FakeServer:
    server.on("POST", "/v1/what-if", Reply(ANSWER))
    return server


def test_every_option_reaches_the_server(answering: FakeServer, tmp_path: Path) -> None:
    file = tmp_path / "work.yaml"
    file.write_text("command: [relax]\n---\ncommand: [fit]\n")
    words = (
        "--down n1,n2 --down n3 --down-count 40 --model A100 --add-nodes 20 --like n1 --cancel 5 --time-limit 6=2h "
        "--priority 6=50 --priority 7_1=-3 --times 10 --show 8 -n 5"
    )
    assert run(["what-if", *words.split(), "--submit", str(file)]) == 0
    (asked,) = answering.asked
    assert asked.body == {
        "down": ["n1", "n2", "n3"],
        "down_count": 40,
        "model": "A100",
        "add_nodes": 20,
        "like": "n1",
        "cancel": ["5"],
        "update": [{"ref": "6", "time_limit": "2h", "priority": 50}, {"ref": "7_1", "priority": -3}],
        "submit": [{"spec": {"command": ["relax"]}, "times": 10}, {"spec": {"command": ["fit"]}, "times": 10}],
        "show": ["8"],
        "most": 5,
    }


def test_both_sides_are_told_beside_each_other(answering: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["what-if"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert answering.asked[0].body == {}
    for part in (
        "nodes that go down (9): n0, n1, n2, n3, n4, n5, n6, n7 ...",
        "nodes that come (1): n1.new1",
        "AS IT IS WHAT IF DIFFERENCE",
        "start 3 2 -1",
        "wait, mean 15m00s 10m00s -5m00s",
        "wait, median 10m00s 10m00s",
        "slowdown, mean 1.50 2.50 +1.00",
        "all has ended in 8h00m 8h00m",
        "cpus held until then 75.0% 90.0% +15.0%",
        "- 15 wide (ada): nodes are away (node_state)",
        "- 19 huge (li): too large (impossible); nor as it is",
        "- 9.1 fit (li): not retried",
        "- Nothing is submitted after now.",
    ):
        assert part in lines, part
    rows = {line.split()[0]: line for line in lines if line.startswith(("14 ", "15 ", "(imagined)", "17 ", "18 "))}
    assert "+1h00m" in rows["14"]
    assert rows["14"].endswith("n2")
    assert "never start" in rows["15"]
    assert rows["(imagined)"].split()[1:3] == ["ada", "-"]
    assert " = " in rows["17"]
    assert "-1m00s" in rows["18"]
    assert any(line.startswith("- 8.2 fat (li): waits again, starts 2026") for line in lines)
    assert "- 7.1 far (li): waits again, starts never start" in lines


def test_in_chinese_and_as_json(answering: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["what-if", "--lang", "zh"]) == 0
    out = capsys.readouterr().out
    assert "离线的节点（9）" in out
    assert "将永不开始：" in out
    assert run(["what-if", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == ANSWER


def test_a_quiet_answer_says_so(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = {**SIDE, "started": 0, "wait_s": None, "slowdown": None}
    quiet = {
        **ANSWER,
        "down": [],
        "added": [],
        "before": nothing,
        "after": nothing,
        "items": [],
        "never": [],
        "lost": [],
    }
    server.on("POST", "/v1/what-if", Reply(quiet))
    assert run(["what-if"]) == 0
    out = capsys.readouterr().out
    assert "No workload would start at another time." in out
    assert "Would never start" not in out
    assert "wait, mean - -" in " ".join(out.split())


@pytest.mark.parametrize(
    "words",
    ["--add-nodes 2", "--like n1", "--model A100", "--times 3", "--time-limit 6", "--priority 6=x", "--cancel x"],
)
def test_options_that_do_not_fit_are_refused_here(answering: FakeServer, words: str) -> None:
    assert run(["what-if", *words.split()]) == 2
    assert answering.asked == []


def test_a_busy_server_may_be_asked_again(server: FakeServer) -> None:
    server.on("POST", "/v1/what-if", problem(429, "busy", "you are asking already"))
    assert run(["what-if"]) == 6
