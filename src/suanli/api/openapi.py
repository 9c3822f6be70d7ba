"""The OpenAPI document: made of the routers alone, so that it can be published without a center."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from fastapi import APIRouter, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from suanli.api import (
    engines,
    events,
    health,
    licenses,
    logs,
    metrics,
    nodes,
    operations,
    power,
    projects,
    qos,
    queues,
    quotas,
    rates,
    reservations,
    shares,
    supply,
    tariff,
    tokens,
    usage,
    users,
    what_if,
    workloads,
)
from suanli.api.schemas.events import EventView
from suanli.api.schemas.logs import EndView, TextView
from suanli.api.schemas.problem import Problem
from suanli.api.visit import write

API_VERSION = "1"

_TAGS = {
    "workloads": workloads,
    "what-if": what_if,
    "logs": logs,
    "events": events,
    "nodes": nodes,
    "engines": engines,
    "queues": queues,
    "qos": qos,
    "quotas": quotas,
    "licenses": licenses,
    "power-cap": power,
    "reservations": reservations,
    "users": users,
    "tokens": tokens,
    "projects": projects,
    "shares": shares,
    "usage": usage,
    "rates": rates,
    "supply": supply,
    "tariff": tariff,
    "health": health,
    "metrics": metrics,
}
_DESCRIPTION = """\
One API for all work of a computing center: batch, training, inference, instances, sessions.

Every request but the public ones shows a token, `Authorization: Bearer <token>`. Errors are problem documents
(RFC 9457) with stable codes, in English or Chinese by `Accept-Language`. Every POST may carry an `Idempotency-Key`: the
same request under the same key is done once, and answered alike, for at least a day.
"""
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes the request safe to repeat: under one key it is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "0192f1c4-submit",
}
_LANGUAGE = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "description": "`zh` or `en`, for titles, details, hints and reasons.",
    "schema": {"type": "string"},
    "example": "zh-CN, en;q=0.5",
}
_RECORDS_NOTHING = {workloads.preview_workload.__name__, what_if.look_ahead.__name__}
_REFERENCE = "#/components/schemas/{model}"

own = APIRouter(prefix="/v1", tags=["health"])

ROUTERS = (*(module.router for module in _TAGS.values()), own)


@own.get(
    "/openapi.json",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}, "example": {"openapi": "3.1.0"}}}}},
)
async def show_openapi() -> Response:
    """Show this document."""
    return Response(_written(), media_type="application/json")


@cache
def _written() -> bytes:
    return write(document())


def document() -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    made = get_openapi(
        title="Suanli",
        version=API_VERSION,
        openapi_version="3.1.0",
        summary="The open operating system of a computing center.",
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        routes=[route for router in ROUTERS for route in router.routes],
        tags=[{"name": tag, "description": _first_line(module)} for tag, module in _TAGS.items()],
        separate_input_output_schemas=False,
    )
    schemas = made["components"]["schemas"]
    for name, shape in operations.BODIES.items():
        _add(schemas, name, shape)
    for shown in (Problem, EventView, TextView, EndView):
        _add(schemas, shown.__name__, TypeAdapter(shown))
    _allow_selected_fields(schemas)
    for path in made["paths"].values():
        for method, operation in path.items():
            _finish(method, operation)
    settled: dict[str, Any] = _settled(made)
    return settled


def workload_spec() -> dict[str, Any]:
    """The JSON Schema of the workload spec alone."""
    schema = _settled(workloads.SPEC.json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:suanli:workload-spec:1", **schema}


def _settled(schema: Any, *, default: bool = False) -> Any:
    """The same schema with its nulls back, and with lists in defaults sorted: they are sets, in the order of hashes."""
    if isinstance(schema, dict):
        return {name: _settled(value, default=default or name == "default") for name, value in schema.items()}
    if isinstance(schema, list):
        return sorted(schema) if default else [_settled(item) for item in schema]
    return None if schema == operations.NULL else schema


def methods(path: str) -> str:
    """The methods that some route has for a path, as an ``Allow`` header lists them."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return ", ".join(sorted({m for route in routes if route.path_regex.match(path) for m in route.methods or ()}))


def _first_line(module: object) -> str:
    return (module.__doc__ or "").partition("\n")[0]


def _add(schemas: dict[str, Any], name: str, shape: TypeAdapter[Any]) -> None:
    schema = shape.json_schema(ref_template=_REFERENCE)
    schemas.update(schema.pop("$defs", {}))
    if "$ref" not in schema:
        schemas[name] = schema


def _allow_selected_fields(schemas: dict[str, Any]) -> None:
    part = copy.deepcopy(schemas["WorkloadView"])
    del part["required"]
    part["description"] = "Those fields of a workload that were asked for; all of them unless `fields` chooses."
    schemas["WorkloadPart"] = part
    schemas["WorkloadPage"]["properties"]["items"]["items"] = {"$ref": _REFERENCE.format(model="WorkloadPart")}


def _finish(method: str, operation: dict[str, Any]) -> None:
    parameters = operation.setdefault("parameters", [])
    operation["operationId"] = operation["operationId"].partition("_v1_")[0].removesuffix("_metrics_get")
    if method == "post" and operation["operationId"] not in _RECORDS_NOTHING:
        parameters.append(_KEY)
    if operation.get("security"):
        parameters.append(_LANGUAGE)
    if not parameters:
        del operation["parameters"]
