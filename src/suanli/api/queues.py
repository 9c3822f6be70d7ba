"""Queues: the doors to the center's nodes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import TypeAdapter

from suanli.api.gather import Change
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.center import QueueBody, QueuesView, QueueView, queue_view
from suanli.api.schemas.fields import Name
from suanli.api.visit import AnyVisit, answer, gathered
from suanli.model.ids import QueueName
from suanli.model.resources import Queue

router = APIRouter(prefix="/v1/queues", tags=["queues"])

_QUEUE = TypeAdapter(QueueBody)
_SHOWN = {"name": "night", "priority": 10, "default_time_limit": 3600, "max_time_limit": 43200}


@router.get("", response_model=QueuesView, responses={**gives(200, "All queues.", {"items": [_SHOWN]}), **refuses()})
def list_queues(visit: AnyVisit) -> Response:
    """List the queues with their limits."""
    return answer(QueuesView(items=[queue_view(queue) for queue in visit.services.inventory.queues(visit.caller)]))


@router.put(
    "/{name}",
    response_model=QueueView,
    openapi_extra=takes(
        "QueueDefinition", _QUEUE, night={"priority": 10, "default_time_limit": "1h", "max_time_limit": "12h"}
    ),
    responses={**gives(200, "The queue as it stands.", _SHOWN), **refuses(body=True)},
)
@gathered
def define_queue(
    visit: AnyVisit,
    name: Annotated[Name, Path(description="The queue.", openapi_examples={"night": {"value": "night"}})],
) -> Change:
    """Make or change a queue; for administrators."""
    body = visit.read(_QUEUE)
    queue = Queue(
        name=QueueName(name),
        priority=body.priority,
        default_time_limit_s=body.default_time_limit,
        max_time_limit_s=body.max_time_limit,
    )
    return visit.change(lambda tx: queue_view(visit.services.inventory.define_queue(tx, visit.caller, queue)))
