"""The catalogue's device models keep to their form: every number has a source, and no model stands twice."""

import tomllib

from suanli.adapters.devices.vendors_known import CATALOG

TEXTS = {"name", "vendor", "class", "architecture", "basis", "confidence", "source", "notes"}
RATES = {"fp64", "fp64_matrix", "fp32", "tf32", "bf16", "fp16", "fp8", "int8"}
NUMBERS = RATES | {"mem_gb", "mem_bw_gbs", "tdp_w"}

MODELS = tomllib.loads((CATALOG.parent / "models.toml").read_text("utf-8"))["models"]


def test_form() -> None:
    for model in MODELS:
        assert set(model) <= TEXTS | NUMBERS, model["name"]
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
