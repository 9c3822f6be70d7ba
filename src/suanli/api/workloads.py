"""Workloads: submit, look, change, end."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field, TypeAdapter

from suanli.api import reasons
from suanli.api.gather import Change
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.fields import Body, Name, maybe_timestamp
from suanli.api.schemas.holds import hold_view
from suanli.api.schemas.rates import expected_view
from suanli.api.schemas.reasons import PreviewView, WhyView, order_view
from suanli.api.schemas.spec import WorkloadSpec
from suanli.api.schemas.workloads import (
    FIELDS,
    AcceptedItem,
    AcceptedView,
    BatchView,
    ChangedView,
    CountsView,
    SignalBody,
    UpdateBody,
    WorkloadDetail,
    WorkloadPage,
    WorkloadView,
    accepted_view,
    changed_view,
    counts_view,
    detail_view,
    workload_view,
)
from suanli.api.visit import AnyVisit, BulkVisit, Visit, answer, gathered
from suanli.model.errors import (
    AdmissionRefusedError,
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    UnsupportedError,
)
from suanli.model.ids import ProjectName, QueueName, UserName, WorkloadId
from suanli.model.spec import Kind
from suanli.model.tenancy import Caller
from suanli.model.workload import WorkloadState
from suanli.ports.store import Transaction, WorkloadFilter
from suanli.services.workloads import MAX_BATCH, Changed, WorkloadRef, Workloads, parse_ref

router = APIRouter(prefix="/v1/workloads", tags=["workloads"])

Ref = Annotated[
    str,
    Path(
        pattern=r"^[1-9][0-9]{0,17}(?:_[0-9]{1,9})?$",
        description="`120` names a workload, or a whole array by its first id; `120_3` the element with index 3.",
        openapi_examples={"workload": {"value": "120"}, "element": {"value": "120_3"}},
    ),
]
Hold = Annotated[bool, Query(description="Accept it held: it starts only after a release.")]


class BatchBody(Body):
    """Specs to accept all or none."""

    workloads: tuple[WorkloadSpec, ...] = Field(min_length=1, max_length=MAX_BATCH)
    """In the order in which they get their ids."""


SPEC = TypeAdapter(WorkloadSpec)
_BATCH = TypeAdapter(BatchBody)
_SIGNAL = TypeAdapter(SignalBody)
_UPDATE = TypeAdapter(UpdateBody)

_HELLO = {"command": ["echo", "hello"], "name": "hello"}
_SWEEP = {
    "name": "sweep",
    "script": "#!/bin/sh\n./simulate --seed $SUANLI_ARRAY_INDEX\n",
    "array": "0-99%10",
    "resources": {"cpus": 4, "memory": "8GiB"},
    "time_limit": "1h",
}
_SHOWN_SPEC = WorkloadSpec(command=("echo", "hello"), name="hello").model_dump(mode="json", by_alias=True)
_LINE = {
    "id": 120,
    "ref": "120",
    "array": None,
    "name": "hello",
    "owner": "ada",
    "project": "default",
    "kind": "job",
    "queue": "default",
    "state": "completed",
    "priority": 0,
    "time_limit_s": 86400,
    "attempt": 1,
    "cause": "exited",
    "detail": "",
    "exit_code": 0,
    "signal": None,
    "submitted_at": "2026-11-24T11:00:00.000000Z",
    "eligible_at": "2026-11-24T11:00:00.000000Z",
    "started_at": "2026-11-24T11:00:00.021000Z",
    "ended_at": "2026-11-24T11:00:00.024000Z",
    "nodes": ["n1"],
    "reason": None,
    "usage": {"cpu_seconds": 0.001, "memory_peak_bytes": 1966080},
}
_HOLD = {"node": "n1", "tasks": 1, "cpus": 1.0, "memory_bytes": 536870912, "disk_bytes": 0, "devices": []}
_WHOLE = {
    **_LINE,
    "spec": _SHOWN_SPEC,
    "runs": [
        {
            "id": "120.1",
            "attempt": 1,
            "state": "ended",
            "engine": "local",
            "nodes": [_HOLD],
            "alternative": 0,
            "time_limit_s": 86400,
            "placed_at": "2026-11-24T11:00:00.004000Z",
            "started_at": "2026-11-24T11:00:00.021000Z",
            "ended_at": "2026-11-24T11:00:00.024000Z",
            "cause": "exited",
            "detail": "",
            "exit_code": 0,
            "signal": None,
            "usage": {"cpu_seconds": 0.001, "memory_peak_bytes": 1966080},
            "truncated": False,
        }
    ],
}
_PREVIEW = {
    "decision": "now",
    "placement": [_HOLD],
    "alternative": 0,
    "earliest_start": "2026-11-24T11:00:00.000000Z",
    "reasons": [],
    "alternatives": [],
    "expected": [],
    "spec": _SHOWN_SPEC,
}
_WHY = {
    "id": 121,
    "state": "waiting",
    "reasons": [
        {
            "code": "cpu",
            "constraint": "resources.cpus",
            "text": "2 of 2 nodes have too few free cpus: 16 needed, at most 4 free",
            "nodes_failing": 2,
            "nodes_total": 2,
            "params": {"needed": 16000, "available": 4000, "wanted": "", "ahead": 0},
            "helps": "running work ending, or asking for fewer cpus",
        }
    ],
    "alternatives": [],
    "earliest_start": "2026-11-24T12:30:00.000000Z",
    "earliest_start_known": True,
    "order": {"queue": "default", "queue_priority": 0, "qos": "urgent", "qos_priority": 100, "priority": 0},
    "expected": [
        {
            "model": "NVIDIA A100 SXM4 80GB",
            "seconds": 1831.5,
            "rate": 1.092e14,
            "runs": 0,
            "energy_joules": 732600.0,
            "cost": "6.3594",
            "currency": "CNY",
        }
    ],
}
_CHANGED = gives(200, "Which were changed, and which were in no state to be.", {"changed": [120], "unchanged": []})
_SUBMIT = refuses(AdmissionRefusedError, UnsupportedError, IdempotencyMismatchError, body=True)


@router.post(
    "",
    status_code=201,
    response_model=AcceptedView,
    openapi_extra=takes("WorkloadSpec", SPEC, hello=_HELLO, sweep=_SWEEP),
    responses={
        **gives(
            201,
            "Accepted durably.",
            {"id": 120, "count": 1, "state": "waiting", "ref": "120"},
            {"Location": "Where it is shown."},
        ),
        **_SUBMIT,
    },
)
@gathered
def submit_workload(visit: AnyVisit, hold: Hold = False) -> Change:
    """Submit a workload, or an array of them.

    When this answers, the workload survives the death of the server and of the machine.
    """
    spec = visit.read(SPEC).noun()

    def work(tx: Transaction) -> AcceptedView:
        [accepted] = visit.services.workloads.submit(tx, visit.caller, [spec], held=hold)
        return accepted_view(accepted)

    return visit.change(work, status=201, locate=lambda made: f"/v1/workloads/{made['id']}")


@router.post(
    "/batch",
    status_code=201,
    response_model=BatchView,
    openapi_extra=takes("WorkloadBatch", _BATCH, two={"workloads": [_HELLO, _SWEEP]}),
    responses={
        **gives(201, "All accepted durably.", {"workloads": [{"id": 120, "count": 1}, {"id": 121, "count": 100}]}),
        **_SUBMIT,
    },
)
@gathered
def submit_workloads(visit: BulkVisit, hold: Hold = False) -> Change:
    """Submit up to 10,000 specs, all or none."""
    specs = [spec.noun() for spec in visit.read(_BATCH).workloads]

    def work(tx: Transaction) -> BatchView:
        accepted = visit.services.workloads.submit(tx, visit.caller, specs, held=hold)
        return BatchView(workloads=[AcceptedItem(id=a.id, count=a.count) for a in accepted])

    return visit.change(work, status=201)


@router.post(
    "/preview",
    response_model=PreviewView,
    openapi_extra=takes("WorkloadSpec", SPEC, hello=_HELLO),
    responses={
        **gives(200, "What would happen.", _PREVIEW),
        **refuses(AdmissionRefusedError, UnsupportedError, body=True),
    },
)
def preview_workload(visit: AnyVisit) -> Response:
    """Say where a spec would start if it were submitted now, or why it would wait; nothing is recorded."""
    spec = visit.services.workloads.normalize(visit.caller, visit.read(SPEC).noun())
    foreseen = visit.services.scheduling.preview(spec, visit.caller.user)
    holds = () if foreseen.allocation is None else foreseen.allocation.nodes
    return answer(
        PreviewView(
            decision=foreseen.decision.value,
            placement=[hold_view(hold) for hold in holds],
            alternative=0 if foreseen.allocation is None else foreseen.alternative,
            earliest_start=maybe_timestamp(foreseen.earliest_start or 0),
            reasons=[reasons.tell(reason, visit.language) for reason in foreseen.reasons],
            alternatives=reasons.of_alternatives(foreseen, visit.language),
            expected=[expected_view(one) for one in foreseen.expected],
            spec=WorkloadSpec.of(spec),
        )
    )


async def which_workloads(
    state: Annotated[list[WorkloadState] | None, Query(description="Any of these states.")] = None,
    kind: Annotated[list[Kind] | None, Query(description="Any of these kinds.")] = None,
    owner: Annotated[Name | None, Query(description="Whose; operators see everybody's.")] = None,
    project: Annotated[Name | None, Query(description="Of this project.")] = None,
    queue: Annotated[Name | None, Query(description="In this queue.")] = None,
    name: Annotated[str | None, Query(description="Of exactly this name.", pattern=r"^[^\x00]+$")] = None,
    array: Annotated[int | None, Query(description="Elements of this array.", ge=1, lt=10**18)] = None,
) -> WorkloadFilter:
    """The filter of a list."""
    return WorkloadFilter(
        owner=UserName(owner or ""),
        project=ProjectName(project or ""),
        queue=QueueName(queue or ""),
        name=name or "",
        kinds=frozenset(kind or ()),
        states=frozenset(state or ()),
        array_id=WorkloadId(array or 0),
    )


Which = Annotated[WorkloadFilter, Depends(which_workloads)]


@router.get(
    "",
    response_model=WorkloadPage,
    responses={**gives(200, "One page.", {"items": [_LINE], "next_cursor": "dzEyMA"}), **refuses()},
)
def list_workloads(
    visit: AnyVisit,
    which: Which,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most workloads of the page.")] = 50,
    cursor: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,40}$", description="`next_cursor` of the page before.")
    ] = None,
    fields: Annotated[
        str | None,
        Query(
            pattern=f"^(?:{'|'.join(FIELDS)})(?:,(?:{'|'.join(FIELDS)}))*$",
            description="Only these fields, separated by commas.",
            examples=["id,state,name"],
        ),
    ] = None,
) -> Response:
    """List workloads, newest first: your own, or everybody's for operators.

    Pages are stable: what is submitted meanwhile never shifts them.
    """
    before = WorkloadId(0) if cursor is None else _read_cursor(cursor)
    page = visit.services.workloads.list(visit.caller, which, before=before, limit=limit)
    waits = visit.services.scheduling.reasons([line.workload for line in page])
    items: list[WorkloadView] | list[dict[str, object]] = [
        workload_view(line, waits.get(line.workload.id)) for line in page
    ]
    if fields is not None:
        names = tuple(dict.fromkeys(fields.split(",")))
        items = [{name: getattr(item, name) for name in names} for item in items]
    following = _write_cursor(page[-1].workload.id) if len(page) == limit else None
    return answer({"items": items, "next_cursor": following})


@router.get(
    "/counts",
    response_model=CountsView,
    responses={**gives(200, "The counts.", {"by_state": {"waiting": 3, "running": 8, "completed": 1200}}), **refuses()},
)
def count_workloads(visit: AnyVisit, which: Which) -> Response:
    """Count workloads by state: your own, or everybody's for operators."""
    return answer(counts_view(visit.services.workloads.counts(visit.caller, which)))


