"""Runs and what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, Table, select
from sqlalchemy import text as sql

from suanli.adapters.database.codec import decoder, encode
from suanli.adapters.database.schema import Aggregate, Key, Row, flag, metadata, text, whole
from suanli.adapters.database.view import View, chunks
from suanli.adapters.database.workloads import workloads
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.ids import RunId, WorkloadId, parse_run_id, run_id
from suanli.model.resources import Allocation
from suanli.model.workload import EndCause, Run, RunState, StopCause, Usage

_NOT_ENDED = sql("state <> 'ended'")

runs = Table(
    "runs",
    metadata,
    whole("workload", ForeignKey("workloads.id"), key=True),
    whole("attempt", key=True),
    text("state"),
    text("allocation"),
    whole("time_limit_s"),
    whole("placed_at_us"),
    whole("started_at_us"),
    whole("ended_at_us"),
    text("stop", optional=True),
    text("cause", optional=True),
    text("detail"),
    whole("exit_code"),
    whole("signal"),
    whole("cpu_us"),
    whole("memory_peak_bytes"),
    flag("truncated"),
    whole("generation"),
    whole("alternative"),
    Index("ix_runs_active", "workload", "attempt", sqlite_where=_NOT_ENDED, postgresql_where=_NOT_ENDED),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

_read_allocation = decoder(Allocation)


def _row(run: Run) -> Row:
    return (
        run.workload,
        run.attempt,
        run.state.value,
        encode(run.allocation).decode(),
        run.time_limit_s,
        run.placed_at,
        run.started_at,
        run.ended_at,
        None if run.stop is None else run.stop.value,
        None if run.cause is None else run.cause.value,
        run.detail,
        run.exit_code,
        run.signal,
        run.usage.cpu_us,
        run.usage.memory_peak_bytes,
        run.truncated,
        run.generation,
        run.alternative,
    )


def _record(row: Row) -> Run:
    return Run(
        id=run_id(row[0], row[1]),
        workload=row[0],
        attempt=row[1],
        state=RunState(row[2]),
        allocation=_read_allocation(row[3]),
        time_limit_s=row[4],
        placed_at=row[5],
        started_at=row[6],
        ended_at=row[7],
        stop=None if row[8] is None else StopCause(row[8]),
        cause=None if row[9] is None else EndCause(row[9]),
        detail=row[10],
        exit_code=row[11],
        signal=row[12],
        usage=Usage(cpu_us=row[13], memory_peak_bytes=row[14]),
        truncated=bool(row[15]),
        generation=row[16],
        alternative=row[17],
    )


RUNS = Aggregate(
    kind=Run, noun="run", table=runs, key=lambda run: (run.workload, run.attempt), row=_row, record=_record
)


def run_key(run: RunId) -> Key:
    """The key of a run's row.

    Raises:
        NotFoundError: no run can have that id.
    """
    try:
        return parse_run_id(run)
    except InvalidRequestError as error:
        raise NotFoundError(RUNS.noun, run) from error


class RunQueries(View):
    """Questions about runs."""

    def run(self, run: RunId) -> Run:
        return self._find(RUNS, run_key(run))

    def runs(self, workload: WorkloadId) -> Sequence[Run]:
        return self._records(RUNS, select(runs).where(runs.c.workload == workload).order_by(runs.c.attempt))

    def last_runs(self, workloads: Sequence[WorkloadId]) -> dict[WorkloadId, Run]:
        found = (run for some in chunks(workloads) for run in self._records(RUNS, _last_runs(some)))
        return {run.workload: run for run in found}

    def active_runs(self) -> Sequence[Run]:
        return self._records(RUNS, select(runs).where(_NOT_ENDED).order_by(runs.c.workload, runs.c.attempt))


def _last_runs(of: Sequence[WorkloadId]) -> Select[Any]:
    counted = (runs.c.workload == workloads.c.id) & (runs.c.attempt == workloads.c.attempt)
    return select(runs).join(workloads, counted).where(workloads.c.id.in_(of))
