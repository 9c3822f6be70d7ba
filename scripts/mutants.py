"""Change the kernel in small ways, one at a time, and see whether its tests notice: ``make mutants M=reserve``.

Cosmic Ray makes the changes (``mutations``); the loops are not compiled, so that a test sees a change at once.
Decorators are left alone (all they do is compile), and so are comparisons by identity, which are no different between
small numbers. Only the unit tests that are named after the module are asked: others may notice more. A change that all
of them pass is printed; equivalent ones are among these.

The tests are loaded once. Each change is made in memory, in a process that is forked from there, and lives as long as
no test fails, of those that call the function that it is in. ``J=1`` leaves processors to others.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType, FunctionType

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOL = ROOT / ".mutants" / "bin" / "python"
CORE = "suanli.kernel.scheduling.core"
ROOM = "tests/unit/kernel/scheduling/core"
LEFT_ALONE = ("RemoveDecorator", "_Is", "_IsNot")
PATIENCE = 4
"""A test that takes so many times its processor time, and a second more, is taken to be in an endless loop: noticed."""


class Trials:
    """Instead of running the tests it collected, pytest tries every change of a module on them."""

    def __init__(self, module: str) -> None:
        self.module, self.count, self.died = importlib.import_module(f"{CORE}.{module}"), 0, 0
        path = str(self.module.__file__)
        words = [str(TOOL), str(ROOT / "scripts" / "mutations.py"), path, *LEFT_ALONE]
        told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        self._changes: list[tuple[str, int, str]] = [json.loads(line) for line in told.splitlines()]
        self._at, self._path = os.path.relpath(path, ROOT), path
        self._names: dict[int, str] = {}
        self._callers: dict[str, list[int]] = {}
        self._seconds: list[float] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try them all, as many at a time as may be."""
        text = Path(self._path).read_text(encoding="utf-8")
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        of_line = {line: one.name for one in functions for line in range(one.lineno, (one.end_lineno or 0) + 1)}
        if not self._find_callers(session, text):
            return True
        for name, line, changed in self._changes:
            while len(self._names) >= int(os.environ.get("J") or os.cpu_count() or 1):
                self._wait()
            function = of_line.get(line, "")
            asked = self._callers.get(function, []) if function else [*range(len(session.items))]
            self._names[self._fork(session, asked, changed)] = f"{self._at}:{line}: {name}"
        while self._names:
            self._wait()
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One test that fails is enough."""
        if report.failed:
            os._exit(1)

    def _wait(self) -> None:
        child, status = os.wait()
        name = self._names.pop(child)
        self.count += 1
        self.died += int(status != 0)
        if status == 0:
            print(name, flush=True)

    def _find_callers(self, session: pytest.Session, text: str) -> bool:
        """Run all tests on the module as it is, and see which of its functions each calls; False where one fails."""
        with tempfile.NamedTemporaryFile() as told:
            child = self._fork(session, [*range(len(session.items))], text, told.name)
            if os.waitpid(child, 0)[1] != 0:
                return False
            for place, (seconds, called) in enumerate(json.loads(Path(told.name).read_text(encoding="utf-8"))):
                self._seconds.append(seconds)
                for function in called:
                    self._callers.setdefault(function, []).append(place)
        return True

    def _fork(self, session: pytest.Session, asked: list[int], text: str, told: str = "") -> int:
        """Run some of the tests in a process of its own, after a change of the module."""
        sys.stdout.flush()
        child = os.fork()
        if child:
            return child
        answer, found = 1, list[tuple[float, list[str]]]()
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            self._change(text)
            for place, following in zip(asked, [*asked[1:], None], strict=True):
                names = self._watch() if told else set[str]()
                if not told:
                    signal.setitimer(signal.ITIMER_PROF, 1 + PATIENCE * self._seconds[place])
                item, after = session.items[place], None if following is None else session.items[following]
                started = time.process_time()
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
                found.append((time.process_time() - started, sorted(names)))
            if told:
                Path(told).write_text(json.dumps(found), encoding="utf-8")
            answer = 0
        finally:
            os._exit(answer)

    def _watch(self) -> set[str]:
        """Gather from now on the names of the module's functions that are called."""
        names = set[str]()

        def see(frame: FrameType, _: str, __: object) -> None:
            if frame.f_code.co_filename == self._path:
                names.add(frame.f_code.co_name)

        sys.setprofile(see)
        return names

    def _change(self, text: str) -> None:
        """Let the module's functions, whoever imported them, do what those of a text do."""
        made: dict[str, object] = {"__name__": self.module.__name__}
        exec(compile(text, self._path, "exec"), made)  # noqa: S102  the text is our own, but for one change
        for name, value in made.items():
            former = getattr(self.module, name, None)
            if isinstance(value, FunctionType) and isinstance(former, FunctionType):
                if value.__module__ == self.module.__name__:
                    former.__code__, former.__defaults__ = value.__code__, value.__defaults__
            elif isinstance(value, int | float):
                setattr(self.module, name, value)


def main() -> None:
    """Judge the modules named."""
    modules = sys.argv[1:] or ["feasible", "reserve", "preempt"]
    if len(modules) > 1:
        # Each in a process of its own, for what is loaded stays so.
        for module in modules:
            subprocess.run([sys.executable, __file__, module], check=True)
        return
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as storage:
        os.environ |= {
            "HYPOTHESIS_STORAGE_DIRECTORY": storage,
            "NUMBA_DISABLE_JIT": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "SUANLI_HYPOTHESIS": "unshrunk",
        }
        started, trials = time.monotonic(), Trials(modules[0])
        files = sorted(str(path) for path in Path(ROOM).glob(f"test_{modules[0]}*.py"))
        pytest.main(["-p", "pytest_timeout", "-p", "no:cacheprovider", "-qq", "-s", *files], plugins=[trials])
    if not trials.count:
        sys.exit(f"{modules[0]}: its tests fail as it is")
    of_all, minutes = 100 * trials.died / trials.count, (time.monotonic() - started) / 60
    print(f"{modules[0]}: {trials.died} of {trials.count} changes were noticed, {of_all:.1f} %; {minutes:.0f} min")


if __name__ == "__main__":
    main()
