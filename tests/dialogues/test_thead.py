"""Texts in the forms that T-Head's manual of ppu-smi 1.28 shows (sections 2.2 and 3.2), with numbers of our own."""

from suanli.adapters.devices.vendors import thead
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings

GIB = 2**30
MIB = 2**20
TABLE = """Mon Oct 12 09:00:00 2026
+---------------------------------------------------------------------------------+
| PPU-SMI 1.28          Driver Version: 2.1.0-dbda51  HGGC Version: 13.0          |
+---------------------------------+------------------------+----------------------+
| PPU  Name        Persistence M. | Bus-Id                 | Volatile Uncorr. ECC |
| Fan  Temp  Perf   Pwr:Usage/Cap | Memory-Usage           | PPU-Util  Compute M. |
|                                 |                        |               MIG M. |
+=================================+========================+======================+
| 0  PPU-ZW810E        N/A        | 00000000:08:00.0       |                    0 |
| N/A  31C   N/A       90W / 400W | 512MiB / 98304MiB      |  17%        Default  |
|                                 |                        |             Disabled |
+---------------------------------+------------------------+----------------------+
| 1  PPU-ZW810E        N/A        | 00000000:7E:00.0       |                    0 |
| N/A  ERR   ###
+---------------------------------+------------------------+----------------------+

| Processes:                                                                      |
| PPU    GI   CI   PID      Type  Process name                         PPU Memory |
| 0      N/A  N/A  525179   C     train                                    480MiB |
"""
START = "1, PPU-ZW810E, GPU-019ea108, 00000000:7E:00.0"
QUERY = f"{START}, 98304 MiB, 512 MiB, 31, 90.50 W, 17 %\n"


def ppu(index: int, pci: str, *, uuid: str = "", readings: Readings) -> DiscoveredDevice:
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.NPU,
        vendor="thead",
        model="PPU-ZW810E",
        uuid=uuid,
        pci_address=pci,
        memory_bytes=96 * GIB,
        readings=readings,
    )


def test_a_query_with_units_and_one_without() -> None:
    readings = Readings(temperature_c=31, power_w=90.5, utilization_percent=17, memory_used_bytes=512 * MIB)
    expected = (ppu(1, "0000:7e:00.0", uuid="GPU-019ea108", readings=readings),)
    assert thead.parse_query(QUERY) == expected
    assert thead.parse_query(f"{START}, 98304, 512, 31, 90.50, 17\n") == expected


def test_a_line_that_is_cut_hides_no_other_and_messages_are_no_devices() -> None:
    text = "Init HGML error\n0, PPU-ZW810E, GPU-0, 00000000:08:00.0, 98304 MiB, 9 MiB\n1, PPU-Z"
    whole, cut = thead.parse_query(text)
    assert whole == ppu(0, "0000:08:00.0", uuid="GPU-0", readings=Readings(memory_used_bytes=9 * MIB))
    assert (cut.index, cut.health, cut.reason) == (1, Health.UNKNOWN, "ppu-smi printed no name or no memory")


def test_the_table_without_its_processes_and_with_a_garbled_card() -> None:
    good, bad = thead.parse_table(TABLE)
    readings = Readings(temperature_c=31, power_w=90, utilization_percent=17, memory_used_bytes=512 * MIB)
    assert good == ppu(0, "0000:08:00.0", readings=readings)
    assert (bad.index, bad.pci_address, bad.health) == (1, "0000:7e:00.0", Health.UNKNOWN)
