"""In which order runs end, and what is expected of those that outlive what was predicted of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.course import BEGAN, EVENTS, OVER, TIME
from suanli.kernel.replay.loop import Life
from suanli.kernel.replay.policy import Policy
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.prediction.history import correct
from tests.unit.kernel.replay.plain import SECOND, Job, center_of, trace_of

MINUTE = 60 * 1_000_000
WIDE = 999
"""Cpus enough for everybody at once."""

TIMES = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=30).map(
    lambda rows: [Job(submitted, runtime, 50) for submitted, runtime in sorted(rows, key=lambda row: row[0])]
)


def life_of(jobs: list[Job], policy: Policy = Policy(), cpus: int = WIDE) -> Life:  # noqa: B008  it is frozen
    return Life(trace_of(jobs), center_of(cpus), policy)


@settings(deadline=None)
@given(TIMES)
def test_runs_end_in_the_order_of_time_then_of_starts_then_of_jobs(jobs: list[Job]) -> None:
    life = life_of(jobs)
    while life.go_on(10**6):
        pass
    course = life.course
    over = course.over[: course.at[OVER]].tolist()
    ends = [(job.submitted + job.runtime, job.submitted, place) for place, job in enumerate(jobs)]
    assert over == [place for *_, place in sorted(ends)]
    assert course.began[: course.at[BEGAN]].tolist() == list(range(len(jobs)))


@settings(deadline=None)
@given(TIMES)
def test_who_has_begun_and_who_is_over_is_known_after_every_event(jobs: list[Job]) -> None:
    life, course = (made := life_of(jobs)), made.course
    while life.go_on(1):
        began, over = course.began[: course.at[BEGAN]].tolist(), course.over[: course.at[OVER]].tolist()
        running = life.tables.lists[t.RUNNING, : life.tables.sizes[t.RUNNING_SIZE]].tolist()
        assert sorted(running) == sorted(set(began) - set(over))
        assert len(set(over)) == len(over)
        assert set(over) <= set(began)


BELIEVING = Policy(prediction="last_two", believed=True)
"""Where two runs of a user are over, the next is expected to take their mean."""


def expected_end(second: int, really: int) -> int:
    """In seconds, when the third run of a user is expected to end, as it is thought at a second after its start.

    Both before took ten seconds of the thousand that they asked for; it starts at 20, and takes that long.
    """
    jobs = [Job(0, 10, 1000), Job(10, 10, 1000), Job(20, really, 1000)]
    life = life_of([*jobs, Job(20 + second, 1, 1, user=1)], BELIEVING)
    while int(life.course.at[BEGAN]) < 4 and life.go_on(1):
        pass
    return int(life.tables.jobs[2, t.END]) // SECOND


@pytest.mark.parametrize(
    ("second", "really", "end"),
    [
        pytest.param(5, 500, 30, id="as it was predicted"),
        pytest.param(9, 500, 30, id="until a second before"),
        pytest.param(
            10, 500, 20 + correct(1000 * SECOND, 10 * SECOND) // SECOND, id="then it is expected to take longer"
        ),
        pytest.param(200, 500, 20 + correct(1000 * SECOND, 200 * SECOND) // SECOND, id="and later longer still"),
    ],
)
def test_who_outlives_a_prediction_is_expected_to_run_longer(second: int, really: int, end: int) -> None:
    assert expected_end(second, really) == end


@settings(max_examples=50)
@given(st.integers(1, 10**4), st.integers(1, 10**4))
def test_a_correction_lies_ahead_or_is_all_that_was_asked_for(requested: int, elapsed: int) -> None:
    requested, elapsed = requested * MINUTE, elapsed * MINUTE
    found = correct(requested, elapsed)
    assert found > elapsed or found == requested


@settings(max_examples=30, deadline=None)
@given(TIMES, st.sampled_from(["last_two", "learned", "requested"]), st.integers(1, 12))
def test_nobody_that_runs_is_expected_to_have_ended(jobs: list[Job], prediction: str, cpus: int) -> None:
    """However wrong predictions are: only who ends at this very instant is taken to."""
    life = life_of(jobs, Policy(prediction=prediction, believed=True, shortest_first=True), cpus)
    while life.go_on(1):
        now = int(life.course.history[TIME, life.course.at[EVENTS] - 1])
        running = life.tables.lists[t.RUNNING, : life.tables.sizes[t.RUNNING_SIZE]]
        late = running[life.tables.jobs[running, t.END] <= now]
        assert (life.course.ended_us[late] == now).all()
        assert (np.diff(life.tables.jobs[running, t.END]) >= 0).all()
