"""Folds of the terms on which the center is used: what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from suanli.model import facts
from suanli.model.errors import IllegalTransitionError, NotFoundError
from suanli.model.quantities import Instant
from suanli.model.tariff import Tariff


class Tables(Protocol):
    """What these folds look up. Each raises NotFoundError where there is no such record."""

    def tariff(self, version: int, /) -> Tariff: ...


def tariff_set(fact: facts.TariffSet, tables: Tables, _at: Instant) -> Sequence[Tariff]:
    """The next version.

    Raises:
        IllegalTransitionError: it is not the one after the last.
    """
    version = fact.tariff.version
    if _has(tables, version) or (version > 1 and not _has(tables, version - 1)) or version < 1:
        raise IllegalTransitionError(f"version {version} is not the one after the last tariff's")
    return [fact.tariff]


def _has(tables: Tables, version: int) -> bool:
    try:
        tables.tariff(version)
    except NotFoundError:
        return False
    return True
