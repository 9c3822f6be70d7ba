"""What if: the center's future as it is beside the future as it would be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from suanli.api.language import Language, Words
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.fields import maybe_timestamp, timestamp
from suanli.api.schemas.what_if import (
    AffectedView,
    LostView,
    NeverView,
    PlaceView,
    SideView,
    SpreadView,
    WhatIfBody,
    WhatIfView,
)
from suanli.api.visit import AnyVisit, Visit, answer
from suanli.model.errors import (
    AdmissionRefusedError,
    BusyError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    TooFarAheadError,
    UnsupportedError,
)
from suanli.model.facts import WorkloadUpdated
from suanli.model.ids import NodeName, QosName, WorkloadId
from suanli.model.power import PowerCap
from suanli.model.spec import WorkloadSpec
from suanli.services.scheduling import Asked, Foreseen
from suanli.services.workloads import Update, parse_ref, ref_of

if TYPE_CHECKING:
    from suanli.kernel.what_if.outcome import Course, Figures, LostRun, Spread, Stay

router = APIRouter(prefix="/v1/what-if", tags=["what-if"])

_BODY = TypeAdapter(WhatIfBody)
_SECOND = 1_000_000

_QUOTA = Words(
    "its quota is too small for it, or used for ever by work without a time limit",
    "其配额不足以容纳它，或一直被没有时间限制的作业占用",
)
NEVER: Mapping[str, Words] = {
    "impossible": Words("no nodes of the center could hold it, even empty", "即使全部空闲，也没有节点能容纳它"),
    "no_time_limit": Words("work without a time limit holds what it needs", "没有时间限制的作业一直占用它所需的资源"),
    "node_state": Words("nodes that it needs are draining or down", "它所需的节点正在排空或已离线"),
    "device_health": Words("devices that it needs are broken", "它所需的设备出现故障"),
    "array_limit": Words(
        "as many elements of its array as may run do so for ever", "其数组中同时运行的元素已达上限且不会结束"
    ),
    "queue_quota": _QUOTA,
    "queue_user_quota": _QUOTA,
    "qos_quota": _QUOTA,
    "qos_user_quota": _QUOTA,
    "project_quota": _QUOTA,
    "project_user_quota": _QUOTA,
    "user_quota": _QUOTA,
    "power": Words("it could draw more than the power cap even alone", "即使单独运行，它的耗电也可能超过功率上限"),
    "license": Words("licenses that it needs are never free", "它所需的许可证不会空闲"),
    "deadline": Words("it could not be done by its deadline", "它无法在截止时间前完成"),
    "reservation": Words(
        "the advance reservation that it names is over, too short for it, or not there",
        "它指定的预留已结束、时间不够或不存在",
    ),
}
_OTHERWISE = Words("what it needs is never free at once", "它所需的资源不会同时空闲")

_ASSUMED = (
    Words("All work, running or waiting, runs to its time limit.", "所有作业（运行中和等待中）都运行到其时间限制。"),
    Words("Work without a time limit never ends.", "没有时间限制的作业永不结束。"),
    Words("Nothing is submitted after now.", "此后没有新的提交。"),
    Words("The order is that of the shares as they stand now.", "排队顺序按当前的份额状况。"),
)
_NOT_WAITING = Words(
    "Nothing is foreseen of {count} workloads that are held or wait for others.",
    "有 {count} 个作业被挂起或在等待其他作业，未作预测。",
)
_GRAIN = Words(
    "Ends of runs are seen together every {grain} s: starts may be foreseen so much late.",
    "作业结束每 {grain} 秒合并处理一次：预计的开始时间可能晚这么多。",
)
_SIDE = {
    "started": 12,
    "never": 0,
    "wait_s": {"mean": 900.0, "median": 600.0, "p99": 3600.0, "max": 3600.0},
    "slowdown": {"mean": 1.5, "median": 1.2, "p99": 2.0, "max": 2.0},
    "makespan_s": 86400.0,
    "cpus_held": 0.75,
    "devices_held": 0.5,
    "preempted": 0,
}
_BEFORE = {"start": "2026-11-24T12:00:00.000000Z", "end": "2026-11-24T13:00:00.000000Z", "nodes": ["n1"]}
_AFTER = {"start": "2026-11-24T14:00:00.000000Z", "end": "2026-11-24T15:00:00.000000Z", "nodes": ["n2"]}
_SHOWN = {
    "now": "2026-11-24T11:00:00.000000Z",
    "down": ["n1"],
    "added": [],
    "submitted": 0,
    "before": _SIDE,
    "after": {**_SIDE, "started": 11, "never": 1},
    "items": [
        {
            "id": 121,
            "ref": "121",
            "name": "relax",
            "owner": "ada",
            "before": _BEFORE,
            "after": _AFTER,
            "start_later_s": 7200.0,
            "end_later_s": 7200.0,
        }
    ],
    "never": [
        {
            "id": 130,
            "ref": "130",
            "name": "wide",
            "owner": "ada",
            "reason": "node_state",
            "text": NEVER["node_state"].en,
            "starts_as_it_is": True,
        }
    ],
    "lost": [{"run": "119.1", "ref": "119", "name": "fit", "owner": "ada", "waits_again": False, "start": None}],
    "grain_s": 0,
    "assumptions": [words.en for words in _ASSUMED],
}


@router.post(
    "",
    response_model=WhatIfView,
    openapi_extra=takes(
        "WhatIf",
        _BODY,
        nodes_down={"down": ["n1", "n2"]},
        more_nodes={"add_nodes": 20, "like": "n1"},
        shorter={"update": [{"ref": "121", "time_limit": "2h"}]},
        less_power={"power_cap": 50000},
        more_work={"submit": [{"spec": {"command": ["./relax"], "time_limit": "1h"}, "times": 10}]},
    ),
    responses={
        **gives(200, "Both sides.", _SHOWN),
        **refuses(
            NotFoundError,
            ConflictError,
            AdmissionRefusedError,
            UnsupportedError,
            BusyError,
            TooFarAheadError,
            body=True,
        ),
    },
)
def look_ahead(visit: AnyVisit) -> Response:
    """Let the center's own planner look ahead, as things are and as they would be; nothing is recorded."""
    asked = _asked(visit, visit.read(_BODY))
    return answer(_view(visit.services.scheduling.what_if(visit.caller, asked), visit.language))


