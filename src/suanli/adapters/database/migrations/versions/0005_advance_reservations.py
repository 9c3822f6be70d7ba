"""Nodes are set aside in advance."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
LISTS = ("nodes", "projects", "users")
TOLD = sa.text(
    "SELECT type, body FROM facts WHERE type IN ('AdvanceReservationSet', 'AdvanceReservationRemoved') ORDER BY seq"
)


def upgrade() -> None:
    """Make the table, of the facts: there are some where it was there before and was taken back."""
    table = op.create_table(
        "advance_reservations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("starts_at_us", WHOLE, nullable=False),
        sa.Column("ends_at_us", WHOLE, nullable=False),
        sa.Column("nodes", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("projects", sa.Text(), nullable=False),
        sa.Column("users", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("removed", FLAG, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_advance_reservations")),
        sqlite_strict=True,
    )
    rows: dict[str, dict[str, Any]] = {}
    for kind, body in op.get_bind().execute(TOLD):
        fact = json.loads(body)
        row = rows[fact["name"]] if kind == "AdvanceReservationRemoved" else _row(fact["reservation"])
        before = rows.get(row["name"], {"generation": 0})
        removed = kind == "AdvanceReservationRemoved"
        rows[row["name"]] = row | {"removed": removed, "generation": before["generation"] + 1}
    op.bulk_insert(table, list(rows.values()))


def downgrade() -> None:
    """Forget it; the facts stay."""
    op.drop_table("advance_reservations")


def _row(told: dict[str, Any]) -> dict[str, Any]:
    lists = {name: json.dumps(told[name], ensure_ascii=False, separators=(",", ":")) for name in LISTS}
    plain = {name: told[name] for name in ("name", "purpose", "reason")}
    return {**plain, **lists, "starts_at_us": told["starts_at"], "ends_at_us": told["ends_at"]}
