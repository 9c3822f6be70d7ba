"""Quotas and licenses."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table, select

from suanli.adapters.database.schema import Aggregate, Row, metadata, text, whole
from suanli.adapters.database.view import View
from suanli.model.ids import LicenseName
from suanli.model.quota import License, Quota, QuotaScope

quotas = Table(
    "quotas",
    metadata,
    text("scope", key=True),
    text("name", key=True),
    whole("runs"),
    whole("cpu_milli"),
    whole("memory_bytes"),
    whole("device_share"),
    whole("generation"),
    sqlite_strict=True,
)

licenses = Table(
    "licenses",
    metadata,
    text("name", key=True),
    whole("total"),
    whole("generation"),
    sqlite_strict=True,
)


def _quota_row(quota: Quota) -> Row:
    return (
        quota.scope.value,
        quota.name,
        quota.runs,
        quota.cpu_milli,
        quota.memory_bytes,
        quota.device_share,
        quota.generation,
    )


def _quota_record(row: Row) -> Quota:
    return Quota(
        scope=QuotaScope(row[0]),
        name=row[1],
        runs=row[2],
        cpu_milli=row[3],
        memory_bytes=row[4],
        device_share=row[5],
        generation=row[6],
    )


def _license_row(license_: License) -> Row:
    return (license_.name, license_.total, license_.generation)


def _license_record(row: Row) -> License:
    return License(name=row[0], total=row[1], generation=row[2])


QUOTAS = Aggregate(
    kind=Quota,
    noun="quota",
    table=quotas,
    key=lambda quota: (quota.scope.value, quota.name),
    row=_quota_row,
    record=_quota_record,
)
LICENSES = Aggregate(
    kind=License,
    noun="license",
    table=licenses,
    key=lambda license_: (license_.name,),
    row=_license_row,
    record=_license_record,
)


class QuotaQueries(View):
    """Questions about quotas and licenses."""

    def quota(self, scope: QuotaScope, name: str) -> Quota:
        return self._find(QUOTAS, (scope.value, name))

    def quotas(self) -> Sequence[Quota]:
        return sorted(self._records(QUOTAS, select(quotas)), key=lambda quota: (quota.scope, quota.name))

    def license(self, name: LicenseName) -> License:
        return self._find(LICENSES, (name,))

    def licenses(self) -> Sequence[License]:
        return sorted(self._records(LICENSES, select(licenses)), key=lambda license_: license_.name)
