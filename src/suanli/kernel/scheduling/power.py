"""What work can draw at most, wherever the center may place it, and why it waits for power."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suanli.kernel.scheduling.constraints import Room, Stage, narrowings, parts_of, tasks_fitting
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.plan import Reason, ReasonCode


def most_drawn(room: Room, found: Sequence[Stage], demand: Demand) -> int:
    """What work of a demand draws at most beyond idling, in milliwatts, given what each constraint allows.

    That is with the fewest tasks that will do, on the hungriest of the nodes that can hold their part at all. What is
    not known counts for nothing.
    """
    holding = tasks_fitting(found) >= demand.tasks_a_node
    if not holding.any():
        return 0
    kinds, draws = room.devices[holding, :, t.TYPE], room.draws[holding]
    if demand.exclusive:
        whole = rounded(room.nodes[holding, t.CPU] * draws[:, 0]) + np.where(kinds >= 0, draws[:, 1:], 0).sum(axis=1)
        return _of_hungriest(whole, room.counts[holding], demand.need)
    steps = narrowings(room.types, demand)
    suiting = steps[-1][1][kinds] if steps else np.zeros(kinds.shape, dtype=np.bool_)
    asked = (demand.cpu_milli, demand.device_count, demand.device_share)
    of_task = drawn_by_task(
        draws, suiting, asked, parts_of(room.types, demand)[kinds] if demand.device_partition else None
    )
    return (demand.min_tasks or demand.tasks) * int(of_task.max())


def drawn_by_task(draws: t.Ints, suiting: t.Flags, asked: tuple[int, int, int], parts: t.Ints | None = None) -> t.Ints:
    """What one task draws at most on each node [N], given what its cpus and devices draw, and which devices will do.

    ``draws`` [N, 1 + D] are milliwatts, ``suiting`` is [N, D]; the task asks for milli-cpus, and so many devices, of
    thousandths each. Several of such parts may be of one: ``parts`` [N, D] of each at most, if not as many as shares.
    """
    cpu_milli, devices, share = asked
    found = rounded(cpu_milli * draws[:, 0])
    if devices:
        most = t.WHOLE // share if parts is None else int(parts.max(initial=0))
        drawn = np.repeat(rounded(np.where(suiting, draws[:, 1:], 0) * share), most, axis=1)
        if parts is not None:
            drawn *= np.tile(np.arange(most), parts.shape[1]) < np.repeat(parts, most, axis=1)
        found += np.sort(drawn, axis=1)[:, -devices:].sum(axis=1)
    return found


def rounded(thousandths: t.Ints) -> t.Ints:
    """Milliwatts of thousandths, rounded up."""
    return -(-thousandths // t.WHOLE)


def power_of(tables: t.Center) -> t.Ints:
    """The power cap and what runs draw, in milliwatts [2]."""
    return tables.sizes[t.POWER_CAP : t.POWER_IN_USE + 1].copy()


def power_reason(most: int, power: t.Ints) -> Reason:
    """Why work does not start that can draw so much, given the cap and what runs draw."""
    cap, in_use = power.tolist()
    return Reason(code=ReasonCode.POWER, needed=most, available=max(cap - in_use, 0), in_use=in_use, cap=cap)


def _of_hungriest(drawn: t.Ints, counts: t.Ints, nodes: int) -> int:
    """What so many nodes draw together that draw the most, given what each row draws and for how many nodes it is."""
    order = np.argsort(-drawn, kind="stable")
    drawn, counts = drawn[order], counts[order]
    return int(drawn @ np.clip(nodes - (np.cumsum(counts) - counts), 0, counts))
