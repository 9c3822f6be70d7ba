"""Why a workload waits, what would help, and when it may start."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.explain import explain, preview
from suanli.kernel.scheduling.plan import Decision, Explanation, Policy, Reason, ReasonCode
from suanli.model.devices import DeviceClass, DeviceRequest
from suanli.model.errors import NotFoundError
from suanli.model.ids import NodeName, WorkloadId
from suanli.model.resources import NodeState
from suanli.model.spec import ArraySpec, WorkloadSpec
from suanli.testing.builders import ANN
from tests.unit.kernel.scheduling.center import GIB, SECOND, Center, asks, gpu, node

NPU = WorkloadSpec(resources=asks(devices=DeviceRequest(device_class=DeviceClass.NPU)))


def why(center: Center, workload: WorkloadId) -> Explanation:
    return explain(center.state, workload, center.now, center.policy)


def look(center: Center, spec: WorkloadSpec) -> Explanation:
    return preview(center.state, spec, ANN, center.now, center.policy)


def test_a_device_that_no_node_has_is_named_and_can_never_be_had() -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0)), node("n1"))
    explained = why(center, center.add(NPU))
    assert explained.decision is Decision.NEVER
    assert (explained.earliest_start, explained.unforeseen) == (None, ReasonCode.IMPOSSIBLE)
    impossible, device = explained.reasons
    assert impossible == Reason(code=ReasonCode.IMPOSSIBLE)
    assert (device.code, device.nodes_failing, device.nodes_failing_first) == (ReasonCode.DEVICE_CLASS, 2, 2)
    assert (device.nodes_total, device.needed, device.available, device.wanted) == (2, 1000, 0, "npu")


def test_every_constraint_is_counted_at_all_and_first() -> None:
    center = Center().with_nodes(node("n0", 2, 2), node("n1", 8, 2), replace(node("n2", 2, 64), state=NodeState.DOWN))
    center.add(WorkloadSpec(resources=asks(6, 1), time_limit_s=60))
    center.turn()
    center.set_node(node("n3", 16, 16))
    center.add(WorkloadSpec(resources=asks(12, 1), time_limit_s=60))
    center.turn()
    explained = why(center, center.add(WorkloadSpec(resources=asks(8, 8))))
    told = {reason.code: reason for reason in explained.reasons}
    counts = {code: (one.nodes_failing, one.nodes_failing_first) for code, one in told.items()}
    assert counts == {ReasonCode.NODE_STATE: (1, 1), ReasonCode.CPU: (4, 3), ReasonCode.MEMORY: (2, 0)}
    assert (told[ReasonCode.CPU].needed, told[ReasonCode.CPU].available) == (8000, 4000)
    assert (told[ReasonCode.MEMORY].needed, told[ReasonCode.MEMORY].available) == (8 * GIB, 15 * GIB)
    assert explained.earliest_start == center.now + 60 * SECOND


def test_too_little_device_memory_is_told_in_bytes() -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0, gib=24), replace(gpu(1), device_class=DeviceClass.FPGA)))
    request = DeviceRequest(device_class=DeviceClass.GPU, min_memory_bytes=32 * GIB)
    reason = look(center, WorkloadSpec(resources=asks(devices=request))).reasons[1]
    assert (reason.code, reason.needed, reason.available) == (ReasonCode.DEVICE_MEMORY, 32 * GIB, 24 * GIB)


@pytest.mark.parametrize(
    ("nodes", "tasks", "code", "needed", "available"),
    [
        (2, 4, ReasonCode.NODES_COUNT, 2, 1),
        (0, 5, ReasonCode.TASKS_COUNT, 5, 4),
        (3, 3, ReasonCode.ENGINE, 3, 2),
        (0, 7, ReasonCode.ENGINE, 7, 5),
    ],
)
def test_what_nodes_lack_together(nodes: int, tasks: int, code: ReasonCode, needed: int, available: int) -> None:
    sizes = {ReasonCode.NODES_COUNT: (2, 1), ReasonCode.TASKS_COUNT: (3, 1), ReasonCode.ENGINE: (4, 1)}[code]
    center = Center().with_nodes(*(node(f"a{n}", cpus, engine="a") for n, cpus in enumerate(sizes)))
    if code is ReasonCode.ENGINE:
        center.set_node(node("b0", 2, engine="b"))
    told = {reason.code: reason for reason in look(center, WorkloadSpec(tasks=tasks, nodes=nodes)).reasons}
    assert (told[code].needed, told[code].available) == (needed, available)


def test_no_time_limit_and_lost_nodes_leave_the_start_open() -> None:
    center = Center().with_nodes(node("n0"))
    whole = WorkloadSpec(resources=asks(4), time_limit_s=60)
    center.add(replace(whole, time_limit_s=0))
    center.turn()
    waiting = center.add(whole)
    explained = why(center, waiting)
    assert (explained.decision, explained.earliest_start) == (Decision.LATER, None)
    assert explained.unforeseen is ReasonCode.NO_TIME_LIMIT
    center.set_node(replace(node("n0"), state=NodeState.DOWN))
    assert why(center, waiting).unforeseen is ReasonCode.NODE_STATE
    center.set_node(node("n1", 4, 16, replace(gpu(0), healthy=False)))
    broken = look(center, WorkloadSpec(resources=asks(devices=DeviceRequest())))
    assert (broken.decision, broken.unforeseen) == (Decision.LATER, ReasonCode.DEVICE_HEALTH)


def test_an_array_at_its_bound_says_so() -> None:
    center = Center().with_nodes(node("n0"))
    ids = center.submit(WorkloadSpec(array=ArraySpec(indices=(0, 1, 2), max_running=2)), 3)
    assert [row.workload for row in center.turn().placements] == ids[:2]
    explained = why(center, ids[2])
    assert explained.reasons == (Reason(code=ReasonCode.ARRAY_LIMIT, needed=2, available=2),)
    assert explained.unforeseen is ReasonCode.ARRAY_LIMIT
    center.end(center.run_of(ids[0]))
    assert why(center, ids[2]).decision is Decision.NOW


def test_a_window_too_short_names_the_head_and_the_seconds() -> None:
    center = Center().with_nodes(node("n0"))
    center.add(WorkloadSpec(resources=asks(3), time_limit_s=100))
    center.turn()
    head = center.add(WorkloadSpec(resources=asks(4), time_limit_s=50))
    long = center.add(WorkloadSpec(time_limit_s=120))
    explained = why(center, long)
    window = Reason(code=ReasonCode.BACKFILL_WINDOW, needed=120, available=100, ahead=head)
    assert (explained.reasons, explained.ahead) == ((window,), 1)
    assert explained.earliest_start == center.now + 150 * SECOND
    assert why(center, head).earliest_start == center.now + 100 * SECOND


def test_work_ahead_that_takes_the_room_in_this_turn_is_the_reason() -> None:
    center = Center().with_nodes(node("n0"))
    ids = center.submit(WorkloadSpec(resources=asks(4), time_limit_s=60), 2)
    explained = why(center, ids[1])
    assert explained.reasons == (Reason(code=ReasonCode.PRIORITY, available=1),)
    assert explained.earliest_start == center.now + 60 * SECOND


def test_a_preview_shows_the_place_and_changes_nothing() -> None:
    center = Center().with_nodes(node("n0"))
    spec = WorkloadSpec(tasks=3, time_limit_s=60)
    before = preview(center.state, spec, ANN, center.now, center.policy)
    assert (before.workload, before.decision, before.earliest_start) == (0, Decision.NOW, center.now)
    assert before.allocation is not None
    assert [(hold.node, hold.tasks) for hold in before.allocation.nodes] == [("n0", 3)]
    assert preview(center.state, spec, ANN, center.now, center.policy) == before
    assert not center.plan().placements
    workload = center.add(spec)
    assert replace(why(center, workload), workload=WorkloadId(0)) == before


def test_a_preview_stands_behind_what_waits() -> None:
    center = Center().with_nodes(node("n0"))
    center.add(WorkloadSpec(tasks=2, time_limit_s=60))
    explained = look(center, WorkloadSpec(tasks=3, time_limit_s=60))
    assert (explained.decision, explained.ahead) == (Decision.LATER, 1)
    assert explained.earliest_start == center.now + 60 * SECOND


def test_a_center_without_nodes_can_hold_nothing() -> None:
    assert look(Center(), WorkloadSpec()).decision is Decision.NEVER


def test_what_does_not_wait_cannot_be_explained() -> None:
    with pytest.raises(NotFoundError, match="no waiting workload 7"):
        why(Center(policy=Policy()).with_nodes(node(NodeName("n0"))), WorkloadId(7))
