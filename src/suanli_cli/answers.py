"""The JSON the API answers with, by name. Instants are RFC 3339 texts in UTC, durations seconds, memory bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

Spec = dict[str, Any]
"""A workload spec as sent; the server says what is wrong with it."""

FINAL_STATES = ("completed", "failed", "cancelled", "timeout", "out_of_memory", "lost")
LIVE_STATES = ("held", "blocked", "waiting", "starting", "running", "ending")


class Accepted(TypedDict):
    """An accepted spec: the first id it made and how many."""

    id: int
    count: int


class Reason(TypedDict):
    """One constraint that keeps a workload from starting, in the reader's language."""

    code: str
    text: str
    nodes_failing: int | None
    nodes_total: int | None
    helps: str | None


class Usage(TypedDict):
    """What a run was measured to use; a peak of 0 means nothing could measure it."""

    cpu_seconds: float
    memory_peak_bytes: int


class PowerCap(TypedDict):
    """The power cap in watts (None: none), what runs draw, and of how much of the center that is not known."""

    watts: int | None
    drawn_watts: float
    unknown_cpus: float
    unknown_devices: int


class Tariff(TypedDict):
    """One version of the prices of an hour, decimal numbers as text."""

    version: int
    currency: str
    valid_from: str
    cpu_hour: str
    memory_gib_hour: str
    disk_gb_hour: str
    device_hour: dict[str, str]
    class_hour: dict[str, str]


class Tariffs(TypedDict):
    """The prices that hold now (None: there are none), and those to come."""

    current: Tariff | None
    coming: list[Tariff]


class ArrayPlace(TypedDict):
    """Which element of which array a workload is."""

    id: int
    index: int


class WorkloadFields(TypedDict):
    """What the list and the single view say alike."""

    id: int
    ref: str
    name: str
    owner: str
    project: str
    kind: str
    queue: str
    qos: str
    state: str
    priority: int
    time_limit_s: int
    attempt: int
    cause: str | None
    detail: str
    exit_code: int | None
    signal: int | None
    submitted_at: str
    started_at: str | None
    ended_at: str | None
    nodes: list[str]
    reason: str | None
    usage: Usage | None


class Workload(WorkloadFields):
    """One row of the list."""

    array: ArrayPlace | None


class Page(TypedDict):
    """Workloads, newest first, and where the next page begins."""

    items: list[Workload]
    next_cursor: str | None


class DeviceShare(TypedDict):
    """A held device and how much of it, in (0, 1]."""

    index: int
    share: float
    partition: str


class Hold(TypedDict):
    """What is held, or would be, on one node."""

    node: str
    tasks: int
    cpus: float
    memory_bytes: int
    disk_bytes: int
    devices: list[DeviceShare]


class Run(TypedDict):
    """One attempt."""

    id: str
    attempt: int
    state: str
    engine: str
    nodes: list[Hold]
    alternative: int
    started_at: str | None
    ended_at: str | None
    cause: str | None
    detail: str
    exit_code: int | None
    signal: int | None
    usage: Usage | None
    truncated: bool


class ArrayView(TypedDict):
    """A whole array: its first id, its size and how many elements stand in each state."""

    id: int
    size: int
    by_state: Mapping[str, int]


class Shown(WorkloadFields):
    """One workload whole; ``array`` is the whole array where the ref named one."""

    array: ArrayView | None
    spec: Spec
    runs: list[Run]


class Alternative(TypedDict):
    """Why work does not start with one of its alternatives."""

    alternative: int
    reasons: list[Reason]
    earliest_start: str | None


class Expected(TypedDict):
    """How long work takes on one device model, by so many finished runs (0: by a part of the nominal rate)."""

    model: str
    seconds: float
    rate: float
    runs: int
    energy_joules: float | None
    cost: str | None
    currency: str | None


class Order(TypedDict):
    """What a place in the order goes by, before all waiting."""

    queue: str
    queue_priority: int
    qos: str
    qos_priority: int
    priority: int


class Explanation(TypedDict):
    """Why a workload stands where it stands."""

    id: int
    state: str
    reasons: list[Reason]
    alternatives: list[Alternative]
    earliest_start: str | None
    earliest_start_known: bool
    order: Order | None
    expected: list[Expected]


class Preview(TypedDict):
    """What submitting would lead to."""

    decision: str
    placement: list[Hold]
    alternative: int
    earliest_start: str | None
    reasons: list[Reason]
    alternatives: list[Alternative]
    expected: list[Expected]
    spec: Spec


class Place(TypedDict):
    """When and where a workload runs; no start where it never does."""

    start: str | None
    end: str | None
    nodes: list[str]


class Affected(TypedDict):
    """One workload as it is and as it would be; no ``ref`` where it is imagined."""

    id: int
    ref: str | None
    name: str
    owner: str
    before: Place | None
    after: Place | None
    start_later_s: float | None
    end_later_s: float | None


class Never(TypedDict):
    """A workload that would never start, and why."""

    ref: str
    name: str
    owner: str
    reason: str
    text: str
    starts_as_it_is: bool


class Lost(TypedDict):
    """A run that ends because a node of it goes down."""

    run: str
    name: str
    owner: str
    waits_again: bool
    start: str | None


class Spread(TypedDict):
    """Amounts of several workloads."""

    mean: float
    median: float
    p99: float
    max: float


class Side(TypedDict):
    """The figures of one side; no spread where nothing starts."""

    started: int
    never: int
    wait_s: Spread | None
    slowdown: Spread | None
    makespan_s: float
    cpus_held: float
    devices_held: float
    preempted: int


class WhatIf(TypedDict):
    """Both sides."""

    now: str
    down: list[str]
    added: list[str]
    submitted: int
    before: Side
    after: Side
    items: list[Affected]
    never: list[Never]
    lost: list[Lost]
    grain_s: int
    assumptions: list[str]


class Changed(TypedDict):
    """Ids that a verb changed, and those it left as they were."""

    changed: list[int]
    unchanged: list[int]


class Me(TypedDict):
    """Who the token says is asking."""

    user: str
    role: str
    scopes: list[str]
    default_project: str


class NewToken(TypedDict):
    """A token with its secret, shown this once; None where the first answer was lost on the way."""

    id: str
    secret: str | None
