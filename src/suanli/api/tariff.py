"""The tariff: what an hour of the center's processors, memory, disk and devices costs."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from suanli.api.gather import Change
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.tariff import TariffBody, TariffsView, TariffView, tariff_of, tariff_view, tariffs_view
from suanli.api.visit import AnyVisit, answer, gathered

router = APIRouter(prefix="/v1/tariff", tags=["tariff"])

_TARIFF = TypeAdapter(TariffBody)
_ASKED = {
    "currency": "CNY",
    "cpu_hour": "0.10",
    "memory_gib_hour": "0.02",
    "disk_gb_hour": "0.0005",
    "device_hour": {"A100": "12.5", "H100": "28"},
    "class_hour": {"gpu": "6"},
}
_SHOWN = {"version": 1, "valid_from": "2026-11-24T11:00:00.000000Z", **_ASKED}


@router.get(
    "",
    response_model=TariffsView,
    responses={**gives(200, "The prices.", {"current": _SHOWN, "coming": []}), **refuses()},
)
def show_tariff(visit: AnyVisit) -> Response:
    """Show what the center costs now, and from when it is set to cost something else."""
    return answer(tariffs_view(visit.services.tariffs.standing(visit.caller)))


@router.put(
    "",
    response_model=TariffView,
    openapi_extra=takes("Tariff", _TARIFF, set=_ASKED),
    responses={**gives(200, "The next version of the prices.", _SHOWN), **refuses(body=True)},
)
@gathered
def set_tariff(visit: AnyVisit) -> Change:
    """Let these be the prices from an instant on; for administrators. What was held before keeps its prices."""
    wanted = tariff_of(visit.read(_TARIFF))
    return visit.change(lambda tx: tariff_view(visit.services.tariffs.set_tariff(tx, visit.caller, wanted)))
