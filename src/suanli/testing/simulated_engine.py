"""An engine over simulated nodes, for a center that is shown and not used: runs take their time, and do nothing."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from suanli.model.errors import NotFoundError
from suanli.model.ids import EngineName, NodeName, RunId
from suanli.model.quantities import WHOLE_DEVICE
from suanli.model.workload import EndCause
from suanli.ports.clock import Clock
from suanli.ports.engine import (
    DeviceReading,
    EngineDescription,
    NodeReadings,
    Observation,
    ObservedState,
    RunOrder,
)
from suanli.testing.fake_center import ENGINE, SimulatedNode
from suanli.testing.fake_engine import FakeEngine

SECONDS = "SIMULATED_SECONDS"
"""The variable by which work says how long its runs take."""

_SECOND_US = 1_000_000


class SimulatedEngine(FakeEngine):
    """Runs begin at once, keep the cards that they hold busy, and end well after the time that their work says.

    Work that says nothing takes ``lasts_s``; none takes longer than its limit. Every run writes that it does nothing.
    """

    def __init__(self, nodes: Sequence[SimulatedNode], clock: Clock, *, lasts_s: int = 60) -> None:
        super().__init__((), clock)
        self._made = {node.name: node for node in nodes}
        self._lasts_s = lasts_s
        self._due: list[tuple[int, RunId]] = []

    @property
    def name(self) -> EngineName:
        return ENGINE

    def describe(self) -> EngineDescription:
        self._nodes = tuple(node.record() for node in self._made.values())
        return super().describe()

    def submit(self, orders: Sequence[RunOrder]) -> None:
        with self._bell:
            new = [order for order in orders if order.run not in self._runs]
            super().submit(new)
            for order in new:
                wanted = self._seconds(order)
                self.write(order.run, f"simulated: {wanted} s of doing nothing\n".encode())
                lasts = min(wanted, order.time_limit_s or wanted)
                heapq.heappush(self._due, (self._clock.now() + lasts * _SECOND_US, order.run))

    def observe(self, runs: Sequence[RunId]) -> Sequence[Observation]:
        self._end_due()
        return super().observe(runs)

    def watch(self, timeout_s: float) -> Sequence[RunId]:
        self._end_due()
        with self._bell:
            next_s = (self._due[0][0] - self._clock.now()) / _SECOND_US if self._due else timeout_s
        changed = super().watch(max(0.0, min(timeout_s, next_s)))
        self._end_due()
        return [*changed, *super().watch(0)]

    def readings(self, node: NodeName) -> NodeReadings:
        if node not in self._made:
            raise NotFoundError("node", node)
        with self._bell:
            self._load(node)
            found = self._made[node].devices.survey().devices
        told = tuple(
            DeviceReading(index=index, health=one.health, reason=one.reason, readings=one.readings)
            for index, one in enumerate(found)
        )
        return NodeReadings(taken_at=self._clock.now(), devices=told)

    def _load(self, name: NodeName) -> None:
        """Have the cards of a node as busy as what they are held for."""
        held: dict[int, int] = {}
        for run in self._runs.values():
            if run.seen.state is ObservedState.RUNNING:
                for hold in (hold for hold in run.order.allocation.nodes if hold.node == name):
                    for device in hold.devices:
                        held[device.index] = held.get(device.index, 0) + device.share
        for index, card in enumerate(self._made[name].devices.cards):
            share = held.get(index, 0) / WHOLE_DEVICE
            card.busy_percent, card.memory_used_bytes = 100 * share, int((card.memory_bytes or 0) * share)

    def _end_due(self) -> None:
        with self._bell:
            while self._due and self._due[0][0] <= self._clock.now():
                run = heapq.heappop(self._due)[1]
                if run in self._runs:
                    order = self._runs[run].order
                    late = 0 < order.time_limit_s < self._seconds(order)
                    self.end(run, cause=EndCause.TIMEOUT if late else EndCause.EXITED, signal=15 if late else 0)

    def _seconds(self, order: RunOrder) -> int:
        said = order.environment.get(SECONDS, "")
        return int(said) if said.isascii() and said.isdecimal() and len(said) < len(str(10**9)) else self._lasts_s
