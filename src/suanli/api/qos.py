"""Qualities of service: what work may be given beside its queue."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import TypeAdapter

from suanli.api.gather import Change
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.fields import Name
from suanli.api.schemas.qos import QosBody, QosView, QualitiesView, qos_view
from suanli.api.visit import AnyVisit, answer, gathered
from suanli.model.errors import ConflictError, NotFoundError
from suanli.model.ids import QosName

router = APIRouter(prefix="/v1/qos", tags=["qos"])

QosParameter = Annotated[
    Name, Path(description="The quality of service.", openapi_examples={"urgent": {"value": "urgent"}})
]

_QOS = TypeAdapter(QosBody)
_SHOWN = {
    "name": "urgent",
    "priority": 100,
    "usage_factor": 2.0,
    "preemptible": False,
    "users": ["ada"],
    "projects": ["oxides"],
}


@router.get(
    "", response_model=QualitiesView, responses={**gives(200, "All of them.", {"items": [_SHOWN]}), **refuses()}
)
def list_qos(visit: AnyVisit) -> Response:
    """List the qualities of service; `normal` is always among them."""
    return answer(QualitiesView(items=[qos_view(one) for one in visit.services.qualities.list(visit.caller)]))


@router.get("/{name}", response_model=QosView, responses={**gives(200, "It.", _SHOWN), **refuses(NotFoundError)})
def show_qos(visit: AnyVisit, name: QosParameter) -> Response:
    """Show one quality of service."""
    return answer(qos_view(visit.services.qualities.show(visit.caller, QosName(name))))


@router.put(
    "/{name}",
    response_model=QosView,
    openapi_extra=takes(
        "QosDefinition",
        _QOS,
        urgent={"priority": 100, "usage_factor": 2.0, "projects": ["default"]},
        scavenger={"priority": -100, "usage_factor": 0.1, "preemptible": True},
    ),
    responses={**gives(200, "It as it stands.", _SHOWN), **refuses(ConflictError, body=True)},
)
@gathered
def define_qos(visit: AnyVisit, name: QosParameter) -> Change:
    """Make a quality of service, or let it be otherwise, for what waits and runs too; for administrators."""
    wanted = visit.read(_QOS).noun(name)
    return visit.change(lambda tx: qos_view(visit.services.qualities.define(tx, visit.caller, wanted)))


@router.delete("/{name}", status_code=204, responses=refuses(NotFoundError, ConflictError))
def remove_qos(visit: AnyVisit, name: QosParameter) -> Response:
    """Let no more work have a quality of service; for administrators. What has it goes on as if it said nothing."""
    visit.once(lambda tx: visit.services.qualities.remove(tx, visit.caller, QosName(name)))
    return Response(status_code=204)
