"""What every operation says of itself in the OpenAPI: its body, its answers beyond the schema, its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from suanli.api.errors import KINDS, MEDIA_TYPE, REFUSALS
from suanli.api.language import Words
from suanli.model import errors as model

Responses = dict[int | str, dict[str, Any]]

BODIES: dict[str, TypeAdapter[Any]] = {}
"""The shapes of all bodies by their names; the OpenAPI holds each once."""


NULL = "\0null"
"""Stands for null in an example until FastAPI, which drops every null of a document, is done with it."""


def _nulls_kept(example: Any) -> Any:
    if isinstance(example, dict):
        return {name: _nulls_kept(value) for name, value in example.items()}
    if isinstance(example, list):
        return [_nulls_kept(value) for value in example]
    return NULL if example is None else example


def takes(name: str, shape: TypeAdapter[Any], **examples: object) -> dict[str, Any]:
    """The ``openapi_extra`` of an operation with a body, which the visit reads and FastAPI never sees."""
    BODIES[name] = shape
    told = {word: {"value": value} for word, value in examples.items()}
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}, "examples": told}}
    return {"requestBody": {"required": True, "content": content}}


def gives(status: int, description: str, example: object, headers: Mapping[str, str] | None = None) -> Responses:
    """A good answer: what it means, a real example, its headers."""
    told: dict[str, Any] = {
        "description": description,
        "content": {"application/json": {"example": _nulls_kept(example)}},
    }
    if headers:
        told["headers"] = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}
    return {status: told}


def follows(example: str) -> Responses:
    """A good answer that is a stream of server-sent events."""
    return {200: {"description": "Events as they happen.", "content": {"text/event-stream": {"example": example}}}}


def refuses(*kinds: type[model.SuanliError], body: bool = False) -> Responses:
    """The refusals an operation knows; those of every operation with a token are among them always."""
    always: tuple[type[model.SuanliError], ...] = (
        model.NotAuthenticatedError,
        model.NotPermittedError,
        model.InvalidRequestError,
        model.StoreUnavailableError,
    )
    told: dict[int, list[tuple[str, Words]]] = {}
    for kind in dict.fromkeys((*always, *kinds)):
        told.setdefault(KINDS[kind].status, []).append((kind.code, KINDS[kind].title))
    if body:
        for status in (400, 413, 415):
            told.setdefault(status, []).append(REFUSALS[status])
    return {status: _problem(status, cases) for status, cases in sorted(told.items())}


def _problem(status: int, cases: list[tuple[str, Words]]) -> dict[str, Any]:
    examples = {
        code: {
            "value": {
                "type": f"urn:suanli:error:{code}",
                "title": title.en,
                "status": status,
                "detail": title.en,
                "code": code,
                "hint": "",
                "params": {},
                "errors": [],
            }
        }
        for code, title in cases
    }
    return {
        "description": " / ".join(title.en for _, title in cases),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    }
