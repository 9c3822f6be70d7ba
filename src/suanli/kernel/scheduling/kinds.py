"""Kinds of waiting work, and how many rows of the tables one turn may take for what it lets start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand


@dataclass(frozen=True, slots=True)
class Kinds:
    """Kinds of waiting work [K], all in one order; of work with several forms, those of each form.

    Of each the row of the tables, whether it is impossible for good, and whether the reservation that it names is not
    open to it.
    """

    demands: tuple[Demand, ...]
    rows: t.Ints
    impossible: t.Flags
    closed: t.Flags


@cache
def rows_of(demand: Demand, width: int) -> tuple[int, int]:
    """Most rows of holds and of device holds that work of a demand takes, on nodes with so many device positions."""
    nodes = demand.nodes or demand.tasks
    return nodes, nodes * width if demand.exclusive else demand.tasks * demand.device_count


def rows_for(amounts: t.Ints, waiting: t.Ints, placements: int, left: int) -> int:
    """Most rows that so many placements take, given what one of each kind takes and how many of each wait [K].

    Told exactly only where ``left`` rows might not do.
    """
    bound = int(amounts.max(initial=0)) * placements
    if bound <= left:
        return bound
    order = np.argsort(-amounts, kind="stable")
    # Every one taken up to a kind counts by how much that kind takes more than the next.
    above = -np.diff(amounts[order], append=0)
    return int(above @ np.minimum(np.cumsum(waiting[order]), placements))
