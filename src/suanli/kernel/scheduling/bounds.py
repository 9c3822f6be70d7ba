"""Whose bounds hold for which work, and what work asks of bounds and licenses, as rows of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from suanli.kernel.scheduling.codes import Codes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.plan import Association, ReasonCode
from suanli.model.ids import LicenseName
from suanli.model.quota import Amounts, License, Quota, QuotaScope

CODES = {scope: ReasonCode(f"{scope}_quota") for scope in QuotaScope}
"""By which reason a quota is known."""


class Scope(NamedTuple):
    """What one bound is for: the code that it is known by, and the names of those whose work it bounds together."""

    code: ReasonCode
    names: tuple[str | int, ...]


class _Bounded(NamedTuple):
    """An association, and how many elements of its array may run (0: no bound)."""

    association: Association
    max_running: int


class Bounds:
    """Rows of associations, bounds, asks and licenses for all work that waits or runs.

    ``rows`` says which there must be before any is written. An association has bounds only where there are quotas, so
    that work without any is not asked about them. A bound of nobody counts nothing: its row may be another's next.
    """

    def __init__(self) -> None:
        self._quotas: dict[tuple[QuotaScope, str], Amounts] = {}
        self._associations: Codes[_Bounded] = Codes()
        self._scopes: Codes[Scope] = Codes()
        self._scopes_of: dict[int, tuple[Scope, ...]] = {}
        self._asks: Codes[tuple[int, ...]] = Codes()
        self._columns: dict[LicenseName, int] = {}
        self._totals: dict[LicenseName, int] = {}

    @property
    def rows(self) -> dict[str, int]:
        """How many rows the tables must have."""
        return {
            "associations": len(self._associations),
            "bounds": len(self._scopes),
            "asks": len(self._asks),
            "licenses": len(self._columns),
        }

    def __bool__(self) -> bool:
        """Whether any work is bounded."""
        return any(True for _ in self._scopes)

    def take(self, association: Association, max_running: int, demand: Demand) -> tuple[int, int, bool]:
        """Rows of associations and of asks for one more job, and whether they are yet to be written."""
        row, is_new = self._associations.take(_Bounded(association, max_running))
        if is_new:
            self._take_scopes(row)
        asks, are_new = self._asks.take(self._asked(demand))
        return row, asks, is_new or are_new

    def leave(self, association: int, asks: int) -> None:
        """Let go of the rows of one job."""
        if self._associations.leave(association):
            self._leave_scopes(association)
        self._asks.leave(asks)

    def write(self, tables: t.Center, association: int, asks: int) -> None:
        """Fill in the rows of one job."""
        self._write_scopes(tables, association)
        asked = self._asks.key(asks)
        tables.asks[asks, len(asked) :] = 0
        tables.asks[asks, : len(asked)] = asked

    def set_quota(self, quota: Quota) -> bool:
        """Let a quota hold; tell whether that is new, and ``retake`` and ``rewrite`` are due."""
        of = (quota.scope, quota.name)
        before, after = self._quotas.pop(of, None), Amounts(*(amount or t.NEVER for amount in quota.most))
        if any(quota.most):
            self._quotas[of] = after
        return before != self._quotas.get(of)

    def retake(self) -> None:
        """Take and leave bounds by the quotas as they are now; ``rows`` may grow."""
        for bounded in self._associations:
            row = self._associations[bounded]
            self._leave_scopes(row)
            self._take_scopes(row)

    def rewrite(self, tables: t.Center, running: t.Ints) -> None:
        """Fill in all associations and bounds anew, given the rows of jobs that run."""
        tables.bounds[:, t.ACTIVE] = 0
        for bounded in self._associations:
            self._write_scopes(tables, self._associations[bounded])
        jobs = tables.jobs[running]
        asked = tables.asks[jobs[:, t.ASKS], : t.AMOUNTS]
        for of_job in tables.associations[jobs[:, t.ASSOCIATION]].T:
            there = of_job >= 0
            np.add.at(tables.bounds[:, t.ACTIVE], of_job[there], asked[there])

    def set_license(self, there: License) -> int:
        """The row of a license, of which there are so many now."""
        self._totals[there.name] = there.total
        return self._columns.setdefault(there.name, len(self._columns))

    def license_row(self, name: LicenseName) -> int:
        """The row of a license that is there, or that some work asked for."""
        return self._columns[name]

    def license_name(self, row: int) -> LicenseName:
        """Which license a row is."""
        return next(name for name, of in self._columns.items() if of == row)

    def lacking(self, demand: Demand) -> LicenseName | None:
        """The first license of which the center has fewer than a demand asks for, None where there is none."""
        return next((name for name, count in demand.licenses if self._totals.get(name, 0) < count), None)

    def total(self, name: LicenseName) -> int:
        """How many of a license there are."""
        return self._totals.get(name, 0)

    def scopes(self, association: int) -> tuple[tuple[Scope, int], ...]:
        """The bounds that hold for an association, and their rows."""
        return tuple((scope, self._scopes[scope]) for scope in self._scopes_of[association])

    def key(self, association: int) -> Association:
        """Whose a row is."""
        return self._associations.key(association).association

    def max_running(self, association: int) -> int:
        """How many elements of the array of a row may run (0: no bound)."""
        return self._associations.key(association).max_running

    def copied(self) -> Bounds:
        """As it is now, and on its own from then on."""
        other = Bounds()
        other._associations, other._scopes = self._associations.copied(), self._scopes.copied()
        other._asks, other._scopes_of = self._asks.copied(), dict(self._scopes_of)
        other._quotas, other._columns, other._totals = dict(self._quotas), dict(self._columns), dict(self._totals)
        return other

    def _take_scopes(self, row: int) -> None:
        scopes = tuple(scope for scope, _ in self._bounding(self._associations.key(row)))
        self._scopes_of[row] = scopes
        for scope in scopes:
            self._scopes.take(scope)

    def _leave_scopes(self, row: int) -> None:
        for scope in self._scopes_of.pop(row):
            self._scopes.leave(self._scopes[scope])

    def _write_scopes(self, tables: t.Center, row: int) -> None:
        tables.associations[row] = t.NOBODY
        for place, (scope, most) in enumerate(self._bounding(self._associations.key(row))):
            tables.associations[row, place] = self._scopes[scope]
            tables.bounds[self._scopes[scope], t.MOST] = most

    def _bounding(self, bounded: _Bounded) -> Iterator[tuple[Scope, Amounts]]:
        association, max_running = bounded
        if max_running:
            most = Amounts(max_running, t.NEVER, t.NEVER, t.NEVER)
            yield Scope(ReasonCode.ARRAY_LIMIT, (association.array,)), most
        queue, project, owner, _, qos = association
        for scope, name, names in (
            (QuotaScope.QUEUE, queue, (queue,)),
            (QuotaScope.QUEUE_USER, queue, (queue, owner)),
            (QuotaScope.QOS, qos, (qos,)),
            (QuotaScope.QOS_USER, qos, (qos, owner)),
            (QuotaScope.PROJECT, project, (project,)),
            (QuotaScope.PROJECT_USER, project, (project, owner)),
            (QuotaScope.USER, owner, (owner,)),
        ):
            quota = self._quotas.get((scope, name))
            if quota is not None:
                yield Scope(CODES[scope], names), quota

    def _asked(self, demand: Demand) -> tuple[int, ...]:
        for name, _ in demand.licenses:
            self._columns.setdefault(name, len(self._columns))
        of_license = {self._columns[name]: count for name, count in demand.licenses}
        licenses = [of_license.get(column, 0) for column in range(max(of_license, default=-1) + 1)]
        return (*demand.asked, *licenses)
