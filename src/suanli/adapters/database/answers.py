"""Answers kept under idempotency keys."""

from __future__ import annotations

from sqlalchemy import Delete, Index, Table, delete, select, tuple_

from suanli.adapters.database.schema import lookup_sql, metadata, text, whole
from suanli.adapters.database.view import View
from suanli.model.errors import NotFoundError
from suanli.model.ids import UserName
from suanli.model.quantities import Instant
from suanli.ports.store import KeptAnswer

KEPT_US = 24 * 3600 * 1_000_000

answers = Table(
    "answers",
    metadata,
    text("owner", key=True),
    text("key", key=True),
    text("fingerprint"),
    text("body"),
    whole("kept_at_us"),
    Index(None, "kept_at_us"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


def forgetting(now: Instant, most: int) -> Delete:
    """The statement that forgets at most ``most`` of the answers that are older than a day."""
    old = select(answers.c.owner, answers.c.key).where(answers.c.kept_at_us < now - KEPT_US)
    some = old.order_by(answers.c.kept_at_us).limit(most)
    return delete(answers).where(tuple_(answers.c.owner, answers.c.key).in_(some))


class AnswerQueries(View):
    """Questions about kept answers."""

    def kept_answer(self, owner: UserName, key: str) -> KeptAnswer:
        row = self._connection.exec_driver_sql(lookup_sql(answers, self._mark), (owner, key)).first()
        if row is None:
            raise NotFoundError("answer kept under the key", key)
        return KeptAnswer(fingerprint=row[2], body=row[3])
