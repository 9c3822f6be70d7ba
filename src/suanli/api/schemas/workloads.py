"""Workloads and runs as they are shown."""

from __future__ import annotations

import signal
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, WithJsonSchema

from suanli.api.schemas.fields import Body, Name, Priority, Seconds, Timestamp, maybe_timestamp, text_form, timestamp
from suanli.api.schemas.holds import HoldView, hold_view
from suanli.api.schemas.problem import DESCRIBED
from suanli.api.schemas.spec import WorkloadSpec
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import QosName
from suanli.model.spec import Kind
from suanli.model.workload import EndCause, Run, RunState, Usage, WorkloadState
from suanli.ports.store import StateCounts
from suanli.services.workloads import Accepted, Changed, Listed, Shown, Update, ref_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayPlace:
    """Which element of which array a workload is."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    id: int
    """The array: the id of its first element."""
    index: int
    """Its declared index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageView:
    """What a run was measured to use, all tasks together."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    cpu_seconds: float
    """Processor time."""
    memory_peak_bytes: int
    """Most memory at one time; 0 where nothing could measure it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadView:
    """One workload. Fields about a run speak of its latest."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    id: int
    """Its id, never used for another."""
    ref: str
    """The name that means exactly this one: ``120``, or ``120_3`` within an array."""
    array: ArrayPlace | None
    """Its place in an array."""
    name: str
    """What people call it."""
    owner: str
    """Who submitted it."""
    project: str
    """The project it belongs to."""
    kind: Kind
    """What "done" means for it."""
    queue: str
    """The queue it waits in."""
    qos: str
    """Its quality of service."""
    state: WorkloadState
    """Where it stands."""
    priority: int
    """Higher goes first within the queue and the quality of service."""
    time_limit_s: int
    """Longest time to run; 0 sets no bound."""
    attempt: int
    """How many runs it had."""
    cause: EndCause | None
    """Why its final state was reached."""
    detail: str
    """More about that, in words."""
    exit_code: int | None
    """Exit code of the latest run that ended."""
    signal: int | None
    """Signal that ended it."""
    submitted_at: Timestamp
    """When it was accepted."""
    eligible_at: Timestamp | None
    """Since when nothing but room keeps it from starting."""
    started_at: Timestamp | None
    """When its latest run began."""
    ended_at: Timestamp | None
    """When it reached its final state."""
    nodes: list[str]
    """Nodes of its latest run."""
    reason: str | None
    """Stable code of what it waits for; `why` tells all."""
    usage: UsageView | None
    """Measured use of its latest run, once that has ended."""


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(WorkloadView))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPage:
    """Workloads, newest first."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[WorkloadView]
    """Each with the fields asked for."""
    next_cursor: str | None
    """Where the next page begins; null after the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsView:
    """How many workloads stand in each state."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    by_state: dict[str, int]
    """Every state that has any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayStanding(ArrayPlace):
    """A whole array, and the place of one element in it."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    size: int
    """How many elements it has."""
    by_state: dict[str, int]
    """How many stand in each state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One attempt."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    id: str
    """``<workload>.<attempt>``."""
    attempt: int
    """Counted from 1."""
    state: RunState
    """Where it stands."""
    engine: str
    """The engine that runs it."""
    nodes: list[HoldView]
    """What it holds, or held, node by node."""
    alternative: int
    """Which request of the spec it was given: 0 its own, 1 that of the first alternative."""
    time_limit_s: int
    """Longest time to run; 0 sets no bound."""
    placed_at: Timestamp
    """When it was given its place."""
    started_at: Timestamp | None
    """When its first task began."""
    ended_at: Timestamp | None
    """When it was over."""
    cause: EndCause | None
    """Why it ended."""
    detail: str
    """More about that, in words."""
    exit_code: int | None
    """Its exit code."""
    signal: int | None
    """The signal that ended it."""
    usage: UsageView | None
    """What it was measured to use, once it has ended."""
    truncated: bool
    """Whether output past the size cap was dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadDetail(WorkloadView):
    """All there is to know of one workload."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    array: ArrayStanding | None
    """The array it belongs to."""
    spec: WorkloadSpec
    """What was asked, all defaults filled in."""
    runs: list[RunView]
    """All attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedView:
    """What a spec became."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    id: int
    """The first id."""
    count: int
    """How many workloads with consecutive ids."""
    state: WorkloadState
    """Where the first stands."""
    ref: str
    """The name that means all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedItem:
    """What one spec of a batch became."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    id: int
    """The first id."""
    count: int
    """How many workloads with consecutive ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """What the specs of a batch became, in order."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    workloads: list[AcceptedItem]
    """One for each spec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedView:
    """Which of the workloads named were changed, and which were in no state to be."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    changed: list[int]
    """Their ids."""
    unchanged: list[int]
    """Their ids."""


def _signal_number(name: str) -> int:
    try:
        return signal.Signals[f"SIG{name.upper().removeprefix('SIG')}"]
    except KeyError:
        raise InvalidRequestError("signal", f"{name!r} is no signal", "write USR1, or a number in 1..64") from None


class SignalBody(Body):
    """The signal to send."""

    signal: Annotated[
        int,
        Field(ge=1, le=64),
        text_form(_signal_number),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "integer", "minimum": 1, "maximum": 64},
                    {"type": "string", "enum": sorted(s.name.removeprefix("SIG") for s in signal.Signals)},
                ],
                "examples": ["USR1", 10],
            }
        ),
    ]
    """Its number or its name."""


class UpdateBody(Body):
    """What to change; what is not given stays."""

    time_limit: Seconds | None = None
    """Longest time to run, counted from the start of the run."""
    priority: Priority | None = None
    """Higher goes first within the queue and the quality of service."""
    qos: Name | None = None
    """The quality of service to have; of what does not run."""

    def wanted(self) -> Update:
        """The change that is asked for."""
        qos = None if self.qos is None else QosName(self.qos)
        return Update(time_limit_s=self.time_limit, priority=self.priority, qos=qos)


def workload_view(listed: Listed, reason: str | None = None) -> WorkloadView:
    """Show a line of the list; ``reason`` is why it waits, where it is in the queue."""
    workload, run = listed.workload, listed.run
    array = ArrayPlace(id=workload.array_id, index=workload.array_index) if workload.array_id else None
    return WorkloadView(
        id=workload.id,
        ref=str(ref_of(workload)),
        array=array,
        name=workload.name,
        owner=workload.owner,
        project=workload.project,
        kind=workload.kind,
        queue=workload.queue,
        qos=workload.qos,
        state=workload.state,
        priority=workload.priority,
        time_limit_s=workload.time_limit_s,
        attempt=workload.attempt,
        cause=workload.cause,
        detail=workload.detail,
        exit_code=workload.exit_code if workload.exit_code >= 0 else None,
        signal=workload.signal or None,
        submitted_at=timestamp(workload.submitted_at),
        eligible_at=maybe_timestamp(workload.eligible_at),
        started_at=maybe_timestamp(workload.started_at),
        ended_at=maybe_timestamp(workload.ended_at),
        nodes=[] if run is None else [hold.node for hold in run.allocation.nodes],
        reason=_REASONS.get(workload.state, reason),
        usage=None if run is None else _usage(run),
    )


_REASONS = {WorkloadState.HELD: "held", WorkloadState.BLOCKED: "dependency"}


def _usage(run: Run) -> UsageView | None:
    usage: Usage = run.usage
    if run.state is not RunState.ENDED:
        return None
    return UsageView(cpu_seconds=usage.cpu_us / 1_000_000, memory_peak_bytes=usage.memory_peak_bytes)


def detail_view(shown: Shown, reason: str | None = None) -> WorkloadDetail:
    """Show one workload whole."""
    line = workload_view(Listed(workload=shown.workload, run=shown.runs[-1] if shown.runs else None), reason)
    told: dict[str, Any] = {name: getattr(line, name) for name in FIELDS}
    told["array"] = None
    if shown.array is not None:
        told["array"] = ArrayStanding(
            id=shown.array.id,
            index=shown.workload.array_index,
            size=shown.array.size,
            by_state=_by_state(shown.array.counts),
        )
    return WorkloadDetail(
        **told, spec=WorkloadSpec.of(shown.submission.spec), runs=[run_view(run) for run in shown.runs]
    )


def _by_state(counts: StateCounts) -> dict[str, int]:
    return {state.value: count for state, count in counts.by_state.items()}


def run_view(run: Run) -> RunView:
    """Show one attempt."""
    return RunView(
        id=run.id,
        attempt=run.attempt,
        state=run.state,
        engine=run.allocation.engine,
        nodes=[hold_view(hold) for hold in run.allocation.nodes],
        alternative=run.alternative,
        time_limit_s=run.time_limit_s,
        placed_at=timestamp(run.placed_at),
        started_at=maybe_timestamp(run.started_at),
        ended_at=maybe_timestamp(run.ended_at),
        cause=run.cause,
        detail=run.detail,
        exit_code=run.exit_code if run.exit_code >= 0 else None,
        signal=run.signal or None,
        usage=_usage(run),
        truncated=run.truncated,
    )


def accepted_view(accepted: Accepted) -> AcceptedView:
    """Show what a spec became."""
    return AcceptedView(id=accepted.id, count=accepted.count, state=accepted.state, ref=str(accepted.id))


def changed_view(changed: Changed) -> ChangedView:
    """Show what a verb changed."""
    return ChangedView(changed=list(changed.changed), unchanged=list(changed.unchanged))


def counts_view(counts: StateCounts) -> CountsView:
    """Show counts by state."""
    return CountsView(by_state=_by_state(counts))
