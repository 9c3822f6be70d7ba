"""How the inner loops are compiled: without the interpreter's lock, dividing as C does, kept on disk by entry.

An ``entry`` is what Python calls; its machine code, with all that it calls, is kept on disk (where: wiring.compiled).
What only other compiled functions call is ``compiled``: kept as part of its entries, so that a start loads few files.
Python cannot call that (``dispatchers`` says why).

These two make no arrays. Then nobody need count who refers to one, which for a center, handed on with all its tables at
every call, took half of all time. What does make arrays says so: ``allocating``, or ``allocating_entry``. Since those
count, they must not call for an array what does not; and an array that they give must not go to what does not count.
Nor may Python ask what does not count for an array.

A server has no need of the compiler: it calls a library that was linked of the same entries (record 0019). Numba is
therefore imported by the first function that it must compile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from suanli.kernel.scheduling.core.linked import Library

P = ParamSpec("P")
R = TypeVar("R")

_linked: list[Library] = []


def link(path: str) -> None:
    """Let entries, of modules imported from now on, be those of a linked library. It cannot be taken back.

    Raises:
        OSError: it cannot be loaded.
    """
    _linked.append(Library(path))


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile for use inside entries; nothing in it may be a Python object, and it makes no arrays."""
    return function if _linked else _made(function, is_kept=False, counts=False)


def allocating(function: Callable[P, R]) -> Callable[P, R]:
    """Compile for use inside entries what makes arrays."""
    return function if _linked else _made(function, is_kept=False, counts=True)


def entry(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, or load what an earlier process compiled of the same source; it makes no arrays."""
    return _linked[-1].entry(function) if _linked else _made(function, is_kept=True, counts=False)


def allocating_entry(function: Callable[P, R]) -> Callable[P, R]:
    """Compile as an entry what makes arrays."""
    return _linked[-1].entry(function) if _linked else _made(function, is_kept=True, counts=True)


def _made(function: Callable[P, R], *, is_kept: bool, counts: bool) -> Callable[P, R]:
    # Where there is a library, the compiler is not loaded.
    from numba import config  # noqa: PLC0415

    if getattr(config, "DISABLE_JIT"):  # noqa: B009  numba sets it when it is imported
        return function
    from suanli.kernel.scheduling.core import handed  # noqa: F401, PLC0415  it teaches numba what a center is
    from suanli.kernel.scheduling.core.dispatchers import Entry, Inner  # noqa: PLC0415

    options = {"nopython": True, "nogil": True, "error_model": "numpy", "_nrt": counts}
    return cast("Callable[P, R]", Entry(function, options) if is_kept else Inner(function, options))
