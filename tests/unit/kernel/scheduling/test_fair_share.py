"""Who is owed how much: shares, what was held of late, and the waiting that it is worth."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.fair_share import Account, FairShare, ShareWeights
from suanli.kernel.usage import used
from suanli.model.ids import NodeName, ProjectName, QueueName, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.quota import Amounts
from suanli.model.spec import WorkloadSpec
from suanli.model.tenancy import Project
from suanli.model.usage import DAY_US, UsageDay
from suanli.model.workload import RunState
from tests.unit.kernel.scheduling.center import GIB, PROJECT, SECOND, Center, asks, gpu, node
from tests.unit.kernel.scheduling.holding import run

HOUR_S = 3600
DAY_S = 86_400
A, B, C = ProjectName("a"), ProjectName("b"), ProjectName("c")
ANN, BOB, CAT = UserName("ann"), UserName("bob"), UserName("cat")
WEIGHTS = ShareWeights(project_s=7 * DAY_S, member_s=DAY_S, half_life_s=DAY_S)
NOW = Instant(100 * DAY_US)


def share(weights: ShareWeights = WEIGHTS, **shares: int) -> FairShare:
    """Of a center with 10 cpus, 100 GiB and 4 devices."""
    found = FairShare(weights)
    found.set_node(node("n0", 6, 60, gpu(0), gpu(1)))
    found.set_node(node("n1", 4, 40, gpu(0), gpu(1)))
    found.set_projects(Project(name=ProjectName(name), shares=count) for name, count in shares.items())
    return found


def test_who_held_half_of_the_center_for_ever_held_half() -> None:
    found = share()
    found.begin(run(1, 0, cpus=5), A, ANN)
    standings = found.standings(NOW, ())
    assert standings.projects[A].held == standings.members[A, ANN].held == pytest.approx(0.5)
    assert standings.projects[A].share == standings.members[A, ANN].share == 1.0
    assert standings.projects[A].factor == pytest.approx(2**-0.5)


def test_what_was_held_counts_half_after_a_half_life() -> None:
    found = share()
    day = UsageDay(day=99, project=A, owner=ANN, cpu_us=10 * DAY_US)
    assert found.standings(NOW, (), [day]).projects[A].held == pytest.approx(0.5)
    assert found.standings(NOW, (), [replace(day, day=98)]).projects[A].held == pytest.approx(0.25)
    today = replace(day, day=100)
    assert found.standings(NOW, (), [today]).projects == {}
    assert found.standings(Instant(NOW + DAY_US), (), [today]).projects[A].held == pytest.approx(0.5)


def test_the_dominant_resource_counts_and_of_a_project_the_sum_of_its_members() -> None:
    found = share()
    found.begin(run(1, 0, cpus=2, gib=10, devices=1), A, ANN)
    found.begin(run(2, 0, cpus=3, gib=10), A, BOB)
    standings = found.standings(NOW, ())
    assert standings.members[A, ANN].held == pytest.approx(0.25)  # one of four devices
    assert standings.members[A, BOB].held == pytest.approx(0.3)  # three of ten cpus
    assert standings.projects[A].held == pytest.approx(0.5)  # five of ten cpus
    found.end(run_id(WorkloadId(2), 1))
    assert found.standings(NOW, ()).projects[A].held == pytest.approx(0.25)


def test_shares_are_those_of_the_active_and_members_have_equal_parts() -> None:
    found = share(a=3, b=1, c=4)
    found.begin(run(1, 0, cpus=1), A, ANN)
    standings = found.standings(NOW, {(A, BOB), (B, CAT)})
    assert {name: standing.share for name, standing in standings.projects.items()} == {A: 0.75, B: 0.25}
    members = {account: standing.share for account, standing in standings.members.items()}
    assert members == {(A, ANN): 0.375, (A, BOB): 0.375, (B, CAT): 0.25}
    assert found.standings(NOW, {(C, CAT)}).projects[C].share == pytest.approx(4 / 7)


def test_credit_is_waiting_time_and_a_newcomer_has_all_of_it() -> None:
    found = share(a=1, b=1)
    found.begin(run(1, 0, cpus=5), A, ANN)
    standings = found.standings(NOW, {(B, BOB)})
    assert standings.credit_s(B, BOB) == standings.credit_s(C, CAT) == 8 * DAY_S
    assert standings.credit_s(A, ANN) == 4 * DAY_S  # both held just their share: half of seven days, and of one
    assert standings.credit_s(A, CAT) == round(4.5 * DAY_S)


def test_who_has_no_shares_gets_what_the_others_leave() -> None:
    found = share(a=0, b=1)
    standings = found.standings(NOW, {(A, ANN), (B, BOB)})
    assert standings.credit_s(A, ANN) == 0
    assert standings.credit_s(B, BOB) == 8 * DAY_S
    assert found.standings(NOW, {(A, ANN)}).credit_s(A, ANN) == 0


def test_an_empty_center_owes_everything_to_everybody() -> None:
    assert FairShare(WEIGHTS).standings(NOW, {(A, ANN)}).credit_s(A, ANN) == 8 * DAY_S


@given(
    since=st.integers(90 * DAY_US, 100 * DAY_US),
    took=st.integers(0, 10 * DAY_US),
    cpus=st.integers(1, 10),
    half_life_s=st.integers(HOUR_S, 30 * DAY_S),
)
def test_what_is_held_is_the_weighted_average_whether_it_runs_or_has_ended(
    since: int, took: int, cpus: int, half_life_s: int
) -> None:
    weights = replace(WEIGHTS, half_life_s=half_life_s)
    ended = min(since + took, NOW)
    half_life = half_life_s * SECOND
    exact = cpus / 10 * (2 ** ((ended - NOW) / half_life) - 2 ** ((since - NOW) / half_life))
    running = share(weights)
    running.begin(run(1, since, cpus=cpus), A, ANN)
    whole = replace(run(1, since, cpus=cpus), ended_at=Instant(ended), state=RunState.ENDED)

    def held(found: FairShare, *past: UsageDay) -> float:
        return found.standings(NOW, {(A, ANN)}, past).projects[A].held

    if ended == NOW:
        assert held(running) == pytest.approx(exact, abs=1e-9)
    # A day is told apart no further: what was held at its end may count as if at its beginning.
    slack = exact * (2 ** (DAY_US / half_life) - 1)
    assert held(share(weights), *used(whole, A, ANN)) == pytest.approx(exact, abs=slack + 1e-9)


@pytest.mark.parametrize("shares", [(1, 1), (3, 1), (1, 4)])
def test_a_full_center_is_parted_by_shares_whoever_came_first(shares: tuple[int, int]) -> None:
    """Two projects that always have more work than fits, through the kernel's turns; one submits all of it first."""
    center = Center().with_nodes(node("n0", 10, 100))
    fair = FairShare(ShareWeights(project_s=7 * DAY_S, member_s=0, half_life_s=DAY_S))
    fair.set_node(center.nodes[NodeName("n0")])
    fair.set_projects([Project(name=A, shares=shares[0]), Project(name=B, shares=shares[1])])
    whose: dict[WorkloadId, Account] = {}
    for account in ((A, ANN), (B, BOB)):
        for _ in range(400):
            workload = center.add(WorkloadSpec(resources=asks(1, 1), time_limit_s=HOUR_S))
            whose[workload] = account
            given = replace(center.waiting[workload], project=account[0], owner=account[1])
            center.waiting[workload] = given
            center.state.enqueue(given, center.specs[workload])
    held: Counter[ProjectName] = Counter()
    past: list[UsageDay] = []
    for _ in range(48):
        center.state.rank(fair.standings(center.now, center.state.accounts(), past))
        for placed in center.turn().placements:
            project, owner = whose[placed.workload]
            held[project] += 1
            started = center.run_of(placed.workload)
            center.begin(started)
            fair.begin(center.runs[started], project, owner)
        center.pass_time(HOUR_S)
        for ended in list(center.runs.values()):
            over = replace(ended, ended_at=center.now, state=RunState.ENDED)
            past += used(over, *whose[ended.workload])
            fair.end(ended.id)
            center.end(ended.id)
    assert held[A] + held[B] == 480
    assert held[A] / 480 == pytest.approx(shares[0] / sum(shares), abs=0.05)


