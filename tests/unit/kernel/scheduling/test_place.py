"""All tasks of a run or none, on as few and as fitting nodes as there are."""

from __future__ import annotations

from dataclasses import replace

from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import ReasonCode
from suanli.model.devices import DeviceClass, DeviceRequest
from suanli.model.resources import Allocation, DeviceHold
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, Center, asks, gpu, node
from tests.unit.kernel.scheduling.explained import check_explanation


def placed(center: Center, spec: WorkloadSpec) -> Allocation:
    workload = center.add(spec)
    (row,) = (row for row in center.turn().placements if row.workload == workload)
    return row.allocation


def where(allocation: Allocation) -> dict[str, int]:
    return {hold.node: hold.tasks for hold in allocation.nodes}


def test_one_node_that_holds_all_is_better_than_two() -> None:
    center = Center().with_nodes(node("n0", 2), node("n1", 8), node("n2", 6))
    assert where(placed(center, WorkloadSpec(tasks=5))) == {"n2": 5}


def test_tasks_are_spread_over_as_few_nodes_as_possible() -> None:
    center = Center().with_nodes(node("n0", 2), node("n1", 4), node("n2", 3), node("n3", 4))
    assert where(placed(center, WorkloadSpec(tasks=10))) == {"n1": 4, "n3": 4, "n0": 2}


def test_exactly_the_nodes_asked_for_with_equal_parts() -> None:
    center = Center().with_nodes(node("n0", 2), node("n1", 8), node("n2", 4), node("n3", 1))
    allocation = placed(center, WorkloadSpec(tasks=4, nodes=2))
    assert where(allocation) == {"n0": 2, "n2": 2}
    assert [(hold.cpu_milli, hold.memory_bytes) for hold in allocation.nodes] == [(2000, 1024 * 1024 * 1024)] * 2


def test_no_node_gets_more_tasks_than_the_bound() -> None:
    center = Center().with_nodes(node("n0", 8), node("n1", 2), node("n2", 6))
    spread = WorkloadSpec(tasks=3, max_tasks_per_node=1)
    assert where(placed(center, spread)) == {"n0": 1, "n1": 1, "n2": 1}
    assert where(placed(center, replace(spread, tasks=4, max_tasks_per_node=3))) == {"n2": 3, "n1": 1}
    assert where(placed(center, replace(spread, tasks=2, max_tasks_per_node=2))) == {"n2": 2}


def test_more_tasks_than_nodes_to_spread_them_over_never_start() -> None:
    center = Center().with_nodes(node("n0", 8), node("n1", 8))
    workload = center.add(WorkloadSpec(tasks=3, max_tasks_per_node=1))
    explained = explain(center.state, workload, center.now, center.policy)
    check_explanation(center, center.plan(), explained)
    assert [(one.code, one.needed, one.available) for one in explained.reasons] == [
        (ReasonCode.IMPOSSIBLE, 0, 0),
        (ReasonCode.TASKS_COUNT, 3, 2),
    ]


def test_a_run_never_spans_engines() -> None:
    center = Center().with_nodes(
        node("a0", 3, engine="a"), node("b0", 2, engine="b"), node("a1", 1, engine="a"), node("b1", 2, engine="b")
    )
    allocation = placed(center, WorkloadSpec(tasks=4, nodes=2))
    assert (allocation.engine, where(allocation)) == ("b", {"b0": 2, "b1": 2})
    center.add(WorkloadSpec(tasks=5))
    assert not center.plan().placements


def test_work_without_devices_keeps_off_nodes_that_have_some() -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0)), node("n1", 16, 64))
    assert where(placed(center, WorkloadSpec())) == {"n1": 1}


def test_shared_devices_are_filled_before_others_are_opened() -> None:
    center = Center().with_nodes(node("n0", 8, 64, gpu(0, gib=40), gpu(1, gib=80), gpu(2, gib=40)))
    half = WorkloadSpec(tasks=3, resources=asks(devices=DeviceRequest(device_class=DeviceClass.GPU, share=500)))
    assert placed(center, half).nodes[0].devices == (DeviceHold(index=0, share=1000), DeviceHold(index=2, share=500))
    third = WorkloadSpec(resources=asks(devices=DeviceRequest(share=300)))
    assert placed(center, third).nodes[0].devices == (DeviceHold(index=2, share=300),)


def test_every_task_gets_its_whole_devices() -> None:
    center = Center().with_nodes(node("n0", 8, 64, *(gpu(index) for index in (3, 4, 5, 7))))
    two_each = WorkloadSpec(tasks=2, resources=asks(devices=DeviceRequest(count=2)))
    assert [device.index for device in placed(center, two_each).nodes[0].devices] == [3, 4, 5, 7]


def test_an_exclusive_run_holds_whole_nodes_with_every_sound_device() -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0), replace(gpu(1), healthy=False)), node("n1", 2, 8))
    allocation = placed(center, WorkloadSpec(tasks=3, exclusive=True))
    (hold,) = allocation.nodes
    assert allocation.exclusive
    assert (hold.node, hold.tasks, hold.cpu_milli, hold.memory_bytes) == ("n0", 3, 4000, 16 * GIB)
    assert hold.devices == (DeviceHold(index=0),)


def test_one_plan_never_gives_the_same_room_twice() -> None:
    center = Center().with_nodes(node("n0", 4, 4))
    center.submit(WorkloadSpec(resources=asks(1.5)), 4)
    plan = center.turn()
    assert [row.workload for row in plan.placements] == [1, 2]
    assert plan.complete
