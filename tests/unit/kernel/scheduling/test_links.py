"""Devices near each other in a live center: what starts where, what is reserved, and what is said of who lacks it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.cycle import cycle
from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.explain import explain, preview
from suanli.kernel.scheduling.linking import order_of
from suanli.kernel.scheduling.plan import Decision, Explanation, Plan, Policy, Reason, ReasonCode
from suanli.kernel.scheduling.shapes import write_shape
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.what_if.onward import record_of
from suanli.model.devices import DeviceClass, DeviceRequest, Interconnect
from suanli.model.discovery import Distance
from suanli.model.ids import WorkloadId
from suanli.model.resources import Node
from suanli.model.spec import Request, WorkloadSpec
from tests.unit.kernel.scheduling.center import OWNERS, SECOND, Center, asks, gpu, node
from tests.unit.kernel.scheduling.checker import check
from tests.unit.kernel.scheduling.explained import check_explanation

MANY = 1000
LINK, NODE = Interconnect.LINK, Interconnect.NODE
TWO_FOURS = {LINK: ((0, 1, 2, 3), (4, 5, 6, 7))}


def linked(name: str, links: dict[Interconnect, tuple[tuple[int, ...], ...]] | None = None, **more: object) -> Node:
    plain = node(name, 64, 256, *(gpu(index) for index in range(8)))
    return replace(plain, links=TWO_FOURS if links is None else links, **more)  # type: ignore[arg-type]


def job(count: int, near: Interconnect | None = None, limit_s: int = 60, tasks: int = 1, **more: int) -> WorkloadSpec:
    devices = DeviceRequest(device_class=DeviceClass.GPU, count=count, interconnect=near)
    return WorkloadSpec(resources=asks(1, 1, devices), time_limit_s=limit_s, tasks=tasks, **more)  # type: ignore[arg-type]


def planned(center: Center) -> Plan:
    """The plan, which is judged on the way with all that is said of who waits."""
    plan = center.plan()
    check(center, plan)
    for workload in center.waiting:
        check_explanation(center, plan, explain(center.state, workload, center.now, center.policy))
    return plan


def placed(center: Center) -> dict[WorkloadId, dict[str, list[int]]]:
    """Who would start now: on which nodes, with which devices there."""
    return {
        row.workload: {hold.node: sorted(one.index for one in hold.devices) for hold in row.allocation.nodes}
        for row in planned(center).placements
    }


def held(center: Center) -> list[set[int]]:
    """The devices of each run, in the order in which they started."""
    return [{one.index for hold in run.allocation.nodes for one in hold.devices} for run in center.runs.values()]


def why(center: Center, workload: WorkloadId) -> Explanation:
    planned(center)
    return explain(center.state, workload, center.now, center.policy)


def first_reason(center: Center, workload: WorkloadId) -> Reason:
    return why(center, workload).reasons[0]


def test_nothing_is_asked_for_unless_it_is_said() -> None:
    assert demand_of(job(2)).device_interconnect is None
    assert demand_of(job(2, LINK)) == demand_of(job(2))._replace(device_interconnect=LINK)
    assert demand_of(job(2, LINK, tasks=3)).of_one_node.device_interconnect is LINK


@pytest.mark.parametrize("share", [1000, 500])
def test_of_one_device_or_a_part_of_one_it_says_nothing(share: int) -> None:
    request = DeviceRequest(share=share, interconnect=LINK)
    spec = WorkloadSpec(command=("a",), resources=asks(1, 1, request))
    spec.check()
    plain = WorkloadSpec(resources=asks(1, 1, replace(request, interconnect=None)))
    assert demand_of(spec) == demand_of(plain)
    center = Center().with_nodes(linked("n0", {}))
    assert center.add(spec) in placed(center)


@pytest.mark.parametrize("near", list(Interconnect))
def test_a_shape_knows_how_far_apart_devices_may_be(near: Interconnect) -> None:
    row = np.ones(t.APART + 1, dtype=np.int64)
    write_shape(row, demand_of(job(2, near)), [])
    assert row[t.APART] == Distance[near.name] == 1 + list(Interconnect).index(near)
    write_shape(row, demand_of(job(2)), [])
    assert row[t.APART] == 0


def test_work_goes_where_there_is_a_group_for_each_task() -> None:
    center = Center().with_nodes(linked("n0", {}), linked("n1"), linked("n2", {NODE: ((0, 1, 2), (4, 5))}))
    ones = [center.add(job(4, LINK)), center.add(job(4, LINK)), center.add(job(3, NODE)), center.add(job(2, NODE))]
    assert placed(center) == {
        ones[0]: {"n1": [0, 1, 2, 3]},
        ones[1]: {"n1": [4, 5, 6, 7]},
        ones[2]: {"n2": [0, 1, 2]},
        ones[3]: {"n2": [4, 5]},
    }


def test_tasks_of_one_job_may_be_of_different_groups_and_of_different_nodes() -> None:
    center = Center().with_nodes(linked("n0"), linked("n1"))
    one = center.add(job(3, LINK, tasks=3))
    assert placed(center) == {one: {"n0": [0, 1, 2, 4, 5, 6], "n1": [0, 1, 2]}}


def test_whole_nodes_are_asked_for_with_their_part_in_groups() -> None:
    center = Center().with_nodes(linked("n0", {LINK: ((0, 1, 2, 3),)}), linked("n1"), linked("n2"))
    one = center.add(job(4, LINK, tasks=4, nodes=2))
    assert placed(center) == {one: {"n1": list(range(8)), "n2": list(range(8))}}


def test_who_does_not_ask_for_it_leaves_large_groups_whole() -> None:
    center = Center().with_nodes(linked("n0", {LINK: ((0, 1, 2, 3), (5, 6))}))
    ones = [center.add(job(count)) for count in (1, 1, 2, 4)]
    assert placed(center) == {
        ones[0]: {"n0": [4]},
        ones[1]: {"n0": [7]},
        ones[2]: {"n0": [5, 6]},
        ones[3]: {"n0": [0, 1, 2, 3]},
    }


def test_an_alternative_without_it_is_taken_where_no_group_is_free() -> None:
    center = Center().with_nodes(linked("n0"))
    for count in (2, 2):
        center.add(job(count, LINK))
    center.turn()
    center.add(job(1))
    center.turn()
    other = job(3)
    either = replace(job(4, LINK), alternatives=(Request(resources=other.resources),))
    one = center.add(either)
    assert placed(center) == {one: {"n0": [5, 6, 7]}}
    assert [row.alternative for row in center.plan().placements] == [1]


def test_it_is_told_where_devices_are_never_so_near() -> None:
    center = Center().with_nodes(linked("n0"), linked("n1", {}))
    one = center.add(job(5, LINK))
    told = why(center, one)
    assert told.decision is Decision.NEVER
    assert [reason.code for reason in told.reasons] == [ReasonCode.IMPOSSIBLE, ReasonCode.DEVICE_INTERCONNECT]
    reason = told.reasons[1]
    assert (reason.needed, reason.available, reason.wanted) == (5000, 4000, "link")
    assert (reason.nodes_failing, reason.nodes_failing_first, reason.nodes_total) == (2, 2, 2)
    assert planned(center).refusals[0].reason.code is ReasonCode.IMPOSSIBLE


def test_it_is_told_where_no_group_has_enough_free() -> None:
    center = Center().with_nodes(linked("n0"), linked("n1", {}))
    for _ in range(2):
        center.add(job(3, LINK, limit_s=50))
    center.turn()
    one = center.add(job(2, LINK))
    reasons = why(center, one).reasons
    assert [reason.code for reason in reasons] == [ReasonCode.DEVICE_INTERCONNECT, ReasonCode.DEVICE_FREE]
    assert [reason.nodes_failing for reason in reasons] == [1, 1]
    # The node without links has eight free and no two near; that with links has one free in each group.
    assert [(one.needed, one.available, one.wanted) for one in reasons] == [(2000, 4000, "link"), (2000, 1000, "link")]
    (refusal,) = planned(center).refusals
    assert (refusal.reason.code, refusal.reason.wanted) == (ReasonCode.DEVICE_INTERCONNECT, "link")
    assert (refusal.reason.nodes_failing, refusal.reason.nodes_total) == (1, 2)


def test_of_a_nodes_part_of_several_tasks_all_their_devices_are_told() -> None:
    center = Center().with_nodes(linked("n0"))
    center.add(job(1, limit_s=50))
    center.turn()
    reason = first_reason(center, center.add(job(4, LINK, tasks=2, nodes=1)))
    assert (reason.code, reason.needed, reason.available) == (ReasonCode.DEVICE_FREE, 8000, 4000)


def test_a_refusal_that_is_not_about_links_names_none() -> None:
    center = Center().with_nodes(replace(linked("n0"), cpu_milli=1000))
    center.add(job(1, limit_s=50))
    center.turn()
    center.add(job(4, LINK))
    (refusal,) = planned(center).refusals
    assert (refusal.reason.code, refusal.reason.wanted) == (ReasonCode.CPU, "")
    plain = Center().with_nodes(linked("n0", {}))
    plain.add(job(8))
    plain.turn()
    plain.add(job(2))
    (refusal,) = planned(plain).refusals
    assert (refusal.reason.code, refusal.reason.wanted) == (ReasonCode.DEVICE_FREE, "")


def test_broken_devices_that_would_mend_are_told() -> None:
    whole = linked("n0")
    devices = tuple(replace(one, healthy=one.index not in {0, 4}) for one in whole.devices)
    center = Center().with_nodes(replace(whole, devices=devices))
    one = center.add(job(4, LINK))
    told = why(center, one)
    assert told.decision is Decision.LATER
    assert [reason.code for reason in told.reasons] == [ReasonCode.DEVICE_HEALTH]
    assert told.unforeseen is ReasonCode.DEVICE_HEALTH


@pytest.mark.parametrize("reservations", [1, MANY])
def test_the_head_is_promised_when_a_group_is_free(reservations: int) -> None:
    center = Center(policy=Policy(reservations=reservations)).with_nodes(linked("n0"))
    # Two runs, of which each breaks one group: the first ends at 30 s, the other at 50 s.
    for limit_s in (30, 50):
        center.add(job(3, LINK, limit_s=limit_s))
    center.turn()
    head = center.add(job(4, LINK, limit_s=100))
    plan = planned(center)
    (kept,) = plan.reservations
    assert (kept.workload, kept.start) == (head, center.now + 30 * SECOND)
    group = {one.index for hold in kept.nodes for one in hold.devices}
    assert group in ({0, 1, 2, 3}, {4, 5, 6, 7})
    # Behind it, one device of its group may be taken until then only, and one of the other for ever.
    short, long, longer = (center.add(job(1, limit_s=limit)) for limit in (30, 100, 100))
    started = placed(center)
    assert set(started) == {short, long}
    assert longer in center.waiting
    assert not group & set(started[long]["n0"])
    assert set(started[short]["n0"]) < group


def test_a_group_that_must_be_whole_again_is_waited_for_though_as_many_are_free() -> None:
    center = Center().with_nodes(linked("n0"))
    for count, limit_s in ((2, 40), (2, 20)):
        center.add(job(count, LINK, limit_s=limit_s))
        center.turn()
    assert held(center) == [{0, 1}, {2, 3}]
    center.add(job(2, LINK, limit_s=60))
    center.turn()
    one = center.add(job(4, LINK))
    # Of the other group the two that are left and of the first none: 40 s, and not 60.
    assert why(center, one).earliest_start == center.now + 40 * SECOND


def test_the_turn_that_is_foreseen_comes_true() -> None:
    center = Center().with_nodes(linked("n0"))
    for limit_s in (30, 50):
        center.add(job(3, LINK, limit_s=limit_s))
    center.turn()
    one = center.add(job(4, LINK))
    foreseen = why(center, one).earliest_start
    center.pass_time(30)
    center.end(next(run.id for run in center.runs.values() if run.time_limit_s == 30))
    assert center.now == foreseen
    assert one in placed(center)


def test_work_that_is_in_the_way_is_asked_to_leave() -> None:
    center = Center().with_nodes(linked("n0"))
    for count in (1, 3, 3):
        center.add(replace(job(count, LINK), preemptible=True))
    center.turn()
    center.add(replace(job(4, LINK), priority=1))
    plan = planned(center)
    assert held(center) == [{0}, {1, 2, 3}, {4, 5, 6}]
    # What started last goes first, and then nobody else need.
    assert [victim.run for victim in plan.preemptions] == [list(center.runs)[2]]


def test_a_nodes_links_may_be_told_anew() -> None:
    center = Center().with_nodes(linked("n0", {}))
    one = center.add(job(2, LINK))
    assert why(center, one).decision is Decision.NEVER
    center.set_node(linked("n0", {LINK: ((6, 7),)}))
    assert placed(center) == {one: {"n0": [6, 7]}}
    center.turn()
    # Links that are lost take nothing from who runs.
    center.set_node(linked("n0", {}))
    other = center.add(job(2, LINK))
    assert why(center, other).decision is Decision.NEVER
    assert len(center.runs) == 1


def test_devices_of_different_memory_stand_in_another_order_and_are_as_near() -> None:
    devices = (gpu(0, gib=80), gpu(1, gib=40), gpu(2, gib=80), gpu(3, gib=40))
    center = Center().with_nodes(replace(node("n0", 64, 256, *devices), links={LINK: ((0, 3), (1, 2))}))
    one, other = center.add(job(2, LINK)), center.add(job(2, LINK))
    assert sorted(found["n0"] for found in placed(center).values()) == [[0, 3], [1, 2]]
    assert {one, other} == set(placed(center))


def test_a_node_with_more_devices_comes_later() -> None:
    center = Center().with_nodes(replace(node("n0", 64, 256, gpu(0), gpu(1)), links={LINK: ((0, 1),)}))
    before = center.state.tables.devices[0, :2].tolist()
    center.set_node(linked("n1"))
    assert center.state.tables.devices[0, :2].tolist() == before
    assert not center.state.tables.devices[0, 2:, t.NEAR].any()
    ones = [center.add(job(4, LINK)), center.add(job(2, LINK))]
    assert placed(center) == {ones[0]: {"n1": [0, 1, 2, 3]}, ones[1]: {"n0": [0, 1]}}


def test_a_preview_says_what_would_come_of_it() -> None:
    center = Center().with_nodes(linked("n0"))
    now = preview(center.state, job(4, LINK), OWNERS[0], center.now, center.policy)
    assert now.decision is Decision.NOW
    never = preview(center.state, job(5, LINK), OWNERS[0], center.now, center.policy)
    assert never.reasons[1].code is ReasonCode.DEVICE_INTERCONNECT
    assert preview(center.state, job(5, NODE), OWNERS[0], center.now, center.policy).decision is Decision.NEVER
    center.set_node(linked("n0", {**TWO_FOURS, NODE: (tuple(range(8)),)}))
    assert preview(center.state, job(5, NODE), OWNERS[0], center.now, center.policy).decision is Decision.NOW


def test_a_copy_lives_on_with_the_same_links() -> None:
    center = Center().with_nodes(linked("n0"))
    one = center.add(job(4, LINK))
    other = snapshot(center.state)
    assert cycle(other, center.now, center.policy).placements == center.plan().placements
    center.set_node(linked("n0", {}))
    assert cycle(other, center.now, center.policy).placements
    assert not center.plan().placements
    _, spec = record_of(other, other.waiting(one))
    assert demand_of(spec) == demand_of(job(4, LINK))


def test_the_score_by_topology_takes_the_node_where_devices_are_near() -> None:
    nodes = (linked("n0", {}), linked("n1", {NODE: ((0, 1, 2, 3),)}), linked("n2"))
    for score, expected in (("first_fit", "n0"), ("topology", "n2"), ("topology=1,best_fit=0.01", "n2")):
        center = Center(policy=Policy(score=score)).with_nodes(*nodes)
        one = center.add(job(4))
        assert list(placed(center)[one]) == [expected]


def test_work_that_needs_one_device_keeps_off_groups_by_that_score() -> None:
    center = Center(policy=Policy(score="topology")).with_nodes(linked("n0"), linked("n1", {}))
    one = center.add(job(1))
    assert placed(center) == {one: {"n1": [0]}}


def test_equal_nodes_are_told_apart_by_their_links() -> None:
    center = Center().with_nodes(linked("n0", {}), linked("n1", {}), linked("n2"), linked("n3"))
    assert sorted(center.state.empty_room.counts.tolist()) == [2, 2]


def test_an_order_is_worked_out_once_for_equal_links() -> None:
    first = order_of(TWO_FOURS, range(8), 8)
    first[0] = 0
    assert order_of(TWO_FOURS, range(8), 8)[0] != 0
