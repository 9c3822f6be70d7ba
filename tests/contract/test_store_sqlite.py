from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text

from suanli.adapters.database.connections import connect
from suanli.adapters.database.schema import metadata
from suanli.model.errors import InvalidRequestError, StoreUnavailableError
from suanli.ports.store import Store
from suanli.testing.builders import submit
from suanli.testing.store_contract import (
    ConcurrencyContract,
    ReadingContract,
    TamperingContract,
    TransactionContract,
    clock,
    store,
)
from tests.contract.database import DatabaseContract, DatabasePlace, Step, histories, replays

__all__ = ["clock", "store"]


@pytest.fixture
def place(tmp_path: Path) -> DatabasePlace:
    return DatabasePlace(f"sqlite:///{tmp_path / 'home' / 'center.db'}")


class TestTransactions(TransactionContract): ...


class TestConcurrency(ConcurrencyContract): ...


class TestReading(ReadingContract): ...


class TestTampering(TamperingContract): ...


class TestDatabase(DatabaseContract): ...


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(history=histories)
def test_replaying_any_facts_gives_the_tables(store: Store, history: list[list[Step]]) -> None:
    """Facts of all types in any order, those that fit; each example goes on where the last one ended."""
    replays(store, history)


def test_nobody_else_may_open_the_files(store: Store, tmp_path: Path) -> None:
    store.transact(submit)
    home = tmp_path / "home"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in home.iterdir()}
    assert modes == {"center.db": 0o600, "center.db-wal": 0o600, "center.db-shm": 0o600}


def test_a_commit_waits_for_the_disk(place: DatabasePlace) -> None:
    engines = connect(place.url, readers=1)
    with engines.writer.connect() as connection:
        asked = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("synchronous", "journal_mode")}
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    engines.dispose()
    assert asked == {"synchronous": 2, "journal_mode": "wal"}


def test_tables_that_a_migration_made_anew_are_as_they_were_declared(store: Store, place: DatabasePlace) -> None:
    store.transact(submit)
    engines = connect(place.url, readers=1)
    with engines.reader.connect() as connection:
        tables = {row[1]: row for row in connection.execute(text("PRAGMA table_list")) if row[1] in metadata.tables}
        partial = {
            row[0]
            for name in tables
            for row in connection.execute(text(f"SELECT name FROM pragma_index_list('{name}') WHERE partial"))
        }
    engines.dispose()
    for name, declared in metadata.tables.items():
        options = declared.dialect_options["sqlite"]
        assert tables[name][4] == (not options["with_rowid"]), name
        assert tables[name][5] == options["strict"], name
    wanted = {
        index.name
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    assert partial == wanted


def test_a_file_that_is_no_database_is_refused(place: DatabasePlace, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        connect(f"sqlite:///{folder}", readers=1)


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "mysql://host/name", "no url"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        connect(url, readers=1)
