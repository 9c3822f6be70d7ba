"""Recipes are followed to the letter, in a copy of the house."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NAMING = """
from suanli.adapters.devices.models_known import catalogued, name_of
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice
device = catalogued(DiscoveredDevice(index=0, device_class=DeviceClass.NPU, vendor="acme", model="Acme A1"))
print(name_of("acde:0001", ""), name_of("acde:0002", "acde:00a1"), device.known_as, sep="\\n")
print(device.rates["bf16"], device.board_power_w)
"""
"""What a program says of a model by its identities, its board's and its printed name, and of its rate and power."""
_BLOCK = re.compile(r"^( *)```\w+\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def written(recipe: str) -> dict[str, str]:
    """The files that a recipe has one write, by the path in the first line of each of its blocks."""
    found = {}
    for match in _BLOCK.finditer((ROOT / "docs/recipes" / recipe).read_text("utf-8")):
        first, _, rest = textwrap.dedent(match[2]).partition("\n")
        found[first.removeprefix("# ")] = rest
    return found


def test_a_vendor_is_one_parser_one_file_of_facts_and_its_tests(tmp_path: Path) -> None:
    files = written("add-a-vendor.md")
    assert sorted(files) == [
        "src/suanli/adapters/devices/vendors/acme.py",
        "src/suanli/catalog/devices/vendors/acme.toml",
        "tests/dialogues/test_acme.py",
    ]
    shutil.copytree(ROOT / "src/suanli", tmp_path / "src/suanli", ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in files.items():
        assert not (ROOT / path).exists()
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}

    suite = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    passed = subprocess.run(suite, env=environment, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "4 passed" in passed.stdout

    probe = [sys.executable, "-m", "suanli.wiring.main", "probe", "--explain"]
    explained = subprocess.run(
        probe, env={**environment, "LANG": "C"}, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert "acme" in explained.stdout


def test_a_device_model_is_a_row(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src/suanli", tmp_path / "suanli", ignore=shutil.ignore_patterns("__pycache__"))
    [(path, row)] = written("add-a-device-model.md").items()
    with (tmp_path / path.removeprefix("src/")).open("a", encoding="utf-8") as catalogue:
        catalogue.write(f"\n{row}")
    named = subprocess.run(
        [sys.executable, "-c", _NAMING],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert named.stdout.splitlines() == ["Acme A1 64GB"] * 3 + ["200000 300"]
