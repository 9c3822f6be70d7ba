"""What people's runs held, by day."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, Table, func, literal, select

from suanli.adapters.database.schema import Aggregate, Row, metadata, text, whole
from suanli.adapters.database.view import View, read_row
from suanli.model.ids import ProjectName, QosName, UserName
from suanli.model.usage import UsageDay
from suanli.ports.store import UsageBy, UsageFilter

usage_days = Table(
    "usage_days",
    metadata,
    whole("day", key=True),
    text("project", key=True),
    text("owner", key=True),
    text("qos", key=True),
    whole("runs"),
    whole("cpu_us"),
    whole("memory_mib_ms"),
    whole("device_us"),
    whole("generation"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


def _row(usage: UsageDay) -> Row:
    return (
        usage.day,
        usage.project,
        usage.owner,
        usage.qos,
        usage.runs,
        usage.cpu_us,
        usage.memory_mib_ms,
        usage.device_us,
        usage.generation,
    )


def _record(row: Row) -> UsageDay:
    # Sums of whole numbers come back from PostgreSQL as decimal ones.
    runs, cpu_us, memory_mib_ms, device_us, generation = map(int, row[4:])
    return UsageDay(
        day=row[0],
        project=row[1],
        owner=row[2],
        qos=row[3],
        runs=runs,
        cpu_us=cpu_us,
        memory_mib_ms=memory_mib_ms,
        device_us=device_us,
        generation=generation,
    )


USAGE_DAYS = Aggregate(
    kind=UsageDay,
    noun="usage",
    table=usage_days,
    key=lambda usage: (usage.day, usage.project, usage.owner, usage.qos),
    row=_row,
    record=_record,
)

_NOTHING = {UsageBy.DAY: 0, UsageBy.PROJECT: "", UsageBy.OWNER: "", UsageBy.QOS: ""}
_SUMMED = ("runs", "cpu_us", "memory_mib_ms", "device_us")


class UsageQueries(View):
    """Questions about what was held."""

    def usage_day(self, day: int, project: ProjectName, owner: UserName, qos: QosName) -> UsageDay:
        return self._find(USAGE_DAYS, (day, project, owner, qos))

    def usage(self, which: UsageFilter, by: frozenset[UsageBy]) -> Sequence[UsageDay]:
        columns = usage_days.c
        apart: list[Column[int] | Column[str]] = [columns[name] for name in UsageBy if name in by]
        named = [columns[name] if name in by else literal(_NOTHING[name]).label(name) for name in UsageBy]
        sums = [func.sum(columns[name]).label(name) for name in _SUMMED]
        wanted = select(*named, *sums, literal(0)).where(columns.day.between(which.first, which.last))
        if which.project:
            wanted = wanted.where(columns.project == which.project)
        if which.owner:
            wanted = wanted.where(columns.owner == which.owner)
        # A sum of nothing that is not told apart is a row without amounts.
        found = [read_row(USAGE_DAYS, row) for row in self._rows(wanted.group_by(*apart)) if row[4] is not None]
        return sorted(found, key=USAGE_DAYS.key)