def test_asking_for_much_is_worth_waiting_time_by_the_largest_part_of_the_center() -> None:
    standings = share(ShareWeights(size_s=10 * HOUR_S)).standings(NOW, ())
    for asked, hours in (
        (Amounts(1, 10_000, 1, 0), 10.0),
        (Amounts(1, 1_000, 50 * GIB, 1_000), 5.0),
        (Amounts(1, 1_000, GIB, 3_000), 7.5),
        (Amounts(1, 99_000, GIB, 0), 10.0),
        (Amounts(1, 1, 1, 0), 0.0),
    ):
        assert standings.size_credit_s(asked) == hours * HOUR_S
    assert share().standings(NOW, ()).size_credit_s(Amounts(1, 10_000, 1, 0)) == 0


def test_wide_work_goes_first_by_as_much_as_it_is_owed_and_anew_when_the_center_grows() -> None:
    center = Center().with_nodes(node("n0", 4, 16))
    taken = center.add(WorkloadSpec(resources=asks(4), time_limit_s=10))
    center.turn()
    narrow = center.add(WorkloadSpec(resources=asks(1)))
    center.pass_time(1800)
    wide = center.add(WorkloadSpec(resources=asks(4)))
    fair_share = FairShare(ShareWeights(size_s=HOUR_S))
    fair_share.set_node(center.nodes[NodeName("n0")])
    center.state.rank(fair_share.standings(center.now, ()))
    assert center.queue() == [wide, narrow]
    late = center.add(WorkloadSpec(resources=asks(4)))
    assert center.queue() == [wide, late, narrow]
    fair_share.set_node(node("n1", 100, 400))
    center.state.rank(fair_share.standings(center.now, ()))
    assert center.queue() == [narrow, wide, late]
    assert taken in center.active


def test_standing_and_the_queues_priority_go_before_credit() -> None:
    center = Center().with_nodes(node("n0", 1, 4))
    center.set_queue("high", 5)
    plain = center.add(WorkloadSpec())
    urgent = center.add(WorkloadSpec(priority=1))
    through = center.add(WorkloadSpec(queue=QueueName("high")))
    center.pass_time(1)
    own, later = center.submit(WorkloadSpec(), 2)
    busy, owed = center.waiting[plain].owner, center.waiting[later].owner
    assert (center.waiting[own].owner, busy == owed) == (busy, False)
    assert center.queue() == [through, urgent, plain, own, later]
    fair = share()
    fair.begin(run(99, 0, cpus=10), PROJECT, busy)
    center.state.rank(fair.standings(center.now, center.state.accounts()))
    assert center.queue() == [through, urgent, later, plain, own]
    *_, latest = center.submit(WorkloadSpec(), 3)
    assert center.waiting[latest].owner == owed
    queue = center.queue()
    assert queue.index(later) < queue.index(latest) < queue.index(plain)
