"""Folds of the terms on which the center is used: what it costs, and with which qualities of service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from suanli.model import facts
from suanli.model.altered import altered
from suanli.model.errors import AdmissionRefusedError, IllegalTransitionError, NotFoundError
from suanli.model.ids import ProjectName, QosName, UserName
from suanli.model.qos import Qos, plain
from suanli.model.quantities import Instant
from suanli.model.spec import NORMAL
from suanli.model.tariff import Tariff


class Tables(Protocol):
    """What these folds look up. Each raises NotFoundError where there is no such record."""

    def tariff(self, version: int, /) -> Tariff: ...
    def qos(self, name: QosName, /) -> Qos: ...


def tariff_set(fact: facts.TariffSet, tables: Tables, _at: Instant) -> Sequence[Tariff]:
    """The next version.

    Raises:
        IllegalTransitionError: it is not the one after the last.
    """
    version = fact.tariff.version
    if _has(tables, version) or (version > 1 and not _has(tables, version - 1)) or version < 1:
        raise IllegalTransitionError(f"version {version} is not the one after the last tariff's")
    return [fact.tariff]


def qos_defined(fact: facts.QosDefined, tables: Tables, _at: Instant) -> Sequence[Qos]:
    """The quality of service as it is from now on, removed before or not."""
    try:
        generation = tables.qos(fact.qos.name).generation
    except NotFoundError:
        generation = 0
    return [altered(fact.qos, removed=False, generation=generation + 1)]


def qos_removed(fact: facts.QosRemoved, tables: Tables, _at: Instant) -> Sequence[Qos]:
    """The quality of service, removed.

    Raises:
        IllegalTransitionError: it was removed before.
    """
    there = tables.qos(fact.name)
    if there.removed:
        raise IllegalTransitionError(f"QOS {fact.name} has been removed before")
    return [altered(there, removed=True, generation=there.generation + 1)]


def standing_qos(tables: Tables, name: QosName) -> Qos:
    """A quality of service that work may be given.

    Raises:
        NotFoundError: there is none of that name, or it was removed.
    """
    try:
        there = tables.qos(name)
    except NotFoundError:
        if name == NORMAL:
            return plain(NORMAL)
        raise
    if there.removed and name != NORMAL:
        raise NotFoundError("QOS", name, "see `suanli qos list`")
    return there.counted


def require_qos(tables: Tables, name: QosName, project: ProjectName, owner: UserName) -> None:
    """Let pass work of a project and an owner that is to have a quality of service.

    Raises:
        AdmissionRefusedError: there is none of that name, or it is for others.
    """
    try:
        there = standing_qos(tables, name)
    except NotFoundError:
        raise AdmissionRefusedError("qos_unknown", f"there is no QOS {name}", "see `suanli qos list`") from None
    if not there.admits(project, owner):
        hint = "leave it out, or ask an administrator"
        raise AdmissionRefusedError("qos_not_yours", f"QOS {name} is for others", hint)


def _has(tables: Tables, version: int) -> bool:
    try:
        tables.tariff(version)
    except NotFoundError:
        return False
    return True
