"""Advance reservations: nodes set aside for maintenance, or for the work of some."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import TypeAdapter

from suanli.api.gather import Change
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.fields import Name
from suanli.api.schemas.reservations import ReservationBody, ReservationsView, ReservationView, reservation_view
from suanli.api.visit import AnyVisit, answer, gathered
from suanli.model.errors import ConflictError, NotFoundError
from suanli.model.ids import ReservationName

router = APIRouter(prefix="/v1/reservations", tags=["reservations"])

ReservationParameter = Annotated[
    Name, Path(description="The reservation.", openapi_examples={"repair": {"value": "repair"}})
]

_RESERVATION = TypeAdapter(ReservationBody)
_TIMES = {"starts_at": "2036-12-01T08:00:00.000000Z", "ends_at": "2036-12-01T12:00:00.000000Z"}
_SHOWN = {
    "name": "repair",
    **_TIMES,
    "nodes": ["n1"],
    "purpose": "maintenance",
    "projects": [],
    "users": [],
    "reason": "new switches",
    "overlapping_runs": ["120.1"],
}


@router.get(
    "",
    response_model=ReservationsView,
    responses={**gives(200, "All reservations that have not ended.", {"items": [_SHOWN]}), **refuses()},
)
def list_reservations(visit: AnyVisit) -> Response:
    """List the advance reservations that have not ended, with the runs that overlap each."""
    found = visit.services.reservations.list(visit.caller)
    return answer(ReservationsView(items=[reservation_view(standing) for standing in found]))


@router.get(
    "/{name}",
    response_model=ReservationView,
    responses={**gives(200, "The reservation.", _SHOWN), **refuses(NotFoundError)},
)
def show_reservation(visit: AnyVisit, name: ReservationParameter) -> Response:
    """Show one reservation, ended or not."""
    return answer(reservation_view(visit.services.reservations.show(visit.caller, ReservationName(name))))


@router.put(
    "/{name}",
    response_model=ReservationView,
    openapi_extra=takes(
        "ReservationDefinition",
        _RESERVATION,
        repair={**_TIMES, "nodes": ["n1"], "reason": "new switches"},
        course={**_TIMES, "nodes": ["n1"], "purpose": "use", "projects": ["default"]},
    ),
    responses={**gives(200, "The reservation as it stands.", _SHOWN), **refuses(ConflictError, body=True)},
)
@gathered
def define_reservation(visit: AnyVisit, name: ReservationParameter) -> Change:
    """Set nodes aside, or otherwise than before; for administrators. What runs there runs on."""
    wanted = visit.read(_RESERVATION).noun(name)
    reservations = visit.services.reservations
    return visit.change(lambda tx: reservation_view(reservations.define(tx, visit.caller, wanted)))


@router.delete("/{name}", status_code=204, responses=refuses(NotFoundError))
def remove_reservation(visit: AnyVisit, name: ReservationParameter) -> Response:
    """Set nothing aside any more; for administrators."""
    visit.once(lambda tx: visit.services.reservations.remove(tx, visit.caller, ReservationName(name)))
    return Response(status_code=204)
