from suanli.adapters.devices.vendors.amd import parse_rocm_smi as amd_rocm_smi
from suanli.adapters.devices.vendors.amd import parse_rocminfo as amd_rocminfo
from suanli.adapters.devices.vendors.hygon import parse_hy_smi, parse_rocminfo
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings
from tests.dialogues.reference import dialogue

BROKEN = "hygon/llm_monitor_hy-smi_real_BW_2cards_malformed.txt"
THROUGH_ROCM = "hygon/gpustack_hygon-gpu-24.04.3-rocm-smi.json"


def bw(index: int, degrees: float, watts: float, used: int) -> DiscoveredDevice:
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.GPU,
        vendor="hygon",
        model="BW",
        memory_bytes=65520 << 20,
        readings=Readings(temperature_c=degrees, power_w=watts, utilization_percent=0, memory_used_bytes=used << 20),
    )


def test_what_is_no_json_is_read_all_the_same() -> None:
    assert parse_hy_smi(dialogue(BROKEN)) == (bw(0, 54, 91, 64169), bw(1, 52, 84, 64104))


def test_a_card_that_breaks_off_does_not_hide_the_other() -> None:
    text = dialogue(BROKEN)
    good, bad = parse_hy_smi(text[: text.index('"HCU memory use', text.index("card1"))])
    assert good == bw(0, 54, 91, 64169)
    assert (bad.index, bad.model, bad.health, bad.reason) == (1, "BW", Health.UNKNOWN, "the record breaks off")


def test_through_rocm_smi_it_is_hygons_and_not_amds() -> None:
    text = dialogue(THROUGH_ROCM)
    assert amd_rocm_smi(text) == ()
    assert parse_hy_smi(text) == (
        DiscoveredDevice(
            index=0,
            device_class=DeviceClass.GPU,
            vendor="hygon",
            model="DCU xxxx",
            uuid="7100fa8866904061",
            pci_id="1d94:6210",
            memory_bytes=65520 << 20,
            readings=Readings(temperature_c=41, power_w=80, utilization_percent=0, memory_used_bytes=2 << 20),
        ),
    )


def test_the_agent_that_is_a_dcu() -> None:
    text = dialogue("hygon/gpustack_hygon-gpu-24.04.3-rocminfo.txt")
    assert amd_rocminfo(text) == ()
    (found,) = parse_rocminfo(text)
    assert (found.model, found.uuid, found.memory_bytes) == ("K1xx_AI", "GPU-7100fa8866904061", 67092480 * 1024)
