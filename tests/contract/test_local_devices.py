"""Devices on the local engine: their numbers, and what a run's programs are told; the vendor's tool is a script."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from suanli.adapters.clock import SystemClock
from suanli.adapters.engines.local.devices import NodeDevices
from suanli.adapters.engines.local.engine import LocalEngine, LocalSettings
from suanli.adapters.engines.local.isolation import Sandbox
from suanli.model.devices import Interconnect, Precision
from suanli.model.discovery import Health, Readings
from suanli.model.errors import NotFoundError
from suanli.model.ids import NodeName
from suanli.model.resources import Allocation, DeviceHold
from suanli.model.workload import EndCause
from suanli.ports.engine import Isolation, RunOrder, Stream
from suanli.testing.builders import SetClock
from suanli.testing.engine_contract import order, run_to_end
from tests.machine import Machine

Opener = Callable[[], LocalEngine]

GPUS = {"GPU-a": "0000:17:00.0", "GPU-b": "0000:3b:00.0", "GPU-c": "0000:65:00.0"}
CPUS = sorted(os.sched_getaffinity(0))
NEAR = dict(zip(GPUS.values(), (CPUS[-1], CPUS[0], CPUS[-1]), strict=True))


MILAN = "\n".join(
    f"processor : {number}\nvendor_id : AuthenticAMD\nmodel name : AMD EPYC 7763 64-Core Processor\n"
    f"physical id : 0\ncore id : {number // 2}\ncpu cores : 64\nsiblings : 128\n"
    for number in range(128)
)
"""Of 280 W for 128 threads."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "machine").mkdir()
    made = Machine(tmp_path / "machine")
    for address, cpu in NEAR.items():
        made.slot(address, "10de", "20b2", "030200", near=str(cpu))
    show(made, *GPUS)
    return made


def show(machine: Machine, *serials: str, topology: str = "") -> None:
    """Have nvidia-smi list these cards in this order, and how far they are from each other."""
    rows = "\n".join(
        f"{number}, NVIDIA A100-SXM4-80GB, {serial}, 0000{GPUS[serial].upper()}, 81920 MiB, 0 MiB, 40, 60.5 W, 0 %"
        for number, serial in enumerate(serials)
    )
    told = f'[ "$1" = topo ] && cat <<. && exit 0\n{topology}\n.\n'
    machine.tool("nvidia-smi", f'[ "$1" = -q ] && exit 9\n{told}cat <<.\n{rows}\n.')


@pytest.fixture
def opener(tmp_path: Path, machine: Machine) -> Iterator[Opener]:
    opened: list[LocalEngine] = []

    def opens() -> LocalEngine:
        center = tmp_path / "center"
        settings = LocalSettings(root=center / "local", hidden=center, sandbox=Sandbox(kind=Isolation.NONE))
        opened.append(LocalEngine(settings, SystemClock(), machine.devices()))
        return opened[-1]

    yield opens
    for each in opened:
        each.close()


def holding(engine: LocalEngine, workload: int, *numbers: int, **changes: Any) -> RunOrder:
    changes = {"command": ("/bin/sh", "-c", 'echo "$CUDA_VISIBLE_DEVICES;$SUANLI_DEVICES"'), **changes}
    plain = order(engine, workload=workload, **changes)
    [hold] = plain.allocation.nodes
    hold = dataclasses.replace(hold, devices=tuple(DeviceHold(index=number) for number in numbers))
    return dataclasses.replace(plain, allocation=Allocation(engine=engine.name, nodes=(hold,)))


def test_a_run_sees_its_devices_and_no_others(opener: Opener) -> None:
    engine = opener()
    [node] = engine.describe().nodes
    assert [(device.index, device.healthy) for device in node.devices] == [(0, True), (1, True), (2, True)]
    assert node.devices[0].model == "NVIDIA A100 SXM4 80GB"
    assert {Precision.BF16, Precision.FP64} < node.devices[0].precisions
    assert {device.power_mw for device in node.devices} == {400_000}
    assert node.cpu_power_mw == 0
    asked = [
        holding(engine, 1, 2, 0),
        holding(engine, 2, 1, environment={"CUDA_VISIBLE_DEVICES": "0,1,2"}),
        holding(engine, 3),
    ]
    run_to_end(engine, *asked)
    seen = [engine.log(each.run, Stream.STDOUT, 0, 99).data.decode().strip() for each in asked]
    assert seen == ["GPU-c,GPU-a;2,0", "GPU-b;1", ";"]


def test_which_devices_are_near_each_other_is_told_by_their_numbers(opener: Opener, machine: Machine) -> None:
    table = "\tGPU0\tGPU1\tGPU2\nGPU0\tX\tNV4\tSYS\nGPU1\tNV4\tX\tSYS\nGPU2\tSYS\tSYS\tX"
    show(machine, *GPUS, topology=table)
    [node] = opener().describe().nodes
    assert node.links == {Interconnect.LINK: ((0, 1),)}
    # Numbers last when the tool lists the cards in another order, and one is gone.
    machine.unplug(GPUS["GPU-a"])
    show(machine, "GPU-c", "GPU-b", topology="\tGPU0\tGPU1\nGPU0\tX\tPHB\nGPU1\tPHB\tX")
    [node] = opener().describe().nodes
    assert node.links == {Interconnect.HOST: ((1, 2),)}


