"""Which device files belong to which card: what drivers tell, and nothing where they do not tell all."""

from __future__ import annotations

from pathlib import Path

import pytest

from suanli.adapters.devices.device_files import files_of
from suanli.adapters.devices.vendors_known import Files, known

ADDRESS = "0000:17:00.0"
RULES = {vendor.name: vendor.files for vendor in known()}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def entry(root: Path, kind: str, name: str, file: str, address: str = ADDRESS) -> None:
    write(root / "sys/bus/pci/devices" / address / kind / name / "uevent", f"MAJOR=226\nMINOR=0\nDEVNAME={file}\n")


def minor(root: Path, text: str) -> None:
    write(root / "proc/driver/nvidia/gpus" / ADDRESS / "information", text)


def test_nvidias_driver_tells_the_minor_of_each_card(tmp_path: Path) -> None:
    minor(tmp_path, "Model: \t\t NVIDIA A100-SXM4-80GB\nIRQ:   \t\t 130\nDevice Minor: \t 3\nGPU Excluded:\t No\n")
    assert files_of(tmp_path, ADDRESS, RULES["nvidia"]) == (f"{tmp_path}/dev/nvidia3",)
    entry(tmp_path, "drm", "card1", "dri/card1")
    entry(tmp_path, "drm", "renderD128", "dri/renderD128")
    entry(tmp_path, "drm", "card2", "dri/card2", address="0000:65:00.0")
    found = [f"{tmp_path}/dev/{name}" for name in ("nvidia3", "dri/card1", "dri/renderD128")]
    assert files_of(tmp_path, ADDRESS, RULES["nvidia"]) == tuple(found)


@pytest.mark.parametrize("text", ["", "Model: A100\n", "Device Minor:\n", "Device Minor: ../../../etc/passwd\n"])
def test_what_is_told_in_part_is_not_told(tmp_path: Path, text: str) -> None:
    entry(tmp_path, "drm", "card1", "dri/card1")
    assert files_of(tmp_path, ADDRESS, RULES["nvidia"]) == ()
    minor(tmp_path, text)
    assert files_of(tmp_path, ADDRESS, RULES["nvidia"]) == ()


def test_cambricons_driver_tells_the_whole_path(tmp_path: Path) -> None:
    told = "Device name: MLU370-X8\nDevice inode path: /dev/cambricon_dev2\nDevice Major: 239\n"
    write(tmp_path / "proc/driver/cambricon/mlus" / ADDRESS / "information", told)
    assert files_of(tmp_path, ADDRESS, RULES["cambricon"]) == (f"{tmp_path}/dev/cambricon_dev2",)


@pytest.mark.parametrize(("vendor", "kind"), [("amd", "drm"), ("intel", "drm"), ("gaudi", "accel")])
def test_the_kernel_shows_the_entries_of_a_card(tmp_path: Path, vendor: str, kind: str) -> None:
    assert files_of(tmp_path, ADDRESS, RULES[vendor]) == ()
    entry(tmp_path, kind, "one", f"{kind}/one")
    entry(tmp_path, "hwmon", "hwmon3", "hwmon3")
    assert files_of(tmp_path, ADDRESS, RULES[vendor]) == (f"{tmp_path}/dev/{kind}/one",)


def test_of_a_vendor_without_a_rule_nothing_is_known(tmp_path: Path) -> None:
    entry(tmp_path, "drm", "card1", "dri/card1")
    assert files_of(tmp_path, ADDRESS, RULES["huawei"]) == ()
    assert files_of(tmp_path, "", Files(classes=("drm",))) == ()
