"""Projects: groups of work and who may submit to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import TypeAdapter

from suanli.api.gather import Change
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.fields import Name
from suanli.api.schemas.tenancy import ProjectBody, ProjectsView, ProjectView, project_view
from suanli.api.visit import AnyVisit, answer, gathered
from suanli.model.errors import NotFoundError
from suanli.model.ids import ProjectName, UserName
from suanli.model.tenancy import Project

router = APIRouter(prefix="/v1/projects", tags=["projects"])

_PROJECT = TypeAdapter(ProjectBody)
_SHOWN = {"name": "oxides", "members": ["ada", "li"], "shares": 3, "created_at": "2026-11-24T11:00:00.000000Z"}


@router.get(
    "", response_model=ProjectsView, responses={**gives(200, "The projects.", {"items": [_SHOWN]}), **refuses()}
)
def list_projects(visit: AnyVisit) -> Response:
    """List the projects you may submit to, or all for operators."""
    projects = visit.services.tenants.projects(visit.caller)
    return answer(ProjectsView(items=[project_view(project) for project in projects]))


@router.put(
    "/{name}",
    response_model=ProjectView,
    openapi_extra=takes("ProjectDefinition", _PROJECT, oxides={"members": ["ada", "li"], "shares": 3}),
    responses={**gives(200, "The project as it stands.", _SHOWN), **refuses(NotFoundError, body=True)},
)
@gathered
def define_project(
    visit: AnyVisit,
    name: Annotated[Name, Path(description="The project.", openapi_examples={"oxides": {"value": "oxides"}})],
) -> Change:
    """Make a project or set its members and shares; for administrators."""
    body = visit.read(_PROJECT)
    project = Project(name=ProjectName(name), members=frozenset(map(UserName, body.members)), shares=body.shares)
    return visit.change(lambda tx: project_view(visit.services.tenants.define_project(tx, visit.caller, project)))
