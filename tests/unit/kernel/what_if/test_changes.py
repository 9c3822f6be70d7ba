"""What may be imagined to be otherwise, one after the other and together, and what it does to whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suanli.kernel.scheduling.plan import ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.what_if.changes import MOST_SUBMITTED, Bounds, Changes, Submitted
from suanli.kernel.what_if.compare import bounds_for, compare, holding
from suanli.kernel.what_if.outcome import Comparison
from suanli.model.errors import ConflictError, InvalidRequestError, NotFoundError
from suanli.model.facts import WorkloadUpdated
from suanli.model.ids import NodeName, RunId, UserName, WorkloadId
from suanli.model.resources import Node, NodeState
from suanli.model.spec import ArraySpec, WorkloadSpec
from tests.unit.kernel.scheduling.center import BEGIN, PROJECT, SECOND, Center, asks, gpu, node

ANN = UserName("ann")
W1, W2, W3, W4 = (WorkloadId(number) for number in range(1, 5))


def job(cpus: float = 4, limit: int = 100, **more: Any) -> WorkloadSpec:
    return WorkloadSpec(project=PROJECT, resources=asks(cpus), time_limit_s=limit, **more)


def busy(*waiting: WorkloadSpec, nodes: int = 2) -> Center:
    """Nodes of four cpus, each held for 100 s by a run, and what waits for them."""
    center = Center().with_nodes(*(node(f"n{place}") for place in range(nodes)))
    for _ in range(nodes):
        center.add(job())
    center.turn()
    for spec in waiting:
        center.add(spec)
    return center


def what_if(center: Center, **changes: Any) -> Comparison:
    return compare(snapshot(center.state), center.now, center.policy, Changes(**changes), Bounds())


def starts(found: Comparison, *workloads: int) -> list[tuple[int | None, int | None]]:
    """Seconds until each starts, as it is and as it would be."""

    def of(stays: Any, workload: int) -> int | None:
        stay = stays.get(WorkloadId(workload))
        return None if stay is None or stay.start is None else int(stay.start - BEGIN) // SECOND

    return [(of(found.before.stays, one), of(found.after.stays, one)) for one in workloads]


def as_down(one: Node) -> Node:
    return replace(one, state=NodeState.DOWN)


def where(center: Center, workload: int) -> NodeName:
    return center.runs[center.run_of(WorkloadId(workload))].allocation.nodes[0].node


def altered(workload: int, limit: int = 100, priority: int = 0) -> WorkloadUpdated:
    return WorkloadUpdated(workload=WorkloadId(workload), time_limit_s=limit, priority=priority)


def test_nothing_is_imagined() -> None:
    center = busy(job(), job())
    found = what_if(center)
    assert found.before == found.after
    assert (found.waiting, found.submitted, found.lost) == ((3, 4), (), ())


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"cancelled": (W1,)}, [(100, 0), (100, 100), (200, 100)], id="a run is cancelled"),
        pytest.param({"cancelled": (W3,)}, [(100, None), (100, 100), (200, 100)], id="who waits is cancelled"),
        pytest.param({"cancelled": (W1, W2)}, [(100, 0), (100, 0), (200, 100)], id="both runs are"),
        pytest.param({"altered": (altered(5, priority=1),)}, [(100, 100), (100, 200), (200, 100)], id="one goes first"),
        pytest.param({"altered": (altered(3, 500),)}, [(100, 100), (100, 100), (200, 200)], id="one runs longer"),
        pytest.param({"altered": (altered(3, 10),)}, [(100, 100), (100, 100), (200, 110)], id="one runs shorter"),
        pytest.param({"altered": (altered(3, 0),)}, [(100, 100), (100, 100), (200, 200)], id="one runs for ever"),
        pytest.param({"nodes": (node("n9"),)}, [(100, 0), (100, 100), (200, 100)], id="a node more"),
        pytest.param({"nodes": (node("n9", 2),)}, [(100, 100), (100, 100), (200, 200)], id="a node too small"),
        pytest.param(
            {"nodes": (as_down(node("n9")),)}, [(100, 100), (100, 100), (200, 200)], id="a node more that is down"
        ),
        pytest.param(
            {"cancelled": (W3,), "altered": (altered(5, priority=1),), "nodes": (node("n9"),)},
            [(100, None), (100, 100), (200, 0)],
            id="several together",
        ),
    ],
)
def test_what_a_change_does_to_three_that_wait(
    changed: dict[str, Any], expected: list[tuple[int | None, int | None]]
) -> None:
    assert starts(what_if(busy(job(), job(), job()), **changed), 3, 4, 5) == expected


@pytest.mark.parametrize(
    ("state", "lost", "expected"),
    [
        pytest.param(NodeState.DOWN, 1, [(100, 100), (100, 200)], id="down: its run is lost at once"),
        pytest.param(
            NodeState.DRAINING, 0, [(100, 100), (100, 200)], id="draining: its run goes on, and nothing follows"
        ),
        pytest.param(NodeState.READY, 0, [(100, 100), (100, 100)], id="in service as it was"),
    ],
)
def test_a_node_that_is_no_longer_in_service(
    state: NodeState, lost: int, expected: list[tuple[int | None, int | None]]
) -> None:
    center = busy(job(), job())
    found = what_if(center, nodes=(replace(center.nodes[NodeName("n1")], state=state),))
    assert len(found.lost) == lost
    assert starts(found, 3, 4) == expected


def test_a_run_that_is_lost_is_named_with_its_owner_and_whether_it_waits_again() -> None:
    center = busy()
    for run, workload in ((RunId("1.1"), W1), (RunId("2.1"), W2)):
        down = as_down(center.nodes[where(center, workload)])
        for back in (frozenset(), frozenset({run})):
            (lost,) = what_if(center, nodes=(down,), sent_back=back).lost
            assert (lost.run, lost.workload, lost.is_sent_back) == (run, workload, bool(back))
            assert lost.owner == center.active[workload].owner


def test_all_nodes_go_down() -> None:
    center = busy(job())
    found = what_if(center, nodes=tuple(as_down(one) for one in center.nodes.values()))
    assert sorted(one.workload for one in found.lost) == [W1, W2]
    assert found.after.never == {W3: ReasonCode.NODE_STATE}
    assert starts(found, 3) == [(100, None)]


def test_a_run_on_two_nodes_is_lost_once_and_frees_the_other_node() -> None:
    center = Center().with_nodes(node("n0"), node("n1"))
    center.add(job(4, tasks=2, nodes=2))
    center.turn()
    center.add(job())
    found = what_if(center, nodes=tuple(as_down(one) for one in list(center.nodes.values())[:1]))
    assert [one.run for one in found.lost] == ["1.1"]
    assert starts(found, 2) == [(100, 0)]


@pytest.mark.parametrize(
    ("spec", "times", "ids", "expected"),
    [
        pytest.param(job(), 1, (3,), [100], id="once"),
        pytest.param(job(), 3, (3, 4, 5), [100, 100, 200], id="three times"),
        pytest.param(job(), 0, (), [], id="not at all"),
        pytest.param(job(array=ArraySpec(indices=(0, 1, 2))), 1, (3, 4, 5), [100, 100, 200], id="an array"),
        pytest.param(
            job(1, array=ArraySpec(indices=(4, 5, 6), max_running=1)), 1, (3, 4, 5), [100, 200, 300], id="one at a time"
        ),
        pytest.param(job(64), 1, (3,), [None], id="what could never be held"),
        pytest.param(job(4, priority=9), 1, (3,), [100], id="with priority"),
    ],
)
def test_work_that_is_imagined_to_be_submitted(
    spec: WorkloadSpec, times: int, ids: tuple[int, ...], expected: list[int | None]
) -> None:
    found = what_if(busy(), submitted=(Submitted(spec=spec, owner=ANN, times=times),))
    assert found.submitted == ids
    assert [after for _, after in starts(found, *ids)] == expected
    assert all(found.after.stays[WorkloadId(one)].owner == ANN for one in ids)
    assert found.waiting == ()


def test_two_arrays_are_each_bounded_by_itself() -> None:
    array = job(1, array=ArraySpec(indices=(0, 1), max_running=1))
    found = what_if(busy(), submitted=(Submitted(spec=array, owner=ANN, times=2),))
    assert [after for _, after in starts(found, 3, 4, 5, 6)] == [100, 200, 100, 200]


def test_what_is_imagined_stands_behind_what_waits() -> None:
    found = what_if(busy(job(), job()), submitted=(Submitted(spec=job(), owner=ANN),))
    assert starts(found, 3, 4, 5) == [(100, 100), (100, 100), (None, 200)]


def test_as_much_as_may_be_imagined_and_no_more() -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0)))
    array = job(64, array=ArraySpec(indices=tuple(range(100))))
    many = what_if(center, submitted=(Submitted(spec=array, owner=ANN, times=MOST_SUBMITTED // 100),))
    assert len(many.submitted) == MOST_SUBMITTED
    with pytest.raises(InvalidRequestError) as caught:
        what_if(center, submitted=(Submitted(spec=array, owner=ANN, times=MOST_SUBMITTED // 100 + 1),))
    assert caught.value.field == "submit"
    assert caught.value.detail == f"at most {MOST_SUBMITTED} workloads can be imagined at once"


@pytest.mark.parametrize(
    ("changed", "said", "hint"),
    [
        pytest.param(
            {"cancelled": (WorkloadId(9),)}, "workload 9 neither waits nor runs", "see `suanli ps`", id="cancel"
        ),
        pytest.param({"altered": (altered(1),)}, "workload 1 does not wait", "see `suanli why`", id="alter what runs"),
        pytest.param({"altered": (altered(9),)}, "workload 9 does not wait", "see `suanli why`", id="alter nobody"),
        pytest.param(
            {"cancelled": (W3,), "altered": (altered(3),)},
            "workload 3 does not wait",
            "see `suanli why`",
            id="alter what is cancelled",
        ),
    ],
)
def test_what_cannot_be_changed_is_named(changed: dict[str, Any], said: str, hint: str) -> None:
    with pytest.raises(ConflictError) as caught:
        what_if(busy(job()), **changed)
    assert (caught.value.detail, caught.value.hint, caught.value.code) == (said, hint, "conflict")


def test_a_policy_that_does_not_exist_is_named() -> None:
    center = busy()
    with pytest.raises(NotFoundError, match="no score policy luck"):
        compare(snapshot(center.state), center.now, replace(center.policy, score="luck"), Changes(), Bounds())


@pytest.mark.parametrize(
    ("names", "workloads"),
    [
        pytest.param((), [], id="of no nodes"),
        pytest.param(("nowhere",), [], id="of a node that is not there"),
        pytest.param(("n0",), [1, 2], id="of one that two hold"),
        pytest.param(("n1",), [2], id="of one that one of them holds"),
        pytest.param(("n0", "n1"), [1, 2], id="each once"),
        pytest.param(("n2",), [], id="of one that nobody holds"),
    ],
)
def test_who_holds_something_of_nodes(names: tuple[str, ...], workloads: list[int]) -> None:
    center = Center().with_nodes(node("n0"), node("n1"), node("n2"))
    center.add(job(1))
    center.turn()
    center.add(job(3, tasks=2, nodes=2))
    center.turn()
    held = {hold.node for run in center.runs.values() for hold in run.allocation.nodes}
    assert held == {"n0", "n1"}
    found = holding(center.state, [NodeName(name) for name in names])
    assert [one.workload for one in found] == workloads


def test_a_small_center_is_looked_at_end_by_end_and_as_far_as_twenty_years() -> None:
    bounds = bounds_for(busy().state)
    assert (bounds.grain_s, bounds.turns, bounds.horizon_s) == (0, 100_000, 20 * 366 * 86_400)


def test_the_center_that_was_asked_about_is_as_it_was() -> None:
    center = busy(job(), job())
    plan, queue = center.plan(), center.queue()
    what_if(
        center,
        nodes=(as_down(center.nodes[NodeName("n0")]), node("n9")),
        cancelled=(W3,),
        submitted=(Submitted(spec=job(features=frozenset({"ib"})), owner=ANN, times=20),),
    )
    assert center.queue() == queue
    assert replace(center.plan(), refusals=()) == replace(plan, refusals=())
    assert set(center.state.names) == {"n0", "n1"}
    assert center.state.holds(RunId("1.1"))
