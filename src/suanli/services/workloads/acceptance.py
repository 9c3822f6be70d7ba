"""What a submission must be before it is accepted: defaults filled in, limits kept, abilities there."""

from __future__ import annotations

from collections.abc import Sequence

from suanli.kernel.authority import is_member, is_staff
from suanli.model.altered import altered
from suanli.model.errors import (
    AdmissionRefusedError,
    InvalidRequestError,
    NotFoundError,
    NotPermittedError,
    UnsupportedError,
)
from suanli.model.ids import ProjectName, QueueName
from suanli.model.resources import Queue
from suanli.model.spec import Kind, WorkloadSpec
from suanli.model.tenancy import Caller
from suanli.ports.admission import AdmissionCheck
from suanli.ports.notify import Notifier
from suanli.ports.store import Reading
from suanli.services.workloads.refs import WorkloadRef, one


class Acceptance:
    """Judges the specs of one submission; what they have in common is looked up once for all of them."""

    def __init__(self, tables: Reading, caller: Caller, notifier: Notifier) -> None:
        self._tables = tables
        self._caller = caller
        self._notifier = notifier
        self._user = tables.user(caller.user)
        self._staff = is_staff(caller)
        self._queues: dict[QueueName, Queue] = {}
        self._projects: set[ProjectName] = set()

    def complete(self, spec: WorkloadSpec) -> WorkloadSpec:
        """The spec as it will be recorded: project and time limit filled in from user and queue, all rules kept.

        Raises:
            InvalidRequestError: a field is wrong, or names a project, queue or workload that does not exist.
            NotPermittedError: the project or priority is not the caller's to use.
            UnsupportedError: it asks for what this center has not.
        """
        spec.check()
        self._require_abilities(spec)
        limit = time_limit(self._queue(spec.queue), spec)
        _check_alternatives(self._queue(spec.queue), spec)
        filled = altered(spec, project=self._project(spec.project), time_limit_s=limit)
        if spec.priority > 0 and not self._staff:
            raise NotPermittedError(
                "only operators may raise a priority above 0", "leave it out, or give a negative one"
            )
        _require_dependencies(self._tables, self._caller, spec)
        return filled

    def admit(self, specs: Sequence[WorkloadSpec], checks: Sequence[AdmissionCheck]) -> None:
        """Let every check have its say on the completed specs; of one with alternatives, one form must pass them all.

        Raises:
            AdmissionRefusedError: one said no.
        """
        plain = [spec for spec in specs if not spec.alternatives]
        for check in checks:
            check.check(self._user, plain, self._tables)
        for spec in specs:
            if spec.alternatives:
                self._admit_any(spec, checks)

    def _admit_any(self, spec: WorkloadSpec, checks: Sequence[AdmissionCheck]) -> None:
        """Let pass what could start in one of its forms; what is refused is told of the first of them."""
        first: AdmissionRefusedError | None = None
        for form in spec.forms:
            try:
                for check in checks:
                    check.check(self._user, [form], self._tables)
            except AdmissionRefusedError as error:
                first = first or error
            else:
                return
        if first is not None:
            raise first

    def _require_abilities(self, spec: WorkloadSpec) -> None:
        if spec.application:
            raise UnsupportedError("application", "this center has no application store", "give a command or a script")
        for position, asked in enumerate(spec.notify):
            try:
                self._notifier.check(asked.address)
            except InvalidRequestError as error:
                raise InvalidRequestError(f"notify.{position}.address", error.detail, error.hint) from error

    def _queue(self, name: QueueName) -> Queue:
        if name not in self._queues:
            try:
                self._queues[name] = self._tables.queue(name)
            except NotFoundError:
                raise InvalidRequestError("queue", f"there is no queue {name}", "see `suanli queues`") from None
        return self._queues[name]

    def _project(self, asked: ProjectName) -> ProjectName:
        name = asked or self._user.default_project
        if name not in self._projects:
            try:
                project = self._tables.project(name)
            except NotFoundError:
                raise InvalidRequestError("project", f"there is no project {name}") from None
            if not is_member(self._user, project) and not self._staff:
                raise NotPermittedError(f"you are no member of project {name}", "ask an administrator to be made one")
            self._projects.add(name)
        return name


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


def _check_alternatives(queue: Queue, spec: WorkloadSpec) -> None:
    for position, request in enumerate(spec.alternatives):
        if request.time_limit_s:
            try:
                check_time_limit(queue, request.time_limit_s)
            except InvalidRequestError as error:
                raise InvalidRequestError(f"alternatives.{position}.{error.field}", error.detail, error.hint) from error


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