@router.get(
    "/{ref}",
    response_model=WorkloadDetail,
    responses={**gives(200, "All there is to know.", _WHOLE), **refuses(NotFoundError)},
)
def show_workload(visit: AnyVisit, ref: Ref) -> Response:
    """Show one workload with its spec, its runs and the array it belongs to."""
    shown = visit.services.workloads.show(visit.caller, parse_ref(ref))
    waits = visit.services.scheduling.reasons([shown.workload])
    return answer(detail_view(shown, waits.get(shown.workload.id)))


@router.get(
    "/{ref}/why",
    response_model=WhyView,
    responses={**gives(200, "Everything that blocks it.", _WHY), **refuses(NotFoundError)},
)
def explain_workload(visit: AnyVisit, ref: Ref) -> Response:
    """Say why a workload waits: every constraint that blocks it, and the earliest start now foreseen."""
    shown = visit.services.workloads.show(visit.caller, parse_ref(ref))
    why = visit.services.scheduling.explain(shown.workload.id)
    told = reasons.of_state(why.workload, visit.language)
    start, alternatives, expected, order = None, [], [], None
    if why.explanation is not None:
        told = [reasons.tell(reason, visit.language) for reason in why.explanation.reasons]
        alternatives = reasons.of_alternatives(why.explanation, visit.language)
        start = why.explanation.earliest_start
        expected = [expected_view(one) for one in why.explanation.expected]
        order = order_view(why.workload, why.explanation.level)
    return answer(
        WhyView(
            id=why.workload.id,
            state=why.workload.state,
            reasons=told,
            alternatives=alternatives,
            earliest_start=maybe_timestamp(start or 0),
            earliest_start_known=start is not None,
            order=order,
            expected=expected,
        )
    )


