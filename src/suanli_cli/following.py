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
from suanli_cli.errors import CliError, NotFound, Unavailable, Unreachable

StreamName = Literal["stdout", "stderr"]
STREAMS: tuple[StreamName, ...] = ("stdout", "stderr")

SECOND_INTERRUPT_S = 5.0
"""How soon a second Ctrl-C must follow the first to cancel."""
PATIENCE_S = 60.0
"""How long a server may be away while work is followed: time to restart it."""
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


@dataclass(slots=True)
class Watch:
    """Looks at one workload again and again, through restarts of the server."""

    client: Client
    ref: str
    now: Callable[[], float] = time.monotonic
    _answered_at: float | None = None

    def look(self) -> Shown | None:
        """It as it stands; None where the server is away, but not for longer than `PATIENCE_S`.

        Raises:
            CliError: the server said no, is away too long, or has not answered at all yet.
        """
        try:
            workload = self.client.show(self.ref)
        except (Unreachable, Unavailable):
            if self._answered_at is None or self.now() - self._answered_at > PATIENCE_S:
                raise
            return None
        self._answered_at = self.now()
        return workload


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
        watch = Watch(self.client, self.ref, self.now)
        with self._interrupts():
            while True:
                workload = watch.look()
                if workload is not None and self._takes_in(workload):
                    return workload
                pause = _FIRST_LOOK_S if self._attend(pause) else min(pause * 1.5, _SLOWEST_LOOK_S)

    def _takes_in(self, workload: Shown) -> bool:
        """Take in how it stands; True when it has ended and all its output was shown."""
        self.audience.state(workload)
        if workload["attempt"] > self._attempt and workload["state"] in _WITH_OUTPUT and not self._open:
            self._listen(workload["attempt"])
        return workload["state"] in FINAL_STATES and not self._open

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
