"""Change the kernel in small ways, one at a time, and see whether its tests notice: ``make mutants M=reserve``.

Cosmic Ray makes the changes, in a copy of what git knows of; the loops are not compiled, so that a test sees a change
at once. Decorators are left alone (all they do is compile), and so are comparisons by identity, which are no different
between small numbers. A change that all tests pass is printed; equivalent ones are among these.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOL = ROOT / ".mutants" / "bin" / "cosmic-ray"
PYTHON = ROOT / ".venv" / "bin" / "python"
CORE = "src/suanli/kernel/scheduling/core"
TESTS = [
    f"tests/unit/kernel/scheduling/{name}.py"
    for name in (
        "test_feasible",
        "test_place",
        "test_reserve",
        "test_preempt",
        "test_windows",
        "core/test_replay_at_random",
        "test_explain",
        "test_at_random",
    )
]
LEFT_ALONE = ("RemoveDecorator", "_Is", "_IsNot")
CENTERS, DAYS = 5, 400
"""Random centers, and random days, that are lived through for a change that the other tests do not notice."""


def judge(module: str, folder: Path) -> tuple[int, int]:
    """Try all changes of one module; print those that live, and return how many there are and how many died."""
    tree, session = folder / "tree", folder / "session.sqlite"
    copy(tree)
    config = folder / "config.toml"
    config.write_text(told(module))
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": str(tree / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "SUANLI_CENTERS": str(CENTERS),
        "SUANLI_DAYS": str(DAYS),
        "SUANLI_HYPOTHESIS": "unshrunk",
    }
    ask("baseline", str(config), folder=tree, environment=environment)
    ask("init", str(config), str(session), folder=tree, environment=environment)
    with sqlite3.connect(session) as database:
        for ending in LEFT_ALONE:
            of_operator = "SELECT job_id FROM mutation_specs WHERE operator_name LIKE ? ESCAPE '!'"
            like = ("%" + ending.replace("_", "!_"),)
            database.execute(f"DELETE FROM work_items WHERE job_id IN ({of_operator})", like)  # noqa: S608
            database.execute("DELETE FROM mutation_specs WHERE operator_name LIKE ? ESCAPE '!'", like)
    ask("exec", str(config), str(session), folder=tree, environment=environment)
    with sqlite3.connect(session) as database:
        found = database.execute(
            "SELECT operator_name, start_pos_row, occurrence, test_outcome"
            " FROM mutation_specs JOIN work_results USING (job_id)"
        ).fetchall()
    alive = [row for row in found if row[3] == "SURVIVED"]
    for operator, line, occurrence, _ in sorted(alive, key=lambda row: row[1]):
        print(f"{CORE}/{module}.py:{line}: {operator.partition('/')[2]} ({occurrence})")
    return len(found), len(found) - len(alive)


def copy(tree: Path) -> None:
    """A copy of the files that git knows of."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)


def told(module: str) -> str:
    """The tool's configuration."""
    words = [str(PYTHON), "-m", "pytest", "-x", "-q", "-p", "pytest_timeout", "-p", "no:cacheprovider", *TESTS]
    # It lives through the same centers again, only to count what they meet.
    words += ["-k", "not meet_everything"]
    return (
        f'[cosmic-ray]\nmodule-path = "{CORE}/{module}.py"\ntimeout = 60.0\nexcluded-modules = []\n'
        f'test-command = "{shlex.join(words)}"\n[cosmic-ray.distributor]\nname = "local"\n'
    )


def ask(*words: str, folder: Path, environment: dict[str, str]) -> None:
    """Run the tool."""
    subprocess.run([str(TOOL), *words], cwd=folder, env=environment, check=True)


def main() -> None:
    """Judge the modules named, as many at a time as there are processors."""
    modules = sys.argv[1:] or ["feasible", "reserve", "preempt"]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        folders = [Path(folder) / module for module in modules]
        for each in folders:
            each.mkdir()
        for module, (count, died) in zip(modules, pool.map(judge, modules, folders), strict=True):
            print(f"{module}: {died} of {count} changes were noticed, {100 * died / count:.1f} %")


if __name__ == "__main__":
    main()
