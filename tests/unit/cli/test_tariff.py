"""The tariff at the command line."""

from __future__ import annotations

from typing import Any

import pytest

from suanli_cli.main import run
from tests.unit.cli.fake_server import FakeServer, Reply

PRICES: dict[str, Any] = {
    "version": 3,
    "currency": "CNY",
    "valid_from": "2026-11-24T11:00:00.000000Z",
    "cpu_hour": "0.10",
    "memory_gib_hour": "0",
    "disk_gb_hour": "0.0005",
    "device_hour": {"A100": "12.5"},
    "class_hour": {"gpu": "6"},
}


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ["Version 3, from 2026-11-24", "one cpu", "0.10", "any other gpu", "A100"]),
        ("zh", ["第 3 版，自 2026-11-24", "一个 CPU", "0.0005", "其他 gpu", "A100"]),
    ],
)
def test_prices_are_shown_to_the_digit(
    server: FakeServer, capsys: pytest.CaptureFixture[str], language: str, told: list[str]
) -> None:
    server.on("GET", "/v1/tariff", Reply({"current": PRICES, "coming": [{**PRICES, "version": 4}]}))
    assert run(["tariff", "show", "--lang", language]) == 0
    out = capsys.readouterr().out
    assert [part for part in told if part not in out] == []
    assert out.count("A100") == 2
    assert next(line for line in out.splitlines() if "A100" in line).split() == ["A100", "12.5", "CNY"]


def test_that_there_are_none_is_said(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/tariff", Reply({"current": None, "coming": []}))
    assert run(["tariff", "show"]) == 0
    assert capsys.readouterr().out == "There are no prices.\n"


def test_prices_are_set_as_they_were_written(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("PUT", "/v1/tariff", Reply(PRICES))
    words = ["--currency", "CNY", "--cpu-hour", "0.10", "--device-hour", "A100=12.5", "--device-hour", "H100=28"]
    assert run(["tariff", "set", *words, "--class-hour", "gpu=6", "--from", "2026-12-01T08:00+08:00"]) == 0
    assert server.asked[0].body == {
        "currency": "CNY",
        "cpu_hour": "0.10",
        "device_hour": {"A100": "12.5", "H100": "28"},
        "class_hour": {"gpu": "6"},
        "valid_from": "2026-12-01T00:00:00.000000Z",
    }
    assert "Version 3" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["--currency", "CNY", "--device-hour", "A100"], ["--currency"]])
def test_what_cannot_be_asked_is_refused(server: FakeServer, words: list[str]) -> None:
    assert run(["tariff", "set", *words]) == 2
    assert not server.asked
