"""A power cap, and what the cpus of nodes draw."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NODES = {"sqlite_strict": True}
CAPS = sa.text("SELECT body FROM facts WHERE type = 'PowerCapSet' ORDER BY seq")
DESCRIBED = sa.text("SELECT body FROM facts WHERE type = 'NodeRegistered' ORDER BY seq")
SET = sa.text("UPDATE nodes SET cpu_power_mw = :power WHERE name = :name")


def upgrade() -> None:
    """Make the table and the column, and fill them from facts that a version after this one may have left."""
    power_caps = op.create_table(
        "power_caps",
        sa.Column("scope", sa.Text(), nullable=False),
        *(sa.Column(name, WHOLE, nullable=False) for name in ("watts", "generation")),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_power_caps")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.add_column(sa.Column("cpu_power_mw", WHOLE, nullable=False, server_default="0"))
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.alter_column("cpu_power_mw", server_default=None)
    connection = op.get_bind()
    caps = [json.loads(body)["cap"]["watts"] for (body,) in connection.execute(CAPS).all()]
    if caps:
        op.bulk_insert(power_caps, [{"scope": "center", "watts": caps[-1], "generation": len(caps)}])
    described = (json.loads(body)["node"] for (body,) in connection.execute(DESCRIBED).all())
    powers = {node["name"]: node.get("cpu_power_mw", 0) for node in described}
    told = [{"name": name, "power": power} for name, power in powers.items() if power]
    if told:
        connection.execute(SET, told)


def downgrade() -> None:
    """Forget both; the facts stay."""
    with op.batch_alter_table("nodes", table_kwargs=NODES) as nodes:
        nodes.drop_column("cpu_power_mw")
    op.drop_table("power_caps")
