"""What speaks for a type of devices for work to be done: expected time, and energy; as rows of the tables' merits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from suanli.kernel.scheduling.constraints import DeviceType
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand, Pursuit
from suanli.kernel.scheduling.expected import Expected
from suanli.kernel.scheduling.holdings import held_by
from suanli.kernel.scheduling.job import Job
from suanli.model.power import MILLIWATTS
from suanli.model.rates import EFFICIENCY, Measured
from suanli.model.spec import Objective


def rate_of(pursuit: Pursuit, kind: DeviceType, measured: Measured) -> tuple[float, int]:
    """The rate at which one device is expected to work, in 10^9 a second, and on how many runs that rests.

    The rate is 0 where none is known of one of the precisions.
    """
    learned = measured.get((pursuit.job_class, kind.model))
    if learned is not None:
        return learned.rate, learned.runs
    rates = [(part, kind.rate(precision)) for precision, part in pursuit.mix]
    if not all(rate for _, rate in rates):
        return 0.0, 0
    return EFFICIENCY * sum(part for part, _ in rates) / sum(part / rate for part, rate in rates), 0


def expected(
    pursuit: Pursuit, work: int, devices: float, types: Iterable[DeviceType], measured: Measured
) -> list[Expected]:
    """How long so much work (10^12 operations) takes on so many devices of each model of which that is known."""
    found: dict[str, Expected] = {}
    for kind in types:
        rate, runs = rate_of(pursuit, kind, measured)
        if rate and kind.model not in found:
            seconds = work * 1000 / (rate * devices)
            energy = seconds * devices * kind.power_mw / MILLIWATTS if kind.power_mw else None
            found[kind.model] = Expected(model=kind.model, seconds=seconds, rate=rate, runs=runs, energy_j=energy)
    return sorted(found.values(), key=lambda one: (one.seconds, one.model))


def write_merits(tables: t.Center, shape: int, demand: Demand, types: Sequence[DeviceType], measured: Measured) -> None:
    """Let a shape know the merits of device types for work of a demand; the types that it has none of come last."""
    pursuit = demand.pursuit
    tables.shapes[shape, t.PURSUES] = 0 if pursuit is None else _PURSUED[pursuit.objective]
    if pursuit is None:
        return
    rates = np.array([rate_of(pursuit, kind, measured)[0] for kind in types])
    powers = np.array([kind.power_mw for kind in types], dtype=np.float64)
    with np.errstate(divide="ignore"):
        # 10^12 operations at 10^9 a second take 1000 seconds.
        takes = 1000 * 1e6 / rates
    energy = takes * np.where(powers > 0, powers, np.inf)
    own = energy if pursuit.objective is Objective.ENERGY else takes
    rows = tables.merits[shape]
    rows[:] = np.inf
    rows[t.TAKES, : takes.size] = takes
    rows[t.SLOWER, : takes.size], rows[t.HUNGRIER, : takes.size] = _worse(takes), _worse(energy)
    rows[t.RANK, : own.size] = np.unique(own, return_inverse=True)[1] if pursuit.objective else 0.0


def expect(tables: t.Center, job: Job, types: Sequence[DeviceType], measured: Measured) -> None:
    """Note when a run is expected to have done its work, where that is known, and before its limit."""
    tables.pursuits[job.row, t.EXPECTED] = 0
    pursuit = job.demand.pursuit
    if pursuit is None:
        return
    nodes, held = held_by(tables, job.row)
    if not held:
        return
    kinds = {int(tables.devices[node, position, t.TYPE]) for node, position, *_ in held}
    rate = min(rate_of(pursuit, types[kind], measured)[0] if kind >= 0 else 0.0 for kind in kinds)
    if not rate:
        return
    tasks = sum(tasks for _, tasks, *_ in nodes)
    devices = tasks * job.demand.device_count * job.demand.device_share / t.WHOLE
    done = int(tables.jobs[job.row, t.STARTED] + int(tables.pursuits[job.row, t.WORK]) * 1e9 / (rate * devices))
    if done < tables.jobs[job.row, t.END]:
        tables.pursuits[job.row, t.EXPECTED] = done


_PURSUED = {None: t.BY_WORK, Objective.TIME: t.BY_TIME, Objective.ENERGY: t.BY_RANK, Objective.COST: t.BY_RANK}


def _worse(merits: t.Floats) -> t.Floats:
    """By which part each is worse than the best, in hundredths of its own: 0 of the best, 100 where it is not known."""
    best = merits.min(initial=np.inf)
    return np.full(merits.size, 100.0) if np.isinf(best) else 100.0 * (1.0 - best / merits)
