"""The engine contract: a small thing that every engine keeps, and optional abilities each with a name of its own.

Who can what is computed from the classes: an engine has an ability if it is an instance of that Protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from suanli.model.discovery import Health, Readings
from suanli.model.ids import EngineName, NodeName, RunId, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation, Node
from suanli.model.spec import InputArtifact, Kind, Launcher, OutputArtifact, TaskResources
from suanli.model.workload import EndCause, StopCause, Usage


class Placement(StrEnum):
    """What the engine lets Suanli choose: the NODES of each run, or only the CLUSTER."""

    NODES = "nodes"
    CLUSTER = "cluster"


class LimitEnforcement(StrEnum):
    """How cpu, memory and process bounds of a run are held: in full by a control group, in part by resource limits."""

    CGROUP_V2 = "cgroup_v2"
    CGROUP_V1 = "cgroup_v1"
    RESOURCE_LIMITS = "resource_limits"
    NONE = "none"


class Isolation(StrEnum):
    """What separates runs: mount and process namespaces, a system account each, or nothing but the process."""

    NAMESPACES = "namespaces"
    ACCOUNTS = "accounts"
    NONE = "none"


class DeviceBinding(StrEnum):
    """What keeps runs to the devices they hold.

    VISIBILITY: a run's programs are told by the variables that their vendors read, which stops none that looks
    elsewhere. FILES: besides, they cannot open the files of devices that the run does not hold, where these are known
    (``Device.enforced``). NONE: nothing does. None of them bounds a share of a device.
    """

    FILES = "files"
    VISIBILITY = "visibility"
    NONE = "none"


class PartitionBinding(StrEnum):
    """What keeps runs to the part of a device that they hold.

    ENFORCED: programs are told the part alone, and the hardware keeps them to it. COUNTED: nothing does, but no two
    runs are given the same slices.
    """

    ENFORCED = "enforced"
    COUNTED = "counted"


class DiskBinding(StrEnum):
    """What keeps runs to the local disk they hold.

    ENFORCED: who would write more gets no more. COUNTED: nothing does, but no more is given out than there is.
    """

    ENFORCED = "enforced"
    COUNTED = "counted"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDescription:
    """An engine as it is now."""

    nodes: tuple[Node, ...]
    placement: Placement
    limits: LimitEnforcement
    isolation: Isolation
    devices: DeviceBinding
    partitions: PartitionBinding
    disk: DiskBinding
    simulated: bool = False
    """Whether its nodes are made up and its runs do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReading:
    """How one device of a node is now; ``index`` is its number on the node."""

    index: int
    health: Health
    reason: str = ""
    """Why it is not OK; empty if it is."""
    readings: Readings = Readings()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReadings:
    """What the devices of a node were found to be at one instant, by number."""

    taken_at: Instant
    devices: tuple[DeviceReading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """Everything an engine needs to start a run. Exactly one of ``command`` and ``script`` is given.

    ``account`` is the system account to run as, empty for the engine's own. ``working_directory`` empty asks for a
    scratch folder. ``environment`` is what the spec asked for; the engine adds SUANLI_* and the launcher's names.
    """

    run: RunId
    workload: WorkloadId
    attempt: int
    owner: UserName
    account: str
    name: str
    kind: Kind
    command: tuple[str, ...]
    script: str
    tasks: int
    resources: TaskResources
    allocation: Allocation
    time_limit_s: int
    """0: no bound."""
    launcher: Launcher
    environment: dict[str, str]
    working_directory: str
    inputs: tuple[InputArtifact, ...] = ()
    outputs: tuple[OutputArtifact, ...] = ()
    alternative: int = 0
    """Which request of the spec this is: 0 its own, 1 that of the first alternative."""
    array_id: WorkloadId = WorkloadId(0)
    array_index: int = 0
    array_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the engine knows of a run. ``state`` decides which other fields mean something.

    ``cause`` LOST: the engine once had it and cannot say how it ended.
    """

    run: RunId
    state: ObservedState
    started_at: Instant = Instant(0)
    ended_at: Instant = Instant(0)
    cause: EndCause | None = None
    exit_code: int = -1
    signal: int = 0
    usage: Usage = Usage()
    truncated: bool = False
    detail: str = ""


class ObservedState(StrEnum):
    """UNKNOWN: this engine has never accepted such a run, so submitting it is safe and needed."""

    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    RUNNING = "running"
    ENDED = "ended"


class Stream(StrEnum):
    """Output streams of a run."""

    STDOUT = "stdout"
    STDERR = "stderr"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """A piece of output from byte ``offset``; ``size`` is the whole length so far."""

    data: bytes
    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """A declared output that exists: its name in the spec, where it lies and how many bytes it has."""

    name: str
    path: str
    size_bytes: int
    fields: dict[str, str] = field(default_factory=dict)


class Engine(Protocol):
    """Runs what Suanli decided. All calls may be made from several threads; none holds a lock of the center."""

    @property
    def name(self) -> EngineName:
        """The engine's name within the center."""
        ...

    def describe(self) -> EngineDescription:
        """Look at the nodes and say what is there now.

        Raises:
            EngineUnavailableError: it does not answer; try again.
        """
        ...

    def submit(self, orders: Sequence[RunOrder]) -> None:
        """Have these runs started, in one batch.

        Idempotent by run id: a run the engine has accepted before, running or ended, is left as it is. When this
        returns, every run is durably accepted: it will be observed until ``forget``, even if its start failed (it is
        then ENDED with cause LAUNCH_FAILED). If this raises, each run was either accepted or not; calling again with
        the same orders is safe.

        Raises:
            EngineUnavailableError: nothing can be said now; try again.
        """
        ...

    def cancel(self, run: RunId, cause: StopCause, grace_s: int) -> None:
        """Ask a run to end: SIGTERM, then SIGKILL after ``grace_s``. It ends with the cause given.

        Returns when the request has reached the run's supervisor; the end itself is observed. A run that has ended,
        or was never accepted, is left alone without an error (for the latter the caller observes UNKNOWN).

        Raises:
            EngineUnavailableError: try again.
        """
        ...

    def observe(self, runs: Sequence[RunId]) -> Sequence[Observation]:
        """Say how these runs stand, in the order asked, in one question to the engine.

        An ENDED observation never changes afterwards.

        Raises:
            EngineUnavailableError: nothing can be said now, not that anything was lost.
        """
        ...

    def recover(self) -> Sequence[RunId]:
        """Find every run this engine has accepted and not forgotten, ended ones included, by its own records alone.

        Raises:
            EngineUnavailableError: try again.
        """
        ...


@runtime_checkable
class Watches(Protocol):
    """Tells of changes as they happen, so that nobody need ask in turn."""

    def watch(self, timeout_s: float) -> Sequence[RunId]:
        """Block until some runs may have changed or the time is over; a hint only, some changes may go untold."""
        ...


@runtime_checkable
class Signals(Protocol):
    """Passes signals to running work."""

    def signal(self, run: RunId, number: int) -> None:
        """Send the signal to every process of the run; nothing happens if it has ended.

        Raises:
            EngineUnavailableError: try again.
        """
        ...


@runtime_checkable
class ChangesTimeLimit(Protocol):
    """Moves the end of a running run."""

    def change_time_limit(self, run: RunId, time_limit_s: int) -> None:
        """Count the new limit (0: none) from the run's start; nothing happens if it has ended.

        Raises:
            EngineUnavailableError: try again.
        """
        ...


@runtime_checkable
class Logs(Protocol):
    """Shows the output of runs, running or ended."""

    def log(self, run: RunId, stream: Stream, offset: int, limit: int) -> LogChunk:
        """At most ``limit`` bytes from ``offset``; a negative offset counts from the end.

        Raises:
            NotFoundError: the engine has no such run, or its output was cleaned away.
        """
        ...


@runtime_checkable
class KeepsOutputs(Protocol):
    """Offers the declared outputs of ended runs."""

    def outputs(self, run: RunId) -> Sequence[OutputFile]:
        """The declared outputs that exist.

        Raises:
            NotFoundError: the engine has no such run, or it was cleaned away.
        """
        ...

    def output(self, run: RunId, name: str, offset: int, limit: int) -> LogChunk:
        """A piece of one declared output, read with the rights of the account that ran.

        Raises:
            NotFoundError: no such run or output.
        """
        ...


@runtime_checkable
class ReadsDevices(Protocol):
    """Tells how devices are now: health, temperature, power, load, memory in use."""

    def readings(self, node: NodeName) -> NodeReadings:
        """How the devices of a node are now, or were a few seconds ago: who asks often is told the same again.

        Takes no longer than the tools of the node's vendors are given, a few seconds each; a device whose tool does
        not answer in that time is UNKNOWN. What a node is, which ``describe`` tells, does not change by it.

        Raises:
            NotFoundError: the engine has no such node.
            EngineUnavailableError: nothing can be said now; try again.
        """
        ...


@runtime_checkable
class Forgets(Protocol):
    """Cleans up after runs."""

    def forget(self, before: Instant) -> Sequence[RunId]:
        """Remove scratch folders and records of runs that ended before the instant; returns which.

        The caller has recorded these ends already.
        """
        ...
