"""How far those who follow the facts have come with what they do outside the store."""

from __future__ import annotations

from sqlalchemy import Table, select

from suanli.adapters.database.schema import metadata, text, whole
from suanli.adapters.database.view import View
from suanli.model.errors import NotFoundError
from suanli.model.ids import FactSeq

cursors = Table(
    "cursors",
    metadata,
    text("name", key=True),
    whole("seq"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


class CursorQueries(View):
    """Questions about cursors."""

    def cursor(self, name: str) -> FactSeq:
        rows = self._rows(select(cursors.c.seq).where(cursors.c.name == name))
        if not rows:
            raise NotFoundError("cursor", name)
        return FactSeq(rows[0][0])
