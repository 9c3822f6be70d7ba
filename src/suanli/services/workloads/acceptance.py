"""What a submission must be before it is accepted: defaults filled in, limits kept, abilities there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suanli.kernel.authority import is_staff
from suanli.model.errors import InvalidRequestError, NotFoundError, NotPermittedError, UnsupportedError
from suanli.model.ids import ProjectName
from suanli.model.resources import Queue
from suanli.model.spec import Kind, WorkloadSpec
from suanli.model.tenancy import Caller, User
from suanli.ports.admission import AdmissionCheck
from suanli.ports.store import Reading
from suanli.services.workloads.refs import WorkloadRef, one


def complete(tables: Reading, caller: Caller, spec: WorkloadSpec, checks: Sequence[AdmissionCheck]) -> WorkloadSpec:
    """The spec as it will be recorded: project and time limit filled in from user and queue, all rules kept.

    Raises:
        InvalidRequestError: a field is wrong, or names a project, queue or workload that does not exist.
        NotPermittedError: the project or priority is not the caller's to use.
        UnsupportedError: it asks for what this center has not.
        AdmissionRefusedError: an admission check said no.
    """
    spec.check()
    _require_abilities(spec)
    user = tables.user(caller.user)
    queue = _queue(tables, spec)
    filled = replace(spec, project=_project(tables, caller, user, spec), time_limit_s=time_limit(queue, spec))
    if spec.priority > 0 and not is_staff(caller):
        raise NotPermittedError("only operators may raise a priority above 0", "leave it out, or give a negative one")
    _require_dependencies(tables, caller, spec)
    for check in checks:
        check.check(user, filled, tables)
    return filled


def time_limit(queue: Queue, spec: WorkloadSpec) -> int:
    """The limit that holds: the one asked for, else the queue's default for jobs and its maximum for all other kinds.

    Raises:
        InvalidRequestError: it is longer than the queue allows.
    """
    default = queue.default_time_limit_s if spec.kind is Kind.JOB else queue.max_time_limit_s
    limit = spec.time_limit_s or default
    check_time_limit(queue, limit)
    return limit


def check_time_limit(queue: Queue, limit_s: int) -> None:
    """Let pass a limit (0: none) that the queue allows.

    Raises:
        InvalidRequestError: it is longer, or negative.
    """
    if limit_s < 0:
        raise InvalidRequestError("time_limit", "a time limit cannot be negative")
    longest = queue.max_time_limit_s
    if longest and not 0 < limit_s <= longest:
        raise InvalidRequestError("time_limit", f"queue {queue.name} allows at most {longest} s", "ask for less")


def _require_abilities(spec: WorkloadSpec) -> None:
    if spec.application:
        raise UnsupportedError("application", "this center has no application store", "give a command or a script")
    if spec.notify:
        raise UnsupportedError("notify", "this center has no way to send notifications", "follow the events instead")


def _queue(tables: Reading, spec: WorkloadSpec) -> Queue:
    try:
        return tables.queue(spec.queue)
    except NotFoundError:
        raise InvalidRequestError("queue", f"there is no queue {spec.queue}", "see `suanli queues`") from None


def _project(tables: Reading, caller: Caller, user: User, spec: WorkloadSpec) -> ProjectName:
    name = spec.project or user.default_project
    try:
        project = tables.project(name)
    except NotFoundError:
        raise InvalidRequestError("project", f"there is no project {name}") from None
    if name != user.default_project and user.name not in project.members and not is_staff(caller):
        raise NotPermittedError(f"you are no member of project {name}", "ask an administrator to be made one")
    return name


def _require_dependencies(tables: Reading, caller: Caller, spec: WorkloadSpec) -> None:
    for position, dependency in enumerate(spec.dependencies):
        if not dependency.workload:
            continue
        where = f"dependencies.{position}"
        ref = WorkloadRef(dependency.workload, dependency.index)
        try:
            one(tables, caller, ref)
        except NotFoundError:
            raise InvalidRequestError(where, f"there is no workload {ref} of yours", "see `suanli ps`") from None
