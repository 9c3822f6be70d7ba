"""The power cap: how much running work may draw, beside how much it is expected to draw."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from suanli.api.gather import Change
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.power import PowerCapBody, PowerCapSetView, PowerCapView, power_cap_view
from suanli.api.visit import AnyVisit, answer, gathered
from suanli.model.power import PowerCap
from suanli.ports.store import Transaction

router = APIRouter(prefix="/v1/power-cap", tags=["power-cap"])

_CAP = TypeAdapter(PowerCapBody)
_SHOWN = {"watts": 50000, "drawn_watts": 31250.5, "unknown_cpus": 0.0, "unknown_devices": 2}


@router.get(
    "",
    response_model=PowerCapView,
    responses={**gives(200, "The cap, and what is drawn.", _SHOWN), **refuses()},
)
def show_power_cap(visit: AnyVisit) -> Response:
    """Show the power cap and what running work is expected to draw beyond what idle nodes draw."""
    return answer(power_cap_view(visit.services.power.standing(visit.caller)))


@router.put(
    "",
    response_model=PowerCapSetView,
    openapi_extra=takes("PowerCap", _CAP, set={"watts": 50000}, lifted={"watts": 0}),
    responses={**gives(200, "The cap as it stands.", {"watts": 50000}), **refuses(body=True)},
)
@gathered
def set_power_cap(visit: AnyVisit) -> Change:
    """Let running work draw at most so many watts from now on; for operators. What runs runs on."""
    wanted = PowerCap(watts=visit.read(_CAP).watts)

    def work(tx: Transaction) -> PowerCapSetView:
        return PowerCapSetView(watts=visit.services.power.set_cap(tx, visit.caller, wanted).watts or None)

    return visit.change(work)
