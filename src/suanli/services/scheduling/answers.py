"""What the planner is asked and answers: what a turn did, why a workload stands where it stands, and what if."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suanli.kernel.scheduling.plan import Explanation
from suanli.kernel.what_if.changes import Bounds
from suanli.kernel.what_if.outcome import Comparison, Figures, LostRun
from suanli.model.facts import WorkloadUpdated
from suanli.model.ids import NodeName, WorkloadId
from suanli.model.power import PowerCap
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnReport:
    """What one turn recorded; ``stale`` rows of the plan met a center that had moved on, and are planned again.

    ``late`` is how many workloads it let end because of their deadlines.
    """

    placed: int = 0
    preempted: int = 0
    judged: int = 0
    late: int = 0
    stale: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Where a workload stands; ``explanation`` only while it is WAITING, for all other states say why themselves."""

    workload: Workload
    explanation: Explanation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is imagined to be otherwise. All that is altered, cancelled or shown the caller may see.

    ``down_count`` nodes that take work, in the order of their names, go down beside those of ``down``; those with a
    device of ``model`` where that is given. ``added`` nodes come that are as ``like`` is. ``submitted`` are specs as
    they would be recorded, each so many times, by the caller. ``most`` bounds each list of the answer.
    """

    down: tuple[NodeName, ...] = ()
    down_count: int = 0
    model: str = ""
    added: int = 0
    like: NodeName = NodeName("")
    cancelled: tuple[WorkloadId, ...] = ()
    altered: tuple[WorkloadUpdated, ...] = ()
    submitted: tuple[tuple[WorkloadSpec, int], ...] = ()
    shown: tuple[WorkloadId, ...] = ()
    most: int = 20
    power_cap: PowerCap | None = None
    """None: as it is."""

    @property
    def is_about_the_center(self) -> bool:
        """Whether what belongs to nobody would be otherwise."""
        return self.is_about_nodes or self.power_cap is not None

    @property
    def is_about_nodes(self) -> bool:
        """Whether the nodes themselves would be otherwise."""
        return bool(self.down or self.down_count or self.added)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """Both sides, and of them what the caller may know.

    ``shown`` are the workloads asked about, those imagined, and those whose starts differ most; ``never`` those that
    wait now and do not start after the changes. ``records`` has the real ones among all these. ``not_waiting`` counts
    workloads that are held or wait for others: nothing is foreseen of them.
    """

    comparison: Comparison
    bounds: Bounds
    before: Figures
    after: Figures
    shown: tuple[WorkloadId, ...]
    never: tuple[WorkloadId, ...]
    lost: tuple[LostRun, ...]
    records: Mapping[WorkloadId, Workload]
    down: tuple[NodeName, ...]
    added: tuple[NodeName, ...]
    not_waiting: int