Verb = Callable[[Workloads, Transaction, Caller, WorkloadRef], Changed]


def _change(visit: Visit, ref: str, verb: Verb) -> Change:
    named = parse_ref(ref)
    return visit.change(lambda tx: changed_view(verb(visit.services.workloads, tx, visit.caller, named)))


_VERB = {**_CHANGED, **refuses(NotFoundError, ConflictError, IdempotencyMismatchError)}
_VERB_ADMITTED = {
    **_CHANGED,
    **refuses(NotFoundError, ConflictError, AdmissionRefusedError, IdempotencyMismatchError, body=True),
}
_VERB_WITH_BODY = {**_CHANGED, **refuses(NotFoundError, ConflictError, IdempotencyMismatchError, body=True)}


@router.post("/{ref}/cancel", response_model=ChangedView, responses=_VERB)
@gathered
def cancel_workload(visit: AnyVisit, ref: Ref) -> Change:
    """End what is named: at once where nothing runs, else as soon as its run has ended."""
    return _change(visit, ref, Workloads.cancel)


@router.post("/{ref}/hold", response_model=ChangedView, responses=_VERB)
@gathered
def hold_workload(visit: AnyVisit, ref: Ref) -> Change:
    """Keep what is named from starting."""
    return _change(visit, ref, Workloads.hold)


