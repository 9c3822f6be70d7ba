"""The catalogue's device models keep to their form: every number has a source, and no model stands twice."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from suanli.adapters.devices.models_known import MODELS as ROWS
from suanli.adapters.devices.models_known import catalogued, catalogued_processors, name_of
from suanli.adapters.devices.vendors_known import Vendor, known
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Processors
from tests.machine import Machine

TEXTS = {"name", "vendor", "class", "architecture", "basis", "confidence", "source", "notes"}
RATES = {"fp64", "fp64_matrix", "fp32", "tf32", "bf16", "fp16", "fp8", "int8"}
NUMBERS = RATES | {"mem_gb", "mem_bw_gbs", "tdp_w", "cores"}

FACTS = tomllib.loads(ROWS.read_text("utf-8"))
MODELS, BOARDS = FACTS["models"], FACTS["boards"]
IDENTITY = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}(?:/[0-9a-f]{4}:[0-9a-f]{4})?")
IDENTITIES = [(row, identity) for row in (*MODELS, *BOARDS) for identity in row.get("pci", ())]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_form() -> None:
    assert set(FACTS) == {"models", "boards"}
    for board in BOARDS:
        assert set(board) == {"name", "vendor", "class", "pci", "pci_source"}, board["name"]
    for model in MODELS:
        assert set(model) <= TEXTS | NUMBERS | {"printed", "pci", "pci_source"}, model["name"]
        assert model["class"] in {"cpu", "gpu", "npu", "fpga"}
        assert model["confidence"] in {"low", "medium", "high"}


def test_no_number_without_a_source_and_none_is_zero() -> None:
    for model in MODELS:
        numbers = {name: model[name] for name in NUMBERS & set(model)}
        assert numbers, model["name"]
        assert all(number > 0 for number in numbers.values()), model["name"]
        assert model["source"].strip(), model["name"]
        assert model["basis"].strip(), model["name"]


def test_no_model_stands_twice() -> None:
    names = [(model["vendor"], model["name"]) for model in MODELS]
    assert len(set(names)) == len(names) > 70


def test_no_identity_without_a_source() -> None:
    for row in (*MODELS, *BOARDS):
        assert ("pci" in row) == bool(row.get("pci_source", "").strip()), row["name"]
        assert row.get("pci") != [], row["name"]


def test_no_two_rows_have_one_identity() -> None:
    identities = [identity for _, identity in IDENTITIES]
    assert len(set(identities)) == len(identities) > 60
    assert [identity for identity in identities if not IDENTITY.fullmatch(identity)] == []


def vendors_of(identity: str) -> list[Vendor]:
    """Whose devices the probe would take a function of that identity for."""
    maker, _, device = identity.partition("/")[0].partition(":")
    return [one for one in known() if maker in one.pci_vendors and (not one.pci_devices or device in one.pci_devices)]


@pytest.mark.parametrize(
    ("row", "identity"), [pytest.param(row, identity, id=identity) for row, identity in IDENTITIES]
)
def test_a_card_that_no_tool_lists_is_named_by_its_identity(
    machine: Machine, row: dict[str, str], identity: str
) -> None:
    (vendor,) = [one for one in vendors_of(identity) if one.device_class == row["class"]]
    card, _, board = identity.partition("/")
    maker, device = card.split(":")
    machine.slot("0000:17:00.0", maker, device, f"{min(vendor.pci_classes)}00", subsystem=board)
    (found,) = machine.survey().devices
    assert (found.health, found.model) == (Health.UNKNOWN, "")
    assert found.record(0).model == f"{row['vendor']} {row['name']}"
    assert not found.record(0).healthy


def test_of_boards_that_share_a_device_the_subsystem_tells() -> None:
    shared = ["1e52:0018", "1e52:0014", "1e52:ffff", ""]
    assert [name_of("1e52:401e", board) for board in shared] == [
        "Tenstorrent n150",
        "Tenstorrent n300",
        "Tenstorrent Wormhole",
        "Tenstorrent Wormhole",
    ]
    assert name_of("10de:20b2", "10de:1625") == "NVIDIA PG509-210"
    assert name_of("10de:20b2", "10de:1463") == name_of("10de:20b2", "") == "NVIDIA A100 SXM4 80GB"
    assert name_of("10de:1cb3", "") == name_of("", "") == ""


def test_what_several_models_share_is_named_and_promises_nothing() -> None:
    device = DiscoveredDevice(index=0, device_class=DeviceClass.NPU, vendor="huawei", pci_id="19e5:d802")
    assert catalogued(device).known_as == "Huawei Ascend 910B"
    assert (catalogued(device).rates, catalogued(device).board_power_w) == ({}, None)


def test_a_printed_name_goes_before_the_identity() -> None:
    card = DiscoveredDevice(index=0, device_class=DeviceClass.GPU, vendor="nvidia", pci_id="10de:2236")
    assert catalogued(card).known_as == "NVIDIA A10"
    assert catalogued(dataclasses.replace(card, model="GRID V10-12Q")).known_as == ""
    assert catalogued(dataclasses.replace(card, device_class=DeviceClass.NPU)).known_as == ""


def found(device_class: DeviceClass, vendor: str, model: str) -> DiscoveredDevice:
    return catalogued(DiscoveredDevice(index=0, device_class=device_class, vendor=vendor, model=model))


@pytest.mark.parametrize(
    ("device_class", "vendor", "model", "known_as", "native", "not_native"),
    [
        (
            DeviceClass.GPU,
            "nvidia",
            "NVIDIA A100-SXM4-80GB",
            "NVIDIA A100 SXM4 80GB",
            {"fp64", "bf16", "tf32", "int8"},
            {"fp8"},
        ),
        (DeviceClass.GPU, "nvidia", "NVIDIA H100 80GB HBM3", "NVIDIA H100 SXM5 80GB", {"fp64", "bf16", "fp8"}, set()),
        (DeviceClass.GPU, "nvidia", "Tesla T4", "NVIDIA T4", {"fp16"}, {"bf16", "fp8"}),
        (DeviceClass.GPU, "amd", "MI300X", "AMD Instinct MI300X", {"fp64", "fp8"}, set()),
        (DeviceClass.NPU, "huawei", "910A", "Huawei Ascend 910A", {"fp16"}, {"fp64"}),
    ],
)
def test_a_printed_name_finds_its_row(
    device_class: DeviceClass, vendor: str, model: str, known_as: str, native: set[str], not_native: set[str]
) -> None:
    device = found(device_class, vendor, model)
    assert device.record(0).model == known_as
    assert native <= device.precisions
    assert not device.precisions & not_native


@pytest.mark.parametrize(
    ("model", "rates"),
    [
        # The catalogue's rows; of fp64 the matrix units where they are faster.
        ("NVIDIA A100-SXM4-80GB", {"fp64": 19_500, "fp32": 19_500, "tf32": 156_000, "bf16": 312_000, "int8": 624_000}),
        ("Tesla V100-SXM2-32GB", {"fp64": 7_834, "fp32": 15_670, "fp16": 125_000}),
        ("Quadro P400", {}),
    ],
)
def test_rates_are_told_in_billions_a_second(model: str, rates: dict[str, int]) -> None:
    device = found(DeviceClass.GPU, "nvidia", model)
    told = device.record(0)
    assert rates.items() <= told.rates.items()
    assert set(told.rates) == told.precisions
    assert bool(told.rates) == bool(rates)


def test_an_unknown_model_promises_nothing() -> None:
    assert found(DeviceClass.GPU, "nvidia", "Quadro P400").precisions == frozenset()
    assert found(DeviceClass.NPU, "nvidia", "Tesla T4").precisions == frozenset()
    assert found(DeviceClass.GPU, "nvidia", "").precisions == frozenset()
    assert found(DeviceClass.GPU, "iluvatar", "Iluvatar BI-V100").known_as == "Iluvatar BI-V100"
    assert found(DeviceClass.GPU, "nvidia", "Quadro P400").record(0).model == "Quadro P400"


def test_a_printed_name_means_its_own_row_alone() -> None:
    names = [found(DeviceClass.GPU, "nvidia", f"NVIDIA H200{end}").known_as for end in ("", " NVL")]
    assert names == ["NVIDIA H200 SXM 141GB", ""]


def test_of_several_rows_the_one_of_most_words_is_meant() -> None:
    names = [found(DeviceClass.GPU, "nvidia", f"NVIDIA GeForce RTX 4090{end}").known_as for end in (" D", "")]
    assert names == ["NVIDIA RTX 4090 D", "NVIDIA RTX 4090"]


@pytest.mark.parametrize(
    ("vendor", "model", "watts"), [("nvidia", "NVIDIA A100-SXM4-80GB", 400), ("nvidia", "Unheard-of 9", None)]
)
def test_the_board_power_of_a_known_model_is_told_and_never_guessed(
    vendor: str, model: str, watts: float | None
) -> None:
    device = found(DeviceClass.GPU, vendor, model)
    assert device.board_power_w == watts
    assert device.record(0).power_mw == (watts or 0) * 1000


def processors(*models: str, cores: int | None = 64, threads: int | None = 128) -> Processors:
    return Processors(architecture="x86_64", vendor="AMD", models=models, sockets=1, cores=cores, threads=threads)


def test_a_thread_draws_its_part_of_what_a_socket_draws() -> None:
    milan = "AMD EPYC 7763 64-Core Processor"
    assert catalogued_processors(processors(milan)).thread_power_w == 280 / 128
    assert catalogued_processors(processors(milan, cores=2, threads=2)).thread_power_w == 280 / 64


@pytest.mark.parametrize(
    "shown",
    [
        processors("AMD EPYC 7003 64-Core Processor"),
        processors("AMD EPYC 7763 64-Core Processor", cores=None),
        processors("AMD EPYC 7763 64-Core Processor", threads=None),
        processors("AMD EPYC 7763 64-Core Processor", "AMD EPYC 9654 96-Core Processor"),
        processors(),
    ],
)
def test_what_a_processor_draws_is_not_guessed(shown: Processors) -> None:
    assert catalogued_processors(shown) == shown
