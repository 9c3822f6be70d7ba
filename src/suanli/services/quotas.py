"""Quotas and licenses: how much may be asked for at once, and what work needs that is on no node."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suanli.kernel.authority import is_member, is_staff, require, require_admin
from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.terms import standing_qos
from suanli.model.errors import AdmissionRefusedError, InvalidRequestError, NotFoundError
from suanli.model.facts import LicenseDefined, QuotaDefined
from suanli.model.ids import LicenseName, ProjectName, QosName, QueueName, UserName
from suanli.model.quantities import Instant
from suanli.model.quota import Amounts, License, Quota, QuotaScope
from suanli.model.spec import WorkloadSpec
from suanli.model.tenancy import Caller, Scope, User
from suanli.ports.clock import Clock
from suanli.ports.store import Reading, Store, Transaction

_REMEMBERED_US = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseStanding:
    """A license, and how many of it running work has."""

    license: License
    in_use: int


class Quotas:
    """Keeps quotas and licenses; what they hold back is the planner's to say."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def quotas(self, caller: Caller) -> Sequence[Quota]:
        """The quotas that bind the caller's work, for operators all; those without a bound left are none."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            every = [quota for quota in tables.quotas() if any(quota.most)]
            if is_staff(caller):
                return every
            user = tables.user(caller.user)
            projects = {project.name for project in tables.projects() if is_member(user, project)}
        return [quota for quota in every if _binds(quota, caller.user, projects)]

    def define_quota(self, tx: Transaction, caller: Caller, quota: Quota) -> Quota:
        """Set a quota from now on; for administrators. What runs runs on.

        Raises:
            NotFoundError: there is no such queue, QOS, project or user.
            InvalidRequestError: an amount is not one that can be counted.
        """
        require_admin(caller)
        quota.check()
        match quota.scope:
            case QuotaScope.QUEUE | QuotaScope.QUEUE_USER:
                tx.queue(QueueName(quota.name))
            case QuotaScope.QOS | QuotaScope.QOS_USER:
                standing_qos(tx, QosName(quota.name))
            case QuotaScope.PROJECT | QuotaScope.PROJECT_USER:
                tx.project(ProjectName(quota.name))
            case QuotaScope.USER:
                tx.user(UserName(quota.name))
        tx.append(QuotaDefined(quota=quota), actor=caller.user)
        return tx.quota(quota.scope, quota.name)

    def licenses(self, caller: Caller) -> Sequence[LicenseStanding]:
        """All licenses, and how many of each are in use."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            used = _in_use(tables)
            return [LicenseStanding(license=one, in_use=used[one.name]) for one in tables.licenses()]

    def define_license(self, tx: Transaction, caller: Caller, wanted: License) -> License:
        """Say how many of a license there are; for administrators. Work that has more than are left keeps them.

        Raises:
            InvalidRequestError: the name or the number is not one that a license can have.
        """
        require_admin(caller)
        if _NAME.fullmatch(wanted.name) is None:
            raise InvalidRequestError("name", f"{wanted.name!r} cannot name a license", "letters, digits, _ . -")
        wanted.check()
        tx.append(LicenseDefined(license=wanted), actor=caller.user)
        return tx.license(wanted.name)


class QuotaCheck:
    """Refuses what could never start: more than a quota allows even alone, or more of a license than there is.

    Quotas are remembered for one second: one that was changed meanwhile holds back what was let in by the old one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: tuple[Instant, Mapping[tuple[QuotaScope, str], Quota]] = (Instant(0), {})

    def check(self, owner: User, specs: Sequence[WorkloadSpec], tables: Reading) -> None:
        """Let the submission pass or refuse it.

        Raises:
            AdmissionRefusedError: a quota is too small for one workload alone, or licenses are too few.
        """
        read_at, quotas = self._known
        if not 0 <= self._clock.now() - read_at < _REMEMBERED_US:
            quotas = {(quota.scope, quota.name): quota for quota in tables.quotas() if any(quota.most)}
            self._known = (self._clock.now(), quotas)
        for spec in specs:
            _check_licenses(spec, tables)
            if quotas:
                _check_quotas(owner, spec, quotas)


def _binds(quota: Quota, user: UserName, projects: set[ProjectName]) -> bool:
    match quota.scope:
        case QuotaScope.QUEUE | QuotaScope.QUEUE_USER | QuotaScope.QOS | QuotaScope.QOS_USER:
            return True
        case QuotaScope.PROJECT | QuotaScope.PROJECT_USER:
            return quota.name in projects
        case QuotaScope.USER:
            return quota.name == user


def _in_use(tables: Reading) -> Counter[LicenseName]:
    workloads = tables.these([run.workload for run in tables.active_runs()])
    specs = tables.submissions({workload.submission for workload in workloads})
    used: Counter[LicenseName] = Counter()
    for workload in workloads:
        used.update(specs[workload.submission].spec.licenses)
    return used


def _check_licenses(spec: WorkloadSpec, tables: Reading) -> None:
    for name, count in sorted(spec.licenses.items()):
        try:
            total = tables.license(name).total
        except NotFoundError:
            hint = "see `suanli license list`"
            raise AdmissionRefusedError("license_unknown", f"this center has no license {name}", hint) from None
        if count > total:
            detail = f"{count} of license {name} are asked for, and there are {total} in all"
            raise AdmissionRefusedError("license_too_few", detail, "ask for fewer")


def _check_quotas(owner: User, spec: WorkloadSpec, quotas: Mapping[tuple[QuotaScope, str], Quota]) -> None:
    asked = demand_of(spec).asked
    for scope, name in (
        (QuotaScope.QUEUE, spec.queue),
        (QuotaScope.QUEUE_USER, spec.queue),
        (QuotaScope.QOS, spec.qos),
        (QuotaScope.QOS_USER, spec.qos),
        (QuotaScope.PROJECT, spec.project),
        (QuotaScope.PROJECT_USER, spec.project),
        (QuotaScope.USER, owner.name),
    ):
        quota = quotas.get((scope, name))
        if quota is None:
            continue
        for amount, most, wanted in zip(Amounts._fields, quota.most, asked, strict=True):
            if 0 < most < wanted:
                detail = f"it asks for {wanted} ({amount}) in all, and the quota of {scope} {name} is {most}"
                raise AdmissionRefusedError("quota_exceeded", detail, "ask for less: `suanli quota list` says how much")
