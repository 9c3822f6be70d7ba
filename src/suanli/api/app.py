"""The application: routers, one way out for errors, what is shared by all requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from suanli.api import errors, openapi
from suanli.api.direct import Direct
from suanli.api.doorbell import Following
from suanli.api.gather import Gathering
from suanli.api.metrics import Passage, Traffic
from suanli.api.services import Services

__all__ = ["Services", "create_app"]


def create_app(services: Services, registry: CollectorRegistry | None = None) -> FastAPI:
    """The HTTP face of one center. Collectors of others in ``registry`` are shown among the metrics."""
    registry = CollectorRegistry() if registry is None else registry

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.following = Following(services.store)
        app.state.gathering = Gathering(services.requests)
        async with app.state.following.doorbell.running():
            yield

    app = FastAPI(
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.services = services
    app.state.registry = registry
    # One flat list: a router inside a router is asked twice, and every one that does not fit costs as well.
    app.router.routes.extend(route for router in openapi.ROUTERS for route in router.routes)
    errors.install(app, openapi.methods)
    app.add_middleware(Direct, routes=app.router.routes)
    app.add_middleware(Passage, traffic=Traffic(registry))
    return app
