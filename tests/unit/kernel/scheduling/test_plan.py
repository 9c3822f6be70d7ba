"""The nouns of a plan: whom an association and a refusal cover, and which reason is told of a workload."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.plan import Association, Decision, Explanation, Plan, Policy, Reason, ReasonCode, Refusal
from suanli.model.ids import ProjectName, QosName, QueueName, UserName, WorkloadId
from suanli.model.spec import Kind, WorkloadSpec
from suanli.model.workload import Workload, WorkloadState

DEMAND = demand_of(WorkloadSpec())
OTHER = demand_of(WorkloadSpec(tasks=2))
Q, P, ANN = QueueName("q"), ProjectName("p"), UserName("ann")
WORK = Workload(
    id=WorkloadId(7),
    submission=WorkloadId(5),
    owner=ANN,
    project=P,
    kind=Kind.JOB,
    name="n",
    queue=Q,
    state=WorkloadState.WAITING,
    time_limit_s=60,
    array_id=WorkloadId(5),
)
REFUSAL = Refusal(demand=DEMAND, waiting=1, reason=Reason(code=ReasonCode.CPU))


@pytest.mark.parametrize(
    ("association", "covers"),
    [
        pytest.param(Association(Q, P, ANN), True, id="queue, project and owner"),
        pytest.param(Association(Q, P, ANN, WorkloadId(5)), True, id="and its array"),
        pytest.param(Association(Q, P, ANN, WorkloadId(6)), False, id="another array"),
        pytest.param(Association(QueueName("r"), P, ANN), False, id="another queue"),
        pytest.param(Association(Q, ProjectName("r"), ANN), False, id="another project"),
        pytest.param(Association(Q, P, UserName("bob")), False, id="another owner"),
        pytest.param(Association(Q, P, ANN, qos=QosName("urgent")), False, id="another QOS"),
    ],
)
def test_whose_work_an_association_covers(association: Association, covers: bool) -> None:
    assert association.covers(WORK) is covers


@pytest.mark.parametrize(("array", "covers"), [(0, True), (5, False)])
def test_work_of_no_array_is_covered_where_no_array_is_named(array: int, covers: bool) -> None:
    alone = replace(WORK, array_id=WorkloadId(0))
    assert Association(Q, P, ANN, WorkloadId(array)).covers(alone) is covers


@pytest.mark.parametrize(
    ("refusal", "limit", "covers"),
    [
        pytest.param(REFUSAL, 60, True, id="of its demand"),
        pytest.param(replace(REFUSAL, demand=OTHER), 60, False, id="of another demand"),
        pytest.param(replace(REFUSAL, association=Association(Q, P, ANN)), 60, True, id="of its association"),
        pytest.param(replace(REFUSAL, association=Association(Q, P, UserName("b"))), 60, False, id="of another's"),
        pytest.param(replace(REFUSAL, window_s=59), 60, True, id="that runs beyond the window"),
        pytest.param(replace(REFUSAL, window_s=60), 60, False, id="that is gone by its end"),
        pytest.param(replace(REFUSAL, window_s=61), 60, False, id="that is gone before"),
        pytest.param(replace(REFUSAL, window_s=61), 0, True, id="that may run for ever"),
        pytest.param(replace(REFUSAL, window_s=0), 1, True, id="no window at all"),
        pytest.param(replace(REFUSAL, window_s=-1), 1, True, id="whatever its limit"),
    ],
)
def test_whom_a_refusal_covers(refusal: Refusal, limit: int, covers: bool) -> None:
    assert refusal.covers(replace(WORK, time_limit_s=limit), DEMAND) is covers


def test_the_first_refusal_that_covers_a_workload_tells_why() -> None:
    first = replace(REFUSAL, association=Association(Q, P, UserName("bob")), reason=Reason(code=ReasonCode.USER_QUOTA))
    plan = Plan(refusals=(replace(REFUSAL, demand=OTHER), first, REFUSAL))
    assert plan.reason(WORK, DEMAND) == Reason(code=ReasonCode.CPU)
    assert plan.reason(replace(WORK, owner=UserName("bob")), DEMAND) == Reason(code=ReasonCode.USER_QUOTA)


def test_what_no_refusal_covers_has_no_reason() -> None:
    assert Plan().reason(WORK, DEMAND) is None
    assert Plan(refusals=(REFUSAL,)).reason(WORK, OTHER) is None


def test_a_plan_that_decides_nothing_is_complete() -> None:
    plan = Plan()
    assert (plan.placements, plan.preemptions, plan.reservations, plan.refusals) == ((), (), (), ())
    assert plan.complete


def test_codes_of_reasons_are_stable() -> None:
    # Others read these words: they are added to and never renamed.
    assert {
        "node_state",
        "reserved",
        "reservation",
        "feature",
        "exclusive",
        "device_class",
        "device_model",
        "device_memory",
        "device_precision",
        "device_health",
        "device_free",
        "cpu",
        "memory",
        "nodes_count",
        "tasks_count",
        "engine",
        "array_limit",
        "queue_quota",
        "queue_user_quota",
        "qos_quota",
        "qos_user_quota",
        "project_quota",
        "project_user_quota",
        "user_quota",
        "license",
        "deadline",
        "priority",
        "backfill_window",
        "no_time_limit",
        "impossible",
    } <= {code.value for code in ReasonCode}


def test_a_policy_that_says_nothing_packs_and_owes_nobody() -> None:
    policy = Policy()
    assert (policy.score, policy.overrun_s, policy.placements) == ("best_fit", 1, 256)
    assert not policy.shares.count


def test_an_explanation_of_which_nothing_is_known_foresees_nothing() -> None:

    told = Explanation(workload=WORK.id, decision=Decision.LATER)
    assert (told.reasons, told.earliest_start, told.unforeseen, told.ahead, told.allocation) == (
        (),
        None,
        None,
        0,
        None,
    )
