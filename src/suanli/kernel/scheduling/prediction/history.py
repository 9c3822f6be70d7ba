"""What has ended: the last runs of each user, and how runs of each class of requested times came out on the whole."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.scheduling.core.jit import entry
from suanli.kernel.scheduling.core.tables import Ints

DEPTH = 64
"""Runs remembered of each user. With weights that fall by a tenth a run, those before have 0.1 % of the weight."""

RECENT = 100
"""Runs of the whole center that tell how far below its request a run may end: of crashes one is soon among them."""

CLASSES = 96
"""Classes of requested times, two for each doubling from one microsecond on: the last begins at five years."""

FLOOR_US = 10_000_000
"""Shorter runs count as this long in slowdowns: the ten seconds of bounded slowdown (Feitelson et al., JSSPP 1997)."""

WEIGHT, RUNTIME, URGENCY = range(3)
"""Columns of ``History.classes``: the weight of what ended, its run time in us, one over its run time, each summed."""

_KEPT = 0.99
"""What is left of a class's sums at each further end: a hundred ends back, a third. Centers change by the month."""

_FIRST_CORRECTION_US = 60_000_000
"""The least by which a prediction is prolonged: the first step of Tsafrir, Etsion, Feitelson (TPDS 2007)."""


class History(NamedTuple):
    """Runs that ended. [user, place] is one run: place is its number modulo ``DEPTH``; ``ended`` counts runs by user.

    ``size_milli`` is the milli-cpus of all tasks together. ``classes`` is [class of requested time, column]. ``parts``
    [RECENT] are run times as parts of what was requested, of the runs that ended last, 1 where there was none;
    ``total`` [1] counts all runs.
    """

    runtime_us: Ints
    requested_us: Ints
    size_milli: Ints
    ended: Ints
    classes: NDArray[np.float64]
    parts: NDArray[np.float64]
    total: Ints


def history(users: int) -> History:
    """Nothing ended yet, for users numbered from 0.

    A class starts with the weight of one run of half its requested time, at twice the urgency of its full length.
    """
    shape = (users, DEPTH)
    begins_us = 2.0 ** (np.arange(CLASSES) / 2)
    classes = np.stack((np.ones(CLASSES), begins_us / 2, 2 / np.maximum(begins_us, FLOOR_US)), axis=1)
    runtime_us, requested_us, size_milli = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    ended, total = np.zeros(users, dtype=np.int64), np.zeros(1, dtype=np.int64)
    return History(runtime_us, requested_us, size_milli, ended, classes, np.ones(RECENT), total)


@entry
def class_of(requested_us: int) -> int:
    """The class of a requested time: two for each doubling."""
    return min(int(2 * math.log2(max(requested_us, 1))), CLASSES - 1)


@entry
def learn(past: History, user: int, requested_us: int, size_milli: int, runtime_us: int) -> None:
    """Add a run that ended, however it ended: crashes are what tells short work from long."""
    place = past.ended[user] % DEPTH
    past.runtime_us[user, place] = runtime_us
    past.requested_us[user, place] = max(requested_us, 1)
    past.size_milli[user, place] = max(size_milli, 1)
    past.ended[user] += 1
    past.parts[past.total[0] % RECENT] = min(runtime_us / max(requested_us, 1), 1.0)
    past.total[0] += 1
    of = past.classes[class_of(requested_us)]
    of *= _KEPT
    of[WEIGHT] += 1
    of[RUNTIME] += runtime_us
    of[URGENCY] += 1 / max(runtime_us, FLOOR_US)


@entry
def correct(requested_us: int, elapsed_us: int) -> int:
    """The run time to expect, in us, of what runs longer than was predicted: twice what it ran, at least a minute more.

    Never above the request, at which work is ended, and never in the past. Doubling is the recursive correction of
    Gaussier, Glesser, Reis, Trystram (SC 2015).
    """
    longer = elapsed_us + max(elapsed_us, _FIRST_CORRECTION_US)
    return max(min(longer, requested_us), elapsed_us + 1)
