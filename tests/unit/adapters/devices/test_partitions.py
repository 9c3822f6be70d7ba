"""The catalogue's templates keep to their form, every number has a source, and they are those that makers publish."""

import tomllib
from typing import Any

import pytest

from suanli.adapters.devices.models_known import MODELS
from suanli.adapters.devices.partitions_known import TEMPLATES, templates_of
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Partition
from suanli.model.partitions import MAX_SLICES, MAX_TEMPLATES, THOUSANDTHS, PartitionTemplate, held_slices, still_fits

DEVICES: list[dict[str, Any]] = tomllib.loads(TEMPLATES.read_text("utf-8"))["devices"]
MIB = 1024 * 1024


def test_form() -> None:
    for device in DEVICES:
        is_placed = "slices" in device
        own = {"slices"} if is_placed else {"cores", "cpus"}
        assert own <= set(device) <= own | {"of", "source", "templates", "step"}, device["of"]
        assert 0 < len(device["templates"]) <= MAX_TEMPLATES
        assert not is_placed or device["slices"] <= MAX_SLICES
        for template in device["templates"]:
            of_places = {"size", "starts"} if is_placed else {"cpus"}
            assert set(template) == {"name", "memory_mib", "compute", *of_places}, template["name"]


def test_no_number_without_a_source_and_none_is_zero_but_a_start() -> None:
    for device in DEVICES:
        assert device["source"].strip(), device["of"]
        for template in device["templates"]:
            numbers = [template[name] for name in ("memory_mib", "size", "cpus") if name in template]
            assert all(number > 0 for number in [*numbers, *template["compute"]]), template["name"]
            assert all(0 <= start <= device["slices"] - template["size"] for start in template.get("starts", ()))


def test_templates_are_of_models_that_the_catalogue_has_and_no_model_stands_twice() -> None:
    rows = tomllib.loads(MODELS.read_text("utf-8"))["models"]
    known = {f"{row['vendor']} {row['name']}": row for row in rows}
    names = [name for device in DEVICES for name in device["of"]]
    assert len(set(names)) == len(names)
    assert set(names) <= set(known)
    for device in DEVICES:
        for name in device["of"]:
            memory_mib = known[name]["mem_gb"] * 1024
            assert all(template["memory_mib"] <= memory_mib for template in device["templates"]), name


def test_a_name_means_one_part_of_every_model_that_has_it_and_of_no_other() -> None:
    parts: dict[str, set[int]] = {}
    for device in DEVICES:
        for template in device["templates"]:
            some, every = template["compute"]
            parts.setdefault(template["name"], set()).add(1000 * some // every)
    assert {name: {thousandths} for name, thousandths in THOUSANDTHS.items()} == parts


def test_all_parts_of_a_device_are_never_more_than_it() -> None:
    for device in DEVICES:
        for model in device["of"]:
            for one in templates_of(model):
                assert 0 < one.fitting(0) * one.thousandths <= 1000


@pytest.mark.parametrize(
    ("model", "fits"),
    [
        # As `nvidia-smi mig -lgip` prints the total of instances.
        ("NVIDIA A100 SXM4 80GB", {"1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1}),
        ("NVIDIA A100 SXM4 40GB", {"1g.5gb": 7, "1g.10gb": 4, "2g.10gb": 3, "3g.20gb": 2, "4g.20gb": 1, "7g.40gb": 1}),
        ("NVIDIA H100 PCIe 80GB", {"1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1}),
        ("NVIDIA A30", {"1g.6gb": 4, "2g.12gb": 2, "4g.24gb": 1}),
        # By cores, or by cpus where these end first.
        ("Huawei Ascend 310P3", {"vir01": 7, "vir02": 3, "vir02_1c": 4, "vir04": 1, "vir04_3c": 2}),
        ("Huawei Ascend 910B3", {"vir05_1c_16g": 4, "vir10_3c_32g": 2}),
        ("Huawei Ascend 910B2", {"vir03_1c_8g": 6, "vir06_1c_16g": 4, "vir12_3c_32g": 2}),
    ],
)
def test_how_many_parts_an_empty_device_has(model: str, fits: dict[str, int]) -> None:
    assert {one.name: one.fitting(0) for one in templates_of(model)} == fits


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("A30", "NVIDIA A30"),
        ("H100", "NVIDIA H100 SXM5 80GB"),
        ("Ascend 310P3", "Huawei Ascend 310P3"),
        # Of 40 and of 80 GB.
        ("A100", ""),
        ("A100 80GB", "NVIDIA A100 PCIe 80GB"),
        ("Tesla T4", ""),
        ("H200", ""),
    ],
)
def test_a_model_may_be_named_by_some_words_if_all_that_they_mean_are_parted_alike(name: str, meant: str) -> None:
    assert templates_of(name) == (templates_of(meant) if meant else ())
    assert bool(templates_of(name)) == bool(meant)


def test_what_still_fits_is_told_by_template() -> None:
    ways = templates_of("NVIDIA A100 SXM4 80GB")
    # A 3g at the second half leaves half of everything.
    assert still_fits(ways, 0b1111_0000, is_shared=False) == {
        "1g.10gb": 4,
        "1g.20gb": 2,
        "2g.20gb": 2,
        "3g.40gb": 1,
        "4g.40gb": 1,
        "7g.80gb": 0,
    }
    assert set(still_fits(ways, 0, is_shared=True).values()) == {0}
    assert held_slices(0b1011) == [0, 1, 3]


def found(*partitions: Partition) -> DiscoveredDevice:
    return DiscoveredDevice(index=0, device_class=DeviceClass.GPU, vendor="nvidia", model="A100", partitions=partitions)


def instance(number: int, profile: str, memory_mib: int | None) -> Partition:
    memory = None if memory_mib is None else memory_mib * MIB
    return Partition(uuid=f"MIG-{number}", profile=profile, memory_bytes=memory)


def test_a_device_offers_the_parts_that_its_tool_tells_and_is_then_nobodys_whole() -> None:
    device = found(instance(0, "2g.20gb", 19968), instance(1, "1g.10gb", 9856), instance(2, "1g.10gb", 9728))
    assert [part.uuid for part in device.parts] == ["MIG-1", "MIG-2", "MIG-0"]
    record = device.record(4)
    assert record.is_parted
    assert record.partitions == (
        PartitionTemplate(name="1g.10gb", memory_bytes=9728 * MIB, size=1, starts=(0, 1)),
        PartitionTemplate(name="2g.20gb", memory_bytes=19968 * MIB, size=1, starts=(2,)),
    )


def test_a_part_of_which_too_little_is_told_is_not_offered_and_the_device_is_parted_all_the_same() -> None:
    nameless = Partition(profile="1g.10gb", memory_bytes=MIB)
    device = found(instance(0, "1g.10gb+me", 9856), instance(1, "1g.10gb", None), nameless)
    assert (device.parts, device.record(0).partitions, device.record(0).is_parted) == ((), (), True)


def test_a_device_without_parts_is_whole() -> None:
    assert (found().record(0).partitions, found().record(0).is_parted) == ((), False)
