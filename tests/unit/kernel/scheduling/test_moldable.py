"""Work that can run with fewer tasks: how many it gets, what it waits for, and what it counts for."""

from __future__ import annotations

from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Plan, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.ids import WorkloadId
from suanli.model.quota import Quota, QuotaScope
from suanli.model.spec import ArraySpec, WorkloadSpec
from tests.unit.kernel.scheduling.center import PROJECT, SECOND, Center, asks, gpu, node


def moldable(least: int, most: int, limit: int = 100, cpus: float = 1, nodes: int = 0) -> WorkloadSpec:
    return WorkloadSpec(tasks=most, min_tasks=least, time_limit_s=limit, resources=asks(cpus), nodes=nodes)


def rigid(tasks: int, limit: int = 100) -> WorkloadSpec:
    return WorkloadSpec(tasks=tasks, time_limit_s=limit, resources=asks())


def tasks(plan: Plan) -> dict[WorkloadId, int]:
    return {row.workload: row.allocation.tasks for row in plan.placements}


def test_it_starts_with_as_many_tasks_as_there_is_room_for() -> None:
    center = Center().with_nodes(node("n1"), node("n2"))
    wide, narrow, waits = center.add(moldable(2, 5)), center.add(moldable(2, 5)), center.add(moldable(2, 5))
    plan = center.turn()
    assert tasks(plan) == {wide: 5, narrow: 3}
    reason = plan.reason(center.waiting[waits], demand_of(center.specs[waits]))
    assert reason is not None
    assert (reason.code, reason.nodes_failing) == (ReasonCode.CPU, 2)
    center.end(center.run_of(narrow))
    assert tasks(center.turn()) == {waits: 3}


def test_fewer_than_will_do_is_no_room() -> None:
    center = Center().with_nodes(node("n1"), node("n2"))
    center.add(rigid(5))
    center.turn()
    waits = center.add(moldable(4, 8))
    explained = explain(center.state, waits, center.now, center.policy)
    together = next(one for one in explained.reasons if one.code is ReasonCode.TASKS_COUNT)
    assert (together.needed, together.available) == (4, 3)
    assert explained.earliest_start == center.now + 100 * SECOND


def test_nodes_are_taken_whole_from_the_fewest_that_will_do() -> None:
    center = Center().with_nodes(*(node(f"n{number}") for number in range(3)))
    workload = center.add(moldable(4, 16, nodes=4, cpus=0.5))
    (row,) = center.turn().placements
    assert [hold.tasks for hold in row.allocation.nodes] == [4, 4, 4]
    assert center.run_of(workload)
    assert tasks(center.plan()) == {}


def test_of_engines_the_one_with_the_most_room_is_taken() -> None:
    center = Center().with_nodes(node("n1", 2, engine="small"), node("n2", 4, engine="large"))
    center.add(moldable(1, 8))
    (row,) = center.turn().placements
    assert (row.allocation.engine, row.allocation.tasks) == ("large", 4)


def test_a_quota_that_leaves_fewer_gives_fewer() -> None:
    center = Center().with_nodes(node("n1", 16, 64, *(gpu(index) for index in range(8))))
    center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, cpu_milli=7000, device_share=3000))
    spec = WorkloadSpec(tasks=8, min_tasks=2, resources=asks(1, 1, DeviceRequest(share=500)))
    first, second = center.add(spec), center.add(moldable(1, 8))
    assert tasks(center.turn()) == {first: 6, second: 1}
    waits = center.add(moldable(1, 8))
    assert tasks(center.turn()) == {}
    center.end(center.run_of(first))
    assert tasks(center.turn()) == {waits: 6}


def test_a_quota_is_used_up_in_the_very_turn() -> None:
    center = Center().with_nodes(node("n1", 16, 64))
    center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, cpu_milli=5000))
    first, second = center.add(moldable(1, 4)), center.add(moldable(1, 4))
    center.add(moldable(1, 4))
    assert tasks(center.plan()) == tasks(center.turn()) == {first: 4, second: 1}


def test_what_is_reserved_is_the_least_and_what_starts_is_what_there_is_room_for_then() -> None:
    center = Center().with_nodes(node("n1", 4), node("n2", 4))
    center.add(rigid(4, limit=50))
    center.add(rigid(3, limit=100))
    center.turn()
    head = center.add(moldable(2, 8))
    plan = center.turn()
    (reservation,) = plan.reservations
    assert (reservation.workload, reservation.start) == (head, center.now + 50 * SECOND)
    assert sum(hold.tasks for hold in reservation.nodes) == 2
    center.pass_time(50)
    center.end(center.run_of(WorkloadId(1)))
    assert tasks(center.turn()) == {head: 5}


def test_behind_the_head_it_takes_what_delays_nobody() -> None:
    center = Center().with_nodes(node("n1", 8))
    center.add(rigid(4, limit=50))
    center.turn()
    center.add(rigid(6, limit=100))
    long = center.add(moldable(1, 4, limit=100))
    assert tasks(center.turn()) == {long: 2}
    short = center.add(moldable(1, 4, limit=40))
    assert tasks(center.turn()) == {short: 2}


def test_elements_of_an_array_have_each_what_there_is_room_for() -> None:
    center = Center().with_nodes(node("n1", 8))
    spec = moldable(1, 3)
    first, second, third = center.submit(
        WorkloadSpec(tasks=spec.tasks, min_tasks=1, resources=spec.resources, array=ArraySpec(indices=(0, 1, 2))),
        3,
    )
    assert tasks(center.turn()) == {first: 3, second: 3, third: 2}
