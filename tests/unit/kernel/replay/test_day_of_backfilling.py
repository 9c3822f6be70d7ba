"""One day of six jobs on ten cpus under three ways to backfill, every figure of it worked out on paper.

Idle the node draws 100 W, and every busy cpu 20 W more. Ann's are the first, third and fifth job, Bob's the others::

    job   comes  runs  asks  cpus
    a     0      100   100   6
    b     10     50    60    6     waits for a, whatever the policy
    c     20     70    80    4     beside a there are four cpus, and it asks to be gone when a is
    d     30     30    30    2
    e     40     200   200   4
    f     50     60    60    2

Nobody passes: b and c start when a ends (100 s); d and e when b does (150 s); f when c does (170 s).

EASY: c passes at 20 s. When it ends (90 s), d and f take its cpus: neither delays b, which will find four beside a's
six. At 100 s b starts, and e is the head: it needs four, d gives two at 120 s, and f two more at 150 s.

For two, or for everybody: as before until 90 s, when d passes but f must not, for e has been promised its four cpus for
120 s. So e starts at 120 s, 30 s earlier, and f when b ends (150 s), 60 s later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from suanli.kernel.replay import metrics
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.policy import POLICIES, Policy
from suanli.kernel.replay.resources import resources
from tests.unit.kernel.replay.counting import Asked, Node, trace_of
from tests.unit.kernel.replay.plain import seconds

near = pytest.approx
NODE = Node(10, watts=20, idle_w=100)
TRACE = trace_of(
    [
        Asked(0, 100, 100, 6, user=0),
        Asked(10, 50, 60, 6, user=1),
        Asked(20, 70, 80, 4, user=0),
        Asked(30, 30, 30, 2, user=1),
        Asked(40, 200, 200, 4, user=0),
        Asked(50, 60, 60, 2, user=1),
    ],
    users=2,
)
CPU_SECONDS = 6 * 100 + 6 * 50 + 4 * 70 + 2 * 30 + 4 * 200 + 2 * 60
"""2,160 whatever the policy: Ann's 1,680 and Bob's 480."""


@dataclass(frozen=True)
class Day:
    """What came of it by hand: seconds, cpus, and cpu-seconds that were free while somebody waited for them."""

    starts: list[int]
    ends: list[int]
    waits: list[int]
    slowdowns: list[float]
    curve: list[tuple[int, int, int, int]]
    """After each instant: the second, cpus held, cpus waited for, jobs waiting."""
    lost: int
    intervals: list[float]
    """Cpus held in each of as many equal parts of the day."""


NOBODY_PASSES = Day(
    starts=[0, 100, 100, 150, 150, 170],
    ends=[100, 150, 170, 180, 350, 230],
    waits=[0, 90, 80, 120, 110, 120],
    slowdowns=[1, 140 / 50, 150 / 70, 150 / 30, 310 / 200, 180 / 60],
    curve=[
        (0, 6, 0, 0),
        (10, 6, 6, 1),
        (20, 6, 10, 2),
        (30, 6, 12, 3),
        (40, 6, 16, 4),
        (50, 6, 18, 5),
        (100, 10, 8, 3),  # b and c; d, e and f wait
        (150, 10, 2, 1),  # c, d and e
        (170, 8, 0, 0),  # d, e and f
        (180, 6, 0, 0),
        (230, 4, 0, 0),
        (350, 0, 0, 0),
    ],
    lost=4 * 90,
    intervals=[6, 6, 10, (10 * 20 + 8 * 10 + 6 * 20) / 50, (6 * 30 + 4 * 20) / 50, 4, 4],
)
EASY = Day(
    starts=[0, 100, 20, 90, 150, 90],
    ends=[100, 150, 90, 120, 350, 150],
    waits=[0, 90, 0, 60, 110, 40],
    slowdowns=[1, 140 / 50, 1, 90 / 30, 310 / 200, 100 / 60],
    curve=[
        (0, 6, 0, 0),
        (10, 6, 6, 1),
        (20, 10, 6, 1),
        (30, 10, 8, 2),
        (40, 10, 12, 3),
        (50, 10, 14, 4),
        (90, 10, 10, 2),  # a, d and f; b and e wait
        (100, 10, 4, 1),  # b, d and f
        (120, 8, 4, 1),
        (150, 4, 0, 0),  # e alone
        (350, 0, 0, 0),
    ],
    lost=4 * 10 + 2 * 30,
    intervals=[(6 * 20 + 10 * 30) / 50, 10, (10 * 20 + 8 * 30) / 50, 4, 4, 4, 4],
)
PROMISED = Day(
    starts=[0, 100, 20, 90, 120, 150],
    ends=[100, 150, 90, 120, 320, 210],
    waits=[0, 90, 0, 60, 80, 100],
    slowdowns=[1, 140 / 50, 1, 90 / 30, 280 / 200, 160 / 60],
    curve=[
        (0, 6, 0, 0),
        (10, 6, 6, 1),
        (20, 10, 6, 1),
        (30, 10, 8, 2),
        (40, 10, 12, 3),
        (50, 10, 14, 4),
        (90, 8, 12, 3),  # a and d; b, e and f wait
        (100, 8, 6, 2),  # b and d
        (120, 10, 2, 1),  # b and e
        (150, 6, 0, 0),  # e and f
        (210, 4, 0, 0),
        (320, 0, 0, 0),
    ],
    lost=4 * 10 + 2 * 10 + 2 * 20,
    intervals=[(6 * 20 + 10 * 60 + 8 * 0) / 80, (10 * 10 + 8 * 30 + 10 * 30 + 6 * 10) / 80, (6 * 50 + 4 * 30) / 80, 4],
)
DAYS = [
    pytest.param(POLICIES["fcfs"], NOBODY_PASSES, id="nobody passes"),
    pytest.param(POLICIES["easy"], EASY, id="easy"),
    pytest.param(Policy(backfill=1), EASY, id="one reservation is easy"),
    pytest.param(POLICIES["easy-sjbf"], EASY, id="the shortest first are here the first"),
    pytest.param(Policy(backfill=2), PROMISED, id="two reservations"),
    pytest.param(POLICIES["reserve-10"], PROMISED, id="more than there are jobs"),
    pytest.param(POLICIES["conservative"], PROMISED, id="conservative"),
]
every_day = pytest.mark.parametrize(("policy", "day"), DAYS)


def lived(policy: Policy) -> Outcome:
    return replay(TRACE, NODE.center(), policy)


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@every_day
def test_when_each_starts_and_ends(policy: Policy, day: Day) -> None:
    outcome = lived(policy)
    assert (seconds(outcome.started_us), seconds(outcome.ended_us)) == (day.starts, day.ends)
    assert metrics.wait_s(TRACE, outcome).tolist() == day.waits
    assert outcome.finished.all()


@every_day
def test_what_is_held_and_waited_for_after_each_instant(policy: Policy, day: Day) -> None:
    outcome = lived(policy)
    columns = (outcome.cpu_milli // 1000, outcome.waiting_cpu_milli // 1000, outcome.waiting)
    found = zip(seconds(outcome.time_us), *(column.tolist() for column in columns), strict=True)
    assert list(found) == day.curve
    # The same is told by the trace and the starts alone.
    cpu = resources(TRACE, outcome, NODE.center())["cpu"]
    assert (cpu.held / 1000).tolist() == [held for _, held, _, _ in day.curve]
    assert (cpu.waited_for / 1000).tolist() == [waited for _, _, waited, _ in day.curve]
    assert outcome.device_share.tolist() == [0] * len(day.curve)


@every_day
def test_waits_and_slowdowns(policy: Policy, day: Day) -> None:
    found = metrics.summary(TRACE, lived(policy), NODE.center())
    assert (found.jobs, found.finished) == (6, 6)
    assert found.wait_s.mean == near(sum(day.waits) / 6)
    assert (found.wait_s.max, found.wait_s.median) == (max(day.waits), sum(sorted(day.waits)[2:4]) / 2)
    assert found.bounded_slowdown.mean == near(mean(day.slowdowns))
    assert found.bounded_slowdown.max == near(max(day.slowdowns))
    turnarounds = [end - at for end, at in zip(day.ends, (0, 10, 20, 30, 40, 50), strict=True)]
    assert found.turnaround_s.mean == near(sum(turnarounds) / 6)
    # Of six values the 99th in a hundred lies 95 hundredths of the way from the fifth to the last.
    fifth, last = sorted(day.slowdowns)[4:]
    assert found.bounded_slowdown.p99 == near(fifth + 0.95 * (last - fifth))


@every_day
def test_classes_by_size_and_by_run_time(policy: Policy, day: Day) -> None:
    """Two to four cpus are the second class, five to sixteen the third; a minute is the last of the first class."""
    found = metrics.summary(TRACE, lived(policy), NODE.center())
    small, large = [2, 3, 4, 5], [0, 1]
    assert [one.count for one in found.slowdown_by_size] == [0, 4, 2, 0, 0, 0]
    assert found.slowdown_by_size[1].mean == near(mean([day.slowdowns[job] for job in small]))
    assert found.slowdown_by_size[2].mean == near(mean([day.slowdowns[job] for job in large]))
    assert found.wait_by_size[1].mean == near(mean([day.waits[job] for job in small]))
    assert found.wait_by_size[2].max == 90
    short, long = [1, 3, 5], [0, 2, 4]
    assert [one.count for one in found.slowdown_by_runtime] == [3, 3, 0, 0, 0, 0]
    assert found.slowdown_by_runtime[0].mean == near(mean([day.slowdowns[job] for job in short]))
    assert found.slowdown_by_runtime[1].mean == near(mean([day.slowdowns[job] for job in long]))


@every_day
def test_how_well_the_node_was_used(policy: Policy, day: Day) -> None:
    """The same work in less time is a better use, and whatever was free while anybody waited for it is lost."""
    found = metrics.summary(TRACE, lived(policy), NODE.center())
    span = max(day.ends)
    assert found.makespan_s == span
    assert found.resources["cpu"].held == near(CPU_SECONDS / (10 * span))
    assert found.resources["cpu"].lost == near(day.lost / (10 * span))
    assert list(found.resources) == ["cpu"]


@every_day
def test_cpus_held_in_equal_parts_of_the_day(policy: Policy, day: Day) -> None:
    outcome = lived(policy)
    ends, means = metrics.resampled(outcome, outcome.cpu_milli / 1000, len(day.intervals))
    width = max(day.ends) / len(day.intervals)
    assert ends.tolist() == near([width * (place + 1) for place in range(len(day.intervals))])
    assert means.tolist() == near(day.intervals)
    assert sum(means) * width == near(CPU_SECONDS)


@every_day
def test_energy_is_of_the_idle_node_as_long_as_the_day_and_of_the_same_work(policy: Policy, day: Day) -> None:
    outcome = lived(policy)
    found = metrics.summary(TRACE, outcome, NODE.center())
    assert found.energy_j == near(100 * max(day.ends) + 20 * CPU_SECONDS)
    assert found.peak_draw_w == 200
    assert (outcome.draw_mw // 20_000).tolist() == [held for _, held, _, _ in day.curve]


@every_day
def test_who_fared_how(policy: Policy, day: Day) -> None:
    """Ann's jobs are every other one; the index is of the two means, and of the two sums of cpu-seconds."""
    found = metrics.summary(TRACE, lived(policy), NODE.center())
    ann, bob = mean(day.slowdowns[::2]), mean(day.slowdowns[1::2])
    assert found.jain_user_slowdown == near((ann + bob) ** 2 / (2 * (ann**2 + bob**2)))
    assert found.jain_user_cpu == near(2160**2 / (2 * (1680**2 + 480**2)))
    assert (found.jain_project_slowdown, found.jain_project_cpu) == (1, 1)


