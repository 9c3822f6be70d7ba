"""Until when waiting work must start: what is next, what is missed, and a plain table under the same changes."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from suanli.kernel.scheduling.core.tables import NEVER
from suanli.kernel.scheduling.deadlines import Deadlines
from suanli.model.ids import WorkloadId
from suanli.model.quantities import Instant


def deadlines(*latest: int) -> Deadlines:
    """Those of workloads from 1 on."""
    found = Deadlines()
    for place, one in enumerate(latest, start=1):
        found.join(WorkloadId(place), one)
    return found


@pytest.mark.parametrize(
    ("latest", "nearest"),
    [
        pytest.param([], NEVER, id="nothing waits"),
        pytest.param([NEVER], NEVER, id="without a deadline"),
        pytest.param([5], 5, id="one"),
        pytest.param([9, 5, 7], 5, id="the nearest of several"),
        pytest.param([NEVER, 5], 5, id="beside one without"),
        pytest.param([5, 5], 5, id="two at once"),
        pytest.param([-3, 5], -3, id="one that was never in time"),
    ],
)
def test_the_nearest_is_next(latest: list[int], nearest: int) -> None:
    assert deadlines(*latest).next == nearest


@pytest.mark.parametrize(
    ("now", "missed"),
    [
        pytest.param(4, [], id="none yet"),
        pytest.param(5, [], id="at its very latest it is in time"),
        pytest.param(6, [2], id="just after it is not"),
        pytest.param(8, [2, 3], id="by id"),
        pytest.param(99, [1, 2, 3], id="all that have one"),
    ],
)
def test_who_cannot_be_in_time_any_more(now: int, missed: list[int]) -> None:
    assert deadlines(9, 5, 7, NEVER).missed(Instant(now)) == missed


def test_to_ask_changes_nothing() -> None:
    found = deadlines(9, 5)
    assert found.missed(Instant(7)) == found.missed(Instant(7)) == [2]
    assert found.next == found.next == 5


def test_who_left_is_passed_over() -> None:
    found = deadlines(5, 7, 9)
    found.leave(WorkloadId(1))
    found.leave(WorkloadId(2))
    assert (found.next, found.missed(Instant(8))) == (9, [])


def test_who_was_not_there_may_leave() -> None:
    found = deadlines(5, NEVER)
    found.leave(WorkloadId(2))
    found.leave(WorkloadId(77))
    assert found.next == 5


@pytest.mark.parametrize(("later", "nearest"), [(3, 3), (8, 7), (NEVER, 7)])
def test_who_comes_again_has_its_last_deadline(later: int, nearest: int) -> None:
    found = deadlines(5, 7)
    found.leave(WorkloadId(1))
    found.join(WorkloadId(1), later)
    assert found.next == nearest


def test_of_two_neither_notices_the_other() -> None:
    one = deadlines(5, 7)
    other = one.copied()
    one.leave(WorkloadId(1))
    other.join(WorkloadId(3), 2)
    assert (one.next, other.next) == (7, 2)
    assert other.missed(Instant(6)) == [1, 3]


class AnyDay(RuleBasedStateMachine):
    """Work comes, leaves and comes again; a dictionary says what is so."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlines = Deadlines()
        self.plain: dict[WorkloadId, int] = {}

    @rule(workload=st.integers(1, 6).map(WorkloadId), latest=st.one_of(st.integers(0, 9), st.just(NEVER)))
    def come(self, workload: WorkloadId, latest: int) -> None:
        self.leave(workload)
        self.deadlines.join(workload, latest)
        self.plain[workload] = latest

    @rule(workload=st.integers(1, 6).map(WorkloadId))
    def leave(self, workload: WorkloadId) -> None:
        self.deadlines.leave(workload)
        self.plain.pop(workload, None)

    @rule()
    def go_on_as_a_copy(self) -> None:
        self.deadlines = self.deadlines.copied()

    @rule(now=st.integers(0, 11))
    def ask(self, now: int) -> None:
        expected = sorted(one for one, latest in self.plain.items() if latest < now)
        assert self.deadlines.missed(Instant(now)) == expected

    @invariant()
    def the_next_is_the_least(self) -> None:
        assert self.deadlines.next == min(self.plain.values(), default=NEVER)


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
