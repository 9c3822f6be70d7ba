"""One row copied onto another, element by element: an assignment of slices would make an array of its own (``jit``)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.tables import Devices

T = TypeVar("T", bound=np.generic)


@compiled
def copy(into: NDArray[T], source: NDArray[T]) -> None:
    """Copy a row [n] onto another of at least its length."""
    for place in range(source.size):
        into[place] = source[place]


@compiled
def copy_devices(into: Devices, source: Devices) -> None:
    """Copy what is known of a node's devices [D, columns]."""
    for position in range(source.shape[0]):
        for column in range(source.shape[1]):
            into[position, column] = source[position, column]
