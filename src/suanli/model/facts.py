"""Facts: everything that ever happened, in one append-only, hash-chained log. Tables are folds of it.

A fact's class name is its type on record and is never renamed; fields are added with defaults only.
"""

from __future__ import annotations

from dataclasses import dataclass

from suanli.model.ids import FactSeq, NodeName, QosName, ReservationName, RunId, TokenId, UserName, WorkloadId
from suanli.model.power import PowerCap
from suanli.model.qos import Qos
from suanli.model.quantities import Instant
from suanli.model.quota import License, Quota
from suanli.model.rates import LearnedRate
from suanli.model.reservations import AdvanceReservation
from suanli.model.resources import Allocation, Node, NodeState, Queue
from suanli.model.spec import Dependency, WorkloadSpec
from suanli.model.tariff import Tariff
from suanli.model.tenancy import Project, Token, User
from suanli.model.usage import UsageDay
from suanli.model.workload import EndCause, Run, Usage, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSubmitted:
    """A spec was accepted; it made ``count`` workloads with consecutive ids from ``first``."""

    first: WorkloadId
    count: int
    owner: UserName
    spec: WorkloadSpec
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadHeld:
    """Somebody asked that it not start."""

    workload: WorkloadId


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadReleased:
    """The hold was lifted."""

    workload: WorkloadId


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadUpdated:
    """Time limit, priority and quality of service as they stand after the change; no name: that is as it was."""

    workload: WorkloadId
    time_limit_s: int
    priority: int
    qos: QosName = QosName("")


@dataclass(frozen=True, slots=True, kw_only=True)
class DependenciesMet:
    """Of its open dependencies, ``left`` remain; with none left it may wait for room."""

    workload: WorkloadId
    left: tuple[Dependency, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyFailed:
    """A dependency can never be met, so the workload ends without a run."""

    workload: WorkloadId
    dependency: Dependency


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineMissed:
    """It cannot be done by its deadline any more, so the workload ends without a run, or another one."""

    workload: WorkloadId


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """Somebody asked that it end: at once where it has no run, else when its run has."""

    workload: WorkloadId


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueRequested:
    """Somebody asked that it run anew: at once where it has no run, else when its run has ended."""

    workload: WorkloadId


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRequested:
    """Somebody sent the running workload a signal."""

    workload: WorkloadId
    signal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlaced:
    """The plan gave a workload its allocation. This is the intent to launch: the engine is told only afterwards.

    ``alternative`` says for which request of its spec: 0 is its own, with the time limit of the workload. That of an
    alternative is ``time_limit_s`` (0: none).
    """

    workload: WorkloadId
    run: RunId
    allocation: Allocation
    alternative: int = 0
    time_limit_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The engine saw the first task begin, at ``started_at`` by the engine's clock."""

    workload: WorkloadId
    run: RunId
    started_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PreemptRequested:
    """The plan takes the run's place for ``by``; it will wait again."""

    workload: WorkloadId
    run: RunId
    by: WorkloadId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The run is over and holds nothing. Instants by the engine's clock; ``started_at`` 0 if it never began."""

    workload: WorkloadId
    run: RunId
    cause: EndCause
    exit_code: int = -1
    signal: int = 0
    started_at: Instant = Instant(0)
    ended_at: Instant = Instant(0)
    usage: Usage = Usage()
    truncated: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRegistered:
    """An engine described a node for the first time, or anew with other amounts."""

    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStateChanged:
    """A node was drained, resumed, lost or found again."""

    node: NodeName
    state: NodeState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDefined:
    """A queue was made or changed."""

    queue: Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaDefined:
    """A quota was set, changed, or (with no bound left) lifted."""

    quota: Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseDefined:
    """From now on there are so many of a license."""

    license: License


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCapSet:
    """From now on running work may draw so much in all, or (with 0) any amount."""

    cap: PowerCap


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffSet:
    """There is another version of the center's prices; those before it stay on record."""

    tariff: Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class QosDefined:
    """A quality of service was made or changed."""

    qos: Qos


@dataclass(frozen=True, slots=True, kw_only=True)
class QosRemoved:
    """No more work may have a quality of service; what has it waits on as if it said nothing."""

    name: QosName


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceReservationSet:
    """An advance reservation was made or changed."""

    reservation: AdvanceReservation


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceReservationRemoved:
    """An advance reservation need not be heeded any more."""

    name: ReservationName


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDefined:
    """A user was made or changed."""

    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDefined:
    """A project was made or changed."""

    project: Project


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssued:
    """A token was given out; the secret was shown once and is not on record."""

    token: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked:
    """A token is worth nothing from now on."""

    token: TokenId


WorkloadFact = (
    WorkloadSubmitted
    | WorkloadHeld
    | WorkloadReleased
    | WorkloadUpdated
    | DependenciesMet
    | DependencyFailed
    | DeadlineMissed
    | CancelRequested
    | RequeueRequested
    | SignalRequested
    | RunPlaced
    | RunStarted
    | PreemptRequested
    | RunEnded
)
CenterFact = (
    NodeRegistered
    | NodeStateChanged
    | QueueDefined
    | QuotaDefined
    | LicenseDefined
    | PowerCapSet
    | TariffSet
    | QosDefined
    | QosRemoved
    | AdvanceReservationSet
    | AdvanceReservationRemoved
    | UserDefined
    | ProjectDefined
    | TokenIssued
    | TokenRevoked
)
Fact = WorkloadFact | CenterFact

Record = (
    Workload
    | Run
    | Node
    | Queue
    | Quota
    | License
    | PowerCap
    | Tariff
    | Qos
    | AdvanceReservation
    | User
    | Project
    | Token
    | UsageDay
    | LearnedRate
)
"""A row of a table, whole, as it stands after a fact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFact:
    """A fact with its place in the log: when it was recorded, and on whose word (``system`` for the center's own)."""

    seq: FactSeq
    at: Instant
    actor: UserName
    fact: Fact


SYSTEM = UserName("system")
"""The actor of facts that no person asked for."""
