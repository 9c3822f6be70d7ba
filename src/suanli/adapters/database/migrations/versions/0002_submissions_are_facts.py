"""What was submitted is read from its fact, and no longer held a second time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DEPENDENCIES = {"sqlite_strict": True, "sqlite_with_rowid": False}


def upgrade() -> None:
    """Drop the table."""
    with op.batch_alter_table("workloads", table_kwargs={"sqlite_strict": True}) as workloads:
        workloads.drop_constraint("fk_workloads_submission", type_="foreignkey")
    with op.batch_alter_table("dependencies", table_kwargs=DEPENDENCIES) as dependencies:
        dependencies.drop_constraint("fk_dependencies_submission", type_="foreignkey")
        dependencies.create_foreign_key("fk_dependencies_submission", "workloads", ["submission"], ["id"])
    op.drop_table("submissions")


def downgrade() -> None:
    """Make the table again, of the facts."""
    op.create_table(
        "submissions",
        sa.Column("id", WHOLE, nullable=False, autoincrement=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sqlite_strict=True,
    )
    of_body = "json_extract(body, '$.spec')" if op.get_bind().dialect.name == "sqlite" else "body::json ->> 'spec'"
    op.execute(
        f"INSERT INTO submissions SELECT workload, {of_body} FROM facts WHERE type = 'WorkloadSubmitted'"  # noqa: S608
    )
    with op.batch_alter_table("dependencies", table_kwargs=DEPENDENCIES) as dependencies:
        dependencies.drop_constraint("fk_dependencies_submission", type_="foreignkey")
        dependencies.create_foreign_key("fk_dependencies_submission", "submissions", ["submission"], ["id"])
    with op.batch_alter_table("workloads", table_kwargs={"sqlite_strict": True}) as workloads:
        workloads.create_foreign_key("fk_workloads_submission", "submissions", ["submission"], ["id"])
