from suanli.adapters.devices.vendors import iluvatar, intel, metax, mthreads
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Distance, Health, Readings
from tests.dialogues.reference import dialogue


def gpu(
    vendor: str,
    model: str,
    *,
    index: int = 0,
    uuid: str = "",
    pci: str = "",
    pci_id: str = "",
    memory: int | None = None,
    readings: Readings | None = None,
) -> DiscoveredDevice:
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.GPU,
        vendor=vendor,
        model=model,
        uuid=uuid,
        pci_address=pci,
        pci_id=pci_id,
        memory_bytes=None if memory is None else memory << 20,
        readings=readings or Readings(),
    )


def read(degrees: float, watts: float | None, used: int, busy: float = 0) -> Readings:
    return Readings(temperature_c=degrees, power_w=watts, utilization_percent=busy, memory_used_bytes=used << 20)


def test_intel_max_1100() -> None:
    model = "Intel(R) Data Center GPU Max 1100"
    assert intel.parse_discovery(dialogue("intel/optimum_xpu-smi_discovery_max1100.json")) == (
        gpu(
            "intel",
            model,
            uuid="00000000-0000-0029-0000-002f0bda8086",
            pci="0000:29:00.0",
            pci_id="8086:0bda",
        ),
        gpu(
            "intel", model, index=1, uuid="00000000-0000-009a-0000-002f0bda8086", pci="0000:9a:00.0", pci_id="8086:0bda"
        ),
    )


def test_intel_flex_170_and_a_card_without_a_name_of_its_own() -> None:
    assert intel.parse_discovery(dialogue("intel/xpu-smi_discovery_flex170_list.json")) == (
        gpu(
            "intel",
            "Intel(R) Data Center GPU Flex 170",
            uuid="00000000-0000-0000-6769-df256e271362",
            pci="0000:4d:00.0",
            pci_id="8086:56c0",
        ),
    )
    assert intel.parse_discovery(dialogue("intel/xpumanager_xpu-smi_discovery.json")) == (
        gpu(
            "intel",
            "Intel(R) Graphics [0x020a]",
            uuid="00000000-0000-0000-0000-020a00008086",
            pci="0000:4d:00.0",
            pci_id="8086:020a",
        ),
    )


def test_intel_as_tables_and_lists() -> None:
    assert intel.parse_table(dialogue("intel/xpumanager_xpu-smi_discovery_table.txt")) == (
        gpu("intel", "Intel(R) Graphics [0x020a]", uuid="00000000-0000-0000-0000-020a00008086", pci="0000:4d:00.0"),
    )
    assert intel.parse_list(dialogue("intel/xpumanager_xpu-smi_discovery_dump.csv")) == tuple(
        gpu("intel", "Intel(R) Graphics [0x56c0]", index=index) for index in (0, 1)
    )
    assert intel.parse_list(dialogue("intel/xpumanager_xpu-smi_dump.csv")) == ()


def test_intel_readings() -> None:
    assert intel.parse_stats(dialogue("intel/xpumanager_xpu-smi_stats_table.txt")) == {0: read(41, 15, 24)}
    assert intel.parse_dump(dialogue("intel/xpumanager_xpu-smi_dump.csv")) == {
        0: Readings(power_w=14.61, utilization_percent=0)
    }


def test_intel_distances_are_those_of_the_nearest_tiles() -> None:
    assert intel.parse_topology(dialogue("intel/xpumanager_xpu-smi_topology_m.txt")) == {
        (0, 0): Distance.SELF,
        (0, 1): Distance.LINK,
        (1, 0): Distance.LINK,
        (1, 1): Distance.SELF,
    }


def test_metax_temperatures_are_those_of_the_hottest_sensor() -> None:
    found = metax.parse_temperatures(dialogue("metax/mx-smi_show-temperature.txt"))
    assert found == (
        gpu("metax", "MXC500", pci="0000:08:00.0", readings=Readings(temperature_c=39)),
        gpu("metax", "MXC500", index=1, pci="0000:09:00.0", readings=Readings(temperature_c=39.25)),
    )


def test_iluvatar_as_a_list() -> None:
    assert iluvatar.parse_query(dialogue("iluvatar/gpustack_ixsmi_query.csv")) == (
        gpu("iluvatar", "Iluvatar MR-V50", memory=16384, readings=read(30, None, 116)),
        gpu("iluvatar", "Iluvatar MR-V100", index=1, memory=32768, readings=read(36, None, 27996)),
    )
    (cut,) = iluvatar.parse_query("3, Iluvatar MR-V50")
    assert (cut.index, cut.health) == (3, Health.UNKNOWN)


def test_kunlunxins_program_of_the_same_name_is_not_intels() -> None:
    assert intel.parse_discovery(dialogue("kunlunxin/xpu-smi_L.txt")) == ()
    assert intel.parse_discovery(dialogue("kunlunxin/xpu-smi_q_p800.txt")) == ()


def test_moore_threads_s5000() -> None:
    assert mthreads.parse_query(dialogue("mthreads/mthreads-gmi_q_json_s5000.json")) == (
        gpu(
            "mthreads",
            "MTT S5000",
            uuid="test-uuid",
            pci="0000:2a:00.0",
            memory=81920,
            readings=read(42, 400.5, 40960, 75),
        ),
    )


def test_metax() -> None:
    assert metax.parse_table(dialogue("metax/mx-smi_2.2.4_c500_table.txt")) == (
        gpu("metax", "MetaX C500", pci="0000:01:00.0", memory=65536, readings=read(45, 48, 858)),
    )
    assert metax.parse_table(dialogue("metax/mx-smi_2.2.4_c550_table_head.txt")) == (
        gpu("metax", "MetaX C550", pci="0000:0f:00.0", memory=65536, readings=read(29, 53, 858)),
    )


def test_two_groups_of_four_linked_metax() -> None:
    found = metax.parse_topology(dialogue("metax/mx-smi_topo_m.txt"))
    assert len(found) == 64
    assert (found[0, 0], found[0, 3], found[0, 4], found[7, 4]) == (
        Distance.SELF,
        Distance.LINK,
        Distance.SYSTEM,
        Distance.LINK,
    )


def test_iluvatar() -> None:
    assert iluvatar.parse_table(dialogue("iluvatar/ixsmi_bi-v100_16g_table.txt")) == (
        gpu("iluvatar", "Iluvatar BI-V100", pci="0000:0c:00.0", memory=16384, readings=read(33, 58, 0)),
    )
    assert iluvatar.parse_table(dialogue("iluvatar/ixsmi_mr-v100-duo_table.txt")) == (
        gpu("iluvatar", "Iluvatar MR-V100 DUO", pci="0000:35:00.0", memory=32768, readings=read(37, None, 68)),
        gpu("iluvatar", "Iluvatar MR-V100 DUO", index=1, pci="0000:38:00.0", memory=32768, readings=read(36, 40, 68)),
    )


def test_garbled_cards_hide_no_other() -> None:
    text = dialogue("iluvatar/ixsmi_mr-v100-duo_table.txt")
    lower = next(line for line in text.splitlines() if "37C" in line)
    assert [card.health for card in iluvatar.parse_table(text.replace(lower, "|##"))] == [Health.UNKNOWN, Health.OK]
    assert [card.health for card in intel.parse_discovery('{"device_list": [7, {"device_name": "A"}]}')] == [
        Health.UNKNOWN,
        Health.OK,
    ]
