"""What is told of a workload besides what nodes lack: what is impossible, when it may start, and why that is open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suanli.kernel.scheduling.explain import explain, preview
from suanli.kernel.scheduling.plan import Decision, Policy, Reason, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.errors import NotFoundError
from suanli.model.ids import LicenseName, QueueName, ReservationName, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.quota import Quota, QuotaScope
from suanli.model.resources import Node, NodeState
from suanli.model.spec import ArraySpec, WorkloadSpec
from tests.unit.kernel.scheduling.asking_why import job, of, why
from tests.unit.kernel.scheduling.center import GIB, OWNERS, PROJECT, SECOND, Center, gpu, node

ANN = UserName("ann")
LATER, NEVER, NOW = Decision.LATER, Decision.NEVER, Decision.NOW
SICK = replace(gpu(0), healthy=False)


@pytest.mark.parametrize(
    ("spec", "reasons"),
    [
        pytest.param(job(64), {ReasonCode.CPU: (64_000, 4000)}, id="cpus"),
        pytest.param(job(1, gib=64), {ReasonCode.MEMORY: (64 * GIB, 16 * GIB)}, id="memory"),
        pytest.param(
            job(64, gib=64), {ReasonCode.CPU: (64_000, 4000), ReasonCode.MEMORY: (64 * GIB, 16 * GIB)}, id="both"
        ),
        pytest.param(job(1, tasks=9), {ReasonCode.TASKS_COUNT: (9, 4)}, id="tasks"),
        pytest.param(job(1, tasks=2, nodes=2), {ReasonCode.NODES_COUNT: (2, 1)}, id="nodes"),
        pytest.param(job(1, licenses={LicenseName("s"): 3}), {ReasonCode.LICENSE: (3, 2)}, id="licenses"),
        pytest.param(
            job(64, licenses={LicenseName("x"): 1}),
            {ReasonCode.CPU: (64_000, 4000), ReasonCode.LICENSE: (1, 0)},
            id="cpus and a license",
        ),
    ],
)
def test_what_the_center_has_too_little_of_for_good(
    spec: WorkloadSpec, reasons: dict[ReasonCode, tuple[int, int]]
) -> None:
    center = of(node("n0"), running=(job(4, 0),))
    center.set_license("s", 2)
    found = why(center, spec)
    assert (found.decision, found.earliest_start, found.unforeseen) == (NEVER, None, ReasonCode.IMPOSSIBLE)
    impossible, *short = found.reasons
    assert impossible == Reason(code=ReasonCode.IMPOSSIBLE)
    assert {reason.code: (reason.needed, reason.available) for reason in short} == reasons


@pytest.mark.parametrize("mended", [replace(node("n0"), state=NodeState.DRAINING), node("n0", 4, 16, SICK)])
def test_what_may_mend_is_not_for_good(mended: Node) -> None:
    devices = DeviceRequest() if mended.devices else None
    found = why(of(mended), job(1, devices=devices))
    assert (found.decision, found.earliest_start) == (LATER, None)


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        pytest.param(
            lambda center: center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, runs=1)),
            ReasonCode.PROJECT_QUOTA,
            id="a quota",
        ),
        pytest.param(lambda center: center.add(job(4, 0)), ReasonCode.NO_TIME_LIMIT, id="work without limit"),
        pytest.param(
            lambda center: center.set_node(replace(node("n0"), state=NodeState.DOWN)),
            ReasonCode.NODE_STATE,
            id="a node that is down",
        ),
    ],
)
def test_why_no_start_can_be_foreseen(setting: Any, code: ReasonCode) -> None:
    center = of(node("n0"))
    if code is ReasonCode.PROJECT_QUOTA:
        center.add(job(1, 0))
        center.turn()
        setting(center)
    else:
        setting(center)
        center.turn()
    found = why(center, job(4))
    assert (found.earliest_start, found.unforeseen) == (None, code)


def test_a_license_that_running_work_holds_for_ever_leaves_the_start_open() -> None:
    center = of(node("n0", 8))
    center.set_license("s", 1)
    licensed = job(1, 0, licenses={LicenseName("s"): 1})
    center.add(licensed)
    center.turn()
    found = why(center, licensed)
    assert (found.earliest_start, found.unforeseen) == (None, ReasonCode.LICENSE)
    assert [reason.code for reason in found.reasons] == [ReasonCode.LICENSE]


def test_a_reservation_that_is_not_there_leaves_the_start_open() -> None:
    found = why(of(node("n0")), job(1, reservation=ReservationName("nowhere")))
    assert (found.decision, found.earliest_start, found.unforeseen) == (LATER, None, ReasonCode.RESERVATION)


@pytest.mark.parametrize(
    ("limits", "cpus", "start"),
    [
        pytest.param((100,), 4, 100, id="when the one that holds it ends"),
        pytest.param((100, 50), 4, 100, id="when the last of two ends"),
        pytest.param((100, 50), 2, 50, id="when the first of two ends"),
        pytest.param((100, 0), 2, 100, id="beside one that may run for ever"),
    ],
)
def test_the_first_instant_at_which_it_fits(limits: tuple[int, ...], cpus: int, start: int) -> None:
    center = of(node("n0"), running=tuple(job(4 // len(limits), limit) for limit in limits))
    found = why(center, job(cpus))
    assert found.earliest_start == center.now + start * SECOND


@pytest.mark.parametrize(
    ("deadline", "reason"),
    [
        pytest.param(160, None, id="just in time"),
        pytest.param(159, (100, 99), id="a second too late"),
        pytest.param(100, (100, 40), id="a minute too late"),
        pytest.param(30, (100, 0), id="it could not even be done from now on"),
    ],
)
def test_a_start_that_is_foreseen_too_late_is_told(deadline: int, reason: tuple[int, int] | None) -> None:
    center = of(node("n0"), running=(job(4, 100),))
    found = why(center, job(4, 60, deadline=Instant(center.now + deadline * SECOND)))
    late = [one for one in found.reasons if one.code is ReasonCode.DEADLINE]
    assert [(one.needed, one.available) for one in late] == ([] if reason is None else [reason])


def test_how_many_are_ahead() -> None:
    center = of(node("n0"), running=(job(4, 100),))
    center.set_queue("urgent", 5)
    for _ in range(3):
        center.add(job(4))
    assert why(center, job(4)).ahead == 3
    assert why(center, job(4, priority=1)).ahead == 0
    assert why(center, job(4, queue=QueueName("urgent"))).ahead == 0


def test_what_this_turn_starts_is_told_with_its_place() -> None:
    center = of(node("n0"), node("n1", 8))
    found = why(center, job(2))
    assert (found.decision, found.reasons, found.unforeseen, found.ahead) == (NOW, (), None, 0)
    assert found.earliest_start == center.now
    assert found.allocation == center.plan().placements[0].allocation


def test_work_that_others_crowd_out_in_this_turn_is_told_how_many() -> None:
    center = of(node("n0"))
    for _ in range(2):
        center.add(job(2))
    found = why(center, job(2))
    assert found.reasons == (Reason(code=ReasonCode.PRIORITY, available=2),)


def test_a_turn_that_was_cut_short_crowds_out_too() -> None:
    center = Center(policy=Policy(placements=1)).with_nodes(node("n0", 8))
    center.add(job())
    workload = center.add(job())
    found = explain(center.state, workload, center.now, center.policy)
    assert [reason.code for reason in found.reasons] == [ReasonCode.PRIORITY]


@pytest.mark.parametrize("limit", [101, 500, 0])
def test_a_window_is_told_to_who_would_run_beyond_it(limit: int) -> None:
    center = of(node("n0"), running=(job(3, 100),))
    head = center.add(job(4, 50))
    found = why(center, job(1, limit))
    window = Reason(code=ReasonCode.BACKFILL_WINDOW, needed=limit, available=100, ahead=head)
    assert found.reasons == (window,)
    assert found.earliest_start == center.now + 150 * SECOND


def test_bounds_are_told_beside_what_nodes_lack() -> None:
    center = of(node("n0"), running=(job(4, 100),))
    center.set_quota(Quota(scope=QuotaScope.QUEUE, name="default", runs=1))
    found = why(center, job(4))
    assert [reason.code for reason in found.reasons] == [ReasonCode.QUEUE_QUOTA, ReasonCode.CPU]


def test_what_is_previewed_is_its_owners_and_of_no_array() -> None:
    center = of(node("n0"))
    center.set_quota(Quota(scope=QuotaScope.USER, name=OWNERS[0], runs=1))
    center.set_quota(Quota(scope=QuotaScope.USER, name="nobody", cpu_milli=1))
    spec = job(2, array=ArraySpec(indices=tuple(range(50)), max_running=1))
    found = preview(center.state, spec, OWNERS[1], center.now, center.policy)
    assert (found.decision, found.workload) == (NOW, 0)
    barred = preview(center.state, spec, UserName("nobody"), center.now, center.policy)
    assert [reason.code for reason in barred.reasons] == [ReasonCode.USER_QUOTA]


def test_a_preview_that_fails_leaves_nothing_in_the_queue() -> None:
    center = of(node("n0"))
    with pytest.raises(NotFoundError, match="no score policy luck"):
        preview(center.state, job(), ANN, center.now, Policy(score="luck"))
    assert center.queue() == []
    assert not center.state.waits(WorkloadId(2**62))


def test_who_does_not_wait_is_named() -> None:
    center = of(node("n0"), running=(job(),))
    for workload in (WorkloadId(1), WorkloadId(77)):
        with pytest.raises(NotFoundError) as caught:
            explain(center.state, workload, center.now, center.policy)
        assert caught.value.detail == f"no waiting workload {workload}"
