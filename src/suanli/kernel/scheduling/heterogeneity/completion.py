"""Policies on when jobs end: first come first served, shortest first, least total completion time, least makespan."""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.heterogeneity.fairness import deal, most_even
from suanli.kernel.scheduling.heterogeneity.problem import Allocation, Ints, Problem, Reals
from suanli.kernel.scheduling.heterogeneity.program import Matrix, Program, stacked


def min_makespan(problem: Problem) -> Allocation:
    """All jobs are done as soon as can be: the longest time to finish what is left at these throughputs is least.

    The least T with throughput >= left / T for all jobs is where the least throughput in parts of what is left is
    greatest, so that one linear program finds it (Gavel, section 4.2, bisects on T).
    """
    return most_even(problem, problem.left)


def min_makespan_quickly(problem: Problem) -> Allocation:
    """As ``min_makespan``, dealt out in small parts. Pairs stay unused."""
    return deal(problem, problem.left)


def first_come_first_served(problem: Problem) -> Allocation:
    """Jobs in order get all of their time on the fastest model with room."""
    return in_order(problem, np.arange(problem.scale.size))


def shortest_first(problem: Problem) -> Allocation:
    """As ``first_come_first_served``, but the job that needs least device time at its fastest rate goes first."""
    rates = np.where(problem.usable[: problem.scale.size], problem.rates, 0).max(axis=1, initial=0)
    needs = problem.left * problem.scale / np.maximum(rates, 1e-300)
    return in_order(problem, np.argsort(needs, kind="stable"))


def in_order(problem: Problem, order: Ints) -> Allocation:
    """Jobs in the given order get all of their time on the fastest model that still has room for the gang."""
    allocation = np.zeros((problem.units, problem.devices.size))
    room = problem.devices.copy()
    for job in order:
        rates = np.where(room >= problem.scale[job], problem.rates[job], 0)
        model = int(np.argmax(rates)) if rates.size else 0
        if rates.size and rates[model] > 0:
            allocation[job, model] = 1.0
            room[model] -= problem.scale[job]
    return allocation


def min_total_completion(problem: Problem) -> Allocation:
    """The sum of completion times is least, if none comes any more and jobs run to their end where they begin.

    On devices of different speeds each job is assigned to a place, the k-th from the last on a device, where it delays
    k jobs by its own run time; the least sum is an assignment problem (W. Horn, "Minimizing average flow time with
    parallel machines", Operations Research 21, 1973). Devices of one model are alike, so a model has as many k-th
    places as devices. A gang takes its scale factor of them in whole, which bounds the sum from below only and is
    solved to within ``program.WHOLE_GAP``. Who is first on its device has all of it now.
    """
    found = assign(problem, run_times(problem))
    allocation = np.zeros((problem.units, problem.devices.size))
    for model, room in enumerate(problem.devices):
        here = np.nonzero((found == model) & problem.usable[: found.size, model])[0]
        left = int(room)
        # The places farthest from the last hold the shortest, so these come first on every device.
        for job in here[np.argsort(problem.left[here] / problem.rates[here, model], kind="stable")]:
            if problem.scale[job] <= left:
                allocation[job, model] = 1.0
                left -= int(problem.scale[job])
    return allocation


def run_times(problem: Problem) -> Reals:
    """Seconds that a job's steps left take as [job, model]; infinite where it cannot run."""
    jobs = problem.scale.size
    usable = problem.usable[:jobs]
    return np.where(usable, problem.left[:, None] / np.where(usable, problem.rates, 1.0), np.inf)


def assign(problem: Problem, times: Reals) -> Ints:
    """The model of each job in the assignment with the least total completion time, -1 for one that runs nowhere."""
    found = np.full(problem.scale.size, -1, dtype=np.int64)
    runs = np.nonzero(np.isfinite(times).any(axis=1))[0]
    if not runs.size:
        return found
    # Among places that could hold all jobs one is free before any deeper one, and a job gains by moving there.
    # Gangs may leave up to half of a place empty.
    most = int(problem.scale[runs].max())
    deep = [int(-(-min(most, 2) * problem.scale[runs].sum() // max(1, devices))) for devices in problem.devices]
    job, model, place = _places(times[runs], deep)
    column = np.arange(job.size)
    scale = problem.scale[runs][job]
    row_of = np.concatenate([[0], np.cumsum(deep)])
    once = Matrix(job, column, np.ones(job.size))
    held = Matrix(runs.size + row_of[model] + place, column, scale.astype(np.float64))
    low = np.concatenate([np.ones(runs.size), np.full(row_of[-1], -np.inf)])
    high = np.concatenate([np.ones(runs.size), np.repeat(problem.devices, deep).astype(np.float64)])
    whole = np.full(job.size, bool((scale > 1).any()))
    program = Program(stacked(once, held), low, high, np.ones(job.size), whole)
    cost = (place + 1) * times[runs][job, model]
    chosen = program.best(-cost / max(float(cost.max()), 1e-300)) > 0.5
    found[runs[job[chosen]]] = model[chosen]
    return found


def _places(times: Reals, deep: list[int]) -> tuple[Ints, Ints, Ints]:
    """Job, model and place (0 is the last) of every column."""
    at = [(np.nonzero(np.isfinite(times[:, model]))[0], model, depth) for model, depth in enumerate(deep)]
    job = np.concatenate([np.repeat(jobs, depth) for jobs, _, depth in at])
    model = np.concatenate([np.full(jobs.size * depth, model) for jobs, model, depth in at])
    place = np.concatenate([np.tile(np.arange(depth), jobs.size) for jobs, _, depth in at])
    return job, model, place
