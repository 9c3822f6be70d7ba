"""The checks of `make check` that are our own fail on what they are there for, and pass on its near miss."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LAWS = Path(__file__).resolve().parents[2] / "laws"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty git checkout."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def check(name: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Run one of the checks on a checkout."""
    return subprocess.run([sys.executable, LAWS / name, root], capture_output=True, text=True, check=False)


def python_function(lines: int) -> str:
    return "def planted():\n" + "    ...\n" * (lines - 1)


def c_function(lines: int) -> str:
    return "int planted(void) {\n" + "    ;\n" * (lines - 2) + "}\n"


@pytest.mark.parametrize(("name", "function"), [("a.py", python_function), ("a.c", c_function)])
def test_a_function_past_its_edge_fails(checkout: Path, name: str, function: Callable[[int], str]) -> None:
    (checkout / name).write_text(function(60), encoding="utf-8")
    assert check("lengths.py", checkout).returncode == 0

    (checkout / name).write_text(function(61), encoding="utf-8")
    report = check("lengths.py", checkout)
    assert report.returncode == 1
    assert f"61 {name}:1 planted  TOO LONG" in report.stdout


def test_a_module_past_its_edge_fails(checkout: Path) -> None:
    (checkout / "a.py").write_text("x = 1\n" * 500, encoding="utf-8")
    assert check("lengths.py", checkout).returncode == 0

    (checkout / "a.py").write_text("x = 1\n" * 501, encoding="utf-8")
    report = check("lengths.py", checkout)
    assert report.returncode == 1
    assert "501 a.py  TOO LONG" in report.stdout


# Put together here, because this file is itself among those the check reads.
OFFENCES = {
    "host": "https://" + "pypi" + ".org/project/suanli",
    "index": "https://" + "mirror.example/py/" + "simple/",
    "option": "--index" + "-url https://example",
    "setting": "UV_DEFAULT" + "_INDEX=https://example",
    "home": "cd /" + "root/suanli",
    "file": "file:" + "///opt/wheels",
}


@pytest.mark.parametrize("text", OFFENCES.values(), ids=OFFENCES)
def test_an_address_of_a_registry_or_of_one_machine_fails(checkout: Path, text: str) -> None:
    (checkout / "notes.md").write_text(f"First line.\n{text}\n", encoding="utf-8")
    report = check("addresses.py", checkout)
    assert report.returncode == 1
    assert report.stdout.startswith("notes.md:2: ")


def test_the_checkout_s_own_path_fails(checkout: Path) -> None:
    (checkout / "notes.md").write_text(f"see {checkout}/src\n", encoding="utf-8")
    assert check("addresses.py", checkout).returncode == 1


def test_plain_words_pass(checkout: Path) -> None:
    (checkout / "notes.md").write_text("PyPI has it; see /home/ada/run and a/simple/case.\n", encoding="utf-8")
    report = check("addresses.py", checkout)
    assert report.returncode == 0, report.stdout
