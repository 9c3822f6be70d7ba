"""A visit: one request as the endpoints see it, from the token at the door to the answer that leaves.

The door reads the body and the token on the event loop; everything that may wait (authenticating, the services) happens
in a worker thread: the endpoint's own, or the one of all requests that were gathered to be done together. Only
:attr:`Visit.caller` makes a ``Caller``, and no service answers without one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property, partial, wraps
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import msgspec
from fastapi import Depends, Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.models import HTTPBearer
from fastapi.params import Query
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from suanli.api.doorbell import Following
from suanli.api.errors import language_of
from suanli.api.gather import Change, Gathering
from suanli.api.language import Language
from suanli.api.services import Services
from suanli.model.errors import NotAuthenticatedError
from suanli.model.tenancy import Caller
from suanli.ports.store import Transaction
from suanli.services.requests import Keyed, Once

P = ParamSpec("P")
T = TypeVar("T")

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_BULK_BYTES = 128 * 1024 * 1024

_SMALL_BYTES = 64 * 1024
"""A body longer than this is read by a thread of its own, so that no short request waits for it."""

_GATHERED: set[Callable[..., object]] = set()
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Visit:
    """One request of somebody who showed a token."""

    def __init__(self, request: Request, secret: str, body: bytes) -> None:
        self._request = request
        self._secret = secret
        self._body = body
        self.services: Services = request.app.state.services

    @property
    def following(self) -> Following:
        """The one follower of the facts, for answers that go on."""
        following: Following = self._request.app.state.following
        return following

    @property
    def gathering(self) -> Gathering:
        """The line of requests that change something."""
        gathering: Gathering = self._request.app.state.gathering
        return gathering

    @property
    def registry(self) -> CollectorRegistry:
        """The collectors shown among the metrics."""
        registry: CollectorRegistry = self._request.app.state.registry
        return registry

    @cached_property
    def caller(self) -> Caller:
        """Whose token was shown.

        Raises:
            NotAuthenticatedError: it is worth nothing.
        """
        return self.authenticate()

    def authenticate(self) -> Caller:
        """Whose token this is now; a long answer asks again, for a token may be revoked meanwhile.

        Raises:
            NotAuthenticatedError: it is worth nothing.
        """
        return self.services.tenants.authenticate(self._secret)

    @property
    def language(self) -> Language:
        """The language the reader asks for."""
        return language_of(self._request)

    def header(self, name: str) -> str:
        """A header of the request, empty if it has none of that name."""
        return self._request.headers.get(name, "")

    def read(self, shape: TypeAdapter[T]) -> T:
        """The body, in one pass from bytes to the shape; only for callers whose token is good.

        Raises:
            NotAuthenticatedError: the token is worth nothing.
            HTTPException: 415, the body does not say it is JSON.
            RequestValidationError: it is no JSON, or not of this shape.
        """
        _ = self.caller
        media = self.header("content-type").partition(";")[0].strip().lower()
        if media != "application/json":
            raise HTTPException(415, f"not {media or 'of unknown type'}")
        try:
            return shape.validate_json(self._body)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_url=False, include_input=False)) from None

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self._body)

    def once(self, work: Callable[[Transaction], object]) -> Once:
        """Do ``work`` in one transaction, once under its idempotency key; what it returned is kept as JSON.

        Raises:
            IdempotencyMismatchError: the key was used for another request.
        """
        return self.services.requests.once(self._keyed(work))

    def _keyed(self, work: Callable[[Transaction], object]) -> Keyed:
        key = self._request.headers.get("idempotency-key") if self._request.method == "POST" else None
        fingerprint = "" if key is None else self._fingerprint()
        return Keyed(self.caller, key, fingerprint, lambda tx: write(work(tx)).decode())

    def change(
        self,
        work: Callable[[Transaction], object],
        *,
        status: int = 200,
        locate: Callable[[Any], str] | None = None,
    ) -> Change:
        """The change that does ``work`` once and answers with what it returned.

        ``locate`` gives the ``Location`` of what was made.
        """

        def respond(once: Once) -> Response:
            headers = replayed(once)
            if locate is not None:
                headers["Location"] = locate(msgspec.json.decode(once.body))
            return Response(once.body, status, headers, "application/json")

        return Change(self._keyed(work), respond)

    def _fingerprint(self) -> str:
        scope = self._request.scope
        asked = f"{scope['method']} {scope['path']}?".encode() + scope["query_string"] + b"\n"
        return hashlib.sha256(asked + self._body).hexdigest()


def gathered(
    endpoint: Callable[Concatenate[Visit, P], Change],
) -> Callable[..., Awaitable[Response]]:
    """An endpoint that changes something, done together with others; its own code runs in a worker thread."""

    @wraps(endpoint)
    async def gathering(visit: Visit, *args: P.args, **kwargs: P.kwargs) -> Response:
        read = partial(endpoint, visit, *args, **kwargs)
        if visit.size > _SMALL_BYTES:
            return await visit.gathering.answer_alone(read)
        return await visit.gathering.answer(read)

    _GATHERED.add(gathering)
    return gathering


def is_gathered(endpoint: Callable[..., object]) -> bool:
    """Whether an endpoint was made by :func:`gathered`."""
    return endpoint in _GATHERED


def replayed(once: Once) -> dict[str, str]:
    """The header that marks an answer given before."""
    return {"Idempotency-Replayed": "true"} if once.replayed else {}


def write(answer: object) -> bytes:
    """JSON of an answer: shapes, and inside them sets and mappings in order and models in their own form."""
    return msgspec.json.encode(answer, enc_hook=_plain, order="deterministic")


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    raise TypeError(type(value).__name__)


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a shape."""
    return Response(write(body), status, dict(headers or {}), "application/json")


class Door(SecurityBase):
    """Lets a request in: its token shown, its parameters known, its body within ``limit`` bytes.

    FastAPI's own bearer scheme would be a dependency of this one, and cost every request as much again.
    """

    def __init__(self, limit: int) -> None:
        self.model = HTTPBearer(description="A token, `suanli token create`.")
        self.scheme_name = "token"
        self._limit = limit
        self._known: dict[str, frozenset[str]] = {}

    async def __call__(self, request: Request) -> Visit:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise NotAuthenticatedError("no token was shown", "send `Authorization: Bearer <token>`")
        if request.scope["query_string"]:
            self._refuse_unknown_parameters(request)
        body = await self._body(request) if request.method in _WITH_BODY else b""
        return Visit(request, secret.strip(), body)

    async def _body(self, request: Request) -> bytes:
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limit:
            raise HTTPException(413, f"at most {self._limit} bytes")
        pieces, size = [], 0
        async for piece in request.stream():
            size += len(piece)
            if size > self._limit:
                raise HTTPException(413, f"at most {self._limit} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    def _refuse_unknown_parameters(self, request: Request) -> None:
        known = self._known_parameters(request.scope["route"])
        unknown = [
            {"type": "unknown_parameter", "loc": ("query", name), "msg": "There is no such query parameter"}
            for name in request.query_params
            if name not in known
        ]
        if unknown:
            raise RequestValidationError(unknown)

    def _known_parameters(self, route: APIRoute) -> frozenset[str]:
        known = self._known.get(route.unique_id)
        if known is None:
            parameters = get_flat_params(route.dependant)
            known = frozenset(parameter.alias for parameter in parameters if isinstance(parameter.field_info, Query))
            self._known[route.unique_id] = known
        return known


AnyVisit = Annotated[Visit, Depends(Door(MAX_BODY_BYTES))]
BulkVisit = Annotated[Visit, Depends(Door(MAX_BULK_BYTES))]
