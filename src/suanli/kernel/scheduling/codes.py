"""Small integers that stand for what is in use."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Codes(Generic[K]):
    """Integers from 0 for the keys in use; one is given again once nobody uses its key.

    The ``spare`` keys that went out of use last are remembered: who takes one of them again finds its code as it was.
    """

    def __init__(self, spare: int = 0) -> None:
        self._spare = spare
        self._unused: dict[K, int] = {}
        self._codes: dict[K, int] = {}
        self._keys: list[K] = []
        self._users: list[int] = []
        self._free: list[int] = []

    def copied(self) -> Codes[K]:
        """Codes that begin as these are, and then go their own way."""
        other: Codes[K] = Codes(self._spare)
        other._unused, other._codes = dict(self._unused), dict(self._codes)
        other._keys, other._users, other._free = list(self._keys), list(self._users), list(self._free)
        return other

    def __iter__(self) -> Iterator[K]:
        """The keys in use."""
        return iter(self._codes)

    def codes(self) -> list[int]:
        """The codes of all keys in use and of those remembered."""
        return [*self._codes.values(), *self._unused.values()]

    def __len__(self) -> int:
        """One more than the largest code ever given."""
        return len(self._keys)

    def __getitem__(self, key: K) -> int:
        """The code of a key in use."""
        return self._codes[key]

    def key(self, code: int) -> K:
        """The key of a code in use."""
        return self._keys[code]

    def take(self, key: K) -> tuple[int, bool]:
        """The key's code, with one user more; and whether it is new to the key."""
        code = self._codes.get(key)
        if code is not None:
            self._users[code] += 1
            return code, False
        code = self._unused.pop(key, None)
        if code is not None:
            self._codes[key] = code
            self._users[code] = 1
            return code, False
        if self._free:
            code = self._free.pop()
            self._keys[code], self._users[code] = key, 1
        else:
            code = len(self._keys)
            self._keys.append(key)
            self._users.append(1)
        self._codes[key] = code
        return code, True

    def leave(self, code: int) -> bool:
        """Let go of the code; tell whether nobody uses it any more."""
        self._users[code] -= 1
        if self._users[code]:
            return False
        del self._codes[self._keys[code]]
        self._unused[self._keys[code]] = code
        if len(self._unused) > self._spare:
            oldest = next(iter(self._unused))
            self._free.append(self._unused.pop(oldest))
        return True
