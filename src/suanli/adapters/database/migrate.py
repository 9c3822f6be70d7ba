"""Bring a database's tables to the form this version of the code expects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from suanli.model.errors import StoreVersionError

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
def _migrating(engine: Engine) -> Iterator[Config]:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with engine.begin() as connection:
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
