"""Local disk of nodes, and what runs hold of it."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NODES = {"sqlite_strict": True}
DESCRIBED = sa.text("SELECT body FROM facts WHERE type = 'NodeRegistered' ORDER BY seq")
PLACED = sa.text("SELECT workload, body FROM facts WHERE type = 'RunPlaced'")
SET_NODE = sa.text("UPDATE nodes SET disk_bytes = :disk WHERE name = :name")
SET_RUN = sa.text("UPDATE runs SET allocation = :allocation WHERE workload = :workload AND attempt = :attempt")


def upgrade() -> None:
    """Make the column, and fill it, and what runs hold, from facts that a version after this one may have left."""
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.add_column(sa.Column("disk_bytes", WHOLE, nullable=False, server_default="0"))
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.alter_column("disk_bytes", server_default=None)
    connection = op.get_bind()
    described = (json.loads(body)["node"] for (body,) in connection.execute(DESCRIBED).all())
    disks = {node["name"]: node.get("disk_bytes", 0) for node in described}
    told = [{"name": name, "disk": disk} for name, disk in disks.items() if disk]
    if told:
        connection.execute(SET_NODE, told)
    holding = []
    for workload, body in connection.execute(PLACED):
        placed = json.loads(body)
        if any(hold.get("disk_bytes") for hold in placed["allocation"]["nodes"]):
            allocation = json.dumps(placed["allocation"], ensure_ascii=False, separators=(",", ":"))
            attempt = int(placed["run"].partition(".")[2])
            holding.append({"workload": workload, "attempt": attempt, "allocation": allocation})
    if holding:
        connection.execute(SET_RUN, holding)


def downgrade() -> None:
    """Forget the column; facts, and what runs hold, stay, for who reads them passes over what it does not know."""
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.drop_column("disk_bytes")
