"""One turn of a live center: what its plan says, and that the center is afterwards as it was before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.cycle import Turn, cycle
from suanli.kernel.scheduling.job import NEVER
from suanli.kernel.scheduling.plan import Policy, Preemption, ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.model.devices import DeviceRequest
from suanli.model.errors import NotFoundError
from suanli.model.ids import LicenseName, RunId, WorkloadId
from suanli.model.resources import Allocation, DeviceHold, NodeHold
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, SECOND, Center, asks, gpu, node
from tests.unit.kernel.scheduling.checker import check


def job(cpus: float = 1, limit: int = 100, **changes: Any) -> WorkloadSpec:
    return WorkloadSpec(resources=asks(cpus), time_limit_s=limit, **changes)


def where(center: Center) -> list[str]:
    return [hold.node for row in center.plan().placements for hold in row.allocation.nodes]


def turn(center: Center) -> Turn:
    return Turn(center.state, center.now, center.policy)


def busy(cpus: float = 3, limit: int = 100) -> Center:
    """Four cpus, some of them taken."""
    center = Center().with_nodes(node("n0", 4, 16))
    center.add(job(cpus, limit))
    center.turn()
    return center


@pytest.mark.parametrize(
    ("score", "nodes"),
    [
        pytest.param("first_fit", ["n0"], id="the first"),
        pytest.param("best_fit", ["n1"], id="the one that is left with least"),
        pytest.param("worst_fit", ["n2"], id="the one that is left with most"),
    ],
)
def test_the_score_chooses_the_node(score: str, nodes: list[str]) -> None:
    center = Center(policy=Policy(score=score)).with_nodes(node("n0", 4, 16), node("n1", 2, 8), node("n2", 8, 32))
    center.add(job())
    assert where(center) == nodes


@pytest.mark.parametrize("score", ["", "luck", "Best_Fit"])
def test_a_score_that_does_not_exist_is_named_and_nothing_is_touched(score: str) -> None:
    center = Center().with_nodes(node("n0"))
    center.add(job())
    before = [table.copy() for table in center.state.tables]
    with pytest.raises(NotFoundError) as caught:
        cycle(center.state, center.now, Policy(score=score))
    assert caught.value.detail == f"no score policy {score}"
    assert all((one == other).all() for one, other in zip(before, center.state.tables, strict=True))


def test_a_placement_says_all_that_is_held_and_by_which_word_of_the_records() -> None:
    center = Center().with_nodes(node("n0", 8, 64, gpu(4), gpu(9)), node("n1", 1))
    center.set_node(node("n0", 8, 64, gpu(4), gpu(9)))
    spec = WorkloadSpec(tasks=2, resources=asks(2, 8, DeviceRequest(share=250)), time_limit_s=60)
    workload = center.add(spec)
    center.change(workload, priority=1, time_limit_s=60)
    (placement,) = center.plan().placements
    assert (placement.workload, placement.generation) == (workload, 2)
    assert placement.node_generations == (2,)
    assert placement.allocation == Allocation(
        engine=placement.allocation.engine,
        nodes=(
            NodeHold(
                node=node("n0").name,
                tasks=2,
                cpu_milli=4000,
                memory_bytes=16 * GIB,
                devices=(DeviceHold(index=4, share=500),),
            ),
        ),
    )


def test_generations_are_in_the_order_of_the_allocations_nodes() -> None:
    center = Center().with_nodes(node("n0", 2), node("n1", 2), node("n2", 2))
    for name, times in (("n1", 1), ("n2", 2)):
        for _ in range(times):
            center.set_node(node(name, 2))
    center.add(WorkloadSpec(tasks=6))
    (placement,) = center.plan().placements
    names = [hold.node for hold in placement.allocation.nodes]
    assert dict(zip(names, placement.node_generations, strict=True)) == {"n0": 1, "n1": 2, "n2": 3}


def test_work_alone_says_so() -> None:
    center = Center().with_nodes(node("n0"))
    center.add(job(exclusive=True))
    (placement,) = center.plan().placements
    assert placement.allocation.exclusive


@pytest.mark.parametrize(
    ("most", "waiting", "placed", "complete"),
    [(1, 3, 1, False), (2, 3, 2, False), (3, 3, 3, False), (4, 3, 3, True), (256, 0, 0, True)],
)
def test_a_turn_makes_no_more_placements_than_it_may(most: int, waiting: int, placed: int, complete: bool) -> None:
    center = Center(policy=Policy(placements=most)).with_nodes(node("n0", 8))
    for _ in range(waiting):
        center.add(job())
    plan = center.plan()
    assert (len(plan.placements), plan.complete) == (placed, complete or most == waiting)


def test_what_one_turn_leaves_the_next_takes_up() -> None:
    center = Center(policy=Policy(placements=2)).with_nodes(node("n0", 8))
    for _ in range(5):
        center.add(job())
    counts = []
    while not (plan := center.turn()).complete:
        counts.append(len(plan.placements))
    assert sum(counts) + len(plan.placements) == 5
    assert not center.waiting


def test_the_reservation_says_where_and_when_the_head_starts() -> None:
    center = busy()
    head = center.add(WorkloadSpec(tasks=2, resources=asks(2, 1), time_limit_s=10))
    (reservation,) = center.plan().reservations
    assert (reservation.workload, reservation.start) == (head, center.now + 100 * SECOND)
    assert reservation.nodes == (NodeHold(node=node("n0").name, tasks=2, cpu_milli=4000, memory_bytes=2 * GIB),)
    assert reservation.engine == "local"


@pytest.mark.parametrize(("overrun", "start"), [(1, 1), (30, 30), (0, 0)])
def test_work_past_its_end_is_taken_to_end_so_soon(overrun: int, start: int) -> None:
    center = busy(limit=10)
    center.policy = Policy(overrun_s=overrun)
    center.pass_time(60)
    center.add(job(4))
    plan = center.plan()
    assert [one.start - center.now for one in plan.reservations] == [start * SECOND]


def test_who_is_asked_to_leave_is_named_with_the_head_for_whom() -> None:
    center = Center().with_nodes(node("n0", 4))
    victims = [center.add(job(2, 0, preemptible=True)) for _ in range(2)]
    center.turn()
    head = center.add(job(4, 10, priority=5))
    plan = center.plan()
    assert plan.preemptions == tuple(
        Preemption(run=RunId(f"{victim}.1"), workload=victim, by=head) for victim in victims
    )
    assert [row.workload for row in plan.reservations] == [head]
    assert plan.reservations[0].start == center.now + SECOND


def test_a_turn_tells_of_its_head_and_of_who_leaves_while_it_lasts() -> None:
    center = Center().with_nodes(node("n0", 4))
    victim = center.add(job(2, 0, preemptible=True))
    center.turn()
    head = center.add(job(4, 10, priority=5))
    with turn(center) as taken:
        assert taken.head is not None
        assert taken.head.workload == head
        assert [one.workload for one in taken.leaving] == [victim]
        assert (taken.head_start, taken.window_s) == (center.now + SECOND, 1)
        assert taken.complete
        assert taken.earliest(taken.head) == center.now + SECOND


def test_where_nobody_is_kept_waiting_there_is_no_head() -> None:
    center = busy(1)
    center.add(job())
    with turn(center) as taken:
        assert taken.head is None
        assert list(taken.leaving) == []


def test_the_order_of_the_queue_is_told_with_those_whom_the_turn_started() -> None:
    center = busy(3)
    head = center.add(job(4, priority=9))
    short, long, low = center.add(job(1, 50)), center.add(job(1, 500)), center.add(job(1, 50, priority=-1))
    with turn(center) as taken:
        ordered = [center.state.jobs[row].workload for row in taken.ordered.tolist()]
        started = [center.state.jobs[row].workload for row in taken.started.tolist()]
    assert ordered == [head, short, long, low]
    assert started == [short]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.sampled_from([0, 5, 50])), max_size=12))
def test_the_order_told_is_that_of_the_queue_before(rows: list[tuple[int, int, int]]) -> None:
    center = busy(2)
    for cpus, priority, limit in rows:
        center.add(job(cpus, limit, priority=priority))
    queue = center.queue()
    with turn(center) as taken:
        assert [center.state.jobs[row].workload for row in taken.ordered.tolist()] == queue


def test_what_a_turn_gives_is_told_before_it_is_taken_back() -> None:
    center = Center().with_nodes(node("n0"))
    workload = center.add(job(2))
    with turn(center) as taken:
        given_ = taken.allocation(center.state.waiting(workload))
    assert given_ == center.plan().placements[0].allocation


@pytest.mark.parametrize(
    ("cpus", "limit", "startable"),
    [
        pytest.param(1, 10, True, id="there is room beside all that starts"),
        pytest.param(2, 10, False, id="there is not"),
        pytest.param(1, 5000, True, id="room is room, whatever the window"),
    ],
)
def test_whether_there_is_still_room_after_the_turn(cpus: float, limit: int, startable: bool) -> None:
    center = busy(2)
    center.add(job(1))
    center.add(job(4))
    asked = center.add(job(cpus, limit, priority=-1))
    center.policy = replace(center.policy, placements=1)
    with turn(center) as taken:
        assert taken.startable(center.state.waiting(asked)) is startable


@pytest.mark.parametrize(
    ("cpus", "limit", "start"),
    [
        pytest.param(4, 10, 150, id="after the head"),
        pytest.param(1, 101, 150, id="too long to be beside it"),
        pytest.param(9, 10, None, id="never"),
    ],
)
def test_when_who_does_not_start_may_start(cpus: float, limit: int, start: int | None) -> None:
    center = busy(3, 100)
    center.add(job(4, 50))
    asked = center.state.waiting(center.add(job(cpus, limit)))
    with turn(center) as taken:
        found = taken.earliest(asked)
    assert found == (NEVER if start is None else center.now + start * SECOND)


def test_a_license_that_is_lacking_after_the_turn_is_told() -> None:
    center = Center().with_nodes(node("n0", 8))
    center.set_license("solver", 2)
    licensed = job(licenses={LicenseName("solver"): 2})
    first, second = center.add(licensed), center.add(licensed)
    without = center.add(job())
    with turn(center) as taken:
        told = [taken.unlicensed(center.state.jobs[row]) for row in taken.ordered.tolist()]
    assert (first, second, without) == (1, 2, 3)
    assert told[1] is not None
    assert (told[1].code, told[1].needed, told[1].available) == (ReasonCode.LICENSE, 2, 0)
    assert told[2] is None


def same(center: Center, before: t.Center) -> None:
    """What is so of a center is as it was; what is only remembered may be more."""
    after = center.state.tables
    for name in ("nodes", "devices"):
        columns = slice(None) if name == "devices" else [t.READY, t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]
        kept = slice(0, len(center.state.names))
        one, other = getattr(before, name)[kept][..., columns], getattr(after, name)[kept][..., columns]
        assert np.array_equal(one, other[:, : one.shape[1]])
    assert np.array_equal(t.queued(before), t.queued(after))
    assert before.sizes[t.WAITING_SIZE] == after.sizes[t.WAITING_SIZE]
    running = before.lists[t.RUNNING, : before.sizes[t.RUNNING_SIZE]]
    assert running.tolist() == after.lists[t.RUNNING, : after.sizes[t.RUNNING_SIZE]].tolist()
    assert np.array_equal(before.jobs[running, t.END], after.jobs[running, t.END])
    waiting = before.kinds[center.state.kinds.rows, t.WAITING_OF]
    assert np.array_equal(waiting, after.kinds[center.state.kinds.rows, t.WAITING_OF])


def crowded() -> Center:
    """Work that starts, that waits, that is the head, and that is asked to leave."""
    center = Center().with_nodes(node("n0", 4, 16, gpu(0)), node("n1", 4, 16))
    center.add(job(3, 0, preemptible=True))
    center.add(job(4, 100))
    center.turn()
    center.add(WorkloadSpec(tasks=2, nodes=2, resources=asks(4), time_limit_s=10, priority=5))
    for limit in (1, 50, 500):
        center.add(WorkloadSpec(resources=asks(1, 1, DeviceRequest(share=300)), time_limit_s=limit))
    return center


def test_a_turn_that_was_taken_back_leaves_the_center_as_it_was() -> None:
    center = crowded()
    before = snapshot(center.state).tables
    first = center.plan()
    same(center, before)
    assert center.plan() == replace(first, refusals=center.plan().refusals)
    check(center, first)


def test_an_error_while_a_turn_lasts_takes_it_back_too() -> None:
    center = crowded()
    before = snapshot(center.state).tables

    class Failed(Exception):
        pass

    with pytest.raises(Failed), turn(center):
        raise Failed
    same(center, before)


def test_a_turn_of_a_center_without_nodes_decides_nothing() -> None:
    center = Center()
    center.add(job())
    plan = center.plan()
    assert (plan.placements, plan.reservations, plan.preemptions, plan.complete) == ((), (), (), True)
    assert [one.reason.code for one in plan.refusals] == [ReasonCode.IMPOSSIBLE]


def test_work_that_can_never_be_held_is_not_the_head_and_keeps_nobody_waiting() -> None:
    center = busy(3)
    center.add(job(64, priority=9))
    head = center.add(job(4))
    plan = center.plan()
    assert [one.workload for one in plan.reservations] == [head]


def test_plans_of_equal_centers_are_equal() -> None:
    one, other = crowded(), crowded()
    assert replace(one.plan(), refusals=()) == replace(other.plan(), refusals=())
    assert list(one.plan().refusals) == list(other.plan().refusals)


def test_a_workload_is_named_once_in_a_plan() -> None:
    center = crowded()
    for _ in range(6):
        plan = center.turn()
        placed = [row.workload for row in plan.placements]
        assert len(set(placed)) == len(placed)
        assert not set(placed) & {row.workload for row in plan.reservations}
        assert all(workload in center.active for workload in placed)
        center.pass_time(30)
        for run in list(center.runs.values()):
            if run.time_limit_s and run.placed_at + run.time_limit_s * SECOND <= center.now:
                center.end(run.id)
    assert WorkloadId(1) in center.specs
