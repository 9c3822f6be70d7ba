"""Our own facts as a trace: what counts, what does not, and what each field of a spec becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.formats.facts import read_facts
from suanli.kernel.replay.trace import MAX_MODELS, Trace
from suanli.model import facts
from suanli.model.devices import DeviceRequest
from suanli.model.errors import InvalidRequestError
from suanli.model.facts import SYSTEM, Fact, RecordedFact
from suanli.model.ids import FactSeq, ProjectName, QueueName, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.spec import ArraySpec, Request, TaskResources, WorkloadSpec
from suanli.model.workload import EndCause
from suanli.testing.builders import allocation

SECOND = 1_000_000
GIB = 1024**3
SPEC = WorkloadSpec(command=("true",))
ANN = UserName("ann")


def log(*told: tuple[float, Fact]) -> list[RecordedFact]:
    """Facts recorded at these seconds."""
    return [
        RecordedFact(seq=FactSeq(seq), at=Instant(round(at * SECOND)), actor=SYSTEM, fact=fact)
        for seq, (at, fact) in enumerate(told, start=1)
    ]


def submitted(first: int, spec: WorkloadSpec = SPEC, owner: UserName = ANN) -> Fact:
    count = 1 if spec.array is None else len(spec.array.indices)
    return facts.WorkloadSubmitted(first=WorkloadId(first), count=count, owner=owner, spec=spec)


def placed(workload: int, attempt: int = 1) -> Fact:
    one = WorkloadId(workload)
    return facts.RunPlaced(workload=one, run=run_id(one, attempt), allocation=allocation())


def placed_as(workload: int, tasks: int, alternative: int = 0) -> Fact:
    one = WorkloadId(workload)
    held = allocation(tasks=tasks)
    return facts.RunPlaced(workload=one, run=run_id(one, 1), allocation=held, alternative=alternative)


def started(workload: int, at: float, attempt: int = 1) -> Fact:
    one = WorkloadId(workload)
    return facts.RunStarted(workload=one, run=run_id(one, attempt), started_at=Instant(round(at * SECOND)))


def ended(workload: int, at: float, attempt: int = 1, began: float = 0, cause: EndCause = EndCause.EXITED) -> Fact:
    one = WorkloadId(workload)
    return facts.RunEnded(
        workload=one,
        run=run_id(one, attempt),
        cause=cause,
        started_at=Instant(round(began * SECOND)),
        ended_at=Instant(round(at * SECOND)),
    )


def ran(spec: WorkloadSpec, owner: UserName = ANN) -> Trace:
    """A workload submitted at 100 s that ran from 110 s to 170 s."""
    return read_facts(log((100, submitted(1, spec, owner)), (110, started(1, 110)), (170, ended(1, 170))))


def test_what_was_asked_for_is_the_request_that_was_taken_with_the_tasks_that_ran() -> None:
    small = Request(tasks=5, resources=TaskResources(cpu_milli=250), time_limit_s=33)
    spec = replace(SPEC, tasks=8, min_tasks=2, time_limit_s=99, alternatives=(small,))
    times = [
        fact
        for one, tasks, form in ((1, 6, 0), (2, 5, 1))
        for fact in ((100, submitted(one, spec)), (110, placed_as(one, tasks, form)), (170, ended(one, 170, began=110)))
    ]
    trace = read_facts(log(*times))
    assert (trace.tasks.tolist(), trace.cpu_milli.tolist()) == ([6, 5], [1000, 250])
    assert trace.requested_us.tolist() == [99 * SECOND, 33 * SECOND]


def with_resources(**changes: Any) -> WorkloadSpec:
    return replace(SPEC, resources=replace(TaskResources(), **changes))


@pytest.mark.parametrize(
    ("spec", "column", "expected"),
    [
        pytest.param(SPEC, "number", 1, id="its id is its number"),
        pytest.param(SPEC, "submitted_us", 0, id="the first submission is the origin"),
        pytest.param(SPEC, "runtime_us", 60 * SECOND, id="from its start to its end"),
        pytest.param(SPEC, "requested_us", 60 * SECOND, id="no limit: the run time"),
        pytest.param(replace(SPEC, time_limit_s=600), "requested_us", 600 * SECOND, id="the limit of the spec"),
        pytest.param(replace(SPEC, time_limit_s=5), "requested_us", 5 * SECOND, id="also one that it outlived"),
        pytest.param(replace(SPEC, tasks=7), "tasks", 7, id="tasks"),
        pytest.param(with_resources(cpu_milli=1500), "cpu_milli", 1500, id="milli-cpus of a task"),
        pytest.param(with_resources(memory_bytes=3 * GIB), "memory_bytes", 3 * GIB, id="bytes of a task"),
        pytest.param(SPEC, "device_count", 0, id="no devices"),
        pytest.param(SPEC, "device_share", 1000, id="and then no share"),
        pytest.param(with_resources(devices=DeviceRequest(count=4)), "device_count", 4, id="devices of a task"),
        pytest.param(with_resources(devices=DeviceRequest(share=250)), "device_share", 250, id="a share of one"),
        pytest.param(with_resources(devices=DeviceRequest()), "device_models", 0, id="of any model"),
        pytest.param(with_resources(devices=DeviceRequest(model="A100")), "device_models", 1, id="of one model"),
    ],
)
def test_what_each_field_of_a_spec_becomes(spec: WorkloadSpec, column: str, expected: int) -> None:
    assert getattr(ran(spec), column).tolist() == [expected]


@pytest.mark.parametrize(
    ("trace", "names", "expected"),
    [
        pytest.param(ran(SPEC, UserName("bob")), "users", ("bob",), id="who submitted it"),
        pytest.param(ran(replace(SPEC, project=ProjectName("p"))), "projects", ("p",), id="its project"),
        pytest.param(ran(replace(SPEC, queue=QueueName("q"))), "queues", ("q",), id="its queue"),
        pytest.param(ran(replace(SPEC, name="n")), "applications", ("n",), id="its name"),
        pytest.param(ran(replace(SPEC, name="n", application="a")), "applications", ("a",), id="or its application"),
        pytest.param(
            ran(with_resources(devices=DeviceRequest(model="A|B"))), "models", ("A|B",), id="models as asked for"
        ),
    ],
)
def test_whose_work_it_was(trace: Trace, names: str, expected: tuple[str, ...]) -> None:
    assert getattr(trace, names) == expected


@pytest.mark.parametrize(
    ("told", "runtimes"),
    [
        pytest.param([], {}, id="nothing happened"),
        pytest.param([(0, submitted(1))], {}, id="it waits"),
        pytest.param([(0, submitted(1)), (1, placed(1))], {}, id="it is placed"),
        pytest.param([(0, submitted(1)), (1, started(1, 1))], {}, id="it runs"),
        pytest.param([(0, submitted(1)), (2, ended(1, 2))], {}, id="it ended and never began"),
        pytest.param([(0, submitted(1)), (1, started(1, 1)), (5, ended(1, 5))], {1: 4}, id="it ran"),
        pytest.param([(0, submitted(1)), (5, ended(1, 5, began=2))], {1: 3}, id="its start is told with its end"),
        pytest.param(
            [(0, submitted(1)), (1, started(1, 1)), (5, ended(1, 5, began=2))], {1: 3}, id="the end's word stands first"
        ),
        pytest.param(
            [(0, submitted(1)), (1, started(1, 0)), (5, ended(1, 5))],
            {1: 4},
            id="no instant of its start: the record's",
        ),
        pytest.param(
            [(0, submitted(1)), (1, started(1, 1)), (5, ended(1, 0))], {1: 4}, id="no instant of its end: the record's"
        ),
        pytest.param(
            [(0, submitted(1)), (1, started(1, 1)), (5, ended(1, 5, cause=EndCause.LOST))], {1: 4}, id="it was lost"
        ),
        pytest.param(
            [
                (0, submitted(1)),
                (1, started(1, 1)),
                (5, ended(1, 5)),
                (6, started(1, 6, 2)),
                (8, ended(1, 8, 2)),
            ],
            {1: 2},
            id="its last run counts",
        ),
        pytest.param(
            [(0, submitted(1)), (1, started(1, 1)), (5, ended(1, 5)), (8, ended(1, 8, 2))],
            {1: 4},
            id="its last run that began",
        ),
        pytest.param(
            [(0, submitted(1)), (1, started(1, 1)), (5, ended(1, 5)), (6, started(1, 6, 2))],
            {1: 4},
            id="and that ended",
        ),
        pytest.param([(1, started(9, 1)), (5, ended(9, 5))], {}, id="a run of nobody knows what"),
        pytest.param(
            [(0, submitted(1)), (0, submitted(2)), (1, started(2, 1)), (3, ended(2, 3))], {2: 2}, id="one of two"
        ),
    ],
)
def test_which_runs_count(told: Sequence[tuple[float, Fact]], runtimes: dict[int, int]) -> None:
    trace = read_facts(log(*told))
    found = dict(zip(trace.number.tolist(), (trace.runtime_us // SECOND).tolist(), strict=True))
    assert found == runtimes
    submissions = sum(isinstance(fact, facts.WorkloadSubmitted) for _, fact in told)
    assert trace.dropped == submissions - len(runtimes)


@pytest.mark.parametrize("end", [110.0, 109.0])
def test_a_run_that_took_no_time_by_its_clock_takes_a_microsecond(end: float) -> None:
    told = log((100, submitted(1)), (110, started(1, 110)), (111, ended(1, end)))
    assert read_facts(told).runtime_us.tolist() == [1]


def test_elements_of_an_array_count_each_for_itself() -> None:
    array = replace(SPEC, array=ArraySpec(indices=(3, 5, 8)), tasks=2)
    told = log((0, submitted(4, array)), (1, started(5, 1)), (3, ended(5, 3)), (4, started(6, 4)), (9, ended(6, 9)))
    trace = read_facts(told)
    assert trace.number.tolist() == [5, 6]
    assert (trace.runtime_us // SECOND).tolist() == [2, 5]
    assert (trace.tasks.tolist(), trace.dropped) == ([2, 2], 1)


def test_the_origin_is_the_first_submission_of_what_ran() -> None:
    told = log(
        (10, submitted(1)),
        (20, submitted(2)),
        (25, submitted(3)),
        (26, started(3, 26)),
        (27, ended(3, 27)),
        (28, started(2, 28)),
        (30, ended(2, 30)),
    )
    trace = read_facts(told)
    assert trace.number.tolist() == [2, 3]
    assert trace.submitted_us.tolist() == [0, 5 * SECOND]


def test_models_have_bits_in_the_order_in_which_they_were_first_asked_for() -> None:
    asked = ["B", "", "A", "B"]
    told: list[tuple[float, Fact]] = []
    for number, model in enumerate(asked, start=1):
        spec = with_resources(devices=DeviceRequest(model=model))
        told += [(number, submitted(number, spec)), (number, started(number, number)), (9, ended(number, 9))]
    trace = read_facts(log(*told))
    assert trace.models == ("B", "A")
    assert trace.device_models.tolist() == [1, 0, 2, 1]


def test_more_models_than_a_mask_holds_are_refused_by_their_number() -> None:
    told: list[tuple[float, Fact]] = []
    for number in range(1, MAX_MODELS + 2):
        spec = with_resources(devices=DeviceRequest(model=f"M{number}"))
        told += [(number, submitted(number, spec)), (number, started(number, number)), (99, ended(number, 99))]
    with pytest.raises(InvalidRequestError) as caught:
        read_facts(log(*told))
    assert caught.value.field == "models"


RUNS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50)), max_size=8)


@given(RUNS)
def test_any_log_of_one_run_each_gives_its_waits_and_run_times(runs: list[tuple[int, int, int]]) -> None:
    told: list[tuple[float, Fact]] = []
    for number, (came, waited, took) in enumerate(runs, start=1):
        begun = came + waited + 1
        told += [
            (came, submitted(number)),
            (begun, started(number, begun)),
            (begun + took, ended(number, begun + took)),
        ]
    trace = read_facts(log(*sorted(told, key=lambda entry: entry[0])))
    origin = min((came for came, _, _ in runs), default=0)
    expected = sorted(
        (came - origin, number, max(1, took * SECOND)) for number, (came, _, took) in enumerate(runs, start=1)
    )
    assert trace.submitted_us.tolist() == [came * SECOND for came, _, _ in expected]
    assert trace.number.tolist() == [number for _, number, _ in expected]
    assert trace.runtime_us.tolist() == [took for _, _, took in expected]
