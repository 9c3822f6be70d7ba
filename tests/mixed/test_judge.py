"""The judge finds what is planted: each wrong plan is a right one with one thing changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.adapters.devices.models_known import catalogued
from suanli.adapters.devices.partitions_known import templates_of
from suanli.kernel.scheduling.plan import Placement, Plan, Reason, ReasonCode
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.resources import DeviceHold
from suanli.model.spec import TaskResources, WorkloadSpec
from suanli.testing.fake_center import simulated_nodes
from suanli.testing.fake_devices import Fault
from tests.mixed.judge import Judge
from tests.unit.kernel.scheduling.center import Center

A100, V100 = 1, 0
"""Which node of the simulated center has which cards."""


def asks(**devices: object) -> WorkloadSpec:
    request = DeviceRequest(**devices)  # type: ignore[arg-type]
    return WorkloadSpec(command=("x",), resources=TaskResources(devices=request), time_limit_s=600)


def center(*specs: WorkloadSpec) -> tuple[Center, Judge, Plan]:
    """A node of V100 and one of A100, all in health, and what is planned for work that waits."""
    nodes = simulated_nodes(2, catalogued, templates_of)
    for card in (card for node in nodes for card in node.devices.cards):
        card.fault = Fault.NONE
    made = Center().with_nodes(*(node.record() for node in nodes))
    for spec in specs:
        made.add(spec)
    judge = Judge(made)
    judge.nodes_changed()
    plan = made.plan()
    judge.judge(plan)
    return made, judge, plan


def moved(row: Placement, *, node: int | None = None, devices: tuple[DeviceHold, ...] | None = None) -> Placement:
    [hold] = row.allocation.nodes
    name = hold.node if node is None else simulated_nodes(2, catalogued, templates_of)[node].name
    hold = replace(hold, node=name, devices=hold.devices if devices is None else devices)
    return replace(row, allocation=replace(row.allocation, nodes=(hold,)))


def refuses(judge: Judge, plan: Plan) -> None:
    with pytest.raises((AssertionError, KeyError, StopIteration)):
        judge.judge(plan)


def test_a_device_without_the_precision_is_found() -> None:
    _, judge, plan = center(asks(precision=Precision.BF16))
    [row] = plan.placements
    refuses(judge, replace(plan, placements=(moved(row, node=V100),)))


def test_a_device_of_another_model_is_found() -> None:
    _, judge, plan = center(asks(model="V100"))
    [row] = plan.placements
    refuses(judge, replace(plan, placements=(moved(row, node=A100),)))


def test_a_device_that_is_held_twice_is_found() -> None:
    _, judge, plan = center(asks(model="A100"), asks(model="A100"))
    first, second = plan.placements
    taken = first.allocation.nodes[0].devices
    refuses(judge, replace(plan, placements=(first, moved(second, devices=taken))))


def test_more_or_less_than_was_asked_is_found() -> None:
    _, judge, plan = center(asks(model="A100", count=2))
    [row] = plan.placements
    refuses(judge, replace(plan, placements=(moved(row, devices=row.allocation.nodes[0].devices[:1]),)))
    whole = tuple(DeviceHold(index=index) for index in range(3))
    refuses(judge, replace(plan, placements=(moved(row, devices=whole),)))


def test_a_share_beside_a_whole_device_is_found() -> None:
    _, judge, plan = center(asks(model="A100", share=500), asks(model="A100"))
    part, whole = plan.placements
    there = DeviceHold(index=part.allocation.nodes[0].devices[0].index)
    refuses(judge, replace(plan, placements=(part, moved(whole, devices=(there,)))))


def test_who_is_forgotten_is_found() -> None:
    _, judge, plan = center(asks(model="A100"), asks(model="V100"))
    refuses(judge, replace(plan, placements=plan.placements[:1]))


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        (asks(device_class=DeviceClass.FPGA), Reason(code=ReasonCode.DEVICE_FREE, nodes_total=2)),
        (asks(model="A100", count=8), Reason(code=ReasonCode.IMPOSSIBLE)),
        (asks(model="A100", count=8), Reason(code=ReasonCode.DEVICE_PRECISION, nodes_total=2)),
        (asks(model="A100", count=8), Reason(code=ReasonCode.MEMORY, nodes_total=2)),
    ],
)
def test_a_reason_that_is_not_true_is_found(spec: WorkloadSpec, wrong: Reason) -> None:
    """Of two that wait for the same eight cards one has them, or both wait for what is nowhere."""
    _, judge, plan = center(spec, spec)
    assert plan.refusals
    refuses(judge, replace(plan, refusals=tuple(replace(one, reason=wrong) for one in plan.refusals)))


def test_a_rate_that_is_not_reached_is_found() -> None:
    _, judge, plan = center(asks(precision=Precision.FP64, at_least=19_000))
    [row] = plan.placements
    assert row.allocation.nodes[0].node == "simulated-0001"
    refuses(judge, replace(plan, placements=(moved(row, node=V100),)))
