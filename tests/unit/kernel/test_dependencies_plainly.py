"""Dependencies against the sentences of their page, for any workloads that they name."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.dependencies import Verdict, judge
from suanli.model.ids import ProjectName, QueueName, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.spec import DependencyKind, Kind
from suanli.model.workload import Workload, WorkloadState

FINAL = {state for state in WorkloadState if state.final}
COMPLETED = WorkloadState.COMPLETED


def other(state: WorkloadState, started: int = 0) -> Workload:
    return Workload(
        id=WorkloadId(1),
        submission=WorkloadId(1),
        owner=UserName("ann"),
        project=ProjectName("p"),
        kind=Kind.JOB,
        name="other",
        queue=QueueName("q"),
        state=state,
        started_at=Instant(started),
    )


def plain(kind: DependencyKind, others: Sequence[Workload]) -> Verdict:
    """As the page says it."""
    if kind is DependencyKind.AFTER:
        met = all(one.state in FINAL or one.started_at for one in others)
        lost = False
    elif kind is DependencyKind.AFTEROK:
        met = all(one.state is COMPLETED for one in others)
        lost = any(one.state in FINAL - {COMPLETED} for one in others)
    elif kind is DependencyKind.AFTERNOTOK:
        met = all(one.state in FINAL - {COMPLETED} for one in others)
        lost = any(one.state is COMPLETED for one in others)
    else:
        met = all(one.state in FINAL for one in others)
        lost = False
    if lost:
        return Verdict.IMPOSSIBLE
    return Verdict.MET if met else Verdict.OPEN


OTHERS = st.lists(st.builds(other, st.sampled_from(WorkloadState), st.sampled_from([0, 5])), max_size=6)


@given(st.sampled_from(DependencyKind), OTHERS)
def test_any_dependency_is_judged_as_its_page_says(kind: DependencyKind, others: list[Workload]) -> None:
    assert judge(kind, others) is plain(kind, others)


@given(st.sampled_from(DependencyKind), OTHERS)
def test_the_order_of_those_named_makes_no_difference(kind: DependencyKind, others: list[Workload]) -> None:
    assert judge(kind, others) is judge(kind, others[::-1])


@given(st.sampled_from(DependencyKind), OTHERS, OTHERS)
def test_one_more_to_wait_for_never_makes_it_easier(
    kind: DependencyKind, others: list[Workload], more: list[Workload]
) -> None:
    ease = [Verdict.IMPOSSIBLE, Verdict.OPEN, Verdict.MET]
    assert ease.index(judge(kind, [*others, *more])) <= ease.index(judge(kind, others))


@pytest.mark.parametrize("kind", DependencyKind)
@pytest.mark.parametrize("state", sorted(FINAL))
def test_what_has_ended_leaves_nothing_open(kind: DependencyKind, state: WorkloadState) -> None:
    assert judge(kind, [other(state)]) is not Verdict.OPEN


@pytest.mark.parametrize("kind", DependencyKind)
@pytest.mark.parametrize("state", sorted(set(WorkloadState) - FINAL))
def test_what_has_not_ended_may_yet_do_either(kind: DependencyKind, state: WorkloadState) -> None:
    assert judge(kind, [other(state)]) is Verdict.OPEN
    begun = judge(kind, [other(state, started=5)])
    assert begun is (Verdict.MET if kind is DependencyKind.AFTER else Verdict.OPEN)
