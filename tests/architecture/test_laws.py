"""Each law of the house catches its violation: planted in a copy of the source, judged by the real linter."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAIN = ".importlinter"
AT_RUN_TIME = "laws/at_run_time.ini"


@dataclass(frozen=True)
class Plant:
    """A violation: files to write under `src`, and the contract that must break."""

    contract: str
    files: dict[str, str]
    config: str = MAIN
    case: str = field(default="")

    def __str__(self) -> str:
        return "-".join(filter(None, (self.contract, self.case)))


def room(path: str, text: str = "") -> dict[str, str]:
    """Return the files of a new package at `path` under suanli, its parents included."""
    parts = path.split("/")
    parents = {f"suanli/{'/'.join(parts[:depth])}/__init__.py": "" for depth in range(1, len(parts))}
    return {**parents, f"suanli/{path}/__init__.py": text}


PLANTS = [
    Plant("floors", {"suanli/kernel/planted.py": "import suanli.ports\n"}, case="sideways"),
    Plant("floors", {"suanli/testing/planted.py": "from suanli import loops\n"}, case="upwards"),
    Plant("floors", room("annex"), case="unknown-room"),
    Plant("services", {**room("services/one", "import suanli.services.two\n"), **room("services/two")}),
    Plant("adapters", {**room("adapters/one", "import suanli.adapters.two\n"), **room("adapters/two")}),
    Plant(
        "engines",
        {**room("adapters/engines/one", "import suanli.adapters.engines.two\n"), **room("adapters/engines/two")},
    ),
    Plant(
        "vendors",
        {
            **room("adapters/devices/vendors/one", "import suanli.adapters.devices.vendors.two\n"),
            **room("adapters/devices/vendors/two"),
        },
    ),
    Plant("adapters-kernel", room("adapters/planted", "import suanli.kernel\n")),
    Plant("wiring-adapters", {"suanli/api/planted.py": "import suanli.adapters\n"}),
    Plant("client", {"suanli_cli/planted.py": "import suanli.model\n"}),
    Plant(
        "circles",
        {"suanli/model/one.py": "import suanli.model.two\n", "suanli/model/two.py": "import suanli.model.one\n"},
    ),
    Plant("time-and-chance", {"suanli/model/planted.py": "import time\n"}, case="time"),
    Plant("time-and-chance", {"suanli/ports/planted.py": "import asyncio\n"}, case="asyncio"),
    Plant("kernel-outside", {"suanli/kernel/planted.py": "import os\n"}),
    Plant("bare", {"suanli/ports/planted.py": "import numpy\n"}),
    Plant("kernel-libraries", {"suanli/kernel/planted.py": "import orjson\n"}),
    Plant("client-libraries", {"suanli_cli/planted.py": "import requests\n"}),
    Plant("web-framework", {"suanli/loops/planted.py": "import starlette\n"}),
    Plant("database-toolkit", {"suanli/adapters/planted.py": "from sqlalchemy import orm\n"}),
    Plant("solver", {"suanli/kernel/planted.py": "import highspy\n"}),
    Plant("report-libraries", {"suanli/loops/planted.py": "import pyarrow\n"}),
    Plant("kernel-types", {"suanli/loops/planted.py": "import suanli.kernel\n"}, config=AT_RUN_TIME),
]


def duplicate(root: Path) -> Path:
    """Copy into `root` what the import laws are about."""
    for tree in ("src", "laws"):
        shutil.copytree(ROOT / tree, root / tree, ignore=shutil.ignore_patterns("__pycache__", "suanli-supervise*"))
    shutil.copy(ROOT / MAIN, root / MAIN)
    return root


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the house to plant in."""
    return duplicate(tmp_path)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool]]:
    """The verdicts on the house as it stands, by configuration."""
    root = duplicate(tmp_path_factory.mktemp("house"))
    return {config: verdicts(root, config) for config in (MAIN, AT_RUN_TIME)}


def write(base: Path, files: dict[str, str]) -> None:
    """Write the files, leaving a package's `__init__.py` alone where the house already has it."""
    for name, text in files.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text or not path.exists():
            path.write_text(text, encoding="utf-8")


def verdicts(root: Path, config: str) -> dict[str, bool]:
    """Run import-linter on the copy: contract's id -> kept."""
    process = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", config],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = re.findall(r"^(.+) (KEPT|BROKEN)$", process.stdout, re.MULTILINE)
    kept = {name.strip(): word == "KEPT" for name, word in lines}
    judged = {contract: kept[name] for contract, name in contracts(root, config)}
    assert process.returncode == (0 if all(judged.values()) else 1), process.stdout + process.stderr
    return judged


def contracts(root: Path, config: str) -> Iterator[tuple[str, str]]:
    """Yield the id and the name of each contract of a configuration."""
    parser = ConfigParser()
    parser.read(root / config, encoding="utf-8")
    for section in parser.sections():
        if section.startswith("importlinter:contract:"):
            yield section.rpartition(":")[2], parser[section]["name"]


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_a_planted_violation_breaks_its_contract_alone(
    copy: Path, plant: Plant, house: dict[str, dict[str, bool]]
) -> None:
    write(copy / "src", plant.files)
    changed = {
        contract for contract, kept in verdicts(copy, plant.config).items() if kept != house[plant.config][contract]
    }
    assert changed == {plant.contract}


@pytest.mark.parametrize("config", [MAIN, AT_RUN_TIME])
def test_every_contract_has_its_planted_violation(config: str) -> None:
    planted = {plant.contract for plant in PLANTS if plant.config == config}
    assert planted == {contract for contract, _ in contracts(ROOT, config)}


@pytest.mark.parametrize("config", [MAIN, AT_RUN_TIME])
def test_the_house_keeps_its_laws(house: dict[str, dict[str, bool]], config: str) -> None:
    assert {contract for contract, kept in house[config].items() if not kept} == set()


def test_types_alone_may_be_taken_from_the_kernel(copy: Path) -> None:
    guarded = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import suanli.kernel\n"
    write(copy / "src", {"suanli/api/planted.py": guarded})
    assert verdicts(copy, AT_RUN_TIME)["kernel-types"]


def test_no_contract_has_an_ignore_list() -> None:
    for config in (MAIN, AT_RUN_TIME):
        assert not re.search(r"ignore", (ROOT / config).read_text(encoding="utf-8").replace("no ignore list", ""))
