"""The tree of errors. Each class has one stable ``code``; the edge (api/errors.py) maps it to status and language.

An error says what was wrong (``detail``) and what to do (``hint``). ``params`` carries the same as data, for the edge
to render in the reader's language.
"""

from __future__ import annotations

from typing import ClassVar


class SuanliError(Exception):
    """Root of every error a caller may meet."""

    code: ClassVar[str] = "internal"

    def __init__(self, detail: str, hint: str = "", **params: str | int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.params = params


class InvalidRequestError(SuanliError):
    """What was asked is not well formed; ``field`` names the offending place with dots and indices."""

    code = "invalid_request"

    def __init__(self, field: str, detail: str, hint: str = "") -> None:
        super().__init__(detail, hint, field=field)
        self.field = field


class NotAuthenticatedError(SuanliError):
    """No token, or one that is unknown, expired or revoked."""

    code = "not_authenticated"


class NotPermittedError(SuanliError):
    """The caller is known but may not do this."""

    code = "not_permitted"


class NotFoundError(SuanliError):
    """The thing named does not exist, or the caller may not know that it does."""

    code = "not_found"

    def __init__(self, noun: str, name: str | int, hint: str = "") -> None:
        super().__init__(f"no {noun} {name}", hint, noun=noun, name=name)


class ConflictError(SuanliError):
    """The thing is not in a state that allows this."""

    code = "conflict"


class AlreadyExistsError(ConflictError):
    """A thing of that name exists."""

    code = "already_exists"


class IdempotencyMismatchError(ConflictError):
    """The idempotency key was used before with another body."""

    code = "idempotency_mismatch"


class IllegalTransitionError(ConflictError):
    """A fact does not fit the state it was recorded against."""

    code = "illegal_transition"


class AdmissionRefusedError(SuanliError):
    """An admission check said no; ``reason`` is its stable code."""

    code = "admission_refused"

    def __init__(self, reason: str, detail: str, hint: str = "") -> None:
        super().__init__(detail, hint, reason=reason)
        self.reason = reason


class UnsupportedError(SuanliError):
    """The engine or center has no such ability; ``ability`` names it."""

    code = "unsupported"

    def __init__(self, ability: str, detail: str, hint: str = "") -> None:
        super().__init__(detail, hint, ability=ability)


class BusyError(SuanliError):
    """As much of this is being done as may be at a time; the same call may be made again."""

    code = "busy"


class TooFarAheadError(SuanliError):
    """Looking ahead takes more turns, or goes further, than is allowed.

    Until then so many workloads had started and so many still waited, ``ahead_s`` seconds from now.
    """

    code = "too_far_ahead"

    def __init__(self, *, turns: int, ahead_s: int, started: int, waiting: int) -> None:
        detail = f"after {turns} turns, {ahead_s} s ahead, {started} workloads have started and {waiting} still wait"
        super().__init__(detail, turns=turns, ahead_s=ahead_s, started=started, waiting=waiting)


class EngineError(SuanliError):
    """An engine refused or failed; nothing is known to have started."""

    code = "engine_failed"


class EngineUnavailableError(EngineError):
    """The engine does not answer now; the same call may be made again."""

    code = "engine_unavailable"


class MessageRefusedError(SuanliError):
    """A message will never be taken; who it was for is not told."""

    code = "message_refused"


class NotifierUnavailableError(SuanliError):
    """Messages cannot be handed over now; the same call may be made again."""

    code = "notifier_unavailable"


class StoreError(SuanliError):
    """The store failed; the transaction did not happen."""

    code = "store_failed"


class StoreUnavailableError(StoreError):
    """The store does not answer now; the same call may be made again."""

    code = "store_unavailable"


class StoreVersionError(StoreError):
    """The store was written by another version of Suanli than this one understands."""

    code = "store_version"


class ChainBrokenError(StoreError):
    """The fact chain does not verify: a fact was altered, removed or inserted."""

    code = "chain_broken"

    def __init__(self, seq: int, detail: str) -> None:
        super().__init__(detail, "restore the store from a copy that verifies", seq=seq)
        self.seq = seq
