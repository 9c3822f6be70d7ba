"""How fragmented the devices of a center are while a replay lasts, looked at between events.

The measure is that of fragmentation gradient descent (``scheduling.scores.fragmentation``): what of the free devices a
request drawn at random from the trace cannot use. It depends on which node holds what, and so is taken from the tables.
"""

from __future__ import annotations

import numpy as np

from suanli.kernel.replay.trace import Int64s
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.criteria import Request, Typical
from suanli.kernel.scheduling.scores.typical import typical


class Fragmentation:
    """Thousandths of devices free and of no use to typical requests, at instants in microseconds."""

    def __init__(self, tables: t.Center) -> None:
        """Take as typical what the jobs of these tables ask for, each as often as it has tasks."""
        asked = tables.shapes[:, [t.TASK_CPU, t.TASK_MEMORY, t.DEVICES, t.SHARE, t.TYPES]].tolist()
        often = np.bincount(tables.jobs[:, t.SHAPE], weights=tables.jobs[:, t.NEED], minlength=len(asked)).astype(
            np.int64
        )
        self._typical = typical([Request(*one) for one in asked], often)
        self._at: list[int] = []
        self._shares: list[int] = []

    def note(self, tables: t.Center, now: int) -> None:
        """Look at the center as it is now; of one instant the last look counts."""
        if self._at and self._at[-1] == now:
            self._at.pop()
            self._shares.pop()
        self._at.append(now)
        self._shares.append(fragmented(tables, self._typical))

    @property
    def at_us(self) -> Int64s:
        """When it was looked at."""
        return np.array(self._at, dtype=np.int64)

    @property
    def shares(self) -> Int64s:
        """What was found."""
        return np.array(self._shares, dtype=np.int64)


def fragmented(tables: t.Center, known: Typical) -> int:
    """Thousandths of free devices that a typical request cannot use, over all nodes: the expectation, rounded."""
    free, kind = tables.devices[:, :, t.FREE], tables.devices[:, :, t.TYPE]
    cpu, usable = tables.nodes[:, t.FREE_CPU], np.zeros(len(tables.nodes))
    for bucket in range(known.number.size):
        will_do = (free >= known.share[bucket]) & (kind >= 0) & (known.models[bucket] >> np.maximum(kind, 0) & 1 == 1)
        requests = slice(known.start[bucket], known.start[bucket + 1])
        weights = np.concatenate(([0.0], known.weight[requests]))
        fitting = weights[np.searchsorted(known.cpu[requests], cpu, side="right")]
        enough = will_do.sum(axis=1) >= known.number[bucket]
        usable += np.where(enough, fitting * np.where(will_do, free, 0).sum(axis=1), 0.0)
    there = int(np.where(kind >= 0, free, 0).sum())
    return there - round(float(usable.sum()))
