"""What others' states say about a workload that waits for them."""

from __future__ import annotations

import pytest

from suanli.kernel.dependencies import Verdict, judge
from suanli.model.ids import ProjectName, QueueName, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.spec import DependencyKind, Kind
from suanli.model.workload import Workload, WorkloadState

MET, OPEN, NEVER = Verdict.MET, Verdict.OPEN, Verdict.IMPOSSIBLE
KINDS = list(DependencyKind)


def other(state: WorkloadState, *, begun: bool = False) -> Workload:
    return Workload(
        id=WorkloadId(1),
        submission=WorkloadId(1),
        owner=UserName("ann"),
        project=ProjectName("default"),
        kind=Kind.JOB,
        name="other",
        queue=QueueName("default"),
        state=state,
        started_at=Instant(5 if begun else 0),
    )


#               after, afterok, afternotok, afterany, singleton
SAYS = {
    ("held", False): (OPEN, OPEN, OPEN, OPEN, OPEN),
    ("blocked", False): (OPEN, OPEN, OPEN, OPEN, OPEN),
    ("waiting", False): (OPEN, OPEN, OPEN, OPEN, OPEN),
    ("starting", False): (OPEN, OPEN, OPEN, OPEN, OPEN),
    ("running", True): (MET, OPEN, OPEN, OPEN, OPEN),
    ("ending", False): (OPEN, OPEN, OPEN, OPEN, OPEN),
    ("ending", True): (MET, OPEN, OPEN, OPEN, OPEN),
    ("completed", True): (MET, MET, NEVER, MET, MET),
    ("failed", True): (MET, NEVER, MET, MET, MET),
    ("cancelled", False): (MET, NEVER, MET, MET, MET),
    ("timeout", True): (MET, NEVER, MET, MET, MET),
    ("out_of_memory", True): (MET, NEVER, MET, MET, MET),
    ("lost", True): (MET, NEVER, MET, MET, MET),
}


def test_every_state_is_judged() -> None:
    assert {WorkloadState(state) for state, _ in SAYS} == set(WorkloadState)


@pytest.mark.parametrize(("situation", "verdicts"), SAYS.items())
def test_one_other(situation: tuple[str, bool], verdicts: tuple[Verdict, ...]) -> None:
    alone = other(WorkloadState(situation[0]), begun=situation[1])
    assert [judge(kind, [alone]) for kind in KINDS] == list(verdicts)


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_is_met_when_each_is_and_lost_when_one_is(kind: DependencyKind) -> None:
    done, failed = other(WorkloadState.COMPLETED, begun=True), other(WorkloadState.FAILED, begun=True)
    waiting = other(WorkloadState.WAITING)
    singly = {judge(kind, [done]), judge(kind, [failed])}
    expected = NEVER if NEVER in singly else MET
    assert judge(kind, [done, failed]) is expected
    assert judge(kind, [waiting, done]) is (NEVER if judge(kind, [done]) is NEVER else OPEN)
    assert judge(kind, [waiting, failed]) is (NEVER if judge(kind, [failed]) is NEVER else OPEN)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_to_wait_for_is_met(kind: DependencyKind) -> None:
    assert judge(kind, []) is MET