@pytest.mark.parametrize("bound", [1.0, 60.0, 100.0, 1000.0])
def test_another_bound_of_what_is_short(bound: float) -> None:
    """Under EASY: waits of 0, 90, 0, 60, 110 and 40 s before runs of 100, 50, 70, 30, 200 and 60 s."""
    waits, runs = EASY.waits, [100, 50, 70, 30, 200, 60]
    found = metrics.summary(TRACE, lived(POLICIES["easy"]), NODE.center(), bound)
    by_hand = [max(1.0, (wait + run) / max(run, bound)) for wait, run in zip(waits, runs, strict=True)]
    assert found.bounded_slowdown.mean == near(mean(by_hand))


def test_a_cap_of_a_hundred_and_sixty_watts_is_a_node_of_eight_cpus() -> None:
    """Two cpus are left beside a: d has them from 30 to 60 s, and f until 120 s, which leaves b its six at 100 s.

    c and e need four each, so both wait until b ends (150 s), and then fill the eight.
    """
    outcome = replay(TRACE, NODE.center(160), POLICIES["easy"])
    assert seconds(outcome.started_us) == [0, 100, 150, 30, 150, 60]
    assert seconds(outcome.ended_us) == [100, 150, 220, 60, 350, 120]
    assert outcome.draw_mw.max() == 160_000
    assert (outcome.draw_mw // 20_000).tolist() == [6, 6, 6, 8, 8, 8, 8, 8, 6, 8, 4, 0]


def test_nothing_of_a_day_depends_on_where_its_origin_lies() -> None:
    later = Asked(10**6, 100, 100, 6)
    jobs = [Asked(10**6 + at, run, ask, cpus) for at, run, ask, cpus in ((10, 50, 60, 6), (20, 70, 80, 4))]
    outcome = replay(trace_of([later, *jobs]), NODE.center(), POLICIES["easy"])
    assert [at - 10**6 for at in seconds(outcome.started_us)] == [0, 100, 20]
    assert metrics.span_s(outcome) == 150
    assert np.diff(outcome.time_us).min() == 10_000_000
