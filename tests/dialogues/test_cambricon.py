from suanli.adapters.devices.vendors.cambricon import parse_table
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings
from tests.dialogues.reference import dialogue


def mlu(index: int, model: str, total: int, degrees: float, watts: float, pci: str = "") -> DiscoveredDevice:
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.NPU,
        vendor="cambricon",
        model=model,
        pci_address=pci,
        memory_bytes=total << 20,
        readings=Readings(temperature_c=degrees, power_w=watts, utilization_percent=0, memory_used_bytes=0),
    )


def test_version_4_prints_no_address() -> None:
    assert parse_table(dialogue("cambricon/cnmon_v4.20.11_mlu370-x4_table_head.txt")) == (
        mlu(0, "MLU370-X4", 23308, 32, 30),
        mlu(1, "MLU370-X4", 23308, 33, 25),
    )


def test_version_5() -> None:
    assert parse_table(dialogue("cambricon/cnmon_v5.10.22_mlu370-x8_table.txt")) == (
        mlu(0, "MLU370-X8", 20638, 28, 107, "0000:13:00.0"),
        mlu(1, "MLU370-X8", 20638, 32, 107, "0000:16:00.0"),
    )


def test_a_card_whose_second_line_is_lost() -> None:
    text = dialogue("cambricon/cnmon_v5.10.22_mlu370-x8_table.txt")
    bad, good = parse_table(
        text.replace("|  0%   28C        107 W/ 250 W |     0 MiB/ 20638 MiB | FULL          Default |\n", "")
    )
    assert (bad.index, bad.pci_address, bad.health) == (0, "0000:13:00.0", Health.UNKNOWN)
    assert good.health is Health.OK
