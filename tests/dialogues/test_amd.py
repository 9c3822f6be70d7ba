import pytest

from suanli.adapters.devices.vendors.amd import parse_metric, parse_rocm_smi, parse_rocminfo, parse_static
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings
from tests.dialogues.reference import dialogue


def gpu(
    model: str,
    memory: int,
    *,
    index: int = 0,
    uuid: str = "",
    pci: str = "",
    pci_id: str = "",
    readings: Readings | None = None,
) -> DiscoveredDevice:
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.GPU,
        vendor="amd",
        model=model,
        uuid=uuid,
        pci_address=pci,
        pci_id=pci_id,
        memory_bytes=memory,
        readings=readings or Readings(),
    )


def read(degrees: float, watts: float | None, used: int, busy: float = 0) -> Readings:
    return Readings(temperature_c=degrees, power_w=watts, utilization_percent=busy, memory_used_bytes=used)


def test_six_mi100() -> None:
    facts = [
        ("0000:1e:00.0", 31, 39),
        ("0000:22:00.0", 30, 37),
        ("0000:3f:00.0", 31, 35),
        ("0000:43:00.0", 33, 39),
        ("0000:46:00.0", 32, 39),
        ("0000:49:00.0", 33, 40),
    ]
    assert parse_rocm_smi(dialogue("amd/telegraf_mi100_rocm571.json")) == tuple(
        gpu(
            "Arcturus GL-XL [Instinct MI100]",
            34342961152,
            index=index,
            pci=pci,
            pci_id="1002:738c",
            readings=read(degrees, watts, 6782976),
        )
        for index, (pci, degrees, watts) in enumerate(facts)
    )


NAVI_22 = "Navi 22 [Radeon RX 6700/6700 XT / 6800M]"


@pytest.mark.parametrize(
    ("version", "model", "watts", "used"),
    [("430", "", 6, 1622728704), ("571", NAVI_22, 6, 1564491776), ("602", NAVI_22, None, 1572757504)],
)
def test_one_card_by_three_versions(version: str, model: str, watts: float | None, used: int) -> None:
    assert parse_rocm_smi(dialogue(f"amd/telegraf_rx6700xt_rocm{version}.json")) == (
        gpu(model, 12868124672, pci="0000:07:00.0", pci_id="1002:73df", readings=read(45, watts, used)),
    )


def test_a_card_that_names_its_model_nowhere() -> None:
    assert parse_rocm_smi(dialogue("amd/telegraf_vega-10-XT.json")) == (
        gpu(
            "",
            17163091968,
            uuid="0x2150e7d042a1124",
            pci="0000:04:00.0",
            pci_id="1002:6861",
            readings=read(39, 15, 17776640),
        ),
    )


def test_one_busy_card() -> None:
    assert parse_rocm_smi(dialogue("amd/gpustack_amd-gpu-6.2.4-rocm-smi.json")) == (
        gpu(
            "Navi 32 [Radeon RX 7700 XT / 7800 XT]",
            17163091968,
            uuid="0x5c88007d760374f3",
            pci_id="1002:747e",
            readings=read(45, 53, 11615076352, 100),
        ),
    )


def test_the_agent_that_is_a_gpu() -> None:
    assert parse_rocminfo(dialogue("amd/gpustack_amd-gpu-6.2.4-rocminfo.txt")) == (
        gpu("AMD Radeon RX 7800 XT", 16760832 * 1024, uuid="GPU-5c88007d760374f3", pci="0000:03:00.0"),
    )


@pytest.mark.parametrize("name", ["rocm6_flat", "rocm7_wrapped"])
def test_lists_flat_and_wrapped(name: str) -> None:
    assert parse_static(dialogue(f"amd/dstack_amd-smi_static_{name}.json")) == (
        gpu("MI300X", 196592 << 20, pci="0000:05:00.0"),
    )


def test_a_transcript_without_an_address() -> None:
    (found,) = parse_static(dialogue("amd/amd-smi_static_mi210_rocm7.json"))
    assert found == gpu("AMD Instinct MI210", 65520 << 20, pci_id="1002:740f")


def test_no_json_and_a_garbled_device() -> None:
    assert parse_static("Traceback (most recent call last):")[0].health is Health.UNKNOWN
    good, bad = parse_static('WARNING: x\n{"gpu_data": [{"gpu": 0, "asic": {"market_name": "MI250"}}, {"gpu": 1}]}')
    assert (good.model, good.health) == ("MI250", Health.OK)
    assert (bad.index, bad.health, bad.reason) == (1, Health.UNKNOWN, "amd-smi printed no market name")
    good, cut = parse_static('[{"gpu": 0, "asic": {"market_name": "MI250"}}, {"gpu": 1, "asic": {"market_na')
    assert (good.model, good.health, cut.index, cut.health) == ("MI250", Health.OK, 1, Health.UNKNOWN)


# The names are those of ROCm's amdsmi_cli and of what issue 737 of henrygd/beszel and pull request 2720 of
# ROCm/rocm-systems show: a list in ROCm 6, wrapped since 7, and whole sections that are N/A.
METRIC = """{"gpu": 0, "usage": {"gfx_activity": {"value": 42, "unit": "%"}, "vcn_activity": ["N/A"]},
"power": {"socket_power": {"value": 239, "unit": "W"}, "throttle_status": "UNTHROTTLED"},
"temperature": {"edge": "N/A", "hotspot": {"value": 36, "unit": "C"}, "mem": {"value": 31, "unit": "C"}},
"mem_usage": {"total_vram": {"value": 294896, "unit": "MB"}, "used_vram": {"value": 283, "unit": "MB"}}},
{"gpu": 1, "usage": "N/A", "power": {"socket_power": "N/A"}, "temperature": {"edge": "N/A", "hotspot": "N/A"}}, 7"""


@pytest.mark.parametrize("text", [f"[{METRIC}]", f'{{"gpu_data": [{METRIC}]}}', f"WARNING: x\n[{METRIC}]"])
def test_readings_flat_and_wrapped_and_not_available(text: str) -> None:
    assert parse_metric(text) == {0: read(36, 239, 283 << 20, 42), 1: Readings()}


def test_readings_of_older_names() -> None:
    text = """[{"gpu": 0, "power": {"current_socket_power": "N/A", "average_socket_power": {"value": 89, "unit": "W"}},
    "temperature": {"edge": {"value": 40, "unit": "C"}, "hotspot": {"value": 44, "unit": "C"}}}]"""
    assert parse_metric(text) == {0: Readings(temperature_c=40, power_w=89)}
    assert parse_metric("amdsmi.AmdSmiLibraryException: [1]") == {}
