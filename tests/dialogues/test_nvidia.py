import pytest

from suanli.adapters.devices.vendors.nvidia import parse_query, parse_topology, parse_xml
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Distance, Health, Readings
from tests.dialogues.reference import dialogue


def gpu(model: str, total: int, uuid: str, pci: str, pci_id: str = "", **more: float | None) -> DiscoveredDevice:
    used = more.get("used")
    return DiscoveredDevice(
        index=int(more.get("index") or 0),
        device_class=DeviceClass.GPU,
        vendor="nvidia",
        model=model,
        uuid=uuid,
        pci_address=pci,
        pci_id=pci_id,
        memory_bytes=total << 20,
        readings=Readings(
            temperature_c=more.get("degrees"),
            power_w=more.get("watts"),
            utilization_percent=more.get("busy"),
            memory_used_bytes=None if used is None else int(used) << 20,
        ),
    )


EXPECTED = {
    "gtx-1070-ti": gpu(
        "GeForce GTX 1070 Ti", 4096, "GPU-f9ba66fc-a7f5-94c5-da19-019ef2f9c665", "0000:01:00.0",
        used=42, busy=0, degrees=39,
    ),
    "quadro-p2000-v12": gpu(
        "Quadro P2000", 5120, "GPU-396caaed-39ca-3199-2e68-717cdb786ec6", "0000:17:00.0", "10de:1c30",
        used=1, busy=0, degrees=34, watts=4.61,
    ),
    "quadro-p400": gpu(
        "Quadro P400", 1998, "GPU-8f750be4-dfbc-23b9-b33f-da729a536494", "0000:43:00.0", "10de:1cb3",
        used=0, busy=0, degrees=33,
    ),
    "rtx-3060-v12": gpu(
        "NVIDIA GeForce RTX 3060", 12288, "GPU-d6889ff6-2523-9142-ca3c-1ca3f396a625", "0000:2d:00.0", "10de:2487",
        used=116, busy=0, degrees=42, watts=11.63,
    ),
    "rtx-3080-v12": gpu(
        "NVIDIA GeForce RTX 3080", 10240, "GPU-19d6d965-2acc-f646-00f8-4c76979aabb4", "0000:04:00.0", "10de:2216",
        used=1128, busy=0, degrees=31, watts=22.78,
    ),
    "rtx-3090-v12": gpu(
        "NVIDIA GeForce RTX 3090", 24576, "GPU-12345678-aaaa-bbbb-cccc-0123456789ab", "0000:00:10.0",
        used=1, busy=0, degrees=37, watts=27.23,
    ),
    "rtx-4000-sff-ada-v13": gpu(
        "NVIDIA RTX 4000 SFF Ada Generation", 20475, "GPU-37037c3f-65c8-ec4d-24a9-420204ad8026", "0000:06:00.0",
        "10de:27b0", used=3534, busy=0, degrees=38, watts=8.44,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_xml(name: str) -> None:
    assert parse_xml(dialogue(f"nvidia/telegraf_{name}.xml")) == (EXPECTED[name],)


def test_a_query_with_units() -> None:
    fields = ("uuid", "pci.bus_id", "memory.total", "power.limit", "serial", "driver_version", "name", "index")
    assert parse_query(dialogue("nvidia/zstack_query_with_units_a100.csv"), fields) == (
        gpu("NVIDIA A100-SXM4-80GB", 81920, "GPU-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "0000:3b:00.0"),
        gpu("NVIDIA A100-SXM4-80GB", 81920, "GPU-ffffffff-1111-2222-3333-444444444444", "0000:af:00.0", index=1),
    )


def test_a_query_with_a_quoted_comma_and_blanks() -> None:
    asked = ("index", "name", "utilization.gpu", "memory.used", "memory.total", "temperature.gpu", "power.draw")
    assert parse_query(dialogue("nvidia/query_with_na_and_quoted_comma.csv"), asked) == (
        gpu("NVIDIA A100", 40960, "", "", used=10240, busy=75, degrees=62, watts=221.5),
        gpu("NVIDIA GPU, PCIe", 40960, "", "", index=1),
    )


def test_a_row_that_is_not_what_was_asked_for_hides_no_other() -> None:
    long = "0, " + "x" * 200_000
    bad, longer, good = parse_query(f"Unable to determine the device handle\n{long}\n1, NVIDIA L4\n", ("index", "name"))
    assert (bad.health, longer.health, good.health) == (Health.UNKNOWN, Health.UNKNOWN, Health.OK)
    assert (good.index, good.model) == (1, "NVIDIA L4")


def test_two_linked_devices() -> None:
    assert parse_topology(dialogue("nvidia/zstack_topo_m_a100_pair.txt")) == {
        (0, 0): Distance.SELF,
        (0, 1): Distance.LINK,
        (1, 0): Distance.LINK,
        (1, 1): Distance.SELF,
    }


THREE = """<?xml version="1.0" ?><nvidia_smi_log>
<gpu id="00000000:3B:00.0"><product_name>NVIDIA H100</product_name><mig_devices><mig_device>
<uuid>MIG-1</uuid><profile>1g.10gb</profile><fb_memory_usage><total>9856 MiB</total></fb_memory_usage>
</mig_device></mig_devices></gpu>
<gpu id="00000000:AF:00.0"><product_name>NVIDIA H1&&</gpu>
<gpu id="00000000:D8:00.0"><product_name>NVIDIA H100</product_name><uuid>Unknown Error</uuid></gpu>
<gpu id="00000000:D9:00.0"><product_name>NVIDIA H100"""


def test_garbled_lost_and_broken_off_cards_hide_no_other() -> None:
    good, garbled, lost, cut = parse_xml(THREE)
    assert [(part.profile, part.memory_bytes) for part in good.partitions] == [("1g.10gb", 9856 << 20)]
    assert [device.health for device in (good, garbled, lost, cut)] == [
        Health.OK,
        Health.UNKNOWN,
        Health.FAILED,
        Health.UNKNOWN,
    ]
    assert (garbled.pci_address, cut.pci_address) == ("0000:af:00.0", "0000:d9:00.0")
