"""Max-min fairness and finish-time fairness."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from heapq import heapify, heappop, heapreplace

import numpy as np

from suanli.kernel.scheduling.heterogeneity.problem import Allocation, Ints, Problem, Reals
from suanli.kernel.scheduling.heterogeneity.program import Matrix, Program, stacked
from suanli.kernel.scheduling.heterogeneity.shares import Shares, shares

KEEP = 1e-7
"""Part of the first objective that the second may give up: what a solver's tolerance leaves open."""

RATIO_ERROR = 1e-4
"""Relative error of the ratio that finish-time fairness makes smallest."""

LEAST_DEMAND = 1e-6
"""What a job with nothing to ask for asks in parts of the one that asks most: below, a solver sees no number at all."""

QUANTUM = 1 / 64
"""Part of time that the heuristic deals out at once."""


def max_min(problem: Problem) -> Allocation:
    """The least throughput, in parts of the job's fair one, is as great as it can be; then the sum is.

    The fair throughput is the weight times that of an equal share of all devices (Gavel, section 4.1).
    """
    return most_even(problem, problem.weight * problem.equal_share())


def max_min_quickly(problem: Problem) -> Allocation:
    """As ``max_min``, dealt out in small parts: whoever has least so far chooses next. Pairs stay unused."""
    return deal(problem, problem.weight * problem.equal_share())


def finish_time_fairness(problem: Problem) -> Allocation:
    """The greatest ratio of a job's finish time to that with an equal share all along is as small as it can be.

    K. Mahajan et al., "Themis: Fair and Efficient GPU Cluster Scheduling", NSDI 2020. The equal share is that among the
    jobs there are now. The ratio is found by bisection; each question differs from the last in bounds only.
    """
    all_rows, runs = shares(problem, np.ones(problem.scale.size, np.int64)), _runs(problem)
    if not runs.size:
        return np.zeros((problem.units, problem.devices.size))
    program = _program(problem, all_rows, np.zeros(problem.scale.size))
    best, age = all_rows.fastest[runs], problem.age_s[runs]
    alone = np.maximum((problem.done + problem.left)[runs] / problem.equal_share()[runs], 1e-9)

    def possible(ratio: float) -> bool:
        need = np.zeros(problem.scale.size)
        room = ratio * alone - age
        need[runs] = problem.left[runs] / best / np.maximum(room, 1e-9)
        program.bound_rows(all_rows.high.size, need * (1 - KEEP))
        return program.feasible()

    low = float(((age + problem.left[runs] / best) / alone).max())
    high = low
    while not possible(high):
        low, high = high, 2 * high
    while high - low > RATIO_ERROR * high:
        middle = (low + high) / 2
        low, high = (low, middle) if possible(middle) else (middle, high)
    possible(high)
    return all_rows.allocation(problem, program.best(_gain(problem, all_rows)[:-1]))


def _runs(problem: Problem) -> Ints:
    """The jobs that can run somewhere."""
    return np.nonzero(problem.usable[: problem.scale.size].any(axis=1))[0]


def _program(problem: Problem, rows: Shares, demand: Reals) -> Program:
    """Limits, and for each job its speed less demand times the last column, which is there if there is any demand."""
    jobs, limits, columns = problem.scale.size, rows.high.size, rows.unit.size
    asked = np.nonzero(demand)[0]
    more = Matrix(limits + asked, np.full(asked.size, columns), -demand[asked])
    speed = rows.speed._replace(row=limits + rows.speed.row)
    low = np.concatenate([np.full(limits, -np.inf), np.zeros(jobs)])
    high = np.concatenate([rows.high, np.full(jobs, np.inf)])
    upper = np.concatenate([np.ones(columns), np.full(1 if asked.size else 0, np.inf)])
    return Program(stacked(rows.matrix, speed, more), low, high, upper)


def _gain(problem: Problem, rows: Shares, copies: Ints | None = None) -> Reals:
    """What each column adds to the sum of throughputs in parts of equal ones; 0 for the last."""
    share = problem.equal_share() / rows.fastest
    worth = (1 if copies is None else copies) / np.where(share > 0, share, 1.0)
    value = rows.speed.value * worth[rows.speed.row]
    return np.append(np.bincount(rows.speed.column, value, rows.unit.size) / max(1.0, float(worth.max(initial=0))), 0.0)


def most_even(problem: Problem, unit: Reals) -> Allocation:
    """The least throughput in parts of ``unit`` (steps per second, or any multiple) as great as can be, then the sum.

    Jobs alike in everything are one row of the program: by symmetry some optimum gives them the same.
    """
    runs = _runs(problem)
    if not runs.size:
        return np.zeros((problem.units, problem.devices.size))
    if problem.pairs.first.size:
        return _most_even(problem, unit, np.ones(problem.scale.size, np.int64))
    alike = np.column_stack([problem.rates, problem.scale, unit, problem.equal_share()])
    _, first, which, copies = np.unique(alike, axis=0, return_index=True, return_inverse=True, return_counts=True)
    rows = {name: getattr(problem, name)[first] for name in ("rates", "scale", "weight", "left", "done", "age_s")}
    return _most_even(replace(problem, **rows), unit[first], copies.astype(np.int64))[which.ravel()]


def _most_even(problem: Problem, unit: Reals, copies: Ints) -> Allocation:
    rows, runs = shares(problem, copies), _runs(problem)
    demand = np.zeros(problem.scale.size)
    demand[runs] = unit[runs] / rows.fastest[runs]
    most = float(demand.max())
    demand[runs] = np.maximum(demand[runs] / most, LEAST_DEMAND) if most > 0 else 1.0
    program = _program(problem, rows, demand)
    least = np.zeros(rows.unit.size + 1)
    least[-1] = 1.0
    reached = float(program.best(least)[-1])
    program.bound_column(rows.unit.size, reached * (1 - KEEP))
    return rows.allocation(problem, program.best(_gain(problem, rows, copies))[:-1])


def deal(problem: Problem, unit: Reals) -> Allocation:
    """Deal time out in parts: the job with the least in parts of ``unit`` takes of the model on which it excels.

    A job excels where its rate is great, in parts of its fastest and against the mean of all jobs there.
    """
    jobs, models = problem.rates.shape
    allocation = np.zeros((problem.units, models))
    usable = problem.usable[:jobs]
    speed = np.where(usable, problem.rates, 0) / np.maximum(problem.rates.max(axis=1, initial=0), 1e-300)[:, None]
    excels = speed**2 / np.maximum(speed.sum(axis=0) / max(1, jobs), 1e-300)
    choices = np.argsort(-excels, axis=1, kind="stable")
    room = problem.devices.astype(np.float64)
    time = np.ones(jobs)
    waiting = [(0.0, int(job)) for job in _runs(problem)]
    heapify(waiting)
    take = partial(_take, allocation=allocation, room=room, time=time)
    while waiting:
        had, job = waiting[0]
        model = next((int(m) for m in choices[job] if usable[job, m] and room[m] > 1e-12), None)
        if model is None or time[job] <= 1e-12:
            heappop(waiting)
            continue
        gained = take(job, model, int(problem.scale[job])) * float(problem.rates[job, model])
        heapreplace(waiting, (had + gained / max(float(unit[job]), 1e-300), job))
    return allocation


def _take(job: int, model: int, scale: int, *, allocation: Allocation, room: Reals, time: Reals) -> float:
    """Give a job a part of time on a model, as far as both have any."""
    part = min(QUANTUM, float(time[job]), float(room[model]) / scale)
    allocation[job, model] += part
    room[model] = max(0.0, float(room[model]) - part * scale)
    time[job] -= part
    return part
