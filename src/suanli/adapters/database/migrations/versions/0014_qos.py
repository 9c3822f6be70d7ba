"""Qualities of service: of workloads, and of what their runs held."""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
WORKLOADS = {"sqlite_strict": True}
DAY_US = 86_400 * 1_000_000
AMOUNTS = ("runs", "cpu_us", "memory_mib_ms", "device_us", "generation")
OLD = ("day", "project", "owner")
TOLD = sa.text(
    "SELECT type, workload, body FROM facts WHERE type IN ('WorkloadSubmitted', 'WorkloadUpdated') "
    "AND body LIKE '%\"qos\":%' ORDER BY seq"
)
DEFINED = sa.text("SELECT type, body FROM facts WHERE type IN ('QosDefined', 'QosRemoved') ORDER BY seq")
SUBMITTED = sa.text("UPDATE workloads SET qos = :qos WHERE submission = :workload")
CHANGED = sa.text("UPDATE workloads SET qos = :qos WHERE id = :workload")
ENDED = sa.text(
    "SELECT project, owner, qos, allocation, runs.started_at_us, runs.ended_at_us FROM runs "
    "JOIN workloads ON workloads.id = runs.workload WHERE runs.state = 'ended' AND runs.started_at_us > 0"
)


def upgrade() -> None:
    """Make the table and the columns, and fill them from facts that a version after this one may have left."""
    qualities = op.create_table(
        "qos",
        sa.Column("name", sa.Text(), nullable=False),
        *(sa.Column(name, WHOLE, nullable=False) for name in ("priority", "usage_factor")),
        sa.Column("preemptible", FLAG, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("users", "projects")),
        sa.Column("removed", FLAG, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_qos")),
        sqlite_strict=True,
    )
    op.bulk_insert(qualities, _qualities())
    with op.batch_alter_table("workloads", table_kwargs=WORKLOADS) as workloads:
        workloads.add_column(sa.Column("qos", sa.Text(), nullable=False, server_default="normal"))
    with op.batch_alter_table("workloads", table_kwargs=WORKLOADS) as workloads:
        workloads.alter_column("qos", server_default=None)
    connection = op.get_bind()
    for kind, workload, body in connection.execute(TOLD).all():
        told = json.loads(body)
        qos = (told.get("spec") or told).get("qos")
        if qos and (qos != "normal" or kind == "WorkloadUpdated"):
            connection.execute(SUBMITTED if "spec" in told else CHANGED, {"workload": workload, "qos": qos})
    op.drop_table("usage_days")
    _make_usage("day", "project", "owner", "qos")


def downgrade() -> None:
    """Forget them; the facts stay."""
    op.drop_table("usage_days")
    _make_usage(*OLD)
    with op.batch_alter_table("workloads", table_kwargs=WORKLOADS) as workloads:
        workloads.drop_column("qos")
    op.drop_table("qos")


def _qualities() -> list[dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for kind, body in op.get_bind().execute(DEFINED).all():
        told = json.loads(body)
        name = told["name"] if kind == "QosRemoved" else told["qos"]["name"]
        before = found.get(name, {"generation": 0})
        now = before if kind == "QosRemoved" else {**told["qos"], **{who: _text(told["qos"][who]) for who in _WHO}}
        generation = int(str(before["generation"])) + 1
        found[name] = {**now, "removed": kind == "QosRemoved", "generation": generation}
    return list(found.values())


_WHO = ("users", "projects")


def _text(names: list[str]) -> str:
    return json.dumps(names, ensure_ascii=False, separators=(",", ":"))


def _make_usage(*keys: str) -> None:
    """Make the table of what was held, told apart by these, and fill it from the runs that have ended."""
    table = op.create_table(
        "usage_days",
        sa.Column("day", WHOLE, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in keys[1:]),
        *(sa.Column(name, WHOLE, nullable=False) for name in AMOUNTS),
        sa.PrimaryKeyConstraint(*keys, name=op.f("pk_usage_days")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    sums: dict[tuple[int | str, ...], list[int]] = {}
    for project, owner, qos, allocation, started, ended in op.get_bind().execute(ENDED):
        for day, amounts in _used(allocation, started, ended):
            held = sums.setdefault((day, project, owner, qos)[: len(keys)], [0] * len(AMOUNTS))
            for place, amount in enumerate(amounts):
                held[place] += amount
    columns = [column.name for column in table.columns]
    op.bulk_insert(table, [dict(zip(columns, (*key, *held), strict=True)) for key, held in sums.items()])


def _used(allocation: str, started: int, ended: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    nodes = json.loads(allocation)["nodes"]
    cpu, memory = sum(hold["cpu_milli"] for hold in nodes), sum(hold["memory_bytes"] for hold in nodes)
    share = sum(device["share"] for hold in nodes for device in hold["devices"])
    last = ended // DAY_US
    for day in range(min(started // DAY_US, last), last + 1):
        held = max(min(ended, (day + 1) * DAY_US) - max(started, day * DAY_US), 0)
        amounts = (cpu * held // 1000, memory * held // (2**20 * 1000), share * held // 1000)
        yield day, (int(day == last), *amounts, 1)
