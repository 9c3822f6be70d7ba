"""Rates that finished work reached, by job class and device model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAMES = ("application", "project", "owner", "name", "precisions", "model")
AMOUNTS = ("runs", "work", "device_ms", "generation")
FACTS = sa.text(
    "SELECT type, body, at_us FROM facts WHERE type IN ('WorkloadSubmitted', 'RunPlaced', 'NodeRegistered', "
    "'RunStarted', 'RunEnded', 'CancelRequested', 'RequeueRequested', 'PreemptRequested') ORDER BY seq"
)


def upgrade() -> None:
    """Make the table, and fill it from facts that a version after this one may have left."""
    table = op.create_table(
        "learned_rates",
        *(sa.Column(name, sa.Text(), nullable=False) for name in NAMES),
        *(sa.Column(name, WHOLE, nullable=False) for name in AMOUNTS),
        sa.PrimaryKeyConstraint(*NAMES, name=op.f("pk_learned_rates")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    rates: dict[tuple[str, ...], list[int]] = {}
    for key, work, device_ms in _done(op.get_bind()):
        runs, before, before_ms, _ = rates.get(key, [0, 0, 0, 0])
        rates[key] = [runs + 1, before * 15 // 16 + work, before_ms * 15 // 16 + device_ms, runs + 1]
    columns = [column.name for column in table.columns]
    op.bulk_insert(table, [dict(zip(columns, (*key, *amounts), strict=True)) for key, amounts in rates.items()])


def downgrade() -> None:
    """Forget them; the facts stay."""
    op.drop_table("learned_rates")


def _done(connection: sa.Connection) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Of each run that did its work to the end: its class and model, the work, and the device time."""
    specs: dict[int, dict[str, Any]] = {}
    nodes: dict[str, dict[int, str]] = {}
    placed: dict[int, dict[str, Any]] = {}
    for kind, text, at in connection.execute(FACTS):
        body = json.loads(text)
        if kind == "WorkloadSubmitted":
            if _says_work(body["spec"]):
                owned = body["spec"] | {"owner": body["owner"]}
                specs |= {body["first"] + place: owned for place in range(body["count"])}
        elif kind == "NodeRegistered":
            nodes[body["node"]["name"]] = {one["index"]: one["model"] for one in body["node"]["devices"]}
        elif body["workload"] in specs:
            if kind == "RunPlaced":
                placed[body["workload"]] = body | {"started_at": 0}
            elif kind == "RunStarted":
                placed[body["workload"]]["started_at"] = body["started_at"]
            elif (run := placed.pop(body["workload"], None)) is not None and kind == "RunEnded":
                ended = body | {"ended_at": body["ended_at"] or at}
                yield from _taught(specs[body["workload"]], run, ended, nodes)


def _says_work(spec: dict[str, Any]) -> bool:
    return bool(spec.get("work")) or any(one.get("work") for one in spec.get("alternatives", ()))


def _taught(
    spec: dict[str, Any], run: dict[str, Any], ended: dict[str, Any], nodes: dict[str, dict[int, str]]
) -> Iterator[tuple[tuple[str, ...], int, int]]:
    form = spec["alternatives"][run["alternative"] - 1] if run["alternative"] else spec
    work, holds, request = form.get("work"), run["allocation"]["nodes"], form["resources"]["devices"]
    models = {nodes[hold["node"]].get(one["index"], "") for hold in holds for one in hold["devices"]}
    started = ended["started_at"] or run["started_at"]
    if not work or ended["cause"] != "exited" or ended["exit_code"] or not started or len(models) != 1 or "" in models:
        return
    share = sum(hold["tasks"] for hold in holds) * request["count"] * request["share"]
    device_ms = share * (ended["ended_at"] - started) // 1_000_000
    if device_ms > 0:
        own = ("", spec["project"], spec["owner"], spec["name"])
        named = (spec["application"], "", "", "") if spec["application"] else own
        yield (*named, "+".join(sorted(work)), models.pop()), sum(work.values()), device_ms
