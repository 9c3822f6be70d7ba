"""Work on more than one node gets nodes that are near to each other."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.model.ids import WorkloadId
from suanli.model.resources import Node
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import Center, node
from tests.unit.kernel.scheduling.checker import check


def at(switch: str, name: str, cpus: int = 4, engine: str = "local") -> Node:
    return replace(node(name, cpus, engine=engine), switch=switch)


def spread(center: Center, workload: WorkloadId) -> dict[str, int]:
    """Where a workload would start now, and how many tasks; the plan is judged on the way."""
    plan = center.plan()
    check(center, plan)
    (row,) = (row for row in plan.placements if row.workload == workload)
    return {hold.node: hold.tasks for hold in row.allocation.nodes}


def test_of_the_switches_that_hold_all_the_tightest_is_taken() -> None:
    center = Center().with_nodes(
        at("a", "n0"), at("b", "n1"), at("a", "n2"), at("b", "n3"), at("a", "n4"), at("c", "n5")
    )
    assert spread(center, center.add(WorkloadSpec(tasks=8, nodes=2))) == {"n1": 4, "n3": 4}
    assert set(spread(center, center.add(WorkloadSpec(tasks=12)))) == {"n0", "n2", "n4"}


def test_where_none_holds_all_the_roomiest_are_filled_and_the_tightest_holds_the_rest() -> None:
    center = Center().with_nodes(
        at("a", "n0"), at("b", "n1"), at("b", "n2"), at("b", "n3"), at("c", "n4"), at("c", "n5")
    )
    assert spread(center, center.add(WorkloadSpec(tasks=16, nodes=4))) == {"n0": 4, "n1": 4, "n2": 4, "n3": 4}
    center.withdraw(WorkloadId(1))
    assert spread(center, center.add(WorkloadSpec(tasks=18))) == {"n1": 4, "n2": 4, "n3": 4, "n4": 4, "n5": 2}


def test_one_node_that_holds_all_needs_no_switch() -> None:
    center = Center().with_nodes(at("a", "n0"), at("a", "n1"), at("b", "n2", 8))
    assert spread(center, center.add(WorkloadSpec(tasks=8))) == {"n2": 8}


def test_nodes_whose_switch_is_not_known_count_as_those_of_one() -> None:
    center = Center().with_nodes(at("a", "n0"), at("", "n1"), at("b", "n2"), at("", "n3"))
    assert spread(center, center.add(WorkloadSpec(tasks=8, nodes=2))) == {"n1": 4, "n3": 4}


def test_what_waits_is_promised_nodes_of_one_switch() -> None:
    center = Center().with_nodes(at("a", "n0"), at("b", "n1"), at("b", "n2"), at("a", "n3"))
    center.add(WorkloadSpec(tasks=4, nodes=1, time_limit_s=10))
    center.turn()
    center.add(WorkloadSpec(tasks=16, nodes=4, time_limit_s=60))
    plan = center.plan()
    check(center, plan)
    assert len(plan.reservations) == 1


def test_a_node_that_is_wired_elsewhere_counts_there() -> None:
    center = Center().with_nodes(at("a", "n0"), at("b", "n1"), at("a", "n2"))
    waits = center.add(WorkloadSpec(tasks=8, nodes=2))
    assert set(spread(center, waits)) == {"n0", "n2"}
    center.set_node(at("b", "n0"))
    assert set(spread(center, waits)) == {"n0", "n1"}


nodes = st.lists(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.integers(1, 4)), min_size=2, max_size=8)


@settings(max_examples=200, deadline=None)
@given(nodes=nodes, asked=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 4)), min_size=1, max_size=4))
def test_no_plan_takes_more_switches_than_it_must(nodes: list[tuple[str, int]], asked: list[tuple[int, int]]) -> None:
    center = Center().with_nodes(*(at(switch, f"n{row}", cpus) for row, (switch, cpus) in enumerate(nodes)))
    for tasks, across in asked:
        center.add(WorkloadSpec(tasks=tasks * max(across, 1), nodes=across, time_limit_s=60))
    check(center, center.plan())
