"""Qualities of service: who sets and may have them, and that the planner goes by them as they are set."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from suanli.kernel.scheduling.fair_share import ShareWeights
from suanli.kernel.scheduling.plan import Policy
from suanli.model.errors import (
    AdmissionRefusedError,
    ConflictError,
    IllegalTransitionError,
    InvalidRequestError,
    NotFoundError,
    NotPermittedError,
)
from suanli.model.facts import NodeRegistered, QosDefined, QosRemoved, WorkloadUpdated
from suanli.model.ids import FactSeq, ProjectName, QosName, UserName, WorkloadId
from suanli.model.qos import MAX_FACTOR, Qos, plain
from suanli.model.quota import Quota, QuotaScope
from suanli.model.spec import MAX_PRIORITY, NORMAL, TaskResources
from suanli.model.tenancy import Caller
from suanli.services.qualities import QosCheck, Qualities
from suanli.services.quotas import QuotaCheck, Quotas
from suanli.services.workloads import Update, parse_ref
from suanli.testing.builders import ANN, GIB, node, spec
from tests.unit.services.center import Center, admin, ann, bob, opened, operator, reader
from tests.unit.services.turning import Turning

URGENT = QosName("urgent")
ALL = TaskResources(cpu_milli=8000, memory_bytes=GIB)


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    with opened(tmp_path, [QosCheck()]) as made:
        yield made


@pytest.fixture
def qualities(center: Center) -> Qualities:
    return Qualities(center.store)


def put(center: Center, name: str = URGENT, by: Caller = admin, **said: Any) -> Qos:
    wanted = Qos(name=QosName(name), **said)
    return center.do(partial(Qualities(center.store).define, caller=by, wanted=wanted))


def remove(center: Center, name: str = URGENT, by: Caller = admin) -> None:
    center.do(partial(Qualities(center.store).remove, caller=by, name=QosName(name)))


def change(center: Center, workload: int, qos: str, by: Caller = ann) -> None:
    wanted = Update(qos=QosName(qos))
    center.do(lambda tx: center.workloads.update(tx, by, parse_ref(str(workload)), wanted))


def test_administrators_set_them_and_everybody_sees_them(center: Center, qualities: Qualities) -> None:
    assert qualities.list(reader) == [plain(NORMAL)]
    made = put(center, priority=5, usage_factor=2000, users=frozenset({ANN}))
    assert made == Qos(name=URGENT, priority=5, usage_factor=2000, users=frozenset({ANN}), generation=1)
    assert qualities.list(bob) == [plain(NORMAL), made]
    assert qualities.show(bob, URGENT) == made
    for nobody in (ann, operator):
        with pytest.raises(NotPermittedError):
            put(center, by=nobody)
        with pytest.raises(NotPermittedError):
            remove(center, by=nobody)
    (recorded,) = center.store.news(FactSeq(center.facts() - 1), 10)
    assert isinstance(recorded.fact, QosDefined)
    assert recorded.actor == admin.user


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"name": "no name"}),
        ("priority", {"priority": MAX_PRIORITY + 1}),
        ("usage_factor", {"usage_factor": -1}),
        ("usage_factor", {"usage_factor": MAX_FACTOR + 1}),
        ("users", {"users": frozenset({UserName("nobody")})}),
        ("projects", {"projects": frozenset({ProjectName("none")})}),
        ("users", {"name": NORMAL, "users": frozenset({ANN})}),
    ],
)
def test_what_cannot_be_is_refused_by_name(center: Center, field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        put(center, **wrong)
    assert refused.value.field == field


def test_one_that_was_removed_is_none_until_it_is_set_again(center: Center, qualities: Qualities) -> None:
    put(center, priority=5)
    remove(center)
    assert qualities.list(ann) == [plain(NORMAL)]
    for gone in (URGENT, QosName("never")):
        with pytest.raises(NotFoundError):
            qualities.show(ann, gone)
        with pytest.raises(NotFoundError):
            remove(center, gone)
    with pytest.raises(IllegalTransitionError):
        center.tell(QosRemoved(name=URGENT))
    assert put(center, priority=1).generation == 3
    # The normal one is always there.
    put(center, NORMAL, priority=9)
    remove(center, NORMAL)
    assert qualities.show(ann, NORMAL) == plain(NORMAL)


def test_work_has_only_one_that_is_there_and_its_own_to_have(center: Center) -> None:
    with pytest.raises(AdmissionRefusedError) as refused:
        center.submit(qos=URGENT)
    assert refused.value.reason == "qos_unknown"
    put(center, users=frozenset({ANN}))
    assert center.workload(center.submit(qos=URGENT)).qos == URGENT
    with pytest.raises(AdmissionRefusedError) as refused:
        center.submit(bob, qos=URGENT)
    assert refused.value.reason == "qos_not_yours"
    put(center, projects=frozenset({ProjectName("default")}))
    center.submit(bob, qos=URGENT)
    remove(center)
    with pytest.raises(AdmissionRefusedError):
        center.submit(qos=URGENT)
    assert center.workload(center.submit()).qos == NORMAL


def test_what_waits_may_be_given_another_and_what_runs_keeps_its_own(center: Center) -> None:
    put(center, users=frozenset({ANN}))
    waiting, running = center.submit(), center.running()
    change(center, waiting, URGENT)
    assert center.workload(waiting).qos == URGENT
    with pytest.raises(ConflictError):
        change(center, running, URGENT)
    with pytest.raises(IllegalTransitionError):
        center.tell(WorkloadUpdated(workload=running, time_limit_s=0, priority=0, qos=URGENT))
    with pytest.raises(AdmissionRefusedError):
        change(center, waiting, "never")
    other = center.submit(bob)
    with pytest.raises(AdmissionRefusedError):
        # Whoever asks, it is the owner who must be among those it is for.
        change(center, other, URGENT, operator)
    # Changing anything else leaves it.
    center.tell(WorkloadUpdated(workload=waiting, time_limit_s=7, priority=-1))
    assert center.workload(waiting).qos == URGENT
    before = center.facts()
    change(center, waiting, URGENT)
    assert center.facts() == before
    would = center.workloads.would_update(ann, parse_ref(str(waiting)), Update(qos=NORMAL))
    assert would == [WorkloadUpdated(workload=waiting, time_limit_s=7, priority=-1, qos=NORMAL)]
    assert center.workload(waiting).qos == URGENT


def test_the_planner_goes_by_them_as_they_are_set(center: Center) -> None:
    turning = Turning(center)
    center.tell(NodeRegistered(node=node("n1")))
    put(center, priority=5)
    first = turning.submit(resources=ALL, time_limit_s=60, preemptible=True)
    second = center.submit(resources=ALL, time_limit_s=60)
    urgent = center.submit(resources=ALL, time_limit_s=60, qos=URGENT)
    why = turning.planner.explain(urgent).explanation
    assert why is not None
    assert (why.level, why.ahead) == ((0, 5, 0), 0)
    turning.planner.turn()
    assert center.states(first, second, urgent) == ["ending", "waiting", "waiting"]
    turning.end(first)
    assert turning.running() == [urgent]
    turning.restart()
    again = center.submit(resources=ALL, time_limit_s=60, qos=URGENT)
    told = turning.planner.explain(again).explanation
    assert told is not None
    assert (told.level, told.ahead) == ((0, 5, 0), 0)
    remove(center)
    plainly = turning.planner.explain(again).explanation
    assert plainly is not None
    assert (plainly.level, plainly.ahead) == ((0, 0, 0), 1)


def test_quotas_of_them_are_set_told_and_kept(center: Center) -> None:
    quotas, turning = Quotas(center.store), Turning(center)
    bound = Quota(scope=QuotaScope.QOS, name=URGENT, runs=1, cpu_milli=4000)
    with pytest.raises(NotFoundError):
        center.do(partial(quotas.define_quota, caller=admin, quota=bound))
    put(center)
    center.do(partial(quotas.define_quota, caller=admin, quota=bound))
    assert [one.name for one in quotas.quotas(bob)] == [URGENT]
    jobs = [turning.submit(qos=URGENT, time_limit_s=60) for _ in range(2)]
    assert turning.running() == jobs[:1]
    why = turning.planner.explain(jobs[1]).explanation
    assert why is not None
    assert [reason.code for reason in why.reasons] == ["qos_quota"]
    much = spec(qos=URGENT, resources=ALL, project=ProjectName("default"))
    with center.store.read() as tables:
        owner, check = tables.user(ANN), QuotaCheck(center.clock)
        with pytest.raises(AdmissionRefusedError) as refused:
            check.check(owner, [much], tables)
    assert refused.value.reason == "quota_exceeded"


@pytest.mark.parametrize(("factor", "first"), [(1000, "bob"), (0, "ann")])
def test_usage_counts_as_its_qos_says(center: Center, factor: int, first: str) -> None:
    """Ann held more than Bob of late, and all of it with one quality of service."""
    put(center, usage_factor=factor)
    turning = Turning(center, policy=Policy(shares=ShareWeights(member_s=86_400)))
    center.tell(NodeRegistered(node=node("n1")))
    held = turning.submit(resources=ALL, qos=URGENT)
    center.clock.at_us += 86_400 * 1_000_000
    turning.end(held)
    blocker = turning.submit(by=operator, resources=ALL)
    center.submit(ann, resources=ALL)
    center.clock.at_us += 3600 * 1_000_000
    center.submit(bob, resources=ALL)
    center.clock.at_us += 120 * 1_000_000
    turning.end(blocker)
    owners = [center.workload(workload).owner for workload in turning.running()]
    assert owners == [first]
    assert WorkloadId(held) == held
