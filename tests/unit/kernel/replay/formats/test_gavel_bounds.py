"""Rates and traces of Gavel that lie beyond what can be counted, and what the rates say of devices not measured on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from suanli.kernel.replay.center import from_mapping
from suanli.kernel.replay.formats.gavel import is_gavel, read_gavel, read_throughputs
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import POLICIES
from suanli.model.errors import InvalidRequestError
from tests.unit.kernel.replay.formats.test_gavel import RATES, SECOND, line, read

NO_RATE = "not the rate of (job type, scale factor)"


@pytest.mark.parametrize(
    ("key", "rate"),
    [
        pytest.param("('A', 1)", 10**400, id="a whole number beyond floats"),
        pytest.param("('A', 1e999)", 1.0, id="a scale without end"),
        pytest.param("('A', -1e999)", 1.0, id="nor with a beginning"),
        pytest.param("('A', 1", 1.0, id="a key that nothing closes"),
        pytest.param("(" * 500 + "1", 1.0, id="a key that is all brackets"),
        pytest.param("__import__('os')", 1.0, id="a key that is a program"),
        pytest.param("\0", 1.0, id="a byte that is none"),
    ],
)
def test_a_rate_that_cannot_be_counted_is_named(key: str, rate: float) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_throughputs({"v100": {"('A', 1)": {"null": 1.0}}, "k80": {key: {"null": rate}}})
    assert (caught.value.field, caught.value.detail) == (f"throughputs.k80.{key}", NO_RATE)


@pytest.mark.parametrize(
    ("written", "column"),
    [
        pytest.param(line(steps=10**16), "runtime_us.0", id="steps that take beyond all time"),
        pytest.param(line(arrival="1e13"), "submitted_us.0", id="an arrival beyond all time"),
    ],
)
def test_a_time_that_cannot_be_counted_is_refused_by_its_column(written: str, column: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(written)
    assert caught.value.field == column


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param(line(steps="9" * 4301), "Exceeds the limit (4300 digits)", id="very many digits"),
        pytest.param(line(steps="9" * 400), "int too large to convert to float", id="more than a float"),
        pytest.param(line(steps="\N{SUPERSCRIPT TWO}"), "invalid literal for int()", id="a raised digit"),
        pytest.param(line(scale="0"), "no rate is known of ResNet on 0 devices", id="no devices"),
        pytest.param(line(scale="-1"), "no rate is known of ResNet on -1 devices", id="fewer than none"),
        pytest.param(line(arrival=""), "could not convert string to float: ''", id="no arrival"),
    ],
)
def test_a_line_that_tells_of_what_cannot_be_is_named(written: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(line(), "", written)
    assert caught.value.field == "lines.3"
    assert caught.value.detail.startswith(f"line 3: {said}")


def test_a_raised_digit_looks_like_the_format_and_is_refused_when_read() -> None:
    """To tell formats apart a look at one line is enough; what it says is judged where it is read."""
    assert is_gavel(line(steps="\N{SUPERSCRIPT TWO}"))


def test_how_much_longer_a_job_takes_elsewhere_is_the_ratio_of_the_rates() -> None:
    """ResNet alone: 10 steps/s on a V100, 2 on a K80. Two devices: 16 and 3. LM: 0.5 and 0.1. Broken never runs."""
    trace = read(line("LM"), line("ResNet", scale=2), line("ResNet"), line("LM"))
    assert trace.applications == ("LM", "ResNet x2", "ResNet")
    assert trace.factor_models == ("v100", "k80")
    assert trace.factors.tolist() == [[1.0, 5.0], [1.0, pytest.approx(16 / 3)], [1.0, 5.0]]
    slow = read_gavel("\n".join([line("LM"), line("ResNet", scale=2)]), RATES, "k80")
    assert slow.factors.tolist() == [[pytest.approx(0.2), 1.0], [pytest.approx(3 / 16), 1.0]]


@pytest.mark.parametrize(
    "rates",
    [
        pytest.param({"a": {("J", 1): 4.0}, "b": {}}, id="not measured there"),
        pytest.param({"a": {("J", 1): 4.0}, "b": {("J", 1): 0.0}}, id="measured, and made no steps"),
        pytest.param({"a": {("J", 1): 4.0}, "b": {("J", 2): 9.0}}, id="measured with other devices alone"),
    ],
)
def test_where_it_was_not_measured_it_cannot_run(rates: dict[str, dict[tuple[str, int], float]]) -> None:
    trace = read_gavel(line("J"), rates, "a")
    assert trace.factors.tolist() == [[1.0, math.inf]]


def test_a_day_of_training_jobs_by_hand() -> None:
    """One V100 and one K80, first fit by submission; nobody knows the rates, so the first goes to the first device.

    A (100 steps of ResNet, 0 s) takes the V100: 10 s. B (20 steps, 1 s) gets the K80, at 2 steps a second: until 11 s.
    C (30 steps, 2 s) waits for the V100: from 10 to 13 s. D (8 steps, 12 s) takes the K80 that is free since 11 s.
    """
    devices = [{"model": "v100", "count": 1}], [{"model": "k80", "count": 1}]
    center = from_mapping({"nodes": [{"cpus": 4, "memory": "1GiB", "devices": one} for one in devices]})
    trace = read(line(steps=100), line(steps=20, arrival=1), line(steps=30, arrival=2), line(steps=8, arrival=12))
    outcome = replay(trace, center, POLICIES["easy"])
    assert (outcome.started_us // SECOND).tolist() == [0, 1, 10, 12]
    assert (outcome.ended_us // SECOND).tolist() == [10, 11, 13, 16]
    assert (outcome.time_us // SECOND).tolist() == [0, 1, 2, 10, 11, 12, 13, 16]
    assert (outcome.device_share // 1000).tolist() == [1, 2, 2, 2, 1, 2, 1, 0]
    assert np.flatnonzero(outcome.waiting).tolist() == [2]


def test_by_time_a_job_waits_for_no_slower_device_than_it_gains_by() -> None:
    """Two jobs that rank the V100 first; the second finds it taken, and the K80 is better than to wait for ever."""
    devices = [{"model": "k80", "count": 1}], [{"model": "v100", "count": 1}]
    center = from_mapping({"nodes": [{"cpus": 4, "memory": "1GiB", "devices": one} for one in devices]})
    trace = read(line(steps=100), line(steps=100, arrival=200))
    blind, by_time = (replay(trace, center, POLICIES[name]) for name in ("easy", "easy-time"))
    # The K80 is the first node: blind, each takes 50 s there; by time, each takes 10 s on the V100.
    assert (blind.ended_us // SECOND).tolist() == [50, 250]
    assert (by_time.ended_us // SECOND).tolist() == [10, 210]
