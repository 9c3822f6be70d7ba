"""What speaks for a type of devices for work: expected time, energy and cost; as rows of the tables' merits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from suanli.kernel.scheduling.constraints import DeviceType
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand, Pursuit
from suanli.kernel.scheduling.expected import Expected
from suanli.kernel.scheduling.holdings import held_by
from suanli.kernel.scheduling.job import Job
from suanli.kernel.scheduling.prices import HOUR_S, Prices
from suanli.model.power import MILLIWATTS
from suanli.model.rates import EFFICIENCY, Measured
from suanli.model.spec import Objective


class Known(NamedTuple):
    """Types of devices, and what is known of rates and prices."""

    types: Sequence[DeviceType]
    rates: Measured
    prices: Prices


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


def expected(demand: Demand, work: int, known: Known) -> list[Expected]:
    """How long so much work (10^12 operations) of a demand takes with all its tasks, where known, on each model.

    And what its devices draw then, and what the request as a whole costs.
    """
    pursuit, found = demand.pursuit, dict[str, Expected]()
    if pursuit is None:
        return []
    devices = demand.tasks * demand.device_count * demand.device_share / t.WHOLE
    for kind, price in zip(known.types, known.prices.by_device(demand, known.types), strict=True):
        rate, runs = rate_of(pursuit, kind, known.rates)
        if rate and kind.model not in found:
            seconds = work * 1000 / (rate * devices)
            energy = seconds * devices * kind.power_mw / MILLIWATTS if kind.power_mw else None
            cost = seconds / HOUR_S * devices * price if price < np.inf else None
            currency = known.prices.currency if cost is not None else ""
            found[kind.model] = Expected(
                model=kind.model, seconds=seconds, rate=rate, runs=runs, energy_j=energy, cost=cost, currency=currency
            )
    return sorted(found.values(), key=lambda one: (one.seconds, one.model))


def write_merits(tables: t.Center, shape: int, demand: Demand, known: Known) -> None:
    """Let a shape know the merits of device types for work of a demand; the types that it has none of come last."""
    pursuit = demand.pursuit
    tables.shapes[shape, t.PURSUES] = 0 if pursuit is None else _PURSUED[pursuit.objective]
    if demand.device_bitstream:
        _rank_by_configuring(tables, shape, demand.device_bitstream, known.types)
    if pursuit is None:
        return
    rates = np.array([rate_of(pursuit, kind, known.rates)[0] for kind in known.types])
    powers = np.array([kind.power_mw for kind in known.types], dtype=np.float64)
    with np.errstate(divide="ignore"):
        # 10^12 operations at 10^9 a second take 1000 seconds.
        takes = 1000 * 1e6 / rates
    energy = takes * np.where(powers > 0, powers, np.inf)
    cost = costs(takes, np.array(known.prices.by_device(demand, known.types)))
    own = {Objective.ENERGY: energy, Objective.COST: cost}.get(pursuit.objective or Objective.TIME, takes)
    rows = tables.merits[shape]
    rows[:] = np.inf
    rows[t.TAKES, : takes.size] = takes
    for row, merits in ((t.SLOWER, takes), (t.HUNGRIER, energy), (t.DEARER, cost)):
        rows[row, : merits.size] = _worse(merits)
    rows[t.RANK, : own.size] = np.unique(own, return_inverse=True)[1] if pursuit.objective else 0.0


def _rank_by_configuring(tables: t.Center, shape: int, bitstream: str, types: Sequence[DeviceType]) -> None:
    """Let the types that are configured so come first, and the others by how long it takes to configure them.

    No type is slower or dearer than another for it. How long the work takes is not known: of no operations none takes
    any time, and an end that is expected at the start is one that nobody counts on.
    """
    rows, takes = tables.merits[shape], np.array([kind.configuring_s(bitstream) for kind in types])
    tables.shapes[shape, t.PURSUES] = t.BY_RANK
    rows[:] = 0.0
    rows[t.RANK] = np.inf
    rows[t.RANK, : takes.size] = np.unique(takes, return_inverse=True)[1]


def costs(takes: t.Floats, prices: t.Floats) -> t.Floats:
    """What it costs to take so long at such prices; what takes for ever has no price, though it be for nothing."""
    found = np.full(takes.size, np.inf)
    np.multiply(takes, prices, out=found, where=np.isfinite(takes))
    return found


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
    best, worse = merits.min(initial=np.inf), np.full(merits.size, 100.0)
    if np.isfinite(best):
        worse[merits == best] = 0.0
        others = merits > best
        worse[others] = 100.0 * (1.0 - best / merits[others])
    return worse
