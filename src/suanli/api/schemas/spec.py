"""The workload spec as it travels, and its two conversions: to the noun, and from it in canonical form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic.config import JsonDict

from suanli.api.schemas.arrays import PATTERN, format_indices, parse_array, parse_indices
from suanli.api.schemas.devices import DeviceRequest
from suanli.api.schemas.fields import (
    Body,
    Cpus,
    MemoryBytes,
    Moment,
    Name,
    NameOrNothing,
    Priority,
    Seconds,
    ShortText,
    Text,
    cpus,
    maybe_timestamp,
    text_form,
)
from suanli.api.schemas.work import NOTHING, Work, work_of, work_told
from suanli.model import spec as nouns
from suanli.model.altered import altered
from suanli.model.ids import WorkloadId
from suanli.model.quantities import WHOLE_CPU
from suanli.model.spec import (
    MAX_ALTERNATIVES,
    MAX_ARRAY_INDEX,
    MAX_ARRAY_SIZE,
    MAX_FEATURES,
    MAX_LICENSES,
    MAX_SCRIPT_BYTES,
    MAX_TASKS,
    NORMAL,
    DependencyKind,
    Kind,
    Launcher,
    NotifyEvent,
    Objective,
    RetryCause,
)


def _array(text: str) -> Array:
    indices, max_running = parse_array(text)
    return Array.model_construct(indices=indices, max_running=max_running)


_LISTED = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": MAX_ARRAY_INDEX}, "minItems": 1}

InOrder = PlainSerializer(sorted, return_type=list[str])
"""Writes a set always alike."""

Indices = Annotated[
    tuple[Annotated[int, Field(ge=0, le=MAX_ARRAY_INDEX)], ...],
    Field(min_length=1, max_length=MAX_ARRAY_SIZE),
    text_form(parse_indices),
    PlainSerializer(format_indices, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": PATTERN}, {**_LISTED, "uniqueItems": True}]}),
]

MaybeMoment = Annotated[
    Moment | None, PlainSerializer(lambda instant: maybe_timestamp(instant or 0), return_type=str | None)
]
"""An instant, or none."""

DependencyText = Annotated[
    str,
    StringConstraints(
        pattern=r"^(?:singleton|(?:after|afterok|afternotok|afterany):[1-9][0-9]{0,17}(?:_[0-9]{1,10})?)$"
    ),
    Field(examples=["afterok:120", "afterany:120_3", "singleton"]),
]


class TaskResources(Body):
    """What one task holds while it runs."""

    cpus: Cpus = 1
    """Processors of one task."""
    memory: Annotated[MemoryBytes, Field(ge=1)] = nouns.TaskResources().memory_bytes
    """Memory of one task."""
    disk: MemoryBytes = 0
    """Local disk of one task, on its node; 0 asks for none."""
    devices: DeviceRequest | None = None
    """Accelerators of one task."""

    def noun(self) -> nouns.TaskResources:
        """What is asked, in the center's own units."""
        return nouns.TaskResources(
            cpu_milli=round(self.cpus * WHOLE_CPU),
            memory_bytes=self.memory,
            disk_bytes=self.disk,
            devices=None if self.devices is None else self.devices.noun(),
        )

    @classmethod
    def of(cls, noun: nouns.TaskResources) -> Self:
        """The canonical form of what is asked."""
        devices = None if noun.devices is None else DeviceRequest.of(noun.devices)
        return cls(cpus=cpus(noun.cpu_milli), memory=noun.memory_bytes, disk=noun.disk_bytes, devices=devices)


class Array(Body):
    """Elements of an array; also written as one text, ``0-7%4``."""

    indices: Indices = Field(examples=["0-7", [0, 1, 5]])
    """Declared indices, as a list or as text like ``1,3,5-9:2``."""
    max_running: int = Field(default=0, ge=0, le=MAX_ARRAY_SIZE)
    """Most elements that run at a time; 0 sets no bound."""


class InputArtifact(Body):
    """A file or folder placed into the working directory before the run."""

    source: Text
    """Absolute path on the center."""
    target: Text
    """Path inside the working directory."""


