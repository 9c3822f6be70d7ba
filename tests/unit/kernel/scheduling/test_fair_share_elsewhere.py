"""What must make no difference to who is owed what: how it is told, in which order, in which units, on which day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.fair_share import Account, FairShare, Past, ShareWeights, Standing, Standings
from suanli.model.ids import ProjectName, RunId, UserName
from suanli.model.quantities import Instant
from suanli.model.quota import Amounts
from suanli.model.tenancy import Project
from suanli.model.usage import DAY_US, UsageDay
from tests.unit.kernel.scheduling.center import GIB, gpu, node

near = pytest.approx

DAY_S = 86_400
ACCOUNTS: list[Account] = [
    (ProjectName(project), UserName(owner)) for project, owner in (("p", "ann"), ("p", "bob"), ("q", "ann"))
]
TODAY = 100
NOW = Instant(TODAY * DAY_US + DAY_US // 3)


@dataclass(frozen=True)
class Holding:
    """Whose run, since how many hours, and what it holds."""

    account: int
    hours: int
    cpus: int
    gib: int
    devices: int

    @property
    def held(self) -> Amounts:
        return Amounts(1, 1000 * self.cpus, GIB * self.gib, 1000 * self.devices)


@dataclass(frozen=True)
class World:
    """Who runs, what was held on which of the last days (by account), shares, and the half-life."""

    runs: tuple[Holding, ...]
    days: tuple[UsageDay, ...]
    shares: dict[str, int]
    half_life_days: int

    @property
    def weights(self) -> ShareWeights:
        return ShareWeights(project_s=7 * DAY_S, member_s=DAY_S, half_life_s=self.half_life_days * DAY_S)


RUNS = st.lists(
    st.builds(
        Holding,
        account=st.integers(0, 2),
        hours=st.integers(0, 200),
        cpus=st.integers(0, 8),
        gib=st.integers(0, 64),
        devices=st.integers(0, 2),
    ),
    max_size=5,
).map(tuple)
DAYS = st.lists(
    st.builds(
        lambda account, back, cpus, devices: UsageDay(
            day=TODAY - back,
            project=ACCOUNTS[account][0],
            owner=ACCOUNTS[account][1],
            cpu_us=cpus * DAY_US,
            device_us=devices * DAY_US,
        ),
        st.integers(0, 2),
        st.integers(0, 12),
        st.integers(0, 8),
        st.integers(0, 2),
    ),
    max_size=6,
).map(tuple)
WORLDS = st.builds(
    World, RUNS, DAYS, st.dictionaries(st.sampled_from(["p", "q"]), st.integers(0, 4)), st.sampled_from([1, 3, 30])
)


def fair_share(world: World, order: Sequence[int] = ()) -> FairShare:
    found = FairShare(world.weights)
    found.set_node(node("n0", 6, 60, gpu(0), gpu(1)))
    found.set_node(node("n1", 4, 40, gpu(0), gpu(1)))
    found.set_projects(Project(name=ProjectName(name), shares=count) for name, count in world.shares.items())
    for place in order or range(len(world.runs)):
        one = world.runs[place]
        found.hold(RunId(f"{place}.1"), ACCOUNTS[one.account], one.held, since(one))
    return found


def since(one: Holding) -> Instant:
    return Instant(NOW - one.hours * 3600 * 1_000_000)


def flat(told: Standings) -> dict[str, float]:
    """The share of everybody, and what everybody held, by name."""
    standings: list[tuple[str, Standing]] = [(str(name), one) for name, one in told.projects.items()]
    standings += [("/".join(account), one) for account, one in told.members.items()]
    return {f"{name} {what}": getattr(one, what) for name, one in standings for what in ("share", "held")}


def assert_same(one: Standings, other: Standings) -> None:
    """Everybody stands the same, up to how sums are rounded."""
    assert flat(other) == near(flat(one), abs=1e-9)


def stands(world: World) -> Standings:
    return fair_share(world).standings(NOW, ACCOUNTS, world.days)


@settings(max_examples=50)
@given(WORLDS, st.data())
def test_the_order_in_which_it_is_told(world: World, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(world.runs))))
    days = data.draw(st.permutations(world.days))
    assert_same(stands(world), fair_share(world, order).standings(NOW, ACCOUNTS[::-1], days))


@settings(max_examples=50)
@given(WORLDS)
def test_the_past_as_days_or_worked_down_as_time_goes_on(world: World) -> None:
    past = Past(world.half_life_days * DAY_S)
    days = sorted(world.days, key=lambda day: day.day)
    for day in days:
        past.add(day)
        # Somebody asks now and then; it changes nothing.
        fair_share(world).standings(Instant(day.day * DAY_US + DAY_US // 2), ACCOUNTS, past)
    assert_same(stands(world), fair_share(world).standings(NOW, ACCOUNTS, past))


@settings(max_examples=50)
@given(WORLDS)
def test_a_past_that_is_told_late_is_the_same_past(world: World) -> None:
    early, late = (Past(world.half_life_days * DAY_S) for _ in range(2))
    for day in sorted(world.days, key=lambda day: day.day):
        early.add(day)
    late.add(UsageDay(day=TODAY, project=ACCOUNTS[0][0], owner=ACCOUNTS[0][1]))
    for day in world.days:
        late.add(day)
    assert_same(fair_share(world).standings(NOW, ACCOUNTS, early), fair_share(world).standings(NOW, ACCOUNTS, late))


@settings(max_examples=50)
@given(WORLDS)
def test_one_run_or_two_that_hold_half_of_it_each(world: World) -> None:
    halves = tuple(one for one in world.runs for _ in range(2))
    doubled = tuple(replace(one, cpus=2 * one.cpus, gib=2 * one.gib, devices=2 * one.devices) for one in world.runs)
    assert_same(stands(replace(world, runs=halves)), stands(replace(world, runs=doubled)))


@settings(max_examples=50)
@given(WORLDS)
def test_one_day_or_two_of_the_same_date_with_half_of_it_each(world: World) -> None:
    halves = tuple(day for day in world.days for _ in range(2))
    doubled = tuple(replace(day, cpu_us=2 * day.cpu_us, device_us=2 * day.device_us) for day in world.days)
    assert_same(stands(replace(world, days=halves)), stands(replace(world, days=doubled)))


@settings(max_examples=50)
@given(WORLDS, st.integers(1, 400))
def test_how_many_days_ago_it_all_was(world: World, later: int) -> None:
    found = fair_share(replace(world, runs=()))
    for place, one in enumerate(world.runs):
        found.hold(RunId(f"{place}.1"), ACCOUNTS[one.account], one.held, Instant(since(one) + later * DAY_US))
    days = [replace(day, day=day.day + later) for day in world.days]
    assert_same(stands(world), found.standings(Instant(NOW + later * DAY_US), ACCOUNTS, days))


@settings(max_examples=50)
@given(WORLDS)
def test_which_nodes_the_center_is_made_of(world: World) -> None:
    other = fair_share(world)
    other.set_node(node("n0", 1, 1))
    other.set_node(node("n1", 5, 90, gpu(0), gpu(1), gpu(2)))
    other.set_node(node("n2", 4, 9, gpu(0)))
    assert_same(stands(world), other.standings(NOW, ACCOUNTS, world.days))


@settings(max_examples=50)
@given(WORLDS, st.integers(2, 9))
def test_shares_count_only_against_each_other(world: World, times: int) -> None:
    shares = {"p": 1, "q": 1} | world.shares
    more = {name: count * times for name, count in shares.items()}
    assert_same(stands(replace(world, shares=shares)), stands(replace(world, shares=more)))


@settings(max_examples=50)
@given(WORLDS, st.integers(1, 9))
def test_projects_that_nobody_works_for(world: World, count: int) -> None:
    assert_same(stands(world), stands(replace(world, shares=world.shares | {"idle": count})))


@settings(max_examples=50)
@given(WORLDS)
def test_a_run_that_has_just_begun_and_one_that_has_ended(world: World) -> None:
    """What has been held for no time is nothing; what is over is told by its days alone."""
    other = fair_share(world)
    other.hold(RunId("98.1"), ACCOUNTS[0], Amounts(1, 5000, GIB, 1000), NOW)
    other.hold(RunId("99.1"), ACCOUNTS[1], Amounts(1, 5000, GIB, 1000), Instant(0))
    other.end(RunId("99.1"))
    assert_same(stands(world), other.standings(NOW, ACCOUNTS, world.days))


@settings(max_examples=50)
@given(WORLDS)
def test_who_holds_more_is_never_owed_more(world: World) -> None:
    more = replace(world, runs=(*world.runs, Holding(0, 50, 3, 0, 0)))
    one, other = stands(world), stands(more)
    account = ACCOUNTS[0]
    assert other.members[account].held >= one.members[account].held
    assert other.credit_s(*account) <= one.credit_s(*account)
    # Of another project nothing changes.
    assert other.credit_s(*ACCOUNTS[2]) == one.credit_s(*ACCOUNTS[2])


@settings(max_examples=50)
@given(WORLDS)
def test_nobody_is_owed_more_than_a_newcomer(world: World) -> None:
    found = stands(world)
    most = found.credit_s(ProjectName("new"), UserName("new"))
    assert most == (7 + 1) * DAY_S
    assert all(0 <= found.credit_s(*account) <= most for account in ACCOUNTS)
