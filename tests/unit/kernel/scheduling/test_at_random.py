"""Random centers over many events: every plan, reason and array is judged by the checker, which knows no array.

Hypothesis draws the seed alone: left to draw every amount, it prefers small ones and hardly ever fills a center.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.cycle import cycle
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.feasible import fit, impossible
from suanli.kernel.scheduling.plan import Decision, Plan, Policy, ReasonCode
from suanli.kernel.scheduling.snapshot import Snapshot
from suanli.model.ids import EngineName, NodeName, QueueName
from suanli.model.resources import Device, Node, NodeState
from suanli.model.spec import ArraySpec, DeviceClass, DeviceRequest, Precision, WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, Center, asks
from tests.unit.kernel.scheduling.checker import check, check_explanation

LIMITS = (0, 10, 60, 60, 100, 600)
STEPS = 20


def random_device(chance: Random, index: int) -> Device:
    precisions = {Precision.FP32, Precision.FP8} if chance.random() < 0.6 else {Precision.FP32}
    return Device(
        index=index,
        device_class=chance.choice([DeviceClass.GPU, DeviceClass.GPU, DeviceClass.NPU]),
        model=chance.choice(["small", "large"]),
        memory_bytes=chance.choice([8, 16, 16]) * GIB,
        precisions=frozenset(precisions),
        healthy=chance.random() < 0.85,
    )


def random_node(chance: Random, number: int) -> Node:
    first = chance.choice([0, 0, 1])
    return Node(
        name=NodeName(f"n{number}"),
        engine=EngineName("two" if number % 3 == 2 else "one"),
        cpu_milli=1000 * chance.randint(2, 5),
        memory_bytes=GIB * chance.randint(3, 10),
        devices=tuple(random_device(chance, first + place) for place in range(chance.choice([0, 0, 1, 2, 3]))),
        state=chance.choice([NodeState.READY] * 6 + [NodeState.DRAINING, NodeState.DOWN]),
    )


def random_request(chance: Random) -> DeviceRequest | None:
    if chance.random() < 0.6:
        return None
    share = chance.choice([1000, 1000, 500, 300, 700])
    return DeviceRequest(
        device_class=chance.choice([DeviceClass.ANY, DeviceClass.ANY, DeviceClass.GPU, DeviceClass.NPU]),
        count=chance.choice([1, 1, 2]) if share == 1000 else 1,
        share=share,
        model=chance.choice(["", "", "", "", "large", "unknown"]),
        min_memory_bytes=chance.choice([0, 0, 4, 12]) * GIB,
        precision=chance.choice([None, None, Precision.FP8]),
    )


def random_spec(chance: Random) -> WorkloadSpec:
    across = chance.choice([0, 0, 0, 1, 2])
    preemptible = chance.random() < 0.4
    return WorkloadSpec(
        tasks=(across or 1) * chance.choice([1, 1, 2, 3]),
        nodes=across,
        resources=asks(chance.choice([0.5, 1, 1, 2, 3]), chance.randint(1, 3), random_request(chance)),
        exclusive=chance.random() < 0.1,
        time_limit_s=chance.choice(LIMITS),
        queue=QueueName(chance.choice(["default", "default", "urgent"])),
        priority=0 if preemptible else chance.choice([0, 0, 1, 2]),
        preemptible=preemptible,
    )


def picture(snapshot: Snapshot) -> dict[str, Any]:
    """What a snapshot says, by names instead of rows."""
    nodes, room, waiting, arrays = snapshot.nodes, snapshot.room, snapshot.waiting, snapshot.arrays
    free = np.stack([nodes.ready, nodes.generation, room.cpu_milli, room.memory_bytes, room.holders, room.exclusive])
    devices = {
        (nodes.names[n], int(nodes.devices.index[n, p])): int(room.device[n, p])
        for n, p in np.argwhere(nodes.devices.kind > 0)
    }
    rows = np.flatnonzero(waiting.id)
    lines = {
        int(waiting.id[row]): (
            snapshot.demands[waiting.demand[row]],
            int(snapshot.queue_priority[waiting.queue[row]]),
            int(waiting.priority[row]),
            int(waiting.since[row]),
            int(waiting.time_limit_s[row]),
            int(waiting.generation[row]),
            int(arrays.id[waiting.array[row]]),
        )
        for row in rows
    }
    running = arrays.active[1:] > 0
    active = dict(zip(arrays.id[1:][running].tolist(), arrays.active[1:][running].tolist(), strict=True))
    return {
        "nodes": dict(zip(nodes.names, free.T.tolist(), strict=True)),
        "devices": devices,
        "waiting": lines,
        "arrays": active,
        "fits": {demand: found.tasks.tolist() for demand, found in snapshot.fits.items()},
        "impossible": snapshot.impossible,
    }


def decisions(plan: Plan) -> tuple[object, ...]:
    return (plan.placements, set(plan.preemptions), plan.reservations, set(plan.refusals), plan.complete)


class Life:
    """The events of one center, by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.met: Counter[str] = Counter()
        self.center = Center(policy=Policy(placements=self.chance.choice([2, 256, 256])))
        self.center.with_nodes(*(random_node(self.chance, number) for number in range(self.chance.randint(0, 5))))
        self.center.set_queue("urgent", self.chance.randint(0, 1))

    def step(self) -> None:
        events = [self.submit, self.submit_array, self.move_runs, self.change, self.change_node, self.pass_time]
        self.chance.choices(events, weights=[6, 1, 4, 1, 1, 2])[0]()
        self.judge()
        for workload in sorted(self.center.waiting)[:-12]:
            self.center.withdraw(workload)
        if self.chance.random() < 0.7:
            self.center.turn()
            self.judge()

    def judge(self) -> None:
        """Judge everything that the kernel says of the center as it is now."""
        center, snapshot = self.center, self.center.state.snapshot()
        plan = cycle(snapshot, center.now, center.policy)
        check(center, plan)
        assert cycle(snapshot, center.now, center.policy) == plan
        for workload in sorted(center.waiting)[-4:]:
            explained = explain(snapshot, workload, center.now, center.policy)
            check_explanation(center, plan, explained)
            codes = {reason.code for reason in explained.reasons} | {explained.unforeseen or ""}
            self.met.update([explained.decision, *codes])
        for demand, known in snapshot.fits.items():
            fresh = fit(snapshot.nodes, snapshot.room, demand)
            assert known.tasks.tolist() == fresh.tasks.tolist()
            assert known.blocker.tolist() == fresh.blocker.tolist()
            assert (demand in snapshot.impossible) == impossible(snapshot.nodes, demand)
        for again in (center.rebuilt(), center.rebuilt(backwards=True)):
            fresh_snapshot = again.snapshot()
            assert picture(fresh_snapshot) == picture(snapshot)
            assert decisions(cycle(fresh_snapshot, center.now, center.policy)) == decisions(plan)
        self.met["placements"] += len(plan.placements)
        self.met["preemptions"] += len(plan.preemptions)
        self.met["reservations"] += len(plan.reservations)

    def submit(self) -> None:
        spec = random_spec(self.chance)
        for _ in range(self.chance.randint(1, 3)):
            self.center.add(spec)
        self.center.add(random_spec(self.chance))

    def submit_array(self) -> None:
        array = ArraySpec(indices=(0, 1, 2), max_running=self.chance.randint(0, 2))
        self.center.submit(replace(random_spec(self.chance), array=array), 3)

    def move_runs(self) -> None:
        for run in sorted(self.center.runs.values(), key=lambda run: run.id):
            dice = self.chance.random()
            if run.stop or dice < 0.3:
                self.center.end(run.id)
            elif dice < 0.5:
                self.center.begin(run.id)

    def change(self) -> None:
        for workload in sorted(self.center.waiting):
            dice = self.chance.random()
            if dice < 0.2:
                self.center.withdraw(workload)
            elif dice < 0.4:
                limit, priority = self.chance.choice(LIMITS), self.chance.randint(0, 2)
                self.center.change(workload, priority=priority, time_limit_s=limit)

    def change_node(self) -> None:
        self.center.set_node(random_node(self.chance, self.chance.randint(0, 5)))

    def pass_time(self) -> None:
        self.center.pass_time(self.chance.choice([1, 30, 300]))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_all_that_the_kernel_says_of_random_centers_is_true(seed: int) -> None:
    life = Life(seed)
    for _ in range(STEPS):
        life.step()


@pytest.mark.slow
def test_the_random_centers_meet_everything_there_is_to_judge() -> None:
    met: Counter[str] = Counter()
    for seed in range(25):
        life = Life(seed)
        for _ in range(STEPS):
            life.step()
        met += life.met
    expected = [*ReasonCode, *Decision, "placements", "preemptions", "reservations"]
    assert not {name for name in expected if met[name] < 3}, met