def _asked(visit: Visit, body: WhatIfBody) -> Asked:
    """The question in the model's words; whatever it names is the caller's to ask about."""
    if bool(body.add_nodes) != (body.like is not None):
        raise InvalidRequestError("like", "nodes that come are as some node is", "give add_nodes and like together")
    if body.model and not body.down_count:
        raise InvalidRequestError("model", "a model chooses among nodes that go down by number", "give down_count too")
    return Asked(
        down=tuple(map(NodeName, body.down)),
        down_count=body.down_count,
        model=body.model,
        added=body.add_nodes,
        like=NodeName(body.like or ""),
        cancelled=tuple(dict.fromkeys(_named(visit, body.cancel))),
        altered=_altered(visit, body),
        submitted=_submitted(visit, body),
        shown=tuple(_named(visit, body.show)),
        most=body.most,
        power_cap=None if body.power_cap is None else PowerCap(watts=body.power_cap),
    )


def _named(visit: Visit, refs: tuple[str, ...]) -> list[WorkloadId]:
    workloads = visit.services.workloads
    return [workload.id for ref in refs for workload in workloads.named(visit.caller, parse_ref(ref))]


def _altered(visit: Visit, body: WhatIfBody) -> tuple[WorkloadUpdated, ...]:
    """What the updates would record; the last word on a workload holds."""
    found: dict[WorkloadId, WorkloadUpdated] = {}
    for change in body.update:
        qos = None if change.qos is None else QosName(change.qos)
        updates = visit.services.workloads.would_update(
            visit.caller,
            parse_ref(change.ref),
            Update(time_limit_s=change.time_limit, priority=change.priority, qos=qos),
        )
        found.update((update.workload, update) for update in updates)
    return tuple(found.values())


