"""Which devices of a node are near each other."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NODES = {"sqlite_strict": True}
DESCRIBED = sa.text("SELECT body FROM facts WHERE type = 'NodeRegistered' ORDER BY seq")
SET = sa.text("UPDATE nodes SET links = :links WHERE name = :name")


def upgrade() -> None:
    """Make the column, and fill it from facts that a version after this one may have left."""
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.add_column(sa.Column("links", sa.Text(), nullable=False, server_default="{}"))
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.alter_column("links", server_default=None)
    connection = op.get_bind()
    described = (json.loads(body)["node"] for (body,) in connection.execute(DESCRIBED).all())
    links = {node["name"]: node.get("links", {}) for node in described}
    told = [
        {"name": name, "links": json.dumps(groups, ensure_ascii=False, separators=(",", ":"))}
        for name, groups in links.items()
        if groups
    ]
    if told:
        connection.execute(SET, told)


def downgrade() -> None:
    """Forget the column; facts stay, for who reads them passes over what it does not know."""
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.drop_column("links")
