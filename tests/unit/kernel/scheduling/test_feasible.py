"""Which nodes can hold what: every constraint alone, and what devices are shared for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.plan import ReasonCode
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.resources import NodeState
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, Center, as_explained, asks, gpu, node

CARD = gpu(0, "a100", 80)
GPU = DeviceRequest(device_class=DeviceClass.GPU)


def tasks_on(center: Center, spec: WorkloadSpec) -> list[int]:
    return [tasks for tasks, _ in fits(center, spec)]


def blocker(center: Center, spec: WorkloadSpec) -> ReasonCode | None:
    return fits(center, spec)[0][1]


def fits(center: Center, spec: WorkloadSpec) -> list[tuple[int, ReasonCode | None]]:
    """As planning judges it, which must be as explaining does."""
    workload, demand = center.add(spec), demand_of(spec)
    found = center.fit(demand)
    center.withdraw(workload)
    assert found == as_explained(center, demand)
    return found


def test_the_scarcest_amount_decides_how_many_tasks_fit() -> None:
    center = Center().with_nodes(node("n0", 4, 16), node("n1", 8, 4))
    assert tasks_on(center, WorkloadSpec(resources=asks(1, 1))) == [4, 4]
    assert tasks_on(center, WorkloadSpec(resources=asks(0.5, 3))) == [5, 1]


@pytest.mark.parametrize("state", [NodeState.DRAINING, NodeState.DOWN])
def test_nodes_out_of_service_take_nothing(state: NodeState) -> None:
    center = Center().with_nodes(replace(node("n0"), state=state))
    assert blocker(center, WorkloadSpec()) is ReasonCode.NODE_STATE


@pytest.mark.parametrize(
    ("card", "request_", "code"),
    [
        (replace(CARD, device_class=DeviceClass.FPGA), GPU, ReasonCode.DEVICE_CLASS),
        (CARD, replace(GPU, count=2), ReasonCode.DEVICE_CLASS),
        (CARD, replace(GPU, model="h200"), ReasonCode.DEVICE_MODEL),
        (CARD, replace(GPU, min_memory_bytes=81 * GIB), ReasonCode.DEVICE_MEMORY),
        (CARD, replace(GPU, share=250, min_memory_bytes=21 * GIB), ReasonCode.DEVICE_MEMORY),
        (CARD, replace(GPU, precision=Precision.FP8), ReasonCode.DEVICE_PRECISION),
        (replace(CARD, healthy=False), GPU, ReasonCode.DEVICE_HEALTH),
    ],
)
def test_each_constraint_on_devices_bars_alone(card: object, request_: DeviceRequest, code: ReasonCode) -> None:
    center = Center().with_nodes(node("n0", 4, 16, card))  # type: ignore[arg-type]
    spec = WorkloadSpec(resources=asks(devices=request_))
    assert tasks_on(center, spec) == [0]
    assert blocker(center, spec) is code


def test_any_device_serves_who_asks_for_none_in_particular() -> None:
    npu = replace(CARD, device_class=DeviceClass.NPU, precisions=frozenset({Precision.FP8, Precision.BF16}))
    center = Center().with_nodes(node("n0", 4, 16, npu))
    wanted = DeviceRequest(device_class=DeviceClass.ANY, precision=Precision.BF16, min_memory_bytes=80 * GIB)
    assert tasks_on(center, WorkloadSpec(resources=asks(devices=wanted))) == [1]


def test_any_of_several_models_serves_and_a_name_means_every_model_with_its_words() -> None:
    cards = [replace(gpu(index), model=name) for index, name in enumerate(["A100 SXM4 80GB", "A100 PCIe 80GB", "A10"])]
    center = Center().with_nodes(node("n0", 16, 64, *cards))
    found = {
        asked: tasks_on(center, WorkloadSpec(resources=asks(devices=replace(GPU, model=asked))))
        for asked in ("A100", "A100 SXM4", "A10", "A10|A100-PCIe", "A10..A11", "H100")
    }
    assert found == {"A100": [2], "A100 SXM4": [1], "A10": [1], "A10|A100-PCIe": [2], "A10..A11": [1], "H100": [0]}


def test_a_shared_device_gives_each_holder_its_part_of_share_and_memory() -> None:
    center = Center().with_nodes(node("n0", 16, 64, gpu(0), gpu(1)))
    shared = WorkloadSpec(resources=asks(devices=replace(GPU, share=300, min_memory_bytes=24 * GIB)))
    assert tasks_on(center, shared) == [6]
    first = center.add(shared)
    center.turn()
    assert tasks_on(center, shared) == [5]
    assert tasks_on(center, WorkloadSpec(resources=asks(devices=GPU))) == [1]
    center.end(center.run_of(first))
    assert tasks_on(center, WorkloadSpec(resources=asks(devices=GPU))) == [2]


def test_exclusive_work_needs_an_empty_node_and_leaves_none() -> None:
    center = Center().with_nodes(node("n0"))
    whole = WorkloadSpec(exclusive=True)
    center.add(WorkloadSpec(resources=asks(0.1)))
    center.turn()
    assert blocker(center, whole) is ReasonCode.EXCLUSIVE
    center.end(center.run_of(center.active[next(iter(center.active))].id))
    center.add(whole)
    center.turn()
    assert blocker(center, WorkloadSpec(resources=asks(0.1))) is ReasonCode.EXCLUSIVE


def test_a_node_that_comes_back_smaller_than_what_it_holds_takes_nothing() -> None:
    center = Center().with_nodes(node("n0", 4, 16))
    center.add(WorkloadSpec(tasks=4))
    center.turn()
    center.set_node(node("n0", 2, 16))
    assert tasks_on(center, WorkloadSpec()) == [0]
    center.set_node(node("n0", 5, 16))
    assert tasks_on(center, WorkloadSpec()) == [1]
