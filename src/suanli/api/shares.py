"""Shares: who is owed how much, and hence goes first."""

from __future__ import annotations

from fastapi import APIRouter, Response

from suanli.api.operations import gives, refuses
from suanli.api.schemas.usage import SharesView, shares_view
from suanli.api.visit import AnyVisit, answer

router = APIRouter(prefix="/v1/shares", tags=["shares"])

_OXIDES = {"project": "oxides", "owner": None, "share": 0.75, "held": 0.5, "factor": 0.629961, "credit": 381000}
_ADA = {"project": "oxides", "owner": "ada", "share": 0.375, "held": 0.5, "factor": 0.39685, "credit": 34288}
_SHOWN = {"half_life": 604800, "items": [_OXIDES, _ADA]}


@router.get("", response_model=SharesView, responses={**gives(200, "How everybody stands.", _SHOWN), **refuses()})
def show_shares(visit: AnyVisit) -> Response:
    """Show how your projects and you in them stand, or all projects and members for operators."""
    return answer(shares_view(visit.services.scheduling.standings(visit.caller)))