class OutputArtifact(Body):
    """A file the run leaves in its working directory, offered for download."""

    name: Name
    """What it is called for download."""
    path: Text
    """Path inside the working directory."""


class RetryPolicy(Body):
    """When a run's end is answered with another run."""

    max_attempts: int = Field(default=1, ge=1, le=1000)
    """Most runs in all."""
    on: Annotated[frozenset[RetryCause], InOrder] = nouns.RetryPolicy().on
    """Ends that are retried."""


class Notification(Body):
    """Whom to tell of what."""

    address: ShortText
    """An https URL or a mail address."""
    events: Annotated[frozenset[NotifyEvent], InOrder] = frozenset({NotifyEvent.ENDED})
    """Moments to tell of."""


Feature = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:/+-]*$", max_length=64)]
"""The name of something that a node has."""


class Alternative(Body):
    """What will do as well as what the spec itself asks of nodes; a whole request, so nothing is taken from there."""

    tasks: int = Field(default=1, ge=1, le=MAX_TASKS)
    """Ranks or replicas, all started together."""
    min_tasks: int = Field(default=0, ge=0, le=MAX_TASKS)
    """Fewest tasks that will do; 0 means all of them."""
    resources: TaskResources = TaskResources()
    """What one task holds."""
    nodes: int = Field(default=0, ge=0, le=MAX_TASKS)
    """Exactly so many nodes sharing the tasks evenly; 0 lets the planner choose."""
    max_tasks_per_node: int = Field(default=0, ge=0, le=MAX_TASKS)
    """Most tasks on one node; 0 sets no bound."""
    exclusive: bool = False
    """Keep everybody else off its nodes."""
    features: Annotated[frozenset[Feature], InOrder] = Field(default=frozenset(), max_length=MAX_FEATURES)
    """What each of its nodes must have."""
    work: Work = NOTHING
    """Operations to be done in all, by precision."""
    time_limit: Seconds = 0
    """Longest time to run; 0 means that of the workload."""

    def noun(self) -> nouns.Request:
        """What is asked, in the center's own units."""
        return nouns.Request(
            tasks=self.tasks,
            min_tasks=self.min_tasks,
            resources=self.resources.noun(),
            nodes=self.nodes,
            max_tasks_per_node=self.max_tasks_per_node,
            exclusive=self.exclusive,
            features=self.features,
            work=work_of(self.work),
            time_limit_s=self.time_limit,
        )

    @classmethod
    def of(cls, noun: nouns.Request) -> Alternative:
        """The canonical form of what is asked."""
        return cls.model_construct(
            tasks=noun.tasks,
            min_tasks=noun.min_tasks,
            resources=TaskResources.of(noun.resources),
            nodes=noun.nodes,
            max_tasks_per_node=noun.max_tasks_per_node,
            exclusive=noun.exclusive,
            features=noun.features,
            work=work_told(noun.work),
            time_limit=noun.time_limit_s,
        )


_EXAMPLE: JsonDict = {
    "name": "relax",
    "command": ["python3", "relax.py", "--steps", "500"],
    "tasks": 4,
    "resources": {"cpus": 2, "memory": "4GiB", "devices": {"class": "gpu", "count": 1, "precision": "bf16"}},
    "time_limit": "2h30m",
    "environment": {"OMP_NUM_THREADS": "2"},
    "launcher": "torchrun",
    "retry": {"max_attempts": 3, "on": ["lost", "launch_failed"]},
    "labels": {"study": "oxides"},
}


