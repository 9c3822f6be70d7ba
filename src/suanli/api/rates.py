"""Rates: what finished work reached on which device models."""

from __future__ import annotations

from fastapi import APIRouter, Response

from suanli.api.operations import gives, refuses
from suanli.api.schemas.rates import RatesView, rates_view
from suanli.api.visit import AnyVisit, answer

router = APIRouter(prefix="/v1/rates", tags=["rates"])

_SHOWN = {
    "efficiency": 0.35,
    "items": [
        {
            "application": None,
            "project": "oxides",
            "owner": "ada",
            "name": "relax",
            "precisions": ["bf16"],
            "model": "NVIDIA A100 SXM4 80GB",
            "rate": 1.4e14,
            "nominal": 3.12e14,
            "runs": 7,
        }
    ],
}


@router.get("", response_model=RatesView, responses={**gives(200, "What was learned.", _SHOWN), **refuses()})
def list_rates(visit: AnyVisit) -> Response:
    """Show what finished work with a known amount reached: of applications and your own, for operators all."""
    return answer(rates_view(list(visit.services.rates.rates(visit.caller))))
