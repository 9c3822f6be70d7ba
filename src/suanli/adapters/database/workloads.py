"""Workloads, and who waits for whom."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, Table, func, select, union_all
from sqlalchemy import text as sql

from suanli.adapters.database.codec import decoder, encode
from suanli.adapters.database.schema import Aggregate, Row, flag, metadata, text, whole
from suanli.adapters.database.view import View, chunks
from suanli.model.errors import NotFoundError, StoreError
from suanli.model.ids import UserName, WorkloadId
from suanli.model.spec import Dependency, Kind, RetryPolicy
from suanli.model.workload import EndCause, Workload, WorkloadState
from suanli.ports.store import StateCounts, WorkloadFilter

_NOT_FINAL = sql("state IN ('held', 'blocked', 'waiting', 'starting', 'running', 'ending')")
"""Written out, since an index over some rows only serves queries that repeat its condition word for word."""

workloads = Table(
    "workloads",
    metadata,
    whole("id", key=True),
    whole("submission"),
    text("owner"),
    text("project"),
    text("kind"),
    text("name"),
    text("queue"),
    text("state"),
    whole("priority"),
    whole("time_limit_s"),
    whole("array_id"),
    whole("array_index"),
    text("dependencies"),
    text("retry"),
    flag("preemptible"),
    whole("attempt"),
    text("cause", optional=True),
    text("detail"),
    whole("exit_code"),
    whole("signal"),
    whole("submitted_at_us"),
    whole("eligible_at_us"),
    whole("started_at_us"),
    whole("ended_at_us"),
    whole("generation"),
    text("qos"),
    Index(None, "state", "id"),
    Index(None, "owner", "state", "id"),
    Index(None, "submission", "array_index"),
    Index("ix_workloads_live", "owner", "name", "id", sqlite_where=_NOT_FINAL, postgresql_where=_NOT_FINAL),
    sqlite_strict=True,
)

dependencies = Table(
    "dependencies",
    metadata,
    whole("other", key=True),
    whole("submission", ForeignKey("workloads.id"), key=True),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Which submissions named ``other`` as a dependency. Whether it is still open, the workload says."""

_STATES = {state.value: state for state in WorkloadState}
_KINDS = {kind.value: kind for kind in Kind}


@lru_cache(1024)
def _shared_text(value: RetryPolicy | tuple[Dependency, ...]) -> str:
    return encode(value).decode()


# Few different ones occur, and they are immutable: read each once.
_read_retry = lru_cache(1024)(decoder(RetryPolicy))
_read_dependencies = lru_cache(1024)(decoder(tuple[Dependency, ...]))


def _workload_row(workload: Workload) -> Row:
    return (
        workload.id,
        workload.submission,
        workload.owner,
        workload.project,
        workload.kind._value_,
        workload.name,
        workload.queue,
        workload.state._value_,
        workload.priority,
        workload.time_limit_s,
        workload.array_id,
        workload.array_index,
        _shared_text(workload.dependencies) if workload.dependencies else "[]",
        _shared_text(workload.retry),
        workload.preemptible,
        workload.attempt,
        None if workload.cause is None else workload.cause.value,
        workload.detail,
        workload.exit_code,
        workload.signal,
        workload.submitted_at,
        workload.eligible_at,
        workload.started_at,
        workload.ended_at,
        workload.generation,
        workload.qos,
    )


def _workload_record(row: Row) -> Workload:
    return Workload(
        id=row[0],
        submission=row[1],
        owner=row[2],
        project=row[3],
        kind=_KINDS[row[4]],
        name=row[5],
        queue=row[6],
        state=_STATES[row[7]],
        priority=row[8],
        time_limit_s=row[9],
        array_id=row[10],
        array_index=row[11],
        dependencies=_read_dependencies(row[12]),
        retry=_read_retry(row[13]),
        preemptible=bool(row[14]),
        attempt=row[15],
        cause=None if row[16] is None else EndCause(row[16]),
        detail=row[17],
        exit_code=row[18],
        signal=row[19],
        submitted_at=row[20],
        eligible_at=row[21],
        started_at=row[22],
        ended_at=row[23],
        generation=row[24],
        qos=row[25],
    )


WORKLOADS = Aggregate(
    kind=Workload,
    noun="workload",
    table=workloads,
    key=lambda workload: (workload.id,),
    row=_workload_row,
    record=_workload_record,
)


