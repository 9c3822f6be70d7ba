"""Random centers over many events: every plan, reason and array is judged by the checker, which knows no array.

Hypothesis draws the seed alone: left to draw every amount, it prefers small ones and hardly ever fills a center.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.cycle import cycle
from suanli.kernel.scheduling.demand import Demand, demand_of
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Decision, Plan, Policy, ReasonCode
from suanli.kernel.scheduling.state import ClusterState
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.ids import EngineName, LicenseName, NodeName, ProjectName, QueueName, ReservationName
from suanli.model.quantities import Instant
from suanli.model.quota import Quota, QuotaScope
from suanli.model.rates import LearnedRate
from suanli.model.resources import Device, Node, NodeState
from suanli.model.spec import ArraySpec, Objective, Request, TaskResources, WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, OWNERS, PROJECT, SECOND, Center, as_explained, asks
from tests.unit.kernel.scheduling.checker import check
from tests.unit.kernel.scheduling.explained import check_explanation
from tests.unit.kernel.scheduling.near import interconnected, linked
from tests.unit.kernel.scheduling.parting import asking_for_parts, parted
from tests.unit.kernel.scheduling.qualified import Qualities

LIMITS = (0, 10, 60, 60, 100, 600)
STEPS = 20
LICENSES = (LicenseName("solver"), LicenseName("mesher"))
RATES = {
    "small": {Precision.FP32: 10_000, Precision.FP8: 80_000},
    "large": {Precision.FP32: 60_000, Precision.FP8: 120_000},
}
"""Of NPUs nobody knows any."""
BARE = demand_of(WorkloadSpec())
CENTERS = int(os.environ.get("SUANLI_CENTERS", "15"))
SIDES = 8 if CENTERS >= 1000 else 1
"""So many are judged side by side as pytest has workers; as few as there are by default are no trouble to one."""


def random_device(chance: Random, index: int) -> Device:
    precisions = {Precision.FP32, Precision.FP8} if chance.random() < 0.6 else {Precision.FP32}
    kind = chance.choice([DeviceClass.GPU, DeviceClass.GPU, DeviceClass.NPU])
    model = chance.choice(["small", "large"])
    return Device(
        index=index,
        device_class=kind,
        model=model,
        rates={} if kind is DeviceClass.NPU else {one: RATES[model][one] for one in precisions},
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


def featured(chance: Random, node: Node) -> Node:
    return replace(node, features=frozenset(chance.sample(["x86_64", "ib", "nvme"], chance.randint(1, 3))))


def powered(chance: Random, node: Node) -> Node:
    """The node as it draws power, with room enough that power is what is short; some draws are not known."""
    watts = {"small": [0, 20, 20], "large": [50, 70]}
    devices = [replace(one, power_mw=1000 * chance.choice(watts[one.model])) for one in node.devices]
    cpu_milli, memory = 3 * node.cpu_milli, 3 * node.memory_bytes
    cpu_power_mw = chance.choice([0, 9000, 9000, 15333])
    return replace(node, cpu_milli=cpu_milli, memory_bytes=memory, devices=tuple(devices), cpu_power_mw=cpu_power_mw)


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
    licenses = {chance.choice(LICENSES): chance.choice([1, 1, 2, 3])} if chance.random() < 0.15 else {}
    return WorkloadSpec(
        licenses=licenses,
        tasks=(across or 1) * chance.choice([1, 1, 2, 3]),
        nodes=across,
        resources=asks(chance.choice([0.5, 1, 1, 2, 3]), chance.randint(1, 3), random_request(chance)),
        exclusive=chance.random() < 0.1,
        time_limit_s=chance.choice(LIMITS),
        queue=QueueName(chance.choice(["default", "default", "urgent"])),
        priority=0 if preemptible else chance.choice([0, 0, 1, 2]),
        preemptible=preemptible,
    )


def moldable(chance: Random, spec: WorkloadSpec) -> WorkloadSpec:
    """Let some work do with fewer tasks, or have more."""
    if chance.random() < 0.6:
        return spec
    share = spec.tasks // spec.nodes if spec.nodes else 1
    tasks = spec.tasks + share * chance.choice([0, 1, 3])
    least = share * chance.randint(1, tasks // share)
    return replace(spec, tasks=tasks, nodes=spec.nodes and tasks // share, min_tasks=least)


def alternatives(chance: Random) -> tuple[Request, ...]:
    """Something else that will do as well, of some work."""
    found = [moldable(chance, random_spec(chance)) for _ in range(chance.choice([0, 0, 0, 0, 1, 2]))]
    own = [replace(spec, time_limit_s=chance.choice([0, 0, *LIMITS])) for spec in found]
    return tuple(spec.requests[0] for spec in own)


def rated(chance: Random, resources: TaskResources) -> TaskResources:
    """Let some ask of their devices what these must do in a second; some more than any is known to."""
    if resources.devices is None or chance.random() < 0.75:
        return resources
    precision = chance.choice([Precision.FP32, Precision.FP32, Precision.FP8])
    least = chance.choice([1, 5_000, 10_000, 30_000, 60_000, 60_001, 100_000])
    return replace(resources, devices=replace(resources.devices, precision=precision, at_least=least))


WORK = (20, 400, 2000, 8000)
"""In 10^12 operations: from some seconds to most of an hour on one device."""
WATTS = {"small": 20, "large": 90}


def pursuing(chance: Random, resources: TaskResources) -> dict[Precision, int]:
    """How much work some say that there is to be done."""
    if resources.devices is None or chance.random() < 0.2:
        return {}
    precisions = chance.choice([[Precision.FP32], [Precision.FP32], [Precision.FP8], [Precision.FP32, Precision.FP8]])
    return {precision: chance.choice(WORK) for precision in precisions}


def drawing(chance: Random, node: Node) -> Node:
    """The node with room enough that devices are what is short, which draw what their models do; of NPUs unknown."""
    devices = node.devices or (random_device(chance, 0),)
    of_gpus = [0 if one.device_class is DeviceClass.NPU else 1000 * WATTS[one.model] for one in devices]
    devices = tuple(replace(one, power_mw=power) for one, power in zip(devices, of_gpus, strict=True))
    return replace(node, devices=devices, cpu_milli=4 * node.cpu_milli, memory_bytes=4 * node.memory_bytes)


def by_name(state: ClusterState, demand: Demand) -> tuple[object, ...]:
    """A demand with reservations named: which bit is whose depends on what was told before."""
    names = [tuple(one.name for _, one in state.windows.those(bits)) for bits in (demand.kept_off, demand.within)]
    return (demand.anytime, *names, demand.within >= t.CLOSED)


def picture(center: Center, state: ClusterState) -> dict[str, Any]:
    """What a state says, by names instead of rows."""
    nodes, devices, names = state.room.nodes, state.room.devices, state.names
    told = [t.READY, t.CPU, t.MEMORY, t.DISK, t.FREE_CPU, t.FREE_MEMORY, t.FREE_DISK, t.HOLDERS, t.EXCLUSIVE]
    lists, sizes, jobs, keys = state.tables.lists, state.tables.sizes, state.tables.jobs, state.tables.keys
    waiting = t.queued(state.tables).tolist()
    running = lists[t.RUNNING, : sizes[t.RUNNING_SIZE]].tolist()
    scopes = [scope for job in state.jobs.values() for scope in state.bounds.scopes(job.association)]
    return {
        "nodes": {name: nodes[row, told].tolist() for name, row in state.nodes.items()},
        "generations": dict(zip(names, state.generations, strict=True)),
        "devices": {
            (names[n], state.indices[n][p]): devices[n, p, [t.HEALTHY, t.FREE]].tolist()
            for n, p in np.argwhere(devices[:, :, t.TYPE] >= 0)
        },
        "waiting": [
            (
                state.jobs[row].workload,
                [by_name(state, form.demand) for form in state.forms(state.jobs[row].workload)],
                keys[:, row].tolist(),
                [int(jobs[form.row, t.LIMIT]) for form in state.forms(state.jobs[row].workload)],
            )
            for row in waiting
        ],
        "running": sorted(
            (state.jobs[row].workload, keys[[0, 1, 3], row].tolist(), jobs[row, [t.END, t.STARTED]].tolist())
            for row in running
        ),
        "bounds": {scope: state.tables.bounds[row].tolist() for scope, row in scopes},
        "licenses": {
            state.bounds.license_name(row): amounts.tolist()
            for row, amounts in enumerate(state.tables.licenses[:, [t.TOTAL, t.IN_USE]])
            if amounts.any()
        },
        "power": sizes[[t.POWER_CAP, t.POWER_IN_USE]].tolist(),
        "fits": {
            by_name(state, demand): dict(zip(names, fits(center, state, demand), strict=True))
            for demand in state.kinds.demands
        },
        "reserved": {
            name: by_name(state, BARE._replace(kept_off=int(nodes[row, t.RESERVED])))[1]
            for name, row in state.nodes.items()
        },
    }


def fits(center: Center, state: ClusterState, demand: Demand) -> list[tuple[int, ReasonCode | None]]:
    return replace(center, state=state).fit(demand)


def decisions(state: ClusterState, plan: Plan) -> tuple[object, ...]:
    refusals = {(by_name(state, one.demand), replace(one, demand=BARE)) for one in plan.refusals}
    return (plan.placements, set(plan.preemptions), plan.reservations, refusals, plan.complete)


class Life:
    """The events of one center, by chance; where the seed is even, some of its nodes are reserved at times."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        # Their own, so that the others mean the same centers as before there were reservations.
        self.of_windows = Random(seed) if seed % 2 == 0 else None
        # Every third has nodes with features, and work that names some; of a seed, the rest is as it was without.
        self.of_features = Random(seed) if seed % 3 == 1 else None
        self.of_switches = Random(seed) if seed % 3 == 2 else None
        # Three of five have work that is moldable.
        self.of_forms = Random(seed) if seed % 5 > 1 else None
        # Four of eleven have work that asks for rates.
        self.of_rates = Random(seed) if seed % 11 in {1, 4, 6, 9} else None
        # Three of four have work that asks for local disk; of a seed, the rest is as it was without.
        self.of_disk = Random(seed) if seed % 4 != 1 else None
        self.of_power = Random(seed) if seed % 5 == 4 else None
        self.of_parts = Random(seed) if seed % 9 in {3, 7} else None
        # One of three has devices that are near each other, and work that asks for such.
        self.of_links = Random(seed) if seed % 3 == 0 else None
        self.of_qos = Qualities(seed)
        self.met: Counter[str] = Counter()
        placements = self.chance.choice([2, 256, 256])
        # Three of seven have more than one reservation.
        reservations = {0: 2, 3: 5, 6: 1000}.get(seed % 7, 1)
        self.center = Center(policy=Policy(placements=placements, reservations=reservations))
        self.center.with_nodes(*(self.node(number) for number in range(self.chance.randint(0, 5))))
        self.center.set_queue("urgent", self.chance.randint(0, 1))
        for name in LICENSES:
            self.center.set_license(name, self.chance.randint(1, 4))

    def step(self) -> None:
        events = [
            self.submit,
            self.submit_array,
            self.move_runs,
            self.change,
            self.change_node,
            self.pass_time,
            self.quota,
            self.license,
        ]
        self.chance.choices(events, weights=[6, 1, 4, 1, 1, 2, 2, 1])[0]()
        self.give_up()
        self.reserve()
        self.cap_power()
        self.learn()
        self.of_qos.change(self.center)
        self.judge()
        if self.center.last % 5 == 4:
            # Not by chance: seeds that found something once go on to mean the same center.
            self.center.rank(self.center.last % 4, self.center.last % 3, 0)
            self.judge()
        for workload in sorted(self.center.waiting)[:-12]:
            self.center.withdraw(workload)
        if self.chance.random() < 0.7:
            self.center.turn()
            self.judge()

    def judge(self) -> None:
        """Judge everything that the kernel says of the center as it is now."""
        center = self.center
        plan = center.plan()
        check(center, plan)
        assert center.plan() == plan
        for workload in sorted(center.waiting)[-4:]:
            explained = explain(center.state, workload, center.now, center.policy)
            check_explanation(center, plan, explained)
            codes = {reason.code for reason in explained.reasons} | {explained.unforeseen or ""}
            self.met.update([explained.decision, *codes])
        assert center.plan() == plan
        for demand in center.state.kinds.demands:
            assert center.fit(demand) == as_explained(center, demand)
        told = picture(center, center.state)
        for again in (center.rebuilt(), center.rebuilt(backwards=True)):
            assert picture(center, again) == told
            assert decisions(again, cycle(again, center.now, center.policy)) == decisions(center.state, plan)
        self.met["placements"] += len(plan.placements)
        for row in plan.placements:
            wanted, tasks = center.specs[row.workload].form(row.alternative), row.allocation.tasks
            self.met["moldable"] += wanted.min_tasks > 0
            self.met["widened"] += 0 < wanted.min_tasks < tasks < wanted.tasks
            self.met["alternatives"] += row.alternative > 0
            self.met["disk"] += row.allocation.disk_bytes > 0
            self.met["parts"] += any(one.partition for hold in row.allocation.nodes for one in hold.devices)
        self.met["reserved alternatives"] += any(one.alternative for one in plan.reservations)
        self.met["preemptions"] += len(plan.preemptions)
        self.met["reservations"] += len(plan.reservations)

    def reserve(self) -> None:
        """Set nodes aside, or no longer; some that are not there, and some times that are past."""
        chance, reservations = self.of_windows, self.center.reservations
        if chance is None or chance.random() < 0.6:
            return
        name = chance.choice(["w0", "w1", "w2", "w3"])
        if name in reservations and chance.random() < 0.5:
            self.center.unreserve(name)
            return
        begin, nodes = chance.choice([-30, 0, 5, 30, 60, 300]), chance.sample(range(6), chance.randint(1, 6))
        use, length = chance.random() < 0.6, chance.choice([20, 60, 100, 700])
        self.center.reserve(name, begin, begin + length, *(f"n{number}" for number in nodes), use=use)

    def cap_power(self) -> None:
        """Set a power cap, another one or none; some below what runs already."""
        chance = self.of_power
        if chance is not None and chance.random() < 0.1:
            self.center.cap_power(chance.choice([0, 10, 40, 60, 90, 90, 120, 120, 160]))

    def learn(self) -> None:
        """Let it be measured what work reaches on a model, much or little."""
        chance = self.of_rates
        if chance is not None and chance.random() < 0.1:
            rate = LearnedRate(
                application="",
                project=ProjectName(""),
                owner=chance.choice(OWNERS),
                name="workload",
                precisions=chance.choice(["fp32", "fp32", "fp8", "fp32+fp8"]),
                model=chance.choice(["small", "large"]),
                runs=1,
                work=chance.choice([2, 10, 40]),
                device_ms=1000,
            )
            self.center.learn(rate)

    def spec(self) -> WorkloadSpec:
        spec, chance = random_spec(self.chance), self.of_windows
        if self.chance.random() < 0.15:
            spec = replace(
                spec, deadline=Instant(self.center.now + (spec.time_limit_s + self.chance.choice([5, 60])) * SECOND)
            )
        if self.of_features is not None:
            some = self.of_features.choice([*[[]] * 8, ["ib"], ["ib", "nvme"], ["x86_64"], ["ib", "fpga"]])
            spec = replace(spec, features=frozenset(some))
        if self.of_switches is not None and not spec.nodes:
            spec = replace(spec, max_tasks_per_node=self.of_switches.choice([0, 0, 1, 2]))
        if self.of_forms is not None:
            spec = moldable(self.of_forms, spec)
            spec = replace(spec, alternatives=alternatives(self.of_forms))
        if self.of_rates is not None:
            others = tuple(replace(one, resources=rated(self.of_rates, one.resources)) for one in spec.alternatives)
            spec = replace(spec, resources=rated(self.of_rates, spec.resources), alternatives=others)
            if spec.resources.devices is None and self.of_rates.random() < 0.7:
                spec = replace(spec, resources=replace(spec.resources, devices=DeviceRequest()))
            spec = replace(spec, work=pursuing(self.of_rates, spec.resources))
            others = tuple(replace(one, work=pursuing(self.of_rates, one.resources)) for one in others)
            objectives = [None, Objective.TIME, Objective.TIME, Objective.TIME, Objective.ENERGY, Objective.COST]
            objective = self.of_rates.choice(objectives) if spec.work else None
            spec = replace(spec, alternatives=others, objective=objective)
        spec = self.of_qos.given(self.with_disk(spec))
        if self.of_parts is not None:
            spec = asking_for_parts(self.of_parts, spec)
        if self.of_links is not None:
            spec = interconnected(self.of_links, spec)
        if chance is None or chance.random() < 0.7:
            return spec
        return replace(spec, reservation=ReservationName(chance.choice(["w0", "w1", "w2"])))

    def with_disk(self, spec: WorkloadSpec) -> WorkloadSpec:
        """Let some work ask for local disk, in each of its forms as it comes."""
        if self.of_disk is None:
            return spec
        chance = self.of_disk
        own, *others = [
            replace(one.resources, disk_bytes=GIB * chance.choice([0, 0, 0, 0, 2, 5])) for one in spec.requests
        ]
        pairs = zip(spec.alternatives, others, strict=True)
        alternatives = tuple(replace(request, resources=asked) for request, asked in pairs)
        return replace(spec, resources=own, alternatives=alternatives)

    def give_up(self) -> None:
        """Let go of what is late for its deadline, as the planner does."""
        for workload in self.center.state.deadlines.missed(self.center.now):
            self.center.withdraw(workload)

    def node(self, number: int) -> Node:
        node = random_node(self.chance, number)
        if self.of_links is not None:
            more = [random_device(self.of_links, index) for index in range(self.of_links.randint(2, 6))]
            node = linked(self.of_links, node, more)
        if self.of_rates is not None:
            node = drawing(self.of_rates, node)
        if self.of_parts is not None:
            node = parted(self.of_parts, node)
        if self.of_power is not None:
            node = powered(self.of_power, node)
        if self.of_disk is not None:
            node = replace(node, disk_bytes=GIB * self.of_disk.choice([0, 9, 20, 40]))
        if self.of_switches is not None:
            return replace(node, switch=self.of_switches.choice(["", "leaf1", "leaf1", "leaf2", "leaf3"]))
        return node if self.of_features is None else featured(self.of_features, node)

    def submit(self) -> None:
        spec = self.spec()
        for _ in range(self.chance.randint(1, 3)):
            self.center.add(spec)
        self.center.add(self.spec())

    def submit_array(self) -> None:
        array = ArraySpec(indices=(0, 1, 2), max_running=self.chance.randint(0, 2))
        self.center.submit(replace(self.spec(), array=array), 3)

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
        self.center.set_node(self.node(self.chance.randint(0, 5)))

    def quota(self) -> None:
        """Set a quota that holds back something now and then, or lift it."""
        names = {"queue": "urgent", "queue_user": "default", "project": PROJECT, "project_user": PROJECT}
        scope = self.chance.choice([scope for scope in QuotaScope if not scope.startswith("qos")])
        amounts: list[dict[str, int]] = [{}, {"runs": 1}, {"runs": 3}, {"cpu_milli": 4000}, {"memory_bytes": 6 * GIB}]
        most = self.chance.choice([*amounts, {"device_share": 1500}])
        name = names.get(scope) or self.chance.choice(OWNERS)
        self.center.set_quota(Quota(scope=scope, name=name, **most))

    def license(self) -> None:
        self.center.set_license(self.chance.choice(LICENSES), self.chance.choice([0, 1, 2, 3, 4]))

    def pass_time(self) -> None:
        self.center.pass_time(self.chance.choice([1, 30, 300]))


@pytest.mark.parametrize("side", range(SIDES))
@settings(max_examples=CENTERS // SIDES, deadline=None)
@given(seed=st.integers(0, 2**32))
@example(seed=37)
@example(seed=131)
@example(seed=8)
@example(seed=12)
def test_all_that_the_kernel_says_of_random_centers_is_true(side: int, seed: int) -> None:
    """Each side has seeds of its own."""
    life = Life(seed + side * 2**32)
    for _ in range(STEPS):
        life.step()


@pytest.mark.slow
def test_the_random_centers_meet_everything_there_is_to_judge() -> None:
    met: Counter[str] = Counter()
    for seed in range(56):
        life = Life(seed)
        for _ in range(STEPS):
            life.step()
        met += life.met
    # Who waits for a faster device is met in test_pursuing_at_random, and who lacks a bitstream in test_bitstreams.
    elsewhere = {ReasonCode.FASTER_DEVICE, ReasonCode.DEVICE_BITSTREAM}
    expected = [*(set(ReasonCode) - elsewhere), *Decision, "placements", "preemptions", "reservations"]
    expected += ["moldable", "widened"]
    expected += ["alternatives", "reserved alternatives", "disk", "parts"]
    assert not {name for name in expected if met[name] < 3}, met
