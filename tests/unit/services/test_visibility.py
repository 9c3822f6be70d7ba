"""What each person sees of the center's work."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suanli.model.errors import NotFoundError, NotPermittedError
from suanli.model.facts import CancelRequested, WorkloadSubmitted
from suanli.model.ids import FactSeq, UserName, WorkloadId, run_id
from suanli.model.spec import ArraySpec
from suanli.model.tenancy import Caller
from suanli.model.workload import WorkloadState
from suanli.ports.engine import Stream
from suanli.ports.store import WorkloadFilter
from suanli.services.workloads import WorkloadRef
from suanli.testing.builders import ANN, BOB, place, spec
from tests.unit.services.center import Center, ann, bob, caller, operator

ALL = WorkloadFilter()


def ids(center: Center, by: Caller, which: WorkloadFilter = ALL, *, before: int = 0, limit: int = 50) -> list[int]:
    return [line.workload.id for line in center.workloads.list(by, which, before=WorkloadId(before), limit=limit)]


def test_a_list_holds_ones_own_newest_first_and_all_for_operators(center: Center) -> None:
    for by in (ann, bob, ann, ann):
        center.submit(by)
    assert ids(center, ann) == [4, 3, 1]
    assert ids(center, ann, limit=2) == [4, 3]
    assert ids(center, ann, before=3) == [1]
    assert ids(center, operator) == [4, 3, 2, 1]
    assert ids(center, operator, WorkloadFilter(owner=BOB)) == [2]


def test_asking_for_others_work_is_refused(center: Center) -> None:
    assert ids(center, ann, WorkloadFilter(owner=ANN)) == []
    for question in (center.workloads.list, center.workloads.counts):
        with pytest.raises(NotPermittedError):
            question(ann, WorkloadFilter(owner=BOB))


def test_a_line_of_the_list_has_the_latest_run(center: Center) -> None:
    running, waiting = center.running(), center.submit()
    lines = {line.workload.id: line.run for line in center.workloads.list(ann, ALL)}
    assert lines == {waiting: None, running: center.run(running)}


def test_counts_are_of_what_one_sees(center: Center) -> None:
    center.submit(ann)
    center.submit(ann, held=True)
    center.submit(bob)
    assert center.workloads.counts(ann, ALL).by_state == {WorkloadState.WAITING: 1, WorkloadState.HELD: 1}
    assert center.workloads.counts(operator, ALL).by_state == {WorkloadState.WAITING: 2, WorkloadState.HELD: 1}


def test_one_is_shown_with_spec_runs_and_array(center: Center) -> None:
    alone = center.running(name="alone")
    shown = center.workloads.show(ann, WorkloadRef(alone))
    assert (shown.workload, shown.runs, shown.array) == (center.workload(alone), (center.run(alone),), None)
    assert shown.submission.spec == center.workloads.normalize(ann, spec(name="alone"))

    first = center.submit(array=ArraySpec(indices=(4, 6)))
    center.do(lambda tx: place(tx, WorkloadId(first + 1)))
    element = center.workloads.show(ann, WorkloadRef(first, 6))
    assert element.workload.id == first + 1
    assert element.array is not None
    assert (element.array.id, element.array.size) == (first, 2)
    assert element.array.counts.by_state == {WorkloadState.WAITING: 1, WorkloadState.STARTING: 1}


QUESTIONS: list[Callable[[Center, Caller, WorkloadRef], object]] = [
    lambda center, by, ref: center.workloads.show(by, ref),
    lambda center, by, ref: center.workloads.log(by, ref, attempt=0, stream=Stream.STDOUT, offset=0, limit=9),
    lambda center, by, ref: center.workloads.outputs(by, ref),
    lambda center, by, ref: center.workloads.output(by, ref, "model", 0, 9),
    lambda center, by, ref: center.workloads.events(by, FactSeq(0), ref.id, 9),
]


@pytest.mark.parametrize("question", range(len(QUESTIONS)))
def test_others_work_is_as_if_it_were_not_there(center: Center, question: int) -> None:
    mine = center.running(ann)
    center.engine.submit(center.runs.errands(center.engine.name, frozenset()).launch)
    with pytest.raises(NotFoundError) as foreign:
        QUESTIONS[question](center, bob, WorkloadRef(mine))
    with pytest.raises(NotFoundError) as missing:
        QUESTIONS[question](center, bob, WorkloadRef(WorkloadId(99)))
    assert {**foreign.value.params, "name": ""} == {**missing.value.params, "name": ""}
    assert (foreign.value.detail, foreign.value.hint) == (
        missing.value.detail.replace("99", str(mine)),
        missing.value.hint,
    )
    with pytest.raises(NotPermittedError):
        QUESTIONS[question](center, caller(ANN, scopes=frozenset()), WorkloadRef(mine))


def handed_over(center: Center) -> WorkloadId:
    """Work that the engine has; its first task has begun."""
    workload = center.submit()
    center.do(lambda tx: place(tx, workload))
    center.engine.submit(center.runs.errands(center.engine.name, frozenset()).launch)
    center.engine.begin(run_id(workload, 1))
    return workload


def test_output_of_the_latest_run_and_of_earlier_ones(center: Center) -> None:
    workload = handed_over(center)
    center.engine.write(run_id(workload, 1), b"first words")
    center.engine.write(run_id(workload, 1), b"oh", Stream.STDERR)

    def log(attempt: int, stream: Stream = Stream.STDOUT, offset: int = 0) -> bytes:
        ref = WorkloadRef(workload)
        return center.workloads.log(ann, ref, attempt=attempt, stream=stream, offset=offset, limit=5).data

    assert (log(0), log(1, offset=-5), log(1, Stream.STDERR)) == (b"first", b"words", b"oh")
    for attempt in (2, -1):
        with pytest.raises(NotFoundError):
            log(attempt)


def test_what_never_ran_has_no_output(center: Center) -> None:
    waiting = center.submit()
    with pytest.raises(NotFoundError) as missing:
        center.workloads.log(ann, WorkloadRef(waiting), attempt=0, stream=Stream.STDOUT, offset=0, limit=5)
    assert missing.value.hint


def test_declared_outputs_are_offered(center: Center) -> None:
    workload = handed_over(center)
    center.engine.leave(run_id(workload, 1), "model", b"weights")
    assert [(file.name, file.size_bytes) for file in center.workloads.outputs(ann, WorkloadRef(workload))] == [
        ("model", 7)
    ]
    assert center.workloads.output(ann, WorkloadRef(workload), "model", 2, 3).data == b"igh"
    with pytest.raises(NotFoundError):
        center.workloads.output(ann, WorkloadRef(workload), "other", 0, 3)


def test_events_are_of_ones_own_work_and_all_for_operators(center: Center) -> None:
    mine, theirs = center.submit(ann), center.submit(bob)
    center.change(center.workloads.cancel, mine)
    before = FactSeq(0)
    seen = [recorded.fact for recorded in center.workloads.events(ann, before, WorkloadId(0), 100)]
    assert seen[1:] == [CancelRequested(workload=mine)]
    assert isinstance(seen[0], WorkloadSubmitted)
    everything = center.workloads.events(operator, before, WorkloadId(0), 100)
    assert len(everything) == center.facts()
    [one] = center.workloads.events(operator, before, theirs, 100)
    assert (one.actor, one.at) == (UserName("bob"), center.clock.at_us)
    assert center.workloads.events(ann, FactSeq(center.facts()), mine, 100) == []
