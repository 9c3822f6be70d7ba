"""The power cap: what work could draw and draws, who waits for it, and for whom it is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Decision, Plan, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.ids import NodeName, WorkloadId
from suanli.model.resources import Device, DeviceHold, Node
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import SECOND, Center, asks, gpu, node
from tests.unit.kernel.scheduling.powered import most

A100 = DeviceRequest(model="a100")


def fed(name: str, *devices: Device, cpus: int = 8, cpu_watts: int = 0) -> Node:
    return replace(node(name, cpus, 64, *devices), cpu_power_mw=cpu_watts * 1000)


@pytest.fixture
def center() -> Center:
    """Two nodes with four devices of 400 W and of 70 W."""
    hungry, modest = (
        fed(name, *(gpu(index, model, 80, watts) for index in range(4)))
        for name, model, watts in (("h", "a100", 400), ("m", "t4", 70))
    )
    return Center().with_nodes(hungry, modest)


def job(limit: int = 100, devices: DeviceRequest | None = A100, tasks: int = 1) -> WorkloadSpec:
    return WorkloadSpec(tasks=tasks, resources=asks(0.1, 1, devices), time_limit_s=limit)


def started(plan: Plan) -> list[WorkloadId]:
    return [row.workload for row in plan.placements]


def told(center: Center, plan: Plan, workload: WorkloadId) -> tuple[ReasonCode, int, int, int, int]:
    """Code, and in watts what is needed, available, in use, and the cap."""
    reason = plan.reason(center.waiting[workload], center.state.waiting(workload).demand)
    assert reason is not None
    needed, available, in_use, cap = (
        amount // 1000 for amount in (reason.needed, reason.available, reason.in_use, reason.cap)
    )
    return reason.code, needed, available, in_use, cap


def in_use(center: Center) -> int:
    return int(center.state.tables.sizes[t.POWER_IN_USE])


def test_nothing_starts_that_could_draw_more_than_the_cap_leaves(center: Center) -> None:
    center.cap_power(1000)
    jobs = [center.add(job()) for _ in range(3)]
    plan = center.turn()
    assert started(plan) == jobs[:2]
    assert told(center, plan, jobs[2]) == (ReasonCode.POWER, 400, 200, 800, 1000)
    assert explain(center.state, jobs[2], center.now, center.policy).earliest_start == center.now + 100 * SECOND
    center.end(center.run_of(jobs[0]))
    assert started(center.turn()) == [jobs[2]]


def test_work_is_let_in_by_the_most_it_can_draw_and_counted_by_what_its_place_draws(center: Center) -> None:
    center.cap_power(500)
    modest = [center.add(job(devices=DeviceRequest(model="t4"))) for _ in range(2)]
    center.turn()
    assert in_use(center) == 140_000
    anywhere, named = center.add(job(devices=DeviceRequest())), center.add(job(50, DeviceRequest(model="t4")))
    plan = center.turn()
    assert started(plan) == [named]
    assert told(center, plan, anywhere) == (ReasonCode.POWER, 400, 290, 210, 500)
    for one in (*modest, named):
        center.end(center.run_of(one))
    assert started(center.turn()) == [anywhere]
    assert in_use(center) == 70_000 or in_use(center) == 400_000


def test_parts_of_devices_and_of_cpus_draw_their_part_rounded_up() -> None:
    center = Center().with_nodes(fed("n", gpu(0, watts=100), cpus=4, cpu_watts=7))
    center.cap_power(1000)
    spec = WorkloadSpec(tasks=2, resources=asks(0.333, 1, DeviceRequest(share=333)), time_limit_s=10)
    center.add(spec)
    (placement,) = center.turn().placements
    (hold,) = placement.allocation.nodes
    assert (hold.cpu_milli, hold.devices) == (666, (DeviceHold(index=0, share=666),))
    assert in_use(center) == 4_662 + 66_600
    assert most(center, spec) == 2 * (2_331 + 33_300)


def test_who_takes_nodes_exclusively_draws_all_that_is_there() -> None:
    nodes = [fed(f"n{number}", *(gpu(place, watts=100) for place in range(number)), cpu_watts=10) for number in (1, 2)]
    center = Center().with_nodes(*nodes)
    center.cap_power(459)
    wide = center.add(replace(job(devices=None), nodes=2, tasks=2, exclusive=True))
    explained = explain(center.state, wide, center.now, center.policy)
    assert explained.decision is Decision.NEVER
    assert [(one.code, one.needed // 1000) for one in explained.reasons] == [
        (ReasonCode.IMPOSSIBLE, 0),
        (ReasonCode.POWER, 460),
    ]
    center.cap_power(460)
    assert started(center.turn()) == [wide]
    assert in_use(center) == 460_000


def test_the_first_that_lacks_power_has_it_kept_from_when_it_is_left(center: Center) -> None:
    center.cap_power(1300)
    running = [center.add(job(100)), center.add(job(300))]
    center.turn()
    waits = center.add(job(50, tasks=2))
    late, in_time, modest = center.add(job(101)), center.add(job(100)), center.add(job(500, DeviceRequest(model="t4")))
    plan = center.turn()
    assert started(plan) == [in_time, modest]
    assert (plan.reservations[0].workload, plan.reservations[0].start) == (waits, center.now + 100 * SECOND)
    assert told(center, plan, late)[0] is ReasonCode.BACKFILL_WINDOW
    for run in (running[0], in_time):
        center.end(center.run_of(run))
    assert started(center.turn()) == [waits]


def test_what_is_spare_beside_the_first_is_had_only_once(center: Center) -> None:
    center.cap_power(1000)
    center.add(job(100, tasks=2))
    center.turn()
    waits = center.add(job(50, tasks=2))
    modest = [center.add(job(500, DeviceRequest(model="t4"))) for _ in range(3)]
    plan = center.turn()
    assert started(plan) == modest[:2]
    assert plan.reservations[0].workload == waits
    reason = plan.reason(center.waiting[modest[2]], center.state.waiting(modest[2]).demand)
    assert reason is not None
    assert (reason.code, reason.ahead) in {(ReasonCode.POWER, 0), (ReasonCode.BACKFILL_WINDOW, waits)}


def test_the_head_that_waits_for_nodes_has_its_power_kept_too(center: Center) -> None:
    center.cap_power(1700)
    center.add(job(100))
    center.turn()
    head = center.add(job(50, tasks=4))
    long, short = (center.add(job(limit, DeviceRequest(model="t4"), tasks=2)) for limit in (200, 100))
    plan = center.turn()
    assert (plan.reservations[0].workload, started(plan)) == (head, [short])
    reason = plan.reason(center.waiting[long], center.state.waiting(long).demand)
    assert reason is not None
    assert (reason.code, reason.ahead) == (ReasonCode.BACKFILL_WINDOW, head)


def test_who_lacks_power_keeps_nodes_too_so_that_no_stream_of_others_keeps_it_waiting(center: Center) -> None:
    center.cap_power(850)
    center.add(job(100, tasks=2))
    center.turn()
    waits = center.add(replace(job(50, tasks=2), resources=asks(3, 1, A100)))
    stream = [center.add(WorkloadSpec(resources=asks(2), time_limit_s=1000)) for _ in range(6)]
    plan = center.turn()
    kept = {hold.node: hold.cpu_milli for hold in plan.reservations[0].nodes}
    assert (plan.reservations[0].workload, kept) == (waits, {"h": 6000})
    on_h = [row for row in plan.placements if row.allocation.nodes[0].node == NodeName("h")]
    assert (started(plan), len(on_h)) == (stream[:5], 1)


def test_a_cap_below_what_runs_ends_nothing_and_lets_nothing_start_that_draws(center: Center) -> None:
    running = [center.add(job()) for _ in range(2)]
    center.turn()
    assert in_use(center) == 0
    center.cap_power(500)
    assert in_use(center) == 800_000
    waits, without = center.add(job(50)), center.add(job(10, None))
    plan = center.turn()
    assert (started(plan), plan.preemptions) == ([without], ())
    assert told(center, plan, waits) == (ReasonCode.POWER, 400, 0, 800, 500)
    center.end(center.run_of(running[0]))
    assert not started(center.turn())
    center.cap_power(0)
    assert started(center.turn()) == [waits]
    assert in_use(center) == 0


def test_nobody_gives_way_to_who_lacks_power(center: Center) -> None:
    center.cap_power(500)
    center.add(replace(job(1000), preemptible=True))
    center.turn()
    center.add(replace(job(), priority=5))
    plan = center.turn()
    assert not plan.preemptions
    assert plan.reservations[0].start == center.now + 1000 * SECOND


def test_what_could_never_start_under_the_cap_is_told_so_and_keeps_nothing(center: Center) -> None:
    center.cap_power(1000)
    never, behind = center.add(job(tasks=3)), center.add(job(10_000))
    plan = center.turn()
    assert (started(plan), plan.reservations) == ([behind], ())
    assert told(center, plan, never) == (ReasonCode.POWER, 1200, 600, 400, 1000)
    assert explain(center.state, never, center.now, center.policy).decision is Decision.NEVER
    center.cap_power(1600)
    assert started(center.turn()) == [never]


def test_what_is_not_known_to_draw_anything_is_not_held_back() -> None:
    center = Center().with_nodes(fed("n", gpu(0), gpu(1, watts=300)))
    center.cap_power(299)
    first = center.add(job(devices=DeviceRequest(min_memory_bytes=1)))
    assert explain(center.state, first, center.now, center.policy).decision is Decision.NEVER
    center.cap_power(300)
    assert started(center.turn()) == [first]
    assert in_use(center) in {0, 300_000}


def test_what_runs_is_counted_anew_when_its_node_is_said_to_draw_otherwise(center: Center) -> None:
    center.cap_power(1000)
    center.add(job(tasks=2))
    center.turn()
    center.set_node(fed("h", *(gpu(index, "a100", 80, 300) for index in range(4))))
    assert in_use(center) == 600_000
    more = center.add(job())
    assert started(center.turn()) == [more]
    assert in_use(center) == 900_000
