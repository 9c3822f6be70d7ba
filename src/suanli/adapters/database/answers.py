"""Answers kept under idempotency keys."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from itertools import chain

from sqlalchemy import Index, Table, bindparam, delete, select, tuple_

from suanli.adapters.database.schema import lookup_sql, metadata, text, whole
from suanli.adapters.database.view import View
from suanli.model.errors import NotFoundError
from suanli.model.ids import UserName
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


_OLD = select(answers.c.owner, answers.c.key).where(answers.c.kept_at_us < bindparam("before_us"))
FORGET = delete(answers).where(
    tuple_(answers.c.owner, answers.c.key).in_(_OLD.order_by(answers.c.kept_at_us).limit(bindparam("most")))
)
"""Forgets at most ``most`` of the answers kept before ``before_us``, the oldest."""

_ASKED = 64
"""Most keys in one question."""


@cache
def _kept_sql(mark: str, keys: int) -> str:
    names = ", ".join(f'"{column.name}"' for column in answers.columns)
    pairs = ", ".join([f"({mark}, {mark})"] * keys)
    # A join, for SQLite looks through the whole table for pairs that are in a list.
    return (
        f"SELECT {names} FROM (VALUES {pairs}) AS asked "  # noqa: S608 - names come from the schema, not from input
        'JOIN "answers" ON "owner" = asked.column1 AND "key" = asked.column2'
    )


class AnswerQueries(View):
    """Questions about kept answers."""

    def kept_answer(self, owner: UserName, key: str) -> KeptAnswer:
        row = self._connection.exec_driver_sql(lookup_sql(answers, self._mark), (owner, key)).first()
        if row is None:
            raise NotFoundError("answer kept under the key", key)
        return KeptAnswer(fingerprint=row[2], body=row[3])

    def kept_answers(self, keys: Collection[tuple[UserName, str]]) -> dict[tuple[UserName, str], KeptAnswer]:
        found = {}
        asked = list(keys)
        for start in range(0, len(asked), _ASKED):
            some = asked[start : start + _ASKED]
            # Few different statements, so that the driver need not prepare one for every number of keys.
            some += some[-1:] * ((1 << (len(some) - 1).bit_length()) - len(some))
            rows = self._connection.exec_driver_sql(_kept_sql(self._mark, len(some)), tuple(chain.from_iterable(some)))
            found.update({(row[0], row[1]): KeptAnswer(fingerprint=row[2], body=row[3]) for row in rows})
        return found
