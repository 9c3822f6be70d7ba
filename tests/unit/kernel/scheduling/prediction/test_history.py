"""What has ended: what one run adds, what is forgotten, and how long a run that outlives its prediction may take."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.prediction.history import (
    CLASSES,
    DEPTH,
    FLOOR_US,
    RECENT,
    RUNTIME,
    URGENCY,
    WEIGHT,
    History,
    class_of,
    correct,
    history,
    learn,
)

SECOND = 1_000_000
HOUR = 3600 * SECOND
near = pytest.approx


@pytest.mark.parametrize("users", [0, 1, 7])
def test_nothing_has_ended_to_begin_with(users: int) -> None:
    past = history(users)
    assert past.runtime_us.shape == past.requested_us.shape == past.size_milli.shape == (users, DEPTH)
    assert past.ended.tolist() == [0] * users
    assert past.classes.shape == (CLASSES, 3)
    assert past.parts.tolist() == [1.0] * RECENT
    assert past.total.tolist() == [0]


def test_a_class_begins_with_one_run_of_half_its_time_at_twice_the_urgency_of_all_of_it() -> None:
    classes = history(1).classes
    assert (classes[:, WEIGHT] == 1).all()
    assert classes[60, RUNTIME] == near(2**30 / 2)
    assert classes[60, URGENCY] == near(2 / 2**30)
    # Below ten seconds urgency grows no more.
    assert classes[0, URGENCY] == classes[10, URGENCY] == near(2 / FLOOR_US)


@pytest.mark.parametrize(
    ("micros", "of"),
    [
        pytest.param(0, 0, id="nothing"),
        pytest.param(-7, 0, id="less than nothing"),
        pytest.param(1, 0, id="a microsecond"),
        pytest.param(2, 2, id="a doubling is two classes"),
        pytest.param(3, 3, id="root two apart"),
        pytest.param(2**30, 60, id="eighteen minutes"),
        pytest.param(2**30 - 1, 59, id="just less"),
        pytest.param(round(2**30.5) + 1, 61, id="half a doubling more"),
        pytest.param(2**47, 94, id="four years"),
        pytest.param(2**48, 95, id="nine years: the last"),
        pytest.param(2**62, 95, id="for ever: the last"),
    ],
)
def test_classes_of_requested_times(micros: int, of: int) -> None:
    assert class_of(micros) == of


def test_a_run_is_written_down_in_the_place_of_its_number() -> None:
    past = history(2)
    learn(past, 1, HOUR, 4000, 60 * SECOND)
    learn(past, 1, 2 * HOUR, 2000, 30 * SECOND)
    assert past.ended.tolist() == [0, 2]
    assert past.runtime_us[1, :3].tolist() == [60 * SECOND, 30 * SECOND, 0]
    assert past.requested_us[1, :3].tolist() == [HOUR, 2 * HOUR, 0]
    assert past.size_milli[1, :3].tolist() == [4000, 2000, 0]
    assert not past.runtime_us[0].any()
    assert past.total.tolist() == [2]


@pytest.mark.parametrize(("requested", "size"), [(0, 0), (-1, -1)])
def test_what_is_divided_by_is_at_least_one(requested: int, size: int) -> None:
    past = history(1)
    learn(past, 0, requested, size, 5)
    assert (past.requested_us[0, 0], past.size_milli[0, 0]) == (1, 1)
    assert past.parts[0] == 1.0


@pytest.mark.parametrize(
    ("ran", "part"),
    [(0, 0.0), (HOUR // 4, 0.25), (HOUR, 1.0), (2 * HOUR, 1.0)],
    ids=["crashed at once", "a quarter", "all of it", "beyond it"],
)
def test_what_part_of_its_request_a_run_took(ran: int, part: float) -> None:
    past = history(1)
    learn(past, 0, HOUR, 1000, ran)
    assert past.parts[0] == part
    assert past.parts[1:].tolist() == [1.0] * (RECENT - 1)


def test_parts_go_round() -> None:
    past = history(3)
    for number in range(RECENT + 1):
        learn(past, number % 3, HOUR, 1000, HOUR // (number + 1))
    assert past.parts[0] == near(1 / (RECENT + 1), rel=1e-6)
    assert past.parts[1] == 0.5


@pytest.mark.parametrize(
    ("ran", "urgency"),
    [(20 * SECOND, 1 / (20 * SECOND)), (10 * SECOND, 1 / FLOOR_US), (SECOND, 1 / FLOOR_US), (0, 1 / FLOOR_US)],
    ids=["long enough", "ten seconds", "shorter counts as ten", "nothing counts as ten"],
)
def test_each_end_fades_what_was_in_its_class_before(ran: int, urgency: float) -> None:
    past, before = history(1), history(1).classes
    learn(past, 0, 2**30, 1000, ran)
    assert past.classes[60, WEIGHT] == near(0.99 + 1)
    assert past.classes[60, RUNTIME] == near(0.99 * before[60, RUNTIME] + ran)
    assert past.classes[60, URGENCY] == near(0.99 * before[60, URGENCY] + urgency)
    others = np.arange(CLASSES) != 60
    assert (past.classes[others] == before[others]).all()


def test_a_hundred_ends_back_counts_a_third() -> None:
    past = history(1)
    for _ in range(100):
        learn(past, 0, 2**30, 1000, 0)
    assert past.classes[60, RUNTIME] == near(2**29 * 0.99**100)
    assert 0.3 < 0.99**100 < 0.4


@pytest.mark.parametrize(
    ("requested", "elapsed", "expected"),
    [
        pytest.param(3600, 600, 1200, id="twice what it ran"),
        pytest.param(3600, 60, 120, id="a minute twice"),
        pytest.param(3600, 59, 119, id="at least a minute more"),
        pytest.param(3600, 0, 60, id="a minute at the very start"),
        pytest.param(3600, 1800, 3600, id="up to its request"),
        pytest.param(3600, 3000, 3600, id="never beyond it"),
        pytest.param(30, 10, 30, id="nor by the least step"),
    ],
)
def test_how_long_a_run_is_taken_to_run_that_outlived_its_prediction(
    requested: int, elapsed: int, expected: int
) -> None:
    assert correct(requested * SECOND, elapsed * SECOND) == expected * SECOND


@pytest.mark.parametrize("elapsed", [HOUR, HOUR + 5, 3 * HOUR])
def test_beyond_its_request_it_ends_in_a_moment(elapsed: int) -> None:
    assert correct(HOUR, elapsed) == elapsed + 1


RUNS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 10**12), st.integers(1, 10**6), st.integers(0, 10**12)), max_size=150
)


@given(RUNS)
def test_any_history_is_what_a_list_of_runs_says(runs: list[tuple[int, int, int, int]]) -> None:
    past: History = history(3)
    for user, requested, size, ran in runs:
        learn(past, user, requested, size, ran)
    for user in range(3):
        own = [run for run in runs if run[0] == user]
        assert past.ended[user] == len(own)
        for number, (_, requested, size, ran) in list(enumerate(own))[-DEPTH:]:
            place = number % DEPTH
            assert past.runtime_us[user, place] == ran
            assert past.requested_us[user, place] == requested
            assert past.size_milli[user, place] == size
    parts = [min(ran / requested, 1.0) for _, requested, _, ran in runs][-RECENT:]
    assert sorted(past.parts.tolist()) == near(sorted([*parts, *[1.0] * (RECENT - len(parts))]))
    for of in {class_of(requested) for _, requested, _, _ in runs}:
        here = [ran for _, requested, _, ran in runs if class_of(requested) == of]
        weight, runtime = 1.0, 2 ** (of / 2) / 2
        for ran in here:
            weight, runtime = 0.99 * weight + 1, 0.99 * runtime + ran
        assert past.classes[of, WEIGHT] == near(weight)
        assert past.classes[of, RUNTIME] == near(runtime)
        assert math.isfinite(past.classes[of, URGENCY])
