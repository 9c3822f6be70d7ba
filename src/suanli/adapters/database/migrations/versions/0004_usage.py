"""What runs held is kept by day, project and owner; projects have shares."""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PROJECTS = {"sqlite_strict": True}
DAY_US = 86_400 * 1_000_000
AMOUNTS = ("runs", "cpu_us", "memory_mib_ms", "device_us", "generation")
ENDED = sa.text(
    "SELECT project, owner, allocation, runs.started_at_us, runs.ended_at_us FROM runs "
    "JOIN workloads ON workloads.id = runs.workload WHERE runs.state = 'ended' AND runs.started_at_us > 0"
)


def upgrade() -> None:
    """Make the table, and fill it from the runs that have ended."""
    table = op.create_table(
        "usage_days",
        sa.Column("day", WHOLE, nullable=False, autoincrement=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        *(sa.Column(name, WHOLE, nullable=False) for name in AMOUNTS),
        sa.PrimaryKeyConstraint("day", "project", "owner", name=op.f("pk_usage_days")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    sums: dict[tuple[int, str, str], list[int]] = {}
    for project, owner, allocation, started, ended in op.get_bind().execute(ENDED):
        for day, amounts in _used(allocation, started, ended):
            held = sums.setdefault((day, project, owner), [0] * len(AMOUNTS))
            for place, amount in enumerate(amounts):
                held[place] += amount
    columns = [column.name for column in table.columns]
    op.bulk_insert(table, [dict(zip(columns, (*key, *held), strict=True)) for key, held in sums.items()])
    with op.batch_alter_table("projects", table_kwargs=PROJECTS) as projects:
        projects.add_column(sa.Column("shares", WHOLE, nullable=False, server_default="1"))
    with op.batch_alter_table("projects", table_kwargs=PROJECTS) as projects:
        projects.alter_column("shares", server_default=None)


def downgrade() -> None:
    """Forget both."""
    with op.batch_alter_table("projects", table_kwargs=PROJECTS) as projects:
        projects.drop_column("shares")
    op.drop_table("usage_days")


def _used(allocation: str, started: int, ended: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    nodes = json.loads(allocation)["nodes"]
    cpu, memory = sum(hold["cpu_milli"] for hold in nodes), sum(hold["memory_bytes"] for hold in nodes)
    share = sum(device["share"] for hold in nodes for device in hold["devices"])
    last = ended // DAY_US
    for day in range(min(started // DAY_US, last), last + 1):
        held = max(min(ended, (day + 1) * DAY_US) - max(started, day * DAY_US), 0)
        amounts = (cpu * held // 1000, memory * held // (2**20 * 1000), share * held // 1000)
        yield day, (int(day == last), *amounts, 1)
