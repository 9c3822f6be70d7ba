"""What the tables say is held or reserved, as plain rows."""

from __future__ import annotations

import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.holdings import held_by, reserved, rows_from
from suanli.model.devices import DeviceRequest
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, Center, asks, gpu, node


@pytest.mark.parametrize(
    ("amounts", "width", "shape"),
    [
        pytest.param([], 5, (0, 5), id="none of five"),
        pytest.param([], 3, (0, 3), id="none of three"),
        pytest.param([(1, 2, 3)], 3, (1, 3), id="one"),
        pytest.param([(1, 2), (3, 4), (5, 6)], 2, (3, 2), id="several"),
    ],
)
def test_rows_have_their_width_however_few(amounts: list[tuple[int, ...]], width: int, shape: tuple[int, int]) -> None:
    rows = rows_from(amounts, width)
    assert rows.shape == shape
    assert rows.dtype == "int64"
    assert [tuple(row) for row in rows.tolist()] == amounts


def holding(center: Center, spec: WorkloadSpec) -> tuple[list[list[int]], list[list[int]]]:
    """What a workload holds once it was started."""
    workload = center.add(spec)
    center.turn()
    row = center.state.running(center.run_of(workload)).row
    nodes, devices = held_by(center.state.tables, row)
    return sorted(nodes), sorted(device[: t.HELD_SLOTS] for device in devices)


def mixed() -> Center:
    return Center().with_nodes(node("n0", 4, 16, gpu(0), gpu(1)), node("n1", 4, 16))


@pytest.mark.parametrize(
    ("spec", "nodes", "devices"),
    [
        pytest.param(WorkloadSpec(resources=asks(1, 2)), [[1, 1, 1000, 2 * GIB, 0, 0]], [], id="a task on one node"),
        pytest.param(WorkloadSpec(tasks=3, resources=asks(1)), [[1, 3, 3000, 3 * GIB, 0, 0]], [], id="tasks together"),
        pytest.param(
            WorkloadSpec(tasks=2, nodes=2, resources=asks(2)),
            [[0, 1, 2000, GIB, 0, 0], [1, 1, 2000, GIB, 0, 0]],
            [],
            id="a row for each node",
        ),
        pytest.param(
            WorkloadSpec(resources=asks(1, 1, DeviceRequest(count=2))),
            [[0, 1, 1000, GIB, 0, 0]],
            [[0, 0, 1000], [0, 1, 1000]],
            id="a row for each device",
        ),
        pytest.param(
            WorkloadSpec(resources=asks(1, 1, DeviceRequest(share=300))),
            [[0, 1, 1000, GIB, 0, 0]],
            [[0, 0, 300]],
            id="a share of one",
        ),
        pytest.param(
            WorkloadSpec(tasks=2, resources=asks(1, 1, DeviceRequest(share=300))),
            [[0, 2, 2000, 2 * GIB, 0, 0]],
            [[0, 0, 600]],
            id="shares on one device together",
        ),
        pytest.param(
            WorkloadSpec(exclusive=True, nodes=1, resources=asks(1)),
            [[1, 1, 4000, 16 * GIB, 1, 0]],
            [],
            id="alone, all of it",
        ),
    ],
)
def test_what_a_run_holds(spec: WorkloadSpec, nodes: list[list[int]], devices: list[list[int]]) -> None:
    assert holding(mixed(), spec) == (nodes, devices)


def test_what_waits_holds_nothing() -> None:
    center = mixed()
    row = center.state.waiting(center.add(WorkloadSpec())).row
    assert held_by(center.state.tables, row) == ([], [])


def test_each_run_holds_its_own() -> None:
    center = mixed()
    first, second = center.add(WorkloadSpec(resources=asks(1))), center.add(WorkloadSpec(resources=asks(2)))
    center.turn()
    found = [held_by(center.state.tables, center.state.running(center.run_of(one)).row)[0] for one in (first, second)]
    assert [rows[0][t.HELD_CPU] for rows in found] == [1000, 2000]


def test_while_a_turn_lasts_what_is_kept_for_the_head_is_told_and_afterwards_its_rows_are_still_there() -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0)))
    center.add(WorkloadSpec(resources=asks(3), time_limit_s=10))
    center.turn()
    center.add(WorkloadSpec(tasks=2, resources=asks(2), time_limit_s=10))
    center.plan()
    assert reserved(center.state.tables) == ([[0, 2, 4000, 2 * GIB, 0, 0]], [])


def test_where_there_is_no_head_nothing_is_reserved() -> None:
    center = mixed()
    center.add(WorkloadSpec())
    center.plan()
    assert reserved(center.state.tables) == ([], [])
