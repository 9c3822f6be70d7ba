"""Connections to SQLite and PostgreSQL, and the one place where a driver's error becomes ours."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, exc, make_url

from suanli.model.errors import InvalidRequestError, StoreError, StoreUnavailableError

_BUSY_MS = 30_000
_CHECKPOINT_PAGES = 4000
"""16 MiB of write-ahead log between checkpoints: fewer of them stand in the way of a burst of submissions."""


class RowRefusedError(StoreError):
    """The database takes everything but these rows: a key is taken, or a value is out of its range."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Two pools to one database: ``writer`` begins transactions that will write, ``reader`` snapshots."""

    writer: Engine
    reader: Engine

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self.writer.dispose()
        self.reader.dispose()


def connect(url: str, *, readers: int) -> Engines:
    """Prepare the pools; nothing is asked of the database yet but that SQLite's file exists.

    ``url`` is ``sqlite:////absolute/path`` or ``postgresql://...``; ``readers`` bounds the snapshots open at a time.

    Raises:
        InvalidRequestError: the URL names no database that Suanli knows.
        StoreUnavailableError: SQLite's file cannot be made.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise InvalidRequestError(
            "store", "not the URL of a database", "sqlite:////path or postgresql://..."
        ) from error
    kept = min(readers, 8)
    pool: dict[str, Any] = {"pool_size": kept, "max_overflow": readers - kept, "pool_use_lifo": True}
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and parsed.database != ":memory:":
            engines = _sqlite(parsed, Path(parsed.database), pool)
        case "postgresql":
            engines = _postgresql(parsed.set(drivername="postgresql+psycopg"), pool)
        case _:
            raise InvalidRequestError("store", "not a database Suanli knows", "sqlite:////path or postgresql://...")
    for engine in (engines.writer, engines.reader):
        event.listen(engine, "handle_error", _translate)
    return engines


def _sqlite(url: URL, path: Path, pool: dict[str, Any]) -> Engines:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its write-ahead log the mode of this file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnavailableError(f"{path} cannot be opened: {error.strerror}") from error
    arguments = {"timeout": _BUSY_MS / 1000, "isolation_level": None}
    writer = create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)
    reader = create_engine(url, **pool, connect_args=arguments)
    event.listen(writer, "connect", _prepare_sqlite)
    event.listen(reader, "connect", _prepare_sqlite)
    # The driver's own notion of when a transaction begins is switched off above: readers need snapshots too.
    event.listen(writer, "begin", _begin_writing)
    event.listen(reader, "begin", _begin_reading)
    return Engines(writer=writer, reader=reader)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _postgresql(url: URL, pool: dict[str, Any]) -> Engines:
    # Whatever the server's defaults are: a commit is answered when it is on disk, and a lock is not waited for forever.
    options = (
        f"-c synchronous_commit=on -c lock_timeout={_BUSY_MS} -c idle_in_transaction_session_timeout={10 * _BUSY_MS}"
    )
    arguments = {"options": options, "connect_timeout": 10}
    writer = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True, connect_args=arguments)
    reader = create_engine(url, **pool, pool_pre_ping=True, connect_args=arguments)
    snapshot = reader.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(writer=writer, reader=snapshot)


def _translate(context: ExceptionContext) -> StoreError | None:
    """Ours for the driver's. Texts of drivers hold neither passwords nor, without parameters, values of rows."""
    if context.is_pre_ping:
        # The pool asks whether a connection still lives, and opens another if not.
        return None
    match context.sqlalchemy_exception:
        case exc.IntegrityError() | exc.DataError():
            return RowRefusedError(f"the database refuses a row: {context.original_exception}")
        case exc.OperationalError() | exc.InterfaceError():
            return StoreUnavailableError(
                f"the database does not answer: {context.original_exception}",
                "try again; see that it runs and has room",
            )
        case exc.DBAPIError():
            return StoreError(f"the database failed: {context.original_exception}")
        case _:
            if isinstance(context.original_exception, OverflowError):
                return RowRefusedError("a number has more than 64 bits")
            return None
