"""Small centers told by hand: what each change does, what is foreseen of it, and what cannot be asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suanli.kernel.scheduling.plan import ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.what_if.changes import MOST_SUBMITTED, Bounds, Changes, Submitted
from suanli.kernel.what_if.compare import bounds_for, compare, holding
from suanli.kernel.what_if.outcome import Comparison, Figures, Spread, figures, most_affected
from suanli.model.devices import DeviceRequest
from suanli.model.errors import ConflictError, InvalidRequestError, TooFarAheadError
from suanli.model.facts import WorkloadUpdated
from suanli.model.ids import NodeName, UserName, WorkloadId
from suanli.model.resources import Node, NodeState
from suanli.model.spec import ArraySpec, WorkloadSpec
from tests.unit.kernel.scheduling.center import BEGIN, PROJECT, SECOND, Center, asks, gpu, node

ANN = UserName("ann")


def spec(cpus: float = 4, limit: int = 100, **changes: Any) -> WorkloadSpec:
    """A job with a project, as one is recorded."""
    return WorkloadSpec(project=PROJECT, resources=asks(cpus), time_limit_s=limit, **changes)


def busy(*waiting: WorkloadSpec) -> Center:
    """Two nodes of four processors, both held for 100 s, and what waits for them."""
    center = Center().with_nodes(node("n1"), node("n2"))
    center.add(spec())
    center.add(spec())
    center.turn()
    for one in waiting:
        center.add(one)
    return center


def what_if(center: Center, bounds: Bounds | None = None, **changes: Any) -> Comparison:
    return compare(snapshot(center.state), center.now, center.policy, Changes(**changes), bounds or Bounds())


def starts(found: Comparison, workload: int) -> tuple[int | None, int | None]:
    """Seconds from now until a workload starts, as it is and as it would be."""
    sides = (found.before.stays.get(WorkloadId(workload)), found.after.stays.get(WorkloadId(workload)))
    at = [None if stay is None or stay.start is None else (stay.start - BEGIN) // SECOND for stay in sides]
    return at[0], at[1]


def down(center: Center, *names: str) -> tuple[Node, ...]:
    return tuple(replace(center.nodes[NodeName(name)], state=NodeState.DOWN) for name in names)


def test_a_node_that_goes_down_takes_its_run_with_it() -> None:
    center = busy(spec(), spec())
    run = next(run.id for run in center.runs.values() if run.allocation.nodes[0].node == "n2")
    lost = what_if(center, nodes=down(center, "n2"))
    assert [(one.run, one.is_sent_back) for one in lost.lost] == [(run, False)]
    assert starts(lost, 3) == (100, 100)
    assert starts(lost, 4) == (100, 200)
    back = what_if(center, nodes=down(center, "n2"), sent_back=frozenset({run}))
    assert [one.is_sent_back for one in back.lost] == [True]
    # It came first, so it goes first when the other node is free.
    assert [starts(back, n) for n in (back.lost[0].workload, 3, 4)] == [(None, 100), (100, 200), (100, 300)]
    assert holding(center.state, [NodeName("n2"), NodeName("nowhere")])[0].workload == lost.lost[0].workload


def test_a_shorter_limit_lets_work_pass_beside_the_reservation() -> None:
    center = Center().with_nodes(node("n1"), node("n2"))
    center.add(spec(limit=100))
    center.turn()
    head, small = center.add(spec(tasks=2)), center.add(spec(limit=300))
    found = what_if(center, altered=(WorkloadUpdated(workload=small, time_limit_s=50, priority=0),))
    assert starts(found, small) == (200, 0)
    assert starts(found, head) == (100, 100)
    assert most_affected(found, found.waiting, 5) == [small]


def test_a_higher_priority_goes_first() -> None:
    center = busy(spec(), spec(), spec())
    found = what_if(center, altered=(WorkloadUpdated(workload=WorkloadId(5), time_limit_s=100, priority=9),))
    assert [starts(found, n) for n in (3, 4, 5)] == [(100, 100), (100, 200), (200, 100)]
    assert most_affected(found, found.waiting, 1) == [4]


def test_what_is_cancelled_makes_room_at_once() -> None:
    center = busy(spec(), spec())
    found = what_if(center, cancelled=(WorkloadId(1), WorkloadId(3)))
    assert starts(found, 4) == (100, 0)
    assert found.waiting == (4,)
    assert WorkloadId(3) not in found.after.stays


def test_submissions_get_ids_of_their_own_and_arrays_keep_their_bound() -> None:
    center = busy()
    array = spec(cpus=1, array=ArraySpec(indices=(0, 1, 2), max_running=2))
    found = what_if(center, submitted=(Submitted(spec=array, owner=ANN, times=2), Submitted(spec=spec(), owner=ANN)))
    assert found.submitted == (3, 4, 5, 6, 7, 8, 9)
    assert [starts(found, n)[1] for n in found.submitted] == [100, 100, 200, 100, 100, 200, 100]
    assert found.before.stays == {}


def test_nodes_that_come_are_used() -> None:
    center = busy(spec(), spec())
    found = what_if(center, nodes=(node("n3"),))
    assert [starts(found, n) for n in (3, 4)] == [(100, 0), (100, 100)]
    assert found.after.stays[WorkloadId(3)].nodes == ("n3",)
    assert found.after.last_end == BEGIN + 200 * SECOND


def test_what_never_starts_says_why() -> None:
    center = Center().with_nodes(node("n1"), node("n2", 4, 16, gpu(0)))
    forever = center.add(spec(cpus=3, limit=0))
    center.turn()
    huge, device = (
        center.add(spec(cpus=64)),
        center.add(replace(spec(1), resources=asks(1, devices=DeviceRequest(count=1)))),
    )
    held = center.runs[center.run_of(forever)].allocation.nodes[0].node
    whole = center.add(spec(cpus=4, tasks=2))
    found = what_if(center, nodes=down(center, "n2" if held == "n1" else "n1"))
    assert found.before.never == {huge: ReasonCode.IMPOSSIBLE, whole: ReasonCode.NO_TIME_LIMIT}
    assert found.after.never[whole] is ReasonCode.NODE_STATE
    assert (device in found.after.never) is (held == "n1")
    assert found.before.stays[device].end == BEGIN + 100 * SECOND


def test_figures_are_of_those_that_start() -> None:
    center = busy(spec(), spec(limit=5), spec(cpus=64), spec(limit=0))
    center.pass_time(20)
    found = what_if(center)
    # The third starts at 100 s, the fourth beside it, the last once one of them has ended: at 105 s.
    assert figures(found.before, found.waiting) == Figures(
        started=3,
        never=1,
        wait_s=Spread(mean=305 / 3, median=100, p99=105, most=105),
        slowdown=Spread(mean=(2 + 10.5) / 2, median=2, p99=10.5, most=10.5),
    )
    assert figures(found.before, []) == Figures()
    assert found.before.stays[WorkloadId(6)].end is None


def test_utilization_is_of_what_takes_work_until_the_last_end() -> None:
    center = busy(spec(cpus=2))
    # 100 s of both nodes, then 100 s of a half of one of them.
    found = what_if(center)
    assert found.before.cpu_part == pytest.approx((2 * 100 + 0.5 * 100) / (2 * 200))
    assert found.before.device_part == 0
    assert what_if(Center().with_nodes(node("n1"))).before.cpu_part == 0


def test_too_far_ahead_says_how_far_it_came() -> None:
    center = busy(*(spec() for _ in range(9)))
    for bounds in (Bounds(turns=3), Bounds(horizon_s=250)):
        with pytest.raises(TooFarAheadError) as told:
            what_if(center, bounds)
        assert (told.value.params["started"], told.value.params["waiting"]) == (4, 5)
        assert told.value.params["turns"] == 3
        assert told.value.params["ahead_s"] == 300


@pytest.mark.parametrize(
    "changes",
    [
        {"altered": (WorkloadUpdated(workload=WorkloadId(1), time_limit_s=1, priority=0),)},
        {"cancelled": (WorkloadId(77),)},
    ],
)
def test_only_what_waits_can_be_altered_and_only_what_lives_cancelled(changes: dict[str, Any]) -> None:
    with pytest.raises(ConflictError):
        what_if(busy(spec()), **changes)


def test_no_more_is_submitted_than_can_be_looked_at() -> None:
    with pytest.raises(InvalidRequestError):
        what_if(busy(), submitted=(Submitted(spec=spec(), owner=ANN, times=MOST_SUBMITTED + 1),))


def test_small_centers_are_looked_at_end_by_end() -> None:
    assert bounds_for(busy().state).grain_s == 0
