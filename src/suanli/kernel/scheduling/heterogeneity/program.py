"""Linear programs, solved exactly by HiGHS.

Q. Huangfu and J. Hall, "Parallelizing the dual revised simplex method", Mathematical Programming Computation 10, 2018.
A program is kept between questions: a changed objective or bound starts from the basis of the last answer.
"""

from __future__ import annotations

from typing import NamedTuple

import highspy
import numpy as np

from suanli.kernel.scheduling.heterogeneity.problem import Flags, Ints, Reals
from suanli.model.errors import SuanliError


class Matrix(NamedTuple):
    """Coefficients other than zero: their rows, columns and values."""

    row: Ints
    column: Ints
    value: Reals


def stacked(*parts: Matrix) -> Matrix:
    """One matrix of the entries of all."""
    return Matrix(*(np.concatenate([part[place] for part in parts]) for place in range(3)))


WHOLE_GAP = 0.01
"""Relative distance to the optimum at which the search over whole numbers ends."""


class _Quiet(highspy.Highs):
    """A solver that prints nothing: its construction enables callbacks, and that would already print a banner."""

    def enableCallbacks(self) -> None:  # noqa: N802 -- the library's name
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]  # the library leaves it untyped


class Program:
    """Find columns between 0 and ``upper`` whose rows lie between ``low`` and ``high``.

    Every program must have an answer for some bounds; ``integral`` columns take whole numbers only, and then
    the best is found to within ``WHOLE_GAP``.
    """

    def __init__(self, matrix: Matrix, low: Reals, high: Reals, upper: Reals, integral: Flags | None = None) -> None:
        order = np.lexsort((matrix.column, matrix.row))
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = upper.size, low.size
        model.col_cost_, model.col_lower_, model.col_upper_ = np.zeros(upper.size), np.zeros(upper.size), upper
        model.row_lower_, model.row_upper_ = low, high
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.searchsorted(matrix.row[order], np.arange(low.size + 1)).astype(np.int32)
        model.a_matrix_.index_ = matrix.column[order].astype(np.int32)
        model.a_matrix_.value_ = matrix.value[order]
        if integral is not None:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            model.integrality_ = [kinds[whole] for whole in integral.astype(int)]
        self._upper = upper
        self._solver = _Quiet()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        self._solver.setOptionValue("threads", 1)
        self._solver.setOptionValue("mip_rel_gap", WHOLE_GAP)
        self._solver.passModel(model)

    def bound_rows(self, first: int, low: Reals) -> None:
        """Give the rows from ``first`` on new lower bounds, and no upper ones."""
        for row, bound in enumerate(low, start=first):
            self._solver.changeRowBounds(row, float(bound), highspy.kHighsInf)

    def bound_column(self, column: int, low: float) -> None:
        """Give a column a new lower bound."""
        self._solver.changeColBounds(column, low, float(self._upper[column]))

    def feasible(self) -> bool:
        """Tell whether there is an answer at all within the present bounds."""
        self._solver.run()
        if self._solver.getModelStatus() == highspy.HighsModelStatus.kUnknown:
            # From the basis of the last answer the solver may lose its way; from none it does not.
            self._solver.clearSolver()
            self._solver.run()
        return self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal

    def best(self, gain: Reals) -> Reals:
        """The columns with the greatest sum of ``gain`` times column.

        Raises:
            SuanliError: the solver gave no optimum, which for programs that have one is a defect.
        """
        self._solver.changeColsCost(gain.size, np.arange(gain.size, dtype=np.int32), -gain)
        if not self.feasible():
            status = self._solver.modelStatusToString(self._solver.getModelStatus())
            raise SuanliError(f"a linear program that has an optimum was not solved: {status}")
        return np.asarray(self._solver.getSolution().col_value, dtype=np.float64)
