"""Each constraint that may be told of one workload, with its amounts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.plan import ReasonCode
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.ids import ReservationName
from suanli.model.resources import NodeState
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.asking_why import job, of, told, why
from tests.unit.kernel.scheduling.center import GIB, SECOND, Center, gpu, node

CARD = replace(gpu(0, gib=40), precisions=frozenset({Precision.BF16}))
SICK = replace(gpu(0), healthy=False)


@pytest.mark.parametrize(
    ("center", "spec", "code", "failing", "first", "needed", "available", "wanted"),
    [
        pytest.param(
            of(replace(node("n0"), state=NodeState.DOWN), node("n1", 1)),
            job(2),
            ReasonCode.NODE_STATE,
            1,
            1,
            1,
            1,
            "",
            id="node_state: nodes in service are counted",
        ),
        pytest.param(
            of(replace(node("n0"), state=NodeState.DOWN), node("n1")),
            job(4, tasks=2, nodes=2),
            ReasonCode.NODE_STATE,
            1,
            1,
            2,
            1,
            "",
            id="node_state: as many as are asked for",
        ),
        pytest.param(
            of(replace(node("n0", 2), features=frozenset({"ib"})), node("n1", 8), running=(job(8, 0),)),
            job(2, features=frozenset({"ib"}), tasks=2),
            ReasonCode.FEATURE,
            1,
            1,
            1,
            1,
            "ib",
            id="feature: nodes that have it",
        ),
        pytest.param(
            of(node("n0"), node("n1"), running=(job(1), job(4))),
            job(1, exclusive=True),
            ReasonCode.EXCLUSIVE,
            2,
            2,
            1,
            0,
            "",
            id="exclusive: empty nodes are counted",
        ),
        pytest.param(
            of(node("n0", 4, 16, gpu(0))),
            job(devices=DeviceRequest(device_class=DeviceClass.NPU)),
            ReasonCode.DEVICE_CLASS,
            1,
            1,
            1000,
            0,
            "npu",
            id="device_class: thousandths of it",
        ),
        pytest.param(
            of(node("n0", 4, 16, gpu(0), gpu(1))),
            job(devices=DeviceRequest(count=3)),
            ReasonCode.DEVICE_CLASS,
            1,
            1,
            3000,
            0,
            "any",
            id="device_class: too few of any",
        ),
        pytest.param(
            of(node("n0", 4, 16, gpu(0))),
            job(devices=DeviceRequest(model="h100|h200")),
            ReasonCode.DEVICE_MODEL,
            1,
            1,
            1000,
            0,
            "h100|h200",
            id="device_model: as it was asked for",
        ),
        pytest.param(
            of(node("n0", 4, 16, CARD), node("n1", 4, 16, replace(CARD, memory_bytes=24 * GIB))),
            job(devices=DeviceRequest(min_memory_bytes=64 * GIB)),
            ReasonCode.DEVICE_MEMORY,
            2,
            2,
            64 * GIB,
            40 * GIB,
            "",
            id="device_memory: bytes of one",
        ),
        pytest.param(
            of(node("n0", 4, 16, CARD)),
            job(devices=DeviceRequest(share=500, min_memory_bytes=30 * GIB)),
            ReasonCode.DEVICE_MEMORY,
            1,
            1,
            60 * GIB,
            40 * GIB,
            "",
            id="device_memory: of a whole one, of which half is asked for",
        ),
        pytest.param(
            of(node("n0", 4, 16, CARD)),
            job(devices=DeviceRequest(precision=Precision.FP8)),
            ReasonCode.DEVICE_PRECISION,
            1,
            1,
            1000,
            0,
            "fp8",
            id="device_precision: the one asked for",
        ),
        pytest.param(
            of(node("n0", 4, 16, SICK)),
            job(devices=DeviceRequest()),
            ReasonCode.DEVICE_HEALTH,
            1,
            1,
            1000,
            0,
            "",
            id="device_health: thousandths in health",
        ),
        pytest.param(
            of(node("n0", 4, 16, gpu(0)), running=(job(devices=DeviceRequest(share=600)),)),
            job(devices=DeviceRequest(share=500)),
            ReasonCode.DEVICE_FREE,
            1,
            1,
            500,
            0,
            "",
            id="device_free: too much is held",
        ),
        pytest.param(
            of(node("n0"), node("n1", 2), running=(job(3),)),
            job(3),
            ReasonCode.CPU,
            2,
            2,
            3000,
            2000,
            "",
            id="cpu: the most that a node has free",
        ),
        pytest.param(
            of(node("n0"), running=(job(3),)),
            job(1, tasks=4, nodes=1),
            ReasonCode.CPU,
            1,
            1,
            4000,
            1000,
            "",
            id="cpu: of all tasks that a node must hold",
        ),
        pytest.param(
            of(node("n0"), running=(job(1, gib=12),)),
            job(1, gib=8),
            ReasonCode.MEMORY,
            1,
            1,
            8 * GIB,
            4 * GIB,
            "",
            id="memory: the most that a node has free",
        ),
        pytest.param(
            of(node("n0"), node("n1"), running=(job(3), job(3))),
            job(1, tasks=3),
            ReasonCode.TASKS_COUNT,
            0,
            0,
            3,
            2,
            "",
            id="tasks_count: those that fit",
        ),
        pytest.param(
            of(node("n0"), node("n1"), running=(job(3),)),
            job(2, tasks=4, nodes=2),
            ReasonCode.NODES_COUNT,
            0,
            0,
            2,
            1,
            "",
            id="nodes_count: those that have room for their part",
        ),
        pytest.param(
            of(node("a0", 3, engine="a"), node("b0", 3, engine="b"), node("a1", 8, engine="a"), running=(job(8),)),
            job(1, tasks=5),
            ReasonCode.ENGINE,
            0,
            0,
            5,
            3,
            "",
            id="engine: the most that one holds",
        ),
    ],
)
def test_each_constraint_with_its_amounts(
    center: Center,
    spec: WorkloadSpec,
    code: ReasonCode,
    failing: int,
    first: int,
    needed: int,
    available: int,
    wanted: str,
) -> None:
    reason = told(center, spec, code)
    assert (reason.nodes_failing, reason.nodes_failing_first) == (failing, first)
    assert (reason.needed, reason.available, reason.wanted) == (needed, available, wanted)
    assert reason.nodes_total == (0 if not failing else len(center.nodes))


def test_a_node_that_fails_several_is_counted_by_each_and_first_by_one() -> None:
    center = of(node("n0", 2, 2), node("n1", 2, 64), node("n2", 8, 2), node("n3", 8, 64), running=(job(8, gib=60),))
    found = {reason.code: reason for reason in why(center, job(4, gib=8)).reasons}
    assert {code: (one.nodes_failing, one.nodes_failing_first) for code, one in found.items()} == {
        ReasonCode.CPU: (3, 3),
        ReasonCode.MEMORY: (3, 1),
    }


def test_of_constraints_on_devices_a_node_fails_at_most_one() -> None:
    center = of(node("n0", 4, 16, CARD), node("n1", 4, 16, replace(CARD, device_class=DeviceClass.FPGA)))
    request = DeviceRequest(device_class=DeviceClass.GPU, model="h100", min_memory_bytes=64 * GIB)
    found = {reason.code: reason.nodes_failing for reason in why(center, job(devices=request)).reasons}
    assert found == {ReasonCode.IMPOSSIBLE: 0, ReasonCode.DEVICE_CLASS: 1, ReasonCode.DEVICE_MODEL: 1}


@pytest.mark.parametrize(
    ("features", "wanted"),
    [
        pytest.param({"ib"}, "ib", id="one that some node lacks"),
        pytest.param({"ib", "ssd"}, "ib, ssd", id="two that some node lacks"),
        pytest.param({"ib", "nowhere"}, "nowhere", id="one that no node has is all that is told"),
        pytest.param({"nowhere", "never"}, "never, nowhere", id="two that no node has"),
    ],
)
def test_features_that_are_lacking_are_named(features: set[str], wanted: str) -> None:
    center = of(
        replace(node("n0", 2), features=frozenset({"ib"})),
        replace(node("n1", 2), features=frozenset({"ssd"})),
        node("n2", 2),
        running=(job(2, 0, features=frozenset({"ib"})),),
    )
    reason = told(center, job(2, features=frozenset(features)), ReasonCode.FEATURE)
    assert reason.wanted == wanted


def test_the_advance_reservation_that_most_nodes_lie_in_is_named() -> None:
    center = of(node("n0"), node("n1"), node("n2"))
    center.reserve("one", 10, 100, "n0")
    center.reserve("two", 20, 200, "n1", "n2")
    reason = told(center, job(4, 60), ReasonCode.RESERVED)
    assert (reason.reservation, reason.nodes_failing, reason.available) == ("two", 3, 0)
    assert (reason.starts_at, reason.ends_at) == (center.now + 20 * SECOND, center.now + 200 * SECOND)


@pytest.mark.parametrize(
    ("within", "starts", "available"),
    [pytest.param("course", 100, 0, id="not open yet"), pytest.param("nowhere", None, 0, id="not there at all")],
)
def test_the_advance_reservation_that_work_names_is_told_with_its_times(
    within: str, starts: int | None, available: int
) -> None:
    center = of(node("n0"))
    center.reserve("course", 100, 200, "n0", use=True)
    reason = told(center, job(4, 60, reservation=ReservationName(within)), ReasonCode.RESERVATION)
    assert (reason.reservation, reason.available) == (within, available)
    assert reason.starts_at == (0 if starts is None else center.now + starts * SECOND)
