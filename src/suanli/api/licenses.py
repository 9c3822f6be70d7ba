"""Licenses: counted in the center, whatever nodes their work runs on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import TypeAdapter

from suanli.api.gather import Change
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.fields import Name
from suanli.api.schemas.quota import LicenseBody, LicenseDefinedView, LicensesView, license_view
from suanli.api.visit import AnyVisit, answer, gathered
from suanli.model.ids import LicenseName
from suanli.model.quota import License
from suanli.ports.store import Transaction

router = APIRouter(prefix="/v1/licenses", tags=["licenses"])

_LICENSE = TypeAdapter(LicenseBody)
_SHOWN = {"name": "solver", "total": 50, "in_use": 12}


@router.get(
    "", response_model=LicensesView, responses={**gives(200, "All licenses.", {"items": [_SHOWN]}), **refuses()}
)
def list_licenses(visit: AnyVisit) -> Response:
    """List the licenses and how many of each are in use."""
    return answer(LicensesView(items=[license_view(one) for one in visit.services.quotas.licenses(visit.caller)]))


@router.put(
    "/{name}",
    response_model=LicenseDefinedView,
    openapi_extra=takes("LicenseDefinition", _LICENSE, solver={"total": 50}),
    responses={**gives(200, "The license as it stands.", {"name": "solver", "total": 50}), **refuses(body=True)},
)
@gathered
def define_license(
    visit: AnyVisit,
    name: Annotated[Name, Path(description="The license.", openapi_examples={"solver": {"value": "solver"}})],
) -> Change:
    """Say how many of a license there are; for administrators. Work that has some keeps them."""
    wanted = License(name=LicenseName(name), total=visit.read(_LICENSE).total)

    def work(tx: Transaction) -> LicenseDefinedView:
        made = visit.services.quotas.define_license(tx, visit.caller, wanted)
        return LicenseDefinedView(name=made.name, total=made.total)

    return visit.change(work)
