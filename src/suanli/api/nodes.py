"""Nodes: what the center has, and taking a node out of use and back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import TypeAdapter

from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.center import DrainBody, NodesView, NodeView, ReadingsView, node_view, readings_view
from suanli.api.schemas.fields import Name
from suanli.api.visit import AnyVisit, Visit, answer
from suanli.model.errors import (
    ConflictError,
    EngineUnavailableError,
    IdempotencyMismatchError,
    NotFoundError,
    UnsupportedError,
)
from suanli.model.ids import NodeName

router = APIRouter(prefix="/v1/nodes", tags=["nodes"])

NodeParameter = Annotated[Name, Path(description="The node.", openapi_examples={"node": {"value": "n1"}})]

_DRAIN = TypeAdapter(DrainBody)
_NODE = {
    "name": "n1",
    "engine": "local",
    "state": "ready",
    "reason": "",
    "cpus": 16.0,
    "memory_bytes": 68719476736,
    "disk_bytes": 500000000000,
    "allocated_cpus": 1.0,
    "allocated_memory_bytes": 536870912,
    "allocated_disk_bytes": 0,
    "devices": [],
    "features": ["x86_64"],
    "links": {"link": [[0, 1, 2, 3], [4, 5, 6, 7]]},
    "switch": "leaf3",
    "cpu_power_watts": 4.375,
    "simulated": False,
    "runs": ["120.1"],
}
_READINGS = {
    "node": "n1",
    "taken_at": "2026-11-27T09:30:00.000000Z",
    "devices": [
        {
            "index": 0,
            "health": "ok",
            "reason": "",
            "temperature_celsius": 61.0,
            "power_watts": 312.5,
            "busy": 0.93,
            "memory_used_bytes": 68719476736,
        }
    ],
}
_SHOWN = gives(200, "The node as it stands.", _NODE)


@router.get("", response_model=NodesView, responses={**gives(200, "All nodes.", {"items": [_NODE]}), **refuses()})
def list_nodes(visit: AnyVisit) -> Response:
    """List all nodes with what is held of each."""
    return answer(NodesView(items=[node_view(node) for node in visit.services.inventory.nodes(visit.caller)]))


@router.get("/{name}", response_model=NodeView, responses={**_SHOWN, **refuses(NotFoundError)})
def show_node(visit: AnyVisit, name: NodeParameter) -> Response:
    """Show one node with what is held of it."""
    return _shown(visit, name)


@router.get(
    "/{name}/devices/readings",
    response_model=ReadingsView,
    responses={
        **gives(200, "How its devices are.", _READINGS),
        **refuses(NotFoundError, UnsupportedError, EngineUnavailableError),
    },
)
def show_readings(visit: AnyVisit, name: NodeParameter) -> Response:
    """Show how the devices of a node are now: health, temperature, power, load, memory in use.

    The vendors' tools are asked unless they were within the last ten seconds.
    """
    return answer(readings_view(name, visit.services.inventory.readings(visit.caller, NodeName(name))))


@router.post(
    "/{name}/drain",
    response_model=NodeView,
    openapi_extra=takes("NodeDrain", _DRAIN, repair={"reason": "new memory on Friday"}),
    responses={**_SHOWN, **refuses(NotFoundError, ConflictError, IdempotencyMismatchError, body=True)},
)
def drain_node(visit: AnyVisit, name: NodeParameter) -> Response:
    """Let a node finish what it has and take nothing new; for operators."""
    reason = visit.read(_DRAIN).reason

    visit.once(lambda tx: visit.services.inventory.drain(tx, visit.caller, NodeName(name), reason))
    return _shown(visit, name)


@router.post(
    "/{name}/resume",
    response_model=NodeView,
    responses={**_SHOWN, **refuses(NotFoundError, ConflictError, IdempotencyMismatchError)},
)
def resume_node(visit: AnyVisit, name: NodeParameter) -> Response:
    """Let a node take work again; for operators."""
    visit.once(lambda tx: visit.services.inventory.resume(tx, visit.caller, NodeName(name)))
    return _shown(visit, name)


def _shown(visit: Visit, name: str) -> Response:
    return answer(node_view(visit.services.inventory.node(visit.caller, NodeName(name))))
