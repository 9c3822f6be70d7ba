"""Power caps where power alone is short: then work starts as on so many processors, told by nothing but counts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.power import (
    drawn,
    keep,
    keep_none,
    lacks,
    most_more,
    powered_from,
    take,
    weigh,
    would_take,
)
from suanli.kernel.scheduling.core.rules import CONSERVATIVE, EASY, NO_BACKFILL
from tests.unit.kernel.scheduling.core.center import Job, Node, Replayed, Shape, replay
from tests.unit.kernel.scheduling.core.days import DAYS, Running, counts, starts_on_counts
from tests.unit.kernel.scheduling.core.test_replay_at_random import easy_on_counts
from tests.unit.kernel.scheduling.steps import asked

PLENTY = 1000
DRAWN = asked(drawn)
WATT = 1000


def capped(watts: int, jobs: Sequence[Job], *, backfill: int = EASY, shortest_first: bool = False) -> Replayed:
    """A center with plenty of nodes, where each thousandth of a cpu draws a watt."""
    replayed = replay([Node(PLENTY, PLENTY)] * 2, jobs, backfill=backfill, shortest_first=shortest_first)
    center = replayed.center
    center.draws[:, 0] = WATT * t.WHOLE
    center.sizes[t.POWER_CAP] = WATT * watts
    center.kinds[center.jobs[: len(jobs), t.KIND], t.DRAWS] = [WATT * job.need * job.shape.cpu for job in jobs]
    return replayed


def lived(replayed: Replayed, watts: int) -> list[int]:
    for _ in replayed.events():
        running = sum(DRAWN(replayed.center, job) for job in replayed.running())
        assert running == replayed.center.sizes[t.POWER_IN_USE] <= WATT * watts
    return [int(start) for start in replayed.course.started_us]


@pytest.mark.slow
@settings(max_examples=DAYS // 4)
@given(counts(), st.booleans())
def test_easy_under_a_cap_is_easy_on_so_many_processors(day: tuple[int, list[Job]], shortest_first: bool) -> None:
    watts, jobs = day
    expected = easy_on_counts(watts, jobs, shortest_first=shortest_first)
    assert lived(capped(watts, jobs, shortest_first=shortest_first), watts) == expected


@pytest.mark.slow
@settings(max_examples=DAYS // 4)
@given(counts())
def test_without_backfilling_nobody_passes_who_lacks_power(day: tuple[int, list[Job]]) -> None:
    watts, jobs = day

    def startable(waiting: Sequence[int], running: Sequence[Running], _: int) -> list[int]:
        free = watts - sum(jobs[job].need for _, _, job in running)
        chosen: list[int] = []
        for job in waiting:
            if jobs[job].need > free:
                break
            chosen.append(job)
            free -= jobs[job].need
        return chosen

    assert lived(capped(watts, jobs, backfill=NO_BACKFILL), watts) == starts_on_counts(jobs, startable)


@pytest.mark.slow
@settings(max_examples=DAYS // 4)
@given(counts(), st.sampled_from([2, 3, CONSERVATIVE]))
def test_with_many_reservations_the_first_that_lacks_power_is_never_delayed(
    day: tuple[int, list[Job]], reservations: int
) -> None:
    watts, jobs = day
    replayed = capped(watts, jobs, backfill=reservations)
    promised: dict[int, int] = {}
    for now in replayed.events():
        started = {job: int(start) for job, start in enumerate(replayed.course.started_us.tolist()) if start < t.NEVER}
        for job, start in promised.items():
            assert started.get(job, now) <= start
        waiting = replayed.queue()
        kept = int(replayed.center.sizes[t.POWER_KEPT_FROM])
        if waiting and kept < t.NEVER and replayed.reserved()[:1] == waiting[:1]:
            promised.setdefault(waiting[0], max(kept, now))
        assert replayed.center.sizes[t.POWER_IN_USE] <= WATT * watts
    assert not replayed.queue()


def holding(watts: int, *limits: int) -> Replayed:
    """Work of 3 W each runs that is to end so late, one more of 5 W waits."""
    jobs = [Job(0, limit, limit, 3) for limit in limits]
    replayed = capped(3 * len(limits), [*jobs, Job(0, 4, 4, 5)])
    for _, _ in zip(limits, replayed.events(), strict=False):
        pass
    assert len(replayed.running()) == len(limits)
    replayed.center.sizes[t.POWER_CAP] = WATT * watts
    return replayed


def test_what_a_job_draws_is_what_it_holds_each_part_rounded_up() -> None:
    shape = Shape(cpu=1, devices=1, share=333, types=frozenset({0}))
    replayed = replay([Node(10, 10, devices=((0, True), (0, True)))], [Job(0, 5, 5, 4, shape)])
    replayed.center.draws[0] = (1500, 1001, 7)
    next(replayed.events())
    assert sorted(replayed.device_holds(0)) == [(0, 0, 999), (0, 1, 333)]
    assert drawn(replayed.center, 0) == 6 + 1000 + 3
    weigh(replayed.center, 0)
    assert replayed.center.jobs[0, t.DRAW] == 0
    replayed.center.sizes[t.POWER_CAP] = 1
    weigh(replayed.center, 0)
    assert replayed.center.jobs[0, t.DRAW] == 1009


@pytest.mark.parametrize(
    ("watts", "beside", "start"),
    [(14, 0, 1), (13, 0, 10), (11, 0, 10), (10, 0, 20), (5, 0, 20), (4, 0, t.NEVER), (11, 1, 20), (14, 1, 10)],
)
def test_power_is_there_once_ends_have_left_enough(watts: int, beside: int, start: int) -> None:
    center = holding(watts, 10, 20, 20).center
    assert lacks(center, 3) == (watts < 14)
    assert powered_from(center, 3, 1, 1, WATT * beside) == start


def test_what_is_past_its_end_ends_soon() -> None:
    center = holding(11, 10, 20, 20).center
    assert powered_from(center, 3, 10, 12, 0) == 12
    assert powered_from(center, 3, 10, 21, 0) == 20
    assert powered_from(center, 3, 25, 30, 0) == 30


def test_what_is_kept_is_taken_only_by_what_runs_past_the_start() -> None:
    center = holding(14, 10, 20, 20).center
    assert not would_take(center, 3, 1)
    keep(center, 3, 10, (1, 1))
    assert center.sizes[[t.POWER_KEPT_FROM, t.POWER_SPARE]].tolist() == [10, 3 * WATT]
    assert [would_take(center, 3, now) for now in (6, 7)] == [False, True]
    center.jobs[3, t.DRAW] = 2 * WATT
    take(center, 3, 6)
    assert center.sizes[t.POWER_SPARE] == 3 * WATT
    take(center, 3, 7)
    assert center.sizes[t.POWER_SPARE] == WATT
    keep_none(center)
    assert not would_take(center, 3, 7)


def test_what_draws_nothing_takes_nothing_however_little_is_left() -> None:
    center = holding(1, 10, 20, 20).center
    center.kinds[center.jobs[3, t.KIND], t.DRAWS] = 0
    center.sizes[[t.POWER_KEPT_FROM, t.POWER_SPARE]] = (2, -5)
    assert not lacks(center, 3)
    assert not would_take(center, 3, 1)
    assert powered_from(center, 3, 1, 1, 0) == 1
    assert most_more(center, 3, True) == t.NEVER


@pytest.mark.parametrize(("watts", "spare", "more"), [(14, 99, 0), (15, 99, 1), (17, 99, 3), (17, 7, 2), (17, 5, 0)])
def test_moldable_work_has_the_tasks_more_that_the_cap_leaves(watts: int, spare: int, more: int) -> None:
    center = holding(watts, 10, 20, 20).center
    center.sizes[t.POWER_SPARE] = WATT * spare
    assert most_more(center, 3, True) == more
    assert most_more(center, 3, False) == watts - 14


def test_who_may_not_have_a_whole_watt_more_is_counted_as_if() -> None:
    replayed = holding(20, 10, 20, 20)
    replayed.center.kinds[replayed.center.jobs[3, t.KIND], t.DRAWS] = 5 * WATT - 4
    # Each of the five counts for 1000 mW, rounded up from 999.2.
    assert most_more(replayed.center, 3, False) == 6