class WorkloadSpec(Body):
    """All that is asked of the center. Exactly one of command, script and application is given."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: str = Field(default="workload", pattern=r"^[^\x00-\x1f\x7f/]+$", max_length=128)
    """What people call it."""
    project: NameOrNothing = ""
    """Project it belongs to; empty means the submitter's own."""
    kind: Kind = Kind.JOB
    """A job ends by itself, the others run until stopped or out of time."""
    command: tuple[Text, ...] = ()
    """Program and its words; no shell is between."""
    script: Text = Field(default="", max_length=MAX_SCRIPT_BYTES)
    """Text of a program whose first line names its interpreter."""
    application: Text = Field(default="", max_length=256)
    """Name of an installed application."""
    tasks: int = Field(default=1, ge=1, le=MAX_TASKS)
    """Ranks or replicas, all started together."""
    min_tasks: int = Field(default=0, ge=0, le=MAX_TASKS)
    """Fewest tasks that will do; it starts with as many as there is room for, and 0 means all of them."""
    resources: TaskResources = TaskResources()
    """What one task holds."""
    nodes: int = Field(default=0, ge=0, le=MAX_TASKS)
    """Exactly so many nodes sharing the tasks evenly; 0 lets the planner choose."""
    max_tasks_per_node: int = Field(default=0, ge=0, le=MAX_TASKS)
    """Most tasks on one node; 1 puts each on a node of its own, 0 sets no bound."""
    exclusive: bool = False
    """Keep everybody else off its nodes."""
    features: Annotated[frozenset[Feature], InOrder] = Field(default=frozenset(), max_length=MAX_FEATURES)
    """What each of its nodes must have; `/v1/nodes` says which have what."""
    work: Work = NOTHING
    """Operations to be done in all, by precision: what its expected time on each device model is told by."""
    objective: Objective | None = None
    """What ranks device models for it; null leaves that to the center."""
    licenses: dict[Name, Annotated[int, Field(ge=1, le=MAX_LICENSES)]] = NOTHING
    """How many of each license it needs, on whatever nodes it runs."""
    alternatives: tuple[Alternative, ...] = Field(default=(), max_length=MAX_ALTERNATIVES)
    """What will do as well, in order: the first that can start is taken, after what the spec itself asks."""
    time_limit: Seconds = 0
    """Longest time to run; 0 means the queue's default."""
    deadline: MaybeMoment = None
    """When it must be done: what cannot be any more ends without a run."""
    queue: Name = "default"
    """Queue to wait in."""
    qos: Name = NORMAL
    """The quality of service to have; `/v1/qos` says which there are."""
    priority: Priority = 0
    """Higher goes first within the queue and the quality of service."""
    reservation: NameOrNothing = ""
    """The advance reservation to run within; empty runs outside all of them."""
    array: Annotated[
        Array | None,
        text_form(_array),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "pattern": PATTERN.removesuffix("$") + "(?:%[1-9][0-9]{0,5})?$"},
                    {
                        "type": "object",
                        "required": ["indices"],
                        "additionalProperties": False,
                        "properties": {
                            "indices": {
                                "anyOf": [{"type": "string", "pattern": PATTERN}, {**_LISTED, "uniqueItems": True}]
                            },
                            "max_running": {"type": "integer", "minimum": 0, "maximum": MAX_ARRAY_SIZE},
                        },
                    },
                    {"type": "null"},
                ],
                "examples": ["0-7", "1,3,5-9:2", "0-99%4"],
            }
        ),
    ] = None
    """Make one workload of each index."""
    dependencies: tuple[DependencyText, ...] = Field(default=(), max_length=1000)
    """What must have happened first."""
    environment: dict[str, Text] = NOTHING
    """Variables of every task."""
    working_directory: Text = Field(default="", max_length=4096)
    """Absolute path; empty gives the run a scratch folder of its own."""
    launcher: Launcher = Launcher.NONE
    """How the tasks are started."""
    inputs: tuple[InputArtifact, ...] = Field(default=(), max_length=1000)
    """Files placed before the run."""
    outputs: tuple[OutputArtifact, ...] = Field(default=(), max_length=1000)
    """Files offered after the run."""
    retry: RetryPolicy = RetryPolicy()
    """When to run again."""
    preemptible: bool = False
    """May lose its place to work of higher priority, and wait again."""
    labels: dict[str, Text] = NOTHING
    """Free words for searching and grouping."""
    notify: tuple[Notification, ...] = Field(default=(), max_length=100)
    """Whom to tell."""

    def noun(self) -> nouns.WorkloadSpec:
        """What is asked, in the center's own units; rules between fields are the noun's own to check.

        Only what was said is converted: a field left out has the same meaning in both.
        """
        # Maps of its own, for these can be changed.
        asked: dict[str, Any] = {
            "environment": self.environment,
            "labels": self.labels,
            "licenses": self.licenses,
        }
        for name in self.model_fields_set:
            convert = _CONVERSIONS.get(name)
            asked[name] = getattr(self, name) if convert is None else convert(getattr(self, name))
        if "time_limit" in asked:
            asked["time_limit_s"] = asked.pop("time_limit")
        return altered(_PLAIN, **asked)

    @classmethod
    def of(cls, noun: nouns.WorkloadSpec) -> WorkloadSpec:
        """The canonical form of a spec: sending it back asks for the same."""
        array = noun.array
        return cls.model_construct(
            name=noun.name,
            project=noun.project,
            kind=noun.kind,
            command=noun.command,
            script=noun.script,
            application=noun.application,
            tasks=noun.tasks,
            min_tasks=noun.min_tasks,
            resources=TaskResources.of(noun.resources),
            nodes=noun.nodes,
            max_tasks_per_node=noun.max_tasks_per_node,
            exclusive=noun.exclusive,
            features=noun.features,
            work=work_told(noun.work),
            objective=noun.objective,
            licenses={str(name): count for name, count in noun.licenses.items()},
            alternatives=tuple(map(Alternative.of, noun.alternatives)),
            time_limit=noun.time_limit_s,
            deadline=noun.deadline or None,
            queue=noun.queue,
            qos=noun.qos,
            priority=noun.priority,
            reservation=noun.reservation,
            array=None
            if array is None
            else Array.model_construct(indices=array.indices, max_running=array.max_running),
            dependencies=tuple(map(dependency_text, noun.dependencies)),
            environment=noun.environment,
            working_directory=noun.working_directory,
            launcher=noun.launcher,
            inputs=tuple(InputArtifact.model_construct(source=i.source, target=i.target) for i in noun.inputs),
            outputs=tuple(OutputArtifact.model_construct(name=o.name, path=o.path) for o in noun.outputs),
            retry=RetryPolicy.model_construct(max_attempts=noun.retry.max_attempts, on=noun.retry.on),
            preemptible=noun.preemptible,
            labels=noun.labels,
            notify=tuple(Notification.model_construct(address=n.address, events=n.events) for n in noun.notify),
        )


