"""Every constraint of a demand on every node, as vectors: what each alone allows, and what all leave together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.constraints import (
    STATE_AND_HEALTH,
    DeviceType,
    Room,
    holds,
    narrowings,
    shortfall,
    stages,
    suffices,
    tasks_fitting,
    totals,
    type_masks,
)
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand, demand_of
from suanli.kernel.scheduling.plan import ReasonCode
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.resources import Device, Node, NodeState
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, Center, asks, gpu, node

PLENTY = 2**40
BF16, FP8 = frozenset({Precision.BF16}), frozenset({Precision.BF16, Precision.FP8})
TYPES = [
    DeviceType(DeviceClass.GPU, "A100", 40 * GIB, BF16),
    DeviceType(DeviceClass.GPU, "H100", 80 * GIB, FP8),
    DeviceType(DeviceClass.NPU, "910B", 64 * GIB, BF16),
]
ANY = DeviceRequest()


def room(*nodes: Node, running: Sequence[WorkloadSpec] = ()) -> Room:
    """What is free of nodes once some work runs there."""
    center = Center().with_nodes(*nodes)
    for spec in running:
        center.add(spec)
    plan = center.turn()
    assert len(plan.placements) == len(running)
    return center.state.room


def of(demand: Demand, found: Room, ignoring: frozenset[ReasonCode] = frozenset()) -> dict[ReasonCode, list[int]]:
    """Tasks that each constraint alone allows on each node."""
    return {code: tasks.tolist() for code, tasks in stages(found, demand, ignoring)}


def gpus(request: DeviceRequest, cpus: float = 1) -> Demand:
    return demand_of(WorkloadSpec(resources=asks(cpus, 1, request)))


PLAIN = demand_of(WorkloadSpec(resources=asks(1, 1)))


@pytest.mark.parametrize(
    ("demand", "codes"),
    [
        pytest.param(PLAIN, ["node_state", "exclusive", "cpu", "memory"], id="cpus and memory"),
        pytest.param(
            PLAIN._replace(kept_off=1), ["node_state", "reserved", "exclusive", "cpu", "memory"], id="keeping off"
        ),
        pytest.param(
            PLAIN._replace(within=1), ["node_state", "reservation", "exclusive", "cpu", "memory"], id="lying within"
        ),
        pytest.param(
            gpus(ANY),
            ["node_state", "exclusive", "device_class", "device_health", "device_free", "cpu", "memory"],
            id="any device",
        ),
        pytest.param(
            gpus(DeviceRequest(model="A100", min_memory_bytes=1, precision=Precision.BF16)),
            [
                "node_state",
                "exclusive",
                "device_class",
                "device_model",
                "device_memory",
                "device_precision",
                "device_health",
                "device_free",
                "cpu",
                "memory",
            ],
            id="a certain device",
        ),
        pytest.param(
            gpus(DeviceRequest(precision=Precision.BF16, at_least=1)),
            [
                "node_state",
                "exclusive",
                "device_class",
                "device_precision",
                "device_rate",
                "device_health",
                "device_free",
                "cpu",
                "memory",
            ],
            id="a device of a rate",
        ),
        pytest.param(
            PLAIN._replace(max_tasks_per_node=2),
            ["node_state", "exclusive", "cpu", "memory", "tasks_count"],
            id="so many tasks on a node",
        ),
    ],
)
def test_only_what_is_asked_is_judged_in_the_order_of_reasons(demand: Demand, codes: list[str]) -> None:
    found = [code.value for code, _ in stages(room(node("n0")), demand)]
    assert found == codes
    order = list(ReasonCode)
    judged = [code for code, _ in stages(room(node("n0")), demand) if code is not ReasonCode.TASKS_COUNT]
    assert judged == sorted(judged, key=order.index)


@pytest.mark.parametrize(
    ("ignoring", "left_out"),
    [
        (frozenset(), set()),
        (frozenset({ReasonCode.NODE_STATE}), {ReasonCode.NODE_STATE}),
        (frozenset({ReasonCode.DEVICE_HEALTH}), {ReasonCode.DEVICE_HEALTH}),
        (STATE_AND_HEALTH, {ReasonCode.NODE_STATE, ReasonCode.DEVICE_HEALTH}),
    ],
)
def test_what_can_mend_may_be_ignored(ignoring: frozenset[ReasonCode], left_out: set[ReasonCode]) -> None:
    every = of(gpus(ANY), room(node("n0", 4, 16, gpu(0))))
    assert set(every) - set(of(gpus(ANY), room(node("n0", 4, 16, gpu(0))), ignoring)) == left_out


@pytest.mark.parametrize(("state", "tasks"), [(NodeState.READY, PLENTY), (NodeState.DRAINING, 0), (NodeState.DOWN, 0)])
def test_only_a_ready_node_takes_any_number_of_tasks(state: NodeState, tasks: int) -> None:
    assert of(PLAIN, room(replace(node("n0"), state=state)))[ReasonCode.NODE_STATE] == [tasks]


@pytest.mark.parametrize(
    ("kept_off", "within", "reserved", "passes"),
    [
        pytest.param(1, 0, 0, (True, None), id="keeps off and the node is free"),
        pytest.param(1, 0, 1, (False, None), id="keeps off what the node lies in"),
        pytest.param(2, 0, 1, (True, None), id="keeps off another"),
        pytest.param(3, 0, 2, (False, None), id="keeps off either"),
        pytest.param(0, 1, 1, (None, True), id="lies within"),
        pytest.param(0, 1, 0, (None, False), id="the node is none of it"),
        pytest.param(0, 1, 3, (None, True), id="the node is of others too"),
        pytest.param(0, 1 | t.CLOSED, 1, (None, False), id="it is not open"),
        pytest.param(2, 1, 3, (False, True), id="within one, and kept off another"),
    ],
)
def test_bits_of_reservations(
    kept_off: int, within: int, reserved: int, passes: tuple[bool | None, bool | None]
) -> None:
    there = room(node("n0"))
    nodes = there.nodes.copy()
    nodes[0, t.RESERVED] = reserved
    found = of(PLAIN._replace(kept_off=kept_off, within=within), there._replace(nodes=nodes))
    for code, passed in zip((ReasonCode.RESERVED, ReasonCode.RESERVATION), passes, strict=True):
        assert found.get(code) == (None if passed is None else [PLENTY * passed])


def test_features_that_a_node_has() -> None:
    there = room(node("n0"), node("n1"))
    nodes = there.nodes.copy()
    nodes[:, t.HAS] = [0b01, 0b11]
    both = there._replace(nodes=nodes, features={"a": 1, "b": 2})
    assert of(PLAIN._replace(features=("a",)), both)[ReasonCode.FEATURE] == [PLENTY, PLENTY]
    assert of(PLAIN._replace(features=("a", "b")), both)[ReasonCode.FEATURE] == [0, PLENTY]
    assert both.having([]).tolist() == [True, True]
    assert both.having(["b"]).tolist() == [False, True]


HALF = WorkloadSpec(resources=asks(2, 4))


@pytest.mark.parametrize(
    ("running", "exclusive", "tasks"),
    [
        pytest.param([], False, PLENTY, id="beside nobody"),
        pytest.param([], True, PLENTY, id="alone on an empty node"),
        pytest.param([HALF], False, PLENTY, id="beside others"),
        pytest.param([HALF], True, 0, id="not alone beside others"),
        pytest.param([replace(HALF, exclusive=True)], False, 0, id="not beside who is alone"),
        pytest.param([replace(HALF, exclusive=True)], True, 0, id="nor alone beside them"),
    ],
)
def test_who_wants_a_node_alone(running: list[WorkloadSpec], exclusive: bool, tasks: int) -> None:
    found = of(PLAIN._replace(exclusive=exclusive), room(node("n0"), running=running))
    assert found[ReasonCode.EXCLUSIVE] == [tasks]


@pytest.mark.parametrize(
    ("running", "cpus", "gib", "by_cpu", "by_memory"),
    [
        pytest.param([], 1, 1, 4, 16, id="all of a node"),
        pytest.param([], 1.5, 5, 2, 3, id="rounded down"),
        pytest.param([], 4, 16, 1, 1, id="just one"),
        pytest.param([], 4.001, 17, 0, 0, id="just none"),
        pytest.param([HALF], 1, 1, 2, 12, id="what is left"),
        pytest.param([HALF, HALF], 1, 1, 0, 8, id="nothing of the one is left"),
    ],
)
def test_cpus_and_memory_divide_what_is_free(
    running: list[WorkloadSpec], cpus: float, gib: int, by_cpu: int, by_memory: int
) -> None:
    found = of(demand_of(WorkloadSpec(resources=asks(cpus, gib))), room(node("n0"), running=running))
    assert (found[ReasonCode.CPU], found[ReasonCode.MEMORY]) == ([by_cpu], [by_memory])


def test_no_node_counts_for_more_tasks_than_the_bound() -> None:
    there, demand = room(node("n0"), node("n1", 1)), PLAIN._replace(tasks=9, max_tasks_per_node=2)
    assert of(demand, there)[ReasonCode.TASKS_COUNT] == [2, 2]
    assert tasks_fitting(stages(there, demand)).tolist() == [2, 1]


CARDS = (
    Device(index=0, device_class=DeviceClass.GPU, model="A100", memory_bytes=40 * GIB, precisions=BF16),
    Device(index=1, device_class=DeviceClass.GPU, model="A100", memory_bytes=80 * GIB, precisions=BF16),
    Device(index=2, device_class=DeviceClass.GPU, model="H100", memory_bytes=80 * GIB, precisions=FP8),
    Device(index=3, device_class=DeviceClass.NPU, model="910B", memory_bytes=64 * GIB, precisions=BF16),
)
LAST = [
    ReasonCode.DEVICE_CLASS,
    ReasonCode.DEVICE_MODEL,
    ReasonCode.DEVICE_MEMORY,
    ReasonCode.DEVICE_PRECISION,
    ReasonCode.DEVICE_HEALTH,
    ReasonCode.DEVICE_FREE,
]


# Tasks by each of the six constraints on devices, None where it is not set.
@pytest.mark.parametrize(
    ("request_", "allowed"),
    [
        pytest.param(ANY, (4, None, None, None, 4, 4), id="any device"),
        pytest.param(DeviceRequest(device_class=DeviceClass.GPU), (3, None, None, None, 3, 3), id="a gpu"),
        pytest.param(DeviceRequest(device_class=DeviceClass.FPGA), (0, None, None, None, 0, 0), id="an fpga"),
        pytest.param(DeviceRequest(count=2), (2, None, None, None, 2, 2), id="two a task"),
        pytest.param(DeviceRequest(count=3), (1, None, None, None, 1, 1), id="three a task"),
        pytest.param(DeviceRequest(count=5), (0, None, None, None, 0, 0), id="five a task"),
        pytest.param(DeviceRequest(share=500), (8, None, None, None, 8, 8), id="halves"),
        pytest.param(DeviceRequest(share=300), (12, None, None, None, 12, 12), id="three on each"),
        pytest.param(DeviceRequest(share=501), (4, None, None, None, 4, 4), id="one on each"),
        pytest.param(DeviceRequest(share=1), (4000, None, None, None, 4000, 4000), id="thousandths"),
        pytest.param(DeviceRequest(model="A100"), (4, 2, None, None, 2, 2), id="a model"),
        pytest.param(DeviceRequest(min_memory_bytes=64 * GIB), (4, None, 3, None, 3, 3), id="memory"),
        pytest.param(
            DeviceRequest(model="A100", min_memory_bytes=64 * GIB), (4, 2, 1, None, 1, 1), id="memory of a model"
        ),
        pytest.param(DeviceRequest(precision=Precision.FP8), (4, None, None, 1, 1, 1), id="an arithmetic"),
        pytest.param(
            DeviceRequest(model="A100", precision=Precision.FP8), (4, 2, None, 0, 0, 0), id="one that the model lacks"
        ),
        pytest.param(
            DeviceRequest(share=500, min_memory_bytes=40 * GIB), (8, None, 4, None, 4, 4), id="half of enough memory"
        ),
    ],
)
def test_constraints_on_devices_narrow_one_after_the_other(
    request_: DeviceRequest, allowed: tuple[int | None, ...]
) -> None:
    found = of(gpus(request_), room(node("n0", 8, 64, *CARDS)))
    assert [found.get(code, [None])[0] for code in LAST] == list(allowed)


@pytest.mark.parametrize(
    ("sick", "share", "health", "free"),
    [
        pytest.param((), 1000, 4, 4, id="all are well"),
        pytest.param((0,), 1000, 3, 3, id="one is not"),
        pytest.param((0, 1, 2, 3), 1000, 0, 0, id="none is"),
        pytest.param((0,), 500, 6, 6, id="halves of those that are"),
    ],
)
def test_devices_out_of_health_do_not_count(sick: tuple[int, ...], share: int, health: int, free: int) -> None:
    cards = [replace(card, healthy=card.index not in sick) for card in CARDS]
    there = room(node("n0", 8, 64, *cards))
    found = of(gpus(DeviceRequest(share=share)), there)
    assert (found[ReasonCode.DEVICE_HEALTH], found[ReasonCode.DEVICE_FREE]) == ([health], [free])
    mended = of(gpus(DeviceRequest(share=share)), there, frozenset({ReasonCode.DEVICE_HEALTH}))
    assert mended[ReasonCode.DEVICE_FREE] == [4 * (1000 // share)]


@pytest.mark.parametrize(
    ("held", "share", "free"),
    [
        pytest.param(1000, 1000, 1, id="one of two is held"),
        pytest.param(300, 1000, 1, id="part of one is held"),
        pytest.param(300, 700, 2, id="what is left just does"),
        pytest.param(300, 701, 1, id="what is left just does not"),
        pytest.param(300, 350, 4, id="twice on each"),
        pytest.param(300, 300, 5, id="twice and three times"),
    ],
)
def test_what_is_held_of_devices_is_not_free(held: int, share: int, free: int) -> None:
    running = [WorkloadSpec(resources=asks(1, 1, DeviceRequest(share=held)))]
    there = room(node("n0", 8, 64, gpu(0), gpu(1)), running=running)
    assert of(gpus(DeviceRequest(share=share)), there)[ReasonCode.DEVICE_FREE] == [free]


@pytest.mark.parametrize(
    ("demand", "left"),
    [
        pytest.param(PLAIN, [], id="nothing is asked of devices"),
        pytest.param(gpus(ANY), [[1, 1, 1]], id="any class"),
        pytest.param(gpus(DeviceRequest(device_class=DeviceClass.GPU)), [[1, 1, 0]], id="a class"),
        pytest.param(
            gpus(DeviceRequest(model="H100|910B", min_memory_bytes=70 * GIB)),
            [[1, 1, 1], [0, 1, 1], [0, 1, 0]],
            id="models with memory",
        ),
        pytest.param(
            gpus(DeviceRequest(device_class=DeviceClass.NPU, precision=Precision.BF16)),
            [[0, 0, 1], [0, 0, 1]],
            id="a class with an arithmetic that others have too",
        ),
    ],
)
def test_types_that_meet_a_constraint_and_those_before(demand: Demand, left: list[list[int]]) -> None:
    found = narrowings(TYPES, demand)
    assert [flags[:-1].astype(int).tolist() for _, flags in found] == left
    # The last place is for where there is no device.
    assert not any(flags[-1] for _, flags in found)


def test_without_types_nothing_meets_anything() -> None:
    assert [flags.tolist() for _, flags in narrowings([], gpus(ANY))] == [[False]]


@given(st.lists(st.sampled_from(TYPES), max_size=5), st.sampled_from(["", "A100", "H100|910B"]), st.booleans())
def test_masks_say_what_narrowings_say(types: list[DeviceType], model: str, with_memory: bool) -> None:
    demand = gpus(DeviceRequest(model=model, min_memory_bytes=60 * GIB if with_memory else 0))
    masks, every = type_masks(types, demand), (1 << len(types)) - 1
    steps = {code: sum(1 << kind for kind in np.flatnonzero(flags[:-1])) for code, flags in narrowings(types, demand)}
    after_class = steps[ReasonCode.DEVICE_CLASS]
    after_model = steps.get(ReasonCode.DEVICE_MODEL, after_class)
    after_memory = steps.get(ReasonCode.DEVICE_MEMORY, after_model)
    assert (masks[t.OF_CLASS], masks[t.OF_MODEL], masks[t.OF_MEMORY]) == (after_class, after_model, after_memory)
    assert masks[t.TYPES] == after_memory
    assert after_class == every


@pytest.mark.parametrize(
    ("demand", "weights"),
    [
        pytest.param(PLAIN._replace(tasks=9), [6, 2], id="tasks of each engine's nodes"),
        pytest.param(PLAIN._replace(tasks=4, nodes=2), [2, 1], id="nodes with room for their part"),
        pytest.param(PLAIN._replace(tasks=9, nodes=3), [1, 0], id="fewer with room for a larger part"),
        pytest.param(PLAIN._replace(tasks=10, nodes=2), [0, 0], id="none with room for that"),
    ],
)
def test_what_the_nodes_of_each_engine_hold_together(demand: Demand, weights: list[int]) -> None:
    there = room(node("a0", 4, engine="a"), node("b0", 2, engine="b"), node("a1", 2, engine="a"))
    assert totals(there, tasks_fitting(stages(there, demand)), demand).tolist() == weights


@pytest.mark.parametrize(
    ("tasks", "nodes", "held"),
    [
        pytest.param(6, 0, True, id="as many tasks as one engine holds"),
        pytest.param(7, 0, False, id="more than one holds, though both together would"),
        pytest.param(4, 2, True, id="as many nodes as one engine has"),
        pytest.param(6, 3, False, id="more nodes than one has"),
        pytest.param(8, 2, False, id="no two of one engine have the room"),
    ],
)
def test_an_allocation_never_spans_engines(tasks: int, nodes: int, held: bool) -> None:
    there = room(node("a0", 4, engine="a"), node("b0", 2, engine="b"), node("a1", 2, engine="a"))
    demand = PLAIN._replace(tasks=tasks, nodes=nodes)
    assert holds(there, demand) is held
    assert suffices(there, stages(there, demand), demand) is held


@pytest.mark.parametrize(
    ("together", "demand", "code", "needed", "available"),
    [
        pytest.param([3], PLAIN._replace(tasks=5), ReasonCode.TASKS_COUNT, 5, 3, id="too few tasks"),
        pytest.param([1], PLAIN._replace(tasks=4, nodes=2), ReasonCode.NODES_COUNT, 2, 1, id="too few nodes"),
        pytest.param([2, 1], PLAIN._replace(tasks=5), ReasonCode.TASKS_COUNT, 5, 2, id="of the best engine"),
        pytest.param([3, 3], PLAIN._replace(tasks=5), ReasonCode.ENGINE, 5, 3, id="enough on two engines"),
        pytest.param([2, 1], PLAIN._replace(tasks=6, nodes=3), ReasonCode.ENGINE, 3, 2, id="nodes on two engines"),
        pytest.param([0], PLAIN, ReasonCode.TASKS_COUNT, 1, 0, id="none at all"),
        pytest.param([], PLAIN, ReasonCode.TASKS_COUNT, 1, 0, id="no engine"),
    ],
)
def test_what_is_missing_together(
    together: list[int], demand: Demand, code: ReasonCode, needed: int, available: int
) -> None:
    reason = shortfall(np.array(together, dtype=np.int64), demand)
    assert (reason.code, reason.needed, reason.available) == (code, needed, available)
    assert (reason.nodes_failing, reason.nodes_total) == (0, 0)


def test_an_empty_room_is_what_there_is_when_nobody_holds_anything_with_equal_nodes_in_one_row() -> None:
    running = [WorkloadSpec(resources=asks(2, 4, DeviceRequest(share=300))), replace(HALF, exclusive=True)]
    cards = (gpu(0), gpu(1))
    full = room(node("n0", 4, 16, *cards), node("n1", 4, 16, *cards), node("n2"), node("n3", 8), running=running)
    empty = full.empty()
    assert sorted(empty.counts.tolist()) == [1, 1, 2]
    assert (empty.nodes[:, t.FREE_CPU] == empty.nodes[:, t.CPU]).all()
    assert (empty.nodes[:, t.FREE_MEMORY] == empty.nodes[:, t.MEMORY]).all()
    assert not empty.nodes[:, [t.HOLDERS, t.EXCLUSIVE]].any()
    assert (empty.devices[:, :, t.FREE] == 1000).all()
    assert full.nodes[:, t.HOLDERS].sum() == 2


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(node("n1", 8), id="cpus"),
        pytest.param(node("n1", 4, 8), id="memory"),
        pytest.param(node("n1", engine="b"), id="engine"),
        pytest.param(replace(node("n1"), state=NodeState.DOWN), id="state"),
        pytest.param(node("n1", 4, 16, gpu(0)), id="devices"),
    ],
)
def test_nodes_that_differ_lie_in_rows_of_their_own(other: Node) -> None:
    assert room(node("n0"), other).empty().counts.tolist() == [1, 1]


def test_nodes_that_differ_in_the_health_of_a_device_lie_in_rows_of_their_own() -> None:
    sick = replace(gpu(0), healthy=False)
    assert room(node("n0", 4, 16, gpu(0)), node("n1", 4, 16, sick)).empty().counts.tolist() == [1, 1]


NODES = st.tuples(st.integers(1, 4), st.integers(1, 8), st.lists(st.sampled_from([40, 80]), max_size=3))


@given(
    st.lists(NODES, min_size=1, max_size=4),
    st.integers(1, 3),
    st.integers(1, 6),
    st.sampled_from([(0, 1000), (1, 1000), (1, 400), (2, 1000)]),
    st.sampled_from([0, 64]),
    st.integers(1, 6),
    st.integers(0, 2),
)
def test_any_room_holds_what_a_plain_count_says(
    nodes: list[tuple[int, int, list[int]]],
    cpus: int,
    gib: int,
    devices: tuple[int, int],
    memory: int,
    tasks: int,
    on: int,
) -> None:
    count, share = devices
    request = DeviceRequest(count=count, share=share, min_memory_bytes=memory * GIB * share // 1000) if count else None
    there = room(
        *(
            node(f"n{place}", had, has, *(gpu(index, gib=size) for index, size in enumerate(cards)))
            for place, (had, has, cards) in enumerate(nodes)
        )
    )
    demand = demand_of(WorkloadSpec(tasks=tasks * max(on, 1), nodes=on, resources=asks(cpus, gib, request)))

    def fits(had: int, has: int, cards: list[int]) -> int:
        found = min(had // cpus, has // gib)
        if count:
            found = min(found, sum(size >= memory for size in cards) * (1000 // share) // count)
        return found

    plain = [fits(*one) for one in nodes]
    assert tasks_fitting(stages(there, demand)).tolist() == plain
    enough = sum(found >= tasks for found in plain) >= on if on else sum(plain) >= tasks
    assert holds(there, demand) is enough
    assert holds(there.empty(), demand) is enough


def test_a_center_without_nodes_holds_nothing() -> None:
    nothing: Any = Center().state.room
    assert not holds(nothing, PLAIN)
