"""Features: which nodes work that names some may have, and what is said where none will do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.core.tables import FEATURES
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Decision, Explanation, ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import WorkloadId
from suanli.model.resources import Node
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import Center, node
from tests.unit.kernel.scheduling.checker import check
from tests.unit.kernel.scheduling.explained import check_explanation


def having(name: str, *features: str, cpus: int = 4) -> Node:
    return replace(node(name, cpus), features=frozenset(features))


def naming(*features: str, limit_s: int = 60, tasks: int = 1) -> WorkloadSpec:
    return WorkloadSpec(features=frozenset(features), time_limit_s=limit_s, tasks=tasks)


def placed(center: Center) -> dict[WorkloadId, list[str]]:
    """What would start now and where; all that is said of the center is judged on the way."""
    plan = center.plan()
    check(center, plan)
    for workload in center.waiting:
        check_explanation(center, plan, explain(center.state, workload, center.now, center.policy))
    return {row.workload: [hold.node for hold in row.allocation.nodes] for row in plan.placements}


def why(center: Center, workload: WorkloadId) -> Explanation:
    placed(center)
    return explain(center.state, workload, center.now, center.policy)


def test_work_runs_only_where_a_node_has_all_that_it_names() -> None:
    center = Center().with_nodes(having("n0", "x86_64"), having("n1", "x86_64", "ib"), having("n2", "arm64", "ib"))
    one, both = center.add(naming("ib", "arm64")), center.add(naming("x86_64", "ib"))
    anywhere = center.add(naming())
    assert placed(center) == {one: ["n2"], both: ["n1"], anywhere: ["n1"]}


def test_the_names_that_no_node_has_are_told() -> None:
    center = Center().with_nodes(having("n0", "x86_64"), having("n1", "x86_64", "ib"))
    never = center.add(naming("ib", "nvme", "x86_64"))
    explained = why(center, never)
    assert explained.decision is Decision.NEVER
    (reason,) = [one for one in explained.reasons if one.code is ReasonCode.FEATURE]
    assert (reason.wanted, reason.nodes_failing, reason.needed, reason.available) == ("nvme", 2, 1, 0)


def test_where_the_features_are_taken_the_nodes_without_are_told_beside() -> None:
    center = Center().with_nodes(having("n0", "x86_64"), having("n1", "x86_64", "ib"))
    center.add(naming("ib", tasks=4))
    center.turn()
    waits = center.add(naming("ib", "x86_64"))
    explained = why(center, waits)
    assert (explained.decision, explained.earliest_start) == (Decision.LATER, center.now + 60_000_000)
    assert [reason.code for reason in explained.reasons] == [ReasonCode.FEATURE, ReasonCode.CPU]
    assert (explained.reasons[0].wanted, explained.reasons[0].available) == ("ib", 1)


def test_a_refusal_names_the_constraint() -> None:
    center = Center().with_nodes(having("n0", "x86_64"), having("n1", "ib"))
    center.set_node(replace(having("n1", "ib"), devices=()))
    waits = center.add(naming("ib", tasks=4))
    center.turn()
    again = center.add(naming("ib"))
    reason = center.plan().reason(center.waiting[again], center.state.waiting(again).demand)
    assert waits in center.active
    assert reason is not None
    assert reason.code in {ReasonCode.FEATURE, ReasonCode.CPU}


def test_a_node_that_gets_a_feature_is_of_use_from_then_on() -> None:
    center = Center().with_nodes(having("n0"), having("n1"))
    waits = center.add(naming("ib"))
    assert not placed(center)
    center.set_node(having("n1", "ib"))
    assert placed(center) == {waits: ["n1"]}
    center.set_node(having("n1"))
    assert not placed(center)


def test_a_feature_first_named_beside_a_reservation_counts_on_the_kept_nodes() -> None:
    center = Center().with_nodes(having("n0", "ib"), having("n1", "ib"))
    center.add(WorkloadSpec(tasks=4, time_limit_s=100))
    center.turn()
    head = center.add(WorkloadSpec(tasks=8, nodes=2, time_limit_s=100))
    assert not placed(center)
    short = center.add(naming("ib", limit_s=50))
    assert short in placed(center)
    assert head not in placed(center)


def test_bits_are_given_again_and_remembered_shapes_notice() -> None:
    center = Center().with_nodes(having("n0", *(f"f{number}" for number in range(0, 3 * FEATURES, 2))))
    for _ in range(2):
        for number in range(3 * FEATURES):
            one = center.add(naming(f"f{number}"))
            assert (one in placed(center)) == (number % 2 == 0)
            center.withdraw(one)


def test_more_names_than_there_are_bits_are_refused_and_nothing_is_changed() -> None:
    center = Center().with_nodes(having("n0", "f0"))
    waiting = [center.add(naming(f"f{number}")) for number in range(FEATURES)]
    with pytest.raises(InvalidRequestError, match="features of nodes"):
        center.state.enqueue(center.waiting[waiting[0]], naming("one more"))
    assert placed(center) == {waiting[0]: ["n0"]}
    center.withdraw(waiting[1])
    center.add(naming("one more"))
    assert placed(center) == {waiting[0]: ["n0"]}


def test_of_a_copied_center_neither_notices_what_is_told_to_the_other() -> None:
    center = Center().with_nodes(having("n0", "ib"))
    other = snapshot(center.state)
    center.set_node(having("n0"))
    center.add(naming("ib"))
    assert not placed(center)
    center.state = other
    center.set_node(having("n0", "ib"))
    center.state.enqueue(center.waiting[WorkloadId(1)], naming("ib"))
    assert placed(center) == {WorkloadId(1): ["n0"]}
