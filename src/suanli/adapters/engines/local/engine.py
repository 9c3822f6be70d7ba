"""The local engine behind its port. All state is on disk; whatever is in memory can be found out again."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suanli.adapters.engines.local import records, supervisors
from suanli.adapters.engines.local.accounts import Accounts
from suanli.adapters.engines.local.bell import Bell
from suanli.adapters.engines.local.cgroups import NO_CGROUPS, Cgroups, kill_groups, remove_parents
from suanli.adapters.engines.local.devices import NO_BITSTREAMS, Bitstreams, NodeDevices
from suanli.adapters.engines.local.intake import Intake, make_folder
from suanli.adapters.engines.local.isolation import Sandbox
from suanli.adapters.engines.local.layout import Layout
from suanli.adapters.engines.local.orders import Machine
from suanli.adapters.engines.local.outputs import open_owned, read_chunk
from suanli.adapters.engines.local.records import Ended, Started
from suanli.model.errors import EngineError, EngineUnavailableError, NotFoundError
from suanli.model.ids import EngineName, NodeName, RunId
from suanli.model.quantities import WHOLE_CPU, Instant
from suanli.model.resources import Node
from suanli.model.workload import EndCause, StopCause
from suanli.ports.clock import Clock
from suanli.ports.device import Devices
from suanli.ports.engine import (
    DeviceBinding,
    DiskBinding,
    EngineDescription,
    Isolation,
    LogChunk,
    NodeReadings,
    Observation,
    ObservedState,
    OutputFile,
    PartitionBinding,
    Placement,
    RunOrder,
    Stream,
)

_WORDS = {StopCause.CANCELLED: "cancel", StopCause.PREEMPTED: "preempt", StopCause.REQUEUED: "requeue"}
_SWEEPS = 50
_SWEEP_PAUSE_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """What wiring decides. Below ``root`` the engine keeps its own; isolated runs see nothing of ``hidden``.

    ``cpus``, ``memory_bytes`` and ``disk_bytes`` 0 offer all that the machine has; disk is that of the file system of
    ``root``.
    """

    root: Path
    hidden: Path
    sandbox: Sandbox
    cgroups: Cgroups = NO_CGROUPS
    name: EngineName = EngineName("local")
    supervisor: Path = supervisors.PROGRAM
    cpus: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0
    output_cap_bytes: int = 1 << 30
    bitstreams: Bitstreams = NO_BITSTREAMS


class LocalEngine:
    """Runs work as processes of this machine (ports/engine.py: Engine and every optional ability)."""

    def __init__(self, settings: LocalSettings, clock: Clock, devices: Devices) -> None:
        self._settings = settings
        self._clock = clock
        self._layout = Layout(settings.root.resolve())
        self._layout.make()
        self._bell = Bell(self._layout.runs / self._layout.bell)
        self._node = NodeName(socket.gethostname())
        masks = settings.sandbox.kind is Isolation.NAMESPACES
        self._binds = DeviceBinding.FILES if masks else DeviceBinding.VISIBILITY
        bitstreams = settings.bitstreams
        self._devices = NodeDevices(devices, self._layout.devices, clock, masks=masks, bitstreams=bitstreams)
        self._intake = Intake(
            Machine(
                node=self._node,
                layout=self._layout,
                hidden=settings.hidden.resolve(),
                cgroups=settings.cgroups,
                sandbox=settings.sandbox,
                output_cap_bytes=settings.output_cap_bytes,
            ),
            self._devices,
        )
        # A program that another thread forks must not hold a script open for writing while its run executes it.
        self._taking_in = threading.Lock()
        self._closing = threading.Lock()

    @property
    def name(self) -> EngineName:
        return self._settings.name

    def describe(self) -> EngineDescription:
        cpus = self._settings.cpus or len(os.sched_getaffinity(0))
        memory = self._settings.memory_bytes or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        devices = self._devices.describe()
        node = Node(
            name=self._node,
            engine=self.name,
            cpu_milli=cpus * WHOLE_CPU,
            memory_bytes=memory,
            disk_bytes=self._settings.disk_bytes or _size_of_file_system(self._layout.runs),
            devices=devices,
            features=frozenset({platform.machine()}) | self._devices.cpu_features,
            cpu_power_mw=self._devices.cpu_power_mw,
            links=self._devices.links,
        )
        return EngineDescription(
            nodes=(node,),
            placement=Placement.NODES,
            limits=self._settings.cgroups.enforcement,
            isolation=self._settings.sandbox.kind,
            devices=self._binds,
            partitions=PartitionBinding.ENFORCED,
            disk=DiskBinding.COUNTED,
        )

    def submit(self, orders: Sequence[RunOrder]) -> None:
        accounts = Accounts()
        with self._taking_in:
            self._start([order.run for order in orders if self._accepted(order, accounts)])

    def _accepted(self, order: RunOrder, accounts: Accounts) -> bool:
        """Take the order in unless that was done before; True for one that is to be started now.

        One that can never run is not; its end is then on record.
        """
        directory = self._layout.run(order.run)
        try:
            if not make_folder(directory) and (records.plan_is_whole(directory) or (directory / "ended").exists()):
                return not _begun(directory)
            self._intake.accept(order, accounts)
        except EngineError as refusal:
            self._end_unstarted(order.run, EndCause.LAUNCH_FAILED, what=refusal.detail)
            return False
        except OSError as error:
            raise EngineUnavailableError(f"run {order.run} cannot be laid out: {error}") from error
        return True

    def _start(self, runs: Sequence[RunId]) -> None:
        if not runs:
            return
        records.sync_folder(self._layout.runs)
        directories = [self._layout.run(run) for run in runs]
        for name, refusal in supervisors.start(self._settings.supervisor, directories).items():
            error, what = refusal.args
            self._end_unstarted(RunId(name), EndCause.LAUNCH_FAILED, what=what, error=error)

    def _end_unstarted(self, run: RunId, cause: EndCause, *, what: str = "", error: int = 0) -> bool:
        directory = self._layout.run(run)
        with supervisors.unless_started(directory) as mine:
            if mine and not (directory / "ended").exists():
                end = records.encode_end(cause, self._clock.now(), what=what, error=error)
                records.write_end(directory, end)
                records.sync_folder(directory)
                records.sync_folder(self._layout.runs)
        self._bell.ring(run)
        return mine

    def cancel(self, run: RunId, cause: StopCause, grace_s: int) -> None:
        directory = self._layout.run(run)
        if not records.plan_is_whole(directory) or (directory / "ended").exists():
            return
        if supervisors.say(directory, f"{_WORDS[cause]} {grace_s * 1000}") or (directory / "started").exists():
            return
        if not self._end_unstarted(run, cause.end) and not (directory / "ended").exists():
            raise EngineUnavailableError(f"run {run} is starting this moment")

    def observe(self, runs: Sequence[RunId]) -> Sequence[Observation]:
        return [self._observe(run) for run in runs]

    def _observe(self, run: RunId) -> Observation:
        directory = self._layout.run(run)
        ended = records.read_ended(directory)
        if ended is not None:
            return _ended(run, ended)
        started = records.read_started(directory)
        if started is not None:
            if supervisors.lives(directory):
                return Observation(run=run, state=ObservedState.RUNNING, started_at=started.at)
            # Looked for once more, now that the lock is free: the end may have been written in between.
            ended = records.read_ended(directory) or self._close_lost(run, started)
            if ended is not None:
                return _ended(run, ended)
            return Observation(run=run, state=ObservedState.RUNNING, started_at=started.at)
        accepted = records.plan_is_whole(directory)
        return Observation(run=run, state=ObservedState.ACCEPTED if accepted else ObservedState.UNKNOWN)

    def _close_lost(self, run: RunId, started: Started) -> Ended | None:
        """Put an end on record for a run whose supervisor was killed; None while some of its processes still live."""
        directory = self._layout.run(run)
        marker = f"SUANLI_SCRATCH={self._layout.scratch(run)}"
        groups = [Path(path) for path in records.plan_values(directory, "cgroup")]
        with self._closing:
            for _ in range(_SWEEPS):
                if kill_groups(groups) and supervisors.kill_orphans(started, marker, self._uid(run)):
                    break
                time.sleep(_SWEEP_PAUSE_S)
            else:
                return None
            end = records.encode_end(EndCause.LOST, self._clock.now(), started_at=started.at, what="supervisor died")
            records.write_end(directory, end)
            records.sync_folder(directory)
        return records.read_ended(directory)

    def recover(self) -> Sequence[RunId]:
        runs = list(self._layout.accepted())
        with self._taking_in:
            self._start([run for run in runs if not _begun(self._layout.run(run))])
        return runs

    def watch(self, timeout_s: float) -> Sequence[RunId]:
        return self._bell.wait(timeout_s)

    def signal(self, run: RunId, number: int) -> None:
        supervisors.say(self._layout.run(run), f"signal {number}")

    def change_time_limit(self, run: RunId, time_limit_s: int) -> None:
        supervisors.say(self._layout.run(run), f"limit {time_limit_s * 1000}")

    def log(self, run: RunId, stream: Stream, offset: int, limit: int) -> LogChunk:
        try:
            descriptor = os.open(self._layout.run(run) / stream, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            if not self._layout.run(run).exists():
                raise NotFoundError("output of run", run) from None
            return LogChunk(data=b"", offset=0, size=0)
        try:
            return read_chunk(descriptor, offset, limit)
        finally:
            os.close(descriptor)

    def outputs(self, run: RunId) -> Sequence[OutputFile]:
        directory, declared = self._declared(run)
        found = []
        for name, path in declared.items():
            try:
                with open_owned(directory, path, self._uid(run)) as descriptor:
                    size = os.fstat(descriptor).st_size
            except NotFoundError:
                continue
            found.append(OutputFile(name=name, path=str(directory / path), size_bytes=size))
        return found

    def output(self, run: RunId, name: str, offset: int, limit: int) -> LogChunk:
        directory, declared = self._declared(run)
        if name not in declared:
            raise NotFoundError("output", name)
        with open_owned(directory, declared[name], self._uid(run)) as descriptor:
            return read_chunk(descriptor, offset, limit)

    def _declared(self, run: RunId) -> tuple[Path, dict[str, str]]:
        plan = self._layout.run(run)
        directory = records.plan_values(plan, "directory")
        if not directory:
            raise NotFoundError("run", run)
        notes = records.plan_values(plan, "note")
        return Path(directory[0]), dict(json.loads(notes[0])) if notes else {}

    def _uid(self, run: RunId) -> int:
        return int((records.plan_values(self._layout.run(run), "uid") or [str(os.geteuid())])[0])

    def readings(self, node: NodeName) -> NodeReadings:
        if node != self._node:
            raise NotFoundError("node", node)
        return self._devices.readings()

    def forget(self, before: Instant) -> Sequence[RunId]:
        forgotten = []
        for run in list(self._layout.accepted()):
            ended = records.read_ended(self._layout.run(run))
            if ended is not None and ended.ended_at < before:
                self._layout.run(run).rename(self._layout.gone / run)
                forgotten.append(run)
        # Also what an earlier server forgot and was killed before it had removed.
        for grave in list(self._layout.gone.iterdir()):
            _remove(grave)
        return forgotten

    def close(self) -> None:
        """Stop listening. Runs go on under their supervisors."""
        self._bell.close()
        remove_parents(self._settings.cgroups)


def _begun(directory: Path) -> bool:
    return (directory / "started").exists() or (directory / "ended").exists()


def _size_of_file_system(folder: Path) -> int:
    """Bytes of the file system on which a folder lies, whatever they are used for."""
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize


def _ended(run: RunId, ended: Ended) -> Observation:
    return Observation(
        run=run,
        state=ObservedState.ENDED,
        started_at=Instant(0) if ended.cause is EndCause.LAUNCH_FAILED else ended.started_at,
        ended_at=ended.ended_at,
        cause=ended.cause,
        exit_code=ended.exit_code,
        signal=ended.signal,
        usage=ended.usage,
        truncated=ended.truncated,
        detail=ended.detail,
    )


def _remove(folder: Path) -> None:
    """Remove a tree. Its owner may have taken away his own right to, which does not stop root."""
    if os.geteuid() != 0:
        for parent, names, _ in os.walk(folder):
            for name in names:
                if not Path(parent, name).is_symlink():
                    Path(parent, name).chmod(0o700)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
