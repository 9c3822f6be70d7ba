"""Why bounds and licenses hold work back, after a turn: as reasons, and for many kinds of work at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.plan import Association, Reason, ReasonCode
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.ids import WorkloadId
from suanli.model.quota import Amounts


@dataclass(frozen=True, slots=True)
class HeldBack:
    """So many of one kind and association wait, and a bound leaves too little for each of them."""

    kind: int
    association: Association
    reason: Reason
    waiting: int


@dataclass(frozen=True, slots=True)
class Unlicensed:
    """Work of one kind, by its place among the kinds, lacks a license if it may run beyond a window (-1: all)."""

    place: int
    reason: Reason
    window_us: int


def bounded(state: ClusterState, association: int, asks: int) -> Reason | None:
    """Which bound leaves too little for work, given its rows of associations and asks; None where all leave enough."""
    over = are_over(state.tables, np.array([[association, asks]]))[0]
    if not over.any():
        return None
    return _reason(state, association, asks, int(over.argmax()))


def are_over(tables: t.Center, pairs: t.Ints) -> t.Flags:
    """By pair of rows, of associations and of asks [n, 2], which amounts of which bounds leave too little [n, 32]."""
    rows = tables.associations[pairs[:, 0]]
    bounds, asked = tables.bounds[rows], tables.asks[pairs[:, 1], : t.AMOUNTS]
    over: t.Flags = bounds[:, :, t.ACTIVE] + asked[:, None] > bounds[:, :, t.MOST]
    return (over & (rows >= 0)[:, :, None]).reshape(len(pairs), rows.shape[1] * t.AMOUNTS)


def held_back(state: ClusterState, started: t.Ints) -> list[HeldBack]:
    """All that bounds hold back, given the rows of jobs that the turn started."""
    if not state.bounds:
        return []
    counts = state.classes.copy()
    gone = [form.row for job in started.tolist() for form in state.forms(state.jobs[job].workload)]
    jobs = state.tables.jobs[gone][:, [t.FORM_KIND, t.ASSOCIATION, t.ASKS]]
    counts.subtract(map(tuple, jobs.tolist()))
    classes = [key for key, count in counts.items() if count]
    found = np.array(classes, dtype=np.int64).reshape(-1, 3)
    over = are_over(state.tables, found[:, 1:])
    return [
        HeldBack(kind, state.bounds.key(association), _reason(state, association, asks, place), count)
        for (kind, association, asks), place, count in (
            (classes[row], int(over[row].argmax()), counts[classes[row]]) for row in np.flatnonzero(over.any(axis=1))
        )
    ]


def _reason(state: ClusterState, association: int, asks: int, place: int) -> Reason:
    column, amount = divmod(place, t.AMOUNTS)
    scope, row = state.bounds.scopes(association)[column]
    active, most = state.tables.bounds[row, :, amount].tolist()
    if scope.code is ReasonCode.ARRAY_LIMIT:
        return Reason(code=scope.code, needed=active, available=most)
    needed = active + int(state.tables.asks[asks, amount])
    return Reason(code=scope.code, needed=needed, available=most, wanted=Amounts._fields[amount])


def unlicensed(state: ClusterState, now: int) -> list[Unlicensed]:
    """Which kinds of waiting work lack licenses, or some of each kind."""
    if not state.tables.licenses.shape[0]:
        return []
    found: list[Unlicensed] = []
    for place, demand in enumerate(state.kinds.demands):
        if demand.licenses:
            asked = {state.bounds.license_row(name): count for name, count in demand.licenses}
            found += _unlicensed(state, place, dict(sorted(asked.items())), now)
    return found


def _unlicensed(state: ClusterState, place: int, asked: dict[int, int], now: int) -> Sequence[Unlicensed]:
    for row, count in asked.items():
        if count > _free(state, row):
            return [Unlicensed(place, license_reason(state, row, count), -1)]
    windows = []
    for row, count in asked.items():
        columns = state.tables.licenses[row]
        if columns[t.KEPT_TURN] == state.tables.sizes[t.TURN] and count > columns[t.SPARE]:
            windows.append(Unlicensed(place, license_reason(state, row, count), int(columns[t.KEPT_FROM]) - now))
    return sorted(windows, key=lambda one: one.window_us)[:1]


def license_reason(state: ClusterState, row: int, count: int) -> Reason:
    """Why work that asks for so many of a license does not start."""
    columns, ahead = state.tables.licenses[row], WorkloadId(0)
    available = _free(state, row)
    if count <= available:
        available, ahead = max(int(columns[t.SPARE]), 0), state.jobs[int(columns[t.KEPT_FOR])].workload
    wanted = state.bounds.license_name(row)
    return Reason(code=ReasonCode.LICENSE, needed=count, available=available, wanted=wanted, ahead=ahead)


def _free(state: ClusterState, row: int) -> int:
    columns = state.tables.licenses[row]
    return max(int(columns[t.TOTAL] - columns[t.IN_USE]), 0)
