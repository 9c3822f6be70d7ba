"""Gathered requests are read without the framework: each refusal is the one that the framework's own reading gives."""

from __future__ import annotations

import asyncio
from typing import cast

import httpx
import pytest
from fastapi import FastAPI

from suanli.api.app import Services, create_app

TOKEN = {"Authorization": "Bearer of-somebody"}
CHINESE = {"Accept-Language": "zh"}
NOBODY = cast("Services", None)
"""All that is refused here is refused before any service is asked."""


def framework() -> FastAPI:
    """The application with every request left to FastAPI."""
    app = create_app(NOBODY)
    kept = [passed for passed in app.user_middleware if "routes" not in passed.kwargs]
    assert len(kept) == len(app.user_middleware) - 1
    app.user_middleware = kept
    return app


def ask(app: FastAPI, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
    """The answer of an application that has no server around it."""

    async def asking() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://center") as client:
            return await client.request(method, path, headers=headers, content=body)

    return asyncio.run(asking())


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/v1/workloads", {}, 401),
        ("POST", "/v1/workloads?hold=perhaps", TOKEN, 422),
        ("POST", "/v1/workloads?hold=perhaps", TOKEN | CHINESE, 422),
        ("POST", "/v1/workloads?hold=perhaps&held=true", TOKEN, 422),
        ("POST", "/v1/workloads?held=true", TOKEN | CHINESE, 422),
        ("POST", "/v1/workloads/0/cancel", TOKEN, 422),
        ("POST", "/v1/workloads/batch?hold=perhaps", TOKEN, 422),
        ("POST", "/v1/workloads/1_x/hold?now=1", TOKEN, 422),
        ("POST", "/v1/workloads/a%0Ab/release", TOKEN, 422),
        ("PATCH", "/v1/workloads/%E7%AE%97", TOKEN | CHINESE, 422),
        ("POST", "/v1/workloads", TOKEN | {"Content-Length": "9000000"}, 413),
        ("DELETE", "/v1/workloads", TOKEN, 405),
        ("POST", "/v1/workloads/", TOKEN, 404),
        ("POST", "/v1/workloads/1/nothing", TOKEN, 404),
    ],
)
def test_a_refusal_is_the_one_of_the_framework(method: str, path: str, headers: dict[str, str], status: int) -> None:
    direct = ask(create_app(NOBODY), method, path, headers, b"{}")
    told = ask(framework(), method, path, headers, b"{}")
    assert direct.status_code == status, direct.text
    assert (direct.status_code, direct.content, direct.headers) == (told.status_code, told.content, told.headers)
