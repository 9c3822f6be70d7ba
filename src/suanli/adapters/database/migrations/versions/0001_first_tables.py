"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
NOT_FINAL = sa.text("state IN ('held', 'blocked', 'waiting', 'starting', 'running', 'ending')")
NOT_ENDED = sa.text("state <> 'ended'")
ZEROS = bytes(32)


def upgrade() -> None:
    """Make all tables, and the head of a chain without facts."""
    _make_facts()
    _make_submissions()
    _make_workloads()
    _make_runs()
    _make_resources()
    _make_tenancy()
    op.execute(sa.text("INSERT INTO chain_head VALUES (1, 0, 0, :hash, 1)").bindparams(hash=ZEROS))


def _make_facts() -> None:
    op.create_table(
        "facts",
        sa.Column("seq", WHOLE, nullable=False, autoincrement=False),
        sa.Column("at_us", WHOLE, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("workload", WHOLE, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_facts")),
        sqlite_strict=True,
    )
    op.create_index("ix_facts_owner_seq", "facts", ["owner", "seq"])
    op.create_index("ix_facts_workload_seq", "facts", ["workload", "seq"])
    op.create_table(
        "chain_head",
        sa.Column("id", WHOLE, nullable=False, autoincrement=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.Column("at_us", WHOLE, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("next_workload", WHOLE, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_chain_head_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_head")),
        sqlite_strict=True,
    )
    op.create_table(
        "answers",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("kept_at_us", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_answers")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_answers_kept_at_us", "answers", ["kept_at_us"])


def _make_submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", WHOLE, nullable=False, autoincrement=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sqlite_strict=True,
    )
    op.create_table(
        "dependencies",
        sa.Column("other", WHOLE, nullable=False, autoincrement=False),
        sa.Column("submission", WHOLE, nullable=False, autoincrement=False),
        sa.ForeignKeyConstraint(["submission"], ["submissions.id"], name=op.f("fk_dependencies_submission")),
        sa.PrimaryKeyConstraint("other", "submission", name=op.f("pk_dependencies")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _make_workloads() -> None:
    op.create_table(
        "workloads",
        sa.Column("id", WHOLE, nullable=False, autoincrement=False),
        sa.Column("submission", WHOLE, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("priority", WHOLE, nullable=False),
        sa.Column("time_limit_s", WHOLE, nullable=False),
        sa.Column("array_id", WHOLE, nullable=False),
        sa.Column("array_index", WHOLE, nullable=False),
        sa.Column("dependencies", sa.Text(), nullable=False),
        sa.Column("retry", sa.Text(), nullable=False),
        sa.Column("preemptible", FLAG, nullable=False),
        sa.Column("attempt", WHOLE, nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("exit_code", WHOLE, nullable=False),
        sa.Column("signal", WHOLE, nullable=False),
        sa.Column("submitted_at_us", WHOLE, nullable=False),
        sa.Column("eligible_at_us", WHOLE, nullable=False),
        sa.Column("started_at_us", WHOLE, nullable=False),
        sa.Column("ended_at_us", WHOLE, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["submission"], ["submissions.id"], name=op.f("fk_workloads_submission")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workloads")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_workloads_live", "workloads", ["owner", "name", "id"], sqlite_where=NOT_FINAL, postgresql_where=NOT_FINAL
    )
    op.create_index("ix_workloads_owner_state_id", "workloads", ["owner", "state", "id"])
    op.create_index("ix_workloads_state_id", "workloads", ["state", "id"])
    op.create_index("ix_workloads_submission_array_index", "workloads", ["submission", "array_index"])


def _make_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("workload", WHOLE, nullable=False, autoincrement=False),
        sa.Column("attempt", WHOLE, nullable=False, autoincrement=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("allocation", sa.Text(), nullable=False),
        sa.Column("time_limit_s", WHOLE, nullable=False),
        sa.Column("placed_at_us", WHOLE, nullable=False),
        sa.Column("started_at_us", WHOLE, nullable=False),
        sa.Column("ended_at_us", WHOLE, nullable=False),
        sa.Column("stop", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("exit_code", WHOLE, nullable=False),
        sa.Column("signal", WHOLE, nullable=False),
        sa.Column("cpu_us", WHOLE, nullable=False),
        sa.Column("memory_peak_bytes", WHOLE, nullable=False),
        sa.Column("truncated", FLAG, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["workload"], ["workloads.id"], name=op.f("fk_runs_workload")),
        sa.PrimaryKeyConstraint("workload", "attempt", name=op.f("pk_runs")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_runs_active", "runs", ["workload", "attempt"], sqlite_where=NOT_ENDED, postgresql_where=NOT_ENDED
    )


def _make_resources() -> None:
    op.create_table(
        "nodes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("cpu_milli", WHOLE, nullable=False),
        sa.Column("memory_bytes", WHOLE, nullable=False),
        sa.Column("devices", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("features", sa.Text(), nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_nodes")),
        sqlite_strict=True,
    )
    op.create_table(
        "queues",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("priority", WHOLE, nullable=False),
        sa.Column("default_time_limit_s", WHOLE, nullable=False),
        sa.Column("max_time_limit_s", WHOLE, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_queues")),
        sqlite_strict=True,
    )


def _make_tenancy() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("default_project", sa.Text(), nullable=False),
        sa.Column("active", FLAG, nullable=False),
        sa.Column("created_at_us", WHOLE, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
        sqlite_strict=True,
    )
    op.create_table(
        "projects",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("created_at_us", WHOLE, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_projects")),
        sqlite_strict=True,
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at_us", WHOLE, nullable=False),
        sa.Column("expires_at_us", WHOLE, nullable=False),
        sa.Column("revoked", FLAG, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sqlite_strict=True,
    )
    op.create_index("ix_tokens_digest", "tokens", ["digest"], unique=True)
    op.create_index("ix_tokens_user", "tokens", ["user"])


def downgrade() -> None:
    """Drop all tables; the tables that refer go before those referred to."""
    for table in (
        "runs",
        "workloads",
        "dependencies",
        "users",
        "tokens",
        "submissions",
        "queues",
        "projects",
        "nodes",
        "facts",
        "chain_head",
        "answers",
    ):
        op.drop_table(table)