class WorkloadQueries(View):
    """Questions about workloads."""

    def workload(self, workload: WorkloadId) -> Workload:
        return self._find(WORKLOADS, (workload,))

    def workloads(
        self, which: WorkloadFilter, *, before: WorkloadId = WorkloadId(0), limit: int = 100
    ) -> Sequence[Workload]:
        newest_first = workloads.c.id.desc()
        conditions = _conditions(which)
        if before:
            conditions.append(workloads.c.id < before)
        states = sorted(which.states or (WorkloadState if which.owner else ()))
        if which.array_id or not states:
            if which.states:
                conditions.append(workloads.c.state.in_(sorted(which.states)))
            wanted = select(workloads).where(*conditions)
        else:
            # Each state by itself is a walk down an index from its newest workload; the walks are then merged.
            walks = [
                select(workloads.c.id)
                .where(*conditions, workloads.c.state == state.value)
                .order_by(newest_first)
                .limit(limit)
                .subquery()
                for state in states
            ]
            merged = union_all(*(select(walk.c.id) for walk in walks)).subquery()
            newest = select(merged.c.id).order_by(merged.c.id.desc()).limit(limit)
            wanted = select(workloads).where(workloads.c.id.in_(newest))
        return self._records(WORKLOADS, wanted.order_by(newest_first).limit(limit))

    def these(self, workloads: Sequence[WorkloadId]) -> Sequence[Workload]:
        return [found for _, found in sorted(self._find_these(WORKLOADS, workloads).items())]

    def element(self, array: WorkloadId, index: int) -> Workload:
        wanted = _of_submission([array]).where(workloads.c.array_id == array, workloads.c.array_index == index)
        found = self._records(WORKLOADS, wanted)
        if not found:
            raise NotFoundError("workload", f"{array}_{index}")
        return found[0]

    def members(self, array: WorkloadId) -> Sequence[Workload]:
        elements = self._records(WORKLOADS, _of_submission([array]).order_by(workloads.c.id))
        return elements or self._records(WORKLOADS, select(workloads).where(workloads.c.id == array))

    def blocked_on(self, ended: Sequence[WorkloadId]) -> Sequence[Workload]:
        named = set(ended)
        for some in chunks(ended):
            arrays = select(workloads.c.array_id).where(workloads.c.id.in_(some), workloads.c.array_id != 0).distinct()
            named.update(row[0] for row in self._rows(arrays))
        blocked: dict[WorkloadId, Workload] = {}
        for some in chunks(sorted(named)):
            naming = [row[0] for row in self._rows(_submissions_naming(some))]
            for these in chunks(naming):
                wanted = _of_submission(these).where(workloads.c.state == WorkloadState.BLOCKED.value)
                blocked.update({found.id: found for found in self._records(WORKLOADS, wanted)})
        return [
            workload
            for _, workload in sorted(blocked.items())
            if any(dependency.workload in named for dependency in workload.dependencies)
        ]

    def singletons(self, owner: UserName, name: str) -> Sequence[Workload]:
        wanted = select(workloads).where(workloads.c.owner == owner, workloads.c.name == name, _NOT_FINAL)
        return self._records(WORKLOADS, wanted.order_by(workloads.c.id))

    def counts(self, which: WorkloadFilter) -> StateCounts:
        wanted = select(workloads.c.state, func.count()).where(*_conditions(which))
        if which.states:
            wanted = wanted.where(workloads.c.state.in_(sorted(which.states)))
        counted = self._rows(wanted.group_by(workloads.c.state))
        unknown = {row[0] for row in counted} - set(_STATES)
        if unknown:
            raise StoreError(f"table workloads holds the unknown states {sorted(unknown)}")
        return StateCounts(by_state={_STATES[row[0]]: row[1] for row in counted})


def _conditions(which: WorkloadFilter) -> list[ColumnElement[bool]]:
    """All of the filter but its states."""
    wanted: list[tuple[Any, Any]] = [
        (workloads.c.owner, which.owner),
        (workloads.c.project, which.project),
        (workloads.c.queue, which.queue),
        (workloads.c.name, which.name),
        (workloads.c.array_id, which.array_id),
        # The same by another name, and it has the index.
        (workloads.c.submission, which.array_id),
    ]
    conditions = [column == value for column, value in wanted if value]
    if which.kinds:
        conditions.append(workloads.c.kind.in_(sorted(which.kinds)))
    return conditions


def _of_submission(submission_ids: Sequence[WorkloadId]) -> Select[Any]:
    return select(workloads).where(workloads.c.submission.in_(submission_ids))


def _submissions_naming(others: Sequence[WorkloadId]) -> Select[Any]:
    return select(dependencies.c.submission).where(dependencies.c.other.in_(others)).distinct()
