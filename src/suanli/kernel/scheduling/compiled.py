"""How the kernel's hot loops are compiled: one place that knows the compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Machine code of a function on numbers and arrays, kept beside its source between processes, run without the GIL.

    Divisions follow IEEE 754, as in numpy: no check for zero stands in the loop.
    """
    machine_code: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return machine_code
