"""Work that waits for other work: every kind of dependency, judged in the planner's turns."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from suanli.model.ids import WorkloadId
from suanli.model.spec import ArraySpec, Dependency, DependencyKind, RetryCause, RetryPolicy
from suanli.model.workload import EndCause
from suanli.services.scheduling import TurnReport
from tests.unit.services.center import Center, bob
from tests.unit.services.turning import Turning

AFTER, AFTEROK = DependencyKind.AFTER, DependencyKind.AFTEROK
AFTERNOTOK, AFTERANY = DependencyKind.AFTERNOTOK, DependencyKind.AFTERANY
SINGLETON = Dependency(kind=DependencyKind.SINGLETON)


@pytest.fixture
def turning(center: Center) -> Turning:
    return Turning(center)


def on(kind: DependencyKind, workload: int, index: int | None = None) -> Dependency:
    return Dependency(kind=kind, workload=WorkloadId(workload), index=index)


def given_up(center: Center, workload: int) -> bool:
    found = center.workload(workload)
    return (found.state.value, found.cause, found.attempt) == ("cancelled", EndCause.DEPENDENCY, 0)


@pytest.mark.parametrize("over_before", [False, True])
@pytest.mark.parametrize(
    ("kind", "exit_code", "runs"),
    [
        (AFTER, 0, True),
        (AFTER, 1, True),
        (AFTEROK, 0, True),
        (AFTEROK, 1, False),
        (AFTERNOTOK, 0, False),
        (AFTERNOTOK, 1, True),
        (AFTERANY, 0, True),
        (AFTERANY, 1, True),
    ],
)
def test_each_kind_by_how_the_other_ends(
    turning: Turning, center: Center, kind: DependencyKind, exit_code: int, runs: bool, over_before: bool
) -> None:
    other = turning.submit()
    if over_before:
        turning.end(other, exit_code=exit_code)
        waiting = turning.submit(dependencies=(on(kind, other),))
    else:
        waiting = turning.submit(dependencies=(on(kind, other),))
        assert center.states(waiting) == ["running" if kind is AFTER else "blocked"]
        turning.end(other, exit_code=exit_code)
    assert center.states(waiting) == ["running"] if runs else given_up(center, waiting)


def test_after_waits_for_the_begin_or_the_end_without_one(turning: Turning, center: Center) -> None:
    held, doomed = center.submit(held=True), center.submit(held=True)
    after_held = turning.submit(dependencies=(on(AFTER, held),))
    after_doomed = turning.submit(dependencies=(on(AFTER, doomed),))
    assert center.states(after_held, after_doomed) == ["blocked", "blocked"]
    center.change(center.workloads.release, held)
    center.change(center.workloads.cancel, doomed)
    assert turning.planner.turn() == TurnReport(placed=1, judged=1)
    # Placed is not begun.
    assert center.states(held, after_held) == ["starting", "blocked"]
    turning.settle()
    assert center.states(held, after_held, after_doomed) == ["running", "running", "running"]


@pytest.mark.parametrize("end", [EndCause.TIMEOUT, EndCause.OUT_OF_MEMORY, EndCause.LOST, EndCause.CANCELLED])
def test_whatever_is_not_completed_is_not_ok(turning: Turning, center: Center, end: EndCause) -> None:
    other = turning.submit()
    fine, cleanup = (turning.submit(dependencies=(on(kind, other),)) for kind in (AFTEROK, AFTERNOTOK))
    turning.end(other, exit_code=-1, cause=end)
    assert given_up(center, fine)
    assert center.states(cleanup) == ["running"]


def test_an_array_is_waited_for_whole_and_an_element_alone(turning: Turning, center: Center) -> None:
    array = turning.submit(array=ArraySpec(indices=(3, 5, 9)))
    gather, one = (
        turning.submit(dependencies=(on(AFTEROK, array),)),
        turning.submit(dependencies=(on(AFTEROK, array, 5),)),
    )
    by_id = turning.submit(dependencies=(on(AFTERANY, array + 2),))
    turning.end(array + 1)
    assert center.states(gather, one, by_id) == ["blocked", "running", "blocked"]
    turning.end(array + 2)
    assert center.states(gather, by_id) == ["blocked", "running"]
    turning.end(array)
    assert center.states(gather) == ["running"]


def test_one_failed_element_is_enough(turning: Turning, center: Center) -> None:
    array = turning.submit(array=ArraySpec(indices=(0, 1)))
    gather = turning.submit(dependencies=(on(AFTEROK, array),))
    spared = turning.submit(dependencies=(on(AFTEROK, array, 0),))
    turning.end(array + 1, exit_code=1)
    assert given_up(center, gather)
    assert center.states(array, spared) == ["running", "blocked"]


def test_a_whole_array_waits_for_a_whole_array(turning: Turning, center: Center) -> None:
    first = turning.submit(array=ArraySpec(indices=(0, 1)))
    second = turning.submit(array=ArraySpec(indices=(0, 1, 2)), dependencies=(on(AFTERANY, first),))
    turning.end(first)
    assert center.states(*range(second, second + 3)) == ["blocked"] * 3
    turning.end(first + 1, exit_code=1)
    assert center.states(*range(second, second + 3)) == ["running"] * 3


def test_all_dependencies_must_hold_and_one_that_cannot_decides(turning: Turning, center: Center) -> None:
    one, two, three = (turning.submit() for _ in range(3))
    both = turning.submit(dependencies=(on(AFTEROK, one), on(AFTERANY, two)))
    lost = turning.submit(dependencies=(on(AFTERANY, three), on(AFTEROK, two)))
    turning.end(one)
    assert center.workload(both).dependencies == (on(AFTERANY, two),)
    turning.end(two, exit_code=1)
    assert center.states(both, three) == ["running", "running"]
    assert given_up(center, lost)
    assert center.workload(lost).detail == f"afterok:{two} can never be met"


def test_what_can_never_be_met_cascades(turning: Turning, center: Center) -> None:
    root = turning.submit()
    fails = turning.submit(dependencies=(on(AFTEROK, root),))
    also = turning.submit(dependencies=(on(AFTEROK, fails),))
    rescue = turning.submit(dependencies=(on(AFTERNOTOK, also),))
    anyhow = turning.submit(dependencies=(on(AFTERANY, fails),))
    turning.end(root, exit_code=1)
    assert given_up(center, fails)
    assert given_up(center, also)
    assert center.states(rescue, anyhow) == ["running", "running"]


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(("exit_code", "runs"), [(0, True), (1, False)])
def test_held_work_is_judged_when_it_is_released(
    turning: Turning, center: Center, exit_code: int, runs: bool, restarted: bool
) -> None:
    other = turning.submit()
    held = turning.submit(dependencies=(on(AFTEROK, other),))
    center.change(center.workloads.hold, held)
    turning.settle()
    turning.end(other, exit_code=exit_code)
    if restarted:
        turning.restart()
        turning.settle()
    assert center.states(held) == ["held"]
    center.change(center.workloads.release, held)
    turning.settle()
    assert center.states(held) == ["running"] if runs else given_up(center, held)


def test_a_dependency_that_runs_again_is_not_over(turning: Turning, center: Center) -> None:
    twice = RetryPolicy(max_attempts=2, on=frozenset({RetryCause.FAILED}))
    other = turning.submit(retry=twice)
    waiting = turning.submit(dependencies=(on(AFTEROK, other),))
    turning.end(other, exit_code=1)
    assert center.states(other, waiting) == ["running", "blocked"]
    turning.end(other)
    assert center.states(other, waiting) == ["completed", "running"]


def test_requeued_work_whose_dependency_failed_may_run_after_that_was_put_right(
    turning: Turning, center: Center
) -> None:
    other = turning.submit()
    waiting = turning.submit(dependencies=(on(AFTEROK, other),))
    turning.end(other, exit_code=1)
    assert given_up(center, waiting)
    center.change(center.workloads.requeue, other)
    turning.settle()
    center.change(center.workloads.requeue, waiting)
    turning.settle()
    assert center.states(other, waiting) == ["running", "blocked"]
    turning.end(other)
    assert center.states(waiting) == ["running"]


def test_singletons_run_one_after_the_other(turning: Turning, center: Center) -> None:
    plain = turning.submit(name="nightly")
    second, third = (turning.submit(name="nightly", dependencies=(SINGLETON,)) for _ in range(2))
    others = turning.submit(name="weekly", dependencies=(SINGLETON,))
    of_bob = turning.submit(by=bob, name="nightly", dependencies=(SINGLETON,))
    assert center.states(plain, second, third, others, of_bob) == [
        "running",
        "blocked",
        "blocked",
        "running",
        "running",
    ]
    turning.end(plain, exit_code=1)
    assert center.states(second, third) == ["running", "blocked"]
    center.change(center.workloads.cancel, second)
    turning.settle()
    assert center.states(second, third) == ["cancelled", "running"]


def test_a_singleton_waits_for_an_earlier_one_that_is_held(turning: Turning, center: Center) -> None:
    held = center.submit(held=True, name="nightly")
    later = turning.submit(name="nightly", dependencies=(SINGLETON,))
    assert center.states(held, later) == ["held", "blocked"]
    center.change(center.workloads.cancel, held)
    turning.settle()
    assert center.states(later) == ["running"]


def test_the_elements_of_a_singleton_array_run_one_by_one(turning: Turning, center: Center) -> None:
    array = turning.submit(array=ArraySpec(indices=(0, 1, 2)), dependencies=(SINGLETON,))
    for element in range(array, array + 3):
        assert turning.running() == [element]
        turning.end(element)
    assert center.states(*range(array, array + 3)) == ["completed"] * 3


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that this thread sends to a database."""
    sent: list[str] = []

    mine = threading.get_ident()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        # Centers of other tests may still be turning in threads of their own.
        if threading.get_ident() == mine:
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("kind", [AFTEROK, DependencyKind.SINGLETON])
def test_what_many_wait_for_is_looked_up_once(turning: Turning, center: Center, kind: DependencyKind) -> None:
    other = turning.submit(array=ArraySpec(indices=(0, 1)))
    dependency = SINGLETON if kind is DependencyKind.SINGLETON else on(kind, other)
    needed = []
    for count in (5, 50):
        center.submit(array=ArraySpec(indices=tuple(range(count))), dependencies=(dependency,))
        with statements() as sent:
            assert turning.planner.turn() == TurnReport()
        needed.append(len(sent))
    assert needed[0] == needed[1] > 0
