"""Every error leaves as a problem document, in the reader's language, with a code that never changes."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from suanli.api.errors import KINDS, install, kind_of, tell
from suanli.api.language import Language, choose
from suanli.api.reasons import ROWS
from suanli.kernel.scheduling.plan import ReasonCode
from suanli.model import errors
from tests.http.center import RunningCenter

FIELDS = {"type", "title", "status", "detail", "code", "hint", "params", "errors"}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert set(document) == FIELDS
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"] == f"urn:suanli:error:{code}"
    assert document["title"]
    assert document["detail"]
    return document


def kinds(root: type[errors.SuanliError] = errors.SuanliError) -> Iterator[type[errors.SuanliError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from kinds(child)


def test_every_class_of_errors_has_its_own_row_and_code() -> None:
    assert set(kinds()) == set(KINDS)
    assert len({kind.code for kind in kinds()}) == len(KINDS)


def test_every_reason_of_the_kernel_has_words() -> None:
    assert {str(code) for code in ReasonCode} <= set(ROWS)
    for row in ROWS.values():
        assert row.text.en
        assert row.text.zh


def test_an_unlisted_subclass_is_told_as_its_nearest_kin() -> None:
    class NotHereError(errors.NotFoundError):
        pass

    assert kind_of(NotHereError("node", "x")).status == 404
    assert tell(NotHereError("node", "x"), Language.ZH).detail == "没有这样的节点：x"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.EN),
        ("zh", Language.ZH),
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        ("en-GB, zh;q=0.3", Language.EN),
        ("de, zh;q=0.2", Language.ZH),
        ("zh;q=0", Language.EN),
        ("zh;q=x", Language.EN),
        (";;,,q=;", Language.EN),
    ],
)
def test_the_reader_chooses_the_language(header: str, language: Language) -> None:
    assert choose(header) is language


def test_no_token_and_a_bad_token(center: RunningCenter) -> None:
    with center.client() as client:
        problem(client.get("/v1/workloads"), 401, "not_authenticated")
        for shown in ("Bearer wrong", "Basic YTpi", "Bearer", "bearer \u00e9".encode().decode("latin-1")):
            answer = client.get("/v1/workloads", headers={b"Authorization": shown.encode("latin-1")})
            problem(answer, 401, "not_authenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_bad_token_is_told_before_a_bad_body(center: RunningCenter) -> None:
    with center.client(Authorization="Bearer wrong") as client:
        problem(client.post("/v1/workloads", content=b"{"), 401, "not_authenticated")


def test_routes_and_methods_that_are_not_there(center: RunningCenter) -> None:
    with center.client("ann") as client:
        problem(client.get("/v2/nothing"), 404, "no_such_route")
        problem(client.get("/v1/workloads/"), 404, "no_such_route")
        for path, methods in (("/v1/queues", "GET"), ("/v1/workloads/1", "GET, PATCH"), ("/v1/users", "GET, POST")):
            answer = client.delete(path)
            problem(answer, 405, "method_not_allowed")
            assert answer.headers["allow"] == methods


def test_bodies_that_are_none(center: RunningCenter) -> None:
    with center.client("ann") as client:
        json_type = {"Content-Type": "application/json"}
        problem(client.post("/v1/workloads", content=b"{", headers=json_type), 400, "malformed_request")
        problem(client.post("/v1/workloads", content=b"\xff\xfe", headers=json_type), 400, "malformed_request")
        problem(
            client.post("/v1/workloads", content=b'{"name":"\\ud800"}', headers=json_type), 400, "malformed_request"
        )
        problem(client.post("/v1/workloads", content=b"[" * 100_000, headers=json_type), 400, "malformed_request")
        problem(client.post("/v1/workloads", content=b"[]", headers=json_type), 422, "invalid_request")
        problem(client.post("/v1/workloads", content=b"a=b"), 415, "not_json")
        problem(client.post("/v1/workloads", data={"a": "b"}), 415, "not_json")


def test_a_body_that_is_too_large_announced_or_not(center: RunningCenter) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(10):
            yield b" " * (1 << 20)

    with center.client("ann") as client:
        json_type = {"Content-Type": "application/json"}
        problem(client.post("/v1/workloads", content=endless(), headers=json_type), 413, "body_too_large")
    address = urlsplit(center.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    connection.putrequest("POST", "/v1/workloads")
    connection.putheader("Authorization", f"Bearer {center.tokens['ann']}")
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["code"] == "body_too_large"
    connection.close()


def test_problems_are_told_in_chinese(center: RunningCenter) -> None:
    with center.client("ann", **{"Accept-Language": "zh"}) as client:
        missing = problem(client.get("/v1/workloads/999999999"), 404, "not_found")
        assert (missing["title"], missing["detail"]) == ("未找到", "没有这样的作业：999999999")
        assert missing["params"] == {"noun": "workload", "name": "999999999"}
        wrong = problem(client.post("/v1/workloads", json={"tasks": "x", "nme": 1}), 422, "invalid_request")
        assert {e["field"]: e["detail"] for e in wrong["errors"]} == {"tasks": "必须是整数", "nme": "没有这个字段"}
        denied = problem(client.get("/v1/users"), 403, "not_permitted")
        assert denied["title"] == "没有权限"
        assert "operators" in denied["detail"]


async def ask(app: FastAPI, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://center") as client:
        return await client.get(path)


def test_what_fails_inside_is_not_told_outside() -> None:
    app = FastAPI()
    install(app, lambda _path: "GET")

    @app.get("/defect")
    def defect() -> None:
        raise RuntimeError("the secret is 42")

    document = problem(asyncio.run(ask(app, "/defect")), 500, "internal")
    assert "42" not in str(document)


def test_answers_are_safe_to_show(center: RunningCenter) -> None:
    with center.client("ann") as client:
        for path in ("/v1/workloads", "/v1/health", "/v1/nothing"):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert "default-src 'none'" in headers["content-security-policy"]
