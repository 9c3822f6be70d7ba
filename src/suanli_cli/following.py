"""Following work to its end: what it prints, where it stands, and the exit code that speaks for it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Literal, NamedTuple, Protocol

from suanli_cli.answers import FINAL_STATES, Shown, WorkloadFields
from suanli_cli.client import Chunk, Client
from suanli_cli.errors import CliError, NotFound

StreamName = Literal["stdout", "stderr"]
STREAMS: tuple[StreamName, ...] = ("stdout", "stderr")

SECOND_INTERRUPT_S = 5.0
"""How soon a second Ctrl-C must follow the first to cancel."""
_FIRST_LOOK_S, _SLOWEST_LOOK_S = 0.05, 1.0
_WITH_OUTPUT = frozenset({"running", "ending", *FINAL_STATES})


def exit_code(workload: WorkloadFields) -> int:
    """What a shell would say of the work.

    Its own exit code; 128 + signal, 124 out of time, 137 out of memory,
    130 cancelled; 1 where it never ran or was lost.
    """
    state = workload["state"]
    if state == "timeout":
        return 124
    if state == "out_of_memory":
        return 137
    if state == "cancelled":
        return 130
    if state == "failed" and workload["signal"]:
        return 128 + workload["signal"]
    code = workload["exit_code"]
    if state == "completed":
        return code or 0
    return code if state == "failed" and code is not None and code > 0 else 1


class Audience(Protocol):
    """Who is shown what happens while a workload is followed."""

    def state(self, workload: Shown) -> None:
        """It stands so now; said again and again."""

    def output(self, stream: StreamName, chunk: Chunk) -> None:
        """It wrote this."""

    def interrupted(self, *, cancels: bool) -> None:
        """Ctrl-C was pressed; ``cancels`` says that this one cancels the workload."""


class _Output(NamedTuple):
    stream: StreamName
    chunk: Chunk


class _Ended(NamedTuple):
    error: CliError | None


class _Interrupt(NamedTuple):
    at: float


_Message = _Output | _Ended | _Interrupt


@dataclass(slots=True)
class Follower:
    """Follows one workload through all its runs. Ctrl-C twice within `SECOND_INTERRUPT_S` cancels it."""

    client: Client
    ref: str
    audience: Audience
    now: Callable[[], float] = time.monotonic
    _inbox: SimpleQueue[_Message] = field(default_factory=SimpleQueue)
    _attempt: int = 0
    _open: int = 0
    _interrupted_at: float = float("-inf")

    def follow(self) -> Shown:
        """Follow to a final state with all output shown, and return the workload as it then stands.

        Raises:
            CliError: the server said no, or is gone; the work goes on without us.
        """
        pause = _FIRST_LOOK_S
        with self._interrupts():
            while True:
                workload = self.client.show(self.ref)
                self.audience.state(workload)
                if workload["attempt"] > self._attempt and workload["state"] in _WITH_OUTPUT and not self._open:
                    self._listen(workload["attempt"])
                if workload["state"] in FINAL_STATES and not self._open:
                    return workload
                pause = _FIRST_LOOK_S if self._attend(pause) else min(pause * 1.5, _SLOWEST_LOOK_S)

    def _listen(self, attempt: int) -> None:
        self._attempt = attempt
        for stream in STREAMS:
            self._open += 1
            threading.Thread(target=self._pump, args=(stream, attempt), daemon=True).start()

    def _pump(self, stream: StreamName, attempt: int) -> None:
        error: CliError | None = None
        try:
            for chunk in self.client.follow_log(self.ref, stream, run=attempt):
                self._inbox.put(_Output(stream, chunk))
        except NotFound:
            pass  # a run that was never launched has no log
        except CliError as found:
            error = found
        finally:
            self._inbox.put(_Ended(error))

    def _attend(self, pause: float) -> bool:
        """Handle messages until there have been none for ``pause`` seconds or the output has ended: then True."""
        until = self.now() + pause
        while (left := until - self.now()) > 0:
            try:
                message = self._inbox.get(timeout=left)
            except Empty:
                return False
            match message:
                case _Output(stream, chunk):
                    self.audience.output(stream, chunk)
                case _Ended(error):
                    self._open -= 1
                    if error is not None:
                        raise error
                    if not self._open:
                        return True
                case _Interrupt(at):
                    self._interrupt(at)
        return False

    def _interrupt(self, at: float) -> None:
        cancels = at - self._interrupted_at <= SECOND_INTERRUPT_S
        self._interrupted_at = at
        self.audience.interrupted(cancels=cancels)
        if cancels:
            # A third one leaves at once, as everywhere.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.client.change(self.ref, "cancel")

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        # As a message and not as an exception, so that no request is ever torn in the middle.
        before = signal.signal(signal.SIGINT, lambda *_: self._inbox.put(_Interrupt(self.now())))
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
