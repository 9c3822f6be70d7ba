"""Rates: what is learned from finished runs reaches the planner and those who may see it; what the center can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.facts import NodeRegistered, RunEnded
from suanli.model.ids import NodeName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.resources import Device, Node
from suanli.model.spec import Objective, TaskResources
from suanli.model.tenancy import Caller
from suanli.model.workload import EndCause, WorkloadState
from suanli.services.rates import Rates, Supply
from suanli.testing.builders import GIB, node
from tests.unit.services.center import Center, ann, bob, operator, reader
from tests.unit.services.turning import Turning

ONE = TaskResources(cpu_milli=1000, memory_bytes=GIB, devices=DeviceRequest())
RATES = {Precision.BF16: 300_000, Precision.FP64: 20_000}


def gpu(index: int, model: str, rates: dict[Precision, int], **changes: Any) -> Device:
    device = Device(
        index=index,
        device_class=DeviceClass.GPU,
        model=model,
        memory_bytes=80 * GIB,
        precisions=frozenset({Precision.BF16, Precision.FP64}),
        rates=rates,
    )
    return replace(device, **changes)


def nodes() -> tuple[Node, ...]:
    slow = {Precision.BF16: 100_000}
    return (
        node("n1", devices=(gpu(0, "fast", RATES), gpu(1, "fast", RATES))),
        node("n2", devices=(gpu(0, "slow", slow), gpu(1, "slow", slow, healthy=False))),
    )


@pytest.fixture
def turning(center: Center) -> Turning:
    made = Turning(center)
    center.tell(*(NodeRegistered(node=one) for one in nodes()))
    return made


@pytest.fixture
def rates(center: Center) -> Rates:
    return Rates(center.store)


def train(center: Center, by: Caller = ann, **changes: Any) -> WorkloadId:
    asked: dict[str, Any] = {
        "name": "train",
        "resources": ONE,
        "work": {Precision.BF16: 30_000},
        "objective": Objective.TIME,
    }
    return center.submit(by, **(asked | changes))


def finish(center: Center, workload: WorkloadId, seconds: int) -> None:
    """Let its run end well after so many seconds."""
    run = center.run(workload)
    ended_at = Instant(run.placed_at + seconds * 1_000_000)
    center.tell(
        RunEnded(
            workload=workload,
            run=run.id,
            cause=EndCause.EXITED,
            exit_code=0,
            started_at=run.placed_at,
            ended_at=ended_at,
        )
    )


def test_what_a_run_reached_is_told_beside_the_nominal_rate(turning: Turning, rates: Rates) -> None:
    center = turning.center
    first = train(center)
    turning.planner.turn()
    assert center.run(first).allocation.nodes[0].node == NodeName("n1")
    assert rates.rates(operator) == []
    finish(center, first, 150)
    (known,) = rates.rates(operator)
    assert (known.learned.name, known.learned.model, known.learned.runs) == ("train", "fast", 1)
    assert known.learned.rate == pytest.approx(200_000)
    assert known.nominal == 300_000
    assert center.workload(first).state is WorkloadState.COMPLETED


def test_the_planner_goes_by_what_was_learned(turning: Turning) -> None:
    center = turning.center
    # The fast ones do 30 TF, and the slow ones are expected to do 0.35 of 100.
    for name in ("n1", "n2"):
        workload = train(center)
        turning.planner.turn()
        assert center.run(workload).allocation.nodes[0].node == NodeName(name)
        finish(center, workload, 1000)


def test_of_equal_names_each_owner_has_their_own(turning: Turning, rates: Rates) -> None:
    center = turning.center
    mine, theirs = train(center), train(center, bob)
    turning.planner.turn()
    for workload in (mine, theirs):
        finish(center, workload, 100)
    assert _told(rates, ann) == {"ann"}
    assert _told(rates, bob) == {"bob"}
    assert _told(rates, operator) == {"ann", "bob"}


def _told(rates: Rates, caller: Caller) -> set[str]:
    return {one.learned.owner for one in rates.rates(caller)}


def test_supply_is_told_by_precision(turning: Turning, rates: Rates) -> None:
    center = turning.center
    found = {one.precision: one for one in rates.supply(reader)}
    assert set(found) == set(Precision)
    bf16 = Supply(precision=Precision.BF16, devices=3, rate=700_000, held=0, unknown=0)
    assert found[Precision.BF16] == bf16
    # Of the slow ones nobody knows what they do in fp64; the broken one counts for nothing.
    assert found[Precision.FP64] == Supply(precision=Precision.FP64, devices=2, rate=40_000, held=0, unknown=1)
    assert found[Precision.FP8] == Supply(precision=Precision.FP8, devices=0, rate=0, held=0, unknown=0)
    half = TaskResources(cpu_milli=1000, memory_bytes=GIB, devices=DeviceRequest(model="fast", share=500))
    for resources in (half, ONE):
        center.submit(resources=resources)
    turning.planner.turn()
    held = {one.precision: one.held for one in rates.supply(reader)}
    assert held[Precision.BF16] in {150_000 + 300_000, 150_000 + 100_000}


def test_the_planner_that_starts_later_knows_what_was_learned(turning: Turning) -> None:
    center = turning.center
    first = train(center)
    turning.planner.turn()
    finish(center, first, 1000)
    turning.restart()
    second = train(center)
    turning.planner.turn()
    assert center.run(second).allocation.nodes[0].node == NodeName("n2")
