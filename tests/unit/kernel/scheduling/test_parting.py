"""Parts of devices in a live center: what starts beside what, what is reserved, and what is said of who lacks one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.explain import explain, preview
from suanli.kernel.scheduling.plan import Decision, Explanation, Plan, Policy, ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.scheduling.state import ClusterState
from suanli.kernel.what_if.changes import Bounds
from suanli.kernel.what_if.onward import live_on, record_of
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import RunId, UserName, WorkloadId
from suanli.model.partitions import MADE, MAX_TEMPLATES, THOUSANDTHS
from suanli.model.quota import Quota, QuotaScope
from suanli.model.resources import Device, Node
from suanli.model.spec import Request, TaskResources, WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, SECOND, Center, asks, node
from tests.unit.kernel.scheduling.checker import check
from tests.unit.kernel.scheduling.core.parted import A30, A100, NPU, Ways
from tests.unit.kernel.scheduling.explained import check_explanation

MANY = 1000


def gpu(index: int = 0, ways: Ways = A100, **more: Any) -> Device:
    whole = Device(index=index, device_class=DeviceClass.GPU, model="a100", memory_bytes=40 * GIB, partitions=ways)
    return replace(whole, **more)


def roomy(name: str, *devices: Device) -> Node:
    return node(name, 64, 64, *devices)


def job(partition: str = "", limit_s: int = 60, count: int = 1, tasks: int = 1, **request: Any) -> WorkloadSpec:
    devices = DeviceRequest(partition=partition, count=count, **request)
    return WorkloadSpec(resources=asks(1, 1, devices), time_limit_s=limit_s, tasks=tasks)


def planned(center: Center) -> Plan:
    """The plan, which is judged on the way with all that is said of who waits."""
    plan = center.plan()
    check(center, plan)
    for workload in center.waiting:
        check_explanation(center, plan, explain(center.state, workload, center.now, center.policy))
    return plan


Held = tuple[str, int, str, int]


def placed(center: Center) -> dict[WorkloadId, list[Held]]:
    """Who would start now: on which nodes and devices, by what templates, and with which slices."""
    return {
        row.workload: [
            (hold.node, device.index, device.partition, device.slices)
            for hold in row.allocation.nodes
            for device in hold.devices
        ]
        for row in planned(center).placements
    }


def why(center: Center, workload: WorkloadId) -> Explanation:
    planned(center)
    return explain(center.state, workload, center.now, center.policy)


def device_of(state: ClusterState, position: int = 0) -> list[int]:
    return [int(value) for value in state.room.devices[0, position, [t.FREE, t.SLOTS]]]


def test_none_is_asked_for_unless_it_is_said() -> None:
    assert (DeviceRequest().partition, DeviceRequest().thousandths) == ("", 1000)
    plain, part = demand_of(job()), demand_of(job("1g.5gb"))
    assert part == plain._replace(device_partition="1g.5gb", device_share=142)
    assert part.of_one_node.device_partition == "1g.5gb"
    assert demand_of(job("1g.5gb", min_memory_bytes=4 * GIB)).device_memory_bytes == 4 * GIB


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"partition": "9g.90gb"}, "no device is known"),
        ({"share": 500}, "leave the share out"),
        ({"precision": Precision.FP32, "at_least": 5}, "leave the rate out"),
    ],
)
def test_with_a_part_nothing_is_asked_that_parts_do_not_have(changes: dict[str, Any], word: str) -> None:
    request = replace(DeviceRequest(partition="1g.5gb"), **changes)
    spec = WorkloadSpec(command=("a",), resources=TaskResources(devices=request))
    other = WorkloadSpec(command=("a",), alternatives=(Request(resources=spec.resources),))
    for one, field in ((spec, ""), (other, "alternatives.0.")):
        with pytest.raises(InvalidRequestError) as refused:
            one.check()
        assert refused.value.field == f"{field}resources.devices.partition"
        assert word in f"{refused.value.detail} {refused.value.hint}"


@pytest.mark.parametrize("more", [{"exclusive": True}, {"work": {Precision.FP32: 5}}])
def test_a_part_is_not_asked_for_with_whole_nodes_or_with_work_to_be_done(more: dict[str, Any]) -> None:
    resources = TaskResources(devices=DeviceRequest(partition="1g.5gb"))
    WorkloadSpec(command=("a",), resources=resources).check()
    with pytest.raises(InvalidRequestError) as refused:
        WorkloadSpec(command=("a",), resources=resources, **more).check()
    assert refused.value.field == "resources.devices.partition"


def test_parts_of_all_kinds_go_onto_one_device_where_they_leave_most() -> None:
    center = Center().with_nodes(roomy("n0", gpu(0), gpu(1)))
    small, half, pair = center.add(job("1g.5gb")), center.add(job("3g.20gb")), center.add(job("2g.10gb"))
    assert placed(center) == {
        small: [("n0", 0, "1g.5gb", 0b0100_0000)],
        half: [("n0", 0, "3g.20gb", 0b0000_1111)],
        pair: [("n0", 0, "2g.10gb", 0b0011_0000)],
    }


def test_a_parted_device_is_nobodys_whole_and_whole_again_when_its_last_part_goes() -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    first, second = center.add(job("1g.5gb")), center.add(job("1g.5gb"))
    center.turn()
    whole, half = center.add(job()), center.add(job(share=500))
    assert placed(center) == {}
    assert device_of(center.state)[0] == 0
    center.end(center.run_of(first))
    assert placed(center) == {}
    center.end(center.run_of(second))
    assert device_of(center.state) == [1000, 0]
    assert placed(center) == {whole: [("n0", 0, "", 0)]}
    center.withdraw(whole)
    assert placed(center) == {half: [("n0", 0, "", 0)]}


@pytest.mark.parametrize("share", [100, 1000])
def test_a_device_of_which_anything_is_held_is_not_parted(share: int) -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    center.add(job(share=share))
    center.turn()
    part = center.add(job("1g.5gb"))
    assert placed(center) == {}
    (reason,) = why(center, part).reasons
    assert (reason.code, reason.wanted, reason.devices) == (ReasonCode.DEVICE_FREE, "1g.5gb", 1)
    assert (reason.needed, reason.available) == (1, 0)


def test_a_task_may_have_several_parts_and_a_gang_fills_devices() -> None:
    center = Center().with_nodes(roomy("n0", gpu(0, A30), gpu(1, A30)), roomy("n1", gpu(0, A30)))
    gang = center.add(job("2g.12gb", count=2, tasks=3))
    found = sorted(placed(center)[gang])
    assert found == [
        (name, index, "2g.12gb", slots) for name, index in (("n0", 0), ("n0", 1), ("n1", 0)) for slots in (3, 12)
    ]


def test_the_memory_that_is_asked_for_is_that_of_the_part() -> None:
    small = tuple(replace(one, memory_bytes=one.memory_bytes // 2) for one in A100)
    center = Center().with_nodes(roomy("n0", gpu(0, small), gpu(1)))
    fits, never = (
        center.add(job("2g.10gb", min_memory_bytes=10 * GIB)),
        center.add(job("2g.10gb", min_memory_bytes=11 * GIB)),
    )
    assert placed(center) == {fits: [("n0", 1, "2g.10gb", 0b0011_0000)]}
    explained = why(center, never)
    assert explained.decision is Decision.NEVER
    assert [reason.code for reason in explained.reasons] == [ReasonCode.IMPOSSIBLE, ReasonCode.DEVICE_MEMORY]
    assert (explained.reasons[1].needed, explained.reasons[1].available) == (11 * GIB, 10 * GIB)


def test_who_asks_for_what_no_device_here_is_parted_by_never_starts() -> None:
    center = Center().with_nodes(roomy("n0", gpu()), roomy("n1", gpu(0, ())))
    never = center.add(job("1g.6gb"))
    explained = why(center, never)
    assert explained.decision is Decision.NEVER
    assert [reason.code for reason in explained.reasons] == [ReasonCode.IMPOSSIBLE, ReasonCode.DEVICE_PARTITION]
    assert (explained.reasons[1].wanted, explained.reasons[1].nodes_failing) == ("1g.6gb", 2)
    center.set_node(roomy("n1", gpu(0, A30)))
    assert placed(center) == {never: [("n1", 0, "1g.6gb", 0b1000)]} or set(placed(center)) == {never}


def test_who_lacks_slots_is_told_on_how_many_nodes_and_when_it_starts() -> None:
    center = Center().with_nodes(roomy("n0", gpu(0), gpu(1)), roomy("n1", gpu(0, A30)), roomy("n2"))
    for limit in (100, 200, 300, 400):
        center.add(job("3g.20gb", limit_s=limit))
    center.turn()
    waits = center.add(job("3g.20gb", count=2))
    plan = planned(center)
    (refusal,) = plan.refusals
    assert refusal.reason.code in {ReasonCode.DEVICE_FREE, ReasonCode.DEVICE_CLASS, ReasonCode.DEVICE_PARTITION}
    explained = why(center, waits)
    assert explained.decision is Decision.LATER
    assert explained.earliest_start == center.now + 200 * SECOND
    reasons = {reason.code: reason for reason in explained.reasons}
    assert reasons[ReasonCode.DEVICE_FREE].nodes_failing == 1
    assert reasons[ReasonCode.DEVICE_FREE].devices == 2
    assert (reasons[ReasonCode.DEVICE_FREE].needed, reasons[ReasonCode.DEVICE_FREE].available) == (2, 0)
    assert reasons[ReasonCode.DEVICE_PARTITION].nodes_failing == 1
    assert reasons[ReasonCode.DEVICE_CLASS].nodes_failing == 1


@pytest.mark.parametrize("reservations", [1, MANY])
def test_nobody_behind_takes_slices_that_are_kept(reservations: int) -> None:
    center = Center(policy=Policy(reservations=reservations)).with_nodes(roomy("n0", gpu()))
    center.add(job("3g.20gb", limit_s=100))
    center.turn()
    head = center.add(job("7g.40gb", limit_s=50))
    long, short = center.add(job("1g.5gb", limit_s=101)), center.add(job("1g.5gb", limit_s=100))
    plan = planned(center)
    assert [row.workload for row in plan.placements] == [short]
    (reservation,) = [one for one in plan.reservations if one.workload == head]
    assert reservation.start == center.now + 100 * SECOND
    (device,) = reservation.nodes[0].devices
    assert (device.partition, device.slices) == ("7g.40gb", 0b1111_1111)
    reason = plan.reason(center.waiting[long], demand_of(center.specs[long]))
    assert reason is not None
    assert (reason.code, reason.ahead) == (ReasonCode.BACKFILL_WINDOW, head)


@pytest.mark.parametrize("reservations", [1, MANY])
def test_the_promised_start_of_a_whole_device_comes_true(reservations: int) -> None:
    center = Center(policy=Policy(reservations=reservations)).with_nodes(roomy("n0", gpu()))
    part = center.add(job("1g.5gb", limit_s=100))
    center.turn()
    head = center.add(job(limit_s=50))
    center.add(job("2g.10gb", limit_s=300))
    quick = center.add(job("2g.10gb", limit_s=90))
    assert set(placed(center)) == {quick}
    center.turn()
    promised = why(center, head).earliest_start
    assert promised == center.now + 100 * SECOND
    center.pass_time(100)
    for workload in (part, quick):
        center.end(center.run_of(workload))
    assert placed(center) == {head: [("n0", 0, "", 0)]}


def test_another_request_may_do_with_a_smaller_part() -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    center.add(job("4g.20gb"))
    center.turn()
    smaller = Request(resources=job("1g.5gb").resources)
    either = center.add(replace(job("4g.20gb"), alternatives=(smaller,)))
    assert placed(center) == {either: [("n0", 0, "1g.5gb", 0b0100_0000)]}


def test_moldable_work_gets_as_many_tasks_as_there_are_slots() -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    center.add(job("1g.5gb"))
    center.turn()
    center.add(replace(job("2g.10gb", tasks=5), min_tasks=1))
    (placement,) = planned(center).placements
    assert placement.allocation.tasks == 3


def test_for_a_part_that_goes_first_the_least_is_preempted() -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    runs = [center.add(replace(job("1g.5gb"), preemptible=True)) for _ in range(7)]
    center.turn()
    center.add(replace(job("3g.20gb"), priority=5))
    plan = planned(center)
    assert 3 <= len(plan.preemptions) <= 4
    assert {one.workload for one in plan.preemptions} < set(runs)


def test_quotas_and_shares_count_the_thousandths_of_a_part() -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    center.set_quota(Quota(scope=QuotaScope.QUEUE, name="default", device_share=300))
    first, second, third = (center.add(job("1g.5gb")) for _ in range(3))
    assert set(placed(center)) == {first, second}
    assert why(center, third).reasons[0].code is ReasonCode.QUEUE_QUOTA
    center.turn()
    assert {run.allocation.device_share for run in center.runs.values()} == {142}


def test_a_part_draws_its_part_of_the_board() -> None:
    center = Center().with_nodes(roomy("n0", gpu(power_mw=400_000)))
    center.cap_power(150)
    first, second = center.add(job("1g.5gb")), center.add(job("1g.5gb"))
    center.add(job("1g.5gb"))
    assert set(placed(center)) == {first, second}
    center.turn()
    assert center.state.tables.sizes[t.POWER_IN_USE] == 2 * 56_800


def test_parts_that_are_made_already_are_all_that_a_device_gives() -> None:
    made = (replace(A30[0], size=1, starts=(0, 1)), replace(A30[1], size=1, starts=(2,)))
    center = Center().with_nodes(roomy("n0", gpu(0, made, is_parted=True)))
    assert device_of(center.state) == [0, MADE]
    parts = [center.add(job("1g.6gb")) for _ in range(2)]
    pair, whole, half = center.add(job("2g.12gb")), center.add(job()), center.add(job(share=200))
    found = placed(center)
    assert {workload: rows[0][3] for workload, rows in found.items()} == {parts[0]: 1, parts[1]: 2, pair: 4}
    assert why(center, whole).decision is Decision.NEVER
    center.turn()
    center.set_node(roomy("n0", gpu(0, made)))
    assert device_of(center.state) == [0, 0b111]
    for workload in (*parts, pair):
        center.end(center.run_of(workload))
    assert device_of(center.state) == [1000, 0]
    assert set(placed(center)) == {whole}
    center.set_node(roomy("n0", gpu(0, made, is_parted=True)))
    assert why(center, half).decision is Decision.NEVER


def test_who_holds_a_whole_device_keeps_it_when_its_parts_are_made() -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    whole = center.add(job())
    center.turn()
    center.set_node(roomy("n0", gpu(0, A100, is_parted=True)))
    part = center.add(job("1g.5gb"))
    assert device_of(center.state) == [-1000, MADE]
    assert placed(center) == {}
    center.end(center.run_of(whole))
    assert set(placed(center)) == {part}


def test_a_copy_of_the_center_has_the_same_slices_and_goes_its_own_way() -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    first = center.add(job("2g.10gb"))
    center.turn()
    copy = snapshot(center.state)
    center.end(center.run_of(first))
    assert device_of(copy) == [0, 0b0011_0000]
    assert device_of(center.state) == [1000, 0]


def test_a_preview_of_a_part_names_its_slices_and_leaves_the_center_as_it_is() -> None:
    center = Center().with_nodes(roomy("n0", gpu(0, NPU)))
    told = preview(center.state, job("vir02"), UserName("ann"), center.now, center.policy)
    assert told.allocation is not None
    (device,) = told.allocation.nodes[0].devices
    assert (device.partition, device.slices, device.share) == (
        "vir02",
        0b011_0000_0011,
        250,
    ) or device.slices == 0b11_0000_0011
    assert device_of(center.state) == [1000, 0]


def test_life_goes_on_with_parts_as_the_planner_would_have_it() -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    first = center.add(job("4g.20gb", limit_s=100))
    center.turn()
    second, third = center.add(job("4g.20gb", limit_s=40)), center.add(job(limit_s=10))
    course = live_on(snapshot(center.state), center.now, center.policy, Bounds(), frozenset[RunId]())
    assert course.stays[second].start == center.now + 100 * SECOND
    assert course.stays[third].start == center.now + 140 * SECOND
    assert first not in course.stays


def test_work_is_asked_for_again_as_it_was() -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    waits = center.add(job("2g.10gb", count=2, min_memory_bytes=3 * GIB, precision=Precision.FP32))
    _, spec = record_of(center.state, center.state.waiting(waits))
    assert demand_of(spec) == demand_of(center.specs[waits])


def test_a_window_leaves_parts_as_they_are() -> None:
    center = Center().with_nodes(roomy("n0", gpu()))
    center.add(job("2g.10gb", limit_s=50))
    center.turn()
    center.reserve("repair", 500, 600, "n0")
    center.plan()
    assert device_of(center.state) == [0, 0b0011_0000]
    fits = center.add(job("3g.20gb", limit_s=60))
    center.add(job("3g.20gb", limit_s=900))
    assert set(placed(center)) == {fits}


def test_a_name_means_no_more_than_a_device_together() -> None:
    for ways in (A100, A30, NPU):
        assert len(ways) <= MAX_TEMPLATES
        for one in ways:
            assert one.fitting(0) * THOUSANDTHS[one.name] <= 1000
