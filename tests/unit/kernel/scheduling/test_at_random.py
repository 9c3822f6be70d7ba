"""Random centers over many events: every plan, reason and array is judged by the checker, which knows no array."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from suanli.kernel.scheduling.cycle import cycle
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.feasible import fit, impossible
from suanli.kernel.scheduling.plan import Plan, Policy
from suanli.kernel.scheduling.snapshot import Snapshot
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.ids import EngineName, NodeName, QueueName
from suanli.model.resources import Device, Node, NodeState
from suanli.model.spec import ArraySpec, DeviceClass, DeviceRequest, Precision, WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, Center, asks
from tests.unit.kernel.scheduling.checker import check, check_explanation

SHARES = st.sampled_from([1000, 1000, 500, 300, 700])
DEVICES = st.builds(
    Device,
    index=st.just(0),
    device_class=st.sampled_from([DeviceClass.GPU, DeviceClass.NPU]),
    model=st.sampled_from(["small", "large"]),
    memory_bytes=st.sampled_from([8 * GIB, 16 * GIB]),
    precisions=st.sampled_from([frozenset({Precision.FP32}), frozenset({Precision.FP32, Precision.FP8})]),
    healthy=st.sampled_from([True, True, True, False]),
)


@st.composite
def node_lists(draw: st.DrawFn) -> list[Node]:
    return [draw(nodes(NodeName(f"n{number}"))) for number in range(draw(st.integers(0, 4)))]


@st.composite
def nodes(draw: st.DrawFn, name: NodeName) -> Node:
    found = draw(st.lists(DEVICES, max_size=3))
    gaps = draw(st.integers(0, 1))
    devices = tuple(
        Device(
            index=index + gaps,
            device_class=device.device_class,
            model=device.model,
            memory_bytes=device.memory_bytes,
            precisions=device.precisions,
            healthy=device.healthy,
        )
        for index, device in enumerate(found)
    )
    return Node(
        name=name,
        engine=EngineName("even" if int(name[1:]) % 2 == 0 else "odd"),
        cpu_milli=1000 * draw(st.integers(1, 4)),
        memory_bytes=GIB * draw(st.integers(1, 8)),
        devices=devices,
        state=draw(st.sampled_from([NodeState.READY, NodeState.READY, NodeState.DRAINING, NodeState.DOWN])),
    )


@st.composite
def requests(draw: st.DrawFn) -> DeviceRequest:
    share = draw(SHARES)
    return DeviceRequest(
        device_class=draw(st.sampled_from([DeviceClass.ANY, DeviceClass.GPU, DeviceClass.NPU, DeviceClass.FPGA])),
        count=draw(st.integers(1, 2)) if share == 1000 else 1,
        share=share,
        model=draw(st.sampled_from(["", "", "large", "unknown"])),
        min_memory_bytes=draw(st.sampled_from([0, 4 * GIB, 12 * GIB])),
        precision=draw(st.sampled_from([None, None, Precision.FP8])),
    )


@st.composite
def specs(draw: st.DrawFn) -> WorkloadSpec:
    across = draw(st.integers(0, 2))
    resources = asks(draw(st.sampled_from([0.5, 1, 2, 3])), draw(st.integers(1, 4)), draw(st.none() | requests()))
    return WorkloadSpec(
        command=("true",),
        tasks=(across or 1) * draw(st.integers(1, 3)),
        nodes=across,
        resources=resources,
        exclusive=draw(st.sampled_from([False, False, False, True])),
        time_limit_s=draw(st.sampled_from([0, 10, 60, 100, 600])),
        queue=QueueName(draw(st.sampled_from(["default", "urgent"]))),
        priority=draw(st.integers(0, 2)),
        preemptible=draw(st.booleans()),
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


class RandomCenter(RuleBasedStateMachine):
    """One center; every step is an event, and after each all that the kernel says is judged."""

    def __init__(self) -> None:
        super().__init__()
        self.center = Center()

    @initialize(found=node_lists(), urgent=st.integers(0, 1), most=st.sampled_from([2, 256]))
    def begin(self, found: list[Node], urgent: int, most: int) -> None:
        self.center = Center(policy=Policy(placements=most)).with_nodes(*found)
        self.center.set_queue("urgent", urgent)

    @rule(spec=specs(), count=st.integers(1, 3))
    def submit(self, spec: WorkloadSpec, count: int) -> None:
        for _ in range(count):
            self.center.add(spec)

    @rule(spec=specs(), bound=st.integers(0, 2))
    def submit_array(self, spec: WorkloadSpec, bound: int) -> None:
        array = ArraySpec(indices=(0, 1, 2), max_running=bound)
        values = {name: getattr(spec, name) for name in spec.__dataclass_fields__}
        self.center.submit(WorkloadSpec(**{**values, "array": array}), 3)

    @rule()
    def turn(self) -> None:
        self.center.turn()

    @precondition(lambda self: self.center.runs)
    @rule(data=st.data(), begins=st.booleans())
    def move_a_run(self, data: st.DataObject, begins: bool) -> None:
        run = data.draw(st.sampled_from(sorted(self.center.runs)))
        if begins and not self.center.runs[run].stop:
            self.center.begin(run)
        else:
            self.center.end(run)

    @precondition(lambda self: self.center.waiting)
    @rule(data=st.data(), priority=st.integers(0, 2), limit=st.sampled_from([0, 10, 100]))
    def change_or_withdraw(self, data: st.DataObject, priority: int, limit: int) -> None:
        workload = data.draw(st.sampled_from(sorted(self.center.waiting)))
        if limit:
            self.center.change(workload, priority=priority, time_limit_s=limit)
        else:
            self.center.withdraw(workload)

    @precondition(lambda self: self.center.nodes)
    @rule(data=st.data())
    def change_a_node(self, data: st.DataObject) -> None:
        self.center.set_node(data.draw(nodes(data.draw(st.sampled_from(sorted(self.center.nodes))))))

    @rule(seconds=st.sampled_from([1, 30, 300]))
    def pass_time(self, seconds: int) -> None:
        self.center.pass_time(seconds)

    @invariant()
    def plan_is_right(self) -> None:
        snapshot, center = self.center.state.snapshot(), self.center
        plan = cycle(snapshot, center.now, center.policy)
        check(center, plan)
        assert cycle(snapshot, center.now, center.policy) == plan

    @invariant()
    def explanations_are_true(self) -> None:
        snapshot, center = self.center.state.snapshot(), self.center
        plan = cycle(snapshot, center.now, center.policy)
        for workload in center.waiting:
            check_explanation(center, plan, explain(snapshot, workload, center.now, center.policy))

    @invariant()
    def state_is_as_if_rebuilt(self) -> None:
        center = self.center
        now = center.state.snapshot()
        for demand, known in now.fits.items():
            fresh = fit(now.nodes, now.room, demand)
            assert known.tasks.tolist() == fresh.tasks.tolist()
            assert known.blocker.tolist() == fresh.blocker.tolist()
            assert (demand in now.impossible) == impossible(now.nodes, demand)
        for again in (center.rebuilt(), center.rebuilt(backwards=True)):
            self._same(now, again)

    def _same(self, now: Snapshot, again: ClusterState) -> None:
        fresh = again.snapshot()
        assert picture(fresh) == picture(now)
        plan = cycle(now, self.center.now, self.center.policy)
        assert decisions(cycle(fresh, self.center.now, self.center.policy)) == decisions(plan)


TestRandomCenter = RandomCenter.TestCase
TestRandomCenter.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
