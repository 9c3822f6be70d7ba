"""Where a replay stands before its first event."""

from __future__ import annotations

import numpy as np

from suanli.kernel.replay import course as c
from suanli.kernel.replay.course import begin
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.kernel.scheduling.prediction.history import DEPTH
from tests.unit.kernel.replay.plain import SECOND, Job, trace_of

JOBS = [Job(1, 5, 9, 2, user=1), Job(4, 6, 7, 3), Job(4, 1, 1, 1, user=2)]


def test_what_the_trace_says_is_there_by_job() -> None:
    course = begin(trace_of(JOBS), 8000)
    assert (course.submitted_us // SECOND).tolist() == [1, 4, 4]
    assert (course.runtime_us // SECOND).tolist() == [5, 6, 1]
    assert (course.requested_us // SECOND).tolist() == [9, 7, 1]
    assert (course.tasks.tolist(), course.cpu_milli.tolist()) == ([2, 3, 1], [1000, 1000, 1000])
    assert course.user.tolist() == [1, 0, 2]


def test_nothing_has_happened() -> None:
    course = begin(trace_of(JOBS), 8000)
    assert course.started_us.tolist() == course.ended_us.tolist() == [NEVER] * 3
    assert not course.predicted_us.any()
    assert not course.history.any()
    assert not course.sums.any()
    assert course.at[[c.SUBMITTED, c.ENDING, c.EVENTS, c.CENTER_CPU]].tolist() == [0, 0, 0, 8000]


def test_there_is_a_place_for_the_submission_and_the_end_of_each_job() -> None:
    course = begin(trace_of(JOBS), 8000)
    assert course.history.shape == (7, 6)
    assert course.ends.shape == course.started.shape == (3,)
    assert begin(trace_of([]), 8000).history.shape == (7, 0)


def test_each_user_of_the_trace_has_a_history_of_its_own() -> None:
    past = begin(trace_of(JOBS, users=5), 8000).past
    assert past.runtime_us.shape == (5, DEPTH)
    assert past.ended.tolist() == [0] * 5


def test_a_course_writes_to_columns_of_its_own() -> None:
    trace = trace_of(JOBS)
    one, other = begin(trace, 8000), begin(trace, 8000)
    one.started_us[0] = one.sums[0] = one.ends[0] = 7
    assert (other.started_us[0], other.sums[0], other.ends[0]) == (NEVER, 0, 0)
    assert trace.number.tolist() == [0, 1, 2]
    for name, kind in (("tasks", np.int64), ("user", np.int64), ("cpu_milli", np.int64)):
        assert getattr(one, name).dtype == kind
