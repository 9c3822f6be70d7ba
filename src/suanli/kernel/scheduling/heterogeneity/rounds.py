"""From an allocation to placements, round by round: who is furthest behind what is due to it goes first.

Time is cut into rounds. In each the units are taken by priority, due over received, each in the whole: a gang gets its
scale factor of devices of one model or waits for another round. Over the rounds what each received nears what the
allocation says (Gavel, section 5). Devices that nobody is due are given to whoever waits, so that none stands idle.
"""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.heterogeneity.problem import Allocation, Ints, Problem, Reals

WAITS = -1
"""In a placement, the model of a unit that does not run in this round."""


def place_round(problem: Problem, allocation: Allocation, received_s: Reals) -> Ints:
    """The model on which each unit runs in the next round, ``WAITS`` for none.

    ``received_s`` are the seconds which each unit held each model, as [unit, model], since the allocation was made.
    """
    jobs, models = problem.rates.shape
    usable = problem.usable
    priority = np.divide(allocation, received_s, out=np.full(allocation.shape, np.inf), where=received_s > 0)
    unit, model = np.nonzero(usable & ((allocation > 1e-9) | (np.arange(problem.units) < jobs)[:, None]))
    due = np.where(allocation[unit, model] > 1e-9, priority[unit, model], -1.0)
    speed = np.concatenate([problem.rates, np.zeros((problem.pairs.first.size, models))])[unit, model]
    fastest = np.concatenate([problem.rates.max(axis=1, initial=0), np.ones(problem.pairs.first.size)])[unit]
    order = np.lexsort((unit, -speed / np.maximum(fastest, 1e-300), -allocation[unit, model], -due))
    return _take(problem, unit[order].tolist(), model[order].tolist())


def remember(received_s: Reals, placed: Ints, round_s: float, memory: float) -> Reals:
    """What each unit received after one more round, the past counting ``memory`` times (0 to 1) as much as before.

    With memory, an allocation that changes often still reaches those it owes little a round.
    """
    kept = received_s * memory
    running = np.nonzero(placed != WAITS)[0]
    kept[running, placed[running]] += round_s
    return kept


def _take(problem: Problem, units: list[int], models: list[int]) -> Ints:
    """Go through the places in order and take each whose jobs are free and whose model has room."""
    jobs = problem.scale.size
    room, left = problem.devices.tolist(), int(problem.devices.sum())
    scale = problem.unit_scale.tolist()
    busy = [False] * jobs
    first, second = problem.pairs.first.tolist(), problem.pairs.second.tolist()
    placed = np.full(problem.units, WAITS, dtype=np.int64)
    for unit, model in zip(units, models, strict=True):
        members = (unit,) if unit < jobs else (first[unit - jobs], second[unit - jobs])
        if room[model] < scale[unit] or any(busy[job] for job in members):
            continue
        placed[unit] = model
        room[model] -= scale[unit]
        left -= scale[unit]
        for job in members:
            busy[job] = True
        if not left:
            break
    return placed
