"""Users: who is known to the center, and who you are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import TypeAdapter

from suanli.api.gather import Change
from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.fields import Name
from suanli.api.schemas.tenancy import (
    NewUserBody,
    UserChangeBody,
    UsersView,
    UserView,
    WhoamiView,
    user_view,
    whoami_view,
)
from suanli.api.visit import AnyVisit, answer, gathered
from suanli.model.errors import AlreadyExistsError, IdempotencyMismatchError, NotFoundError
from suanli.model.ids import ProjectName, UserName
from suanli.model.tenancy import User
from suanli.ports.store import Transaction

router = APIRouter(prefix="/v1", tags=["users"])

UserParameter = Annotated[Name, Path(description="The user.", openapi_examples={"ada": {"value": "ada"}})]

_NEW = TypeAdapter(NewUserBody)
_CHANGE = TypeAdapter(UserChangeBody)
_ADA = {
    "name": "ada",
    "role": "user",
    "account": "ada",
    "default_project": "default",
    "active": True,
    "created_at": "2026-11-24T11:00:00.000000Z",
}


@router.get(
    "/whoami",
    response_model=WhoamiView,
    responses={
        **gives(
            200, "You.", {"user": "ada", "role": "user", "scopes": ["read", "write"], "default_project": "default"}
        ),
        **refuses(),
    },
)
def whoami(visit: AnyVisit) -> Response:
    """Say who the token speaks for, and what it may be used for."""
    return answer(whoami_view(visit.caller, visit.services.tenants.user(visit.caller, visit.caller.user)))


@router.get("/users", response_model=UsersView, responses={**gives(200, "All users.", {"items": [_ADA]}), **refuses()})
def list_users(visit: AnyVisit) -> Response:
    """List all users; for operators."""
    return answer(UsersView(items=[user_view(user) for user in visit.services.tenants.users(visit.caller)]))


@router.post(
    "/users",
    status_code=201,
    response_model=UserView,
    openapi_extra=takes("NewUser", _NEW, ada={"name": "ada", "role": "user", "account": "ada"}),
    responses={
        **gives(201, "The new user.", _ADA, {"Location": "Where the user is shown."}),
        **refuses(AlreadyExistsError, NotFoundError, IdempotencyMismatchError, body=True),
    },
)
@gathered
def create_user(visit: AnyVisit) -> Change:
    """Make a user; for administrators."""
    body = visit.read(_NEW)
    user = User(
        name=UserName(body.name),
        role=body.role,
        account=body.account,
        default_project=ProjectName(body.default_project),
    )

    def work(tx: Transaction) -> UserView:
        return user_view(visit.services.tenants.create_user(tx, visit.caller, user))

    return visit.change(work, status=201, locate=lambda made: f"/v1/users/{made['name']}")


@router.get(
    "/users/{name}",
    response_model=UserView,
    responses={**gives(200, "The user.", _ADA), **refuses(NotFoundError)},
)
def show_user(visit: AnyVisit, name: UserParameter) -> Response:
    """Show one user; a plain user sees only themselves."""
    return answer(user_view(visit.services.tenants.user(visit.caller, UserName(name))))


@router.patch(
    "/users/{name}",
    response_model=UserView,
    openapi_extra=takes("UserChange", _CHANGE, promote={"role": "operator"}, lock={"active": False}),
    responses={**gives(200, "The user as it stands.", _ADA), **refuses(NotFoundError, body=True)},
)
@gathered
def change_user(visit: AnyVisit, name: UserParameter) -> Change:
    """Change what is given of a user; for administrators, who cannot lock themselves out."""
    body = visit.read(_CHANGE)

    def work(tx: Transaction) -> UserView:
        tenants = visit.services.tenants
        changed = tenants.change_user(
            tx, visit.caller, UserName(name), role=body.role, account=body.account, active=body.active
        )
        return user_view(changed)

    return visit.change(work)
