"""Copies of frozen records with some fields changed, many a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def altered(value: T, **changes: object) -> T:
    """A copy of ``value`` in which the fields named in ``changes`` have those values.

    ``value`` is of a dataclass with slots. The outcome is that of :func:`dataclasses.replace` at a quarter of the
    price, since the slots of the copy are filled directly; no ``__post_init__`` is called.

    Raises:
        KeyError: the class has no field of a name in ``changes``.
    """
    kind: Any = type(value)
    copy_of, slots = _made_for(kind)
    copy: T = copy_of(value)
    for name, content in changes.items():
        slots[name](copy, content)
    return copy


@cache
def _made_for(kind: Any) -> tuple[Callable[[Any], Any], dict[str, Callable[[Any, Any], None]]]:
    """A function that copies a value of the class, and what fills each of its slots.

    The function is written out, as the standard library writes the ``__init__`` of a dataclass: a loop over the slots
    would take twice as long.
    """
    names = [field.name for field in fields(kind)]
    slots = {name: getattr(kind, name).__set__ for name in names}
    lines = ["def copy_of(value):", " copy = new(kind)", *(f" set_{name}(copy, value.{name})" for name in names)]
    known = {"new": object.__new__, "kind": kind, **{f"set_{name}": fill for name, fill in slots.items()}}
    exec("\n".join([*lines, " return copy"]), known)  # noqa: S102 - made of the names of a class's own fields
    return known["copy_of"], slots
