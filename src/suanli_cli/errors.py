"""What can go wrong for the person at the command line. Each class has its exit code; `docs/guide` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from suanli_cli.language import say


class CliError(Exception):
    """Root of every error shown without a traceback: what was wrong (``detail``) and what to do (``hint``)."""

    exit_code: ClassVar[int] = 1
    code: str = "failed"

    def __init__(self, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint

    def problem(self) -> Mapping[str, Any]:
        """The error as the problem document that ``--json`` prints."""
        return {"code": self.code, "detail": self.detail, "hint": self.hint}


class UsageMistake(CliError):
    """The command line or a file it names is not well formed."""

    exit_code = 2
    code = "usage"


class Unreachable(CliError):
    """No server answers at the address; whether a request in flight was carried out is not known."""

    exit_code = 6
    code = "unreachable"


class BadAnswer(CliError):
    """Something answered that does not speak Suanli's API."""

    code = "bad_answer"


class NotStarted(CliError):
    """The server could not be started or stopped."""

    code = "server_process"


class NoServer(Unreachable):
    """Nothing says where a server is."""

    code = "no_server"


class Refused(CliError):
    """The server said no. ``problem`` is its RFC 9457 document and ``code`` the stable code therein."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        detail = str(document.get("detail") or document.get("title") or say("error.status", status=status))
        found = [item for item in document.get("errors") or () if item.get("detail") != detail]
        fields = [f"{item.get('field')}: {item.get('detail')}" for item in found]
        super().__init__("\n  ".join([detail, *fields]), str(document.get("hint") or ""))
        self.status = status
        self.code = str(document.get("code") or "")
        self._document = document

    def problem(self) -> Mapping[str, Any]:
        return self._document


class Invalid(Refused):
    """What was asked is not well formed."""

    exit_code = 2


class NotFound(Refused):
    """The thing named does not exist, or the caller may not know that it does."""

    exit_code = 3


class NotPermitted(Refused):
    """No token, a worthless one, or one that may not do this."""

    exit_code = 4


class Conflict(Refused):
    """The thing is not in a state that allows this, or an admission check said no."""

    exit_code = 5


class Unavailable(Refused):
    """The server answers but cannot serve now; the same call may be made again."""

    exit_code = 6


_BY_STATUS: Mapping[int, type[Refused]] = {
    400: Invalid,
    401: NotPermitted,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: Unavailable,
    503: Unavailable,
}
_BY_CODE: Mapping[str, type[Refused]] = {"admission_refused": Conflict}


def refused(status: int, document: Mapping[str, Any]) -> Refused:
    """The typed error for an answer of ``status`` with this problem document."""
    kind = _BY_CODE.get(str(document.get("code"))) or _BY_STATUS.get(status, Refused)
    return kind(status, document)
