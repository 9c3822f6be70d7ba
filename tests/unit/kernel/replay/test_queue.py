"""The queue of a replay: each order and each prediction against ones told in plain objects."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import ORDERS, PREDICTIONS, Policy
from tests.unit.kernel.replay import plain
from tests.unit.kernel.replay.plain import CPUS, Job, center_of, seconds, trace_of

JOBS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 40), st.integers(0, 200), st.integers(1, CPUS), st.integers(0, 2)),
    min_size=1,
    max_size=25,
).map(
    lambda rows: [
        Job(submitted, runtime, runtime + slack, cpus, user)
        for submitted, runtime, slack, cpus, user in sorted(rows, key=lambda row: row[0])
    ]
)


def started(jobs: list[Job], **policy: str) -> list[int]:
    return seconds(replay(trace_of(jobs), center_of(), Policy(backfill="none", **policy)).started_us)  # type: ignore[arg-type]


def test_every_order_and_prediction_is_told_here() -> None:
    assert {*plain.ORDERS, "sjf", "slowdown", "fair_share"} == set(ORDERS)
    assert set(plain.PREDICTIONS) == set(PREDICTIONS)


@pytest.mark.parametrize("order", plain.ORDERS)
@settings(max_examples=60)
@given(jobs=JOBS)
def test_who_waits_goes_by_the_order_as_it_is_published(order: str, jobs: list[Job]) -> None:
    assert started(jobs, order=order) == plain.starts(jobs, order)


@pytest.mark.parametrize("prediction", plain.PREDICTIONS)
@settings(max_examples=60)
@given(jobs=JOBS)
def test_shortest_first_goes_by_what_was_predicted_at_submission(prediction: str, jobs: list[Job]) -> None:
    assert started(jobs, order="sjf", prediction=prediction) == plain.starts(jobs, "sjf", prediction)


# Eight cpus are taken until 10 s. What comes meanwhile then starts one after the other, in the order asked for.
FIRST = Job(0, 10, 10, CPUS)


@pytest.mark.parametrize(
    ("order", "jobs", "in_order"),
    [
        pytest.param("fcfs", [Job(1, 5, 5, 8), Job(2, 1, 1, 8)], [1, 2], id="first come first served"),
        pytest.param("sjf", [Job(1, 5, 9, 8), Job(2, 5, 8, 8)], [2, 1], id="shortest request first"),
        pytest.param("sjf", [Job(1, 5, 9, 8), Job(2, 5, 9, 8)], [1, 2], id="equal requests by id"),
        pytest.param("wfp3", [Job(1, 5, 90, 8), Job(2, 5, 9, 8)], [2, 1], id="wfp3 against long requests"),
        pytest.param("wfp3", [Job(1, 5, 9, 5), Job(1, 5, 9, 8)], [2, 1], id="wfp3 for large sizes"),
        pytest.param("unicep", [Job(1, 5, 9, 8), Job(1, 5, 9, 5)], [2, 1], id="unicep for small sizes"),
        pytest.param("unicep", [Job(1, 5, 90, 8), Job(1, 5, 9, 8)], [2, 1], id="unicep for short requests"),
        pytest.param("f1", [Job(1, 5, 90, 8), Job(1, 5, 9, 8)], [2, 1], id="f1 for short requests"),
        pytest.param("f2", [Job(1, 5, 90, 8), Job(1, 5, 9, 8)], [2, 1], id="f2 for short requests"),
        pytest.param("f3", [Job(1, 5, 90, 8), Job(1, 5, 9, 8)], [2, 1], id="f3 for short requests"),
        pytest.param("f4", [Job(1, 5, 90, 8), Job(1, 5, 9, 8)], [2, 1], id="f4 for short requests"),
        pytest.param("f1", [Job(1, 5, 9, 8), Job(5, 5, 1, 8)], [1, 2], id="f1 for what came early"),
        pytest.param("slowdown", [Job(1, 5, 90, 8), Job(1, 5, 9, 8)], [2, 1], id="slowdown for short predictions"),
        pytest.param("slowdown", [Job(1, 5, 90, 8), Job(1, 5, 90, 5)], [2, 1], id="slowdown for small sizes"),
    ],
)
def test_two_that_wait_for_the_same_room(order: str, jobs: list[Job], in_order: list[int]) -> None:
    found = started([FIRST, *jobs], order=order)
    assert found[in_order[0]] == 10
    assert found[in_order[1]] == 15


def test_keys_of_wfp3_change_while_work_waits() -> None:
    # At 1 s the short one leads; at 100 s the large one, whose wait has grown as much, counts eight times.
    jobs = [Job(0, 100, 100, CPUS), Job(1, 5, 50, 8), Job(1, 5, 40, 1), Job(100, 1, 1, 1)]
    assert plain.ORDERS["wfp3"](jobs[1], 100) < plain.ORDERS["wfp3"](jobs[2], 100)
    assert started(jobs, order="wfp3")[1:3] == [100, 105]


def test_predictions_are_of_the_users_own_runs() -> None:
    # Two runs of a second each of the first user; of the second nothing is known. Then both ask for the same.
    jobs = [
        Job(0, 1, 60, 8, user=0),
        Job(1, 1, 60, 8, user=0),
        Job(2, 10, 10, 8, user=2),
        Job(3, 5, 60, 8, user=1),
        Job(4, 5, 60, 8, user=0),
    ]
    assert started(jobs, order="sjf", prediction="last_two") == [0, 1, 2, 17, 12]
    assert started(jobs, order="sjf", prediction="requested") == [0, 1, 2, 12, 17]


def test_what_waits_is_predicted_anew_when_a_run_of_its_user_ends_and_keys_move() -> None:
    # While both wait the first user's run ends after a second of a long request, and so does another.
    jobs = [
        Job(0, 1, 10_000, 4, user=0),
        Job(0, 2, 10_000, 4, user=0),
        Job(0, 9, 9, 8, user=2),
        Job(0, 50, 1000, 8, user=1),
        Job(0, 50, 10_000, 8, user=0),
    ]
    assert started(jobs, order="slowdown", prediction="last_two")[3:] == [61, 11]
    assert started(jobs, order="slowdown", prediction="requested")[3:] == [11, 61]