@router.post("/{ref}/release", response_model=ChangedView, responses=_VERB)
@gathered
def release_workload(visit: AnyVisit, ref: Ref) -> Change:
    """Lift the hold."""
    return _change(visit, ref, Workloads.release)


@router.post("/{ref}/requeue", response_model=ChangedView, responses=_VERB)
@gathered
def requeue_workload(visit: AnyVisit, ref: Ref) -> Change:
    """Run what is named anew: at once where it is over, else as soon as its run has ended."""
    return _change(visit, ref, Workloads.requeue)


@router.post(
    "/{ref}/signal",
    response_model=ChangedView,
    openapi_extra=takes("Signal", _SIGNAL, by_name={"signal": "USR1"}, by_number={"signal": 10}),
    responses=_VERB_WITH_BODY,
)
@gathered
def signal_workload(visit: AnyVisit, ref: Ref) -> Change:
    """Send a signal to every process of what is named and running; at most once each."""
    number = visit.read(_SIGNAL).signal
    return _change(visit, ref, lambda workloads, tx, caller, named: workloads.signal(tx, caller, named, number))


@router.patch(
    "/{ref}",
    response_model=ChangedView,
    openapi_extra=takes("WorkloadUpdate", _UPDATE, shorter={"time_limit": "30m"}, later={"priority": -10}),
    responses=_VERB_ADMITTED,
)
@gathered
def update_workload(visit: AnyVisit, ref: Ref) -> Change:
    """Change time limit, priority and quality of service of what is named and not over."""
    wanted = visit.read(_UPDATE).wanted()
    return _change(
        visit,
        ref,
        lambda workloads, tx, caller, named: workloads.update(tx, caller, named, wanted),
    )


def _write_cursor(last: WorkloadId) -> str:
    return base64.urlsafe_b64encode(f"w{last}".encode()).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> WorkloadId:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    if not (text[:1] == "w" and text[1:].isdecimal() and len(text) < 20):
        raise InvalidRequestError("cursor", "this is no cursor of this list", "give `next_cursor` as it was answered")
    return WorkloadId(int(text[1:]))
