"""Whose place may be taken, and that nobody else gets it."""

from __future__ import annotations

from dataclasses import replace

from suanli.kernel.scheduling.plan import Plan
from suanli.model.ids import QueueName, WorkloadId
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import Center, asks, node

SCAVENGER = WorkloadSpec(resources=asks(1), preemptible=True)
URGENT = WorkloadSpec(resources=asks(2), priority=1, time_limit_s=50)


def victims(plan: Plan) -> list[WorkloadId]:
    return [preemption.workload for preemption in plan.preemptions]


def scavenged(count: int = 4) -> tuple[Center, list[WorkloadId]]:
    """Four cpus taken by preemptible work, one started each second."""
    center = Center().with_nodes(node("n0", 4, 16))
    made = []
    for _ in range(count):
        made.append(center.add(SCAVENGER))
        center.turn()
        center.pass_time(1)
    return center, made


def test_the_latest_started_go_and_no_more_than_needed() -> None:
    center, made = scavenged()
    head = center.add(URGENT)
    plan = center.plan()
    assert victims(plan) == made[2:]
    assert {preemption.by for preemption in plan.preemptions} == {head}
    assert not plan.placements


def test_a_larger_later_victim_spares_the_smaller_ones() -> None:
    center = Center().with_nodes(node("n0", 4, 16))
    for cpus in (3, 1):
        center.add(replace(SCAVENGER, resources=asks(cpus)))
        center.turn()
        center.pass_time(1)
    center.add(replace(URGENT, resources=asks(3)))
    assert victims(center.plan()) == [1]


def test_equal_standing_gives_no_right() -> None:
    center, _ = scavenged()
    center.add(replace(URGENT, priority=0))
    assert not center.plan().preemptions


def test_preemptible_work_preempts_nobody() -> None:
    center, _ = scavenged()
    center.add(replace(URGENT, preemptible=True))
    assert not center.plan().preemptions


def test_work_that_is_not_preemptible_keeps_its_place() -> None:
    center = Center().with_nodes(node("n0", 4, 16))
    center.submit(WorkloadSpec(resources=asks(1)), 4)
    center.turn()
    center.add(URGENT)
    assert not center.plan().preemptions


def test_the_queue_outranks_the_priority() -> None:
    center, _ = scavenged()
    center.set_queue("express", 1)
    center.add(replace(URGENT, queue=QueueName("express"), priority=-5))
    assert len(center.plan().preemptions) == 2
    center.set_queue("default", 2)
    assert not center.plan().preemptions


def test_nobody_is_sent_away_in_vain() -> None:
    center, _ = scavenged(3)
    center.add(WorkloadSpec(resources=asks(1)))
    center.turn()
    center.add(replace(URGENT, resources=asks(4)))
    assert not center.plan().preemptions


def test_while_victims_leave_nobody_else_is_asked_and_nobody_takes_their_place() -> None:
    center, made = scavenged()
    head = center.add(URGENT)
    center.turn()
    thief = center.add(WorkloadSpec(resources=asks(1), time_limit_s=10))
    assert not center.turn().preemptions
    center.end(center.run_of(made[3]))
    plan = center.turn()
    assert not plan.preemptions
    assert not plan.placements
    center.end(center.run_of(made[2]))
    plan = center.turn()
    assert [row.workload for row in plan.placements] == [head]
    assert {thief, made[2], made[3]} == set(center.waiting)


def test_only_work_on_nodes_that_help_goes() -> None:
    center = Center().with_nodes(node("n0", 2, 16), node("n1", 4, 16))
    first = center.add(replace(SCAVENGER, resources=asks(4)))
    center.turn()
    center.pass_time(1)
    center.add(replace(SCAVENGER, resources=asks(2)))
    center.turn()
    center.add(replace(URGENT, resources=asks(4)))
    assert victims(center.plan()) == [first]


def test_of_three_the_one_in_the_middle_is_spared_where_the_others_suffice() -> None:
    center = Center().with_nodes(node("n0", 9, 16))
    made = []
    for cpus in (4, 1, 4):
        made.append(center.add(replace(SCAVENGER, resources=asks(cpus))))
        center.turn()
        center.pass_time(1)
    center.add(replace(URGENT, resources=asks(8)))
    assert victims(center.plan()) == [made[0], made[2]]


def test_of_those_that_started_at_once_the_last_submitted_goes() -> None:
    center = Center().with_nodes(node("n0", 4, 16))
    made = [center.add(SCAVENGER) for _ in range(4)]
    center.turn()
    center.add(URGENT)
    assert victims(center.plan()) == made[2:]


def test_a_single_one_gives_its_place_and_one_of_higher_standing_does_not() -> None:
    for priority, leaves in ((0, True), (1, False), (2, False)):
        center = Center().with_nodes(node("n0", 2, 16))
        only = center.add(replace(SCAVENGER, priority=priority))
        center.turn()
        center.add(URGENT)
        assert victims(center.plan()) == ([only] if leaves else [])


def test_it_is_the_start_that_counts_and_not_the_submission() -> None:
    center = Center().with_nodes(node("n0", 4, 16))
    first = center.add(WorkloadSpec(resources=asks(3)))
    center.turn()
    waited = center.add(replace(SCAVENGER, resources=asks(2)))
    center.add(SCAVENGER)
    center.turn()
    center.pass_time(1)
    center.end(center.run_of(first))
    center.turn()
    center.add(URGENT)
    assert victims(center.plan()) == [waited]
