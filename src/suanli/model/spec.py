"""The workload spec: what a person asks for. One shape for HPC batch, training, inference, instances and sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from enum import StrEnum

from suanli.model.altered import altered
from suanli.model.devices import DeviceRequest, Precision, check_devices
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import LicenseName, ProjectName, QosName, QueueName, ReservationName, WorkloadId
from suanli.model.partitions import check_partition
from suanli.model.quantities import MAX_CPU_MILLI, MAX_MEMORY_BYTES, WHOLE_CPU, Instant, check_bounds

NORMAL = QosName("normal")
"""The quality of service of work that names none."""
MAX_ARRAY_SIZE = 1_000_000
MAX_ARRAY_INDEX = 999_999_999
MAX_TASKS = 100_000
MAX_LICENSES = 1_000_000
MAX_FEATURES = 16
MAX_FEATURES_ASKED = 62
MAX_ALTERNATIVES = 8
MAX_PRIORITY = 1_000_000
MAX_WORK = 10**15
"""In 10^12 operations."""
MAX_TIME_LIMIT_S = 100 * 366 * 86_400
"""Bounds far beyond any machine, so that no sum over the tasks of a workload leaves 63 bits."""
MAX_SCRIPT_BYTES = 4 * 1024 * 1024

_NAME = re.compile(r"[^\x00-\x1f\x7f/]{1,128}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FEATURE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/+-]{0,63}")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?")


class Kind(StrEnum):
    """What "done" means: a job ends by itself, the others run until stopped or out of time."""

    JOB = "job"
    SERVICE = "service"
    INSTANCE = "instance"
    SESSION = "session"


class Launcher(StrEnum):
    """How the tasks of a run are started: by the engine, by ``mpiexec``, or with torchrun's environment."""

    NONE = "none"
    MPI = "mpi"
    TORCHRUN = "torchrun"


class Objective(StrEnum):
    """What ranks device models for work: how soon it ends, what it draws until then, or what it costs."""

    TIME = "time"
    ENERGY = "energy"
    COST = "cost"


class DependencyKind(StrEnum):
    """Slurm's words: start after the other began, ended well, badly, or anyhow; or be the only one of a name."""

    AFTER = "after"
    AFTEROK = "afterok"
    AFTERNOTOK = "afternotok"
    AFTERANY = "afterany"
    SINGLETON = "singleton"


class RetryCause(StrEnum):
    """Ends of a run that a retry policy may answer with another run."""

    FAILED = "failed"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    LOST = "lost"
    LAUNCH_FAILED = "launch_failed"


