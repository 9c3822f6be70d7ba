"""Runs say which request of their spec they were given."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RUNS = {"sqlite_strict": True, "sqlite_with_rowid": False}
FACTS = sa.text("SELECT workload, body FROM facts WHERE type = 'RunPlaced'")
SET = sa.text("UPDATE runs SET alternative = :alternative WHERE workload = :workload AND attempt = :attempt")


def upgrade() -> None:
    """Make the column, and fill it from facts that a version after this one may have left."""
    with op.batch_alter_table("runs", table_kwargs=RUNS) as runs:
        runs.add_column(sa.Column("alternative", WHOLE, nullable=False, server_default="0"))
    with op.batch_alter_table("runs", table_kwargs=RUNS) as runs:
        runs.alter_column("alternative", server_default=None)
    connection, told = op.get_bind(), []
    for workload, body in connection.execute(FACTS):
        placed = json.loads(body)
        if placed.get("alternative"):
            attempt = int(placed["run"].partition(".")[2])
            told.append({"workload": workload, "attempt": attempt, "alternative": placed["alternative"]})
    if told:
        connection.execute(SET, told)


def downgrade() -> None:
    """Forget it; the facts stay."""
    with op.batch_alter_table("runs", table_kwargs=RUNS) as runs:
        runs.drop_column("alternative")
