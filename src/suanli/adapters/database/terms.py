"""Tariffs, each version a row that is never changed, with prices in text as they were written; qualities of service."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Table, select

from suanli.adapters.database.codec import decoder, encode
from suanli.adapters.database.schema import Aggregate, Row, flag, metadata, text, whole
from suanli.adapters.database.view import View
from suanli.model.devices import DeviceClass
from suanli.model.ids import ProjectName, QosName, UserName
from suanli.model.qos import Qos
from suanli.model.tariff import Tariff

tariffs = Table(
    "tariffs",
    metadata,
    whole("version", key=True),
    text("currency"),
    whole("valid_from_us"),
    text("cpu_hour"),
    text("memory_gib_hour"),
    text("disk_gb_hour"),
    text("device_hour"),
    text("class_hour"),
    sqlite_strict=True,
)

qualities = Table(
    "qos",
    metadata,
    text("name", key=True),
    whole("priority"),
    whole("usage_factor"),
    flag("preemptible"),
    text("users"),
    text("projects"),
    flag("removed"),
    whole("generation"),
    sqlite_strict=True,
)

_of_models = decoder(dict[str, Decimal])
_of_classes = decoder(dict[DeviceClass, Decimal])
_of_users = decoder(frozenset[UserName])
_of_projects = decoder(frozenset[ProjectName])


def _row(tariff: Tariff) -> Row:
    return (
        tariff.version,
        tariff.currency,
        tariff.valid_from,
        str(tariff.cpu_hour),
        str(tariff.memory_gib_hour),
        str(tariff.disk_gb_hour),
        encode(tariff.device_hour).decode(),
        encode(tariff.class_hour).decode(),
    )


def _record(row: Row) -> Tariff:
    return Tariff(
        version=row[0],
        currency=row[1],
        valid_from=row[2],
        cpu_hour=Decimal(row[3]),
        memory_gib_hour=Decimal(row[4]),
        disk_gb_hour=Decimal(row[5]),
        device_hour=_of_models(row[6]),
        class_hour=_of_classes(row[7]),
    )


def _qos_row(qos: Qos) -> Row:
    return (
        qos.name,
        qos.priority,
        qos.usage_factor,
        qos.preemptible,
        encode(qos.users).decode(),
        encode(qos.projects).decode(),
        qos.removed,
        qos.generation,
    )


def _qos_record(row: Row) -> Qos:
    return Qos(
        name=row[0],
        priority=row[1],
        usage_factor=row[2],
        preemptible=bool(row[3]),
        users=_of_users(row[4]),
        projects=_of_projects(row[5]),
        removed=bool(row[6]),
        generation=row[7],
    )


TARIFFS = Aggregate(
    kind=Tariff, noun="tariff", table=tariffs, key=lambda tariff: (tariff.version,), row=_row, record=_record
)

QUALITIES = Aggregate(
    kind=Qos, noun="QOS", table=qualities, key=lambda qos: (qos.name,), row=_qos_row, record=_qos_record
)


class TermsQueries(View):
    """Questions about the terms on which the center is used."""

    def tariff(self, version: int) -> Tariff:
        return self._find(TARIFFS, (version,))

    def tariffs(self) -> Sequence[Tariff]:
        return sorted(self._records(TARIFFS, select(tariffs)), key=lambda tariff: tariff.version)

    def qos(self, name: QosName) -> Qos:
        return self._find(QUALITIES, (name,))

    def every_qos(self) -> Sequence[Qos]:
        return sorted(self._records(QUALITIES, select(qualities)), key=lambda qos: qos.name)
