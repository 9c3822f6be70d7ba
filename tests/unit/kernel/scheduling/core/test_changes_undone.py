"""Turns that are taken back with all that they may have done: forms, tasks beyond the need, licenses, power, leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.many import plan_many
from suanli.kernel.scheduling.core.rules import EASY, NO_BACKFILL, Rules
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, device_holds, free, holds, run, running, small

NEVER, NOBODY = t.NEVER, t.NOBODY
ONE = frozenset({0})
CARD = Shape(1, 1, 1, 500, ONE)
LASTING = ("nodes", "devices", "jobs", "bounds", "licenses", "asks", "windows", "draws", "keys", "associations")
"""Tables of what is so, and not of what is remembered or was chosen."""


def as_it_was(before: t.Center, after: t.Center) -> None:
    """Nothing that is so is otherwise; what is remembered, and rows that nobody has, may be."""
    for name in LASTING:
        one, other = getattr(before, name).copy(), getattr(after, name).copy()
        if name == "nodes":
            for table in (one, other):
                table[:, [t.LAST, t.IS_KEPT, t.LOOKED_AT]] = 0
        if name == "jobs":
            for table in (one, other):
                # When a job would have ended, and what it would have drawn, matters only while it runs.
                runs = np.isin(np.arange(len(table)), running(before))
                table[~runs, t.END] = table[~runs, t.DRAW] = 0
        if name == "licenses":
            for table in (one, other):
                # What was kept is of a turn that is over.
                table[:, [t.KEPT_TURN, t.KEPT_FROM, t.SPARE, t.KEPT_FOR, t.THEN]] = 0
        assert np.array_equal(one, other), name
    jobs = range(before.jobs.shape[0])
    assert [holds(before, job) for job in jobs] == [holds(after, job) for job in jobs]
    assert [device_holds(before, job) for job in jobs] == [device_holds(after, job) for job in jobs]
    assert running(before) == running(after)
    assert t.queued(before).tolist() == t.queued(after).tolist()
    counted = [t.KINDS, t.WAITING_SIZE, t.RUNNING_SIZE, t.PREEMPTIBLES, t.POWER_IN_USE, t.POWER_CAP]
    assert before.sizes[counted].tolist() == after.sizes[counted].tolist()
    assert before.kinds[:, t.WAITING_OF].tolist() == after.kinds[:, t.WAITING_OF].tolist()


def there_and_back(center: t.Center, rules: Rules, now: int = 0) -> list[int]:
    """Take a turn and take it back; who was started by it."""
    before, started = center.copied(), np.zeros(center.jobs.shape[0], dtype=np.int64)
    take = plan_many if rules.reservations > EASY else changes.plan
    decided = take(center, now, now + 1, rules, started)
    jobs = [int(job) for job in started[: decided.started]]
    leaving = center.lists[t.LEAVING, : center.sizes[t.LEAVING_SIZE]].tolist()
    assert set(jobs) <= set(running(center))
    ends = np.array([before.jobs[job, t.END] for job in leaving], dtype=np.int64)
    changes.undo(center, started[: decided.started], ends)
    as_it_was(before, center)
    return jobs


RULES = Rules(BEST_FIT, EASY, 99)


def test_tasks_beyond_the_need_are_given_back_to_room_and_to_bounds() -> None:
    center = small([Node(9)], [Job(limit=9, need=2), Job()])
    center.jobs[0, t.MORE] = 4
    center.associations[0, 0] = 0
    center.asks[0, : t.AMOUNTS] = (1, 2, 2, 0)
    center.bounds[0, t.MOST, t.CPU_ASKED] = 5
    changes.wait(center, 0)
    for _ in range(2):
        # Again and again it gets the same: nothing of it is left from the time before.
        assert there_and_back(center, RULES) == [0]
    assert center.jobs[0, t.GIVEN] == 0
    assert center.bounds[0, t.ACTIVE].tolist() == [0] * 4
    started = np.zeros(2, dtype=np.int64)
    changes.plan(center, 0, 1, RULES, started)
    assert holds(center, 0) == [(0, 5, 5, 5, 0)]
    assert center.bounds[0, t.ACTIVE].tolist() == [1, 5, 5, 0]


def test_licenses_and_power_are_given_back() -> None:
    center = small([Node(9)], [Job(limit=9), Job(limit=9), Job(limit=9)], licenses=1)
    center.licenses[0, t.TOTAL] = 3
    center.asks[:3, t.AMOUNTS] = (2, 2, 1)
    center.draws[0, 0] = 5000
    center.kinds[:3, t.DRAWS] = 5
    changes.cap_power(center, 12)
    for job in range(3):
        changes.wait(center, job)
    # The second lacks the license that the first has.
    started = there_and_back(center, RULES)
    assert started[0] == 0
    assert 1 not in started
    assert (center.licenses[0, t.IN_USE], center.sizes[t.POWER_IN_USE]) == (0, 0)


@pytest.mark.parametrize("reservations", [EASY, 3])
def test_who_was_asked_to_leave_stays(reservations: int) -> None:
    center = small([Node(4)], [Job(limit=9, need=3), *[Job(preemptible=True)] * 2], booked=9)
    center.keys[0, :3] = (0, 5, 5)
    for job in (1, 2):
        run(center, job, 50, {0: 2}, started=job)
    changes.wait(center, 0)
    before = center.copied()
    started = np.zeros(3, dtype=np.int64)
    rules = Rules(BEST_FIT, reservations, 99, preempt=True)
    take = plan_many if reservations > EASY else changes.plan
    take(center, 0, 1, rules, started)
    assert center.lists[t.LEAVING, : center.sizes[t.LEAVING_SIZE]].tolist() == [2, 1]
    assert [int(center.jobs[job, t.END]) for job in (1, 2)] == [t.LEAVES] * 2
    changes.undo(center, started[:0], np.array([50, 50], dtype=np.int64))
    as_it_was(before, center)
    assert center.sizes[t.LEAVING_SIZE] == 0


def in_forms(nodes: Sequence[Node], forms: Sequence[Job], *others: Job) -> t.Center:
    """Job 0 waits in these forms; then others wait, each of its own kind."""
    jobs = [*forms, *others, Job()]
    center = small(nodes, jobs)
    center.jobs[:, t.OTHER] = NOBODY
    center.jobs[: len(forms) - 1, t.OTHER] = range(1, len(forms))
    center.jobs[:, t.START_BY] = NEVER
    center.kinds[len(jobs) - 1, t.OF_SHAPE] = NOBODY
    center.jobs[0, t.KIND] = len(jobs) - 1
    for job in (0, *range(len(forms), len(jobs) - 1)):
        changes.wait(center, job)
    return center


def test_work_that_started_in_its_second_form_waits_in_both_again() -> None:
    center = in_forms([Node(4)], [Job(limit=9, need=5), Job(limit=9, need=3)], Job(limit=9))
    assert there_and_back(center, RULES) == [1, 2]
    assert t.queued(center).tolist() == [0, 2]
    assert center.kinds[:3, t.WAITING_OF].tolist() == [1, 1, 1]
    assert free(center, 0) == (4, 100, 0, 0)


@pytest.mark.parametrize(
    ("head", "gone", "left"),
    [
        pytest.param(0, 0, NOBODY, id="for its first form"),
        pytest.param(1, 0, NOBODY, id="for its second: the row may be another's next"),
        pytest.param(2, 0, 2, id="for somebody else"),
        pytest.param(1, 2, 1, id="somebody else goes, though its row leads on by chance"),
    ],
)
def test_a_place_kept_for_any_form_of_who_is_gone_is_kept_no_more(head: int, gone: int, left: int) -> None:
    center = in_forms([Node(4)], [Job(need=5), Job(need=9)], Job())
    # What stands there in rows of one form alone means nothing.
    center.jobs[2, t.OTHER] = 1
    center.sizes[t.HEAD] = head
    changes.wait_no_longer(center, gone)
    assert center.sizes[t.HEAD] == left


ASKED = st.tuples(st.integers(1, 6), st.integers(1, 20), st.sampled_from(["plain", "card", "moldable", "yields"]))


@settings(max_examples=60)
@given(
    st.lists(ASKED, min_size=1, max_size=6),
    st.lists(ASKED, max_size=3),
    st.sampled_from([NO_BACKFILL, EASY, 2, 99]),
    st.booleans(),
    st.integers(0, 30),
)
def test_any_turn_that_is_taken_back_leaves_the_tables_as_they_were(
    waits: list[tuple[int, int, str]],
    runs: list[tuple[int, int, str]],
    reservations: int,
    preempt: bool,
    cap: int,
) -> None:
    nodes = [Node(6, devices=((0, True), (0, True))), Node(4)]
    jobs = [
        Job(limit=limit, need=need, shape=CARD if kind == "card" else Shape(), preemptible=kind == "yields")
        for need, limit, kind in (*waits, *runs)
    ]
    center = small(nodes, jobs, shapes=[Shape(), CARD], licenses=1, booked=32)
    center.licenses[0, t.TOTAL] = 2
    center.draws[:, 0] = 1000
    for job, (need, end, kind) in enumerate((*waits, *runs)):
        center.jobs[job, t.MORE] = 3 if kind == "moldable" else 0
        center.asks[job, t.AMOUNTS] = int(kind == "plain")
        center.keys[:2, job] = (int(kind == "yields"), need)
        center.kinds[job, t.DRAWS] = need
        if job >= len(waits) and min(need, 2) <= center.nodes[0, t.FREE_CPU]:
            run(center, job, end, {0: min(need, 2)})
    if cap:
        changes.cap_power(center, cap)
    for job in range(len(waits)):
        changes.wait(center, job)
    rules = Rules(BEST_FIT, reservations, 99, preempt=preempt)
    first = there_and_back(center, rules)
    # And it is decided again in the same way.
    assert there_and_back(center, rules) == first


def test_a_turn_that_decided_nothing_leaves_even_what_is_chosen_from() -> None:
    center = small([Node(4)], [Job(need=2)])
    before = center.copied()
    started = np.zeros(1, dtype=np.int64)
    changes.plan(center, 0, 1, RULES, started)
    changes.undo(center, started[:0], center.sizes[:0])
    assert changed(before, center) <= {"sizes", "scratch"}