_PLAIN = nouns.WorkloadSpec()

_CONVERSIONS: dict[str, Callable[[Any], object]] = {
    "resources": lambda resources: resources.noun(),
    "work": work_of,
    "array": lambda array: array and nouns.ArraySpec(indices=array.indices, max_running=array.max_running),
    "deadline": lambda instant: instant or 0,
    "alternatives": lambda items: tuple([item.noun() for item in items]),
    "dependencies": lambda texts: tuple([_dependency(text) for text in texts]),
    "inputs": lambda items: tuple([nouns.InputArtifact(source=i.source, target=i.target) for i in items]),
    "outputs": lambda items: tuple([nouns.OutputArtifact(name=o.name, path=o.path) for o in items]),
    "retry": lambda retry: nouns.RetryPolicy(max_attempts=retry.max_attempts, on=retry.on),
    "notify": lambda items: tuple([nouns.Notification(address=n.address, events=n.events) for n in items]),
}
"""How fields whose values have another form in the noun become those of the noun."""


def _dependency(text: str) -> nouns.Dependency:
    kind, _, ref = text.partition(":")
    workload, _, index = ref.partition("_")
    return nouns.Dependency(
        kind=DependencyKind(kind), workload=WorkloadId(int(workload or 0)), index=int(index) if index else None
    )


def dependency_text(dependency: nouns.Dependency) -> str:
    """The text form of a dependency."""
    if dependency.kind is DependencyKind.SINGLETON:
        return dependency.kind
    index = "" if dependency.index is None else f"_{dependency.index}"
    return f"{dependency.kind}:{dependency.workload}{index}"
