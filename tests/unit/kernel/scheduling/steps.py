"""How Python asks single steps where the loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba as untyped_numba

numba: Any = untyped_numba
F = TypeVar("F", bound=Callable[..., Any])


def asked(step: F) -> F:
    """What calls a step that is compiled for use inside entries alone; the step itself where nothing is compiled."""
    if numba.config.DISABLE_JIT:
        return step

    def ask(*given: object) -> object:
        return step(*given)

    found: F = numba.njit(_nrt=False, error_model="numpy")(ask)
    return found
