"""Recipes are followed to the letter, in a copy of the house."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
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
