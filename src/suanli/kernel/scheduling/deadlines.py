"""Until when waiting work must start to be done by its deadline."""

from __future__ import annotations

import heapq

from suanli.kernel.scheduling.core import tables as t
from suanli.model.ids import WorkloadId
from suanli.model.quantities import Instant


class Deadlines:
    """The latest starts of waiting work, the nearest in front."""

    def __init__(self) -> None:
        self._latest: dict[WorkloadId, int] = {}
        self._order: list[tuple[int, WorkloadId]] = []
        """What is no more the workload's own is passed over when it comes to the front."""

    def join(self, workload: WorkloadId, latest: int) -> None:
        """A workload waits, and is in time if it starts by then."""
        if latest < t.NEVER:
            self._latest[workload] = latest
            heapq.heappush(self._order, (latest, workload))

    def leave(self, workload: WorkloadId) -> None:
        """A workload waits no longer."""
        self._latest.pop(workload, None)

    @property
    def next(self) -> int:
        """The nearest latest start, NEVER where there is none."""
        while self._order and self._latest.get(self._order[0][1]) != self._order[0][0]:
            heapq.heappop(self._order)
        return self._order[0][0] if self._order else t.NEVER

    def missed(self, now: Instant) -> list[WorkloadId]:
        """Those that cannot be in time any more, however soon they start; by id."""
        if self.next >= now:
            return []
        return sorted(workload for workload, latest in self._latest.items() if latest < now)

    def copied(self) -> Deadlines:
        """As it is now, and on its own from then on."""
        other = Deadlines()
        other._latest, other._order = dict(self._latest), list(self._order)
        return other
