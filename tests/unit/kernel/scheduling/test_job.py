"""Rows of jobs as nouns: limits, imagined workloads, and when a run is expected to have ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.demand import NO_DEADLINE, demand_of
from suanli.kernel.scheduling.job import NEVER, Job, expected_end, imagined
from suanli.model.ids import EngineName, ProjectName, QueueName, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation
from suanli.model.spec import ArraySpec, Kind, WorkloadSpec
from suanli.model.workload import Run, RunState, WorkloadState

SECOND = 1_000_000
ANN = UserName("ann")
SPEC = WorkloadSpec(
    name="n", project=ProjectName("p"), queue=QueueName("q"), kind=Kind.SERVICE, priority=3, time_limit_s=60
)
W, FIRST, NOW = WorkloadId(7), WorkloadId(5), Instant(9 * SECOND)


def job(limit: int) -> Job:
    return Job(
        row=0,
        workload=W,
        attempt=0,
        generation=1,
        queue=SPEC.queue,
        project=SPEC.project,
        owner=ANN,
        since=NOW,
        time_limit_s=limit,
        demand=demand_of(SPEC),
        association=0,
        asks=0,
    )


@pytest.mark.parametrize(("limit", "micros"), [(0, NEVER), (1, SECOND), (3600, 3600 * SECOND)])
def test_how_long_it_may_run(limit: int, micros: int) -> None:
    assert job(limit).limit_us == micros


def test_a_job_is_without_deadline_reservation_and_end_where_none_is_said() -> None:
    assert (job(0).latest, job(0).reservation, job(0).end) == (NO_DEADLINE, "", 0)


def test_an_imagined_workload_waits_as_if_it_had_come_now() -> None:
    workload = imagined(SPEC, ANN, W, FIRST, NOW)
    assert (workload.id, workload.submission, workload.owner) == (W, FIRST, ANN)
    assert (workload.state, workload.submitted_at, workload.eligible_at) == (WorkloadState.WAITING, NOW, NOW)
    assert (workload.project, workload.queue, workload.kind, workload.name) == ("p", "q", Kind.SERVICE, "n")
    assert (workload.priority, workload.time_limit_s) == (3, 60)
    assert (workload.attempt, workload.started_at, workload.ended_at) == (0, 0, 0)


@pytest.mark.parametrize("preemptible", [True, False])
def test_an_imagined_workload_may_lose_its_place_where_its_spec_says_so(preemptible: bool) -> None:
    assert imagined(replace(SPEC, preemptible=preemptible), ANN, W, FIRST, NOW).preemptible is preemptible


@pytest.mark.parametrize(("array", "of"), [(None, 0), (ArraySpec(indices=(1, 2)), 5)])
def test_an_imagined_element_is_of_its_array(array: ArraySpec | None, of: int) -> None:
    assert imagined(replace(SPEC, array=array), ANN, W, FIRST, NOW).array_id == of


@pytest.mark.parametrize(
    ("limit", "placed", "started", "end"),
    [
        pytest.param(60, 5, 8, 68, id="its limit after its start"),
        pytest.param(60, 5, 0, 65, id="after its placement until it starts"),
        pytest.param(0, 5, 8, None, id="without limit never"),
        pytest.param(0, 5, 0, None, id="nor before it starts"),
        pytest.param(60, 8, 5, 65, id="by the start, though a clock put that first"),
    ],
)
def test_when_a_run_will_have_ended_at_the_latest(limit: int, placed: int, started: int, end: int | None) -> None:
    run = Run(
        id=run_id(W, 1),
        workload=W,
        attempt=1,
        state=RunState.RUNNING,
        allocation=Allocation(engine=EngineName("local")),
        time_limit_s=limit,
        placed_at=Instant(placed * SECOND),
        started_at=Instant(started * SECOND),
    )
    assert expected_end(run) == (NEVER if end is None else end * SECOND)
