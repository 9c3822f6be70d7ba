"""Entries of a linked library, called with addresses and numbers alone: no compiler is needed where they run.

An entry takes the address of its words, 64 bits each, and leaves its result in their place. Its answer is 0 where
memory ran out. What a word is (made there by ``trampoline``, here by ``_words``):

1. a number or a truth value is one word;
2. an array is the address of its first element, then its lengths, then its strides in bytes;
3. a tuple is the words of its members, one after the other;
4. a named tuple is the address of such words;
5. what knows its ``address`` is that: a center, whose many words are written down once.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast, get_type_hints

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")
Words: TypeAlias = "ctypes.Array[ctypes.c_int64]"


def symbol(function: Callable[..., object]) -> str:
    """The name of an entry in a library."""
    return f"{function.__module__}.{function.__qualname__}"


class Library:
    """A library of entries, loaded from a path.

    Raises:
        OSError: it cannot be loaded.
    """

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)

    def entry(self, function: Callable[P, R]) -> Callable[P, R]:
        """The entry that was made of a function.

        Raises:
            AttributeError: the library has none of that name.
        """
        call = self._library[symbol(function)]
        call.argtypes, call.restype = (ctypes.c_void_p,), ctypes.c_int64
        result = get_type_hints(function)["return"]
        size = len(getattr(result, "_fields", (result,)))

        def called(*arguments: P.args, **named: P.kwargs) -> R:
            if named:
                raise TypeError(f"{function.__name__} takes its arguments by position")
            kept: list[Words] = []
            given = _written(_words(arguments, kept), size)
            if not call(given):
                raise MemoryError(f"{function.__name__} could not have the memory that it needs")
            return cast("R", _read(given, result))

        return called


def written_down(values: tuple[object, ...]) -> Words:
    """The words of numbers, arrays and tuples of these.

    Raises:
        TypeError: an array has gaps between its elements.
    """
    return _written(_words(values, []))


def _words(values: tuple[object, ...], kept: list[Words]) -> list[int]:
    """The words of values; what they give the addresses of is kept in ``kept``."""
    words: list[int] = []
    for value in values:
        if isinstance(value, np.ndarray):
            words += _array(value)
        elif hasattr(value, "address"):
            words.append(value.address)
        elif not isinstance(value, tuple):
            words.append(int(cast("int", value)))
        elif hasattr(value, "_fields"):
            kept.append(_written(_words(tuple(value), [])))
            words.append(ctypes.addressof(kept[-1]))
        else:
            words += _words(value, kept)
    return words


def _array(array: np.ndarray[Any, Any]) -> tuple[int, ...]:
    if not array.flags.c_contiguous:
        raise TypeError("the library reads only arrays whose elements lie one after the other")
    return (array.ctypes.data, *array.shape, *array.strides)


def _written(words: list[int], least: int = 0) -> Words:
    return (ctypes.c_int64 * max(len(words), least))(*words)


def _read(words: Words, result: Any) -> object:
    if result is type(None):
        return None
    if hasattr(result, "_fields"):
        return result(*words[: len(result._fields)])
    return result(words[0])
