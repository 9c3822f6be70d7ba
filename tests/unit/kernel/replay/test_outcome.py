"""What a replay gives: which columns go together, and who has ended."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.model.errors import InvalidRequestError

STEPS = ("cpu_milli", "device_share", "waiting", "running", "waiting_cpu_milli")


def whole(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def outcome(**given: Any) -> Outcome:
    """Two jobs and two instants of nothing, but for what is given."""
    jobs = {"started_us": whole(0, 5), "ended_us": whole(3, 9)}
    steps = dict.fromkeys(STEPS, whole(0, 0))
    return Outcome(**{**jobs, "time_us": whole(0, 9), **steps, **given})


def test_it_has_these_columns_and_no_others() -> None:
    assert {field.name for field in fields(Outcome)} == {
        "started_us",
        "ended_us",
        "time_us",
        *STEPS,
        "draw_mw",
        "looked_at_us",
        "fragmented_share",
    }


@pytest.mark.parametrize(
    ("started", "ended", "finished"),
    [
        pytest.param(whole(), whole(), [], id="no jobs"),
        pytest.param(whole(0, 5), whole(3, 9), [True, True], id="all ended"),
        pytest.param(whole(0, NEVER), whole(3, NEVER), [True, False], id="one never started"),
        pytest.param(whole(0, 5), whole(3, NEVER), [True, False], id="one runs for ever"),
        pytest.param(whole(4, 4), whole(4, 4), [True, True], id="runs of no time"),
    ],
)
def test_who_has_ended(started: Any, ended: Any, finished: list[bool]) -> None:
    assert outcome(started_us=started, ended_us=ended).finished.tolist() == finished


@pytest.mark.parametrize(
    ("started", "ended", "field"),
    [
        pytest.param(whole(5, 5), whole(5, 4), "ended_us.1", id="an end before its start"),
        pytest.param(whole(5, 5), whole(4, 4), "ended_us.0", id="the first of several"),
        pytest.param(whole(0, NEVER), whole(1, 9), "ended_us.1", id="an end of what never started"),
    ],
)
def test_a_job_does_not_end_before_it_starts(started: Any, ended: Any, field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        outcome(started_us=started, ended_us=ended)
    assert (caught.value.field, caught.value.detail) == (field, "a job ends before it starts")


@pytest.mark.parametrize("ended", [whole(3), whole(3, 9, 9), whole()])
def test_as_many_end_as_start(ended: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        outcome(ended_us=ended)
    assert (caught.value.field, caught.value.detail) == ("ended_us", "as many jobs must start as end")


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("values", [whole(), whole(1), whole(1, 2, 3)])
def test_each_step_function_has_a_value_an_instant(name: str, values: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        outcome(**{name: values})
    assert (caught.value.field, caught.value.detail) == (name, f"{name} must have one value for each instant")


@pytest.mark.parametrize("times", [whole(5, 5), whole(6, 5)])
def test_instants_rise(times: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        outcome(time_us=times)
    assert (caught.value.field, caught.value.detail) == ("time_us", "instants must rise")
