"""A center that lives on, told by hand: when work starts and ends, who waits again, what stands against the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.plan import Policy, ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.what_if.changes import Bounds
from suanli.kernel.what_if.onward import (
    end_run,
    live_on,
    record_of,
    run_of,
    running_jobs,
    stopping,
    waiting_jobs,
)
from suanli.kernel.what_if.outcome import Course
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.errors import NotFoundError, TooFarAheadError
from suanli.model.ids import LicenseName, QueueName, ReservationName, RunId, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.quota import Quota, QuotaScope
from suanli.model.resources import NodeState
from suanli.model.spec import ArraySpec, WorkloadSpec
from suanli.model.workload import WorkloadState
from tests.unit.kernel.scheduling.center import BEGIN, GIB, PROJECT, SECOND, Center, asks, gpu, node


def job(cpus: float = 4, limit: int = 100, **more: Any) -> WorkloadSpec:
    return WorkloadSpec(resources=asks(cpus), time_limit_s=limit, **more)


def one_node(*specs: WorkloadSpec, cpus: int = 4, turn: bool = False) -> Center:
    """A node and what waits for it; after a turn what fits runs."""
    center = Center().with_nodes(node("n0", cpus, 64))
    for spec in specs:
        center.add(spec)
    if turn:
        center.turn()
    return center


def lived(center: Center, *, back: set[str] | None = None, **bounds: Any) -> Course:
    sent_back = {RunId(name) for name in back or ()}
    return live_on(snapshot(center.state), center.now, center.policy, Bounds(**bounds), sent_back)


def starts(course: Course) -> dict[int, int | None]:
    """Seconds from the beginning until each starts."""
    return {
        int(workload): None if stay.start is None else (stay.start - BEGIN) // SECOND
        for workload, stay in course.stays.items()
    }


def ends(course: Course) -> dict[int, int | None]:
    return {
        int(workload): None if stay.end is None else (stay.end - BEGIN) // SECOND
        for workload, stay in course.stays.items()
    }


@pytest.mark.parametrize(
    ("specs", "started", "ended", "last"),
    [
        pytest.param([], {}, {}, 0, id="nothing waits"),
        pytest.param([job()], {1: 0}, {1: 100}, 100, id="one runs to its limit"),
        pytest.param([job(), job()], {1: 0, 2: 100}, {1: 100, 2: 200}, 200, id="one after the other"),
        pytest.param([job(2), job(2)], {1: 0, 2: 0}, {1: 100, 2: 100}, 100, id="side by side"),
        pytest.param([job(2, 50), job(2), job()], {1: 0, 2: 0, 3: 100}, {1: 50, 2: 100, 3: 200}, 200, id="after both"),
        pytest.param([job(3), job(), job(1, 100)], {1: 0, 2: 100, 3: 0}, {1: 100, 2: 200, 3: 100}, 200, id="it passes"),
        pytest.param(
            [job(3), job(), job(1, 101)], {1: 0, 2: 100, 3: 200}, {1: 100, 2: 200, 3: 301}, 301, id="it does not"
        ),
        pytest.param([job(4, 0)], {1: 0}, {1: None}, 0, id="one runs for ever"),
        pytest.param([job(3, 0), job(1)], {1: 0, 2: 0}, {1: None, 2: 100}, 100, id="one beside it"),
        pytest.param([job(priority=0), job(priority=5)], {1: 100, 2: 0}, {1: 200, 2: 100}, 200, id="by priority"),
    ],
)
def test_when_what_waits_starts_and_ends(
    specs: list[WorkloadSpec], started: dict[int, int], ended: dict[int, int | None], last: int
) -> None:
    course = lived(one_node(*specs))
    assert (starts(course), ends(course)) == (started, ended)
    assert course.last_end == BEGIN + last * SECOND
    assert course.never == {}
    assert course.now == BEGIN


def test_what_runs_ends_at_its_limit_after_its_start_and_is_no_stay() -> None:
    center = one_node(job(), turn=True)
    center.pass_time(30)
    waits = center.add(job())
    course = lived(center)
    assert set(course.stays) == {waits}
    assert starts(course) == {2: 100}


def test_what_is_past_its_end_ends_as_soon_as_the_policy_takes_it_to() -> None:
    center = one_node(job(4, 10), turn=True)
    center.policy = Policy(overrun_s=7)
    center.pass_time(60)
    center.add(job())
    assert starts(lived(center)) == {2: 67}


@pytest.mark.parametrize(
    ("back", "started"),
    [
        pytest.param(set(), {2: 1}, id="what was stopped is over"),
        pytest.param({"1.1"}, {2: 1, 1: 101}, id="what was stopped waits again, from then on"),
    ],
)
def test_what_is_stopping_leaves_at_once_and_may_wait_again(back: set[str], started: dict[int, int]) -> None:
    center = one_node(job(), turn=True)
    center.stop(RunId("1.1"))
    center.add(job())
    assert starts(lived(center, back=back)) == started


def test_who_loses_its_place_waits_again_and_has_its_last_end() -> None:
    center = one_node(job(2, 50, preemptible=True), cpus=4, turn=True)
    center.pass_time(10)
    urgent = center.add(job(4, 100, priority=9))
    course = lived(center)
    assert course.preempted == 1
    assert starts(course) == {urgent: 11, 1: 111}
    assert ends(course)[1] == 161
    assert course.stays[WorkloadId(1)].since == BEGIN + 11 * SECOND


def test_work_that_waits_again_keeps_its_first_start() -> None:
    center = one_node(job(4, 50, preemptible=True))
    center.reserve("repair", 5, 10, "n0")
    course = lived(center)
    assert starts(course) == {1: 10}
    assert course.stays[WorkloadId(1)].nodes == ("n0",)


@pytest.mark.parametrize(
    ("begin", "end", "limit", "start"),
    [
        pytest.param(50, 80, 100, 80, id="after a window that it would run into"),
        pytest.param(100, 180, 100, 0, id="before a window"),
        pytest.param(-10, 20, 100, 20, id="after one that is open"),
        pytest.param(50, 80, 0, 80, id="work without limit keeps off too"),
    ],
)
def test_windows_open_and_close_as_time_passes(begin: int, end: int, limit: int, start: int) -> None:
    center = one_node(job(4, limit))
    center.reserve("repair", begin, end, "n0")
    assert starts(lived(center)) == {1: start}


def test_work_within_a_reservation_starts_when_that_opens() -> None:
    center = one_node(job(4, 20, reservation=ReservationName("course")))
    center.reserve("course", 60, 90, "n0", use=True)
    assert starts(lived(center)) == {1: 60}


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        pytest.param(job(64), ReasonCode.IMPOSSIBLE, id="what no node could hold"),
        pytest.param(job(3), ReasonCode.NO_TIME_LIMIT, id="what waits for work without limit"),
        pytest.param(job(1, licenses={LicenseName("s"): 1}), ReasonCode.LICENSE, id="what waits for a license"),
        pytest.param(
            job(1, reservation=ReservationName("x")), ReasonCode.RESERVATION, id="what waits for a reservation"
        ),
        pytest.param(job(1, queue=QueueName("full")), ReasonCode.QUEUE_QUOTA, id="what waits for a quota"),
    ],
)
def test_what_never_starts_says_what_stands_against_it(spec: WorkloadSpec, code: ReasonCode) -> None:
    center = Center().with_nodes(node("n0", 4, 64))
    center.set_license("s", 1)
    center.add(job(1, 0, licenses={LicenseName("s"): 1}))
    center.add(job(1, 0, queue=QueueName("full")))
    center.turn()
    center.set_quota(Quota(scope=QuotaScope.QUEUE, name="full", runs=1))
    waits = center.add(spec)
    course = lived(center)
    assert course.never == {waits: code}
    assert course.stays[waits].start is None


@pytest.mark.parametrize(
    ("deadline", "start", "never"),
    [
        pytest.param(200, 100, {}, id="just in time"),
        pytest.param(199, None, {2: ReasonCode.DEADLINE}, id="a second too late"),
        pytest.param(50, None, {2: ReasonCode.DEADLINE}, id="too late from the beginning"),
    ],
)
def test_work_that_cannot_be_done_by_its_deadline_gives_up(
    deadline: int, start: int | None, never: dict[int, ReasonCode]
) -> None:
    center = one_node(job(), turn=True)
    center.add(job(deadline=Instant(BEGIN + deadline * SECOND)))
    behind = center.add(job(4, 10))
    course = lived(center)
    assert (starts(course)[2], course.never) == (start, never)
    assert starts(course)[int(behind)] == (100 if start is None else 200)


@pytest.mark.parametrize(
    ("grain", "start"),
    [
        pytest.param(0, 95, id="at its instant"),
        pytest.param(10, 100, id="at the next ten seconds"),
        pytest.param(95, 95, id="just then"),
        pytest.param(60, 120, id="at the next minute"),
    ],
)
def test_ends_are_seen_together_at_multiples_of_a_grain(grain: int, start: int) -> None:
    center = one_node(job(4, 95), job(4, 10))
    assert starts(lived(center, grain_s=grain))[2] == start


@pytest.mark.parametrize(
    ("bounds", "turns", "ahead", "started", "waiting"),
    [
        pytest.param({"turns": 1}, 1, 100, 1, 3, id="one turn"),
        pytest.param({"turns": 3}, 3, 300, 3, 1, id="three turns"),
        pytest.param({"horizon_s": 99}, 1, 100, 1, 3, id="not as far as the first end"),
        pytest.param({"horizon_s": 100}, 2, 200, 2, 2, id="just as far as it"),
    ],
)
def test_further_than_allowed_is_told_with_how_far_it_came(
    bounds: dict[str, Any], turns: int, ahead: int, started: int, waiting: int
) -> None:
    center = one_node(job(), job(), job(), job())
    with pytest.raises(TooFarAheadError) as caught:
        lived(center, **bounds)
    assert caught.value.params == {"turns": turns, "ahead_s": ahead, "started": started, "waiting": waiting}
    assert caught.value.code == "too_far_ahead"


def test_as_far_as_allowed_is_enough() -> None:
    center = one_node(job(), job(), job(), job())
    assert lived(center, turns=5, horizon_s=400).turns <= 5


def test_a_policy_that_does_not_exist_is_named() -> None:
    center = one_node(job())
    with pytest.raises(NotFoundError, match="no score policy luck"):
        live_on(snapshot(center.state), center.now, Policy(score="luck"), Bounds(), set())


@pytest.mark.parametrize(
    ("specs", "cpu_part", "device_part"),
    [
        pytest.param([job(4, 100)], 0.5, 0, id="one of two nodes"),
        pytest.param([job(4, 100), job(4, 100)], 1.0, 0, id="both"),
        pytest.param([job(4, 100), job(4, 50)], 0.75, 0, id="one for half of the time"),
        pytest.param(
            [WorkloadSpec(resources=asks(2, 1, DeviceRequest(count=1)), time_limit_s=100)],
            0.25,
            0.5,
            id="a device of two",
        ),
        pytest.param(
            [WorkloadSpec(resources=asks(2, 1, DeviceRequest(share=500)), time_limit_s=100)],
            0.25,
            0.25,
            id="half of one",
        ),
        pytest.param([], 0, 0, id="nothing"),
    ],
)
def test_what_part_of_the_center_is_held_until_the_last_end(
    specs: list[WorkloadSpec], cpu_part: float, device_part: float
) -> None:
    center = Center().with_nodes(node("n0", 4, 16, gpu(0), gpu(1)), node("n1", 4, 16))
    for spec in specs:
        center.add(spec)
    course = lived(center)
    assert [course.cpu_part, course.device_part] == pytest.approx([cpu_part, device_part])


def test_a_node_that_is_down_and_holds_nothing_is_no_part_of_the_center() -> None:
    center = Center().with_nodes(node("n0"), replace(node("n1"), state=NodeState.DOWN))
    center.add(job())
    assert lived(center).cpu_part == pytest.approx(1.0)


def test_who_waits_runs_and_stops() -> None:
    center = one_node(job(2, 100), job(2, 50), turn=True)
    high, low = center.add(job(priority=5)), center.add(job())
    center.stop(RunId("1.1"))
    assert [one.workload for one in waiting_jobs(center.state)] == [high, low]
    assert {run_of(one) for one in running_jobs(center.state)} == {"1.1", "2.1"}
    assert [run_of(one) for one in stopping(center.state)] == ["1.1"]


RICH = WorkloadSpec(
    tasks=4,
    nodes=2,
    resources=asks(
        1.5,
        3,
        DeviceRequest(
            device_class=DeviceClass.GPU, share=300, model="a100", min_memory_bytes=9 * GIB, precision=Precision.BF16
        ),
    ),
    licenses={LicenseName("b"): 2, LicenseName("a"): 1},
    features=frozenset({"ib", "avx"}),
    time_limit_s=77,
    deadline=Instant(BEGIN + 5000 * SECOND),
    queue=QueueName("q"),
    priority=-3,
    reservation=ReservationName("r"),
    array=ArraySpec(indices=(3, 4), max_running=2),
    preemptible=True,
)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(job(), id="plain work"),
        pytest.param(RICH, id="work with everything"),
        pytest.param(replace(RICH, nodes=0, max_tasks_per_node=3), id="so many tasks on a node"),
        pytest.param(replace(RICH, exclusive=True, array=None), id="alone"),
        pytest.param(replace(RICH, time_limit_s=0), id="a deadline without limit"),
        pytest.param(replace(RICH, resources=asks(1, 1, DeviceRequest(count=3))), id="whole devices"),
        pytest.param(replace(RICH, nodes=0, tasks=6, min_tasks=2), id="as many tasks as fit"),
    ],
)
@pytest.mark.parametrize("share", [300, 333, 7])
def test_of_a_row_a_workload_and_a_spec_are_made_that_make_just_that_row(spec: WorkloadSpec, share: int) -> None:
    request = spec.resources.devices
    if request is not None and request.count == 1:
        spec = replace(spec, resources=replace(spec.resources, devices=replace(request, share=share)))
    center = Center().with_nodes(node("n0"))
    (first, *_) = center.submit(spec, 1 if spec.array is None else 2)
    row = center.state.waiting(first)
    workload, made = record_of(center.state, row)
    assert demand_of(made) == demand_of(spec)
    assert (workload.id, workload.owner, workload.project, workload.queue) == (first, row.owner, PROJECT, spec.queue)
    assert (workload.priority, workload.time_limit_s, workload.preemptible) == (
        spec.priority,
        spec.time_limit_s,
        spec.preemptible,
    )
    assert (made.deadline, made.reservation) == (spec.deadline, spec.reservation)
    assert (workload.state, workload.eligible_at) == (WorkloadState.WAITING, center.now)
    center.state.enqueue(workload, made)
    again = center.state.waiting(first)
    assert replace(again, row=row.row, association=row.association, asks=row.asks) == row


def test_a_run_that_ends_leaves_its_place_and_may_wait_again_from_then_on() -> None:
    center = one_node(job(), turn=True)
    state = snapshot(center.state)
    at = Instant(center.now + 30 * SECOND)
    end_run(state, RunId("1.1"), at, is_sent_back=True)
    assert not state.holds(RunId("1.1"))
    assert state.waiting(WorkloadId(1)).since == at
    gone = snapshot(center.state)
    end_run(gone, RunId("1.1"), at, is_sent_back=False)
    assert not gone.waits(WorkloadId(1))
    with pytest.raises(NotFoundError) as caught:
        end_run(gone, RunId("1.1"), at, is_sent_back=False)
    assert caught.value.detail == "no run with an allocation 1.1"


def test_the_state_that_lived_on_is_used_up_and_its_original_is_not() -> None:
    center = one_node(job(), job())
    queue = center.queue()
    lived(center)
    assert center.queue() == queue
