"""Bitstreams on the local engine: cards are configured by a step of the run; the vendor's program is a script.

It keeps what each card has in a file, and refuses a bitstream whose name says so, as the real one does one for another
shell. Runs work in the machine's folder, so that they see it in their sandbox.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from suanli.adapters.clock import SystemClock
from suanli.adapters.engines.local import supervisors
from suanli.adapters.engines.local.devices import Bitstreams, NodeDevices
from suanli.adapters.engines.local.engine import LocalEngine, LocalSettings
from suanli.adapters.engines.local.isolation import find_isolation
from suanli.model.devices import DeviceClass, DeviceRequest
from suanli.model.resources import Allocation, DeviceHold
from suanli.model.workload import EndCause, StopCause
from suanli.ports.engine import RunOrder, Stream
from suanli.testing.builders import SetClock
from suanli.testing.engine_contract import order, run_to_end
from tests.machine import Machine

Opener = Callable[[], LocalEngine]

ONE, OTHER = "0000:3b:00.1", "0000:65:00.1"
UUIDS = {"aes": UUID(int=0xAE5), "vadd": UUID(int=0x7ADD), "bad": UUID(int=0xBAD), "slow": UUID(int=0x510)}


def xclbin(uuid: UUID, platform: str = "xilinx_u280_xdma_201920_3") -> bytes:
    """A file that is all header (struct axlf of Xilinx/XRT)."""
    return b"xclbin2\0".ljust(352, b"\0") + platform.encode().ljust(64, b"\0") + uuid.bytes + bytes(80)


def show(machine: Machine) -> None:
    """An xbutil with two cards that remembers by what each is configured."""
    machine.tool(
        "xbutil",
        f"""
        kept={machine.root}/loaded
        if [ "$1" = program ]; then
          [ "$#" = 5 ] && [ "$2" = --device ] && [ "$4" = --user ] || exit 9
          echo "programming $3"
          case $5 in
            */bad.xclbin) echo "ERROR: not for this shell" >&2; exit 1 ;;
            */slow.xclbin) sleep 60 ;;
          esac
          printf '%s' "$(od -An -tx1 -j416 -N16 "$5" | tr -d ' \\n' |
            sed 's/\\(.\\{{8\\}}\\)\\(.\\{{4\\}}\\)\\(.\\{{4\\}}\\)\\(.\\{{4\\}}\\)/\\1-\\2-\\3-\\4-/')" > "$kept.$3"
          exit 0
        fi
        [ "$3$4" = platformdynamic-regions ] || exit 9
        for card in {ONE} {OTHER}; do
          echo "1/1 [$card] : xilinx_u280_xdma_201920_3"
          printf 'Platform\\n  DDR Size               : 0 Bytes\\n'
          [ -e "$kept.$card" ] && printf '  Hardware Context ID: 0\\n    Xclbin UUID: %s\\n' "$(cat "$kept.$card")"
        done
        exit 0""",
    )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "machine").mkdir()
    made = Machine(tmp_path / "machine")
    for address in (ONE, OTHER):
        made.slot(address, "10ee", "500d", "120000", near="0")
    show(made)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Bitstreams of the center, and what else lies with them."""
    made = tmp_path / "center" / "bitstreams"
    made.mkdir(parents=True)
    for name, uuid in UUIDS.items():
        (made / f"{name}.xclbin").write_bytes(xclbin(uuid))
    (made / "other-card.xclbin").write_bytes(xclbin(UUID(int=5), "xilinx:u50:gen3x16:5.0"))
    (made / "README").write_text("not one")
    (made / "cut.xclbin").write_bytes(xclbin(UUID(int=6))[:400])
    (made / "text.xclbin").write_text("x" * 500)
    (made / "link.xclbin").symlink_to(made / "aes.xclbin")
    (made / "-option.xclbin").write_bytes(xclbin(UUID(int=7)))
    return made


@pytest.fixture
def opener(tmp_path: Path, machine: Machine, folder: Path) -> Iterator[Opener]:
    opened: list[LocalEngine] = []

    def opens() -> LocalEngine:
        center = tmp_path / "center"
        settings = LocalSettings(
            root=center / "local",
            hidden=center,
            sandbox=find_isolation(namespaces=supervisors.can_sandbox()),
            bitstreams=Bitstreams(folder, 4),
        )
        opened.append(LocalEngine(settings, SystemClock(), machine.devices()))
        return opened[-1]

    yield opens
    for each in opened:
        each.close()


def wanting(
    machine: Machine, engine: LocalEngine, workload: int, bitstream: str, *numbers: int, tasks: int = 1
) -> RunOrder:
    root, command = machine.root, ("/bin/sh", "-c", "echo begun")
    plain = order(engine, workload=workload, command=command, tasks=tasks, working_directory=str(root))
    [hold] = plain.allocation.nodes
    hold = dataclasses.replace(hold, devices=tuple(DeviceHold(index=number) for number in numbers))
    asked = DeviceRequest(device_class=DeviceClass.FPGA, count=len(numbers), bitstream=bitstream)
    resources = dataclasses.replace(plain.resources, devices=asked)
    return dataclasses.replace(plain, allocation=Allocation(engine=engine.name, nodes=(hold,)), resources=resources)


