"""Rates and supply as the command line prints them."""

from __future__ import annotations

import json

import pytest

from suanli_cli import text
from suanli_cli.language import say
from suanli_cli.main import run
from tests.unit.cli.fake_server import FakeServer, Reply
from tests.unit.cli.samples import node

OF_PROJECT = {
    "application": None,
    "project": "oxides",
    "owner": "ada",
    "name": "relax",
    "precisions": ["bf16"],
    "model": "A100",
    "rate": 1.4e14,
    "nominal": 2.8e14,
    "runs": 7,
}
OF_APPLICATION = OF_PROJECT | {"application": "vasp", "precisions": ["fp32", "fp64"], "nominal": None, "runs": 1}


def test_rates_are_told_beside_the_nominal_ones(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/rates", Reply({"efficiency": 0.35, "items": [OF_PROJECT, OF_APPLICATION]}))
    assert run(["rates"]) == 0
    _, one, other, assumed = capsys.readouterr().out.splitlines()
    assert one.split() == ["oxides/ada/relax", "bf16", "A100", "140TF", "280TF", "50%", "7"]
    assert other.split() == ["vasp", "fp32+fp64", "A100", "140TF", "1"]
    assert "35%" in assumed


def test_nothing_learned_is_said(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/rates", Reply({"efficiency": 0.35, "items": []}))
    assert run(["rates"]) == 0
    assert "35%" in capsys.readouterr().out


def test_supply_is_told_by_precision_and_only_of_what_there_is(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = {"devices": 0, "operations_per_hour": 0.0, "held_operations_per_hour": 0.0, "unknown_devices": 0}
    bf16 = {"devices": 8, "operations_per_hour": 9e18, "held_operations_per_hour": 2.25e18, "unknown_devices": 1}
    server.on("GET", "/v1/supply", Reply({"items": [{"precision": "fp8"} | nothing, {"precision": "bf16"} | bf16]}))
    assert run(["devices", "--supply"]) == 0
    _, line = capsys.readouterr().out.splitlines()
    assert line.split() == ["bf16", "8", "9E", "2.25E", "1"]


def test_the_topology_is_told_by_node_nearest_first(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    links = {"node": [[0, 1, 2, 3]], "link": [[0, 1], [2, 3]]}
    nodes = {"items": [node("n1") | {"links": links}, node("n2"), node("n3") | {"links": {"host": [[0, 2]]}}]}
    server.on("GET", "/v1/nodes", Reply(nodes))
    assert run(["devices", "--topology"]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["n1", "link", "0,1", "2,3"],
        ["n1", "node", "0,1,2,3"],
        ["n3", "host", "0,2"],
    ]
    assert run(["devices", "--topology", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["items"][0] == {"node": "n1", "links": links}


def test_where_no_node_tells_of_links_that_is_said(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/nodes", Reply({"items": [node("n1")]}))
    assert run(["devices", "--topology"]) == 0
    assert capsys.readouterr().out.strip() == say("devices.no_topology")


def test_why_tells_the_expected_time_on_each_model() -> None:
    told = text.expected(
        [
            {
                "model": "A100",
                "seconds": 60.0,
                "rate": 1e14,
                "runs": 3,
                "energy_joules": 3.6e6,
                "cost": "1.5000",
                "currency": "CNY",
            },
            {
                "model": "V100",
                "seconds": 7200.0,
                "rate": 1e13,
                "runs": 0,
                "energy_joules": None,
                "cost": None,
                "currency": None,
            },
        ]
    )
    assert len(told) == 3
    assert "A100" in told[1]
    assert "1 kWh" in told[1]
    assert "3" in told[1]
    assert "1.5000 CNY" in told[1]
    assert "kWh" not in told[2]
    assert "CNY" not in told[2]
    assert text.expected([]) == []
