"""Devices as the commands show them: what each is, how it is now, and whether it is one at all."""

import json

import pytest

from suanli_cli.main import run
from tests.unit.cli.fake_server import FakeServer, Reply
from tests.unit.cli.samples import node


def test_devices_show_what_each_is_and_how(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    found = node()
    hot, lost = found["devices"]
    hot |= {"precisions": ["bf16", "fp64"], "reason": "slowed by heat", "enforced": True}
    lost |= {"healthy": False, "reason": "fell off the bus", "memory_bytes": 0}
    server.on("GET", "/v1/nodes", Reply({"items": [found]}))
    assert run(["devices"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert lines == [
        ["n1", "0", "gpu", "A100", "40GiB", "bf16", "fp64", "0", "yes", "works:", "slowed", "by", "heat"],
        ["n1", "1", "gpu", "A100", "0.5", "no", "out", "of", "use:", "fell", "off", "the", "bus"],
    ]
    assert run(["--lang", "zh", "devices"]) == 0
    heading, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert "强制隔离" in heading
    assert [("是" in row, "否" in row) for row in rows] == [(True, False), (False, True)]
    assert run(["devices", "--json"]) == 0
    assert [item["index"] for item in json.loads(capsys.readouterr().out)["items"]] == [0, 1]


def test_fpgas_show_what_they_have_and_what_else_they_can_have(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    found = node()
    loaded, empty = found["devices"]
    loaded |= {"bitstream": "vadd", "bitstreams": ["aes", "fft", "vadd"]}
    empty |= {"bitstreams": ["vadd"]}
    found["devices"] += [{**empty, "bitstream": "0x23", "bitstreams": []}]
    server.on("GET", "/v1/nodes", Reply({"items": [found]}))
    assert run(["devices"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert "BITSTREAM (OTHERS)" in heading
    told = [line.partition("GiB")[2].split() for line in lines]
    assert told == [
        ["0", "vadd", "(aes", "fft)", "no", "ok"],
        ["0.5", "-", "(vadd)", "no", "ok"],
        ["0.5", "0x23", "no", "ok"],
    ]


def test_devices_that_are_simulated_are_said_to_be(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/nodes", Reply({"items": [{**node(), "simulated": True}, node("n2")]}))
    for words in (["devices"], ["nodes"], ["--lang", "zh", "devices"]):
        assert run(words) == 0
        assert capsys.readouterr().out.splitlines()[0] in {
            "These nodes are SIMULATED: work placed there does nothing.",
            "这些节点是模拟的：放在上面的工作不做任何事。",
        }
    assert run(["devices", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["items"]
    assert [item["simulated"] for item in told] == [True, True, False, False]


def test_readings_tell_how_devices_are_now(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/nodes", Reply({"items": [node("n/1"), {**node("n2"), "devices": []}]}))
    hot = {"index": 1, "health": "ok", "reason": "", "temperature_celsius": 61.4, "power_watts": 312.5}
    hot |= {"busy": 0.93, "memory_used_bytes": 34 << 30}
    dead = {**dict.fromkeys(hot), "index": 0, "health": "unknown", "reason": "listed by no tool"}
    found = {"node": "n/1", "taken_at": "2026-11-27T09:30:00.000000Z", "devices": [dead, hot, {**hot, "index": 7}]}
    server.on("GET", "/v1/nodes/n%2F1/devices/readings", Reply(found))
    assert run(["devices", "--readings"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert lines == [
        ["n/1", "0", "A100", "40GiB", "not", "known:", "listed", "by", "no", "tool"],
        ["n/1", "1", "A100", "61", "C", "312", "W", "93%", "34GiB", "40GiB", "ok"],
    ]
    assert run(["devices", "--readings", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["items"]
    assert [item["readings"]["power_watts"] for item in told] == [None, 312.5]
