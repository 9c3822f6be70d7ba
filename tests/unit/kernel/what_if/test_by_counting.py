"""What is foreseen of one node, as it is and after changes of every kind, against a day told by counting alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.plan import Policy, ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.what_if.changes import Bounds, Changes, Submitted
from suanli.kernel.what_if.compare import compare
from suanli.kernel.what_if.outcome import Comparison, Course, Figures, Spread, figures, most_affected
from suanli.model.facts import WorkloadUpdated
from suanli.model.ids import UserName, WorkloadId
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.replay.counting import EVERYBODY, Asked, Day, Node, Rule
from tests.unit.kernel.scheduling.center import BEGIN, SECOND, Center, asks, node

near = pytest.approx


@dataclass(frozen=True)
class Waiting:
    """Work that waits since now: its number, cpus, seconds and priority."""

    number: int
    cpus: int
    limit: int
    priority: int = 0

    def spec(self) -> WorkloadSpec:
        return WorkloadSpec(resources=asks(self.cpus), time_limit_s=self.limit, priority=self.priority)


@dataclass(frozen=True)
class Foreseen:
    """By number, the second of each start; -1 for never."""

    starts: dict[int, int]
    work: int
    """Cpu-seconds of all that starts."""
    last_end: int


def counted(rows: Sequence[Waiting], cpus: int, kept: int) -> Foreseen:
    """Higher priority first, then by number; all runs to its limit, and a turn follows all ends of an instant."""
    queue = sorted(rows, key=lambda row: (-row.priority, row.number))
    asked = [Asked(0, row.limit, row.limit, row.cpus) for row in queue]
    found = Day(asked, Node(cpus), Rule(kept, ends_together=True)).live()
    started = [(row, start) for row, start in zip(queue, found, strict=True) if start >= 0]
    return Foreseen(
        starts={row.number: start for row, start in zip(queue, found, strict=True)},
        work=sum(row.cpus * row.limit for row, _ in started),
        last_end=max((start + row.limit for row, start in started), default=0),
    )


def center_of(rows: Sequence[Waiting], cpus: int, kept: int) -> Center:
    center = Center(policy=Policy(reservations=kept)).with_nodes(node("n0", cpus, 64))
    for row in rows:
        center.add(row.spec())
    return center


def imagined(center: Center, changes: Changes) -> Comparison:
    return compare(snapshot(center.state), center.now, center.policy, changes, Bounds())


def starts_of(course: Course) -> dict[int, int]:
    return {
        int(one): -1 if stay.start is None else int(stay.start - BEGIN) // SECOND for one, stay in course.stays.items()
    }


def agree(course: Course, expected: Foreseen, cpus: int) -> None:
    assert starts_of(course) == expected.starts
    assert course.last_end == BEGIN + expected.last_end * SECOND
    assert course.cpu_part == near(expected.work / (cpus * expected.last_end) if expected.last_end else 0)
    assert course.device_part == 0
    never = {WorkloadId(number) for number, start in expected.starts.items() if start < 0}
    assert course.never == dict.fromkeys(never, ReasonCode.IMPOSSIBLE)
    assert course.preempted == 0


ROWS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 60), st.sampled_from([0, 0, 1, 2])), min_size=1, max_size=9
).map(lambda rows: [Waiting(place, *row) for place, row in enumerate(rows, start=1)])
CPUS = st.integers(2, 8)
KEPT = st.sampled_from([1, 2, 3, EVERYBODY])


@settings(max_examples=20)
@given(ROWS, CPUS, KEPT)
def test_a_center_lives_on_as_counting_has_it(rows: list[Waiting], cpus: int, kept: int) -> None:
    found = imagined(center_of(rows, cpus, kept), Changes())
    agree(found.before, counted(rows, cpus, kept), cpus)
    assert found.before == found.after


@settings(max_examples=20)
@given(ROWS, CPUS, KEPT, st.data())
def test_other_limits_and_priorities_are_as_if_they_had_been_asked_for(
    rows: list[Waiting], cpus: int, kept: int, data: st.DataObject
) -> None:
    changed = {
        row.number: replace(row, limit=data.draw(st.integers(1, 60)), priority=data.draw(st.integers(0, 2)))
        for row in rows
        if data.draw(st.booleans())
    }
    altered = tuple(
        WorkloadUpdated(workload=WorkloadId(number), time_limit_s=row.limit, priority=row.priority)
        for number, row in changed.items()
    )
    found = imagined(center_of(rows, cpus, kept), Changes(altered=altered))
    agree(found.before, counted(rows, cpus, kept), cpus)
    agree(found.after, counted([changed.get(row.number, row) for row in rows], cpus, kept), cpus)


@settings(max_examples=20)
@given(ROWS, CPUS, KEPT, st.data())
def test_what_is_cancelled_is_as_if_it_had_never_come(
    rows: list[Waiting], cpus: int, kept: int, data: st.DataObject
) -> None:
    gone = data.draw(st.sets(st.sampled_from([row.number for row in rows])))
    found = imagined(center_of(rows, cpus, kept), Changes(cancelled=tuple(map(WorkloadId, sorted(gone)))))
    left = [row for row in rows if row.number not in gone]
    agree(found.before, counted(rows, cpus, kept), cpus)
    agree(found.after, counted(left, cpus, kept), cpus)
    assert set(found.waiting) == {row.number for row in left}


@settings(max_examples=20)
@given(ROWS, CPUS, KEPT, ROWS, st.integers(1, 3))
def test_what_is_submitted_stands_behind_what_waits_unless_its_priority_is_higher(
    rows: list[Waiting], cpus: int, kept: int, more: list[Waiting], times: int
) -> None:
    """Each of the new ones several times, under the numbers that follow."""
    submitted = tuple(Submitted(spec=row.spec(), owner=UserName("dan"), times=times) for row in more)
    found = imagined(center_of(rows, cpus, kept), Changes(submitted=submitted))
    each = [row for row in more for _ in range(times)]
    made = [replace(row, number=len(rows) + place) for place, row in enumerate(each, start=1)]
    agree(found.before, counted(rows, cpus, kept), cpus)
    agree(found.after, counted([*rows, *made], cpus, kept), cpus)
    assert list(found.submitted) == [row.number for row in made]


@settings(max_examples=20)
@given(ROWS, CPUS, CPUS, KEPT)
def test_a_node_of_another_size_is_as_if_it_had_always_been_so(
    rows: list[Waiting], cpus: int, other: int, kept: int
) -> None:
    center = center_of(rows, cpus, kept)
    found = imagined(center, Changes(nodes=(replace(node("n0", other, 64), generation=9),)))
    agree(found.before, counted(rows, cpus, kept), cpus)
    agree(found.after, counted(rows, other, kept), other)


def spread(values: Sequence[float]) -> Spread | None:
    """Each rank is the smallest that so large a part does not exceed; amounts are added up in the order of size."""
    if not values:
        return None
    ordered = sorted(values)
    median, p99 = (ordered[ceil(part * len(ordered)) - 1] for part in (0.5, 0.99))
    return Spread(mean=sum(ordered) / len(ordered), median=median, p99=p99, most=ordered[-1])


@settings(max_examples=20)
@given(ROWS, CPUS, KEPT)
def test_figures_of_both_sides_are_those_of_the_starts(rows: list[Waiting], cpus: int, kept: int) -> None:
    """What if everything were asked for half as long? A wait here is the start itself: all waits since now."""
    altered = tuple(
        WorkloadUpdated(workload=WorkloadId(row.number), time_limit_s=max(1, row.limit // 2), priority=row.priority)
        for row in rows
    )
    found = imagined(center_of(rows, cpus, kept), Changes(altered=altered))
    halves = [replace(row, limit=max(1, row.limit // 2)) for row in rows]
    for course, asked in ((found.before, rows), (found.after, halves)):
        starts = counted(asked, cpus, kept).starts
        limits = {row.number: row.limit for row in asked}
        started = {number: start for number, start in starts.items() if start >= 0}
        slow = [max(1.0, (start + limits[one]) / max(limits[one], 10)) for one, start in started.items()]
        assert figures(course, found.waiting) == Figures(
            started=len(started),
            never=len(starts) - len(started),
            wait_s=spread(list(started.values())),
            slowdown=spread(slow),
        )
    before, after = counted(rows, cpus, kept).starts, counted(halves, cpus, kept).starts
    apart = sorted((-abs(after[one] - before[one]), one) for one in before if before[one] != after[one])
    assert most_affected(found, found.waiting, 4) == [one for _, one in apart][:4]


def test_a_night_of_five_by_hand() -> None:
    """Four cpus; a (3 cpus, 100 s), b (4, 50 s), c (1, 100 s), d (1, 101 s) and e (2, 10 s) wait, in this order.

    As it is: a at 0; b at 100; c passes, for it is gone by then; d and e wait for b (150 s), and are done at 251 s.
    Were a cancelled: b at 0; c, d and e at 50 s. Were e urgent: it takes two cpus until 10 s, when a has its three; the
    fourth is c's from now on, and d's only when b, that follows a at 110 s, is done.
    """
    rows = [Waiting(1, 3, 100), Waiting(2, 4, 50), Waiting(3, 1, 100), Waiting(4, 1, 101), Waiting(5, 2, 10)]
    center = center_of(rows, 4, 1)
    cancelled = imagined(center, Changes(cancelled=(WorkloadId(1),)))
    assert starts_of(cancelled.before) == {1: 0, 2: 100, 3: 0, 4: 150, 5: 150}
    assert starts_of(cancelled.after) == {2: 0, 3: 50, 4: 50, 5: 50}
    urgent = WorkloadUpdated(workload=WorkloadId(5), time_limit_s=10, priority=1)
    hurried = imagined(center, Changes(altered=(urgent,)))
    assert starts_of(hurried.after) == {5: 0, 1: 10, 2: 110, 3: 0, 4: 160}
    assert hurried.after.last_end == BEGIN + 261 * SECOND
    assert hurried.after.cpu_part == near((300 + 200 + 100 + 101 + 20) / (4 * 261))
    assert most_affected(hurried, hurried.waiting, 3) == [5, 1, 2]
