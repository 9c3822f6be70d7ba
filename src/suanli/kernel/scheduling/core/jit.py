"""How the inner loops are compiled: without the interpreter's lock, dividing as C does, kept on disk by entry.

An ``entry`` is what Python calls; its machine code, with all that it calls, is kept on disk (where: wiring.compiled).
What only other compiled functions call is ``compiled``: kept as part of its entries, so that a start loads few files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile for use inside entries; nothing in it may be a Python object."""
    made: Callable[P, R] = numba.njit(nogil=True, error_model="numpy")(function)
    return made


def entry(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, or load what an earlier process compiled of the same source."""
    made: Callable[P, R] = numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    return made
