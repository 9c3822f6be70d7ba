"""What every allocation obeys, as rows of a linear program: columns are the usable places of the allocation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from suanli.kernel.scheduling.heterogeneity.problem import Allocation, Ints, Problem, Reals
from suanli.kernel.scheduling.heterogeneity.program import Matrix, stacked


class Shares(NamedTuple):
    """Columns by ``unit`` and ``model``; limits ``matrix`` times columns <= ``high``; and what the columns bring.

    ``speed`` has each job's rate by column in parts of ``fastest``, its greatest rate anywhere, so that numbers stay
    near one; a job that can run nowhere has 1 there.
    """

    unit: Ints
    model: Ints
    matrix: Matrix
    high: Reals
    speed: Matrix
    fastest: Reals

    def allocation(self, problem: Problem, columns: Reals) -> Allocation:
        """The allocation of which the columns are the usable places. What rounding left outside the limits is cut."""
        places = np.clip(columns, 0.0, 1.0)
        given = np.bincount(self.matrix.row, self.matrix.value * places[self.matrix.column], self.high.size)
        excess = np.maximum(1.0, given / np.maximum(self.high, 1e-300))
        cut = np.ones(places.size)
        np.maximum.at(cut, self.matrix.column, excess[self.matrix.row])
        allocation = np.zeros((problem.units, problem.devices.size))
        allocation[self.unit, self.model] = places / cut
        return allocation


def shares(problem: Problem, copies: Ints) -> Shares:
    """The columns and limits of a problem whose row j stands for ``copies[j]`` jobs alike."""
    jobs, models = problem.rates.shape
    unit, model = np.nonzero(problem.usable)
    column = np.arange(unit.size)
    number = np.full((problem.units, models), -1, dtype=np.int64)
    number[unit, model] = column
    many = np.concatenate([copies, np.ones(problem.pairs.first.size, dtype=np.int64)])
    held = Matrix(model, column, (problem.unit_scale * many)[unit].astype(np.float64))
    job, of, rates = problem.members()
    member, at = np.nonzero(number[of] >= 0)
    place = number[of[member], at]
    time = Matrix(models + job[member], place, np.ones(place.size))
    fastest = np.zeros(jobs)
    np.maximum.at(fastest, job[member], rates[member, at])
    fastest[fastest == 0] = 1.0
    speed = Matrix(job[member], place, rates[member, at] / fastest[job[member]])
    high = np.concatenate([problem.devices.astype(np.float64), np.ones(jobs)])
    return Shares(unit, model, stacked(held, time), high, speed, fastest)
