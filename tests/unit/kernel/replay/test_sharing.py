"""Replays in the order of what is owed, against the standings asked one by one, and what a person would expect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.center import CenterDescription
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import POLICIES, Policy
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.fair_share import Account, FairShare, Past, ShareWeights
from suanli.kernel.usage import parted
from suanli.model.ids import EngineName, NodeName, ProjectName, RunId, UserName
from suanli.model.quantities import Instant
from suanli.model.quota import Amounts
from suanli.model.resources import Node
from suanli.model.tenancy import Project
from suanli.model.usage import DAY_US, UsageDay
from tests.unit.kernel.replay.test_loop import jobs, nodes, starts
from tests.unit.kernel.scheduling.core.center import Job
from tests.unit.kernel.scheduling.core.days import DAYS, Running, starts_on_counts

HOUR_US = 3600 * 1_000_000
NAMES = ("a", "b", "c")


def owned(*rows: tuple[int, int, int, int], users: list[int], projects: list[int]) -> Trace:
    trace = jobs(*rows, user=[0] * len(rows))
    return make_trace(
        {
            "number": trace.number,
            "submitted_us": trace.submitted_us,
            "runtime_us": trace.runtime_us,
            "requested_us": trace.requested_us,
            "tasks": trace.tasks,
            "user": users,
            "project": projects,
        },
        names={"users": NAMES, "projects": NAMES},
    )


def test_who_held_nothing_goes_before_who_held_much_and_shares_change_that() -> None:
    day = 86_400
    # Project a holds everything for a day; then one job of each comes, that of a a little earlier.
    rows = [(0, day, day, 2), (day // 2, 10, 10, 2), (day // 2 + 60, 10, 10, 2)]
    trace = owned(*rows, users=[0, 0, 1], projects=[0, 0, 1])
    assert starts(replay(trace, nodes(2), POLICIES["fair-share"])) == [0, day + 10, day]
    assert starts(replay(trace, nodes(2), POLICIES["easy"])) == [0, day, day + 10]
    shared = CenterDescription(groups=nodes(2).groups, shares={"a": 1000, "b": 0})
    assert starts(replay(trace, shared, POLICIES["fair-share"])) == [0, day, day + 10]


def test_wide_work_may_be_owed_for_its_size() -> None:
    rows = [(0, 100, 100, 4), (1, 10, 10, 1), (2, 10, 10, 4)]
    trace = owned(*rows, users=[0, 0, 0], projects=[0, 0, 0])
    wide = Policy(order="fair_share", backfill="none", shares=ShareWeights(size_s=86_400))
    assert starts(replay(trace, nodes(4), wide)) == [0, 110, 100]


def test_a_replay_by_what_is_owed_is_the_same_to_the_bit_each_time() -> None:
    chance = np.random.default_rng(3)
    rows = [(int(chance.integers(0, 50)) * 600, 3000, 4000, int(chance.integers(1, 4))) for _ in range(60)]
    rows.sort()
    trace = owned(*rows, users=chance.integers(0, 3, 60).tolist(), projects=chance.integers(0, 3, 60).tolist())
    first, second = (replay(trace, nodes(4), POLICIES["fair-share"]) for _ in range(2))
    assert first.started_us.tolist() == second.started_us.tolist()
    assert first.started_us.tolist() != replay(trace, nodes(4), POLICIES["easy"]).started_us.tolist()


@st.composite
def shared_days(draw: st.DrawFn) -> tuple[int, list[Job], list[tuple[int, int]]]:
    """Processors, jobs by hours, and the project and user of each."""
    processors, now, come, whose = draw(st.integers(1, 6)), 0, [], []
    for _ in range(draw(st.integers(1, 20))):
        now += draw(st.integers(0, 8))
        runtime = draw(st.integers(1, 60))
        come.append(Job(now, runtime, runtime, draw(st.integers(1, processors))))
        whose.append((draw(st.integers(0, 2)), draw(st.integers(0, 2))))
    return processors, come, whose


@pytest.mark.slow
@settings(max_examples=max(DAYS // 8, 1))
@given(shared_days())
def test_random_days_go_in_the_order_that_the_standings_of_each_instant_give(
    day: tuple[int, list[Job], list[tuple[int, int]]],
) -> None:
    processors, come, whose = day
    weights = ShareWeights(project_s=7 * 86_400, member_s=86_400, half_life_s=2 * 86_400)
    hours = [(job.submitted * 3600, job.runtime * 3600, job.limit * 3600, job.need) for job in come]
    trace = owned(*hours, users=[user for _, user in whose], projects=[project for project, _ in whose])
    found = replay(trace, nodes(1, processors), Policy(order="fair_share", backfill="none", shares=weights))
    plain = Plain(processors, come, whose, weights)
    assert [int(start) // HOUR_US for start in found.started_us] == starts_on_counts(come, plain.startable)


class Plain:
    """The same by standings made anew of all that was: of single days, without anything worked down."""

    def __init__(self, processors: int, come: list[Job], whose: list[tuple[int, int]], weights: ShareWeights) -> None:
        self._processors, self._come, self._weights = processors, come, weights
        self._accounts: list[Account] = [(ProjectName(NAMES[p]), UserName(NAMES[u])) for p, u in whose]
        self._credit: dict[Account, int] = {}
        self._ranked_at = -1
        self._seen: dict[int, tuple[int, int]] = {}
        self._running: dict[int, int] = {}
        self._queue: set[int] = set()
        self._all = set(self._accounts)

    def startable(self, waiting: Sequence[int], running: Sequence[Running], now: int) -> list[int]:
        if now != self._ranked_at:
            self._rank(now)
        self._queue = set(waiting)
        free = self._processors - sum(self._come[job].need for _, _, job in running)
        chosen = []
        for job in sorted(waiting, key=lambda one: (self._key(one), one)):
            if self._come[job].need > free:
                break
            free -= self._come[job].need
            chosen.append(job)
        self._running = {job: start for _, start, job in running} | dict.fromkeys(chosen, now)
        self._queue -= set(chosen)
        self._seen |= {job: (start, end) for end, start, job in running}
        self._seen |= {job: (now, now + self._come[job].runtime) for job in chosen}
        return chosen

    def _key(self, job: int) -> int:
        return self._come[job].submitted * HOUR_US - self._credit[self._accounts[job]] * 1_000_000

    def _rank(self, now: int) -> None:
        """As of before anything happens at this instant, if somebody waits or comes."""
        if not self._queue and all(job.submitted != now for job in self._come):
            return
        self._ranked_at = now
        share, days = FairShare(self._weights), defaultdict[tuple[int, Account], int](int)
        share.set_node(node(self._processors))
        share.set_projects([Project(name=ProjectName(name)) for name in NAMES])
        for job, (start, end) in self._seen.items():
            held = Amounts(1, 1000 * self._come[job].need, 0, 0)
            if job in self._running:
                share.hold(RunId(str(job)), self._accounts[job], held, Instant(start * HOUR_US))
                continue
            times = (Instant(start * HOUR_US), Instant(end * HOUR_US))
            for day in parted(held, times, *self._accounts[job]):
                days[day.day, self._accounts[job]] += day.cpu_us
        past = [
            UsageDay(day=day, project=of[0], owner=of[1], cpu_us=amount) for (day, of), amount in sorted(days.items())
        ]
        waiting = {self._accounts[job] for job in self._queue}
        standings = share.standings(Instant(now * HOUR_US), waiting, past)
        self._credit = {account: standings.credit_s(*account) for account in self._all}


def node(processors: int) -> Node:
    return Node(name=NodeName("n"), engine=EngineName("e"), cpu_milli=1000 * processors, memory_bytes=2**40)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(NAMES), st.integers(1, 10**12)), max_size=30),
    st.integers(0, 3 * 86_400),
    st.sampled_from([3600, 86_400, 7 * 86_400]),
)
def test_what_is_worked_down_is_the_average_over_single_days(
    told: list[tuple[int, str, int]], later_s: int, half_life_s: int
) -> None:
    days = [
        UsageDay(day=day, project=ProjectName(name), owner=UserName("ann"), cpu_us=cpu, memory_mib_ms=cpu // 3)
        for day, name, cpu in sorted(told)
    ]
    past = Past(half_life_s)
    for place, day in enumerate(days):
        past.add(day)
        if place % 3 == 0:
            # Asking in between changes nothing.
            list(past.held(Instant(day.day * DAY_US + 5)))
    now = Instant((days[-1].day if days else 0) * DAY_US + later_s * 1_000_000)
    share = FairShare(ShareWeights(project_s=1, half_life_s=half_life_s))
    share.set_node(node(4))
    one_by_one, at_once = (share.standings(now, (), of) for of in (days, past))
    for account, standing in one_by_one.members.items():
        assert at_once.members[account].held == pytest.approx(standing.held, rel=1e-9, abs=1e-12)
    assert all(account in one_by_one.members or one.held == 0 for account, one in at_once.members.items())
