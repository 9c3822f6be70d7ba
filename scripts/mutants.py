"""Change the kernel in small ways, one at a time, and see whether its tests notice: ``make mutants M=reserve``.

Cosmic Ray makes the changes (``mutations``), in a copy of what git knows of; the loops are not compiled, so that a test
sees a change at once. Decorators are left alone (all they do is compile), and so are comparisons by identity, which are
no different between small numbers. A change that all tests pass is printed; equivalent ones are among these.

Each change is tried in a process that is forked from one that has loaded all but the kernel, the module's own tests
first, up to the first that fails. ``J=1`` leaves processors to others.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOL = ROOT / ".mutants" / "bin" / "python"
CORE = "src/suanli/kernel/scheduling/core"
ROOM = "tests/unit/kernel/scheduling"
UNITS = ("feasible", "feasible_refresh", "reserve", "reserve_kept", "reserve_beside", "preempt")
SCENARIOS = ("feasible", "place", "reserve", "preempt", "windows", "explain")
TESTS = [
    *(f"{ROOM}/core/test_{name}.py" for name in UNITS),
    *(f"{ROOM}/test_{name}.py" for name in SCENARIOS),
    f"{ROOM}/core/test_replay_at_random.py",
    f"{ROOM}/test_at_random.py",
]
"""The quick ones first; what is lived through at random is only for changes that these do not notice."""
LEFT_ALONE = ("RemoveDecorator", "_Is", "_IsNot")
CENTERS, DAYS = 5, 400
"""Random centers, and random days, that are lived through for a change that the other tests do not notice."""
PATIENCE_S = 60
"""Seconds of processor time after which a loop is taken to be endless, which is noticed."""
LOADED = ("_pytest.assertion.rewrite", "hypothesis.strategies", "numba", "numpy", "pydantic")
ENVIRONMENT = {
    "NUMBA_DISABLE_JIT": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "SUANLI_CENTERS": str(CENTERS),
    "SUANLI_DAYS": str(DAYS),
    "SUANLI_HYPOTHESIS": "unshrunk",
}

_trees: list[Path] = []


def copy(tree: Path) -> None:
    """A copy of the files that git knows of, or would."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)


def begin(folder: Path) -> None:
    """Make a tree for one process, in which it has loaded what no change touches, and all bytecode is written."""
    tree = Path(tempfile.mkdtemp(dir=folder))
    copy(tree)
    os.chdir(tree)
    sys.path.insert(0, str(tree / "src"))
    for name in LOADED:
        importlib.import_module(name)
    for path in sorted((tree / "src/suanli/model").glob("*.py")):
        importlib.import_module(f"suanli.model.{path.stem}")
    _trees.append(tree)
    in_child(["--collect-only"], keeps_compiled=True)


def is_noticed(module: str, text: str | None) -> bool:
    """Tell whether some test fails where the module has that text instead; without one it stays as it is."""
    path = _trees[-1] / CORE / f"{module}.py"
    if text is not None:
        path.write_text(text, encoding="utf-8")
        for written in (path.parent / "__pycache__").glob(f"{module}.*"):
            written.unlink()
    # It lives through the same centers again, only to count what they meet.
    return in_child(["-k", "not meet_everything", *sorted(TESTS, key=lambda name: f"/test_{module}" not in name)])


def in_child(words: list[str], *, keeps_compiled: bool = False) -> bool:
    """Tell whether pytest, asked so in a process of its own, finds a fault or no end."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    answer = 1
    try:
        sys.dont_write_bytecode = not keeps_compiled
        resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE_S, PATIENCE_S))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        answer = int(pytest.main(["-x", "-q", "-p", "pytest_timeout", "-p", "no:cacheprovider", *words]))
    finally:
        os._exit(answer)


def judge(module: str, folder: Path, workers: int) -> tuple[int, int]:
    """Try all changes of one module; print those that live, and return how many there are and how many died."""
    words = [str(TOOL), str(ROOT / "scripts" / "mutations.py"), str(ROOT / CORE / f"{module}.py"), *LEFT_ALONE]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    changes = [json.loads(line) for line in told.splitlines()]
    context = multiprocessing.get_context("fork")
    with context.Pool(workers, begin, (folder,)) as pool:
        if pool.apply(is_noticed, (module, None)):
            sys.exit("its tests fail as it is")
        alive = 0
        noticed = pool.imap(partial(is_noticed, module), [text for _, _, text in changes])
        for (name, line, _), died in zip(changes, noticed, strict=True):
            if not died:
                alive += 1
                print(f"{CORE}/{module}.py:{line}: {name}", flush=True)
    return len(changes), len(changes) - alive


def main() -> None:
    """Judge the modules named."""
    os.environ |= ENVIRONMENT
    workers = int(os.environ.get("J") or os.cpu_count() or 1)
    for module in sys.argv[1:] or ["feasible", "reserve", "preempt"]:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            count, died = judge(module, Path(folder), workers)
        passed = (time.monotonic() - started) / 60
        print(f"{module}: {died} of {count} changes were noticed, {100 * died / count:.1f} %, {passed:.0f} min")


if __name__ == "__main__":
    main()
