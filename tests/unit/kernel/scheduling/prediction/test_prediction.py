"""Predictions from what has ended: cases worked by hand, and bounds that hold after any history."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.prediction import last_two, learned, requested
from suanli.kernel.scheduling.prediction.history import (
    CLASSES,
    DEPTH,
    RECENT,
    RUNTIME,
    WEIGHT,
    class_of,
    correct,
    history,
    learn,
)

SECOND = 1_000_000
HOUR = 3600 * SECOND
RUNS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 10**12), st.integers(1, 10**7), st.integers(1, 10**12)))


def test_without_history_the_last_two_are_the_request() -> None:
    past = history(1)
    assert last_two.predict(past, 0, HOUR, 1000) == HOUR
    learn(past, 0, HOUR, 1000, 60 * SECOND)
    assert last_two.predict(past, 0, HOUR, 1000) == HOUR


def test_the_mean_of_the_last_two_runs_of_the_same_user_at_most_the_request() -> None:
    past = history(2)
    for seconds in (1, 60, 120):
        learn(past, 1, HOUR, 1000, seconds * SECOND)
    assert last_two.predict(past, 1, HOUR, 1000) == 90 * SECOND
    assert last_two.predict(past, 1, 30 * SECOND, 1000) == 30 * SECOND
    assert last_two.predict(past, 0, HOUR, 1000) == HOUR


def test_the_memory_of_a_user_goes_round() -> None:
    past = history(1)
    for number in range(1, DEPTH + 2):
        learn(past, 0, HOUR, 1000, number * SECOND)
    assert past.runtime_us[0, 0] == (DEPTH + 1) * SECOND
    assert last_two.predict(past, 0, HOUR, 1000) == (DEPTH + DEPTH + 1) * SECOND // 2


def test_learned_without_history_is_the_class_of_requests() -> None:
    past = history(1)
    request = 2**30
    assert class_of(request) == 60
    expected = math.sqrt(request / 2 * request / 2)
    assert learned.predict(past, 0, request, 1000) == pytest.approx(expected, abs=1)


def test_learned_weighs_one_run_that_is_alike_against_the_class() -> None:
    past, others = history(1), 0.3
    request, ran = 2**34, 20 * SECOND
    learn(past, 0, request, 1000, ran)
    weight = 0.99 + 1
    class_mean = (0.99 * request / 2 + ran) / weight
    class_urgency = (0.99 * 2 / request + 1 / ran) / weight
    mean = (others * class_mean + ran) / (others + 1)
    urgency = (others * class_urgency + 1 / ran) / (others + 1)
    assert learned.predict(past, 0, request, 1000) == pytest.approx(math.sqrt(mean / urgency), rel=1e-6)


def test_learned_follows_the_runs_whose_requests_are_near() -> None:
    past = history(1)
    for _ in range(5):
        learn(past, 0, 10 * HOUR, 1000, 9 * HOUR)
        learn(past, 0, HOUR // 2, 1000, 30 * SECOND)
    assert learned.predict(past, 0, 10 * HOUR, 1000) > HOUR
    assert learned.predict(past, 0, HOUR // 2, 1000) < 120 * SECOND


def test_another_users_runs_move_only_the_class() -> None:
    past = history(2)
    for _ in range(20):
        learn(past, 0, HOUR, 1000, SECOND)
    assert past.ended.tolist() == [20, 0]
    assert learned.predict(past, 1, HOUR, 1000) < learned.predict(history(2), 1, HOUR, 1000)
    assert learned.predict(past, 1, 8 * HOUR, 1000) == learned.predict(history(2), 1, 8 * HOUR, 1000)


def test_the_last_runs_tell_how_far_below_its_request_one_may_end() -> None:
    past = history(2)
    assert past.parts.min() == 1
    learn(past, 0, HOUR, 1000, HOUR // 4)
    learn(past, 1, HOUR, 1000, 2 * HOUR)
    assert sorted(past.parts)[:2] == [0.25, 1]
    for _ in range(RECENT - 2):
        learn(past, 1, HOUR, 1000, HOUR)
    assert past.parts.min() == 0.25
    learn(past, 1, HOUR, 1000, HOUR)
    assert past.parts.min() == 1


def test_what_outlives_its_prediction_is_expected_to_run_as_long_again_but_not_past_its_request() -> None:
    assert correct(HOUR, 600 * SECOND) == 1200 * SECOND
    assert correct(HOUR, SECOND) == 61 * SECOND
    assert correct(HOUR, 2000 * SECOND) == HOUR
    assert correct(HOUR, HOUR) == HOUR + 1


@given(RUNS, st.integers(0, 2), st.integers(1, 10**12), st.integers(1, 10**7))
def test_any_history_predicts_between_one_microsecond_and_the_request(
    runs: list[tuple[int, int, int, int]], user: int, request: int, size: int
) -> None:
    past = history(3)
    for who, asked, big, ran in runs:
        learn(past, who, asked, big, min(ran, asked))
    for predict in (requested.predict, last_two.predict, learned.predict):
        assert 1 <= predict(past, user, request, size) <= request
    assert past.ended.sum() == len(runs)
    means = past.classes[:, RUNTIME] / past.classes[:, WEIGHT]
    assert np.isfinite(past.classes).all()
    assert (means > 0).all()


@given(st.integers(1, 2**62))
def test_classes_grow_with_the_request(request: int) -> None:
    assert 0 <= class_of(request) <= class_of(2 * min(request, 2**61)) < CLASSES


@given(st.integers(1, 10**12), st.integers(0, 10**12))
def test_a_correction_lies_ahead(request: int, elapsed: int) -> None:
    assert elapsed < correct(request, elapsed) <= max(request, elapsed + 1)
