"""The simulated center: what it has, that it says what it is, and how its runs and cards go."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from suanli.adapters.devices.models_known import catalogued
from suanli.adapters.devices.partitions_known import templates_of
from suanli.model.devices import DeviceClass
from suanli.model.discovery import Health
from suanli.model.errors import NotFoundError
from suanli.model.ids import NodeName, RunId, UserName, WorkloadId, run_id
from suanli.model.resources import SIMULATED, Allocation, DeviceHold, NodeHold
from suanli.model.spec import Kind, Launcher, TaskResources
from suanli.model.workload import EndCause, StopCause
from suanli.ports.engine import Observation, ObservedState, RunOrder, Stream
from suanli.testing.builders import SetClock
from suanli.testing.fake_center import ENGINE, simulated_nodes
from suanli.testing.fake_devices import Fault
from suanli.testing.simulated_engine import SimulatedEngine

SECOND = 1_000_000
NODE = NodeName("simulated-0001")


def engine(count: int = 8) -> tuple[SimulatedEngine, SetClock]:
    clock = SetClock()
    return SimulatedEngine(simulated_nodes(count, catalogued, templates_of, seed=3), clock, lasts_s=60), clock


def order(number: int, *devices: DeviceHold, said: str = "", limit_s: int = 0) -> RunOrder:
    hold = NodeHold(node=NODE, tasks=1, cpu_milli=1000, memory_bytes=1 << 30, devices=devices)
    return RunOrder(
        run=run_id(WorkloadId(number), 1),
        workload=WorkloadId(number),
        attempt=1,
        owner=UserName("ann"),
        account="",
        name="w",
        kind=Kind.JOB,
        command=("train",),
        script="",
        tasks=1,
        resources=TaskResources(),
        allocation=Allocation(engine=ENGINE, nodes=(hold,)),
        time_limit_s=limit_s,
        launcher=Launcher.NONE,
        environment={"SIMULATED_SECONDS": said} if said else {},
        working_directory="",
    )


def seen(engine: SimulatedEngine, run: RunId) -> Observation:
    (found,) = engine.observe([run])
    return found


def test_five_hundred_nodes_have_three_thousand_devices_of_twenty_models() -> None:
    nodes = [node.record() for node in simulated_nodes(500, catalogued, templates_of)]
    devices = [device for node in nodes for device in node.devices]
    models = Counter(device.model for device in devices if device.model)
    assert (len(nodes), len(devices), len(models)) == (500, 3000, 20)
    assert {device.device_class for device in devices} == {DeviceClass.GPU, DeviceClass.NPU, DeviceClass.FPGA}
    assert sum(not node.devices for node in nodes) == 20
    assert len({node.name for node in nodes}) == 500
    assert Counter(node.switch for node in nodes).most_common(1)[0][1] == 25
    broken = sum(not device.healthy for device in devices)
    assert 5 < broken < 100
    assert [node.record() for node in simulated_nodes(500, catalogued, templates_of)] == nodes
    assert [node.record() for node in simulated_nodes(500, catalogued, templates_of, seed=2)] != nodes


def test_everything_says_that_it_is_simulated() -> None:
    made, _ = engine()
    told = made.describe()
    assert told.simulated
    assert made.name == "simulated"
    assert all(SIMULATED in node.features and node.name.startswith(SIMULATED) for node in told.nodes)
    assert {node.engine for node in told.nodes} == {made.name}


def test_a_run_takes_the_time_that_its_work_says_and_does_nothing() -> None:
    made, clock = engine()
    asked = [order(1), order(2, said="5"), order(3, said="never"), order(4, said="50", limit_s=10)]
    made.submit(asked)
    runs = [one.run for one in asked]
    assert {one.state for one in made.observe(runs)} == {ObservedState.RUNNING}
    assert made.log(runs[1], Stream.STDOUT, 0, 99).data == b"simulated: 5 s of doing nothing\n"
    clock.at_us += 5 * SECOND
    assert set(made.watch(0)) == set(runs)
    assert made.watch(0) == []
    assert [one.state for one in made.observe(runs)] == [ObservedState.RUNNING, ObservedState.ENDED] + [
        ObservedState.RUNNING
    ] * 2
    clock.at_us += 5 * SECOND
    late = seen(made, runs[3])
    assert (late.state, late.cause) == (ObservedState.ENDED, EndCause.TIMEOUT)
    clock.at_us += 50 * SECOND
    well = seen(made, runs[0])
    assert (well.state, well.cause, well.exit_code) == (ObservedState.ENDED, EndCause.EXITED, 0)
    assert seen(made, runs[2]).state is ObservedState.ENDED


def test_a_run_that_was_asked_to_end_stays_as_it_ended() -> None:
    made, clock = engine()
    one = order(1, said="5")
    made.submit([one])
    made.submit([one])
    made.cancel(one.run, StopCause.CANCELLED, 0)
    clock.at_us += 9 * SECOND
    assert seen(made, one.run).cause is EndCause.CANCELLED
    assert made.forget(clock.now()) == [one.run]
    assert seen(made, one.run).state is ObservedState.UNKNOWN
    made.submit([replace(one, run=run_id(WorkloadId(1), 2))])
    made.forget(clock.now())
    clock.at_us += 9 * SECOND
    assert seen(made, run_id(WorkloadId(1), 2)).state is ObservedState.ENDED


def test_cards_are_as_busy_as_they_are_held() -> None:
    made, clock = engine()
    made.submit([order(1, DeviceHold(index=0)), order(2, DeviceHold(index=1, share=250), said="5")])
    idle, whole, part = (made.readings(NODE).devices[number].readings for number in (3, 0, 1))
    assert (idle.utilization_percent, whole.utilization_percent, part.utilization_percent) == (0, 100, 25)
    assert (idle.power_w, whole.power_w) == (60, 400)
    assert part.memory_used_bytes == 20 << 30
    clock.at_us += 5 * SECOND
    made.observe([])
    assert made.readings(NODE).taken_at == clock.at_us
    assert made.readings(NODE).devices[1].readings.utilization_percent == 0


def test_a_fault_that_comes_is_told() -> None:
    clock = SetClock()
    nodes = simulated_nodes(2, catalogued, templates_of)
    made = SimulatedEngine(nodes, clock)
    nodes[1].devices.cards[3].fault = Fault.FAILED
    told = made.readings(NODE).devices[3]
    assert (told.health, told.reason) == (Health.FAILED, "a fault that was asked for")
    (_, node) = made.describe().nodes
    assert not node.devices[3].healthy
    with pytest.raises(NotFoundError):
        made.readings(NodeName("elsewhere"))
