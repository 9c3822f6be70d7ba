"""Quotas and licenses: who sets and sees them, what they refuse at submission, and that the planner keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from suanli.model.devices import DeviceRequest
from suanli.model.errors import AdmissionRefusedError, InvalidRequestError, NotFoundError, NotPermittedError
from suanli.model.ids import LicenseName, ProjectName
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.spec import Request, TaskResources
from suanli.model.tenancy import Project
from suanli.services.quotas import QuotaCheck, Quotas
from suanli.testing.builders import ANN, BOB, GIB, SetClock
from tests.unit.services.center import Center, admin, ann, bob, opened, operator
from tests.unit.services.turning import Turning

SOLVER = LicenseName("solver")
ONE = TaskResources(cpu_milli=1000, memory_bytes=GIB)


@pytest.fixture
def clock() -> SetClock:
    """What the check at submission goes by."""
    return SetClock(at_us=1_800_000_000_000_000)


@pytest.fixture
def center(tmp_path: Path, clock: SetClock) -> Iterator[Center]:
    with opened(tmp_path, checks=[QuotaCheck(clock)]) as made:
        yield made


@pytest.fixture
def quotas(center: Center) -> Quotas:
    return Quotas(center.store)


def define(center: Center, quotas: Quotas, scope: QuotaScope, name: str, **most: int) -> Quota:
    quota = Quota(scope=scope, name=name, **most)
    return center.do(partial(quotas.define_quota, caller=admin, quota=quota))


def own(center: Center, quotas: Quotas, total: int) -> License:
    return center.do(partial(quotas.define_license, caller=admin, wanted=License(name=SOLVER, total=total)))


def test_quotas_are_seen_by_those_whom_they_bind(center: Center, quotas: Quotas) -> None:
    project = Project(name=ProjectName("oxides"), members=frozenset({BOB}))
    center.do(partial(center.tenants.define_project, caller=admin, project=project))
    for scope, name in (
        (QuotaScope.QUEUE, "default"),
        (QuotaScope.PROJECT, "oxides"),
        (QuotaScope.PROJECT_USER, "default"),
        (QuotaScope.USER, BOB),
        (QuotaScope.USER, ANN),
    ):
        define(center, quotas, scope, name, runs=1)
    define(center, quotas, QuotaScope.QUEUE_USER, "default")
    seen = {by.user: [(quota.scope, quota.name) for quota in quotas.quotas(by)] for by in (ann, bob, operator)}
    everybody = [(QuotaScope.PROJECT_USER, "default"), (QuotaScope.QUEUE, "default")]
    assert seen[ann.user] == [*everybody, (QuotaScope.USER, ANN)]
    assert seen[bob.user] == [(QuotaScope.PROJECT, "oxides"), *everybody, (QuotaScope.USER, BOB)]
    assert len(seen[operator.user]) == 5


def test_only_administrators_set_them_for_what_there_is(center: Center, quotas: Quotas) -> None:
    for by in (ann, operator):
        with pytest.raises(NotPermittedError):
            center.do(partial(quotas.define_quota, caller=by, quota=Quota(scope=QuotaScope.USER, name=ANN)))
        with pytest.raises(NotPermittedError):
            center.do(partial(quotas.define_license, caller=by, wanted=License(name=SOLVER, total=1)))
    for scope in QuotaScope:
        with pytest.raises(NotFoundError):
            define(center, quotas, scope, "nobody", runs=1)
    with pytest.raises(InvalidRequestError, match="-1"):
        define(center, quotas, QuotaScope.USER, ANN, runs=-1)
    with pytest.raises(InvalidRequestError, match="cannot name"):
        center.do(partial(quotas.define_license, caller=admin, wanted=License(name=LicenseName("a b"))))
    with pytest.raises(InvalidRequestError, match="-1"):
        own(center, quotas, -1)


def test_what_could_never_start_is_refused_with_a_stable_reason(
    center: Center, quotas: Quotas, clock: SetClock
) -> None:
    center.submit(resources=ONE)
    define(center, quotas, QuotaScope.PROJECT_USER, "default", cpu_milli=2000, device_share=1500)
    own(center, quotas, 2)
    clock.at_us += 1_000_001
    two_devices = TaskResources(cpu_milli=1, memory_bytes=GIB, devices=DeviceRequest(count=2))
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"tasks": 3, "resources": ONE}, "quota_exceeded"),
        ({"resources": two_devices}, "quota_exceeded"),
        ({"licenses": {SOLVER: 3}}, "license_too_few"),
        ({"licenses": {LicenseName("mesher"): 1}}, "license_unknown"),
    ]
    for asked, reason in refusals:
        with pytest.raises(AdmissionRefusedError) as refused:
            center.submit(**asked)
        assert refused.value.reason == reason
    center.submit(tasks=2, resources=ONE, licenses={SOLVER: 2})
    # Of moldable work the least counts, and of several requests one that could start is enough.
    center.submit(tasks=3, min_tasks=2, resources=ONE)
    center.submit(tasks=3, resources=ONE, alternatives=(Request(resources=two_devices), Request(resources=ONE)))
    with pytest.raises(AdmissionRefusedError, match="cpu_milli"):
        center.submit(tasks=3, resources=ONE, alternatives=(Request(resources=two_devices),))


def test_the_planner_keeps_quotas_and_licenses_as_they_change(center: Center, quotas: Quotas) -> None:
    turning = Turning(center)
    own(center, quotas, 1)
    define(center, quotas, QuotaScope.USER, ANN, runs=1)
    mine = [turning.submit(resources=ONE, licenses={SOLVER: 1}), turning.submit(resources=ONE)]
    theirs = center.submit(bob, resources=ONE, licenses={SOLVER: 1})
    turning.settle()
    assert turning.running() == mine[:1]
    assert {one.license.name: one.in_use for one in quotas.licenses(ann)} == {SOLVER: 1}
    own(center, quotas, 2)
    turning.settle()
    assert turning.running() == [mine[0], theirs]
    define(center, quotas, QuotaScope.USER, ANN)
    turning.settle()
    assert turning.running() == [*mine, theirs]
    for again in (Turning(center), turning):
        own(center, quotas, 1)
        waits = again.submit(resources=ONE, licenses={SOLVER: 1})
        again.settle()
        assert waits not in again.running()
