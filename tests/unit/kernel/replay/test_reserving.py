"""Replays of centers with advance reservations: random days judged by plain Python after every event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from suanli.kernel.replay.center import CenterDescription, NodeGroup, SetAside, from_mapping
from suanli.kernel.replay.course import EVENTS, TIME
from suanli.kernel.replay.loop import Life, replay
from suanli.kernel.replay.policy import POLICIES, Policy
from suanli.kernel.replay.trace import Column, make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import EASY
from suanli.model.errors import InvalidRequestError
from tests.unit.kernel.replay.test_loop import jobs, nodes, starts
from tests.unit.kernel.scheduling.core.days import DAYS

SECOND = 1_000_000


@dataclass(frozen=True)
class Job:
    submitted: int
    runtime: int
    limit: int
    tasks: int
    cpus: int
    named: str = ""


@dataclass(frozen=True)
class Day:
    cpus: tuple[int, ...]
    """By node."""
    windows: tuple[SetAside, ...]
    jobs: tuple[Job, ...]

    def center(self) -> CenterDescription:
        groups = tuple(
            NodeGroup(prefix=f"n{place}", count=1, cpu_milli=1000 * cpus, memory_bytes=2**30)
            for place, cpus in enumerate(self.cpus)
        )
        return CenterDescription(groups=groups, reservations=self.windows)

    def life(self, policy: Policy) -> Life:
        names = ("", *(one.name for one in self.windows))
        trace = make_trace(
            {
                "number": range(len(self.jobs)),
                "submitted_us": [job.submitted for job in self.jobs],
                "runtime_us": [job.runtime for job in self.jobs],
                "requested_us": [job.limit for job in self.jobs],
                "tasks": [job.tasks for job in self.jobs],
                "cpu_milli": [1000 * job.cpus for job in self.jobs],
                "reservation": [names.index(job.named) for job in self.jobs],
            },
            names={"users": ("ann",), "reservations": names},
        )
        return Life(trace, self.center(), policy)


@st.composite
def reserved_days(draw: st.DrawFn) -> Day:
    cpus = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    windows = []
    for place in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, 40))
        users = frozenset(draw(st.sampled_from([(), (), ("ann",)])))
        node = draw(st.integers(-1, len(cpus) - 1))
        end = start + draw(st.integers(1, 25))
        prefix = "" if node < 0 else f"n{node}"
        windows.append(SetAside(name=f"w{place}", starts_us=start, ends_us=end, prefix=prefix, users=users))
    named = ["", "", *(one.name for one in windows)]
    now, come = 0, []
    for _ in range(draw(st.integers(1, 15))):
        now += draw(st.integers(0, 5))
        limit = draw(st.integers(1, 15))
        runtime = draw(st.integers(1, limit))
        tasks, of = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        come.append(Job(now, runtime, limit, tasks, of, draw(st.sampled_from(named))))
    return Day(cpus, tuple(windows), tuple(come))


@dataclass(frozen=True)
class Laid:
    start: int
    end: int
    held: tuple[tuple[int, int], ...]
    """Nodes, and cpus of each."""


class Judge:
    """What is so between two events, by what jobs hold."""

    def __init__(self, day: Day, life: Life) -> None:
        self.day, self.tables, self.course = day, life.tables, life.course
        self.own = {one.name: one for one in day.windows if one.users}
        center = day.center()
        self.rows = {one.name: set(center.rows_of(one)) for one in day.windows}

    def running(self) -> set[int]:
        return set(self.tables.lists[t.RUNNING, : self.tables.sizes[t.RUNNING_SIZE]].tolist())

    def due(self, job: int) -> int:
        return int(self.course.started_us[job]) + self.day.jobs[job].limit

    def held(self, job: int) -> tuple[tuple[int, int], ...]:
        found, row = [], int(self.tables.jobs[job, t.HOLD])
        while row >= 0:
            found.append((int(self.tables.holds[row, t.HELD_NODE]), int(self.tables.holds[row, t.HELD_CPU]) // 1000))
            row = int(self.tables.holds[row, t.NEXT])
        return tuple(found)

    def allows(self, job: int, node: int, start: int) -> bool:
        """Whether windows let a job be on a node from an instant on for as long as it may run."""
        asked = self.day.jobs[job]
        end, own = start + asked.limit, self.own.get(asked.named)
        if own is not None and not (node in self.rows[own.name] and own.starts_us <= start and end <= own.ends_us):
            return False
        others = [one for one in self.day.windows if one is not own and node in self.rows[one.name]]
        return all(one.ends_us <= start or end <= one.starts_us for one in others)

    def free(self, laid: Sequence[Laid], start: int, end: int) -> list[int]:
        """The least that is free of each node from one instant to another."""
        least = list(self.day.cpus)
        for instant in {start, *(one.start for one in laid if start < one.start < end)}:
            there = list(self.day.cpus)
            for one in laid:
                if one.start <= instant < one.end:
                    for node, cpus in one.held:
                        there[node] -= cpus
            least = [min(pair) for pair in zip(least, there, strict=True)]
        return least

    def fits(self, laid: Sequence[Laid], job: int, start: int, *, for_good: bool = True) -> bool:
        """Whether there is room for a job from an instant on, or at it alone."""
        asked = self.day.jobs[job]
        free = self.free(laid, start, start + (asked.limit if for_good else 1))
        there = sum(cpus // asked.cpus for node, cpus in enumerate(free) if self.allows(job, node, start))
        return there >= asked.tasks

    def candidates(self, laid: Sequence[Laid], now: int) -> list[int]:
        windows = {at for one in self.day.windows for at in (one.starts_us, one.ends_us) if at > now}
        return sorted({now, *(one.end for one in laid), *windows})

    def is_open(self, job: int, now: int) -> bool:
        asked = self.day.jobs[job]
        own = self.own.get(asked.named)
        return own is None or own.starts_us <= now <= own.ends_us - asked.limit


@pytest.mark.slow
@settings(max_examples=max(DAYS // 8, 1))
@given(reserved_days(), st.sampled_from(["none", "easy", 2, "conservative"]), st.booleans())
def test_nobody_runs_into_a_reservation_and_everybody_has_the_first_start_that_it_leaves(
    day: Day, backfill: str | int, is_shortest_first: bool
) -> None:
    policy = Policy(backfill=backfill, shortest_first=is_shortest_first and backfill == "easy")
    life, at_once = day.life(policy), day.life(policy)
    while at_once.go_on(10**6):
        pass
    before: set[int] = set()
    while life.go_on(1):
        judge = Judge(day, life)
        now = int(life.course.history[TIME, life.course.at[EVENTS] - 1])
        _check_running(judge, now)
        reservations = {"none": 0, "easy": EASY, 2: 2, "conservative": 2**62}[backfill]
        if reservations > EASY:
            _check_many(judge, now, before, reservations)
        elif reservations == EASY:
            _check_easy(judge, now, before)
        before = judge.running()
    # Left to itself as far as it may go, the loop does the same.
    assert at_once.course.started_us.tolist() == life.course.started_us.tolist()
    judge = Judge(day, life)
    for job in t.queued(life.tables).tolist() if backfill != "none" else ():
        last = 10**6
        assert day.jobs[job].named in judge.own or not judge.fits([], job, last)


def _laid(judge: Judge, job: int, now: int) -> Laid:
    start = int(judge.course.started_us[job])
    return Laid(start, max(judge.due(job), now + (start < now)), judge.held(job))


def _check_running(judge: Judge, now: int) -> None:
    laid = [_laid(judge, job, now) for job in judge.running()]
    assert min(judge.free(laid, now, now + 1)) >= 0
    for job in judge.running():
        start = int(judge.course.started_us[job])
        assert all(judge.allows(job, node, start) for node, _ in judge.held(job))
        assert sum(cpus for _, cpus in judge.held(job)) == judge.day.jobs[job].tasks * judge.day.jobs[job].cpus


def _check_easy(judge: Judge, now: int, before: set[int]) -> None:
    """Whoever waits has no room, or would hold up the first that has none."""
    running, queue = judge.running(), t.queued(judge.tables).tolist()
    laid = [_laid(judge, job, now) for job in running]
    waiting = [job for job in queue if judge.is_open(job, now)]
    could = [job for job in waiting if judge.fits(laid, job, now, for_good=False)]
    if not could:
        return
    head, start = int(judge.tables.sizes[t.HEAD]), int(judge.tables.sizes[t.HEAD_START])
    assert head in waiting
    earlier = [_laid(judge, job, now) for job in running if job in before or job < head]
    assert not judge.fits(earlier, head, now, for_good=False)
    instants = [at for at in judge.candidates(earlier, now) if now < at < start]
    assert all(not judge.fits([one for one in earlier if one.end > at], head, at, for_good=False) for at in instants)
    # What is due now is gone when the head starts, be that now: at the next of several ends at this instant.
    staying = [one for job, one in zip(running, laid, strict=True) if judge.due(job) > start]
    assert judge.fits(staying, head, start, for_good=False)
    assert all(now + judge.day.jobs[job].limit > start for job in could)


def _check_many(judge: Judge, now: int, before: set[int], reservations: int) -> None:
    """In order, everybody has the first start beside all in front, as long as there are reservations."""
    running = judge.running()
    laid = [_laid(judge, job, now) for job in before & running]
    booked: dict[int, list[list[int]]] = {}
    for row in judge.tables.booked[: judge.tables.sizes[t.BOOKED]].tolist():
        # A row that begins never says only what is in the way of a job.
        if row[t.BOOKED_START] < t.NEVER:
            booked.setdefault(row[t.BOOKED_JOB], []).append(row)
    left = reservations
    for job in sorted({*(running - before), *t.queued(judge.tables).tolist()}):
        limit = judge.day.jobs[job].limit
        if job in running:
            start, held = now, judge.held(job)
        elif job in booked:
            start, left = booked[job][0][t.BOOKED_START], left - 1
            rows = [row[t.BOOKED_HOLD :] for row in booked[job]]
            held = tuple((row[t.HELD_NODE], row[t.HELD_CPU] // 1000) for row in rows)
            assert all(judge.allows(job, node, start) for node, _ in held)
        else:
            instants = judge.candidates(laid, now) if left else [now]
            assert not judge.is_open(job, now) or all(not judge.fits(laid, job, at) for at in instants)
            continue
        assert all(not judge.fits(laid, job, at) for at in judge.candidates(laid, now) if at < start)
        laid.append(Laid(start, start + limit, held))
        assert min(judge.free(laid, start, start + limit)) >= 0


def test_work_keeps_off_maintenance_before_and_while_it_lasts_and_a_turn_is_taken_at_its_end() -> None:
    set_aside = SetAside(name="repair", starts_us=10 * SECOND, ends_us=20 * SECOND, prefix="n", first=2)
    center = CenterDescription(groups=nodes(4).groups, reservations=(set_aside,))
    trace = jobs((0, 10, 10, 4), (1, 5, 5, 2), (2, 5, 5, 3))
    assert starts(replay(trace, center, POLICIES["easy"])) == [0, 10, 20]
    assert starts(replay(trace, center, POLICIES["conservative"])) == [0, 10, 20]
    # Eleven seconds would reach into it.
    assert starts(replay(jobs((0, 1, 11, 4)), center, POLICIES["easy"])) == [20]


def test_work_that_names_a_reservation_runs_in_it_and_nobody_else_does() -> None:
    set_aside = SetAside(
        name="course", starts_us=10 * SECOND, ends_us=20 * SECOND, prefix="n", count=2, users=frozenset(["ann"])
    )
    center = CenterDescription(groups=nodes(4).groups, reservations=(set_aside,))
    columns: dict[Column, ArrayLike] = {
        "number": range(4),
        "submitted_us": np.zeros(4, dtype=np.int64),
        "runtime_us": np.full(4, 5 * SECOND),
        "requested_us": np.array([5, 5, 5, 15]) * SECOND,
        "tasks": [2, 2, 2, 1],
        "user": [0, 0, 1, 1],
        "reservation": [1, 1, 1, 0],
    }
    trace = make_trace(columns, names={"users": ("ann", "bob"), "reservations": ("", "course")})
    outcome = replay(trace, center, POLICIES["easy"])
    # Bob may not use the course's nodes, so his work is as if it had named nothing.
    assert starts(outcome) == [10, 15, 0, 0]


def test_work_whose_reservation_is_not_open_holds_up_nobody_and_has_no_place_kept() -> None:
    set_aside = SetAside(
        name="course", starts_us=30 * SECOND, ends_us=90 * SECOND, prefix="n", count=1, users=frozenset([""])
    )
    center = CenterDescription(groups=nodes(4).groups, reservations=(set_aside,))
    rows = [(0, 20, 20, 3), (1, 5, 5, 1), (2, 5, 5, 4), (3, 10, 10, 1), (4, 100, 100, 1)]
    named = np.array([0, 1, 0, 0, 0], dtype=np.int32)
    trace = replace(jobs(*rows), reservation=named, reservations=("", "course"))
    assert starts(replay(trace, center, POLICIES["fcfs"])) == [0, 30, 20, 25, 25]
    # The head is the third, which needs all; so the last, which would run into it, waits behind it.
    assert starts(replay(trace, center, POLICIES["easy"])) == [0, 30, 20, 3, 25]
    assert starts(replay(trace, center, POLICIES["conservative"])) == [0, 30, 20, 3, 25]


def test_a_center_in_yaml_may_set_nodes_aside_and_say_who_may_expect_how_much() -> None:
    group = {"prefix": "gpu", "count": 4, "cpus": 8, "memory": "1GiB"}
    document = {
        "nodes": [group, group | {"prefix": "cpu"}],
        "reservations": [
            {"name": "r", "start": "1d", "end": "1d2h", "nodes": {"prefix": "cpu", "first": 1, "count": 2}}
        ],
        "shares": {"physics": 3, 17: 0},
    }
    center = from_mapping(document)
    (one,) = center.reservations
    assert (one.starts_us, one.ends_us, center.rows_of(one)) == (86_400 * SECOND, 93_600 * SECOND, [5, 6])
    assert center.shares == {"physics": 3, "17": 0}
    assert center.rows_of(SetAside(name="all", starts_us=0, ends_us=1)) == list(range(8))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"reservations": [{"name": "r", "start": "2h", "end": "1h"}]}, "reservations.0.end"),
        ({"reservations": [{"name": "r", "start": "soon", "end": "1h"}]}, "reservations.0.start"),
        ({"reservations": [{"start": "1h", "end": "2h"}]}, "reservations.0.name"),
        ({"reservations": [{"name": "r", "start": 0, "end": 9, "nodes": {"prefix": "x"}}]}, "reservations"),
        ({"reservations": 2 * [{"name": "r", "start": 0, "end": 9}]}, "reservations"),
        ({"shares": [1]}, "shares"),
        ({"shares": {"a": -1}}, "shares.a"),
    ],
)
def test_what_cannot_be_is_named(more: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        from_mapping({"nodes": [{"cpus": 1, "memory": "1GiB"}]} | more)
    assert caught.value.field == field
