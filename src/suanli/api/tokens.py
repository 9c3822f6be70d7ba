"""Tokens: issued once, shown without their secret, ended at any time."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Response
from pydantic import TypeAdapter

from suanli.api.operations import gives, refuses, takes
from suanli.api.schemas.tenancy import NewTokenBody, NewTokenView, TokensView, TokenView, token_view
from suanli.api.users import UserParameter
from suanli.api.visit import AnyVisit, answer, replayed
from suanli.model.errors import IdempotencyMismatchError, NotFoundError
from suanli.model.ids import TokenId, UserName
from suanli.ports.store import Transaction

router = APIRouter(prefix="/v1", tags=["tokens"])

_NEW = TypeAdapter(NewTokenBody)
_SHOWN = {
    "id": "k7c2q9x4",
    "user": "ada",
    "scopes": ["read", "write"],
    "created_at": "2026-11-24T11:00:00.000000Z",
    "expires_at": "2027-02-22T11:00:00.000000Z",
    "revoked": False,
}


@router.get(
    "/users/{name}/tokens",
    response_model=TokensView,
    responses={**gives(200, "All tokens of the user.", {"items": [_SHOWN]}), **refuses(NotFoundError)},
)
def list_tokens(visit: AnyVisit, name: UserParameter) -> Response:
    """List the tokens of a user, never their secrets; for that user and administrators."""
    tokens = visit.services.tenants.tokens(visit.caller, UserName(name))
    return answer(TokensView(items=[token_view(token) for token in tokens]))


@router.post(
    "/users/{name}/tokens",
    status_code=201,
    response_model=NewTokenView,
    openapi_extra=takes("NewToken", _NEW, month={"scopes": ["read", "write"], "expires_in": "30d"}),
    responses={
        **gives(201, "The token with its secret.", {**_SHOWN, "secret": "the secret, shown this once"}),
        **refuses(NotFoundError, IdempotencyMismatchError, body=True),
    },
)
def issue_token(visit: AnyVisit, name: UserParameter) -> Response:
    """Issue a token; for that user and administrators.

    The secret is kept nowhere, so an answer repeated under an idempotency key has none.
    """
    body = visit.read(_NEW)
    secrets: list[str] = []

    def work(tx: Transaction) -> TokenView:
        new = visit.services.tenants.issue_token(tx, visit.caller, UserName(name), body.scopes, body.expires_in)
        secrets[:] = [new.secret]
        return token_view(new.token)

    once = visit.once(work)
    issued = {**msgspec.json.decode(once.body), "secret": None if once.replayed else secrets[0]}
    return answer(issued, 201, replayed(once))


@router.delete("/tokens/{id}", status_code=204, responses=refuses(NotFoundError))
def revoke_token(
    visit: AnyVisit,
    id: Annotated[
        str,
        Path(
            pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The token.", openapi_examples={"one": {"value": "k7c2q9x4"}}
        ),
    ],
) -> Response:
    """End a token now; for its user and administrators."""
    visit.once(lambda tx: visit.services.tenants.revoke(tx, visit.caller, TokenId(id)))
    return Response(status_code=204)
