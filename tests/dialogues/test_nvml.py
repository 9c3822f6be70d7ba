"""NVML: what the library is asked, in a process of its own, and what is made of its answer; the library is a fake."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from suanli.adapters.devices.vendors.nvidia import parse_nvml
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Outcome, Partition, Readings
from tests.machine import Machine

GOOD = {
    "index": 0,
    "name": "NVIDIA A100-SXM4-80GB",
    "uuid": "GPU-a",
    "bus_id": "00000000:17:00.0",
    "pci_device_id": 0x20B210DE,
    "memory_total": 80 << 30,
    "memory_used": 3 << 30,
    "celsius": 51,
    "milliwatts": 123_456,
    "busy_percent": 88,
    "remapped_rows": [0, 0, 0, 0],
    "mig": [{"uuid": "MIG-x", "name": "NVIDIA A100-SXM4-80GB MIG 1g.10gb", "memory_total": 10 << 30}],
}
NVML = json.dumps({"gpus": [GOOD, {"index": 1, "error": "GPU is lost"}]})
DEVICE = DiscoveredDevice(
    index=0,
    device_class=DeviceClass.GPU,
    vendor="nvidia",
    model="NVIDIA A100-SXM4-80GB",
    uuid="GPU-a",
    pci_address="0000:17:00.0",
    pci_id="10de:20b2",
    memory_bytes=80 << 30,
    partitions=(Partition(uuid="MIG-x", profile="1g.10gb", memory_bytes=10 << 30),),
    readings=Readings(temperature_c=51, power_w=123.456, utilization_percent=88, memory_used_bytes=3 << 30),
)

FAKE = '''
"""A stand-in for nvidia-ml-py: the names of its release 13.615, of a machine with a good card and a lost one."""
import time
from types import SimpleNamespace

NVML_TEMPERATURE_GPU = 0


class NVMLError(Exception):
    pass


def refuse(*_):
    raise NVMLError("Not Supported")


def nvmlInit():
    {init}


def nvmlDeviceGetHandleByIndex(index):
    if index == 1:
        raise NVMLError("GPU is lost")
    return "gpu"


nvmlShutdown = lambda: None
nvmlDeviceGetCount = lambda: 2
nvmlDeviceGetName = lambda of: b"NVIDIA A100-SXM4-80GB" if of == "gpu" else "NVIDIA A100-SXM4-80GB MIG 1g.10gb"
nvmlDeviceGetUUID = lambda of: "GPU-a" if of == "gpu" else "MIG-x"
nvmlDeviceGetPciInfo = lambda _: SimpleNamespace(busId=b"00000000:17:00.0\\0", pciDeviceId=0x20B210DE)
nvmlDeviceGetMemoryInfo = lambda of: SimpleNamespace(total=(80 if of == "gpu" else 10) << 30, used=3 << 30)
nvmlDeviceGetTemperature = lambda _, sensor: 51
nvmlDeviceGetPowerUsage = lambda _: 123_456
nvmlDeviceGetUtilizationRates = lambda _: SimpleNamespace(gpu=88)
nvmlDeviceGetRemappedRows = refuse
nvmlDeviceGetMaxMigDeviceCount = lambda _: 7
nvmlDeviceGetMigDeviceHandleByIndex = lambda _, index: "part" if index == 0 else refuse()
'''


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with two NVIDIA cards on its bus, whose nvidia-smi knows nothing of them."""
    (tmp_path / "machine").mkdir()
    made = Machine(tmp_path / "machine")
    for address in ("0000:17:00.0", "0000:65:00.0"):
        made.slot(address, "10de", "20b2", "030200")
    made.tool("nvidia-smi", "exit 9")
    return made


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, init: str = "pass") -> None:
    """Put the library where this process and its children find it."""
    folder.mkdir()
    (folder / "pynvml.py").write_text(FAKE.replace("{init}", init))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_the_answer_is_read_as_nvidia_smis_is() -> None:
    good, lost = parse_nvml(NVML)
    assert good == DEVICE
    assert (lost.index, lost.health, lost.reason) == (1, Health.FAILED, "NVML: GPU is lost")


@pytest.mark.parametrize(
    ("rows", "health"),
    [([3, 1, 0, 0], Health.OK), ([0, 0, 1, 0], Health.DEGRADED), ([0, 0, 0, 1], Health.FAILED), (None, Health.OK)],
)
def test_rows_of_memory_tell_of_health(rows: list[int] | None, health: Health) -> None:
    [device] = parse_nvml(json.dumps({"gpus": [{**GOOD, "remapped_rows": rows}]}))
    assert device.health is health


def test_what_is_no_whole_answer_is_no_healthy_device() -> None:
    [nameless] = parse_nvml(json.dumps({"gpus": [{"index": 4, "name": None}]}))
    assert (nameless.index, nameless.health, nameless.reason) == (4, Health.UNKNOWN, "NVML: no product name")
    cut = parse_nvml(NVML[:200])
    assert {device.health for device in cut} == {Health.UNKNOWN}
    [odd] = parse_nvml(json.dumps({"gpus": [{**GOOD, "memory_total": -1, "celsius": True, "mig": "x"}]}))
    assert (odd.memory_bytes, odd.readings.temperature_c, odd.partitions) == (None, None, ())


def test_the_library_is_asked_first_in_a_process_of_its_own(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "library", monkeypatch)
    found = machine.survey()
    good, lost = found.devices
    assert replace(good, known_as="", precisions=frozenset(), rates={}, board_power_w=None) == DEVICE
    assert good.known_as == "NVIDIA A100 SXM4 80GB"
    assert lost.health is Health.FAILED
    asked = [look.place.split()[0] for look in found.looked if look.vendor == "nvidia"][1:]
    assert asked == ["pynvml"]


@pytest.mark.parametrize(
    ("init", "outcome", "detail"),
    [
        ('raise NVMLError("Driver Not Loaded")', Outcome.FAILED, "exit 1: NVML: Driver Not Loaded"),
        ("time.sleep(600)", Outcome.TIMED_OUT, "1 s"),
    ],
)
def test_where_it_cannot_be_asked_nvidia_smi_is(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, init: str, outcome: Outcome, detail: str
) -> None:
    install(tmp_path / "library", monkeypatch, init)
    timeout_s = 1 if outcome is Outcome.TIMED_OUT else 60
    looks = [look for look in machine.survey(timeout_s).looked if look.vendor == "nvidia"][1:]
    assert (looks[0].place, looks[0].outcome, looks[0].detail) == ("pynvml", outcome, detail)
    assert [look.place.split()[0] for look in looks] == ["pynvml", "nvidia-smi", "nvidia-smi"]
    assert all(device.health is Health.UNKNOWN for device in machine.survey(timeout_s).devices)


def test_without_the_library_nvidia_smi_is_asked(machine: Machine) -> None:
    looks = [look for look in machine.survey().looked if look.vendor == "nvidia"]
    assert [look.outcome for look in looks] == [Outcome.FOUND, Outcome.NO_TOOL, Outcome.FAILED, Outcome.FAILED]
