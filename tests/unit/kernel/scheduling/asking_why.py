"""Centers with work that runs, and what is told of one workload more."""

from __future__ import annotations

from typing import Any

from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Explanation, Reason, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.resources import Node
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import Center, asks
from tests.unit.kernel.scheduling.explained import check_explanation


def job(
    cpus: float = 1, limit: int = 60, gib: int = 1, devices: DeviceRequest | None = None, **more: Any
) -> WorkloadSpec:
    return WorkloadSpec(resources=asks(cpus, gib, devices), time_limit_s=limit, **more)


def of(*nodes: Node, running: tuple[WorkloadSpec, ...] = ()) -> Center:
    center = Center().with_nodes(*nodes)
    for spec in running:
        center.add(spec)
    assert len(center.turn().placements) == len(running)
    return center


def why(center: Center, spec: WorkloadSpec) -> Explanation:
    """Of a spec that is queued now; the checker agrees."""
    workload = center.add(spec)
    told = explain(center.state, workload, center.now, center.policy)
    check_explanation(center, center.plan(), told)
    return told


def told(center: Center, spec: WorkloadSpec, code: ReasonCode) -> Reason:
    (reason,) = (reason for reason in why(center, spec).reasons if reason.code is code)
    return reason
