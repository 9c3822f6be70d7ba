"""What may be changed of a workload that is not over: time limit, priority, quality of service."""

from __future__ import annotations

from dataclasses import dataclass

from suanli.kernel.authority import is_staff
from suanli.kernel.terms import require_qos
from suanli.model.errors import ConflictError, NotPermittedError
from suanli.model.facts import WorkloadUpdated
from suanli.model.ids import QosName, run_id
from suanli.model.quantities import check_bounds
from suanli.model.spec import MAX_PRIORITY, MAX_TIME_LIMIT_S
from suanli.model.tenancy import Caller
from suanli.model.workload import Workload
from suanli.ports.store import Reading
from suanli.services.workloads.acceptance import check_time_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What is asked for; what is None stays."""

    time_limit_s: int | None = None
    priority: int | None = None
    qos: QosName | None = None


def updated(tables: Reading, caller: Caller, workload: Workload, wanted: Update) -> WorkloadUpdated | None:
    """The change of a workload, None where it is over or nothing changes; raises as ``Workloads.update``."""
    check_bounds("time_limit", wanted.time_limit_s or 0, 0, MAX_TIME_LIMIT_S)
    check_bounds("priority", wanted.priority or 0, -MAX_PRIORITY, MAX_PRIORITY)
    limit = workload.time_limit_s if wanted.time_limit_s is None else wanted.time_limit_s
    level = workload.priority if wanted.priority is None else wanted.priority
    qos = wanted.qos or workload.qos
    if workload.state.final:
        return None
    if (limit, level, qos) == (workload.time_limit_s, workload.priority, workload.qos):
        return None
    longer = limit != workload.time_limit_s and _is_longer(tables, workload, limit)
    if not is_staff(caller) and (level > max(0, workload.priority) or longer):
        raise NotPermittedError("only operators may raise a priority above 0 or the limit of running work")
    if qos == workload.qos:
        return WorkloadUpdated(workload=workload.id, time_limit_s=limit, priority=level)
    require_qos(tables, qos, workload.project, workload.owner)
    if workload.state.active:
        raise ConflictError(f"workload {workload.id} runs: it keeps its QOS", "requeue it first")
    return WorkloadUpdated(workload=workload.id, time_limit_s=limit, priority=level, qos=qos)


def _is_longer(tables: Reading, workload: Workload, limit: int) -> bool:
    """Whether another limit, which its queue must allow, is longer than what a run has."""
    check_time_limit(tables.queue(workload.queue), limit)
    if not workload.state.active:
        return False
    # That of an alternative may be another than its workload's.
    before = tables.run(run_id(workload.id, workload.attempt)).time_limit_s
    return before > 0 and not 0 < limit <= before
