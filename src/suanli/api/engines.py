"""Engines: who runs the work, and what each can do."""

from __future__ import annotations

from fastapi import APIRouter, Response

from suanli.api.operations import gives, refuses
from suanli.api.schemas.center import EnginesView, engine_view
from suanli.api.visit import AnyVisit, answer

router = APIRouter(prefix="/v1/engines", tags=["engines"])

_LOCAL = {
    "name": "local",
    "placement": "nodes",
    "limits": "cgroup_v2",
    "isolation": "namespaces",
    "devices": "files",
    "partitions": "enforced",
    "disk": "counted",
    "abilities": ["Forgets", "Logs", "Signals"],
    "simulated": False,
}


@router.get("", response_model=EnginesView, responses={**gives(200, "All engines.", {"items": [_LOCAL]}), **refuses()})
def list_engines(visit: AnyVisit) -> Response:
    """List the engines: how each holds bounds and separates runs, and which optional abilities it has."""
    return answer(EnginesView(items=[engine_view(engine) for engine in visit.services.inventory.engines(visit.caller)]))
