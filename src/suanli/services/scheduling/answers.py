"""What the planner answers: what a turn did, and why a workload stands where it stands."""

from __future__ import annotations

from dataclasses import dataclass

from suanli.kernel.scheduling.plan import Explanation
from suanli.model.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnReport:
    """What one turn recorded; ``stale`` rows of the plan met a center that had moved on, and are planned again."""

    placed: int = 0
    preempted: int = 0
    judged: int = 0
    stale: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Where a workload stands; ``explanation`` only while it is WAITING, for all other states say why themselves."""

    workload: Workload
    explanation: Explanation | None
