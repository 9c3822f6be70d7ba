"""Step 1: who goes first. A policy gives sort keys, most significant first; smaller goes first; ids break every tie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from suanli.kernel.scheduling.snapshot import Ints, Snapshot, Waiting
from suanli.model.errors import NotFoundError

OrderPolicy = Callable[[Waiting, Ints], tuple[Ints, ...]]
"""From waiting rows and the priority of each one's queue to their sort keys."""


def by_priority(waiting: Waiting, queue_priority: Ints) -> tuple[Ints, ...]:
    """Queue priority, then the workload's own, then first come first served from the instant it became eligible."""
    return -queue_priority, -waiting.priority, waiting.since


ORDERS: dict[str, OrderPolicy] = {"priority": by_priority}


def order(snapshot: Snapshot, policy: str) -> Ints:
    """Rows of all waiting workloads, the one that goes first in front.

    Raises:
        NotFoundError: no order policy has that name.
    """
    if policy not in ORDERS:
        raise NotFoundError("order policy", policy)
    waiting = snapshot.waiting
    keys = [*ORDERS[policy](waiting, snapshot.queue_priority[waiting.queue]), waiting.id]
    # A key that is the same for all costs a comparison of neighbours instead of a sort.
    telling = [key for key in keys if (key[1:] != key[:-1]).any()]
    rows = np.lexsort(telling[::-1]) if telling else np.arange(waiting.id.size)
    return rows[waiting.id[rows] > 0].astype(np.int64, copy=False)
