"""What a submission must be, and what it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from suanli.model.errors import (
    AdmissionRefusedError,
    InvalidRequestError,
    NotPermittedError,
    SuanliError,
    UnsupportedError,
)
from suanli.model.ids import ProjectName, QueueName, WorkloadId
from suanli.model.resources import Queue
from suanli.model.spec import (
    MAX_ARRAY_SIZE,
    ArraySpec,
    Dependency,
    DependencyKind,
    Kind,
    Notification,
    Request,
    WorkloadSpec,
)
from suanli.model.tenancy import Caller, Project, User
from suanli.model.workload import WorkloadState
from suanli.ports.store import Reading
from suanli.services.workloads import MAX_BATCH
from suanli.testing.builders import ANN, spec
from tests.unit.services.center import Center, admin, ann, bob, opened, operator, reader


def after(workload: int, index: int | None = None) -> Dependency:
    return Dependency(kind=DependencyKind.AFTEROK, workload=WorkloadId(workload), index=index)


def define_queue(center: Center, name: str, *, default: int = 600, longest: int = 0) -> None:
    queue = Queue(name=QueueName(name), default_time_limit_s=default, max_time_limit_s=longest)
    center.do(lambda tx: center.inventory.define_queue(tx, admin, queue))


def define_project(center: Center, name: str, *members: str) -> None:
    project = Project(name=ProjectName(name), members=frozenset(member for member in (ANN,) if member in members))
    center.do(lambda tx: center.tenants.define_project(tx, admin, project))


def refusal(center: Center, by: Caller = ann, **asked: Any) -> SuanliError:
    """Why this is refused; by the preview as by the submission, and neither leaves a trace."""
    facts = center.facts()
    with pytest.raises(SuanliError) as refused:
        center.submit(by, **asked)
    with pytest.raises(type(refused.value)) as foretold:
        center.workloads.normalize(by, spec(**asked))
    assert foretold.value.params == refused.value.params
    assert center.facts() == facts
    return refused.value


def test_project_and_time_limit_are_filled_in(center: Center) -> None:
    accepted = center.do(lambda tx: center.workloads.submit(tx, ann, [spec()]))
    assert [(a.id, a.count, a.state) for a in accepted] == [(1, 1, WorkloadState.WAITING)]
    workload = center.workload(1)
    assert (workload.owner, workload.project, workload.queue, workload.time_limit_s) == (
        ANN,
        "default",
        "default",
        86_400,
    )
    with center.store.read() as tables:
        assert tables.submission(WorkloadId(1)).spec == center.workloads.normalize(ann, spec())


@pytest.mark.parametrize(
    ("kind", "asked", "longest", "given"),
    [
        (Kind.JOB, 0, 0, 600),
        (Kind.JOB, 0, 900, 600),
        (Kind.JOB, 700, 900, 700),
        (Kind.SERVICE, 0, 0, 0),
        (Kind.SERVICE, 0, 900, 900),
        (Kind.INSTANCE, 50, 0, 50),
        (Kind.SESSION, 0, 900, 900),
    ],
)
def test_the_queue_gives_jobs_its_default_and_others_its_maximum(
    center: Center, kind: Kind, asked: int, longest: int, given: int
) -> None:
    define_queue(center, "short", longest=longest)
    workload = center.submit(kind=kind, time_limit_s=asked, queue=QueueName("short"))
    assert center.workload(workload).time_limit_s == given


def test_a_queue_keeps_its_maximum(center: Center) -> None:
    define_queue(center, "short", longest=900)
    refused = refusal(center, time_limit_s=901, queue=QueueName("short"))
    assert isinstance(refused, InvalidRequestError)
    assert refused.field == "time_limit"


def test_a_queue_keeps_its_maximum_of_alternatives_too(center: Center) -> None:
    define_queue(center, "short", longest=900)
    asked: dict[str, Any] = {"time_limit_s": 60, "queue": QueueName("short")}
    refused = refusal(center, alternatives=(Request(), Request(time_limit_s=901)), **asked)
    assert isinstance(refused, InvalidRequestError)
    assert refused.field == "alternatives.1.time_limit"
    workload = center.submit(alternatives=(Request(), Request(time_limit_s=900)), **asked)
    with center.store.read() as tables:
        assert [form.time_limit_s for form in tables.submission(workload).spec.forms] == [60, 60, 900]


def test_a_queue_that_is_not_there_is_named(center: Center) -> None:
    refused = refusal(center, queue=QueueName("fast"))
    assert isinstance(refused, InvalidRequestError)
    assert refused.field == "queue"


def test_a_project_is_for_its_members_and_for_staff(center: Center) -> None:
    define_project(center, "fluids", "ann")
    assert center.workload(center.submit(ann, project=ProjectName("fluids"))).project == "fluids"
    assert center.workload(center.submit(operator, project=ProjectName("fluids"))).project == "fluids"
    assert isinstance(refusal(center, bob, project=ProjectName("fluids")), NotPermittedError)
    unknown = refusal(center, project=ProjectName("nothing"))
    assert isinstance(unknown, InvalidRequestError)
    assert unknown.field == "project"


def test_only_operators_raise_a_priority(center: Center) -> None:
    assert isinstance(refusal(center, priority=1), NotPermittedError)
    assert center.workload(center.submit(priority=-7)).priority == -7
    assert center.workload(center.submit(operator, priority=7)).priority == 7


def test_what_the_center_has_not_is_refused(center: Center) -> None:
    application = refusal(center, command=(), application="lammps")
    notify = refusal(center, notify=(Notification(address="a@b.c"),))
    assert [error.params for error in (application, notify)] == [{"ability": "application"}, {"ability": "notify"}]
    assert isinstance(application, UnsupportedError)


def test_a_token_for_reading_submits_nothing(center: Center) -> None:
    with pytest.raises(NotPermittedError):
        center.submit(reader)
    assert center.workloads.normalize(reader, spec()).project == "default"


def test_dependencies_must_be_there_and_ones_own(center: Center) -> None:
    array = center.submit(array=ArraySpec(indices=(3, 5)))
    foreign = center.submit(bob)
    waiting = center.submit(dependencies=(after(array), after(array, 5), Dependency(kind=DependencyKind.SINGLETON)))
    assert center.states(waiting) == ["blocked"]
    for position, wrong in enumerate((after(array, 4), after(99), after(foreign))):
        refused = refusal(center, dependencies=(*[after(array)] * position, wrong))
        assert isinstance(refused, InvalidRequestError)
        assert refused.field == f"dependencies.{position}"
    assert center.states(center.submit(operator, dependencies=(after(foreign),))) == ["blocked"]


def test_an_array_takes_consecutive_ids(center: Center) -> None:
    accepted = center.do(
        lambda tx: center.workloads.submit(tx, ann, [spec(), spec(array=ArraySpec(indices=(9, 2, 4))), spec()])
    )
    assert [(a.id, a.count) for a in accepted] == [(1, 1), (2, 3), (5, 1)]
    assert [(center.workload(n).array_id, center.workload(n).array_index) for n in range(1, 6)] == [
        (0, 0),
        (2, 9),
        (2, 2),
        (2, 4),
        (0, 0),
    ]


def test_what_is_submitted_held_waits_for_its_release(center: Center) -> None:
    held = center.submit(held=True)
    assert center.states(held) == ["held"]
    center.change(center.workloads.release, held)
    assert center.states(held) == ["waiting"]


def test_a_batch_is_taken_whole_or_not_at_all_and_says_where_it_is_wrong(center: Center) -> None:
    facts = center.facts()
    with pytest.raises(InvalidRequestError) as refused:
        center.do(lambda tx: center.workloads.submit(tx, ann, [spec(), spec(tasks=0), spec(queue=QueueName("x"))]))
    assert refused.value.field == "workloads.1.tasks"
    assert center.facts() == facts
    with pytest.raises(InvalidRequestError) as single:
        center.do(lambda tx: center.workloads.submit(tx, ann, [spec(tasks=0)]))
    assert single.value.field == "tasks"


@pytest.mark.parametrize("size", [0, MAX_BATCH + 1])
def test_a_batch_has_bounds(center: Center, size: int) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        center.do(lambda tx: center.workloads.submit(tx, ann, [spec()] * size))
    assert refused.value.field == "workloads"


def test_a_batch_of_arrays_has_the_bound_of_one_array(center: Center) -> None:
    whole = spec(array=ArraySpec(indices=tuple(range(MAX_ARRAY_SIZE))))
    with pytest.raises(InvalidRequestError) as refused:
        center.do(lambda tx: center.workloads.submit(tx, ann, [whole, spec()]))
    assert refused.value.field == "workloads"
    assert center.submit() == 1


def test_every_admission_check_has_its_say(tmp_path: Path) -> None:
    class OnlySmall:
        def check(self, owner: User, specs: Sequence[WorkloadSpec], tables: Reading) -> None:
            tasks = sum(spec.tasks for spec in specs)
            if tasks > 4:
                raise AdmissionRefusedError("too_wide", f"{owner.name} asks for {tasks} tasks")

    with opened(tmp_path, [OnlySmall()]) as center:
        assert center.submit(tasks=4) == 1
        assert refusal(center, tasks=5).params == {"reason": "too_wide"}
        with pytest.raises(AdmissionRefusedError):
            center.do(lambda tx: center.workloads.submit(tx, ann, [spec(tasks=3), spec(tasks=2)]))
