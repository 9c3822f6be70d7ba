"""A simulated center of twenty device models under requests of all forms; every turn is judged apart from the kernel.

``make mixed`` lives through 500 nodes with 3,000 devices and 10,000 requests; without it the center is smaller.
"""

from __future__ import annotations

import heapq
import os
from dataclasses import dataclass, field
from random import Random

import pytest

from suanli.adapters.devices.models_known import catalogued
from suanli.adapters.devices.partitions_known import templates_of
from suanli.kernel.scheduling.plan import Plan, ReasonCode
from suanli.model.devices import DeviceClass
from suanli.model.ids import RunId
from suanli.model.spec import WorkloadSpec
from suanli.testing.fake_center import KINDS, SimulatedNode, simulated_nodes
from suanli.testing.fake_devices import Fault
from tests.mixed.judge import Judge
from tests.mixed.requests import MEANT, request
from tests.unit.kernel.scheduling.center import SECOND, Center
from tests.unit.kernel.scheduling.rooms import is_meant

NODES = int(os.environ.get("SUANLI_MIXED_NODES", "40"))
REQUESTS = int(os.environ.get("SUANLI_MIXED_REQUESTS", "1000"))
STEP_S = 300
EXPLAINED = 5
"""Of those that wait after a turn, how many are asked why."""


@dataclass
class Life:
    """The center, and what befalls it by chance: requests, ends of runs, faults and repairs."""

    chance: Random
    nodes: list[SimulatedNode]
    center: Center = field(default_factory=Center)
    ends: list[tuple[int, RunId]] = field(default_factory=list)
    submitted: int = 0

    def __post_init__(self) -> None:
        self.center.with_nodes(*(node.record() for node in self.nodes))
        self.judge = Judge(self.center)
        self.judge.nodes_changed()
        self.pool = [request(self.chance) for _ in range(max(60, REQUESTS // 40))]
        for spec in self.pool:
            spec.check()

    def submit(self, count: int) -> None:
        for _ in range(count):
            self.center.add(self.chance.choice(self.pool))
        self.submitted += count

    def turns(self) -> None:
        """Plan and carry out, until a turn has come to its end."""
        while not self._turn().complete:
            continue

    def _turn(self) -> Plan:
        plan = self.center.plan()
        self.judge.judge(plan)
        waiting = sorted(self.center.waiting)
        self.judge.explain(plan, self.chance.sample(waiting, min(EXPLAINED, len(waiting))))
        for row in plan.placements:
            limit_s = row.time_limit_s
            run = self.center.start(row.workload, row.allocation, row.alternative)
            lasts_s = self.chance.randint(limit_s // 3, limit_s)
            heapq.heappush(self.ends, (self.center.now + lasts_s * SECOND, run))
        return plan

    def pass_time(self) -> None:
        self.center.pass_time(STEP_S)
        while self.ends and self.ends[0][0] <= self.center.now:
            self.center.end(heapq.heappop(self.ends)[1])

    def break_and_mend(self) -> None:
        node = self.chance.choice([one for one in self.nodes if one.devices.cards])
        card = self.chance.choice(list(node.devices.cards))
        card.fault = Fault.NONE if card.fault is not Fault.NONE else self.chance.choice([Fault.FAILED, Fault.DEGRADED])
        self.center.set_node(node.record())
        self.judge.nodes_changed()

    def mend_all(self) -> None:
        """What was possible all the while can start some day."""
        for node in self.nodes:
            for card in node.devices.cards:
                card.fault = Fault.NONE
            self.center.set_node(node.record())
        self.judge.nodes_changed()

    def can_ever_start(self, spec: WorkloadSpec) -> bool:
        """Whether something of a spec that waits is told to be possible, by the reasons of a last turn."""
        plan = self.center.plan()
        waiting = next(one for one in self.center.waiting.values() if self.center.specs[one.id] is spec)
        reasons = [plan.reason(waiting, job.demand) for job in self.center.state.forms(waiting.id)]
        return any(reason is None or reason.code is not ReasonCode.IMPOSSIBLE for reason in reasons)


def test_what_names_mean_is_written_by_hand_and_so_read() -> None:
    for name, meant in MEANT.items():
        assert {kind.model for kind in KINDS if is_meant(name, kind.model)} == meant


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_every_turn_of_a_mixed_center_holds_before_the_judge() -> None:
    chance = Random(20)
    life = Life(chance, list(simulated_nodes(NODES, catalogued, templates_of)))
    batch = -(-REQUESTS // 5)
    while life.submitted < REQUESTS:
        life.submit(min(batch, REQUESTS - life.submitted))
        life.turns()
        life.break_and_mend()
        life.pass_time()
    life.mend_all()
    for _ in range(1000):
        life.turns()
        if not life.center.runs:
            break
        life.pass_time()
    met = life.judge.met
    # All that could ever start has.
    assert met["placements"] == life.submitted - len(life.center.waiting)
    left = {id(life.center.specs[one]): life.center.specs[one] for one in life.center.waiting}
    assert not any(life.can_ever_start(spec) for spec in left.values())
    print(dict(sorted(met.items())))  # noqa: T201  `make mixed` shows it
    expected = ["alternatives", "several nodes", "exclusive", "without devices", "fractions", "precisions", "rates"]
    expected += [
        "models",
        "memory",
        "partitions",
        "interconnects",
        *DeviceClass,
        ReasonCode.IMPOSSIBLE,
        ReasonCode.DEVICE_FREE,
    ]
    expected += [ReasonCode.DEVICE_FREE, ReasonCode.BACKFILL_WINDOW]
    expected += ["explained device_free", "explained device_precision"]
    assert not {name for name in expected if met[name] < 3}, met
