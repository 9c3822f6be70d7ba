"""Supply: what the center's devices can do, by precision."""

from __future__ import annotations

from fastapi import APIRouter, Response

from suanli.api.operations import gives, refuses
from suanli.api.schemas.rates import SuppliesView, supply_view
from suanli.api.visit import AnyVisit, answer

router = APIRouter(prefix="/v1/supply", tags=["supply"])

_SHOWN = {
    "items": [
        {
            "precision": "bf16",
            "devices": 8,
            "operations_per_hour": 8.9856e18,
            "held_operations_per_hour": 2.2464e18,
            "unknown_devices": 0,
        }
    ]
}


@router.get("", response_model=SuppliesView, responses={**gives(200, "One of each precision.", _SHOWN), **refuses()})
def show_supply(visit: AnyVisit) -> Response:
    """Show what the center's healthy devices can do in an hour at most, and how much of that running work holds."""
    return answer(SuppliesView(items=[supply_view(one) for one in visit.services.rates.supply(visit.caller)]))
