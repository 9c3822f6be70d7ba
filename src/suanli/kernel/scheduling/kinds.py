"""Kinds of waiting work, and how many rows of the tables one turn may take for what it lets start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import EASY
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


def rows_of_turn(
    tables: t.Center, waiting: Kinds, there: tuple[int, int, int, int], placements: int, reservations: int
) -> dict[str, int]:
    """Rows for all that one turn may let start, and for the trial of a reservation, or for many.

    ``there`` are the nodes, the rows of holds and of device holds that running work has, and the most forms of one job.
    """
    nodes, held, devices_held, forms = there
    kinds, positions = tables.kinds.take(waiting.rows, axis=0), nodes * tables.devices.shape[1]

    def rows(column: int, held: int, most: int, there: int) -> int:
        amounts, kept = np.minimum(kinds[:, column], most), held + most
        return kept + rows_for(amounts, kinds[:, t.WAITING_OF], placements, there - kept)

    found = {
        "holds": rows(t.HOLDS_OF, held, nodes, tables.holds.shape[0]),
        "device_holds": rows(t.DEVICE_HOLDS_OF, devices_held, positions, tables.device_holds.shape[0]),
    }
    if reservations > EASY:
        most = min(reservations, int(kinds[:, t.WAITING_OF].sum()))
        of_nodes, of_devices = (
            rows_for(np.minimum(kinds[:, column], there), kinds[:, t.WAITING_OF], most, 0)
            for column, there in ((t.HOLDS_OF, nodes), (t.DEVICE_HOLDS_OF, positions))
        )
        # Each, and each other form of it, may also be written down without a place.
        found |= {"booked": of_nodes + forms * most + 1, "booked_devices": of_devices}
    return found
