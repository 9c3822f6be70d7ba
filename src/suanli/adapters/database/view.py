"""The two questions everything else is asked with: one record by its key, and rows of a statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, select

from suanli.adapters.database.codec import UNREADABLE
from suanli.adapters.database.schema import Aggregate, Key, R, Row, lookup_sql
from suanli.model.errors import NotFoundError, StoreError


class View:
    """A connection inside a database transaction. Aggregates add their questions to it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._mark = mark(connection)

    def _find(self, aggregate: Aggregate[R], key: Key) -> R:
        """One record by its key.

        Raises:
            NotFoundError: there is none.
            StoreError: its row cannot be read.
        """
        row = self._connection.exec_driver_sql(lookup_sql(aggregate.table, self._mark), key).first()
        if row is None:
            raise NotFoundError(aggregate.noun, ".".join(map(str, key)))
        return read_row(aggregate, row)

    def _find_these(self, aggregate: Aggregate[R], keys: Iterable[str | int]) -> dict[Key, R]:
        """Those of these records that exist, by key. For tables whose key is one column."""
        (column,) = aggregate.table.primary_key
        statements = (select(aggregate.table).where(column.in_(some)) for some in chunks(keys))
        rows = (row for statement in statements for row in self._connection.execute(statement))
        return {aggregate.key(record): record for record in (read_row(aggregate, row) for row in rows)}

    def _rows(self, statement: Executable) -> Sequence[Row]:
        return self._connection.execute(statement).all()

    def _records(self, aggregate: Aggregate[R], statement: Executable) -> list[R]:
        return [read_row(aggregate, row) for row in self._rows(statement)]


def read_row(aggregate: Aggregate[R], row: Row) -> R:
    """The record that lies in the row.

    Raises:
        StoreError: a value is not what its column must hold.
    """
    try:
        return aggregate.record(row)
    except UNREADABLE as error:
        raise damaged(aggregate.table.name, row[0], error) from error


def damaged(table: str, key: object, error: Exception) -> StoreError:
    """The complaint about a row that cannot be read."""
    return StoreError(
        f"the row {key} of table {table} cannot be read: {error}", "restore the store from a copy that verifies"
    )


def mark(connection: Connection) -> str:
    """What stands for a value in statements handed to the driver as they are."""
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


def chunks(values: Iterable[Any], size: int = 500) -> Iterable[list[Any]]:
    """The values in lists short enough for one statement."""
    everything = list(values)
    return (everything[start : start + size] for start in range(0, len(everything), size))
