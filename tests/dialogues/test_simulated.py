"""The simulated vendor keeps the contract that every vendor keeps, and does what it is told."""

from collections.abc import Sequence

import pytest

from suanli.adapters.devices.models_known import catalogued
from suanli.model.devices import DeviceClass, Precision
from suanli.model.discovery import DiscoveredDevice, Health, Outcome, Readings
from suanli.testing.device_contract import Case, DeviceContract
from suanli.testing.fake_devices import Card, FakeDevices, Fault, PowerCurve, card, models, parse_list

GIB = 1 << 30
TEXT = """\
0|gpu|NVIDIA A100 SXM4 80GB|SIMULATED-7-0|fa4e:00:00.0|81920|1024|46|160|50|ok
1|npu|Huawei Ascend 910B1|SIMULATED-7-1|fa4e:00:01.0|-|0|-|-|0|degraded: a fault that was asked for
2|gpu|NVIDIA T4|SIMULATED-7-2|fa4e:00:02.0|ERR!|ERR!|ERR!|ERR!|ERR!|ok
"""
READ = (
    DiscoveredDevice(
        index=0,
        device_class=DeviceClass.GPU,
        vendor="simulated",
        model="NVIDIA A100 SXM4 80GB",
        uuid="SIMULATED-7-0",
        pci_address="fa4e:00:00.0",
        memory_bytes=80 * GIB,
        readings=Readings(temperature_c=46, power_w=160, utilization_percent=50, memory_used_bytes=GIB),
    ),
    DiscoveredDevice(
        index=1,
        device_class=DeviceClass.NPU,
        vendor="simulated",
        model="Huawei Ascend 910B1",
        uuid="SIMULATED-7-1",
        pci_address="fa4e:00:01.0",
        health=Health.DEGRADED,
        reason="a fault that was asked for",
        readings=Readings(utilization_percent=0, memory_used_bytes=0),
    ),
    DiscoveredDevice(
        index=2,
        device_class=DeviceClass.GPU,
        vendor="simulated",
        pci_address="fa4e:00:02.0",
        health=Health.UNKNOWN,
        reason="simulated-smi --list printed no whole line",
    ),
)
A100 = "NVIDIA A100 SXM4 80GB"


class TestSimulated(DeviceContract):
    vendor = "simulated"

    def cases(self) -> Sequence[Case]:
        return (Case(parse_list, TEXT, READ),)


def machine(*cards: Card, delay_s: float = 0) -> tuple[FakeDevices, list[float]]:
    waited: list[float] = []
    return FakeDevices(cards=cards, catalogued=catalogued, serial="7", delay_s=delay_s, wait=waited.append), waited


def test_the_tool_prints_what_the_parser_reads() -> None:
    half = PowerCurve(((0, 40), (50, 160), (100, 400)))
    good = Card(model=A100, device_class=DeviceClass.GPU, memory_bytes=80 * GIB, power=half)
    good.busy_percent, good.memory_used_bytes = 50, GIB
    worn, garbled = card("Huawei Ascend 910B1"), card("NVIDIA T4")
    worn.memory_bytes, worn.fault, garbled.fault = None, Fault.DEGRADED, Fault.GARBLED
    devices, _ = machine(good, worn, garbled)
    assert devices.printed() == TEXT


def test_every_accelerator_of_the_catalogue_can_be_simulated_and_is_known_again() -> None:
    found = machine(*map(card, models()))[0].survey().devices
    assert [device.known_as for device in found] == list(models())
    assert len(found) > 60
    assert {device.vendor for device in found} == {"simulated"}
    assert all(device.uuid.startswith("SIMULATED-") for device in found)


def test_a_simulated_card_computes_what_its_model_does_and_no_more() -> None:
    (v100, a100) = machine(card("NVIDIA V100 SXM2 32GB"), card(A100))[0].survey().devices
    assert v100.precisions == {Precision.FP64, Precision.FP32, Precision.FP16}
    assert (a100.rates[Precision.BF16], a100.memory_bytes, a100.board_power_w) == (312_000, 80 * GIB, 400)


@pytest.mark.parametrize(
    ("fault", "health"),
    [
        (Fault.NONE, Health.OK),
        (Fault.DEGRADED, Health.DEGRADED),
        (Fault.FAILED, Health.FAILED),
        (Fault.GARBLED, Health.UNKNOWN),
        (Fault.LOST, Health.UNKNOWN),
    ],
)
def test_a_fault_shows_and_hides_nobody_else(fault: Fault, health: Health) -> None:
    cards = [card(A100) for _ in range(3)]
    devices, _ = machine(*cards)
    cards[1].fault = fault
    assert [device.health for device in devices.survey().devices] == [Health.OK, health, Health.OK]
    cards[1].fault = Fault.NONE
    assert {device.health for device in devices.survey().devices} == {Health.OK}


def test_load_follows_the_power_curve() -> None:
    curve = PowerCurve(((10, 50), (60, 250), (100, 300)))
    assert [curve.watts(busy) for busy in (0, 10, 35, 60, 80, 100, 120)] == [50, 50, 150, 250, 275, 300, 300]
    one = card(A100)
    devices, _ = machine(one)
    idle = devices.survey().devices[0].readings
    one.busy_percent = 100
    busy = devices.survey().devices[0].readings
    assert (idle.power_w, busy.power_w) == (60, 400)
    assert idle.temperature_c is not None
    assert busy.temperature_c is not None
    assert idle.temperature_c < busy.temperature_c


def test_a_slow_tool_is_waited_for_and_one_that_hangs_is_given_up() -> None:
    slow, waited = machine(card(A100), delay_s=3)
    assert [device.health for device in slow.survey().devices] == [Health.OK]
    assert waited == [3]
    hanging, waited = machine(card(A100), delay_s=60)
    survey = hanging.survey()
    assert waited == [10]
    assert [device.health for device in survey.devices] == [Health.UNKNOWN]
    assert survey.looked[1].outcome is Outcome.TIMED_OUT


def test_programs_are_told_their_own_devices() -> None:
    devices, _ = machine(*(card(A100) for _ in range(3)))
    one, two, three = devices.survey().devices
    assert devices.visibility([three, one], [two]) == {"SIMULATED_VISIBLE_DEVICES": "2,0"}
    assert devices.visibility([], [one, two, three]) == {"SIMULATED_VISIBLE_DEVICES": ""}
    assert devices.visibility([], []) == {}
