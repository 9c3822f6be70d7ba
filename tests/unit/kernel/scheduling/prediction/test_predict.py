"""The three predictions against plain ones, after any history, and on tables worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.prediction import last_two, learned, requested
from suanli.kernel.scheduling.prediction.history import DEPTH, History, history, learn
from tests.unit.kernel.replay import plain
from tests.unit.kernel.replay.plain import Job, Past

SECOND = 1_000_000
HOUR = 3600


def after(*runs: tuple[int, int, int], user: int = 0) -> History:
    """A history of three users in which one of them had these runs: (requested, cpus, runtime)."""
    past = history(3)
    for asked, cpus, ran in runs:
        learn(past, user, asked * SECOND, cpus * 1000, ran * SECOND)
    return past


@pytest.mark.parametrize("asked", [1, 60, HOUR, 10**6])
def test_the_request_is_believed_whatever_happened(asked: int) -> None:
    past = after((HOUR, 1, 5), (HOUR, 1, 5))
    assert requested.predict(past, 0, asked * SECOND, 1000) == asked * SECOND


@pytest.mark.parametrize(
    ("runs", "asked", "expected"),
    [
        pytest.param([], HOUR, HOUR, id="no runs: the request"),
        pytest.param([60], HOUR, HOUR, id="one run: the request"),
        pytest.param([60, 120], HOUR, 90, id="two runs: their mean"),
        pytest.param([1, 60, 120], HOUR, 90, id="three runs: the mean of the last two"),
        pytest.param([9999, 9999], 60, 60, id="never beyond the request"),
        pytest.param([60, 60], 60, 60, id="all of the request"),
    ],
)
def test_the_last_two_runs_of_the_user(runs: list[int], asked: int, expected: int) -> None:
    past = after(*((HOUR, 1, ran) for ran in runs))
    assert last_two.predict(past, 0, asked * SECOND, 1000) == expected * SECOND
    assert last_two.predict(past, 1, asked * SECOND, 1000) == asked * SECOND


def test_the_mean_is_cut_to_whole_microseconds_and_is_at_least_one() -> None:
    past = history(1)
    for ran in (1, 2):
        learn(past, 0, 100, 1000, ran)
    assert last_two.predict(past, 0, 100, 1000) == 1
    for _ in range(2):
        learn(past, 0, 100, 1000, 0)
    assert last_two.predict(past, 0, 100, 1000) == 1


@pytest.mark.parametrize("runs", range(DEPTH - 1, DEPTH + 3))
def test_the_last_two_are_found_when_the_memory_of_a_user_goes_round(runs: int) -> None:
    past = after(*((HOUR, 1, ran) for ran in range(1, runs + 1)))
    assert last_two.predict(past, 0, HOUR * SECOND, 1000) == (2 * runs - 1) * SECOND // 2


def test_runs_of_the_same_request_count_more_than_others() -> None:
    past = after(*[(HOUR, 1, 3000), (60, 1, 20)] * 5)
    like_the_long, like_the_short = (learned.predict(past, 0, asked * SECOND, 1000) for asked in (HOUR, 60))
    assert like_the_long > 1000 * SECOND
    assert like_the_short < 30 * SECOND


def test_runs_of_the_same_size_count_more_than_others() -> None:
    past = after(*[(HOUR, 1, 3000), (HOUR, 64, 20)] * 5)
    small, large = (learned.predict(past, 0, HOUR * SECOND, cpus * 1000) for cpus in (1, 64))
    assert small > 2 * large


def test_later_runs_count_more_than_earlier_ones() -> None:
    first_long = after(*[(HOUR, 1, 3000)] * 10, *[(HOUR, 1, 20)] * 10)
    first_short = after(*[(HOUR, 1, 20)] * 10, *[(HOUR, 1, 3000)] * 10)
    assert learned.predict(first_long, 0, HOUR * SECOND, 1000) < learned.predict(first_short, 0, HOUR * SECOND, 1000)


def test_work_that_either_crashes_or_lasts_is_predicted_between_the_two_means() -> None:
    # Half crash within ten seconds: the mean is half an hour, the harmonic mean below twenty seconds.
    past = after(*[(HOUR, 1, 3590), (HOUR, 1, 5)] * 20)
    found = learned.predict(past, 0, HOUR * SECOND, 1000) / SECOND
    assert 20 < found < 1800
    assert found == pytest.approx((1800 * 20) ** 0.5, rel=0.15)


RUNS = st.lists(
    st.builds(
        lambda asked, part, cpus, user: Job(0, max(1, round(asked * part)), asked, cpus, user),
        st.integers(1, 10**6),
        st.floats(0, 1.5),
        st.integers(1, 64),
        st.integers(0, 2),
    ),
    max_size=90,
)


@given(RUNS, st.integers(1, 10**6), st.integers(1, 64), st.integers(0, 2))
def test_any_history_predicts_what_a_plain_one_does(runs: list[Job], asked: int, cpus: int, user: int) -> None:
    past, told = history(3), Past()
    for run in runs:
        learn(past, run.user, run.requested * SECOND, run.cpus * 1000, run.runtime * SECOND)
        told.learn(run)
    job = Job(0, 1, asked, cpus, user)
    given_ = (past, user, asked * SECOND, cpus * 1000)
    assert requested.predict(*given_) == plain.requested(told, job)
    assert last_two.predict(*given_) == plain.last_two(told, job)
    assert learned.predict(*given_) == pytest.approx(plain.learned(told, job), rel=1e-6, abs=1)
