"""Who watches a followed workload: a person at a terminal, or a program that reads JSON lines."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from suanli_cli import text
from suanli_cli.answers import Shown
from suanli_cli.client import Chunk
from suanli_cli.following import SECOND_INTERRUPT_S, StreamName
from suanli_cli.language import say

_WAITS = frozenset({"held", "blocked", "waiting"})
_ASK_AGAIN_S = 5.0
_CLEAR = "\r\x1b[2K"


class Terminal:
    """Passes the work's output through and keeps one line of progress on stderr.

    Where stderr is no terminal the line is printed once per state. ``why`` says why the workload waits.
    """

    def __init__(self, *, quiet: bool, why: Callable[[], str], now: Callable[[], float] = time.monotonic) -> None:
        self._quiet = quiet
        self._why = why
        self._now = now
        self._live = sys.stderr.isatty() and not quiet
        self._last_state = ""
        self._reason = ""
        self._asked_at = float("-inf")
        self._drawn = False
        self._midline = False

    def state(self, workload: Shown) -> None:
        changed = workload["state"] != self._last_state
        self._last_state = workload["state"]
        if self._quiet or not (changed or self._live):
            return
        line = self._line(workload)
        if self._live and not self._midline:
            from rich.cells import set_cell_size

            width = shutil.get_terminal_size().columns - 1
            self._tell(_CLEAR + set_cell_size(line, width).rstrip())
            self._drawn = True
        elif not self._live:
            self._tell(f"{line}\n")

    def output(self, stream: StreamName, chunk: Chunk) -> None:
        self._clear()
        to = sys.stdout if stream == "stdout" else sys.stderr
        to.write(chunk.text)
        to.flush()
        self._midline = not chunk.text.endswith("\n")

    def interrupted(self, *, cancels: bool) -> None:
        self._clear()
        self._tell(say("run.cancelling" if cancels else "run.ask", seconds=int(SECOND_INTERRUPT_S)) + "\n")

    def close(self, workload: Shown) -> None:
        """Say how it ended, unless it simply completed and everybody could see that."""
        self._clear()
        if not self._quiet and workload["state"] != "completed":
            words = {"id": workload["id"], "state": text.state(workload["state"]), "remark": text.remark(workload)}
            self._tell(say("run.ended", **words).rstrip() + "\n")

    def _line(self, workload: Shown) -> str:
        waits = workload["state"] in _WAITS
        elapsed = text.between(workload["submitted_at"] if waits else workload["started_at"], workload["ended_at"])
        line = (
            f"{workload['id']} {workload['name']}: {text.state(workload['state'])} {elapsed.removeprefix('-')}".rstrip()
        )
        if not waits:
            return f"{line} ({', '.join(workload['nodes'])})" if workload["nodes"] else line
        if self._now() - self._asked_at >= _ASK_AGAIN_S:
            self._reason, self._asked_at = self._why(), self._now()
        return f"{line}: {self._reason}" if self._reason else line

    def _clear(self) -> None:
        if self._drawn:
            self._tell(_CLEAR)
            self._drawn = False

    def _tell(self, words: str) -> None:
        sys.stderr.write(words)
        sys.stderr.flush()


class JsonLines:
    """Prints one JSON object per line: ``event`` says what it is, ``data`` is the API's own JSON."""

    def __init__(self) -> None:
        self._last_state = ""

    def state(self, workload: Shown) -> None:
        if workload["state"] != self._last_state:
            self._last_state = workload["state"]
            self.line("state", dict(workload))

    def output(self, stream: StreamName, chunk: Chunk) -> None:
        self.line(stream, chunk._asdict())

    def interrupted(self, *, cancels: bool) -> None:
        self.line("interrupted", {"cancels": cancels})

    def close(self, workload: Shown) -> None:
        """Print the workload as it ended."""
        self.line("ended", dict(workload))

    def line(self, event: str, data: Mapping[str, Any]) -> None:
        """Print one line."""
        sys.stdout.write(json.dumps({"event": event, "data": data}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
