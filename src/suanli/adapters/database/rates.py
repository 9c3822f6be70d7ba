"""Rates that finished work reached."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table, select

from suanli.adapters.database.schema import Aggregate, Key, Row, metadata, text, whole
from suanli.adapters.database.view import View
from suanli.model.ids import ProjectName, UserName
from suanli.model.rates import JobClass, LearnedRate

learned_rates = Table(
    "learned_rates",
    metadata,
    text("application", key=True),
    text("project", key=True),
    text("owner", key=True),
    text("name", key=True),
    text("precisions", key=True),
    text("model", key=True),
    whole("runs"),
    whole("work"),
    whole("device_ms"),
    whole("generation"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


def rate_key(job_class: JobClass, model: str) -> Key:
    """The key of a rate."""
    return (*job_class, model)


def _row(rate: LearnedRate) -> Row:
    return (*rate_key(rate.job_class, rate.model), rate.runs, rate.work, rate.device_ms, rate.generation)


def _record(row: Row) -> LearnedRate:
    return LearnedRate(
        application=row[0],
        project=ProjectName(row[1]),
        owner=UserName(row[2]),
        name=row[3],
        precisions=row[4],
        model=row[5],
        runs=row[6],
        work=row[7],
        device_ms=row[8],
        generation=row[9],
    )


LEARNED_RATES = Aggregate(
    kind=LearnedRate,
    noun="learned rate",
    table=learned_rates,
    key=lambda rate: rate_key(rate.job_class, rate.model),
    row=_row,
    record=_record,
)


class RateQueries(View):
    """Questions about rates that were learned."""

    def learned_rate(self, job_class: JobClass, model: str) -> LearnedRate:
        return self._find(LEARNED_RATES, rate_key(job_class, model))

    def learned_rates(self) -> Sequence[LearnedRate]:
        found = self._records(LEARNED_RATES, select(learned_rates))
        return sorted(found, key=lambda rate: (rate.job_class, rate.model))

    def rates_of(self, job_class: JobClass) -> Sequence[LearnedRate]:
        columns = learned_rates.c
        same = [columns[name] == value for name, value in job_class._asdict().items()]
        found = self._records(LEARNED_RATES, select(learned_rates).where(*same))
        return sorted(found, key=lambda rate: rate.model)