def test_what_a_cpu_draws_is_told_where_the_catalogue_knows_it(opener: Opener, machine: Machine) -> None:
    (machine.root / "proc/cpuinfo").write_text(MILAN)
    [node] = opener().describe().nodes
    assert node.cpu_power_mw == 2188


def test_a_device_keeps_its_number_whatever_befalls_the_others(opener: Opener, machine: Machine) -> None:
    opener().describe()
    machine.unplug(GPUS["GPU-a"])
    show(machine, "GPU-c", "GPU-b")
    engine = opener()
    [node] = engine.describe().nodes
    assert [device.healthy for device in node.devices] == [False, True, True]
    assert node.devices[0].reason == "no longer found on this machine"
    there, gone = holding(engine, 1, 2), holding(engine, 2, 0)
    fine, refused = run_to_end(engine, there, gone)
    assert engine.log(there.run, Stream.STDOUT, 0, 99).data == b"GPU-c;2\n"
    assert fine.exit_code == 0
    assert (refused.cause, refused.detail) == (EndCause.LAUNCH_FAILED, "device 0 is not on this machine now")


def test_a_device_whose_tool_fails_is_unfit_and_still_what_it_was(opener: Opener, machine: Machine) -> None:
    [before] = opener().describe().nodes
    machine.tool("nvidia-smi", "exit 9")
    [after] = opener().describe().nodes
    assert [device.healthy for device in after.devices] == [False] * 3
    assert all("listed by no tool" in device.reason for device in after.devices)
    named = [(device.model, device.memory_bytes) for device in before.devices]
    assert [(device.model, device.memory_bytes) for device in after.devices] == named


def test_a_device_that_no_tool_ever_named_goes_by_its_identity_on_the_bus(machine: Machine, tmp_path: Path) -> None:
    machine.tool("nvidia-smi", "exit 9")
    kept = tmp_path / "devices"
    nameless = {"class": "gpu", "model": "", "memory_bytes": 0}
    kept.write_text(json.dumps({f"nvidia {GPUS['GPU-a']} 1": nameless}), "utf-8")
    told = NodeDevices(machine.devices(), kept, SystemClock()).describe()
    assert [(device.model, device.healthy) for device in told] == [("NVIDIA A100 SXM4 80GB", False)] * 3


@pytest.mark.skipif(len(CPUS) < 2, reason="needs two processors")
@pytest.mark.parametrize(("number", "cpu"), [(0, CPUS[-1]), (1, CPUS[0])])
def test_a_run_is_pinned_near_its_devices(opener: Opener, number: int, cpu: int) -> None:
    engine = opener()
    plain = holding(engine, 1, number, command=("grep", "Cpus_allowed_list", "/proc/self/status"))
    [hold] = plain.allocation.nodes
    whole = dataclasses.replace(hold, cpu_milli=1000)
    asked = dataclasses.replace(plain, allocation=Allocation(engine=engine.name, nodes=(whole,)))
    run_to_end(engine, asked)
    assert engine.log(asked.run, Stream.STDOUT, 0, 99).data.split()[-1] == str(cpu).encode()


def test_readings_are_told_by_number_and_kept_for_a_while(machine: Machine, tmp_path: Path) -> None:
    clock = SetClock()
    devices = NodeDevices(machine.devices(), tmp_path / "devices.json", clock)
    devices.describe()
    show(machine, "GPU-c", "GPU-a")
    lines = machine.tools / "nvidia-smi"
    lines.write_text(lines.read_text().replace("40, 60.5 W, 0 %", "71, 300 W, 95 %"))
    told = devices.readings()
    a, b, c = told.devices
    assert (told.taken_at, a.index, c.index) == (clock.at_us, 0, 2)
    assert {a.health, c.health} == {Health.OK}
    assert (b.health, b.readings) == (Health.UNKNOWN, Readings())
    hot = Readings(temperature_c=71, power_w=300, utilization_percent=95, memory_used_bytes=0)
    assert {a.readings, c.readings} == {hot}
    show(machine, *GPUS)
    clock.at_us += 9_999_999
    assert devices.readings() is told
    clock.at_us += 1
    assert {one.readings.temperature_c for one in devices.readings().devices} == {40}
    # What is there is told by a look every five minutes, and no reading enters it.
    assert all(device.healthy for device in devices.describe())


def test_a_tool_that_hangs_is_given_up_and_tells_nothing(machine: Machine, tmp_path: Path) -> None:
    devices = NodeDevices(machine.devices(), tmp_path / "devices.json", SetClock())
    before = devices.describe()
    machine.tool("nvidia-smi", "exec sleep 600")
    hanging = NodeDevices(machine.devices(timeout_s=0.2), tmp_path / "devices.json", SetClock())
    assert hanging.describe() != before
    told = hanging.readings().devices
    assert [one.health for one in told] == [Health.UNKNOWN] * 3
    assert all("timed_out" in one.reason for one in told)


def test_the_engine_tells_the_readings_of_its_own_node_alone(opener: Opener) -> None:
    engine = opener()
    [node] = engine.describe().nodes
    assert [one.readings.power_w for one in engine.readings(node.name).devices] == [60.5] * 3
    with pytest.raises(NotFoundError):
        engine.readings(NodeName("elsewhere"))
