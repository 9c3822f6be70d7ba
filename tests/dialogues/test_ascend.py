from suanli.adapters.devices.vendors.ascend import parse_info, parse_mapping, parse_records, parse_topology
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Distance, Health, Readings
from tests.dialogues.reference import dialogue

MIB = 1 << 20


def chip(
    index: int, model: str, pci: str, total: int, *, used: int, power: float, temperature: float
) -> DiscoveredDevice:
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.NPU,
        vendor="huawei",
        model=model,
        pci_address=pci,
        memory_bytes=total * MIB,
        readings=Readings(
            temperature_c=temperature, power_w=power, utilization_percent=0, memory_used_bytes=used * MIB
        ),
    )


def test_four_310_of_one_card() -> None:
    text = dialogue("ascend/gpustack_ai-server_atlas-800-inference-server_model-3000_version-1.0.0-1.0.10.txt")
    assert parse_info(text) == (
        chip(0, "Ascend 310", "0000:da:00.0", 8192, used=2703, power=12.8, temperature=56),
        chip(1, "Ascend 310", "0000:dc:00.0", 8192, used=2703, power=12.8, temperature=57),
        chip(2, "Ascend 310", "0000:dd:00.0", 8192, used=2703, power=12.8, temperature=57),
        chip(3, "Ascend 310", "0000:db:00.0", 8192, used=2703, power=12.8, temperature=55),
    )


def test_four_310_with_hugepages_numbered_from_three() -> None:
    text = dialogue("ascend/gpustack_ai-server_atlas-800-inference-server_model-3000_version-1.0.11-1.0.15.txt")
    assert parse_info(text) == (
        chip(3, "Ascend 310", "0000:89:00.0", 8192, used=2703, power=12.8, temperature=73),
        chip(4, "Ascend 310", "0000:8a:00.0", 8192, used=2867, power=12.8, temperature=74),
        chip(5, "Ascend 310", "0000:8b:00.0", 8192, used=2867, power=12.8, temperature=70),
        chip(6, "Ascend 310", "0000:8c:00.0", 8192, used=2867, power=12.8, temperature=65),
    )


def test_eight_910a_have_their_models_in_hbm() -> None:
    text = dialogue("ascend/gpustack_ai-server_atlas-800-training-server_model-9010_version-6.0.RC1.txt")
    watts_and_degrees = [
        ("0000:61:00.0", 67.2, 43),
        ("0000:db:00.0", 63.3, 38),
        ("0000:b2:00.0", 64.8, 34),
        ("0000:3e:00.0", 191.7, 42),
        ("0000:60:00.0", 66.4, 44),
        ("0000:da:00.0", 62.7, 33),
        ("0000:b1:00.0", 64.5, 35),
        ("0000:3d:00.0", 191.4, 40),
    ]
    assert parse_info(text) == tuple(
        chip(index, "Ascend 910A", pci, 32768, used=0, power=watts, temperature=degrees)
        for index, (pci, watts, degrees) in enumerate(watts_and_degrees)
    )


def test_910b1_keep_their_numbers_where_rows_are_left_out() -> None:
    assert parse_info(dialogue("ascend/arthurchiao_npu-smi_info_910b1_23.0.rc2_elided.txt")) == (
        chip(0, "Ascend 910B1", "0000:c1:00.0", 65536, used=4175, power=88.4, temperature=46),
        chip(1, "Ascend 910B1", "0000:01:00.0", 65536, used=4175, power=92.1, temperature=47),
        chip(7, "Ascend 910B1", "0000:42:00.0", 65536, used=4174, power=92.7, temperature=48),
    )


def test_mappings_leave_the_management_processor_out() -> None:
    folder = "ascend/gpustack_ai-server_atlas-800-"
    for name, count, model in (
        ("inference-server_model-3000_version-1.0.0-1.0.10_mapping.txt", 4, "MiniD"),
        ("inference-server_model-3000_version-1.0.11-1.0.15_mapping.txt", 4, "MiniD"),
        ("training-server_model-9010_version-6.0.RC1_mapping.txt", 8, "Ascend 910A"),
    ):
        found = parse_mapping(dialogue(folder + name))
        assert [(device.index, device.model) for device in found] == [(index, model) for index in range(count)]


def record(index: int = 0, *, memory: int | None = None, pci: str = "", **readings: float) -> DiscoveredDevice:
    used = readings.pop("used", None)
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.NPU,
        vendor="huawei",
        pci_address=pci,
        memory_bytes=None if memory is None else memory * MIB,
        readings=Readings(memory_used_bytes=None if used is None else int(used), **readings),
    )


def test_records_of_one_chip() -> None:
    assert parse_records(dialogue("ascend/arthurchiao_npu-smi_t_common_910b1.txt")) == (
        record(temperature_c=46, power_w=93.4, utilization_percent=0),
    )
    assert parse_records(dialogue("ascend/arthurchiao_npu-smi_t_usages_910b1.txt")) == (
        record(memory=65536, utilization_percent=0, used=65536 * MIB * 4 // 100),
    )
    assert parse_records(dialogue("ascend/swanlab_npu-smi_t_usages_950.txt")) == (
        record(memory=131072, utilization_percent=37, used=131072 * MIB * 4 // 100),
    )


def test_records_of_the_two_dies_of_a_910c() -> None:
    assert parse_records(dialogue("ascend/zstack_npu-smi_board_common_910c.txt")) == (
        record(0, memory=65536, pci="0000:95:00.0", power_w=163.1),
        record(1, memory=65536, power_w=163.1),
    )


def test_every_pair_of_eight_is_linked() -> None:
    found = parse_topology(dialogue("ascend/arthurchiao_npu-smi_t_topo_910b1.txt"))
    assert found == {(a, b): Distance.SELF if a == b else Distance.LINK for a in range(8) for b in range(8)}


TWO_DIES = """
| 4     Ascend910           | Warning       | 163.1       41                0    / 0             |
| 0     8                   | 0000:9D:00.0  | 3           0    / 0          3059 / 65536         |
+------------------------------------------------------------------------------------------------+
| 4     Ascend910           | OK            | -           41                0    / 0             |
| 1     9                   | 0000:9F:00.0  | 0           0    / 0          2871 / 65536         |
+===========================+===============+====================================================+
| 5     Ascend910           | Alarm         | NA          NA                                     |
+===========================+===============+====================================================+
| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |
| 4       0                 | 33421         | python                   | 3000                    |
"""


def test_dies_alarms_and_a_card_without_its_chip() -> None:
    first, second, third = parse_info(TWO_DIES)
    assert (first.index, first.health, first.reason) == (8, Health.DEGRADED, "npu-smi says Warning")
    assert (second.index, second.health, second.readings.power_w) == (9, Health.OK, None)
    assert (third.model, third.health) == ("Ascend 910", Health.UNKNOWN)
    assert "card 5" in third.reason
