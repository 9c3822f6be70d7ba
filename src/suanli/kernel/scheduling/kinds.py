"""Kinds of waiting work, and how many rows of the tables one turn may take for what it lets start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand


@dataclass(frozen=True, slots=True)
class Kinds:
    """Kinds of waiting work [K], all in one order.

    ``rows`` of the tables; whether each is ``impossible`` for good. ``by_holds`` and ``by_device_holds`` are the rows
    again, the kinds that take most rows of those tables in front, and how many more each takes than the next.
    """

    demands: tuple[Demand, ...]
    rows: t.Ints
    impossible: t.Flags
    by_holds: tuple[t.Ints, t.Ints]
    by_device_holds: tuple[t.Ints, t.Ints]


def kinds_of(tables: t.Center, demands: tuple[Demand, ...], codes: list[int], nodes: int) -> Kinds:
    """The kinds with these codes, in a center of so many nodes."""
    rows = np.array(codes, dtype=np.int64)
    return Kinds(
        demands,
        rows,
        tables.kinds[rows, t.IMPOSSIBLE] > 0,
        _sorted_by(tables.kinds[rows, t.HOLDS_OF], rows, nodes),
        _sorted_by(tables.kinds[rows, t.DEVICE_HOLDS_OF], rows, nodes * tables.devices.shape[1]),
    )


@cache
def rows_of(demand: Demand, width: int) -> tuple[int, int]:
    """Most rows of holds and of device holds that work of a demand takes, on nodes with so many device positions."""
    nodes = demand.nodes or demand.tasks
    return nodes, nodes * width if demand.exclusive else demand.tasks * demand.device_count


def largest(kinds: tuple[t.Ints, t.Ints], waiting: t.Ints, most: int) -> int:
    """The sum of amounts of kinds, the largest in front, each there as often as it waits, at most so many of all.

    Given by how much each amount is above the next: every one taken up to a kind counts that once.
    """
    rows, above = kinds
    return int(above @ np.minimum(np.cumsum(waiting[rows]), most))


def _sorted_by(amounts: t.Ints, rows: t.Ints, most: int) -> tuple[t.Ints, t.Ints]:
    """Rows by their amounts, the largest first, and by how much each is above the next."""
    bounded = np.minimum(amounts, most)
    order = np.argsort(-bounded, kind="stable")
    return rows[order], -np.diff(bounded[order], append=0)
