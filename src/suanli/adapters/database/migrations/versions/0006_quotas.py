"""Quotas bound what may be asked for at once; licenses are counted in the center."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AMOUNTS = ("runs", "cpu_milli", "memory_bytes", "device_share", "generation")


FACTS = sa.text("SELECT type, body FROM facts WHERE type IN ('QuotaDefined', 'LicenseDefined') ORDER BY seq")


def upgrade() -> None:
    """Make both tables, and fill them from facts that a version after this one may have left."""
    quotas = op.create_table(
        "quotas",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *(sa.Column(name, WHOLE, nullable=False) for name in AMOUNTS),
        sa.PrimaryKeyConstraint("scope", "name", name=op.f("pk_quotas")),
        sqlite_strict=True,
    )
    licenses = op.create_table(
        "licenses",
        sa.Column("name", sa.Text(), nullable=False),
        *(sa.Column(name, WHOLE, nullable=False) for name in ("total", "generation")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_licenses")),
        sqlite_strict=True,
    )
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for kind, body in op.get_bind().execute(FACTS):
        (record,) = json.loads(body).values()
        key = (kind, record.get("scope", ""), record["name"])
        rows[key] = record | {"generation": rows.get(key, {"generation": 0})["generation"] + 1}
    op.bulk_insert(quotas, [row for key, row in rows.items() if key[0] == "QuotaDefined"])
    op.bulk_insert(licenses, [row for key, row in rows.items() if key[0] == "LicenseDefined"])


def downgrade() -> None:
    """Forget both."""
    op.drop_table("licenses")
    op.drop_table("quotas")
