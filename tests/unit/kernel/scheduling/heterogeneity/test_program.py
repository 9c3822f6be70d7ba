"""Linear programs: small ones worked by hand, others against every corner, and bounds that change between questions."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.heterogeneity.program import WHOLE_GAP, Matrix, Program, stacked
from suanli.model.errors import SuanliError

INF = np.inf


def matrix(rows: list[list[float]]) -> Matrix:
    table = np.array(rows, dtype=np.float64)
    row, column = np.nonzero(table)
    return Matrix(row, column, table[row, column])


def program(
    rows: list[list[float]],
    high: list[float],
    *,
    low: list[float] | None = None,
    upper: list[float] | None = None,
    whole: bool = False,
) -> Program:
    """Rows times columns up to ``high``, columns up to ``upper`` (1)."""
    columns = len(rows[0])
    return Program(
        matrix(rows),
        np.array(low or [-INF] * len(rows)),
        np.array(high),
        np.array(upper or [1.0] * columns),
        np.full(columns, whole) if whole else None,
    )


@pytest.mark.parametrize(
    ("rows", "high", "gain", "best"),
    [
        pytest.param([[1.0]], [9], [1], [1], id="as much as a column may be"),
        pytest.param([[1.0]], [0.25], [1], [0.25], id="as much as a row lets it"),
        pytest.param([[1.0, 1.0]], [1], [2, 1], [1, 0], id="the more valuable of two"),
        pytest.param([[1.0, 1.0]], [1.5], [2, 1], [1, 0.5], id="and what is left to the other"),
        pytest.param([[2.0, 1.0]], [1], [3, 1], [0.5, 0], id="by value for its weight"),
        pytest.param([[2.0, 1.0]], [1], [1, 1], [0, 1], id="the lighter of two as valuable"),
        pytest.param([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.75], [1, 1], [0.5, 0.75], id="rows apart"),
        pytest.param([[1.0, 1.0], [1.0, 0.0]], [1, 0.4], [2, 1], [0.4, 0.6], id="rows together"),
        pytest.param([[1.0, 1.0]], [2], [-1, 1], [0, 1], id="what costs is left alone"),
        pytest.param([[1.0, 1.0]], [0], [1, 1], [0, 0], id="nothing may be had"),
    ],
)
def test_the_greatest_gain(rows: list[list[float]], high: list[float], gain: list[float], best: list[float]) -> None:
    found = program(rows, high).best(np.array(gain, dtype=np.float64))
    assert found.tolist() == pytest.approx(best, abs=1e-7)


def test_a_column_may_have_no_upper_end() -> None:
    found = program([[1.0, -1.0]], [0], upper=[5.0, INF]).best(np.array([1.0, 0.0]))
    assert found[0] == pytest.approx(5)


@pytest.mark.parametrize(
    ("low", "high", "there"),
    [
        pytest.param([0.5], [1], True, id="between"),
        pytest.param([2], [3], True, id="just as much as columns give"),
        pytest.param([2.1], [3], False, id="more than columns give"),
        pytest.param([-INF], [-0.1], False, id="less than none"),
        pytest.param([1], [1], True, id="exactly so much"),
    ],
)
def test_whether_there_is_an_answer(low: list[float], high: list[float], there: bool) -> None:
    assert program([[1.0, 1.0]], high, low=low).feasible() is there


def test_what_has_no_answer_is_told_as_an_error() -> None:
    with pytest.raises(SuanliError, match="a linear program that has an optimum was not solved") as caught:
        program([[1.0]], [3], low=[2]).best(np.array([1.0]))
    assert caught.value.code == "internal"


def test_bounds_of_rows_change_between_questions() -> None:
    asked = program([[1.0, 1.0], [1.0, 0.0]], [1, INF], low=[-INF, 0])
    value = np.array([0.0, 1.0])
    assert asked.best(value).tolist() == pytest.approx([0, 1])
    asked.bound_rows(1, np.array([0.75]))
    assert asked.best(value).tolist() == pytest.approx([0.75, 0.25])
    asked.bound_rows(1, np.array([1.5]))
    assert not asked.feasible()
    asked.bound_rows(1, np.array([0.25]))
    assert asked.best(value).tolist() == pytest.approx([0.25, 0.75])


def test_several_rows_get_bounds_at_once() -> None:
    asked = program([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]], [1, INF, INF])
    asked.bound_rows(1, np.array([0.4, 0.5]))
    assert asked.best(np.array([1.0, 0.0])).tolist() == pytest.approx([0.5, 0.5])


def test_a_column_gets_a_lower_bound_and_keeps_its_upper_one() -> None:
    asked = program([[1.0, 1.0]], [1])
    asked.bound_column(1, 0.3)
    assert asked.best(np.array([1.0, 0.0])).tolist() == pytest.approx([0.7, 0.3])
    asked.bound_column(1, 0.0)
    assert asked.best(np.array([1.0, 0.0])).tolist() == pytest.approx([1, 0])
    assert asked.best(np.array([0.0, 1.0])).tolist() == pytest.approx([0, 1])


def test_whole_columns_take_whole_numbers_only() -> None:
    rows, high, gain = [[2.0, 3.0, 4.0]], [6.0], np.array([3.0, 4.0, 6.0])
    parts, wholes = program(rows, high).best(gain), program(rows, high, whole=True).best(gain)
    assert gain @ parts == pytest.approx(9)
    assert set(np.round(wholes, 6).tolist()) <= {0.0, 1.0}
    assert gain @ wholes >= 9 * (1 - WHOLE_GAP)


def test_matrices_are_stacked_entry_by_entry() -> None:
    one, other = matrix([[1.0, 2.0]]), Matrix(np.array([1]), np.array([0]), np.array([5.0]))
    found = stacked(one, other)
    assert (found.row.tolist(), found.column.tolist(), found.value.tolist()) == ([0, 0, 1], [0, 1, 0], [1, 2, 5])


def test_entries_may_come_in_any_order() -> None:
    shuffled = Matrix(np.array([1, 0, 0]), np.array([0, 1, 0]), np.array([1.0, 1.0, 1.0]))
    found = Program(shuffled, np.full(2, -INF), np.array([1.0, 0.4]), np.ones(2)).best(np.array([2.0, 1.0]))
    assert found.tolist() == pytest.approx([0.4, 0.6])


WEIGHTS = st.integers(0, 4).map(float)


def corners(rows: list[list[float]], high: list[float]) -> list[list[float]]:
    """Every point where as many limits meet as there are columns: one of them is best."""
    columns = len(rows[0])
    limits = [(row, bound) for row, bound in zip(rows, high, strict=True)]
    for column in range(columns):
        unit = [float(other == column) for other in range(columns)]
        limits += [(unit, 0.0), (unit, 1.0)]
    found = []
    for some in combinations(limits, columns):
        table = np.array([row for row, _ in some])
        if abs(np.linalg.det(table)) > 1e-9:
            found.append(np.linalg.solve(table, np.array([bound for _, bound in some])).tolist())
    return found


@settings(max_examples=120)
@given(
    st.lists(st.lists(WEIGHTS, min_size=3, max_size=3), min_size=1, max_size=3),
    st.lists(st.integers(0, 6).map(float), min_size=3, max_size=3),
    st.lists(st.integers(-3, 5).map(float), min_size=3, max_size=3),
)
def test_no_corner_is_better(rows: list[list[float]], bounds: list[float], gain: list[float]) -> None:
    high = bounds[: len(rows)]
    found = program(rows, high).best(np.array(gain))

    def keeps(point: list[float]) -> bool:
        held = np.array(rows) @ np.array(point)
        return bool((held <= np.array(high) + 1e-6).all() and min(point) >= -1e-6 and max(point) <= 1 + 1e-6)

    assert keeps(found.tolist())
    best = max(float(np.dot(gain, point)) for point in corners(rows, high) if keeps(point))
    assert float(np.dot(gain, found)) == pytest.approx(best, abs=1e-6)


@settings(max_examples=60)
@given(
    st.lists(st.lists(WEIGHTS, min_size=4, max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(0, 6).map(float), min_size=3, max_size=3),
    st.lists(st.integers(0, 5).map(float), min_size=4, max_size=4),
)
def test_no_choice_of_whole_columns_is_better_by_more_than_the_gap(
    rows: list[list[float]], bounds: list[float], gain: list[float]
) -> None:
    high = np.array(bounds[: len(rows)])
    found = np.round(program(rows, high.tolist(), whole=True).best(np.array(gain)))
    assert (np.array(rows) @ found <= high + 1e-6).all()
    choices = [choice for choice in product((0, 1), repeat=4) if (np.array(rows) @ np.array(choice) <= high).all()]
    best = max(float(np.dot(gain, choice)) for choice in choices)
    assert float(np.dot(gain, found)) >= best * (1 - WHOLE_GAP) - 1e-6
