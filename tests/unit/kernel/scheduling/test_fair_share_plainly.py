"""Shares, factors and credits on tables worked by hand, and any standings against plain sums."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.demand import NO_DEADLINE, Demand, demand_of
from suanli.kernel.scheduling.fair_share import (
    NOBODY_OWED,
    FairShare,
    Owed,
    ShareWeights,
    Standing,
    Standings,
)
from suanli.model.ids import ProjectName, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.quota import Amounts
from suanli.model.resources import NodeState
from suanli.model.spec import WorkloadSpec
from suanli.model.tenancy import Project
from suanli.model.usage import DAY_US, UsageDay
from tests.unit.kernel.scheduling.center import GIB, asks, gpu, node
from tests.unit.kernel.scheduling.holding import run

SECOND = 1_000_000
HOUR, DAY = 3600, 86_400
A, B, C = ProjectName("a"), ProjectName("b"), ProjectName("c")
ANN, BOB, CAT = UserName("ann"), UserName("bob"), UserName("cat")
NOW = Instant(100 * DAY_US)
near = pytest.approx
HALVED = 2**-0.5
"""The factor of who held half of the share."""


def center(weights: ShareWeights | None = None) -> FairShare:
    """Ten cpus, a hundred GiB, four devices."""
    found = FairShare(weights or ShareWeights(project_s=7 * DAY, member_s=DAY, half_life_s=DAY))
    found.set_node(node("n0", 6, 60, gpu(0), gpu(1)))
    found.set_node(node("n1", 4, 40, gpu(0), gpu(1)))
    return found


@pytest.mark.parametrize(
    ("share", "held", "factor"),
    [
        pytest.param(0.5, 0.0, 1.0, id="nothing was held"),
        pytest.param(0.5, 0.5, 0.5, id="just the share"),
        pytest.param(0.5, 0.25, HALVED, id="half of it"),
        pytest.param(0.5, 1.0, 0.25, id="twice of it"),
        pytest.param(1.0, 1.0, 0.5, id="all of the center, of which all is its share"),
        pytest.param(0.001, 1.0, 0.0, id="a thousand times as much"),
        pytest.param(0.0, 0.0, 0.0, id="no share, though nothing was held"),
        pytest.param(0.0, 1.0, 0.0, id="no share"),
    ],
)
def test_the_factor_halves_with_every_share_that_was_held(share: float, held: float, factor: float) -> None:
    assert Standing(share, held).factor == near(factor, abs=1e-9)


@pytest.mark.parametrize(
    ("weights", "counts"),
    [
        (ShareWeights(), False),
        (ShareWeights(project_s=1), True),
        (ShareWeights(member_s=1), True),
        (ShareWeights(size_s=1), True),
        (ShareWeights(deadline_s=1), True),
        (ShareWeights(half_life_s=1), False),
    ],
    ids=["nothing", "projects", "members", "sizes", "deadlines", "a half-life alone"],
)
def test_whether_anything_makes_a_difference(weights: ShareWeights, counts: bool) -> None:
    assert weights.count is counts


@pytest.mark.parametrize(
    ("half_life", "day"),
    [(DAY, 90), (7 * DAY, 30), (10 * DAY, 0), (30 * DAY, 0), (HOUR, 99)],
    ids=["ten days back", "seventy days back", "just the first", "further than there is", "ten hours back"],
)
def test_the_earliest_day_that_counts_lies_ten_half_lives_back(half_life: int, day: int) -> None:
    assert ShareWeights(half_life_s=half_life).first_day(NOW) == day


def standings(**members: float) -> Standings:
    """Of project ``a`` with half of the center, whose members held so many of their shares."""
    return Standings(
        weights=ShareWeights(project_s=1000 * 60, member_s=100 * 60),
        projects={A: Standing(0.5, 0.5)},
        members={(A, UserName(name)): Standing(0.25, 0.25 * held) for name, held in members.items()},
    )


@pytest.mark.parametrize(
    ("project", "owner", "minutes"),
    [
        pytest.param(A, ANN, 500 + 100, id="of a project that held its share, having held nothing"),
        pytest.param(A, BOB, 500 + 50, id="having held just the share"),
        pytest.param(A, CAT, 500 + 25, id="having held two"),
        pytest.param(A, UserName("dan"), 500 + 100, id="who is not told of"),
        pytest.param(B, ANN, 1000 + 100, id="in a project that is not told of"),
    ],
)
def test_credit_is_of_the_project_and_of_the_member(project: ProjectName, owner: UserName, minutes: int) -> None:
    assert standings(ann=0, bob=1, cat=2).credit_s(project, owner) == minutes * 60


@pytest.mark.parametrize(("member_s", "credit"), [(59, 60), (29, 0), (31, 60), (90, 120), (89, 60)])
def test_credits_are_whole_minutes(member_s: int, credit: int) -> None:
    found = Standings(weights=ShareWeights(member_s=member_s), projects={}, members={})
    assert found.credit_s(A, ANN) == credit


def test_where_nothing_is_counted_nobody_is_owed_anything() -> None:
    assert NOBODY_OWED.credit_s(A, ANN) == 0
    assert NOBODY_OWED.size_credit_s(Amounts(1, 10**9, 10**15, 10**6)) == 0


ONE = demand_of(WorkloadSpec(resources=asks(1)))
CAPACITY = (10_000, 100 * GIB, 4000)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        pytest.param(Amounts(1, 5000, GIB, 0), 0.5, id="half of the cpus"),
        pytest.param(Amounts(1, 1000, 70 * GIB, 0), 0.7, id="most of the memory"),
        pytest.param(Amounts(1, 1000, GIB, 1000), 0.25, id="a device of four"),
        pytest.param(Amounts(1, 5000, GIB, 3000), 0.75, id="the largest part"),
        pytest.param(Amounts(1, 10_000, 100 * GIB, 4000), 1.0, id="all of it"),
        pytest.param(Amounts(1, 90_000, GIB, 0), 1.0, id="more than there is counts as all"),
        pytest.param(Amounts(1, 0, 0, 0), 0.0, id="nothing"),
    ],
)
def test_asking_for_a_part_of_the_center_is_worth_that_part(asked: Amounts, part: float) -> None:
    found = Standings(weights=ShareWeights(size_s=1000 * 60), projects={}, members={}, capacity=CAPACITY)
    assert found.size_credit_s(asked) == near(part * 1000 * 60)


def owed(told: Standings) -> Owed:
    found = Owed()
    found.take(told, ())
    return found


@pytest.mark.parametrize(
    ("told", "latest", "seconds"),
    [
        pytest.param(NOBODY_OWED, NO_DEADLINE, 5000, id="nothing is owed"),
        pytest.param(standings(ann=1), NO_DEADLINE, 5000 - 550 * 60, id="what the member and the project are owed"),
        pytest.param(
            Standings(weights=ShareWeights(deadline_s=600), projects={}, members={}),
            NO_DEADLINE,
            5000,
            id="no deadline",
        ),
        pytest.param(
            Standings(weights=ShareWeights(deadline_s=600), projects={}, members={}),
            9000,
            5000,
            id="a deadline far away",
        ),
        pytest.param(
            Standings(weights=ShareWeights(deadline_s=600), projects={}, members={}),
            5100,
            4500,
            id="a deadline that is near: as if it had come so long before",
        ),
        pytest.param(NOBODY_OWED, 4000, 5000, id="a deadline that is missed already, which nobody counts"),
        pytest.param(
            replace(standings(ann=1), weights=ShareWeights(member_s=6000, deadline_s=600)),
            5100,
            4500 - 3000,
            id="both together",
        ),
    ],
)
def test_since_when_work_counts_as_waiting(told: Standings, latest: int, seconds: int) -> None:
    at, until = Instant(5000 * SECOND), latest if latest == NO_DEADLINE else latest * SECOND
    assert owed(told).since(at, (A, ANN), ONE, until) == seconds * SECOND


def test_wide_work_counts_as_waiting_for_longer() -> None:
    told = Standings(weights=ShareWeights(size_s=6000), projects={}, members={}, capacity=(10_000, GIB * 100, 1))
    found, at = owed(told), Instant(9000 * SECOND)
    wide: Demand = demand_of(WorkloadSpec(tasks=5, resources=asks(1)))
    assert found.since(at, (A, ANN), ONE, NO_DEADLINE) == (9000 - 600) * SECOND
    assert found.since(at, (A, ANN), wide, NO_DEADLINE) == (9000 - 3000) * SECOND


@pytest.mark.parametrize(
    ("before", "after", "waiting", "changed"),
    [
        pytest.param({"ann": 1.0}, {"ann": 1.0}, [(A, ANN)], False, id="as before"),
        pytest.param({"ann": 1.0}, {"ann": 2.0}, [(A, ANN)], True, id="who waits held more"),
        pytest.param({"ann": 1.0}, {"ann": 2.0}, [(A, BOB)], False, id="who does not wait held more"),
        pytest.param({"ann": 1.0}, {"ann": 1.0001}, [(A, ANN)], False, id="by less than a minute's worth"),
        pytest.param({"ann": 1.0}, {"ann": 2.0}, [], False, id="nobody waits"),
        pytest.param({"ann": 1.0}, {"ann": 1.0}, [(A, ANN), (B, BOB)], True, id="somebody new waits"),
    ],
)
def test_it_is_told_whether_any_who_waits_is_owed_otherwise(
    before: dict[str, float], after: dict[str, float], waiting: list[tuple[ProjectName, UserName]], changed: bool
) -> None:
    found = Owed()
    found.take(standings(**before), [one for one in waiting if one[0] == A])
    assert found.take(standings(**after), waiting) is changed


def test_another_center_changes_what_sizes_are_worth() -> None:
    def of(capacity: tuple[int, int, int], size_s: int) -> Standings:
        return Standings(weights=ShareWeights(size_s=size_s), projects={}, members={}, capacity=capacity)

    found = Owed()
    found.take(of((1, 1, 1), 60), ())
    assert found.take(of((2, 1, 1), 60), ())
    assert not found.take(of((2, 1, 1), 60), ())
    assert not found.take(of((3, 1, 1), 0), ())


def test_of_two_neither_notices_the_other() -> None:
    one = owed(standings(ann=1))
    other = one.copied()
    other.take(NOBODY_OWED, ())
    at = Instant(90_000 * SECOND)
    assert one.since(at, (A, ANN), ONE, NO_DEADLINE) == at - 550 * 60 * SECOND
    assert other.since(at, (A, ANN), ONE, NO_DEADLINE) == at


@pytest.mark.parametrize(
    ("nodes", "capacity"),
    [
        pytest.param([], (1, 1, 1), id="no nodes: something to divide by"),
        pytest.param([node("n0", 4, 16)], (4000, 16 * GIB, 1), id="no devices"),
        pytest.param([node("n0", 4, 16, gpu(0), gpu(1))], (4000, 16 * GIB, 2000), id="with devices"),
        pytest.param([node("n0"), node("n0", 8, 32)], (8000, 32 * GIB, 1), id="the last word on a node holds"),
        pytest.param([replace(node("n0"), state=NodeState.DOWN)], (4000, 16 * GIB, 1), id="in service or not"),
    ],
)
def test_the_center_is_all_of_its_nodes(nodes: list[object], capacity: tuple[int, int, int]) -> None:
    found = FairShare(ShareWeights())
    for one in nodes:
        found.set_node(one)  # type: ignore[arg-type]
    assert found.standings(NOW, ()).capacity == capacity


def test_who_neither_held_nor_holds_nor_waits_has_no_standing() -> None:
    told = center().standings(NOW, ())
    assert (told.projects, told.members) == ({}, {})


def test_a_run_counts_from_its_start_or_else_from_its_placement() -> None:
    for one in (run(1, 99 * DAY_US, cpus=10, placed=0), run(1, cpus=10, placed=99 * DAY_US)):
        found = center()
        found.begin(one, A, ANN)
        assert found.standings(NOW, ()).projects[A].held == near(0.5)


def test_the_last_word_on_a_run_holds_and_its_end_takes_it_away() -> None:
    found = center()
    found.begin(run(1, cpus=10), A, ANN)
    found.begin(run(1, cpus=5), B, BOB)
    told = found.standings(NOW, ())
    assert set(told.projects) == {B}
    assert told.projects[B].held == near(0.5)
    found.end(run_id(WorkloadId(1), 1))
    found.end(run_id(WorkloadId(77), 1))
    assert found.standings(NOW, ()).projects == {}


def test_shares_told_anew_are_all_there_are() -> None:
    found = center()
    found.set_projects([Project(name=A, shares=3)])
    found.set_projects([Project(name=B, shares=3)])
    told = found.standings(NOW, {(A, ANN), (B, BOB)})
    assert {name: one.share for name, one in told.projects.items()} == {A: 0.25, B: 0.75}


def test_where_nobody_has_shares_nobody_may_expect_anything() -> None:
    found = center()
    found.set_projects([Project(name=A, shares=0)])
    told = found.standings(NOW, {(A, ANN)})
    assert (told.projects[A].share, told.members[A, ANN].share) == (0, 0)


RUNS = st.lists(
    st.tuples(
        st.sampled_from([A, B]), st.sampled_from([ANN, BOB]), st.integers(0, 4), st.integers(0, 20), st.integers(0, 2)
    ),
    max_size=6,
)
DAYS = st.lists(
    st.tuples(st.sampled_from([A, C]), st.sampled_from([ANN, CAT]), st.integers(95, 99), st.integers(0, 8)), max_size=6
)


@given(RUNS, DAYS, st.dictionaries(st.sampled_from([A, B, C]), st.integers(0, 5), max_size=3))
def test_any_standings_are_plain_sums(
    runs: list[tuple[ProjectName, UserName, int, int, int]],
    days: list[tuple[ProjectName, UserName, int, int]],
    shares: dict[ProjectName, int],
) -> None:
    found = center()
    found.set_projects(Project(name=name, shares=count) for name, count in shares.items())
    held: dict[tuple[ProjectName, UserName], list[float]] = {}
    for number, (project, owner, cpus, gib, devices) in enumerate(runs, start=1):
        found.begin(run(number, cpus=cpus, gib=gib, devices=devices), project, owner)
        parts = held.setdefault((project, owner), [0.0, 0.0, 0.0])
        for place, part in enumerate((cpus / 10, gib / 100, devices / 4)):
            parts[place] += part * (1 - 2.0**-100)
    for project, owner, day, cpus in days:
        parts = held.setdefault((project, owner), [0.0, 0.0, 0.0])
        parts[0] += cpus / 10 * (2.0 ** (day + 1 - 100) - 2.0 ** (day - 100))
    past = [UsageDay(day=day, project=of, owner=owner, cpu_us=cpus * DAY_US) for of, owner, day, cpus in days]
    told = found.standings(NOW, {(C, BOB)}, past)
    held.setdefault((C, BOB), [0.0, 0.0, 0.0])
    assert set(told.members) == set(held)
    active = {project for project, _ in held}
    every = sum(shares.get(project, 1) for project in active)
    for project in active:
        members = [account for account in held if account[0] == project]
        share = shares.get(project, 1) / every if every else 0.0
        assert told.projects[project].share == near(share)
        sums = [sum(held[account][place] for account in members) for place in range(3)]
        assert told.projects[project].held == near(max(sums))
        for account in members:
            assert told.members[account].share == near(share / len(members))
            assert told.members[account].held == near(max(held[account]))
