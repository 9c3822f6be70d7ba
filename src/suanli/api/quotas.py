"""Quotas: how much running work of a queue, project or user may have asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import TypeAdapter

from suanli.api.gather import Change
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.fields import Name
from suanli.api.schemas.quota import QuotaBody, QuotasView, QuotaView, quota_of, quota_view
from suanli.api.visit import AnyVisit, answer, gathered
from suanli.model.errors import NotFoundError
from suanli.model.quota import QuotaScope

router = APIRouter(prefix="/v1/quotas", tags=["quotas"])

_QUOTA = TypeAdapter(QuotaBody)
_SHOWN = {
    "scope": "project_user",
    "name": "oxides",
    "runs": 20,
    "cpus": None,
    "memory_bytes": 1099511627776,
    "devices": 8.0,
}


@router.get("", response_model=QuotasView, responses={**gives(200, "The quotas.", {"items": [_SHOWN]}), **refuses()})
def list_quotas(visit: AnyVisit) -> Response:
    """List the quotas that bind your work, or all for operators."""
    return answer(QuotasView(items=[quota_view(quota) for quota in visit.services.quotas.quotas(visit.caller)]))


@router.put(
    "/{scope}/{name}",
    response_model=QuotaView,
    openapi_extra=takes("QuotaDefinition", _QUOTA, members={"runs": 20, "memory": "1TiB", "devices": 8}, lift={}),
    responses={**gives(200, "The quota as it stands.", _SHOWN), **refuses(NotFoundError, body=True)},
)
@gathered
def define_quota(
    visit: AnyVisit,
    scope: Annotated[
        QuotaScope, Path(description="Whose work.", openapi_examples={"members": {"value": "project_user"}})
    ],
    name: Annotated[
        Name, Path(description="The queue, project or user.", openapi_examples={"oxides": {"value": "oxides"}})
    ],
) -> Change:
    """Set a quota, or lift it; for administrators. What runs runs on."""
    quota = quota_of(scope, name, visit.read(_QUOTA))
    return visit.change(lambda tx: quota_view(visit.services.quotas.define_quota(tx, visit.caller, quota)))
