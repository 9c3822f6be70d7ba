"""Qualities of service: whose work goes first, gives way, is bounded, and counts for how much."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.explain import explain, preview
from suanli.kernel.scheduling.fair_share import FairShare, ShareWeights
from suanli.kernel.scheduling.levels import Levels
from suanli.kernel.scheduling.plan import Level, Plan, ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.what_if.changes import Bounds, Changes
from suanli.kernel.what_if.compare import compare
from suanli.model.facts import WorkloadUpdated
from suanli.model.ids import ProjectName, QosName, QueueName, UserName, WorkloadId
from suanli.model.qos import Qos
from suanli.model.quantities import Instant
from suanli.model.quota import Quota, QuotaScope
from suanli.model.spec import MAX_PRIORITY, NORMAL, WorkloadSpec
from suanli.model.usage import DAY_US, UsageDay
from tests.unit.kernel.scheduling.center import BEGIN, OWNERS, Center, asks, node
from tests.unit.kernel.scheduling.checker import check, in_order
from tests.unit.kernel.scheduling.holding import run
from tests.unit.kernel.scheduling.qualified import NAMES

URGENT, IDLE = QosName("urgent"), QosName("idle")
ONE = WorkloadSpec(resources=asks(1), time_limit_s=60)
ALL = replace(ONE, resources=asks(4))
PRIORITIES = st.sampled_from([-MAX_PRIORITY, -1, 0, 1, 7, MAX_PRIORITY])


def of(spec: WorkloadSpec, qos: str, priority: int = 0, queue: str = "default") -> WorkloadSpec:
    return replace(spec, qos=QosName(qos), priority=priority, queue=QueueName(queue))


def center(cpus: int = 4) -> Center:
    return Center().with_nodes(node("n0", cpus, 64))


def victims(plan: Plan) -> list[WorkloadId]:
    return [preemption.workload for preemption in plan.preemptions]


@given(st.lists(st.tuples(PRIORITIES, PRIORITIES, PRIORITIES), min_size=2, max_size=6))
def test_two_keys_say_the_order_of_three_priorities(levels: list[tuple[int, int, int]]) -> None:
    """Also as the tables hold them, which is in 64 bits of which 53 are exact."""
    made = [Level(*level) for level in levels]
    by_keys = sorted(made, key=lambda level: tuple(float(key) for key in level.keys))
    assert by_keys == sorted(made, key=lambda level: (-level.queue, -level.qos, -level.own))


def test_the_queue_goes_first_then_the_qos_then_the_works_own_priority_then_time() -> None:
    one = center()
    one.set_queue("express", 1)
    one.set_qos(URGENT, 5)
    one.set_qos(IDLE, -5)
    plain = one.add(ONE)
    idle = one.add(of(ONE, IDLE, MAX_PRIORITY))
    raised = one.add(of(ONE, NORMAL, 3))
    urgent = one.add(of(ONE, URGENT, -MAX_PRIORITY))
    express = one.add(of(ONE, IDLE, -7, "express"))
    unknown = one.add(of(ONE, "never told"))
    assert one.queue() == [express, urgent, raised, plain, unknown, idle]


def test_a_qos_that_is_set_otherwise_moves_what_waits_and_what_comes() -> None:
    one = center()
    first, second = one.add(of(ONE, URGENT)), one.add(ONE)
    one.set_qos(NORMAL, 1)
    assert one.queue() == [second, first]
    one.set_qos(URGENT, 2)
    assert one.queue() == [first, second]
    third = one.add(of(ONE, URGENT))
    assert one.queue() == [first, third, second]
    # As if it had been removed.
    one.set_qos(URGENT)
    assert one.queue() == [second, first, third]


def test_work_may_be_given_another() -> None:
    one = center()
    one.set_qos(URGENT, 1)
    first, second = one.add(ONE), one.add(ONE)
    one.change(second, priority=0, time_limit_s=60, qos=URGENT)
    assert one.queue() == [second, first]
    one.change(second, priority=0, time_limit_s=60, qos=NORMAL)
    assert one.queue() == [first, second]


def test_whether_anything_stands_otherwise_is_told() -> None:
    levels = Levels()
    assert not levels.set_qos(Qos(name=URGENT))
    assert levels.set_qos(Qos(name=URGENT, priority=1))
    assert not levels.set_qos(Qos(name=URGENT, priority=1, usage_factor=5, users=frozenset({UserName("ann")})))
    assert levels.set_qos(Qos(name=URGENT, priority=1, preemptible=True))
    copied = levels.copied()
    assert copied.set_qos(Qos(name=URGENT))
    assert not levels.set_qos(Qos(name=URGENT, priority=1, preemptible=True))


def test_a_higher_qos_takes_the_place_of_preemptible_work_of_a_lower() -> None:
    one = center()
    one.set_qos(URGENT, 1)
    running = one.add(replace(ALL, preemptible=True))
    one.turn()
    one.add(ALL)
    assert not one.plan().preemptions
    one.add(of(ALL, URGENT))
    assert victims(one.plan()) == [running]


@pytest.mark.parametrize("queue", [0, 1])
def test_no_qos_takes_the_place_of_work_in_a_higher_queue(queue: int) -> None:
    one = center()
    one.set_queue("express", queue)
    one.set_qos(URGENT, 9)
    running = one.add(replace(ALL, preemptible=True, queue=QueueName("express")))
    one.turn()
    one.add(of(ALL, URGENT))
    assert victims(one.plan()) == ([] if queue else [running])


def test_all_work_of_a_preemptible_qos_gives_way_and_takes_nobodys_place() -> None:
    one = center()
    one.set_qos(IDLE, -1, preemptible=True)
    running = one.add(of(ALL, IDLE))
    one.turn()
    head = one.add(of(ALL, IDLE, 5))
    assert not one.plan().preemptions
    one.withdraw(head)
    by = one.add(ALL)
    plan = one.plan()
    assert victims(plan) == [running]
    assert [preemption.by for preemption in plan.preemptions] == [by]
    check(one, plan)


def test_what_runs_gives_way_from_when_its_qos_says_so_until_it_does_not() -> None:
    one = center()
    running = one.add(of(ALL, IDLE))
    one.turn()
    one.add(replace(ALL, priority=1))
    assert not one.plan().preemptions
    one.set_qos(IDLE, preemptible=True)
    assert victims(one.plan()) == [running]
    one.set_qos(IDLE)
    assert not one.plan().preemptions
    one.set_qos(IDLE, preemptible=True)
    # It is asked once, and waits again when it has ended.
    one.turn()
    one.set_qos(IDLE)
    one.end(one.run_of(running))
    assert one.state.tables.sizes[t.PREEMPTIBLES] == 0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_how_much_may_give_way_is_counted_whatever_changes(seed: int) -> None:
    chance, one = Random(seed), center(6)
    for _ in range(30):
        match chance.randrange(5):
            case 0:
                one.set_qos(chance.choice(NAMES), chance.randint(-1, 1), preemptible=chance.random() < 0.5)
            case 1 | 2:
                spec = replace(ONE, preemptible=chance.random() < 0.3, qos=chance.choice(NAMES))
                one.add(replace(spec, priority=chance.randint(0, 1)))
            case 3:
                one.turn()
            case 4 if one.runs:
                one.end(chance.choice(sorted(one.runs)))
        counted = sum(
            one.active[run.workload].preemptible or (qos is not None and qos.preemptible)
            for run in one.runs.values()
            for qos in [one.qualities.get(one.active[run.workload].qos)]
        )
        assert int(one.state.tables.sizes[t.PREEMPTIBLES]) == counted
        assert one.queue() == [workload.id for workload in in_order(one)]
        check(one, one.plan())
        again = replace(one, state=one.rebuilt())
        assert again.queue() == one.queue()


def test_quotas_of_a_qos_bound_all_of_its_work_or_each_users() -> None:
    one = center(9)
    one.set_quota(Quota(scope=QuotaScope.QOS, name=URGENT, runs=2))
    one.set_quota(Quota(scope=QuotaScope.QOS_USER, name=IDLE, runs=1))
    urgent = [one.add(of(ONE, URGENT)) for _ in range(3)]
    plan = one.turn()
    assert [row.workload for row in plan.placements] == urgent[:2]
    (refused,) = plan.refusals
    assert (refused.reason.code, refused.reason.needed, refused.reason.available) == (ReasonCode.QOS_QUOTA, 3, 2)
    # Owners take turns: the fourth is the first one's again.
    idle = [one.add(of(ONE, IDLE)) for _ in range(4)]
    plan = one.turn()
    assert [row.workload for row in plan.placements] == idle[: len(OWNERS)]
    assert ReasonCode.QOS_USER_QUOTA in {refusal.reason.code for refusal in plan.refusals}


def test_why_tells_what_the_order_goes_by() -> None:
    one = center()
    one.set_queue("express", 4)
    one.set_qos(URGENT, 7)
    one.add(ALL)
    one.turn()
    waiting = one.add(of(ALL, URGENT, -3, "express"))
    assert explain(one.state, waiting, one.now, one.policy).level == Level(4, 7, -3)
    asked = preview(one.state, of(ALL, URGENT), OWNERS[0], one.now, one.policy)
    assert asked.level == Level(0, 7, 0)


def test_what_if_work_had_another() -> None:
    one = center()
    one.set_qos(URGENT, 1)
    one.add(replace(ALL, time_limit_s=100))
    one.turn()
    first, second = one.add(ALL), one.add(of(ALL, NORMAL, 0))
    change = WorkloadUpdated(workload=second, time_limit_s=60, priority=0, qos=URGENT)
    found = compare(snapshot(one.state), one.now, one.policy, Changes(altered=(change,)), Bounds())
    starts = [(side.stays[first].start or 0, side.stays[second].start or 0) for side in (found.before, found.after)]
    assert starts[0][0] < starts[0][1]
    assert starts[1][1] < starts[1][0]
    # Altered otherwise, it keeps the one that it has.
    one.change(second, priority=0, time_limit_s=60, qos=URGENT)
    kept = WorkloadUpdated(workload=second, time_limit_s=50, priority=0)
    found = compare(snapshot(one.state), one.now, one.policy, Changes(altered=(kept,)), Bounds())
    assert (found.after.stays[second].start or 0) < (found.after.stays[first].start or 0)


def test_what_is_preempted_in_a_look_ahead_still_gives_way_by_its_own_word_alone() -> None:
    one = center()
    one.set_qos(IDLE, -1, preemptible=True)
    running = one.add(replace(of(ALL, IDLE), time_limit_s=500))
    one.turn()
    late = one.add(replace(ALL, time_limit_s=20))
    changes = Changes(sent_back=frozenset(one.runs))
    found = compare(snapshot(one.state), one.now, one.policy, changes, Bounds())
    assert found.after.stays[late].start is not None
    assert (found.after.stays[late].start or 0) < BEGIN + 500_000_000
    assert running in found.after.stays


PARTS = ShareWeights(project_s=7 * 86_400)
A, ANN = ProjectName("a"), UserName("ann")
NOW = Instant(100 * DAY_US)


def share(**factors: float) -> FairShare:
    found = FairShare(PARTS)
    found.set_node(node("n0", 10, 100))
    for name, factor in factors.items():
        found.set_qos(Qos(name=QosName(name), usage_factor=round(1000 * factor)))
    return found


@pytest.mark.parametrize(
    ("qos", "held"), [("normal", 0.5), ("double", 1.0), ("half", 0.25), ("free", 0.0), ("never told", 0.5)]
)
def test_an_hour_counts_for_as_much_as_its_qos_says(qos: str, held: float) -> None:
    found = share(double=2, half=0.5, free=0)
    found.begin(run(1, 0, cpus=5), A, ANN, QosName(qos))
    assert found.standings(NOW, ()).projects[A].held == pytest.approx(held, rel=1e-3)
    found = share(double=2, half=0.5, free=0)
    day = UsageDay(day=99, project=A, owner=ANN, qos=QosName(qos), cpu_us=10 * DAY_US)
    weight = found.standings(NOW, (), [replace(day, qos=NORMAL)]).projects[A].held
    assert found.standings(NOW, (), [day]).projects[A].held == pytest.approx(weight * held / 0.5)


def test_days_of_several_are_added_up_each_by_its_own_factor() -> None:
    days = [
        UsageDay(day=99, project=A, owner=ANN, qos=QosName(name), cpu_us=2 * DAY_US)
        for name in ("normal", "double", "free")
    ]
    plain = share().standings(NOW, (), days[:1]).projects[A].held
    assert share(double=2, free=0).standings(NOW, (), days).projects[A].held == pytest.approx(3 * plain)
    # Another factor counts for the past as well.
    assert share(double=5, free=1).standings(NOW, (), days).projects[A].held == pytest.approx(7 * plain)
