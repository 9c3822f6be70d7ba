"""A fake engine: keeps the engine contract in memory and runs nothing; a test says when runs begin, write and end."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from suanli.model.errors import NotFoundError
from suanli.model.ids import EngineName, NodeName, RunId
from suanli.model.quantities import Instant
from suanli.model.resources import Node
from suanli.model.workload import EndCause, StopCause, Usage
from suanli.ports.clock import Clock
from suanli.ports.engine import (
    DeviceBinding,
    DeviceReading,
    DiskBinding,
    EngineDescription,
    Isolation,
    LimitEnforcement,
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


@dataclass(slots=True)
class _Run:
    order: RunOrder
    seen: Observation
    streams: dict[Stream, bytes] = field(default_factory=dict)
    outputs: dict[str, bytes] = field(default_factory=dict)
    signals: list[int] = field(default_factory=list)


class FakeEngine:
    """An engine over the nodes it is given. With ``begins`` an accepted run begins at once, else when told."""

    def __init__(self, nodes: Iterable[Node], clock: Clock, *, begins: bool = True) -> None:
        self._nodes = tuple(nodes)
        self._clock = clock
        self._begins = begins
        self._runs: dict[RunId, _Run] = {}
        self._changed: set[RunId] = set()
        self._bell = threading.Condition()
        self.read: dict[NodeName, tuple[DeviceReading, ...]] = {}
        """What is told of the devices of a node, by node; nothing of those that are not in it."""

    @property
    def name(self) -> EngineName:
        return self._nodes[0].engine

    def describe(self) -> EngineDescription:
        return EngineDescription(
            nodes=self._nodes,
            placement=Placement.NODES,
            limits=LimitEnforcement.NONE,
            isolation=Isolation.NONE,
            devices=DeviceBinding.NONE,
            partitions=PartitionBinding.COUNTED,
            disk=DiskBinding.COUNTED,
            simulated=True,
        )

    def submit(self, orders: Sequence[RunOrder]) -> None:
        with self._bell:
            for order in orders:
                if order.run not in self._runs:
                    seen = Observation(run=order.run, state=ObservedState.ACCEPTED)
                    self._runs[order.run] = _Run(order, seen)
                    if self._begins:
                        self._begin(order.run)

    def cancel(self, run: RunId, cause: StopCause, grace_s: int) -> None:  # noqa: ARG002  what is told to end ends at once
        if run in self._runs:
            self.end(run, cause=cause.end, signal=15)

    def observe(self, runs: Sequence[RunId]) -> Sequence[Observation]:
        with self._bell:
            unknown = ObservedState.UNKNOWN
            return [self._runs[run].seen if run in self._runs else Observation(run=run, state=unknown) for run in runs]

    def recover(self) -> Sequence[RunId]:
        with self._bell:
            return sorted(self._runs)

    def watch(self, timeout_s: float) -> Sequence[RunId]:
        with self._bell:
            self._bell.wait_for(lambda: bool(self._changed), timeout_s)
            changed, self._changed = sorted(self._changed), set()
            return changed

    def signal(self, run: RunId, number: int) -> None:
        with self._bell:
            self._runs[run].signals.append(number)
            self._bell.notify_all()

    def log(self, run: RunId, stream: Stream, offset: int, limit: int) -> LogChunk:
        return _piece(self._known(run).streams.get(stream, b""), offset, limit)

    def outputs(self, run: RunId) -> Sequence[OutputFile]:
        known = self._known(run)
        paths = {output.name: output.path for output in known.order.outputs}
        return [
            OutputFile(name=name, path=paths.get(name, name), size_bytes=len(data))
            for name, data in known.outputs.items()
        ]

    def output(self, run: RunId, name: str, offset: int, limit: int) -> LogChunk:
        outputs = self._known(run).outputs
        if name not in outputs:
            raise NotFoundError("output", name)
        return _piece(outputs[name], offset, limit)

    def readings(self, node: NodeName) -> NodeReadings:
        if node not in {known.name for known in self.describe().nodes}:
            raise NotFoundError("node", node)
        return NodeReadings(taken_at=self._clock.now(), devices=self.read.get(node, ()))

    def forget(self, before: Instant) -> Sequence[RunId]:
        with self._bell:
            over = [
                run
                for run, known in self._runs.items()
                if known.seen.state is ObservedState.ENDED and known.seen.ended_at < before
            ]
            for run in over:
                del self._runs[run]
            return over

    def begin(self, run: RunId) -> None:
        """Have the run's first task begin."""
        with self._bell:
            self._begin(run)

    def write(self, run: RunId, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        """Have the run write."""
        with self._bell:
            streams = self._known(run).streams
            streams[stream] = streams.get(stream, b"") + data

    def leave(self, run: RunId, name: str, data: bytes) -> None:
        """Have the run leave an output."""
        with self._bell:
            self._known(run).outputs[name] = data

    def end(self, run: RunId, *, exit_code: int = 0, cause: EndCause = EndCause.EXITED, signal: int = 0) -> None:
        """Have the run end; one that has ended stays as it was."""
        with self._bell:
            known = self._known(run)
            if known.seen.state is ObservedState.ENDED:
                return
            known.seen = replace(
                known.seen,
                state=ObservedState.ENDED,
                ended_at=self._clock.now(),
                cause=cause,
                exit_code=-1 if signal else exit_code,
                signal=signal,
                usage=Usage(cpu_us=1_500_000, memory_peak_bytes=64 * 1024 * 1024),
            )
            self._ring(run)

    def wait_accepted(self, run: RunId, timeout_s: float) -> bool:
        """Whether the run was handed over in time."""
        with self._bell:
            return self._bell.wait_for(lambda: run in self._runs, timeout_s)

    def wait_signals(self, run: RunId, timeout_s: float) -> Sequence[int]:
        """The signals the run was sent, once it has been sent any."""
        with self._bell:
            self._bell.wait_for(lambda: bool(self._known(run).signals), timeout_s)
            return tuple(self._known(run).signals)

    def _begin(self, run: RunId) -> None:
        known = self._known(run)
        known.seen = replace(known.seen, state=ObservedState.RUNNING, started_at=self._clock.now())
        self._ring(run)

    def _ring(self, run: RunId) -> None:
        self._changed.add(run)
        self._bell.notify_all()

    def _known(self, run: RunId) -> _Run:
        if run not in self._runs:
            raise NotFoundError("run", run)
        return self._runs[run]


def _piece(data: bytes, offset: int, limit: int) -> LogChunk:
    begin = max(0, len(data) + offset) if offset < 0 else min(offset, len(data))
    return LogChunk(data=data[begin : begin + limit], offset=begin, size=len(data))
