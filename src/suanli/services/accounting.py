"""Accounting: what people's runs held, as it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suanli.kernel.authority import is_staff, require
from suanli.model.errors import InvalidRequestError
from suanli.model.tenancy import Caller, Scope
from suanli.model.usage import DAY_US, UsageDay
from suanli.ports.clock import Clock
from suanli.ports.store import Store, UsageBy, UsageFilter

MAX_DAYS = 3660
"""Most days that one question may be about: ten years."""


class Accounting:
    """Answers from what ended runs left on record."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def today(self) -> int:
        """The day that it is, counted from the epoch."""
        return self._clock.now() // DAY_US

    def usage(self, caller: Caller, which: UsageFilter, by: frozenset[UsageBy]) -> Sequence[UsageDay]:
        """What was held, told apart as asked; a plain user's own, for operators everybody's.

        Raises:
            InvalidRequestError: the days are none, or too many.
        """
        require(caller, Scope.READ)
        if which.last < which.first:
            raise InvalidRequestError("until", "the last day lies before the first", "give the earlier day as since")
        if which.last - which.first >= MAX_DAYS:
            raise InvalidRequestError("since", f"more than {MAX_DAYS} days", "ask for a part of them")
        if not is_staff(caller):
            if which.owner not in {"", caller.user}:
                return []
            which = replace(which, owner=caller.user)
        with self._store.read() as tables:
            return tables.usage(which, by)