class NotifyEvent(StrEnum):
    """Moments a person may ask to be told of."""

    STARTED = "started"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResources:
    """What one task holds while it runs."""

    cpu_milli: int = WHOLE_CPU
    memory_bytes: int = 512 * 1024 * 1024
    disk_bytes: int = 0
    """Local disk of its node; 0: none is asked for."""
    devices: DeviceRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What work asks of nodes, whole: what is left out is not taken from elsewhere, except for the time limit.

    The fields are those of the spec.
    """

    tasks: int = 1
    min_tasks: int = 0
    resources: TaskResources = TaskResources()
    nodes: int = 0
    max_tasks_per_node: int = 0
    exclusive: bool = False
    features: frozenset[str] = frozenset()
    work: dict[Precision, int] = field(default_factory=dict)
    time_limit_s: int = 0
    """0: that of the workload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySpec:
    """Elements of an array by their declared indices; at most ``max_running`` at a time (0: no bound)."""

    indices: tuple[int, ...]
    max_running: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """``workload`` names the other (an array's first id means the whole array unless ``index`` picks an element).

    ``workload`` is 0 and ``index`` None for SINGLETON, which waits for earlier workloads of the same owner and name.
    """

    kind: DependencyKind
    workload: WorkloadId = WorkloadId(0)
    index: int | None = None

    def __str__(self) -> str:
        if self.kind is DependencyKind.SINGLETON:
            return self.kind.value
        return f"{self.kind}:{self.workload}" + ("" if self.index is None else f"_{self.index}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputArtifact:
    """A file or folder placed into the working directory before the run: ``source`` absolute, ``target`` relative."""

    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputArtifact:
    """A file the run leaves in its working directory, kept and offered for download under ``name``."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """At most ``max_attempts`` runs in all, another one only after an end listed in ``on``."""

    max_attempts: int = 1
    on: frozenset[RetryCause] = frozenset({RetryCause.LOST, RetryCause.LAUNCH_FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Tell ``address`` (an https URL or a mail address) of ``events``."""

    address: str
    events: frozenset[NotifyEvent] = frozenset({NotifyEvent.ENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec:
    """All that is asked. Exactly one of ``command``, ``script``, ``application`` is given.

    ``nodes`` 0 lets the planner spread the tasks as they fit; a positive number asks for exactly that many nodes with
    the tasks shared evenly. ``min_tasks`` makes it moldable: it starts with as many tasks as can be held then, from
    that number to ``tasks``, and keeps them. ``time_limit_s`` 0 means the queue's own default.
    """

    name: str = "workload"
    project: ProjectName = ProjectName("")
    kind: Kind = Kind.JOB
    command: tuple[str, ...] = ()
    script: str = ""
    application: str = ""
    tasks: int = 1
    min_tasks: int = 0
    """Fewest tasks that will do (0: all of them); with ``nodes``, whole nodes' shares."""
    resources: TaskResources = TaskResources()
    nodes: int = 0
    max_tasks_per_node: int = 0
    """Most tasks on one node (0: as many as fit); 1 puts each on a node of its own."""
    exclusive: bool = False
    features: frozenset[str] = frozenset()
    """What each of its nodes must have, by names of the engine's own (``Node.features``)."""
    work: dict[Precision, int] = field(default_factory=dict)
    """Operations to be done in all, by the precision that they need, in 10^12."""
    objective: Objective | None = None
    """What ranks device models for it; None leaves that to the center."""
    licenses: dict[LicenseName, int] = field(default_factory=dict)
    """How many of each license, for the workload as a whole."""
    alternatives: tuple[Request, ...] = ()
    """What will do as well, in order: the first that can start is taken, after what the spec itself asks of nodes."""
    time_limit_s: int = 0
    deadline: Instant = Instant(0)
    """When it must be done; 0 for whenever it is."""
    queue: QueueName = QueueName("default")
    qos: QosName = NORMAL
    priority: int = 0
    reservation: ReservationName = ReservationName("")
    """The advance reservation that it must run within; empty keeps it off all of them."""
    array: ArraySpec | None = None
    dependencies: tuple[Dependency, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    working_directory: str = ""
    """Absolute; empty gives the run a scratch folder of its own."""
    launcher: Launcher = Launcher.NONE
    inputs: tuple[InputArtifact, ...] = ()
    outputs: tuple[OutputArtifact, ...] = ()
    retry: RetryPolicy = RetryPolicy()
    preemptible: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    notify: tuple[Notification, ...] = ()

    @property
    def forms(self) -> tuple[WorkloadSpec, ...]:
        """The spec itself, and for each alternative one that asks that of nodes; the others are its alternatives."""
        return (self, *(self.form(number + 1) for number in range(len(self.alternatives))))

    @property
    def requests(self) -> tuple[Request, ...]:
        """What the spec itself asks of nodes, and then the alternatives."""
        own = {field.name: getattr(self, field.name) for field in fields(Request)}
        return (Request(**own), *self.alternatives)

    def form(self, number: int) -> WorkloadSpec:
        """The spec itself (0), or that of an alternative, the first of which is 1."""
        if number == 0:
            return self
        requests = self.requests
        wanted, others = requests[number], requests[:number] + requests[number + 1 :]
        asked = {field.name: getattr(wanted, field.name) for field in fields(Request)}
        asked["time_limit_s"] = wanted.time_limit_s or self.time_limit_s
        return altered(self, alternatives=others, **asked)

    @property
    def features_named(self) -> frozenset[str]:
        """The features that any of its requests names."""
        return self.features.union(*(other.features for other in self.alternatives))

    def check(self) -> None:
        """Check every rule that a schema of single fields cannot.

        Raises:
            InvalidRequestError: names the first field that is wrong.
        """
        _check_body(self)
        _check_amounts(self)
        _check_alternatives(self)
        _check_array(self.array)
        _check_texts(self)
        if self.working_directory or self.inputs or self.outputs:
            _check_paths(self)
        for position, dependency in enumerate(self.dependencies):
            _check_dependency(f"dependencies.{position}", dependency)


def _check_body(spec: WorkloadSpec) -> None:
    if bool(spec.command) + bool(spec.script) + bool(spec.application) != 1:
        raise InvalidRequestError("command", "exactly one of command, script and application must be given")
    if spec.command and (not spec.command[0] or "\0" in "".join(spec.command)):
        raise InvalidRequestError("command", "the first word is empty, or a word holds a NUL")
    if not spec.script:
        return
    if "\0" in spec.script or len(spec.script.encode()) > MAX_SCRIPT_BYTES:
        raise InvalidRequestError("script", f"a script holds no NUL and at most {MAX_SCRIPT_BYTES} bytes")
    if not spec.script.startswith("#!"):
        raise InvalidRequestError("script", "the first line must name an interpreter", "begin with #!/bin/sh")


def _check_amounts(spec: WorkloadSpec) -> None:
    _check_request(spec)
    _check_objective(spec)
    check_bounds("priority", spec.priority, -MAX_PRIORITY, MAX_PRIORITY)
    check_bounds("retry.max_attempts", spec.retry.max_attempts, 1, 1000)
    for name, count in spec.licenses.items():
        check_bounds(f"licenses.{name}", count, 1, MAX_LICENSES)


def _check_objective(spec: WorkloadSpec) -> None:
    if spec.objective is not None and not spec.work:
        raise InvalidRequestError("objective", "device models are ranked by the work to be done", "say the work, too")


def _check_alternatives(spec: WorkloadSpec) -> None:
    if not spec.alternatives:
        return
    if len(spec.alternatives) > MAX_ALTERNATIVES:
        raise InvalidRequestError("alternatives", f"more than {MAX_ALTERNATIVES} alternatives are given")
    for position, request in enumerate(spec.alternatives):
        try:
            _check_request(request)
            _check_features(request.features)
        except InvalidRequestError as error:
            field_name = f"alternatives.{position}.{error.field}"
            raise InvalidRequestError(field_name, error.detail, error.hint) from error
    if len(spec.features_named) > MAX_FEATURES:
        raise InvalidRequestError("alternatives", f"more than {MAX_FEATURES} features are asked for in all")


def _check_request(request: Request | WorkloadSpec) -> None:
    resources = request.resources
    check_bounds("tasks", request.tasks, 1, MAX_TASKS)
    check_bounds("resources.cpus", resources.cpu_milli, 1, MAX_CPU_MILLI)
    check_bounds("resources.memory", resources.memory_bytes, 1, MAX_MEMORY_BYTES)
    check_bounds("resources.disk", resources.disk_bytes, 0, MAX_MEMORY_BYTES)
    check_bounds("nodes", request.nodes, 0, MAX_TASKS)
    _check_spread(request)
    check_bounds("time_limit", request.time_limit_s, 0, MAX_TIME_LIMIT_S)
    if resources.devices is not None:
        check_devices(resources.devices)
        check_partition(
            resources.devices.partition,
            share=resources.devices.share,
            at_least=resources.devices.at_least,
            is_near=resources.devices.interconnect is not None,
            exclusive=request.exclusive,
            has_work=bool(request.work),
        )
        if resources.devices.bitstream and request.work:
            where = "resources.devices.bitstream"
            raise InvalidRequestError(where, "of an FPGA with a bitstream no rate is known", "leave the work out")
    if request.work and resources.devices is None:
        raise InvalidRequestError("work", "work to be done is counted on devices, and none is asked for")
    for precision, amount in request.work.items():
        check_bounds(f"work.{precision}", amount, 1, MAX_WORK)


def _check_spread(spec: Request | WorkloadSpec) -> None:
    check_bounds("min_tasks", spec.min_tasks, 0, spec.tasks)
    check_bounds("max_tasks_per_node", spec.max_tasks_per_node, 0, MAX_TASKS)
    if not spec.nodes:
        return
    if spec.tasks % spec.nodes:
        raise InvalidRequestError("nodes", f"{spec.tasks} tasks cannot be shared evenly by {spec.nodes} nodes")
    share = spec.tasks // spec.nodes
    if spec.min_tasks % share:
        raise InvalidRequestError("min_tasks", f"each node has {share} tasks, so {spec.min_tasks} need no whole nodes")
    if 0 < spec.max_tasks_per_node < share:
        raise InvalidRequestError("max_tasks_per_node", f"{spec.nodes} nodes share the tasks, {share} on each")


def _check_array(array: ArraySpec | None) -> None:
    if array is None:
        return
    if not array.indices or len(array.indices) > MAX_ARRAY_SIZE:
        raise InvalidRequestError("array.indices", f"an array has 1..{MAX_ARRAY_SIZE} elements")
    check_bounds("array.indices", min(array.indices), 0, MAX_ARRAY_INDEX)
    check_bounds("array.indices", max(array.indices), 0, MAX_ARRAY_INDEX)
    if len(set(array.indices)) != len(array.indices):
        raise InvalidRequestError("array.indices", "indices must be distinct")
    check_bounds("array.max_running", array.max_running, 0, MAX_ARRAY_SIZE)


def _check_texts(spec: WorkloadSpec) -> None:
    if _NAME.fullmatch(spec.name) is None:
        raise InvalidRequestError("name", "a name has 1..128 printable characters and no slash")
    for name, value in spec.environment.items():
        if _ENV_NAME.fullmatch(name) is None or "\0" in value:
            raise InvalidRequestError(f"environment.{name}", "not a name or value an environment can hold")
    _check_features(spec.features)
    for name, value in spec.labels.items():
        if _LABEL.fullmatch(name) is None or len(value) > 256:
            raise InvalidRequestError(f"labels.{name}", "letters, digits and . _ / - only; values of at most 256")


def _check_features(features: frozenset[str]) -> None:
    if len(features) > MAX_FEATURES:
        raise InvalidRequestError("features", f"more than {MAX_FEATURES} features are asked for")
    for feature in features:
        if _FEATURE.fullmatch(feature) is None:
            raise InvalidRequestError("features", f"{feature!r} cannot name a feature", "see `suanli nodes`")


def _check_paths(spec: WorkloadSpec) -> None:
    directory = spec.working_directory
    if directory and (not directory.startswith("/") or "\0" in directory):
        raise InvalidRequestError("working_directory", "the working directory must be an absolute path")
    relative = [(f"inputs.{n}.target", item.target) for n, item in enumerate(spec.inputs)]
    relative += [(f"outputs.{n}.path", item.path) for n, item in enumerate(spec.outputs)]
    for where, path in relative:
        if not path or path.startswith("/") or "\0" in path or ".." in path.split("/"):
            raise InvalidRequestError(where, f"{path!r} does not stay inside the working directory")
    names = [item.name for item in spec.outputs]
    for position, name in enumerate(names):
        if _NAME.fullmatch(name) is None or name in names[:position]:
            raise InvalidRequestError(f"outputs.{position}.name", "a name of its own, printable and without a slash")
    for position, item in enumerate(spec.inputs):
        if not item.source.startswith("/") or "\0" in item.source:
            raise InvalidRequestError(f"inputs.{position}.source", "a source must be an absolute path")


def _check_dependency(where: str, dependency: Dependency) -> None:
    singleton = dependency.kind is DependencyKind.SINGLETON
    if singleton and (dependency.workload or dependency.index is not None):
        raise InvalidRequestError(where, "singleton names no other workload")
    if not singleton and dependency.workload < 1:
        raise InvalidRequestError(where, f"{dependency.kind} needs a workload")
