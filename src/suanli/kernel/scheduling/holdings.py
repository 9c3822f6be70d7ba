"""What the tables say is held or reserved, as plain rows: of holds (node, tasks, amounts) and of device holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from suanli.kernel.scheduling.core import tables as t

Rows: TypeAlias = list[list[int]]


def rows_from(amounts: Sequence[tuple[int, ...]], width: int) -> t.Ints:
    """Amounts as the loops take them [n, width], however few."""
    return np.array(amounts, dtype=np.int64).reshape(-1, width)


def held_by(tables: t.Center, job: int) -> tuple[Rows, Rows]:
    """What a row of jobs holds."""
    return _chains(tables, tables.jobs[job, t.HOLD], tables.jobs[job, t.DEVICE_HOLD])


def reserved(tables: t.Center) -> tuple[Rows, Rows]:
    """What is reserved for the head."""
    return _chains(tables, tables.sizes[t.HEAD_HOLD], tables.sizes[t.HEAD_DEVICE_HOLD])


def _chains(tables: t.Center, nodes: int, devices: int) -> tuple[Rows, Rows]:
    return _chain(tables.holds, nodes, t.HELD_BY), _chain(tables.device_holds, devices, t.DEVICE_NEXT)


def _chain(table: t.Ints, row: int, columns: int) -> Rows:
    found = []
    while row >= 0:
        amounts = table[row].tolist()
        found.append(amounts[:columns])
        row = amounts[-1]
    return found
