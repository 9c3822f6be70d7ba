"""Policies on what devices cost by the second they are held, be that money (price) or energy (watts)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suanli.kernel.scheduling.heterogeneity.fairness import KEEP
from suanli.kernel.scheduling.heterogeneity.problem import Allocation, Policy, Problem, Reals
from suanli.kernel.scheduling.heterogeneity.program import Matrix, Program, stacked
from suanli.kernel.scheduling.heterogeneity.shares import Shares, shares


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What a device of each model costs a second, and how many seconds each job still has (infinite: no deadline)."""

    rate: Reals
    within_s: Reals

    def need(self, problem: Problem) -> Reals:
        """Steps per second that keep each job's deadline; of a job that cannot, its fastest."""
        runs = problem.usable[: problem.scale.size]
        fastest = np.where(runs, problem.rates, 0).max(axis=1, initial=0)
        return np.asarray(np.minimum(problem.left / np.maximum(self.within_s, 1e-9), fastest))


def steps_per_cost(terms: Terms) -> Policy:
    """Deadlines first; then the sum over jobs of steps, in parts of an equal share's, by what a step costs is greatest.

    Gavel, section 4.2, with what each job holds (its gang's devices) as the cost.
    """

    def act(problem: Problem) -> Allocation:
        rows = shares(problem, np.ones(problem.scale.size, np.int64))
        share = problem.equal_share() / rows.fastest
        value = rows.speed.value / np.where(share > 0, share, 1.0)[rows.speed.row]
        steps = np.bincount(rows.speed.column, value, rows.unit.size)
        cost = problem.unit_scale[rows.unit] * terms.rate[rows.model]
        return _under_deadlines(problem, terms, rows, steps / np.maximum(cost, 1e-300))

    return act


def least_cost(terms: Terms) -> Policy:
    """Deadlines first; then the cost of keeping them is least: the sum of what is held until each job's deadline.

    Jobs without a deadline need nothing at any time and get nothing here.
    """

    def act(problem: Problem) -> Allocation:
        rows = shares(problem, np.ones(problem.scale.size, np.int64))
        job, unit, _ = problem.members()
        until = np.zeros(problem.units)
        np.maximum.at(until, unit, np.where(np.isfinite(terms.within_s), terms.within_s, 0.0)[job])
        # Whoever has no deadline costs something too, however little, so that nobody holds devices for nothing.
        held = np.maximum(until, 1e-3 * max(1.0, float(until.max(initial=0))))
        return _under_deadlines(problem, terms, rows, -(held * problem.unit_scale)[rows.unit] * terms.rate[rows.model])

    return act


def least_cost_quickly(terms: Terms) -> Policy:
    """As ``least_cost``, one job after the other by deadline: each takes of the cheapest models what keeps its pace.

    It begins with models that keep the pace alone; where none has room it adds others, the fastest first. Pairs stay
    unused.
    """

    def act(problem: Problem) -> Allocation:
        allocation = np.zeros((problem.units, problem.devices.size))
        room, need = problem.devices.astype(np.float64), terms.need(problem)
        usable, by_step = problem.usable, np.full(problem.rates.shape, np.inf)
        np.divide(terms.rate, problem.rates, out=by_step, where=usable[: problem.scale.size])
        for job in np.argsort(terms.within_s, kind="stable"):
            pace = problem.rates[job] >= need[job]
            time = 1.0
            for model in np.lexsort((-problem.rates[job], np.where(pace, by_step[job], np.inf))):
                rate, scale = float(problem.rates[job, model]), int(problem.scale[job])
                if usable[job, model] and need[job] > 0:
                    part = min(time, room[model] / scale, need[job] / rate)
                    allocation[job, model] += part
                    time -= part
                    room[model] -= part * scale
                    need[job] = max(0.0, need[job] - part * rate)
        return allocation

    return act


def _under_deadlines(problem: Problem, terms: Terms, rows: Shares, gain: Reals) -> Allocation:
    """The greatest gain among the allocations that miss least of the paces that keep all deadlines.

    What a job misses counts in parts of its need, so that one program tells both what can be kept and what it costs.
    """
    need = terms.need(problem) / rows.fastest
    asked = np.nonzero(need > 0)[0]
    columns, limits, size = rows.unit.size, rows.high.size, rows.unit.size + asked.size
    if not columns:
        return np.zeros((problem.units, problem.devices.size))
    speed = rows.speed._replace(row=limits + rows.speed.row)
    missed = Matrix(limits + asked, columns + np.arange(asked.size), need[asked])
    low = np.concatenate([np.full(limits, -np.inf), need, [-np.inf]])
    high = np.concatenate([rows.high, np.full(need.size + 1, np.inf)])
    together = Matrix(np.full(asked.size, limits + need.size), columns + np.arange(asked.size), -np.ones(asked.size))
    program = Program(stacked(rows.matrix, speed, missed, together), low, high, np.ones(size))
    misses = np.concatenate([np.zeros(columns), -np.ones(asked.size)])
    least = float(program.best(misses)[columns:].sum())
    program.bound_rows(limits + need.size, np.array([-least - KEEP]))
    wanted = np.concatenate([gain / max(float(np.abs(gain).max(initial=0)), 1e-300), np.zeros(asked.size)])
    return rows.allocation(problem, program.best(wanted)[:columns])
