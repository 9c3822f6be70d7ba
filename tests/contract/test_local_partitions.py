"""MIG instances on the local engine: what is offered of them, and that a run sees the one it was given, alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from suanli.adapters.clock import SystemClock
from suanli.adapters.engines.local.engine import LocalEngine, LocalSettings
from suanli.adapters.engines.local.isolation import Sandbox
from suanli.model.resources import Allocation, DeviceHold
from suanli.model.workload import EndCause
from suanli.ports.engine import Isolation, PartitionBinding, RunOrder, Stream
from suanli.testing.engine_contract import order, run_to_end
from tests.machine import Machine

Opener = Callable[[], LocalEngine]
MIB = 1024 * 1024


def card(uuid: str, address: str, *instances: tuple[str, str, int]) -> str:
    parts = "".join(
        f"<mig_device><uuid>{one}</uuid><profile>{profile}</profile>"
        f"<fb_memory_usage><total>{mib} MiB</total></fb_memory_usage></mig_device>"
        for one, profile, mib in instances
    )
    return (
        f'<gpu id="0000{address.upper()}"><product_name>NVIDIA A100-SXM4-80GB</product_name><uuid>{uuid}</uuid>'
        f"<fb_memory_usage><total>81920 MiB</total></fb_memory_usage><mig_devices>{parts}</mig_devices></gpu>"
    )


def show(machine: Machine, *cards: str) -> None:
    """Have nvidia-smi describe these cards."""
    machine.tool(
        "nvidia-smi", f'[ "$1" = -q ] || exit 9\ncat <<.\n<nvidia_smi_log>{"".join(cards)}</nvidia_smi_log>\n.'
    )


PARTED = card(
    "GPU-a", "0000:17:00.0", ("MIG-3", "3g.40gb", 40192), ("MIG-1", "1g.10gb", 9856), ("MIG-2", "1g.10gb", 9856)
)
WHOLE = card("GPU-b", "0000:3b:00.0")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "machine").mkdir()
    made = Machine(tmp_path / "machine")
    for address in ("0000:17:00.0", "0000:3b:00.0"):
        made.slot(address, "10de", "20b2", "030200", near="0")
    show(made, PARTED, WHOLE)
    return made


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


def holding(engine: LocalEngine, workload: int, *held: DeviceHold) -> RunOrder:
    plain = order(engine, workload=workload, command=("/bin/sh", "-c", 'echo "$CUDA_VISIBLE_DEVICES;$SUANLI_DEVICES"'))
    [hold] = plain.allocation.nodes
    hold = dataclasses.replace(hold, devices=held)
    return dataclasses.replace(plain, allocation=Allocation(engine=engine.name, nodes=(hold,)))


def part(profile: str, *slices: int, index: int = 0) -> DeviceHold:
    return DeviceHold(index=index, share=142, partition=profile, slices=sum(1 << place for place in slices))


def seen(engine: LocalEngine, asked: RunOrder) -> str:
    return engine.log(asked.run, Stream.STDOUT, 0, 99).data.decode().strip()


def test_instances_that_are_there_are_offered_and_their_card_is_not_given_whole(opener: Opener) -> None:
    engine = opener()
    [node] = engine.describe().nodes
    parted, whole = node.devices
    assert (parted.is_parted, whole.is_parted) == (True, False)
    assert {one.name: (one.memory_bytes // MIB, one.starts) for one in parted.partitions} == {
        "1g.10gb": (9856, (0, 1)),
        "3g.40gb": (40192, (2,)),
    }
    assert whole.partitions == ()
    assert engine.describe().partitions is PartitionBinding.ENFORCED


def test_a_run_sees_its_instance_and_nothing_else_of_any_card(opener: Opener) -> None:
    engine = opener()
    engine.describe()
    asked = [
        holding(engine, 1, part("1g.10gb", 1)),
        holding(engine, 2, part("3g.40gb", 2), part("1g.10gb", 0)),
        holding(engine, 3, DeviceHold(index=1)),
        holding(engine, 4),
    ]
    run_to_end(engine, *asked)
    assert [seen(engine, each) for each in asked] == ["MIG-2;0", "MIG-3,MIG-1;0,0", "GPU-b;1", ";"]


def test_an_instance_that_is_there_no_longer_is_given_to_nobody(opener: Opener, machine: Machine) -> None:
    opener().describe()
    show(machine, card("GPU-a", "0000:17:00.0", ("MIG-9", "3g.40gb", 40192)), WHOLE)
    engine = opener()
    engine.describe()
    other, gone = holding(engine, 1, part("3g.40gb", 0)), holding(engine, 2, part("1g.10gb", 0))
    further = holding(engine, 3, part("3g.40gb", 2))
    fine, *refused = run_to_end(engine, other, gone, further)
    assert (fine.exit_code, seen(engine, other)) == (0, "MIG-9;0")
    for one, profile in zip(refused, ("1g.10gb", "3g.40gb"), strict=True):
        assert one.cause is EndCause.LAUNCH_FAILED
        assert one.detail == f"device 0 has no partition {profile} where this run was given one"
