"""A copy of a center: it plans the same, and neither notices what is told to the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from suanli.kernel.scheduling.cycle import cycle
from suanli.kernel.scheduling.explain import explain, preview
from suanli.kernel.scheduling.fair_share import ShareWeights, Standing, Standings
from suanli.kernel.scheduling.plan import Explanation, Plan
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.devices import DeviceRequest
from suanli.model.ids import LicenseName, ProjectName, QueueName, ReservationName, RunId, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.reservations import AdvanceReservation
from suanli.model.resources import Queue
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import OWNERS, PROJECT, SECOND, Center, asks, gpu, node


def crowded() -> Center:
    """All that a state knows of: running and waiting work, a head, quotas, licenses, windows, features, shares."""
    center = Center().with_nodes(
        node("n0", 4, 16, gpu(0), gpu(1)), replace(node("n1", 4, 16), features=frozenset({"ib"})), node("n2", 8, 32)
    )
    center.set_queue("urgent", 3)
    center.set_license("solver", 2)
    center.set_quota(Quota(scope=QuotaScope.USER, name=OWNERS[0], cpu_milli=9000))
    center.reserve("repair", 100, 200, "n2")
    center.add(WorkloadSpec(resources=asks(3), time_limit_s=50, licenses={LicenseName("solver"): 1}))
    center.add(WorkloadSpec(resources=asks(1, 1, DeviceRequest(share=300)), preemptible=True))
    center.turn()
    center.rank(0, 1, 2)
    for limit in (10, 90, 500):
        center.add(WorkloadSpec(resources=asks(4), time_limit_s=limit))
        center.add(WorkloadSpec(resources=asks(1), time_limit_s=limit, features=frozenset({"ib"})))
    center.add(WorkloadSpec(tasks=4, nodes=2, resources=asks(2), queue=QueueName("urgent"), time_limit_s=30))
    center.add(WorkloadSpec(licenses={LicenseName("solver"): 2}, deadline=Instant(center.now + 99 * SECOND)))
    return center


def plan(center: Center, state: ClusterState) -> tuple[object, ...]:
    found: Plan = cycle(state, center.now, center.policy)
    return (found.placements, found.preemptions, found.reservations, tuple(found.refusals), found.complete)


def test_a_copy_plans_the_same() -> None:
    center = crowded()
    copy = snapshot(center.state)
    assert plan(center, copy) == plan(center, center.state)


def test_a_copy_explains_the_same() -> None:
    center = crowded()
    copy = snapshot(center.state)
    for workload in center.waiting:
        mine = explain(center.state, workload, center.now, center.policy)
        assert explain(copy, workload, center.now, center.policy) == mine


def test_a_copy_of_a_copy_is_as_good() -> None:
    center = crowded()
    assert plan(center, snapshot(snapshot(center.state))) == plan(center, center.state)


def test_a_copy_of_nothing_is_nothing() -> None:
    copy = snapshot(ClusterState())
    copy.set_node(node("n0"))
    assert copy.names == ["n0"]


def all_of(state: ClusterState) -> list[object]:
    """Everything that a state is made of, as plain values, as far as anything can be told from it."""
    jobs = sorted((job.workload, job.attempt, job.row, job.since, job.end) for job in state.jobs.values())
    return [
        [table.copy() for table in state.tables],
        jobs,
        list(state.names),
        dict(state.nodes),
        [list(indices) for indices in state.indices],
        list(state.generations),
        dict(state.engines),
        list(state.types),
        dict(state.classes),
        sorted(map(str, state.demands)),
        state.bounds.rows,
        state.windows.nodes().copy(),
        state.windows.until,
        state.deadlines.next,
        sorted(state.accounts()),
    ]


def same(one: list[object], other: list[object]) -> bool:
    (tables, *rest), (others, *other_rest) = one, other
    assert isinstance(tables, list)
    assert isinstance(others, list)
    return rest == other_rest and all(map(np.array_equal, tables, others))


def standings(held: float) -> Standings:
    members = {(PROJECT, owner): Standing(1.0, held) for owner in OWNERS}
    return Standings(weights=ShareWeights(member_s=3600), projects={}, members=members)


NIGHT = AdvanceReservation(
    name=ReservationName("night"), starts_at=Instant(1), ends_at=Instant(2**60), nodes=(node("n0").name,)
)


def set_reservation(center: Center, state: ClusterState) -> None:
    state.set_reservation(NIGHT)
    state.advance(center.now)


def remove_reservation(center: Center, state: ClusterState) -> None:
    state.remove_reservation(ReservationName("repair"))
    state.advance(center.now)


def enqueue_many(center: Center, state: ClusterState) -> None:
    waiting = center.waiting[WorkloadId(3)]
    for number in range(40):
        features = frozenset({f"f{number}"})
        state.enqueue(replace(waiting, id=WorkloadId(100 + number)), WorkloadSpec(tasks=1 + number, features=features))


def look(center: Center, state: ClusterState) -> Explanation:
    spec = WorkloadSpec(project=ProjectName("p"))
    return preview(state, spec, UserName("ann"), center.now, center.policy)


def take_a_turn(center: Center, state: ClusterState) -> Plan:
    return cycle(state, Instant(center.now + 20 * SECOND), center.policy)


# What may be told to a state; each must go by the other unnoticed.
TOLD: dict[str, Callable[[Center, ClusterState], object]] = {
    "a new node": lambda _, state: state.set_node(node("n9", 64)),
    "another node": lambda _, state: state.set_node(node("n0", 2, 8, gpu(5, "h100"))),
    "a queue": lambda _, state: state.set_queue(Queue(name=QueueName("urgent"), priority=-9)),
    "a quota": lambda _, state: state.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, runs=1)),
    "a license": lambda _, state: state.set_license(License(name=LicenseName("solver"), total=0)),
    "a reservation": set_reservation,
    "a reservation less": remove_reservation,
    "time": lambda center, state: state.advance(Instant(center.now + 150 * SECOND)),
    "standings": lambda _, state: state.rank(standings(9.0)),
    "work that leaves": lambda _, state: state.dequeue(WorkloadId(3)),
    "much work that comes": enqueue_many,
    "a run that ends": lambda _, state: state.vacate(RunId("1.1")),
    "a turn": take_a_turn,
    "a preview": look,
}
HARDLY_SEEN = {"standings", "a preview", "a turn"}
"""What leaves all that can be told from a state as it is, or may."""


@pytest.mark.parametrize("told", TOLD)
def test_what_is_told_to_a_copy_goes_by_the_state_unnoticed(told: str) -> None:
    center = crowded()
    plan(center, center.state)
    copy = snapshot(center.state)
    before, copied = all_of(center.state), all_of(copy)
    assert same(before, copied)
    TOLD[told](center, copy)
    assert same(all_of(center.state), before)
    assert told in HARDLY_SEEN or not same(all_of(copy), copied)


@pytest.mark.parametrize("told", TOLD)
def test_what_is_told_to_the_state_goes_by_a_copy_unnoticed(told: str) -> None:
    center = crowded()
    plan(center, center.state)
    copy = snapshot(center.state)
    before, decided = all_of(copy), plan(center, snapshot(copy))
    TOLD[told](center, center.state)
    assert same(all_of(copy), before)
    assert plan(center, copy) == decided
