"""A large mixed center for the planner: nodes of eight device models, filled, with a long queue of many demands.

Everything follows from one seed. Amounts are drawn so that all eight models and all sizes are asked for; a part of the
work is gangs, a part shares devices, a part asks for any device of a class or for none.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import cycle as around
from random import Random

from suanli.model.devices import DeviceClass, DeviceRequest
from suanli.model.ids import EngineName, NodeName, ProjectName, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Device, Node
from suanli.model.spec import TaskResources, WorkloadSpec
from suanli.model.workload import Run, RunState, Workload, WorkloadState
from suanli.wiring.compiled import keep_compiled, use_linked

use_linked(keep_compiled())
from suanli.kernel.scheduling.core.tables import NOBODY, SEEN  # noqa: E402  after the folder for its code is chosen
from suanli.kernel.scheduling.cycle import cycle  # noqa: E402
from suanli.kernel.scheduling.job import expected_end  # noqa: E402
from suanli.kernel.scheduling.plan import Plan, Policy  # noqa: E402
from suanli.kernel.scheduling.state import ClusterState  # noqa: E402

GIB = 2**30
MODELS = ("V100", "A10", "A100", "A800", "H20", "H100", "910B", "MI300X")
CLASSES = {"910B": DeviceClass.NPU}
DEVICES = 8
DEMANDS = 500
POLICY = Policy(placements=4096)


class Mixed:
    """The center and what has been told to it."""

    def __init__(self, nodes: int, seed: int = 1) -> None:
        self.chance = Random(seed)  # noqa: S311 - the same center again is the point
        self.state = ClusterState()
        self.now = Instant(1_700_000_000_000_000)
        self.specs = [self._spec() for _ in range(DEMANDS)]
        self.active: dict[WorkloadId, Run] = {}
        self.waiting: dict[WorkloadId, tuple[Workload, WorkloadSpec]] = {}
        self._last = 0
        for number, model in zip(range(nodes), around(MODELS)):
            devices = (
                Device(
                    index=index, device_class=CLASSES.get(model, DeviceClass.GPU), model=model, memory_bytes=80 * GIB
                )
                for index in range(DEVICES)
            )
            self.state.set_node(
                Node(
                    name=NodeName(f"n{number}"),
                    engine=EngineName("slurm"),
                    cpu_milli=128_000,
                    memory_bytes=1024 * GIB,
                    devices=tuple(devices),
                    generation=1,
                )
            )

    def submit(self, spec: WorkloadSpec) -> WorkloadId:
        """One more workload, waiting."""
        self._last += 1
        workload = Workload(
            id=WorkloadId(self._last),
            submission=WorkloadId(self._last),
            owner=UserName("u"),
            project=ProjectName("p"),
            kind=spec.kind,
            name=spec.name,
            queue=spec.queue,
            state=WorkloadState.WAITING,
            priority=0,
            time_limit_s=spec.time_limit_s,
            array_id=WorkloadId(0),
            array_index=0,
            submitted_at=Instant(self.now + self._last),
            eligible_at=Instant(self.now + self._last),
            generation=1,
        )
        self.waiting[workload.id] = (workload, spec)
        self.state.enqueue(workload, spec)
        return workload.id

    def queue(self, count: int) -> None:
        """So many workloads of all demands."""
        for _ in range(count):
            spec = self.chance.choice(self.specs)
            self.submit(replace(spec, time_limit_s=self.chance.choice((600, 3600, 6 * 3600, 86_400))))

    def turn(self) -> Plan:
        """Plan, and let start what the plan says."""
        plan = cycle(self.state, self.now, POLICY)
        for row in plan.placements:
            workload, spec = self.waiting.pop(row.workload)
            self.state.dequeue(row.workload)
            run = Run(
                id=run_id(row.workload, 1),
                workload=row.workload,
                attempt=1,
                state=RunState.RUNNING,
                allocation=row.allocation,
                time_limit_s=workload.time_limit_s,
                placed_at=self.now,
                started_at=self.now,
            )
            self.active[row.workload] = run
            self.state.occupy(run, replace(workload, attempt=1), spec, expected_end(run))
        return plan

    def fill(self, waiting: int) -> None:
        """Submit and start work until so many wait and a turn starts nothing more."""
        self.queue(waiting)
        while self.turn().placements:
            self.queue(waiting - len(self.waiting))

    def judge_anew(self) -> float:
        """Take a turn for which every demand is judged on every node; return its seconds of processor time."""
        self.state.tables.shapes[:, SEEN] = NOBODY
        began = time.process_time()
        cycle(self.state, self.now, POLICY)
        return time.process_time() - began

    def live_on(self, number: int) -> float:
        """Let a run end or a workload come, and take a turn; return the seconds of processor time of both."""
        ending = self.choose()
        began = time.process_time()
        if number % 2:
            self.end(ending)
        else:
            self.queue(1)
        self.turn()
        return time.process_time() - began

    def choose(self) -> WorkloadId:
        """Some workload that runs."""
        return self.chance.choice(list(self.active))

    def end(self, workload: WorkloadId) -> None:
        """Its run ends."""
        self.state.vacate(self.active.pop(workload).id)

    def _spec(self) -> WorkloadSpec:
        chance, devices = self.chance, None
        kind = chance.random()
        if kind < 0.2:
            devices = DeviceRequest(device_class=DeviceClass.GPU, share=chance.choice((100, 200, 250, 500)))
        elif kind < 0.75:
            model = chance.choice(MODELS)
            devices = DeviceRequest(device_class=DeviceClass.ANY, model=model, count=chance.choice((1, 1, 2, 4, 8)))
        elif kind < 0.9:
            devices = DeviceRequest(device_class=DeviceClass.GPU, count=chance.choice((1, 2, 4)))
        cpus, memory = chance.choice((1, 2, 4, 6, 8, 12)), chance.choice((4, 8, 16, 32, 48))
        return WorkloadSpec(
            command=("true",),
            tasks=chance.choice((1, 1, 1, 1, 1, 2, 4, 8)),
            resources=TaskResources(cpu_milli=1000 * cpus, memory_bytes=memory * GIB, devices=devices),
        )
