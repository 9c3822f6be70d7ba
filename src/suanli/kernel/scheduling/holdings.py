"""What the tables say is held or reserved, as plain rows: of holds (node, tasks, amounts) and of device holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


def running_on(tables: t.Center, node: int) -> list[int]:
    """Rows of the running jobs that hold some of a node."""
    found, row = [], int(tables.nodes[node, t.HELD])
    while row >= 0:
        found.append(int(tables.holds[row, t.HELD_BY]))
        row = int(tables.holds[row, t.AFTER])
    return found


def reserved(tables: t.Center) -> tuple[Rows, Rows]:
    """What is reserved for the head."""
    return _chains(tables, tables.sizes[t.HEAD_HOLD], tables.sizes[t.HEAD_DEVICE_HOLD])


@dataclass(frozen=True, slots=True)
class Booked:
    """One of many reservations: rows of jobs, when it begins, and what it is of nodes and of devices.

    ``until`` there is room for the job now, and then the reservation of ``behind`` begins; -1 where there is none now.
    Where it begins ``NEVER``, none could be made, and only these two are told.
    """

    job: int
    start: int
    until: int
    behind: int
    held: Rows
    devices: Rows


def booked(tables: t.Center) -> list[Booked]:
    """What is reserved where there may be many reservations, in order."""
    found: dict[int, Booked] = {}
    for job, start, until, behind, *held in tables.booked[: tables.sizes[t.BOOKED]].tolist():
        one = found.setdefault(job, Booked(job, start, until, behind, [], []))
        if start < t.NEVER:
            one.held.append(held)
    for job, *device in tables.booked_devices[: tables.sizes[t.BOOKED_DEVICES]].tolist():
        found[job].devices.append(device)
    return list(found.values())


def _chains(tables: t.Center, nodes: int, devices: int) -> tuple[Rows, Rows]:
    return _chain(tables.holds, nodes, t.HELD_BY), _chain(tables.device_holds, devices, t.DEVICE_NEXT)


def _chain(table: t.Ints, row: int, columns: int) -> Rows:
    found = []
    while row >= 0:
        amounts = table[row].tolist()
        found.append(amounts[:columns])
        row = amounts[-1]
    return found
