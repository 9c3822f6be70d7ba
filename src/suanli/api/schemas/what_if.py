"""What if: the question, and both sides of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StringConstraints

from suanli.api.schemas.fields import Body, Name, Priority, Seconds, ShortText, Timestamp
from suanli.api.schemas.problem import DESCRIBED
from suanli.api.schemas.spec import WorkloadSpec
from suanli.model.power import MAX_WATTS

MOST_NODES = 100_000
MOST_NAMED = 1_000
MOST_TIMES = 10_000

RefText = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,17}(?:_[0-9]{1,9})?$")]
"""`120`, or `120_3` for the element of array 120 with index 3."""


class OtherwiseBody(Body):
    """A waiting workload with another time limit, priority or quality of service; what is not given stays."""

    ref: RefText
    """The workload; all elements where it names an array."""
    time_limit: Seconds | None = None
    """Longest time to run."""
    priority: Priority | None = None
    """Higher goes first within the queue and the quality of service."""
    qos: Name | None = None
    """The quality of service to have."""


class SubmittedBody(Body):
    """A spec submitted, so many times."""

    spec: WorkloadSpec
    """What is asked."""
    times: int = Field(default=1, ge=1, le=MOST_TIMES)
    """How often."""


class WhatIfBody(Body):
    """What is imagined to be otherwise from now on; nothing: the center as it is.

    About nodes and the power cap only operators ask.
    """

    down: tuple[Name, ...] = Field(default=(), max_length=MOST_NODES)
    """Nodes that go down."""
    down_count: int = Field(default=0, ge=0, le=MOST_NODES)
    """So many more go down of those that take work, in the order of their names."""
    model: ShortText = ""
    """Of these, only nodes with a device of this model."""
    add_nodes: int = Field(default=0, ge=0, le=MOST_NODES)
    """So many nodes come."""
    like: Name | None = None
    """They are as this one is."""
    power_cap: int | None = Field(default=None, ge=0, le=MAX_WATTS)
    """Running work may draw so many watts; 0: any amount, null: as it is."""
    cancel: tuple[RefText, ...] = Field(default=(), max_length=MOST_NAMED)
    """Workloads that are cancelled."""
    update: tuple[OtherwiseBody, ...] = Field(default=(), max_length=MOST_NAMED)
    """Waiting workloads that are otherwise."""
    submit: tuple[SubmittedBody, ...] = Field(default=(), max_length=MOST_NAMED)
    """Work that is submitted."""
    show: tuple[RefText, ...] = Field(default=(), max_length=MOST_NAMED)
    """Workloads that the answer shows in any case."""
    most: int = Field(default=20, ge=1, le=1000)
    """Most workloads in each list beside those asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadView:
    """Amounts of several workloads."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    mean: float
    """Their mean."""
    median: float
    """The middle one."""
    p99: float
    """One in a hundred exceeds this."""
    max: float
    """The largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideView:
    """One side. Waits and slowdowns are of workloads that wait now, those of yours unless you are an operator."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    started: int
    """How many of these start."""
    never: int
    """How many never start."""
    wait_s: SpreadView | None
    """Seconds from when one could start to its start, the past counted in, of those that start; null: none does."""
    slowdown: SpreadView | None
    """Seconds from then to the end over the time limit, counted as at least 10 s; null: none with a limit starts."""
    makespan_s: float
    """Seconds until the last run with a time limit has ended."""
    cpus_held: float
    """The part of the processors in service that is held from now to then."""
    devices_held: float
    """The part of the devices in service that is held from now to then."""
    preempted: int
    """Runs that have to give way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceView:
    """When and where a workload runs."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    start: Timestamp | None
    """When it starts; null where it never does."""
    end: Timestamp | None
    """When its time limit is over; null where it has none, or never starts."""
    nodes: list[str]
    """The nodes it runs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedView:
    """One workload on both sides."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    id: int
    """Its id; of imagined work one that nobody has."""
    ref: str | None
    """Its name; null where it is imagined."""
    name: str
    """What people call it."""
    owner: str
    """Whose it is."""
    before: PlaceView | None
    """As it is; null where it does not wait."""
    after: PlaceView | None
    """As it would be; null where it does not wait then."""
    start_later_s: float | None
    """By how much it starts later; below 0, earlier; null where it does not start on both sides."""
    end_later_s: float | None
    """By how much it ends later; null where it does not end on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverView:
    """A workload that waits now and would never start."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    id: int
    """Its id."""
    ref: str
    """Its name."""
    name: str
    """What people call it."""
    owner: str
    """Whose it is."""
    reason: str
    """Stable code of what stands against it."""
    text: str
    """The same in the reader's language."""
    starts_as_it_is: bool
    """Whether it would start without the changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostView:
    """A run that ends because a node of it goes down."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    run: str
    """The run."""
    ref: str
    """Its workload."""
    name: str
    """What people call it."""
    owner: str
    """Whose it is."""
    waits_again: bool
    """Whether its retry policy has it run again."""
    start: Timestamp | None
    """When it then starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfView:
    """The center as it is beside the center as it would be."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    now: Timestamp
    """From when on it is looked ahead."""
    down: list[str]
    """Nodes that go down."""
    added: list[str]
    """Nodes that come."""
    submitted: int
    """How many workloads are imagined."""
    before: SideView
    """The center as it is."""
    after: SideView
    """The center as it would be."""
    items: list[AffectedView]
    """Workloads asked about, imagined ones, and those whose starts differ most."""
    never: list[NeverView]
    """Workloads that would never start, in the order of the queue."""
    lost: list[LostView]
    """Runs that end with the nodes that go down."""
    grain_s: int
    """Ends within so many seconds are seen together; 0: each by itself."""
    assumptions: list[str]
    """What was taken to be so, in the reader's language."""
