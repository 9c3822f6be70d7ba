"""Lives in which work starts more than once, in another form, at the very instant, or turn by turn."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.plan import Policy, ReasonCode
from suanli.kernel.what_if.onward import record_of
from suanli.kernel.what_if.outcome import Course
from suanli.model.devices import DeviceRequest, Precision
from suanli.model.ids import LicenseName, QueueName, RunId, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.quota import Quota, QuotaScope
from suanli.model.rates import class_of
from suanli.model.spec import Objective, Request, TaskResources, WorkloadSpec
from tests.unit.kernel.scheduling.center import BEGIN, PROJECT, SECOND, Center, asks, gpu, node
from tests.unit.kernel.what_if.test_onward import ends, job, lived, one_node, starts

W1, W2, W3 = (WorkloadId(number) for number in (1, 2, 3))
Q = QueueName("q")


def guarded(urgent_limit: int) -> tuple[Center, WorkloadId, WorkloadId]:
    """Two nodes. One runs work of queue q until 60 s, which may have one run at a time; so the urgent work of that
    queue, which needs both nodes, is barred until then, and the low one starts beside."""
    center = Center().with_nodes(node("n0"), node("n1"))
    center.set_quota(Quota(scope=QuotaScope.QUEUE, name="q", runs=1))
    center.add(job(4, 60, queue=Q))
    center.turn()
    low = center.add(job(4, 500, preemptible=True))
    urgent = center.add(job(4, urgent_limit, queue=Q, tasks=2, nodes=2, priority=9))
    return center, low, urgent


def test_work_that_loses_its_place_after_it_has_started_keeps_its_first_start() -> None:
    """Low starts at 0. At 60 s the urgent work may start, and takes its place a second later, until 161 s."""
    center, low, urgent = guarded(100)
    course = lived(center)
    assert starts(course) == {urgent: 61, low: 0}
    assert ends(course) == {urgent: 161, low: 661}
    assert course.preempted == 1
    assert course.never == {}
    assert course.stays[low].since == BEGIN
    assert course.last_end == BEGIN + 661 * SECOND


def test_work_that_loses_its_place_for_ever_has_a_start_and_no_end() -> None:
    center, low, urgent = guarded(0)
    course = lived(center)
    assert starts(course) == {urgent: 61, low: 0}
    assert ends(course) == {urgent: None, low: None}
    assert course.never == {low: ReasonCode.NO_TIME_LIMIT}
    assert course.last_end == BEGIN + 61 * SECOND


def test_the_last_end_is_the_last_though_something_waits_on_in_vain() -> None:
    """One cpu for 100 s and three for ever: who needs all four never starts, and until 100 s all four were held."""
    course = lived(one_node(job(1, 100), job(3, 0), job(4, 50), job(1, 40)))
    assert starts(course) == {1: 0, 2: 0, 3: None, 4: 100}
    assert ends(course) == {1: 100, 2: None, 3: None, 4: 140}
    assert course.last_end == BEGIN + 140 * SECOND
    assert course.cpu_part == pytest.approx(1.0)
    assert course.never == {W3: ReasonCode.NO_TIME_LIMIT}


def test_of_several_ends_the_latest_is_the_last() -> None:
    """In vain waits work for a license that a run without limit has: so every other end comes while something waits."""
    center = Center().with_nodes(node("n0", 8))
    center.set_license("s", 1)
    spec = {"licenses": {LicenseName("s"): 1}}
    for one in (job(1, 0, **spec), job(1, 30), job(1, 90), job(1, 60), job(1, 10, **spec)):
        center.add(one)
    course = lived(center)
    assert course.last_end == BEGIN + 90 * SECOND
    assert course.cpu_part == pytest.approx((90 + 30 + 90 + 60) / (8 * 90))


@pytest.mark.parametrize(
    ("passed", "start"),
    [
        pytest.param(9, 10, id="a second before its end it has a second left"),
        pytest.param(10, 17, id="at its end it is taken to overrun"),
        pytest.param(11, 18, id="and after it"),
    ],
)
def test_a_run_is_over_its_limit_from_the_very_instant_of_its_end_on(passed: int, start: int) -> None:
    center = one_node(job(4, 10), turn=True)
    center.policy = Policy(overrun_s=7)
    center.pass_time(passed)
    waits = center.add(job())
    assert lived(center).stays[waits].start == BEGIN + start * SECOND


def test_a_window_that_closes_lets_work_start_at_that_very_microsecond() -> None:
    center = one_node(job(4, 100))
    center.reserve("repair", 50, 80, "n0")
    assert lived(center).stays[W1].start == BEGIN + 80 * SECOND


def test_a_deadline_is_missed_the_microsecond_after_the_latest_start() -> None:
    """Who waits for the work that gives up starts as soon as that is out of the way: one microsecond after 40 s."""
    center = Center().with_nodes(node("n0"), node("n1"))
    center.add(job(4, 1000))
    center.turn()
    late = center.add(job(4, 60, tasks=2, nodes=2, deadline=Instant(BEGIN + 100 * SECOND)))
    behind = center.add(job(4, 2000))
    course = lived(center)
    assert course.never == {late: ReasonCode.DEADLINE}
    assert course.stays[behind].start == BEGIN + 40 * SECOND + 1


@pytest.mark.parametrize(("placements", "turns"), [(256, 1), (3, 2), (2, 3), (1, 5)])
def test_a_turn_that_is_not_complete_is_followed_by_another_at_once(placements: int, turns: int) -> None:
    """Five fit at once; whoever may place few at a time takes more turns, and nobody starts later for that."""
    center = one_node(*(job(1, 100) for _ in range(5)), cpus=8)
    center.policy = Policy(placements=placements)
    course = lived(center)
    assert starts(course) == dict.fromkeys(range(1, 6), 0)
    assert course.turns == turns


FORMS = (
    Request(tasks=2, resources=asks(1, 1), time_limit_s=200),
    Request(tasks=1, resources=asks(1, 1), time_limit_s=400),
)


def test_work_in_several_forms_runs_as_long_as_the_form_that_starts() -> None:
    """Of four cpus two are taken until 100 s: the form of two tasks starts at once and runs for 200 s, not for 50."""
    center = one_node(job(2, 100), turn=True)
    spec = replace(job(4, 50), alternatives=FORMS)
    first, second = center.add(spec), center.add(job(2, 10))
    course = lived(center)
    assert (starts(course), ends(course)) == ({first: 0, second: 100}, {first: 200, second: 110})
    assert course.stays[first].time_limit_s == 200


def test_work_that_loses_its_place_waits_again_in_all_its_forms() -> None:
    """In the form of two tasks it is preempted at 10 s, and by then the whole node is free again at 111 s."""
    center = one_node(job(2, 100), turn=True)
    flexible = center.add(replace(job(4, 50, preemptible=True), alternatives=FORMS))
    center.turn()
    center.end(RunId("1.1"))
    center.pass_time(10)
    urgent = center.add(job(4, 100, priority=9))
    course = lived(center)
    assert starts(course) == {urgent: 11, flexible: 111}
    # At 111 s all four cpus are free, so the first form is taken, which runs for 50 s.
    assert ends(course)[int(flexible)] == 161


def test_of_a_row_with_forms_a_spec_with_all_of_them_is_made() -> None:
    center = one_node()
    spec = replace(job(4, 50), alternatives=FORMS)
    one = center.add(spec)
    for form in center.state.forms(one):
        _, made = record_of(center.state, form)
        assert demand_of(made) == demand_of(spec)
        assert made.alternatives == FORMS
        assert {name.name: getattr(made, name.name) for name in fields(Request) if name.name != "time_limit_s"} == {
            name.name: getattr(spec, name.name) for name in fields(Request) if name.name != "time_limit_s"
        }


@pytest.mark.parametrize("objective", [Objective.TIME, Objective.ENERGY, None])
@pytest.mark.parametrize(("application", "name"), [("llm", ""), ("", "train"), ("llm", "train")])
def test_of_a_row_with_work_a_spec_of_the_same_job_class_is_made(
    objective: Objective | None, application: str, name: str
) -> None:
    spec = WorkloadSpec(
        project=PROJECT,
        resources=TaskResources(cpu_milli=1000, memory_bytes=1, devices=DeviceRequest(count=2)),
        work={Precision.BF16: 700, Precision.FP32: 300},
        objective=objective,
        application=application,
        name=name,
        time_limit_s=50,
    )
    center = Center().with_nodes(node("n0", 4, 16, gpu(0), gpu(1)))
    one = center.add(spec)
    before = center.state.waiting(one)
    workload, made = record_of(center.state, before)
    assert made.work == spec.work
    if objective is not None:
        assert made.objective is objective
        assert class_of(made, workload.owner) == class_of(spec, workload.owner)
    center.state.enqueue(workload, made)
    assert center.state.waiting(one).demand == before.demand


def held_parts(course: Course) -> list[float]:
    return [course.cpu_part, course.device_part]


def test_parts_are_of_the_devices_that_there_are_wherever_they_lie() -> None:
    """Three devices on one node and one on the other: two of four are held for 100 s, and one for 50 s more."""
    center = Center().with_nodes(node("n0", 4, 16, gpu(0), gpu(1), gpu(2)), node("n1", 4, 16, gpu(0)))
    for limit in (100, 150):
        center.add(WorkloadSpec(resources=asks(1, 1, DeviceRequest(count=1)), time_limit_s=limit))
    assert held_parts(lived(center)) == pytest.approx([250 / (8 * 150), 250 / (4 * 150)])


def test_what_ran_before_now_counts_from_now_on() -> None:
    """It began 40 s ago and runs for 60 s more, on half of the cpus."""
    center = one_node(job(2, 100), turn=True)
    center.begin(RunId("1.1"))
    center.pass_time(40)
    center.add(job(2, 30))
    course = lived(center)
    assert course.last_end == BEGIN + 100 * SECOND
    assert course.cpu_part == pytest.approx((2 * 60 + 2 * 30) / (4 * 60))