def printed(engine: LocalEngine, asked: RunOrder) -> list[str]:
    return engine.log(asked.run, Stream.STDOUT, 0, 999).data.decode().splitlines()


def test_cards_are_told_with_what_they_have_and_can_be_given(opener: Opener, machine: Machine) -> None:
    (machine.root / f"loaded.{OTHER}").write_text(str(UUIDS["aes"]))
    [node] = opener().describe().nodes
    one, other = node.devices
    assert (one.shell, one.bitstream, one.reconfigure_s) == ("xilinx_u280_xdma_201920_3", "", 4)
    assert one.bitstreams == other.bitstreams == frozenset(UUIDS)
    assert other.bitstream == "aes"


def test_a_run_begins_when_its_cards_are_configured(opener: Opener, machine: Machine) -> None:
    engine = opener()
    engine.describe()
    asked = wanting(machine, engine, 1, "vadd", 0, 1, tasks=2)
    [ended] = run_to_end(engine, asked)
    assert (ended.cause, ended.exit_code) == (EndCause.EXITED, 0)
    *first, third, last = printed(engine, asked)
    assert sorted(first) == [f"programming {ONE}", f"programming {OTHER}"]
    assert (third, last) == ("begun", "begun")
    for card in (ONE, OTHER):
        assert (machine.root / f"loaded.{card}").read_text() == str(UUIDS["vadd"])
    again = wanting(machine, engine, 2, "vadd", 1)
    run_to_end(engine, again)
    assert printed(engine, again) == ["begun"]


def test_what_others_loaded_meanwhile_is_seen(opener: Opener, machine: Machine) -> None:
    (machine.root / f"loaded.{ONE}").write_text(str(UUIDS["vadd"]))
    engine = opener()
    engine.describe()
    (machine.root / f"loaded.{ONE}").write_text(str(UUIDS["aes"]))
    asked = wanting(machine, engine, 1, "vadd", 0)
    run_to_end(engine, asked)
    assert printed(engine, asked) == [f"programming {ONE}", "begun"]


def test_a_card_that_cannot_be_configured_ends_the_run_before_it_begins(opener: Opener, machine: Machine) -> None:
    engine = opener()
    engine.describe()
    asked, without = wanting(machine, engine, 1, "bad", 1, tasks=2), wanting(machine, engine, 2, "fft", 0)
    failed, refused = run_to_end(engine, asked, without)
    assert (failed.cause, refused.cause) == (EndCause.LAUNCH_FAILED, EndCause.LAUNCH_FAILED)
    assert failed.detail.startswith("step configure device 1 by bad: exit code 1")
    assert printed(engine, asked) == [f"programming {OTHER}"]
    assert b"not for this shell" in engine.log(asked.run, Stream.STDERR, 0, 999).data
    assert refused.detail == "device 0 does not have bitstream fft, and cannot be given it"


def test_a_run_may_be_cancelled_while_its_card_is_configured(opener: Opener, machine: Machine) -> None:
    engine = opener()
    engine.describe()
    asked = wanting(machine, engine, 1, "slow", 0)
    engine.submit([asked])
    give_up = time.monotonic() + 30
    while not printed(engine, asked):
        assert time.monotonic() < give_up
        time.sleep(0.01)
    engine.cancel(asked.run, StopCause.CANCELLED, 5)
    [ended] = run_to_end(engine, asked)
    assert ended.cause is EndCause.CANCELLED
    assert printed(engine, asked) == [f"programming {ONE}"]


def test_what_a_step_did_is_looked_at_soon(machine: Machine, folder: Path, tmp_path: Path) -> None:
    clock = SetClock()
    devices = NodeDevices(machine.devices(), tmp_path / "kept", clock, bitstreams=Bitstreams(folder))
    assert [one.bitstream for one in devices.describe()] == ["", ""]
    binding = devices.bind([DeviceHold(index=0)], "aes")
    [(what, words)] = binding.steps.items()
    assert what == "configure device 0 by aes"
    assert words == (str(machine.tools / "xbutil"), "program", "--device", ONE, "--user", str(folder / "aes.xclbin"))
    assert binding.files == (str(folder / "aes.xclbin"),)
    (machine.root / f"loaded.{ONE}").write_text(str(UUIDS["aes"]))
    clock.at_us += 11_000_000
    assert [one.bitstream for one in devices.describe()] == ["aes", ""]
    assert devices.bind([DeviceHold(index=0)], "aes").steps == {}


@pytest.mark.parametrize("folder_is_there", [True, False])
def test_without_a_folder_or_its_program_nothing_can_be_given(
    machine: Machine, tmp_path: Path, *, folder_is_there: bool
) -> None:
    folder = tmp_path / "empty"
    if folder_is_there:
        folder.mkdir()
    devices = NodeDevices(machine.devices(), tmp_path / "kept", SetClock(), bitstreams=Bitstreams(folder))
    assert [one.bitstreams for one in devices.describe()] == [frozenset(), frozenset()]
