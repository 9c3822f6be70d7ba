"""What all tables have in common: types that mean the same on SQLite and PostgreSQL, and how a record lies in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, Table, Text

from suanli.model.facts import Record

Row = Sequence[Any]
"""Values in the order of a table's columns."""

Key = tuple[str | int, ...]
"""Values of a table's primary key."""

R = TypeVar("R", bound=Record)

WHOLE = BigInteger().with_variant(Integer(), "sqlite")
"""A whole number of 64 bits; SQLite's row numbers are named INTEGER."""

FLAG = Boolean().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def whole(name: str, *constraints: Any, key: bool = False) -> Column[int]:
    """A column of whole numbers, never assigned by the database itself."""
    return Column(name, WHOLE, *constraints, primary_key=key, autoincrement=False, nullable=False)


def text(name: str, *constraints: Any, key: bool = False, optional: bool = False) -> Column[str]:
    """A column of text; NULL only where ``optional``."""
    return Column(name, Text(), *constraints, primary_key=key, nullable=optional)


def flag(name: str) -> Column[bool]:
    """A column of truth values; SQLite holds 0 and 1."""
    return Column(name, FLAG, nullable=False)


def octets(name: str) -> Column[bytes]:
    """A column of raw bytes."""
    return Column(name, LargeBinary(), nullable=False)


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate(Generic[R]):
    """How records of one kind lie in their table, and how a record is turned into a row and back."""

    kind: type[R]
    noun: str
    table: Table
    key: Callable[[R], Key]
    row: Callable[[R], Row]
    record: Callable[[Row], R]


@cache
def lookup_sql(table: Table, mark: str) -> str:
    """The statement that fetches one row by its primary key; ``mark`` stands for a value in the driver's dialect."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    given = " AND ".join(f'"{column.name}" = {mark}' for column in table.primary_key)
    return f'SELECT {names} FROM "{table.name}" WHERE {given}'  # noqa: S608 - names come from the schema, not from input


@cache
def save_sql(table: Table, mark: str, rows: int = 1) -> str:
    """The statement that writes rows, each over the one with the same primary key if there is one."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = _marks(table, mark, rows)
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    others = ", ".join(f'"{c.name}" = excluded."{c.name}"' for c in table.columns if not c.primary_key)
    action = f"UPDATE SET {others}" if others else "NOTHING"
    return (
        f'INSERT INTO "{table.name}" ({names}) VALUES {marks} '  # noqa: S608 - names come from the schema, not from input
        f"ON CONFLICT ({keys}) DO {action}"
    )


@cache
def append_sql(table: Table, mark: str, rows: int = 1) -> str:
    """The statement that writes rows that must not be there yet."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = _marks(table, mark, rows)
    return f'INSERT INTO "{table.name}" ({names}) VALUES {marks}'  # noqa: S608 - names come from the schema, not from input


def _marks(table: Table, mark: str, rows: int) -> str:
    return ", ".join([f"({', '.join([mark] * len(table.columns))})"] * rows)
