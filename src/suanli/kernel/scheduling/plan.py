"""The nouns that come out of the kernel: a turn's plan, the reasons of what waits, and the explanation of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.expected import Expected
from suanli.kernel.scheduling.fair_share import ShareWeights
from suanli.model.ids import EngineName, ProjectName, QosName, QueueName, ReservationName, RunId, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation, NodeHold
from suanli.model.spec import MAX_PRIORITY, NORMAL
from suanli.model.workload import Workload

MICROSECONDS = 1_000_000
"""Microseconds in a second."""


class ReasonCode(StrEnum):
    """Why a workload waits. Stable: codes are added, never renamed.

    From NODE_STATE to DISK each is judged on every node alone, in this order. The eight about devices narrow one
    after the other, so of these a node fails at most one: the first that leaves too few.
    """

    NODE_STATE = "node_state"
    """The node is draining or down."""
    RESERVED = "reserved"
    """The node lies in an advance reservation that the work would run into if it started now."""
    RESERVATION = "reservation"
    """The node is none of the advance reservation that the work names, or that is not open, or ends too soon for it."""
    FEATURE = "feature"
    """The node lacks a feature that the work names."""
    EXCLUSIVE = "exclusive"
    """The node is held exclusively, or is asked for exclusively while somebody holds part of it."""
    DEVICE_CLASS = "device_class"
    DEVICE_MODEL = "device_model"
    DEVICE_PARTITION = "device_partition"
    """Devices of the model are not parted by the template that is asked for."""
    DEVICE_MEMORY = "device_memory"
    DEVICE_PRECISION = "device_precision"
    DEVICE_RATE = "device_rate"
    """The device does less at the precision than is asked for, or nobody knows how much."""
    DEVICE_BITSTREAM = "device_bitstream"
    """The device does not have the bitstream that is asked for, and its engine cannot give it to it."""
    DEVICE_INTERCONNECT = "device_interconnect"
    """Enough fitting devices are there, but too few of them so near each other."""
    DEVICE_HEALTH = "device_health"
    DEVICE_FREE = "device_free"
    """Enough fitting devices are there, but too much of them is held."""
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    """Local disk: of the node's own, and gone with the run."""
    NODES_COUNT = "nodes_count"
    """Some nodes can hold their part, but fewer at once than asked for."""
    TASKS_COUNT = "tasks_count"
    """Some tasks fit, but not all of them at once."""
    ENGINE = "engine"
    """All engines together have the room, but no single one."""
    ARRAY_LIMIT = "array_limit"
    """As many elements of the array run as its ``max_running`` allows."""
    QUEUE_QUOTA = "queue_quota"
    """Work of the queue runs that asked for as much as all of it may, or leaves too little."""
    QUEUE_USER_QUOTA = "queue_user_quota"
    """The same of one user's work in the queue."""
    QOS_QUOTA = "qos_quota"
    QOS_USER_QUOTA = "qos_user_quota"
    """The same of a quality of service, and of one user's work that has it."""
    PROJECT_QUOTA = "project_quota"
    PROJECT_USER_QUOTA = "project_user_quota"
    """The same of one user's work in the project."""
    USER_QUOTA = "user_quota"
    LICENSE = "license"
    """Too few of a license are free, or are kept for work that goes first."""
    POWER = "power"
    """It could draw more than the power cap leaves."""
    DEADLINE = "deadline"
    """By what is foreseen it starts too late to be done by its deadline."""
    PRIORITY = "priority"
    """Work that goes first takes the room in this very turn."""
    BACKFILL_WINDOW = "backfill_window"
    """It would delay the reserved start of the work that goes first."""
    FASTER_DEVICE = "faster_device"
    """It could start, and would end sooner by waiting for faster devices that others hold."""
    NO_TIME_LIMIT = "no_time_limit"
    """Work that may run for ever holds what is needed, so no start can be foreseen."""
    IMPOSSIBLE = "impossible"
    """No nodes of this center could hold it, even empty and in perfect state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One constraint that blocks. Amounts are in the unit of the code: milli-cpus, bytes, nodes, tasks, elements.

    ``nodes_failing`` counts the nodes that fail this constraint at all, ``nodes_failing_first`` those that fail
    none before it; both are 0 where the constraint is not about single nodes. ``needed`` is what a node (or the
    center, for NODE_STATE, FEATURE, EXCLUSIVE, and where single nodes do not matter) must give, ``available`` the
    most that one could. Of devices they count thousandths, or parts where these are asked for (for DEVICE_FREE
    ``devices`` there are of a model that has such), for DEVICE_MEMORY the bytes of one, for DEVICE_RATE its
    10^9 operations a second. For DEADLINE they are the seconds until it starts, and until it must. For
    BACKFILL_WINDOW they are seconds, and ``ahead`` is the
    workload with the reservation; for PRIORITY ``available`` counts the workloads that go first; for ARRAY_LIMIT
    ``needed`` counts the elements running and ``available`` is their bound. For quotas ``needed`` is what work that
    runs asked for together with what this work asks, ``available`` the quota; for LICENSE ``needed`` is what it
    asks and ``available`` how many it may have, beside what is kept for ``ahead`` where that is given; for POWER they
    are milliwatts: what it could draw at most, and what the ``cap`` leaves beside what is ``in_use``; for FASTER_DEVICE
    the seconds until it would end if it started now, and by waiting until ``starts_at`` for the model ``wanted``.
    """

    code: ReasonCode
    nodes_failing: int = 0
    nodes_failing_first: int = 0
    nodes_total: int = 0
    needed: int = 0
    available: int = 0
    wanted: str = ""
    """The device class, model, precision, interconnect or license asked for, the features that nodes lack, or the
    amount that is bounded (``runs``, ``cpu_milli``, ``memory_bytes``, ``device_share``), where the code is about that.
    """
    ahead: WorkloadId = WorkloadId(0)
    reservation: ReservationName = ReservationName("")
    """Of the advance reservations that the code is about, the one that most nodes lie in (or that the work names)."""
    starts_at: Instant = Instant(0)
    ends_at: Instant = Instant(0)
    """Its times; both 0 where there is no reservation of that name, or none is named."""
    in_use: int = 0
    cap: int = 0
    devices: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the center decides; ``score`` says what speaks for a node (``scoring.scoring``).

    Work past its expected end, and work being stopped, is taken to end ``overrun_s`` from now. At most ``placements``
    are made in one turn, so that a turn stays short; the plan says whether it is ``complete``. The first so many that
    cannot start get ``reservations``: with one it is EASY backfilling, with as many as there may wait conservative.
    ``shares`` says what is owed to whom, to the one who keeps the standings.
    """

    score: str = "best_fit"
    overrun_s: int = 1
    placements: int = 256
    reservations: int = 1
    shares: ShareWeights = ShareWeights()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Start this workload with this allocation, if its generation and those of the nodes still stand."""

    workload: WorkloadId
    generation: int
    allocation: Allocation
    node_generations: tuple[int, ...]
    """In the order of the allocation's nodes."""
    alternative: int = 0
    """Which request of its spec this is: 0 the spec's own, 1 that of the first alternative."""
    time_limit_s: int = 0
    """How long it may run (0: no bound)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preemption:
    """Ask this run to end so that ``by`` can have its place."""

    run: RunId
    workload: WorkloadId
    by: WorkloadId


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What is kept free for a workload from ``start`` on; nothing planned after it may take of it."""

    workload: WorkloadId
    start: Instant
    engine: EngineName
    nodes: tuple[NodeHold, ...]
    alternative: int = 0
    """For which request of its spec: 0 the spec's own, 1 that of the first alternative."""


