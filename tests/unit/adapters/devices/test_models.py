"""The catalogue's device models keep to their form: every number has a source, and no model stands twice."""

import tomllib

import pytest

from suanli.adapters.devices.models_known import with_precisions
from suanli.adapters.devices.vendors_known import CATALOG
from suanli.model.discovery import DiscoveredDevice
from suanli.model.spec import DeviceClass

TEXTS = {"name", "vendor", "class", "architecture", "basis", "confidence", "source", "notes"}
RATES = {"fp64", "fp64_matrix", "fp32", "tf32", "bf16", "fp16", "fp8", "int8"}
NUMBERS = RATES | {"mem_gb", "mem_bw_gbs", "tdp_w"}

MODELS = tomllib.loads((CATALOG.parent / "models.toml").read_text("utf-8"))["models"]


def test_form() -> None:
    for model in MODELS:
        assert set(model) <= TEXTS | NUMBERS | {"printed"}, model["name"]
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


def found(device_class: DeviceClass, vendor: str, model: str) -> DiscoveredDevice:
    return with_precisions(DiscoveredDevice(index=0, device_class=device_class, vendor=vendor, model=model))


@pytest.mark.parametrize(
    ("device_class", "vendor", "model", "native", "not_native"),
    [
        (DeviceClass.GPU, "nvidia", "NVIDIA A100-SXM4-80GB", {"fp64", "bf16", "tf32", "int8"}, {"fp8"}),
        (DeviceClass.GPU, "nvidia", "NVIDIA H100 80GB HBM3", {"fp64", "bf16", "fp8"}, set()),
        (DeviceClass.GPU, "nvidia", "Tesla T4", {"fp16"}, {"bf16", "fp8"}),
        (DeviceClass.GPU, "amd", "MI300X", {"fp64", "fp8"}, set()),
        (DeviceClass.NPU, "huawei", "910A", {"fp16"}, {"fp64"}),
    ],
)
def test_a_printed_name_finds_its_row(
    device_class: DeviceClass, vendor: str, model: str, native: set[str], not_native: set[str]
) -> None:
    precisions = found(device_class, vendor, model).precisions
    assert native <= precisions
    assert not precisions & not_native


def test_an_unknown_model_promises_nothing() -> None:
    assert found(DeviceClass.GPU, "nvidia", "Quadro P400").precisions == frozenset()
    assert found(DeviceClass.NPU, "nvidia", "Tesla T4").precisions == frozenset()
    assert found(DeviceClass.GPU, "nvidia", "").precisions == frozenset()
    with_d, without = (found(DeviceClass.GPU, "nvidia", name).precisions for name in ("RTX 4090 D", "RTX 4090"))
    assert with_d
    assert without
