"""Bring a database's tables to the form this version of the code expects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from suanli.model.errors import StoreError, StoreVersionError

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = 0x5A11
"""Held on PostgreSQL while tables change, so that of two servers that start together one waits for the other."""


def upgrade(engine: Engine) -> None:
    """Apply all migrations that the database lacks, in one transaction: all of them or none.

    Raises:
        StoreVersionError: the database was written by a newer version of the code.
    """
    with _migrating(engine) as config:
        command.upgrade(config, "head")


def downgrade(engine: Engine, revision: str) -> None:
    """Take back all migrations after ``revision``, in one transaction; ``base`` leaves an empty database.

    Raises:
        StoreVersionError: the database was written by a newer version of the code.
    """
    with _migrating(engine) as config:
        command.downgrade(config, revision)


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction without SQLite's foreign keys, which would not let a table be made anew; they hold at its end."""
    with engine.connect() as connection:
        lite = connection.connection.driver_connection if connection.dialect.name == "sqlite" else None
        if lite is not None:
            lite.execute("PRAGMA foreign_keys=OFF").close()
        try:
            with connection.begin():
                yield connection
                if lite is not None and (astray := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
                    raise StoreError(f"a row of table {astray[0]} refers to none", "restore a copy that verifies")
        finally:
            if lite is not None:
                lite.execute("PRAGMA foreign_keys=ON").close()


@contextmanager
def _migrating(engine: Engine) -> Iterator[Config]:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with _transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        current = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if current is not None and current not in known:
            raise StoreVersionError(
                f"the store stands at revision {current}, which this version of Suanli does not know",
                "use the version of Suanli that wrote it, or a newer one",
            )
        config.attributes["connection"] = connection
        yield config
