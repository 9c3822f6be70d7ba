"""Quotas and licenses as they are shown, and what may be asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict, Field

from suanli.api.schemas.fields import Body, TotalBytes, cpus
from suanli.api.schemas.problem import DESCRIBED
from suanli.model.quantities import MAX_CPU_MILLI, WHOLE_CPU, WHOLE_DEVICE
from suanli.model.quota import MAX_RUNS, MAX_TOTAL_DEVICES, Quota, QuotaScope
from suanli.model.spec import MAX_LICENSES
from suanli.services.quotas import LicenseStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaView:
    """One quota. Null sets no bound."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    scope: QuotaScope
    """Whose work it bounds together: all of a queue, project or user, or each user's in a queue or project."""
    name: str
    """The queue, project or user."""
    runs: int | None
    """Most runs at once."""
    cpus: float | None
    """Most processors that running work may have asked for."""
    memory_bytes: int | None
    """Most memory that running work may have asked for."""
    devices: float | None
    """Most devices that running work may have asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotasView:
    """The quotas that bind one's work, or all."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[QuotaView]
    """By scope and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseView:
    """One license."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """Its name."""
    total: int
    """How many there are in the center."""
    in_use: int
    """How many running work has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseDefinedView:
    """A license as it was just defined."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """Its name."""
    total: int
    """How many there are in the center."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicensesView:
    """All licenses."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[LicenseView]
    """By name."""


class QuotaBody(Body):
    """A quota, whole: what is left out, or 0, sets no bound."""

    runs: int = Field(default=0, ge=0, le=MAX_RUNS, examples=[20])
    """Most runs at once."""
    cpus: float = Field(default=0, ge=0, le=MAX_CPU_MILLI / WHOLE_CPU, examples=[256])
    """Most processors that running work may have asked for."""
    memory: TotalBytes = 0
    """Most memory that running work may have asked for."""
    devices: float = Field(default=0, ge=0, le=MAX_TOTAL_DEVICES, examples=[8])
    """Most devices that running work may have asked for, exact to a thousandth."""


class LicenseBody(Body):
    """A license, whole."""

    total: int = Field(ge=0, le=MAX_LICENSES, examples=[50])
    """How many there are in the center."""


def quota_view(quota: Quota) -> QuotaView:
    """Show a quota."""
    return QuotaView(
        scope=quota.scope,
        name=quota.name,
        runs=quota.runs or None,
        cpus=cpus(quota.cpu_milli) if quota.cpu_milli else None,
        memory_bytes=quota.memory_bytes or None,
        devices=quota.device_share / WHOLE_DEVICE if quota.device_share else None,
    )


def quota_of(scope: QuotaScope, name: str, body: QuotaBody) -> Quota:
    """The quota that is asked for."""
    return Quota(
        scope=scope,
        name=name,
        runs=body.runs,
        cpu_milli=round(body.cpus * WHOLE_CPU),
        memory_bytes=body.memory,
        device_share=round(body.devices * WHOLE_DEVICE),
    )


def license_view(standing: LicenseStanding) -> LicenseView:
    """Show a license."""
    return LicenseView(name=standing.license.name, total=standing.license.total, in_use=standing.in_use)
