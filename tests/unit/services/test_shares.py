"""What was held decides who goes first, and is shown to those whom it concerns."""

from __future__ import annotations

from functools import partial

import pytest

from suanli.kernel.scheduling.fair_share import ShareWeights
from suanli.kernel.scheduling.plan import Policy
from suanli.model.errors import InvalidRequestError, NotPermittedError
from suanli.model.ids import ProjectName
from suanli.model.spec import TaskResources
from suanli.model.tenancy import Caller, Project
from suanli.model.usage import DAY_US
from suanli.ports.store import UsageBy, UsageFilter
from suanli.services.accounting import MAX_DAYS, Accounting
from suanli.testing.builders import ANN, BOB, GIB
from tests.unit.services.center import Center, admin, ann, bob, caller, operator
from tests.unit.services.turning import Turning

DAY_S = 86_400
HOUR_US = 3600 * 1_000_000
WHOLE = TaskResources(cpu_milli=8000, memory_bytes=GIB)
OXIDES = ProjectName("oxides")
SHARES = ShareWeights(project_s=7 * DAY_S, member_s=DAY_S, half_life_s=7 * DAY_S)
EVERY = UsageFilter(first=0, last=1000)


@pytest.fixture
def turning(center: Center) -> Turning:
    center.clock.at_us = 100 * DAY_US
    return Turning(center, Policy(shares=SHARES))


def pass_hours(center: Center, hours: float) -> None:
    center.clock.at_us += round(hours * HOUR_US)


def test_who_held_less_goes_first_however_late_they_came(turning: Turning, center: Center) -> None:
    taken = turning.submit(resources=WHOLE)
    pass_hours(center, 3)
    mine, theirs = turning.submit(resources=WHOLE), center.submit(bob, resources=WHOLE)
    turning.settle()
    pass_hours(center, 1)
    turning.end(taken)
    assert turning.running() == [theirs]
    pass_hours(center, 4)
    turning.end(theirs)
    assert turning.running() == [mine]


def test_a_planner_that_starts_anew_owes_the_same(turning: Turning, center: Center) -> None:
    taken = turning.submit(resources=WHOLE)
    pass_hours(center, 30)
    turning.end(taken)
    taken = turning.submit(resources=WHOLE)
    pass_hours(center, 1)
    for who in (ann, bob):
        center.submit(who, resources=WHOLE)
    turning.settle()
    before = turning.planner.standings(operator)
    assert {account[1] for account in before.members} == {ANN, BOB}
    turning.restart()
    assert turning.planner.standings(operator) == before
    turning.end(taken)
    (running,) = turning.running()
    assert center.workload(running).owner == BOB


def test_a_project_with_more_shares_goes_first(turning: Turning, center: Center) -> None:
    oxides = Project(name=OXIDES, members=frozenset({ANN}), shares=9)
    center.do(lambda tx: center.tenants.define_project(tx, admin, oxides))
    projects = (ProjectName("default"), OXIDES)
    for project in projects:
        taken = turning.submit(resources=WHOLE, project=project)
        pass_hours(center, 10)
        turning.end(taken)
    taken = turning.submit(resources=WHOLE)
    _, theirs = [center.submit(ann, resources=WHOLE, project=project) for project in projects]
    pass_hours(center, 1)
    turning.settle()
    turning.end(taken)
    assert turning.running() == [theirs]


def test_without_weights_first_come_is_first_served(center: Center) -> None:
    turning = Turning(center, Policy())
    center.clock.at_us = 100 * DAY_US
    taken = turning.submit(resources=WHOLE)
    pass_hours(center, 3)
    mine = turning.submit(resources=WHOLE)
    center.submit(bob, resources=WHOLE)
    turning.end(taken)
    assert turning.running() == [mine]


def test_everybody_sees_what_concerns_them(turning: Turning, center: Center) -> None:
    for project, member in (("oxides", ANN), ("metals", BOB)):
        made = Project(name=ProjectName(project), members=frozenset({member}))
        center.do(partial(center.tenants.define_project, caller=admin, project=made))
    center.submit(ann, project=OXIDES)
    center.submit(ann)
    center.submit(bob, project=ProjectName("metals"))
    turning.settle()

    def seen(who: Caller) -> tuple[list[str], list[tuple[str, str]]]:
        found = turning.planner.standings(who)
        return sorted(found.projects), sorted(found.members)

    assert seen(operator) == (
        ["default", "metals", "oxides"],
        [("default", ANN), ("metals", BOB), ("oxides", ANN)],
    )
    assert seen(ann) == (["default", "oxides"], [("default", ANN), ("oxides", ANN)])
    assert seen(bob) == (["default", "metals"], [("metals", BOB)])
    with pytest.raises(NotPermittedError):
        turning.planner.standings(caller(ANN, scopes=frozenset()))


def test_usage_is_ones_own_and_everybodys_for_operators(turning: Turning, center: Center) -> None:
    accounting = Accounting(center.store, center.clock)
    for who in (ann, bob):
        run = center.submit(who, resources=WHOLE)
        turning.settle()
        pass_hours(center, 2)
        turning.end(run)
    assert accounting.today() == 100

    def hours(who: Caller, which: UsageFilter = EVERY) -> list[tuple[str, float]]:
        return [(day.owner, day.cpu_us / HOUR_US) for day in accounting.usage(who, which, frozenset({UsageBy.OWNER}))]

    assert hours(operator) == [(ANN, 16), (BOB, 16)]
    assert hours(ann) == [(ANN, 16)]
    assert hours(bob) == [(BOB, 16)]
    assert hours(operator, UsageFilter(first=0, last=1000, owner=BOB)) == [(BOB, 16)]
    assert hours(ann, UsageFilter(first=0, last=1000, owner=BOB)) == []
    assert accounting.usage(ann, EVERY, frozenset())[0].runs == 1
    with pytest.raises(NotPermittedError):
        hours(caller(ANN, scopes=frozenset()))


@pytest.mark.parametrize(("first", "last", "field"), [(5, 4, "until"), (0, MAX_DAYS, "since")])
def test_days_that_cannot_be_are_refused(center: Center, first: int, last: int, field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        Accounting(center.store, center.clock).usage(ann, UsageFilter(first=first, last=last), frozenset())
    assert refused.value.field == field
