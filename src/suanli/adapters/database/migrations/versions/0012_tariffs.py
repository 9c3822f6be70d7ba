"""Tariffs."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SET = sa.text("SELECT body FROM facts WHERE type = 'TariffSet' ORDER BY seq")
WORDS = ("currency", "cpu_hour", "memory_gib_hour", "disk_gb_hour")
MAPS = ("device_hour", "class_hour")


def upgrade() -> None:
    """Make the table, and fill it from facts that a version after this one may have left."""
    tariffs = op.create_table(
        "tariffs",
        sa.Column("version", WHOLE, autoincrement=False, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_from_us", WHOLE, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*WORDS[1:], *MAPS)),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_tariffs")),
        sqlite_strict=True,
    )
    told = [json.loads(body)["tariff"] for (body,) in op.get_bind().execute(SET).all()]
    if told:
        op.bulk_insert(tariffs, [_row(tariff) for tariff in told])


def downgrade() -> None:
    """Forget them; the facts stay."""
    op.drop_table("tariffs")


def _row(tariff: dict[str, object]) -> dict[str, object]:
    maps = {name: json.dumps(tariff[name], ensure_ascii=False, separators=(",", ":")) for name in MAPS}
    words = {name: tariff[name] for name in WORDS}
    return {"version": tariff["version"], "valid_from_us": tariff["valid_from"], **words, **maps}
