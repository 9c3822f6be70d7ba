"""Tables that grow: rows of integers kept by column, so that all of a column is one array."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np

from suanli.kernel.scheduling.snapshot import Ints

K = TypeVar("K", bound=Hashable)


class Columns:
    """``width`` columns of int64. A row keeps its number until it is dropped; a dropped one is zeros until reused."""

    def __init__(self, width: int) -> None:
        self._data = np.zeros((width, 16), dtype=np.int64)
        self._free: list[int] = []
        self.size = 0

    @property
    def data(self) -> Ints:
        """All rows as [column, row]; a view that lasts until the next ``add``."""
        return self._data[:, : self.size]

    def add(self, values: Sequence[int]) -> int:
        """Put the values into a row and return its number."""
        row = self._free.pop() if self._free else self._next()
        self._data[:, row] = values
        return row

    def drop(self, row: int) -> None:
        """Forget a row."""
        self._data[:, row] = 0
        self._free.append(row)

    def _next(self) -> int:
        if self.size == self._data.shape[1]:
            self._data = np.concatenate([self._data, np.zeros_like(self._data)], axis=1)
        self.size += 1
        return self.size - 1


class Coded(Generic[K]):
    """Small integers from 0 for the keys in use; a code is given again once nobody uses its key.

    ``keys`` has the key of each code, ``unused`` where a code has none.
    """

    def __init__(self, unused: K) -> None:
        self.keys: list[K] = []
        self._unused = unused
        self._codes: dict[K, int] = {}
        self._users: list[int] = []
        self._free: list[int] = []

    def __iter__(self) -> Iterator[K]:
        return iter(self._codes)

    def take(self, key: K) -> int:
        """The key's code, with one user more."""
        code = self._codes.get(key)
        if code is None:
            code = self._new(key)
        self._users[code] += 1
        return code

    def leave(self, code: int) -> bool:
        """Let go of the code; tell whether nobody uses it any more."""
        self._users[code] -= 1
        if self._users[code]:
            return False
        del self._codes[self.keys[code]]
        self.keys[code] = self._unused
        self._free.append(code)
        return True

    def _new(self, key: K) -> int:
        if self._free:
            code = self._free.pop()
            self.keys[code] = key
        else:
            code = len(self.keys)
            self.keys.append(key)
            self._users.append(0)
        self._codes[key] = code
        return code
