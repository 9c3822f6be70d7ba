"""Readings of whole machines: each vendor's tool prints a real output, and what it shows is told by number."""

from __future__ import annotations

from pathlib import Path

import pytest

from suanli.adapters.engines.local.devices import NodeDevices
from suanli.model.discovery import Health, Readings
from suanli.testing.builders import SetClock
from tests.dialogues.reference import dialogue
from tests.machine import Machine

MIB = 1 << 20


def shown(celsius: float, watts: float, percent: float, mib: int) -> Readings:
    return Readings(temperature_c=celsius, power_w=watts, utilization_percent=percent, memory_used_bytes=mib * MIB)


@pytest.mark.parametrize(
    ("slots", "words", "file", "expected"),
    [
        (
            {"0000:00:10.0": ("10de", "2204", "030000")},
            "nvidia-smi -q -x",
            "nvidia/telegraf_rtx-3090-v12.xml",
            [shown(37, 27.23, 0, 1)],
        ),
        (
            {"0000:01:00.0": ("9999", "4001", "120000")},
            "mx-smi ",
            "metax/mx-smi_2.2.4_c500_table.txt",
            [shown(45, 48, 0, 858)],
        ),
        (
            {"0000:01:00.0": ("1d94", "6210", "120000"), "0000:02:00.0": ("1d94", "6210", "120000")},
            "hy-smi -a --json",
            "hygon/llm_monitor_hy-smi_real_BW_2cards_malformed.txt",
            [shown(54, 91, 0, 64169), shown(52, 84, 0, 64104)],
        ),
    ],
)
def test_readings_are_those_that_the_tool_prints(
    tmp_path: Path, slots: dict[str, tuple[str, str, str]], words: str, file: str, expected: list[Readings]
) -> None:
    text = dialogue(file)
    (tmp_path / "machine").mkdir()
    machine = Machine(tmp_path / "machine")
    for address, (vendor, device, pci_class) in slots.items():
        machine.slot(address, vendor, device, pci_class)
    (machine.root / "said").write_text(text)
    tool, _, rest = words.partition(" ")
    machine.tool(tool, f'[ "$*" = "{rest}" ] && exec cat {machine.root}/said; exit 9')
    devices = NodeDevices(machine.devices(), tmp_path / "devices.json", SetClock())
    devices.describe()
    told = devices.readings().devices
    assert [one.readings for one in told] == expected
    assert {one.health for one in told} == {Health.OK}
