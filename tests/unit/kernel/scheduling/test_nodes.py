"""Nodes and their devices as rows of the tables: rows, positions, types, engines, and tables that grow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import EngineName
from suanli.model.resources import Device, Node, NodeState
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, Center, asks, gpu, node


def state(*nodes: Node) -> ClusterState:
    found = ClusterState()
    for one in nodes:
        found.set_node(one)
    return found


def types_at(found: ClusterState, row: int) -> list[int]:
    return [int(kind) for kind in found.tables.devices[row, :, t.TYPE]]


def test_rows_are_in_the_order_in_which_nodes_were_told() -> None:
    found = state(node("b"), node("a"), node("c"))
    assert found.names == ["b", "a", "c"]
    assert found.nodes == {"b": 0, "a": 1, "c": 2}
    assert found.room.nodes.shape[0] == 3


@pytest.mark.parametrize(
    ("one", "column", "value"),
    [
        pytest.param(node("n0", 4), t.CPU, 4000, id="its cpus"),
        pytest.param(node("n0", 4), t.FREE_CPU, 4000, id="all of them free"),
        pytest.param(node("n0", 4, 7), t.MEMORY, 7 * GIB, id="its memory"),
        pytest.param(node("n0", 4, 7), t.FREE_MEMORY, 7 * GIB, id="all of it free"),
        pytest.param(node("n0"), t.READY, 1, id="in service"),
        pytest.param(replace(node("n0"), state=NodeState.DRAINING), t.READY, 0, id="draining"),
        pytest.param(replace(node("n0"), state=NodeState.DOWN), t.READY, 0, id="down"),
        pytest.param(node("n0"), t.ENGINE, 0, id="of the first engine"),
        pytest.param(node("n0"), t.HOLDERS, 0, id="held by nobody"),
        pytest.param(node("n0"), t.RESERVED, 0, id="in no advance reservation"),
    ],
)
def test_what_each_column_says_of_a_node(one: Node, column: int, value: int) -> None:
    assert state(one).tables.nodes[0, column] == value


def test_engines_are_numbered_in_the_order_in_which_they_were_met() -> None:
    found = state(node("n0", engine="b"), node("n1", engine="a"), node("n2", engine="b"))
    assert found.engines == {"b": 0, "a": 1}
    assert found.tables.nodes[:3, t.ENGINE].tolist() == [0, 1, 0]
    assert found.room.engines == 2


def test_a_node_may_come_to_another_engine() -> None:
    found = state(node("n0", engine="a"), node("n1", engine="a"))
    found.set_node(replace(node("n1"), engine=EngineName("b")))
    assert found.tables.nodes[:2, t.ENGINE].tolist() == [0, 1]


def test_switches_are_told_from_each_other_and_the_unknown_one_is_one() -> None:
    found = state(*(replace(node(f"n{place}"), switch=switch) for place, switch in enumerate(["", "a", "b", "a", ""])))
    codes = found.tables.nodes[:5, t.SWITCH].tolist()
    assert codes[0] == codes[4]
    assert codes[1] == codes[3]
    assert len(set(codes)) == 3


def test_the_last_word_on_a_node_holds_and_its_generation_is_kept() -> None:
    found = state(node("n0", 4), replace(node("n0", 8, 32), generation=7))
    assert (found.names, found.generations) == (["n0"], [7])
    assert found.tables.nodes[0, [t.CPU, t.FREE_CPU]].tolist() == [8000, 8000]
    assert found.tables.nodes[0, t.MEMORY] == 32 * GIB


def test_devices_lie_at_positions_by_memory_and_then_by_index() -> None:
    found = state(node("n0", 4, 16, gpu(0, gib=80), gpu(1, gib=40), gpu(2, gib=80), gpu(3, gib=40)))
    assert found.indices == [[1, 3, 0, 2]]
    assert [found.types[kind].memory_bytes // GIB for kind in types_at(found, 0)] == [40, 40, 80, 80]


def test_devices_that_differ_in_nothing_asked_for_are_of_one_type() -> None:
    cards = (gpu(0), gpu(1), replace(gpu(2), healthy=False), gpu(3, "h100"), replace(gpu(4), memory_bytes=1))
    found = state(node("n0", 4, 16, *cards))
    assert len(found.types) == 3
    assert found.tables.devices[0, :, t.HEALTHY].tolist() == [1, 1, 1, 0, 1]
    assert (found.tables.devices[0, :, t.FREE] == 1000).all()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(gpu(1), device_class=DeviceClass.NPU), id="class"),
        pytest.param(gpu(1, "h100"), id="model"),
        pytest.param(gpu(1, gib=40), id="memory"),
        pytest.param(replace(gpu(1), precisions=frozenset({Precision.FP8})), id="arithmetic"),
    ],
)
def test_devices_that_differ_are_of_types_of_their_own(other: Device) -> None:
    assert len(state(node("n0", 4, 16, gpu(0), other)).types) == 2


def test_narrow_nodes_have_no_devices_at_the_positions_of_wide_ones() -> None:
    found = state(node("n0", 4, 16, gpu(0), gpu(1)), node("n1", 4, 16, gpu(0)), node("n2"))
    assert [types_at(found, row) for row in range(3)] == [[0, 0], [0, -1], [-1, -1]]


def test_a_device_that_vanishes_leaves_its_position_and_returns_to_it() -> None:
    found = state(node("n0", 4, 16, gpu(0), gpu(1)))
    found.set_node(node("n0", 4, 16, gpu(1)))
    assert types_at(found, 0).count(-1) == 1
    assert found.indices[0][0] == 1
    found.set_node(node("n0", 4, 16, gpu(0), gpu(1)))
    assert (found.indices, types_at(found, 0)) == ([[0, 1]], [0, 0])


def test_the_largest_node_is_what_scores_are_measured_by() -> None:
    found = state(node("n0", 4, 64))
    sizes = [t.LARGEST_CPU, t.LARGEST_MEMORY]
    assert found.tables.sizes[sizes].tolist() == [4000, 64 * GIB]
    found.set_node(node("n1", 16, 8))
    assert found.tables.sizes[sizes].tolist() == [16_000, 64 * GIB]
    found.set_node(node("n1", 2, 8))
    assert found.tables.sizes[sizes].tolist() == [4000, 64 * GIB]


def test_a_node_of_more_devices_than_can_be_told_apart_is_refused() -> None:
    most = t.DEVICE_TYPES - 1
    found = state(node("n0", 4, 16, *(gpu(index) for index in range(most))))
    assert len(found.indices[0]) == most
    with pytest.raises(InvalidRequestError) as caught:
        found.set_node(node("n1", 4, 16, *(gpu(index) for index in range(most + 1))))
    assert caught.value.field == "devices"
    assert caught.value.detail == "node n1 has too many devices to tell apart"


def test_a_center_of_more_types_of_devices_than_can_be_told_apart_is_refused() -> None:
    found = state(*(node(f"n{place}", 4, 16, gpu(0, f"m{place}")) for place in range(t.DEVICE_TYPES)))
    assert len(found.types) == t.DEVICE_TYPES
    with pytest.raises(InvalidRequestError) as caught:
        found.set_node(node("one-more", 4, 16, gpu(0, "other")))
    assert caught.value.field == "devices"
    assert caught.value.detail == "other is one type of devices too many to tell apart"


def test_a_type_that_comes_later_is_of_use_to_who_waits() -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0, "a100")))
    waits = center.add(WorkloadSpec(resources=asks(1, 1, DeviceRequest(model="h100"))))
    assert not center.plan().placements
    center.set_node(node("n1", 4, 16, gpu(0, "h100")))
    assert [(row.workload, row.allocation.nodes[0].node) for row in center.plan().placements] == [(waits, "n1")]


def test_a_node_that_changes_is_judged_anew_by_who_waits() -> None:
    center = Center().with_nodes(node("n0", 2), node("n1", 2))
    waits = center.add(WorkloadSpec(resources=asks(4)))
    assert not center.plan().placements
    center.set_node(node("n1", 4))
    assert [row.workload for row in center.plan().placements] == [waits]
    center.set_node(replace(node("n1", 4), state=NodeState.DRAINING))
    assert not center.plan().placements


def test_what_is_empty_is_worked_out_anew_when_a_node_changes() -> None:
    found = state(node("n0"), node("n1"))
    assert found.empty_room is found.empty_room
    assert found.empty_room.counts.tolist() == [2]
    found.set_node(node("n1", 8))
    assert sorted(found.empty_room.counts.tolist()) == [1, 1]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(1, 8),
            st.lists(
                st.tuples(st.integers(0, 5), st.sampled_from(["a", "b"])), max_size=4, unique_by=lambda one: one[0]
            ),
            st.sampled_from(NodeState),
            st.sampled_from(["x", "y"]),
        ),
        max_size=14,
    )
)
def test_whatever_was_told_before_the_tables_say_what_was_told_last(
    told: list[tuple[int, int, list[tuple[int, str]], NodeState, str]],
) -> None:
    found, last = ClusterState(), {}
    for place, cpus, cards, is_state, engine in told:
        devices = tuple(gpu(index, model) for index, model in cards)
        one = replace(node(f"n{place}", cpus, 16, *devices, engine=engine), state=is_state)
        found.set_node(one)
        last[one.name] = one
    assert set(found.names) == set(last)
    for name, one in last.items():
        row = found.nodes[name]
        columns = found.tables.nodes[row, [t.CPU, t.FREE_CPU, t.READY, t.ENGINE]].tolist()
        ready = int(one.state is NodeState.READY)
        assert columns == [one.cpu_milli, one.cpu_milli, ready, found.engines[one.engine]]
        there = {
            (found.indices[row][place], found.types[kind].model)
            for place, kind in enumerate(types_at(found, row))
            if kind >= 0
        }
        assert there == {(card.index, card.model) for card in one.devices}
