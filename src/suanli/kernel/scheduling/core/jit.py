"""How the inner loops are compiled: without the interpreter's lock, dividing as C does, kept on disk by entry.

An ``entry`` is what Python calls; its machine code, with all that it calls, is kept on disk (where: wiring.compiled).
What only other compiled functions call is ``compiled``: kept as part of its entries, so that a start loads few files.

A server has no need of the compiler: it calls a library that was linked of the same entries (record 0019). Numba is
therefore imported by the first function that it must compile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

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
    """Compile for use inside entries; nothing in it may be a Python object."""
    if _linked:
        return function
    import numba  # noqa: PLC0415  where there is a library, the compiler is not loaded

    made: Callable[P, R] = numba.njit(nogil=True, error_model="numpy")(function)
    return made


def entry(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, or load what an earlier process compiled of the same source."""
    if _linked:
        return _linked[-1].entry(function)
    import numba  # noqa: PLC0415

    made: Callable[P, R] = numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    return made
