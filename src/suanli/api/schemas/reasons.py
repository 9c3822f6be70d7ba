"""Why something waits, and what would happen to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import ConfigDict

from suanli.api.schemas.fields import Timestamp
from suanli.api.schemas.holds import HoldView
from suanli.api.schemas.problem import DESCRIBED
from suanli.api.schemas.rates import ExpectedView
from suanli.api.schemas.spec import WorkloadSpec
from suanli.model.workload import Workload, WorkloadState

if TYPE_CHECKING:
    from suanli.kernel.scheduling.plan import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """One constraint that blocks."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    code: str
    """Stable name of the constraint's kind."""
    constraint: str
    """The field of the spec that binds."""
    text: str
    """What blocks, in the reader's language."""
    nodes_failing: int | None
    """How many nodes fail it; null where it is not about single nodes."""
    nodes_total: int | None
    """How many nodes there are; null where it is not about single nodes."""
    params: dict[str, str | int]
    """The particulars as data: amounts in milli-cpus, bytes, thousandths of devices, milliwatts, seconds or counts."""
    helps: str | None
    """What would help, in the reader's language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativeView:
    """Why a workload does not start with one of its alternatives."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    alternative: int
    """Which: 1 is the first."""
    reasons: list[ReasonView]
    """Everything that blocks it."""
    earliest_start: Timestamp | None
    """The first instant at which it fits; null where none can be foreseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """What a workload's place in the order goes by, before all waiting; the first difference decides, higher first."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    queue: str
    """Its queue."""
    queue_priority: int
    """The queue's priority."""
    qos: str
    """Its quality of service."""
    qos_priority: int
    """The quality of service's priority."""
    priority: int
    """Its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyView:
    """Why a workload stands where it stands."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    id: int
    """The workload."""
    state: WorkloadState
    """Where it stands."""
    reasons: list[ReasonView]
    """Everything that blocks what the spec itself asks of nodes; empty where nothing does."""
    alternatives: list[AlternativeView]
    """The same of each alternative, in order."""
    earliest_start: Timestamp | None
    """The first instant at which one of these fits, everything that runs taken to run to its limit."""
    earliest_start_known: bool
    """Whether a start can be foreseen."""
    order: OrderView | None
    """What its place in the order goes by; null for what does not wait."""
    expected: list[ExpectedView]
    """How long its work takes on each device model that will do, soonest done first; where it says how much it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """What submitting a spec now would lead to; nothing was recorded."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    decision: Literal["now", "later", "never"]
    """Whether it would start at once, wait, or wait for ever."""
    placement: list[HoldView]
    """What it would hold, node by node, where it would start now."""
    alternative: int
    """Which request of the spec would start now: 0 its own, 1 that of the first alternative."""
    earliest_start: Timestamp | None
    """The first instant at which it fits."""
    reasons: list[ReasonView]
    """Everything that blocks what the spec itself asks of nodes."""
    alternatives: list[AlternativeView]
    """The same of each alternative, in order."""
    expected: list[ExpectedView]
    """How long its work takes on each device model that will do, soonest done first; where it says how much it is."""
    spec: WorkloadSpec
    """The spec as it would be recorded, all defaults filled in."""


def order_view(workload: Workload, level: Level | None) -> OrderView | None:
    """Show what a place in the order goes by."""
    if level is None:
        return None
    return OrderView(
        queue=workload.queue,
        queue_priority=level.queue,
        qos=workload.qos,
        qos_priority=level.qos,
        priority=level.own,
    )
