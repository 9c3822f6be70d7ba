"""The center's state, changed bit by bit: what is said twice, what is unknown, what large queues cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.grow import sizes_of
from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.job import NEVER, expected_end
from suanli.kernel.scheduling.plan import Policy, ReasonCode
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.devices import DeviceRequest
from suanli.model.errors import NotFoundError
from suanli.model.ids import RunId, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.spec import ArraySpec, WorkloadSpec
from tests.unit.kernel.scheduling.center import BEGIN, SECOND, Center, asks, gpu, node


def test_the_last_word_on_a_workload_and_on_a_run_holds() -> None:
    center = Center().with_nodes(node("n0"))
    workload = center.add(WorkloadSpec(tasks=3))
    center.state.enqueue(center.waiting[workload], center.specs[workload])
    center.turn()
    center.begin(center.run_of(workload))
    center.begin(center.run_of(workload))
    assert center.state.room.nodes[0, [t.FREE_CPU, t.HOLDERS]].tolist() == [1000, 1]
    center.end(center.run_of(workload))
    assert center.state.room.nodes[0, [t.FREE_CPU, t.HOLDERS]].tolist() == [4000, 0]


def test_what_is_unknown_is_refused() -> None:
    center = Center().with_nodes(node("n0"))
    workload = center.add(WorkloadSpec())
    center.turn()
    run = center.runs[center.run_of(workload)]
    with pytest.raises(NotFoundError, match="no waiting workload 1"):
        center.state.dequeue(workload)
    with pytest.raises(NotFoundError, match="no waiting workload 1"):
        center.state.waiting(workload)
    with pytest.raises(NotFoundError, match=r"no run with an allocation 9\.1"):
        center.state.vacate(RunId("9.1"))
    with pytest.raises(NotFoundError, match="no node n0"):
        ClusterState().occupy(run, center.active[workload], WorkloadSpec(), NEVER)


def test_a_refused_run_leaves_nothing_behind() -> None:
    center = Center().with_nodes(node("n0"), node("n1"))
    workload = center.add(WorkloadSpec(tasks=8))
    center.turn()
    run = center.runs[center.run_of(workload)]
    state = ClusterState()
    state.set_node(center.nodes[run.allocation.nodes[0].node])
    with pytest.raises(NotFoundError):
        state.occupy(run, center.active[workload], WorkloadSpec(), NEVER)
    assert not state.holds(run.id)
    assert state.room.nodes[:, t.HOLDERS].tolist() == [0]


def test_it_says_what_waits_and_what_holds() -> None:
    center = Center().with_nodes(node("n0"))
    workload = center.add(WorkloadSpec())
    assert center.state.waits(workload)
    center.turn()
    assert not center.state.waits(workload)
    assert center.state.holds(center.run_of(workload))


def test_a_run_is_expected_to_end_its_limit_after_it_began() -> None:
    center = Center().with_nodes(node("n0"))
    workload = center.add(WorkloadSpec(time_limit_s=60))
    center.turn()
    run = center.runs[center.run_of(workload)]
    assert expected_end(run) == BEGIN + 60 * SECOND
    assert expected_end(replace(run, started_at=Instant(BEGIN + 5))) == BEGIN + 5 + 60 * SECOND
    assert expected_end(replace(run, time_limit_s=0)) == NEVER


def test_planning_changes_nothing() -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0)))
    shared = center.add(WorkloadSpec(resources=asks(devices=DeviceRequest(share=400))))
    plan = center.plan()
    assert center.state.room.devices[0, 0, t.FREE] == 1000
    assert center.state.room.nodes[0, [t.FREE_CPU, t.HOLDERS]].tolist() == [4000, 0]
    assert center.queue() == [shared]
    assert center.plan() == plan
    assert len(plan.placements) == 1


def test_rows_codes_and_classes_are_used_again() -> None:
    center = Center().with_nodes(node("n0"))
    for round_ in range(50):
        spec = WorkloadSpec(resources=asks(1, 1 + round_ % 7), array=ArraySpec(indices=(0, 1), max_running=1))
        center.submit(spec, 2)
        center.turn()
        for run in list(center.runs):
            center.end(run)
        center.turn()
        for run in list(center.runs):
            center.end(run)
        assert not center.waiting
    assert not center.state.jobs
    sizes = sizes_of(center.state.tables)
    assert (sizes.jobs, sizes.kinds, sizes.shapes, sizes.bounds) == (16, 1, 16, 1)
    assert sizes.holds == 16


def test_a_held_device_that_vanishes_and_returns_is_still_held() -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0), gpu(1)))
    one = WorkloadSpec(resources=asks(devices=DeviceRequest()))
    first = center.add(one)
    center.turn()
    center.set_node(node("n0", 4, 16, gpu(1)))
    second, third = center.submit(one, 2)
    center.turn()
    assert set(center.active) == {first, second}
    center.set_node(node("n0", 4, 16, gpu(0), gpu(1)))
    center.turn()
    assert third in center.waiting
    center.end(center.run_of(first))
    center.turn()
    assert third in center.active


def test_twenty_thousand_waiting_are_told_off_by_class() -> None:
    center = Center().with_nodes(node("n0", 64, 256))
    center.add(WorkloadSpec(resources=asks(64), time_limit_s=60))
    center.turn()
    specs = [WorkloadSpec(resources=asks(1 + kind)) for kind in range(50)]
    for number in range(20_000):
        center.add(specs[number % 50])
    plan = center.plan()
    assert not plan.placements
    assert [refusal.waiting for refusal in plan.refusals] == [400] * 50
    last = center.waiting[WorkloadId(center.last)]
    reason = plan.reason(last, demand_of(center.specs[last.id]))
    assert reason is not None
    assert (reason.code, reason.nodes_failing, reason.nodes_total) == (ReasonCode.CPU, 1, 1)


def test_a_turn_stops_at_its_bound_and_says_so() -> None:
    center = Center(policy=Policy(placements=3)).with_nodes(node("n0", 8))
    center.submit(WorkloadSpec(), 5)
    first, second = center.turn(), center.turn()
    assert (len(first.placements), first.complete) == (3, False)
    assert (len(second.placements), second.complete) == (2, True)
    assert first.reason(replace(center.active[WorkloadId(5)]), demand_of(WorkloadSpec())) is None


def test_arrays_at_their_bound_leave_the_rest_of_their_class_alone() -> None:
    center = Center().with_nodes(node("n0", 8))
    bounded = center.submit(WorkloadSpec(array=ArraySpec(indices=(0, 1, 2), max_running=1)), 3)
    free = center.submit(WorkloadSpec(), 2)
    plan = center.turn()
    assert [row.workload for row in plan.placements] == [bounded[0], *free]
    reason = plan.reason(center.waiting[bounded[1]], demand_of(WorkloadSpec()))
    assert reason is not None
    assert reason.code is ReasonCode.ARRAY_LIMIT
