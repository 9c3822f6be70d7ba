"""Health: whether the server answers, and whether the center can do its work. Public, so it says nothing more."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from suanli.api.operations import gives
from suanli.api.schemas.health import HealthView, ReadyView
from suanli.api.services import Services
from suanli.api.visit import answer
from suanli.model.errors import StoreError

router = APIRouter(prefix="/v1", tags=["health"])

_ALIVE = answer(HealthView(status="alive", version=version("suanli"))).body


@router.get(
    "/health",
    response_model=HealthView,
    responses=gives(200, "The server answers.", {"status": "alive", "version": "0.1.0"}),
)
async def health() -> Response:
    """Say that the server answers."""
    return Response(_ALIVE, media_type="application/json")


@router.get(
    "/ready",
    response_model=ReadyView,
    responses={
        **gives(200, "The center works.", {"ready": True, "store": True, "dead_loops": []}),
        503: {"description": "It does not.", "model": ReadyView},
    },
)
def ready(request: Request) -> Response:
    """Say whether the store answers and every loop turns."""
    services: Services = request.app.state.services
    dead = list(services.alive())
    store = _answers(services)
    view = ReadyView(ready=store and not dead, store=store, dead_loops=dead)
    return answer(view, 200 if view.ready else 503)


def _answers(services: Services) -> bool:
    try:
        with services.store.read() as tables:
            tables.last_fact()
    except StoreError:
        return False
    return True