def _submitted(visit: Visit, body: WhatIfBody) -> tuple[tuple[WorkloadSpec, int], ...]:
    workloads = visit.services.workloads
    return tuple((workloads.normalize(visit.caller, one.spec.noun()), one.times) for one in body.submit)


def _view(found: Foreseen, language: Language) -> WhatIfView:
    before, after = found.comparison.before, found.comparison.after
    return WhatIfView(
        now=timestamp(before.now),
        down=list(found.down),
        added=list(found.added),
        submitted=len(found.comparison.submitted),
        before=_side(before, found.before),
        after=_side(after, found.after),
        items=[_affected(found, workload) for workload in found.shown],
        never=[_never(found, workload, language) for workload in found.never],
        lost=[_lost(found, run) for run in found.lost],
        grain_s=found.bounds.grain_s,
        assumptions=_assumptions(found, language),
    )


def _side(course: Course, figures: Figures) -> SideView:
    return SideView(
        started=figures.started,
        never=figures.never,
        wait_s=_spread(figures.wait_s, 3),
        slowdown=_spread(figures.slowdown, 6),
        makespan_s=(course.last_end - course.now) / _SECOND,
        cpus_held=round(course.cpu_part, 6),
        devices_held=round(course.device_part, 6),
        preempted=course.preempted,
    )


def _spread(spread: Spread | None, digits: int) -> SpreadView | None:
    if spread is None:
        return None
    return SpreadView(
        mean=round(spread.mean, digits),
        median=round(spread.median, digits),
        p99=round(spread.p99, digits),
        max=round(spread.most, digits),
    )


def _affected(found: Foreseen, workload: WorkloadId) -> AffectedView:
    before = found.comparison.before.stays.get(workload)
    after = found.comparison.after.stays.get(workload)
    record = found.records.get(workload)
    stay = after or before
    owner = record.owner if record is not None else stay.owner if stay is not None else ""
    return AffectedView(
        id=workload,
        ref=None if record is None else str(ref_of(record)),
        name="" if record is None else record.name,
        owner=owner,
        before=None if before is None else _place(before),
        after=None if after is None else _place(after),
        start_later_s=_later_s(_start(before), _start(after)),
        end_later_s=_later_s(_end(before), _end(after)),
    )


def _place(stay: Stay) -> PlaceView:
    return PlaceView(start=maybe_timestamp(stay.start or 0), end=maybe_timestamp(stay.end or 0), nodes=list(stay.nodes))


def _start(stay: Stay | None) -> int | None:
    return None if stay is None else stay.start


def _end(stay: Stay | None) -> int | None:
    return None if stay is None else stay.end


def _later_s(before: int | None, after: int | None) -> float | None:
    return None if before is None or after is None else (after - before) / _SECOND


def _never(found: Foreseen, workload: WorkloadId, language: Language) -> NeverView:
    record, code = found.records[workload], found.comparison.after.never[workload]
    return NeverView(
        id=workload,
        ref=str(ref_of(record)),
        name=record.name,
        owner=record.owner,
        reason=code,
        text=NEVER.get(code, _OTHERWISE).say(language),
        starts_as_it_is=found.comparison.before.stays[workload].start is not None,
    )


def _lost(found: Foreseen, lost: LostRun) -> LostView:
    record, stay = found.records[lost.workload], found.comparison.after.stays.get(lost.workload)
    return LostView(
        run=lost.run,
        ref=str(ref_of(record)),
        name=record.name,
        owner=record.owner,
        waits_again=lost.is_sent_back,
        start=None if stay is None else maybe_timestamp(stay.start or 0),
    )


def _assumptions(found: Foreseen, language: Language) -> list[str]:
    told = [words.say(language) for words in _ASSUMED]
    if found.not_waiting:
        told.append(_NOT_WAITING.say(language).format(count=found.not_waiting))
    if found.bounds.grain_s:
        told.append(_GRAIN.say(language).format(grain=found.bounds.grain_s))
    return told
