"""The power cap: one row, once it was set."""

from __future__ import annotations

from sqlalchemy import Table, select

from suanli.adapters.database.schema import Aggregate, Row, metadata, text, whole
from suanli.adapters.database.view import View
from suanli.model.power import PowerCap

_CENTER = "center"

power_caps = Table(
    "power_caps",
    metadata,
    text("scope", key=True),
    whole("watts"),
    whole("generation"),
    sqlite_strict=True,
)


def _row(cap: PowerCap) -> Row:
    return (_CENTER, cap.watts, cap.generation)


def _record(row: Row) -> PowerCap:
    return PowerCap(watts=row[1], generation=row[2])


POWER_CAPS = Aggregate(
    kind=PowerCap, noun="power cap", table=power_caps, key=lambda _: (_CENTER,), row=_row, record=_record
)
"""Of the center as a whole, as yet."""


class PowerQueries(View):
    """Questions about power."""

    def power_cap(self) -> PowerCap:
        return next(iter(self._records(POWER_CAPS, select(power_caps))), PowerCap())