class Association(NamedTuple):
    """Whose work it is, as far as bounds go: queue, project, owner, array (0: none, or one without a bound), QOS."""

    queue: QueueName
    project: ProjectName
    owner: UserName
    array: WorkloadId = WorkloadId(0)
    qos: QosName = NORMAL

    def covers(self, workload: Workload) -> bool:
        """Tell whether the workload is of this association."""
        of = (workload.queue, workload.project, workload.owner)
        return of == self[:3] and workload.qos == self.qos and self.array in {0, workload.array_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why ``waiting`` workloads of one demand do not start; of those with alternatives, why not with that demand.

    It holds for those of ``association`` alone where that is given, and only for those that may run longer than
    ``window_s`` (or for ever) where that is not negative; for one workload ``alone`` where that is not 0.
    """

    demand: Demand
    waiting: int
    reason: Reason
    association: Association | None = None
    window_s: int = -1
    alone: WorkloadId = WorkloadId(0)

    def covers(self, workload: Workload, demand: Demand) -> bool:
        """Tell whether this is why the workload, of this demand, does not start."""
        if demand != self.demand or not (self.association is None or self.association.covers(workload)):
            return False
        if self.alone not in {0, workload.id}:
            return False
        return self.window_s < 0 or not 0 < workload.time_limit_s <= self.window_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one turn decided. Not ``complete`` means that more can start at once: take another turn."""

    placements: tuple[Placement, ...] = ()
    preemptions: tuple[Preemption, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    refusals: Sequence[Refusal] = ()
    complete: bool = True

    def reason(self, workload: Workload, demand: Demand) -> Reason | None:
        """Why the workload does not start with a demand; None where the plan places it or did not come to it.

        Of an alternative with a time limit of its own, the workload must be said to have that.
        """
        covering = (refusal.reason for refusal in self.refusals if refusal.covers(workload, demand))
        return next(covering, None)


class Decision(StrEnum):
    """NOW: the next turn starts it. LATER: something blocks. NEVER: no nodes of this center could hold it."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"


class Level(NamedTuple):
    """Priorities that make the standing of work: of two that differ the first difference decides, higher first."""

    queue: int
    qos: int
    own: int

    @property
    def keys(self) -> tuple[int, int]:
        """The first two keys of the order, lower first. No priority of its own outweighs a step of its QOS."""
        return -self.queue, -(self.qos * (2 * MAX_PRIORITY + 1) + self.own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one workload waits, every constraint that blocks it, and when it may start.

    ``earliest_start`` is the first instant at which it fits beside running work, what this turn starts, and what is
    reserved, all taken to run to their limits; the ``ahead`` workloads before it in order may take that
    room. It is None where no start can be foreseen, and ``unforeseen`` says why.

    Of work with alternatives the decision and the earliest start are those of whichever request is served best, the
    reasons those of the spec's own.
    """

    workload: WorkloadId
    decision: Decision
    reasons: tuple[Reason, ...] = ()
    earliest_start: Instant | None = None
    unforeseen: ReasonCode | None = None
    ahead: int = 0
    allocation: Allocation | None = None
    alternative: int = 0
    """Which request of the spec it is about: 0 its own, 1 that of the first alternative."""
    forms: tuple[Explanation, ...] = ()
    """The same for each request of work with alternatives that does not start now."""
    level: Level | None = None
    """What its place in the order goes by before all waiting."""
    expected: tuple[Expected, ...] = ()
    """How long it takes on each device model that could do it, as far as that is known; soonest done first."""
