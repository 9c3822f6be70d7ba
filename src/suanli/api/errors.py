"""The one table from errors to HTTP, and the problem documents (RFC 9457) made by it.

Codes are never renamed. A reader of Chinese gets the class's sentence in Chinese and, where the error says more than
its class and parameters can, the particulars in the words they were written in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from suanli.api import fields
from suanli.api.language import Language, Words, choose
from suanli.api.schemas.problem import FieldProblem, Problem
from suanli.model import errors as model

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """How a class of errors meets the reader. ``zh`` is the whole sentence in Chinese where the parameters suffice."""

    status: int
    title: Words
    zh: str = ""
    headers: Mapping[str, str] = {}


_AGAIN = {"Retry-After": "1"}

KINDS: Mapping[type[model.SuanliError], Kind] = {
    model.SuanliError: Kind(500, Words("Internal error", "内部错误")),
    model.InvalidRequestError: Kind(422, Words("Invalid request", "请求无效")),
    model.NotAuthenticatedError: Kind(
        401,
        Words("Not authenticated", "未通过身份验证"),
        "令牌缺失、未知、已过期或已吊销",
        {"WWW-Authenticate": 'Bearer realm="suanli"'},
    ),
    model.NotPermittedError: Kind(403, Words("Not permitted", "没有权限")),
    model.NotFoundError: Kind(404, Words("Not found", "未找到"), "没有这样的{noun}：{name}"),
    model.ConflictError: Kind(409, Words("Conflict", "与当前状态冲突")),
    model.AlreadyExistsError: Kind(409, Words("Already exists", "已经存在")),
    model.IdempotencyMismatchError: Kind(
        422, Words("Idempotency key reused", "幂等键已被使用"), "该幂等键已用于另一个请求，请换用新的键"
    ),
    model.IllegalTransitionError: Kind(409, Words("State does not allow this", "当前状态不允许此操作")),
    model.AdmissionRefusedError: Kind(403, Words("Admission refused", "未获准入")),
    model.UnsupportedError: Kind(409, Words("Not supported here", "本中心不支持")),
    model.BusyError: Kind(429, Words("Busy", "繁忙"), "正在处理的同类请求已达上限，请稍后再试", {"Retry-After": "5"}),
    model.TooFarAheadError: Kind(
        422,
        Words("Too far ahead", "预测过远"),
        "预测了 {turns} 轮（至 {ahead_s} 秒后）仍未结束：已有 {started} 个作业开始，{waiting} 个仍在等待",
    ),
    model.EngineError: Kind(502, Words("Engine failed", "引擎失败")),
    model.EngineUnavailableError: Kind(503, Words("Engine unavailable", "引擎暂不可用"), headers=_AGAIN),
    model.MessageRefusedError: Kind(502, Words("Message refused", "消息被拒收")),
    model.NotifierUnavailableError: Kind(503, Words("Notifier unavailable", "通知服务暂不可用"), headers=_AGAIN),
    model.StoreError: Kind(500, Words("Store failed", "存储失败")),
    model.StoreUnavailableError: Kind(503, Words("Store unavailable", "存储暂不可用"), headers=_AGAIN),
    model.StoreVersionError: Kind(500, Words("Store of another version", "存储版本不符")),
    model.ChainBrokenError: Kind(500, Words("Fact chain broken", "事实链校验失败")),
}

NOUNS = {
    "workload": "作业",
    "run": "运行",
    "run of workload": "运行，作业",
    "output": "输出",
    "node": "节点",
    "queue": "队列",
    "reservation": "预留",
    "user": "用户",
    "project": "项目",
    "token": "令牌",
    "engine": "引擎",
    "tariff": "价格",
    "QOS": "服务质量",
}


class Refusal(NamedTuple):
    """How the web's own refusals meet the reader."""

    code: str
    title: Words


REFUSALS: Mapping[int, Refusal] = {
    400: Refusal("malformed_request", Words("Malformed request", "请求格式错误")),
    404: Refusal("no_such_route", Words("No such route", "没有此路径")),
    405: Refusal("method_not_allowed", Words("Method not allowed", "不允许的方法")),
    413: Refusal("body_too_large", Words("Body too large", "请求体过大")),
    415: Refusal("not_json", Words("The body must be application/json", "请求体必须为 application/json")),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One error, ready to be written."""

    status: int
    code: str
    title: str
    detail: str
    hint: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)
    errors: Sequence[FieldProblem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> bytes:
        """The problem document."""
        problem = Problem(
            type=f"urn:suanli:error:{self.code}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            code=self.code,
            hint=self.hint,
            params=dict(self.params),
            errors=list(self.errors),
        )
        return msgspec.json.encode(problem)

    def response(self) -> Response:
        """The answer that carries it."""
        return Response(self.document(), self.status, dict(self.headers), MEDIA_TYPE)


def kind_of(error: model.SuanliError) -> Kind:
    """The row of the nearest class in the table."""
    return next(KINDS[known] for known in type(error).__mro__ if known in KINDS)


def tell(error: model.SuanliError, language: Language) -> Told:
    """Put an error of the center into the reader's words."""
    kind = kind_of(error)
    errors = []
    if isinstance(error, model.InvalidRequestError):
        errors = [FieldProblem(field=error.field, detail=error.detail)]
    detail = error.detail if language is Language.EN else _in_chinese(kind, error)
    title = kind.title.say(language)
    return Told(kind.status, error.code, title, detail, error.hint, error.params, errors, kind.headers)


def _in_chinese(kind: Kind, error: model.SuanliError) -> str:
    if not kind.zh:
        return f"{kind.title.zh}：{error.detail}"
    named = {name: NOUNS.get(str(value), value) if name == "noun" else value for name, value in error.params.items()}
    return kind.zh.format_map(named)


def _refusal(status: int, detail: str, language: Language, headers: Mapping[str, str]) -> Told:
    refusal = REFUSALS[status]
    title = refusal.title.say(language)
    return Told(status, refusal.code, title, detail or title, headers=headers)


def _invalid(error: RequestValidationError, language: Language) -> Told:
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return _refusal(400, fields.say(problems[0], language), language, {})
    kind = KINDS[model.InvalidRequestError]
    errors = [FieldProblem(field=fields.path(p["loc"]), detail=fields.say(p, language)) for p in problems]
    first = errors[0]
    title = kind.title.say(language)
    params = {"field": first.field}
    return Told(422, model.InvalidRequestError.code, title, f"{first.field}: {first.detail}", "", params, errors)


def language_of(request: Request) -> Language:
    """The language this reader asks for."""
    return choose(request.headers.get("accept-language", ""))


def install(app: FastAPI, methods: Callable[[str], str]) -> None:
    """Have every error of the application, the framework's own too, leave as a problem document.

    ``methods`` says which a path allows: the framework names only those of the first route that has the path.
    """

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, model.SuanliError)  # noqa: S101  the framework's signature is wider than its promise
        return tell(error, language_of(request)).response()

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        return _invalid(error, language_of(request)).response()

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        status = error.status_code
        headers = {"Allow": methods(request.url.path)} if status == 405 else {}
        return _refusal(status, "" if status in {404, 405} else error.detail, language_of(request), headers).response()

    async def unknown(request: Request, _error: Exception) -> Response:
        language = language_of(request)
        said = Words("the center failed; its log says more", "中心内部出错，详见其日志").say(language)
        return tell(model.SuanliError(said), Language.EN).response()

    app.add_exception_handler(model.SuanliError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(Exception, unknown)
