"""What a run cannot open: device files that its plan masks, and those of devices that it does not hold."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from suanli.adapters.clock import SystemClock
from suanli.adapters.engines.local import supervisors
from suanli.adapters.engines.local.engine import LocalEngine, LocalSettings
from suanli.adapters.engines.local.isolation import find_isolation
from suanli.adapters.engines.local.records import Record
from suanli.model.resources import Allocation, DeviceHold
from suanli.model.workload import EndCause
from suanli.ports.engine import DeviceBinding, Isolation, Stream
from suanli.testing.engine_contract import order, run_to_end
from tests.contract.supervised import Room
from tests.machine import Machine

GPUS = ("0000:17:00.0", "0000:3b:00.0", "0000:65:00.0")
PROBE = 'for n in 0 1 2; do head -c 1 "$DEV/nvidia$n" >/dev/null 2>&1 && printf "%s " $n; done; ls "$DEV"'


@pytest.fixture
def room() -> Iterator[Room]:
    with tempfile.TemporaryDirectory(prefix="suanli-") as folder:
        os.mkfifo(f"{folder}/bell")
        bell = os.open(f"{folder}/bell", os.O_RDWR | os.O_NONBLOCK)
        yield Room(Path(folder), bell)
        os.close(bell)


@pytest.fixture
def sandbox() -> list[Record]:
    if not supervisors.can_sandbox():
        pytest.skip("the kernel lets nobody here make namespaces")
    return [("sandbox", 1)]


def test_a_masked_device_is_seen_and_cannot_be_opened(room: Room, sandbox: list[Record]) -> None:
    masks: list[Record] = [("mask", "/dev/zero"), ("mask", "/dev/no-such-device"), ("mask", "/dev/null/below")]
    look = "head -c 1 /dev/full | wc -c; test -e /dev/zero && echo there; head -c 1 /dev/zero"
    directory = room.start("1.1", "sh", "-c", look, extra=[*sandbox, *masks])
    assert room.ended(directory).exit_code == 1
    assert (directory / "stdout").read_text() == "1\nthere\n"
    assert "Permission denied" in (directory / "stderr").read_text()
    with Path("/dev/zero").open("rb") as outside:
        assert outside.read(1) == b"\0"


def test_masks_are_no_plan_without_a_sandbox(room: Room) -> None:
    directory = room.plan("1.1", "true", extra=[("mask", "/dev/zero")])
    assert room.launch(directory)[0].startswith("1.1 error 22")


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Three cards whose device files are real ones, where sandboxes show them."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        made = Machine(Path(folder))
        (made.root / "dev").mkdir()
        for number, address in enumerate(GPUS):
            made.slot(address, "10de", "20b2", "030200")
            told = made.root / "proc/driver/nvidia/gpus" / address / "information"
            told.parent.mkdir(parents=True)
            # In another order than the tool's.
            told.write_text(f"Device Minor: \t {2 - number}\n")
            try:
                os.mknod(made.root / f"dev/nvidia{number}", 0o20666, os.makedev(1, 5))
            except PermissionError:
                pytest.skip("no device files can be made here")
        rows = "\n".join(
            f"{number}, NVIDIA A100-SXM4-80GB, GPU-{number}, 0000{address.upper()}, 81920 MiB, 0 MiB, 40, 60 W, 0 %"
            for number, address in enumerate(GPUS)
        )
        made.tool("nvidia-smi", f'[ "$1" = -q ] && exit 9\ncat <<.\n{rows}\n.')
        made.root.chmod(0o755)
        yield made


def engine_on(machine: Machine, center: Path, *, namespaces: bool) -> LocalEngine:
    settings = LocalSettings(root=center / "local", hidden=center, sandbox=find_isolation(namespaces=namespaces))
    return LocalEngine(settings, SystemClock(), machine.devices())


def opened_by(engine: LocalEngine, machine: Machine, workload: int, *numbers: int) -> str:
    """Which of the cards' files a run that holds these cards can open, and which it sees."""
    environment = {"DEV": str(machine.root / "dev")}
    plain = order(engine, workload=workload, command=("/bin/sh", "-c", PROBE), environment=environment)
    [hold] = plain.allocation.nodes
    hold = dataclasses.replace(hold, devices=tuple(DeviceHold(index=number) for number in numbers))
    asked = dataclasses.replace(plain, allocation=Allocation(engine=engine.name, nodes=(hold,)))
    [end] = run_to_end(engine, asked)
    assert (end.cause, end.exit_code) == (EndCause.EXITED, 0)
    return " ".join(engine.log(asked.run, Stream.STDOUT, 0, 999).data.decode().split())


SEEN = "nvidia0 nvidia1 nvidia2"


@pytest.mark.root
def test_a_run_can_open_the_files_of_its_own_cards_alone(machine: Machine, tmp_path: Path) -> None:
    engine = engine_on(machine, tmp_path, namespaces=True)
    if engine.describe().isolation is not Isolation.NAMESPACES:
        pytest.skip("the kernel lets nobody here make namespaces")
    told = engine.describe()
    assert told.devices is DeviceBinding.FILES
    assert all(device.enforced for device in told.nodes[0].devices)
    assert opened_by(engine, machine, 1, 0) == f"2 {SEEN}"
    assert opened_by(engine, machine, 2, 1, 2) == f"0 1 {SEEN}"
    assert opened_by(engine, machine, 3) == SEEN
    engine.close()


@pytest.mark.root
def test_of_a_card_whose_file_nobody_tells_it_is_said_that_nothing_is_enforced(
    machine: Machine, tmp_path: Path
) -> None:
    (machine.root / "proc/driver/nvidia/gpus" / GPUS[1] / "information").unlink()
    engine = engine_on(machine, tmp_path, namespaces=True)
    if engine.describe().isolation is not Isolation.NAMESPACES:
        pytest.skip("the kernel lets nobody here make namespaces")
    [node] = engine.describe().nodes
    assert [device.enforced for device in node.devices] == [True, False, True]
    assert opened_by(engine, machine, 1, 0) == f"1 2 {SEEN}"
    engine.close()


@pytest.mark.root
def test_without_namespaces_nothing_is_enforced_and_that_is_said(machine: Machine, tmp_path: Path) -> None:
    engine = engine_on(machine, tmp_path, namespaces=False)
    told = engine.describe()
    assert told.devices is DeviceBinding.VISIBILITY
    assert not any(device.enforced for device in told.nodes[0].devices)
    assert opened_by(engine, machine, 1, 0) == f"0 1 2 {SEEN}"
    engine.close()
