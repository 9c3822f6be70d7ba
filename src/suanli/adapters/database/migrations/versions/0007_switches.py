"""Nodes say which switch they are wired to."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NODES = {"sqlite_strict": True}
FACTS = sa.text("SELECT body FROM facts WHERE type = 'NodeRegistered' ORDER BY seq")
SET = sa.text("UPDATE nodes SET switch = :switch WHERE name = :name")


def upgrade() -> None:
    """Make the column, and fill it from facts that a version after this one may have left."""
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.add_column(sa.Column("switch", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.alter_column("switch", server_default=None)
    connection = op.get_bind()
    described = (json.loads(body)["node"] for (body,) in connection.execute(FACTS).all())
    switches = {node["name"]: node.get("switch", "") for node in described}
    told = [{"name": name, "switch": switch} for name, switch in switches.items() if switch]
    if told:
        connection.execute(SET, told)


def downgrade() -> None:
    """Forget it; the facts stay."""
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.drop_column("switch")
