"""What a run that did its work to the end teaches of its job class and the model of its devices."""

from __future__ import annotations

from typing import Protocol

from suanli.model.altered import altered
from suanli.model.errors import NotFoundError
from suanli.model.ids import NodeName, WorkloadId
from suanli.model.quantities import WHOLE_DEVICE
from suanli.model.rates import JobClass, LearnedRate, class_of
from suanli.model.resources import Node
from suanli.model.workload import EndCause, Run, Submission, Workload

_FADED = 16
"""Of what earlier runs did, one part in so many is forgotten with each later run: half of the weight is on the last
eleven."""
_GONE = ""
"""The model of a device that its node has no more."""
_MS = 1000
"""Microseconds in a millisecond."""


class Tables(Protocol):
    """What is looked up; of submissions, those without work may be left out."""

    def node(self, node: NodeName, /) -> Node: ...
    def submission(self, first: WorkloadId, /) -> Submission: ...
    def learned_rate(self, job_class: JobClass, model: str, /) -> LearnedRate: ...


def learned(run: Run, workload: Workload, tables: Tables) -> list[LearnedRate]:
    """The rate as it stands after a run that has ended; none where it teaches nothing.

    It does if it ended well and of its own, held devices of one model, and its spec says how much work it had to do.
    """
    is_done = run.cause is EndCause.EXITED and run.exit_code == 0 and run.stop is None
    if not is_done or not run.started_at or not run.allocation.device_share:
        return []
    try:
        spec = tables.submission(workload.submission).spec.form(run.alternative)
    except NotFoundError:
        return []
    request, models = spec.resources.devices, _models(run, tables)
    if not spec.work or request is None or len(models) != 1 or _GONE in models:
        return []
    share = run.allocation.tasks * request.count * request.share
    device_ms = share * (run.ended_at - run.started_at) // (WHOLE_DEVICE * _MS)
    if device_ms <= 0:
        return []
    return [_added(tables, class_of(spec, workload.owner), models.pop(), (sum(spec.work.values()), device_ms))]


def _models(run: Run, tables: Tables) -> set[str]:
    """The models of what a run held, ``_GONE`` that of a device which is not there any more."""
    found = set[str]()
    for hold in run.allocation.nodes:
        known = {device.index: device.model for device in tables.node(hold.node).devices}
        found |= {known.get(held.index, _GONE) for held in hold.devices}
    return found


def _added(tables: Tables, job_class: JobClass, model: str, done: tuple[int, int]) -> LearnedRate:
    try:
        before = tables.learned_rate(job_class, model)
    except NotFoundError:
        before = LearnedRate(**job_class._asdict(), model=model)
    return altered(
        before,
        runs=before.runs + 1,
        work=before.work * (_FADED - 1) // _FADED + done[0],
        device_ms=before.device_ms * (_FADED - 1) // _FADED + done[1],
        generation=before.generation + 1,
    )
