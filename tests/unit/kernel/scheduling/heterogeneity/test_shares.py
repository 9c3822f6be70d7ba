"""What every allocation obeys as rows of a program, and columns that become an allocation again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.heterogeneity.problem import Pairs, Problem
from suanli.kernel.scheduling.heterogeneity.program import Matrix
from suanli.kernel.scheduling.heterogeneity.shares import shares
from tests.unit.kernel.scheduling.heterogeneity.problems import obeys, problem, problems

PAIR = Pairs(np.array([0]), np.array([1]), np.array([[[0.5, 0.0], [0.25, 0.0]]]))


def dense(matrix: Matrix, rows: int, columns: int) -> list[list[float]]:
    table = np.zeros((rows, columns))
    np.add.at(table, (matrix.row, matrix.column), matrix.value)
    return [list(row) for row in table]


def ones(found: Problem) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.ones(found.scale.size, dtype=np.int64)


def test_columns_are_the_places_where_units_can_run() -> None:
    found = problem([[4, 1], [0, 2]], [2, 1], scale=[2, 1])
    rows = shares(found, ones(found))
    assert list(zip(rows.unit.tolist(), rows.model.tolist(), strict=True)) == [(0, 0), (1, 1)]


def test_limits_are_devices_of_each_model_and_all_of_each_jobs_time() -> None:
    found = problem([[4, 1], [2, 2]], [3, 2], scale=[2, 1])
    rows = shares(found, ones(found))
    # Columns: the gang on either model, then the other on either.
    assert dense(rows.matrix, 4, 4) == [[2, 0, 1, 0], [0, 2, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1]]
    assert rows.high.tolist() == [3, 2, 1, 1]


def test_a_pair_takes_time_of_both_its_jobs_and_devices_once() -> None:
    found = problem([[4, 1], [2, 2]], [1, 1], pairs=PAIR)
    rows = shares(found, ones(found))
    assert list(zip(rows.unit.tolist(), rows.model.tolist(), strict=True))[-1] == (2, 0)
    assert [row[-1] for row in dense(rows.matrix, 4, 5)] == [1, 0, 1, 1]


def test_a_row_may_stand_for_several_jobs_alike() -> None:
    found = problem([[4, 1], [2, 2]], [9, 9], scale=[2, 1])
    rows = shares(found, np.array([3, 1]))
    # Three gangs of two hold six devices; each has its own time.
    assert dense(rows.matrix, 4, 4)[:3] == [[6, 0, 1, 0], [0, 6, 0, 1], [1, 1, 0, 0]]


def test_speeds_are_in_parts_of_the_fastest() -> None:
    found = problem([[4, 1], [2, 2]], [1, 1], pairs=PAIR)
    rows = shares(found, ones(found))
    assert rows.fastest.tolist() == [4, 2]
    assert dense(rows.speed, 2, 5) == [[1, 0.25, 0, 0, 0.125], [0, 0, 1, 1, 0.125]]


def test_a_job_that_is_fastest_in_a_pair_is_measured_by_that() -> None:
    pair = Pairs(np.array([0]), np.array([1]), np.array([[[8.0], [1.0]]]))
    rows = shares(problem([[4], [2]], [1], pairs=pair), np.array([1, 1]))
    assert rows.fastest.tolist() == [8, 2]


def test_a_job_that_can_run_nowhere_has_no_column_and_a_speed_to_divide_by() -> None:
    found = problem([[0, 0], [1, 0]], [1, 1])
    rows = shares(found, ones(found))
    assert rows.unit.tolist() == [1]
    assert rows.fastest.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("columns", "given_"),
    [
        pytest.param([1, 0, 0, 1], [[1, 0], [0, 1]], id="within all limits: as it is"),
        pytest.param([0.5, 0.5, 0.5, 0.5], [[0.5, 0.5], [0.5, 0.5]], id="just within"),
        pytest.param([2, 0, 0, 0], [[1, 0], [0, 0]], id="more than all of the time"),
        pytest.param([-1, 0, 0, 1], [[0, 0], [0, 1]], id="less than none"),
        pytest.param([1, 0, 1, 0], [[0.5, 0], [0.5, 0]], id="twice the devices: half to each"),
        pytest.param([1, 1, 0, 0], [[0.5, 0.5], [0, 0]], id="twice the time: half on each"),
        pytest.param([1, 0, 0.5, 0.5], [[2 / 3, 0], [1 / 3, 0.5]], id="cut where it must be only"),
    ],
)
def test_what_rounding_left_outside_the_limits_is_cut(columns: list[float], given_: list[list[float]]) -> None:
    found = problem([[4, 1], [2, 2]], [1, 1])
    allocation = shares(found, ones(found)).allocation(found, np.array(columns, dtype=np.float64))
    assert allocation.tolist() == [pytest.approx(row) for row in given_]


@settings(max_examples=100)
@given(problems(), st.data())
def test_whatever_a_solver_gives_what_comes_of_it_obeys(found: Problem, data: st.DataObject) -> None:
    rows = shares(found, ones(found))
    size = rows.unit.size
    columns = np.array(data.draw(st.lists(st.floats(-0.5, 3), min_size=size, max_size=size)))
    allocation = rows.allocation(found, columns)
    obeys(found, allocation)
    held = np.bincount(rows.matrix.row, rows.matrix.value * np.clip(columns, 0, 1)[rows.matrix.column], rows.high.size)
    if (held <= rows.high).all():
        assert allocation[rows.unit, rows.model] == pytest.approx(np.clip(columns, 0, 1))


@given(problems())
def test_speeds_of_columns_are_throughputs(found: Problem) -> None:
    rows = shares(found, ones(found))
    columns = np.linspace(0.1, 0.9, rows.unit.size)
    allocation = np.zeros((found.units, found.devices.size))
    allocation[rows.unit, rows.model] = columns
    speed = np.bincount(rows.speed.row, rows.speed.value * columns[rows.speed.column], found.scale.size)
    assert speed * rows.fastest == pytest.approx(found.throughput(allocation))
