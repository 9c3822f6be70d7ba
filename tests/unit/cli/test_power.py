"""The power cap at the command line."""

from __future__ import annotations

from typing import Any

import pytest

from suanli_cli.main import run
from tests.unit.cli.fake_server import FakeServer, Reply
from tests.unit.cli.test_what_if import ANSWER

CAPPED: dict[str, Any] = {"watts": 50_000, "drawn_watts": 31_250.5, "unknown_cpus": 0.0, "unknown_devices": 0}


def test_what_is_drawn_is_shown_beside_the_cap(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/power-cap", Reply(CAPPED))
    assert run(["power", "show"]) == 0
    told = "Running work is expected to draw 31.25kW beyond idling.\nPower cap: 50kW.\n"
    assert capsys.readouterr().out == told


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ["There is no power cap", "what 1.5 cpus and 2 devices draw"]),
        ("zh", ["没有设定功率上限", "1.5 个 CPU，2 个设备"]),
    ],
)
def test_what_is_not_known_is_said(
    server: FakeServer, capsys: pytest.CaptureFixture[str], language: str, told: list[str]
) -> None:
    server.on("GET", "/v1/power-cap", Reply({**CAPPED, "watts": None, "unknown_cpus": 1.5, "unknown_devices": 2}))
    assert run(["power", "show", "--lang", language]) == 0
    out = capsys.readouterr().out
    assert [part for part in told if part not in out] == []


@pytest.mark.parametrize(
    ("asked", "watts", "told"),
    [
        ("1500", 1500, "Power cap: 1.5kW."),
        ("50kW", 50_000, "Power cap: 50kW."),
        ("1.2MW", 1_200_000, "Power cap: 1.2MW."),
        ("750W", 750, "Power cap: 750W."),
        ("none", 0, "There is no power cap."),
    ],
)
def test_a_cap_is_set_and_lifted(
    server: FakeServer, capsys: pytest.CaptureFixture[str], asked: str, watts: int, told: str
) -> None:
    server.on("PUT", "/v1/power-cap", Reply({"watts": watts or None}))
    assert run(["power", "cap", asked]) == 0
    assert server.asked[0].body == {"watts": watts}
    assert capsys.readouterr().out.strip() == told


@pytest.mark.parametrize("asked", ["", "0", "1.5", "0.0001kW", "50KW", "-3", "much"])
def test_what_is_no_number_of_watts_is_refused(
    server: FakeServer, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    assert run(["power", "cap", "--", asked]) == 2
    assert "no number of watts" in capsys.readouterr().err
    assert not server.asked


@pytest.mark.parametrize(("asked", "watts"), [("20kW", 20_000), ("none", 0)])
def test_what_if_asks_about_another_cap(server: FakeServer, asked: str, watts: int) -> None:
    server.on("POST", "/v1/what-if", Reply(ANSWER))
    assert run(["what-if", "--power-cap", asked]) == 0
    assert server.asked[0].body == {"power_cap": watts}
