"""The virtual clock: the order of events, how far one call goes, and the sums that are written down after each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay import course as c
from suanli.kernel.replay.advance import advance
from suanli.kernel.replay.course import Course, begin
from suanli.kernel.replay.loop import build, replay
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.policy import Policy
from suanli.kernel.scheduling.core import tables as t
from tests.unit.kernel.replay.plain import CPUS, SECOND, Job, center_of, seconds, trace_of

EVERYTHING = 10**6


@dataclass
class Going:
    """A replay that is taken forward step by step."""

    jobs: Sequence[Job]
    policy: Policy = Policy()

    def __post_init__(self) -> None:
        trace, center = trace_of(self.jobs), center_of()
        self.rules, self.ways = self.policy.rules(len(trace)), self.policy.ways()
        self.tables = build(trace, center, self.rules.reservations)
        self.course: Course = begin(trace, center.cpu_milli)

    def on(self, events: int = EVERYTHING, first: int = t.NEVER) -> int:
        return int(advance(self.tables, self.course, self.rules, self.ways, first, events, t.NEVER))

    def noted(self) -> list[tuple[int, ...]]:
        """After each event: second, cpus held, jobs that wait, jobs that run, cpus waited for."""
        rows = self.course.history[:, : self.course.at[c.EVENTS]]
        found = (
            rows[c.TIME] // SECOND,
            rows[c.ALLOCATED_CPU] // 1000,
            rows[c.WAITING],
            rows[c.RUNNING],
            rows[c.WAITING_CPU] // 1000,
        )
        return [tuple(row) for row in np.stack(found, axis=1).tolist()]


DAY = [Job(0, 10, 10, 6), Job(2, 4, 4, 4), Job(2, 3, 3, 1), Job(12, 1, 1, 8)]


def test_a_turn_may_be_taken_though_nothing_comes() -> None:
    going = Going(DAY)
    going.on(1)
    assert going.on(0, first=1 * SECOND) == 0
    assert going.noted() == [(0, 6, 0, 1, 0), (1, 6, 0, 1, 0)]


def test_every_submission_and_every_end_is_an_event_with_its_sums() -> None:
    going = Going(DAY)
    assert going.on() == 8
    assert going.noted() == [
        (0, 6, 0, 1, 0),  # the first starts
        (2, 6, 1, 1, 4),  # the second is too wide beside it
        (2, 7, 1, 2, 4),  # the third passes: it is gone before the first
        (5, 6, 1, 1, 4),
        (10, 4, 0, 1, 0),  # the second starts
        (12, 4, 1, 1, 8),
        (14, 8, 0, 1, 0),
        (15, 0, 0, 0, 0),
    ]
    assert seconds(going.course.started_us) == [0, 10, 2, 14]
    assert seconds(going.course.ended_us) == [10, 14, 5, 15]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 8, 100])
def test_it_goes_as_far_as_it_is_told_and_on_from_there(step: int) -> None:
    going, counts = Going(DAY), []
    while more := going.on(step):
        counts.append(more)
    assert sum(counts) == 8
    assert set(counts[:-1]) <= {step}
    assert going.on() == 0
    whole = Going(DAY)
    whole.on()
    assert going.noted() == whole.noted()


def test_no_events_are_lived_through_when_none_are_asked_for() -> None:
    going = Going(DAY)
    assert going.on(0) == 0
    assert (going.noted(), int(going.course.at[c.SUBMITTED])) == ([], 0)


def test_of_no_jobs_nothing_comes() -> None:
    assert Going([]).on() == 0


@pytest.mark.parametrize(
    ("jobs", "times"),
    [
        pytest.param([Job(0, 5, 5, 8), Job(5, 1, 1, 8)], [0, 5, 5, 6], id="an end and a submission at one instant"),
        pytest.param([Job(0, 5, 5, 4), Job(0, 5, 5, 4)], [0, 0, 5, 5], id="two ends at one instant"),
        pytest.param([Job(3, 1, 1), Job(3, 1, 1), Job(3, 1, 1)], [3, 3, 3, 4, 4, 4], id="three submissions at once"),
    ],
)
def test_events_of_one_instant_are_each_an_event(jobs: list[Job], times: list[int]) -> None:
    going = Going(jobs)
    going.on()
    assert [time for time, *_ in going.noted()] == times


def test_at_one_instant_ends_come_before_submissions() -> None:
    going = Going([Job(0, 5, 5, 8), Job(5, 1, 1, 8)])
    going.on()
    # Had the submission come first, something would have waited for a moment.
    assert [waiting for _, _, waiting, _, _ in going.noted()] == [0, 0, 0, 0]


def test_ends_of_one_instant_come_in_the_order_of_their_starts() -> None:
    # Both end at 10 s: the one that started first of the second user, then the one that started later.
    jobs = [Job(0, 10, 10, 4, user=1), Job(4, 6, 6, 4, user=0)]
    going = Going(jobs)
    going.on(3)
    assert going.course.past.ended[:2].tolist() == [0, 1]
    going.on(1)
    assert going.course.past.ended[:2].tolist() == [1, 1]


def test_what_runs_for_ever_is_never_an_event() -> None:
    going = Going([Job(0, 10, 10, 4), Job(1, t.NEVER // SECOND + 1 - 1, 10, 4), Job(2, 3, 3, 8)])
    going.course.runtime_us[1] = t.NEVER
    assert going.on() == 4
    assert seconds(going.course.ended_us) == [10, -1, -1]
    assert going.noted()[-1] == (10, 4, 1, 1, 8)


def test_what_ended_is_what_predictions_know() -> None:
    going = Going([Job(0, 3, 60, 2, user=2), Job(0, 5, 9, 4, user=2)])
    going.on()
    past = going.course.past
    assert past.ended[:3].tolist() == [0, 0, 2]
    assert (past.runtime_us[2, :2] // SECOND).tolist() == [3, 5]
    assert (past.requested_us[2, :2] // SECOND).tolist() == [60, 9]
    assert past.size_milli[2, :2].tolist() == [2000, 4000]
    assert (int(past.total[0]), past.parts[:2].tolist()) == (2, [3 / 60, 5 / 9])


def outliving(request: int, last: int) -> list[Job]:
    """Two runs of a second, then one that lasts; behind it a head of another user and what may pass it at 6 s."""
    short = [Job(0, 1, request, 1), Job(2, 1, request, 1)]
    return [*short, Job(4, min(request, 50), request, 4), Job(5, 5, 5, 8, user=1), Job(6, last, last, 4, user=2)]


@pytest.mark.parametrize(
    ("jobs", "starts"),
    [
        # Believed to take a second like the two before, it is found running after one and taken to need a minute more.
        pytest.param(outliving(300, 59), [0, 2, 4, 65, 6], id="it is prolonged by a minute, within which others pass"),
        pytest.param(outliving(300, 60), [0, 2, 4, 54, 59], id="and no longer than that"),
        pytest.param(outliving(20, 18), [0, 2, 4, 24, 6], id="never past its request"),
        pytest.param(outliving(20, 19), [0, 2, 4, 24, 29], id="which bounds those who pass"),
    ],
)
def test_a_run_that_outlives_what_was_believed_is_believed_anew(jobs: list[Job], starts: list[int]) -> None:
    going = Going(jobs, Policy(prediction="last_two", believed=True))
    going.on()
    assert seconds(going.course.started_us) == starts


def test_predictions_that_are_not_believed_leave_limits_as_they_were_asked_for() -> None:
    jobs = [Job(0, 1, 300, 1), Job(2, 1, 300, 1), Job(4, 50, 300, 4)]
    for believed, limit in ((True, 1), (False, 300)):
        going = Going(jobs, Policy(prediction="last_two", believed=believed))
        going.on(5)
        assert going.tables.jobs[2, t.LIMIT] == limit * SECOND


ROWS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 15), st.integers(0, 15), st.integers(1, CPUS + 1)), max_size=20
).map(lambda rows: [Job(s, r, r + more, cpus) for s, r, more, cpus in sorted(rows, key=lambda row: row[0])])
POLICIES = [Policy(), Policy(backfill="none"), Policy(backfill="conservative"), Policy(order="wfp3")]


@settings(max_examples=150)
@given(ROWS, st.sampled_from(POLICIES))
def test_sums_are_what_starts_and_ends_add_up_to(jobs: list[Job], policy: Policy) -> None:
    outcome = replay(trace_of(jobs), center_of(), policy)
    starts, ends = seconds(outcome.started_us), seconds(outcome.ended_us)
    assert [end - start for start, end in zip(starts, ends, strict=True) if start >= 0] == [
        job.runtime for job, start in zip(jobs, starts, strict=True) if start >= 0
    ]
    instants = sorted({job.submitted for job in jobs} | {end for end in ends if end >= 0})
    assert seconds(outcome.time_us) == instants
    for place, instant in enumerate(instants):
        _agree(outcome, place, instant, jobs, starts)


def _agree(outcome: Outcome, place: int, instant: int, jobs: Sequence[Job], starts: Sequence[int]) -> None:
    runs = [job for job, start in zip(jobs, starts, strict=True) if 0 <= start <= instant < start + job.runtime]
    waits = [
        job
        for job, start in zip(jobs, starts, strict=True)
        if job.submitted <= instant and (start < 0 or start > instant)
    ]
    assert outcome.running[place] == len(runs)
    assert outcome.waiting[place] == len(waits)
    assert outcome.cpu_milli[place] == 1000 * sum(job.cpus for job in runs) <= 1000 * CPUS
    assert outcome.waiting_cpu_milli[place] == 1000 * sum(job.cpus for job in waits)


@given(st.lists(st.integers(1, 200), max_size=60))
def test_however_many_run_their_ends_come_one_after_the_other(runtimes: list[int]) -> None:
    jobs = [Job(0, runtime, 200) for runtime in runtimes]
    outcome = replay(trace_of(jobs), center_of(64), Policy())
    ends = sorted(runtimes)
    times = sorted({0, *runtimes}) if runtimes else []
    assert seconds(outcome.time_us) == times
    assert outcome.running.tolist() == [sum(end > time for end in ends) for time in times]
